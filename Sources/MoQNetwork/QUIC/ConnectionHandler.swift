/// What happens on a connection, told to whoever uses it.
///
/// Subclass it and override what matters. Every method runs on the connection's loop, one at a time, and
/// may write, open, reset and close at will: nothing is sent before the tick ends, so a burst of calls
/// leaves in few packets. `connection.handler` may be replaced at any time, from within a call too; the
/// replacement is told what happens next. A stream may have a handler of its own, `stream.handler`, which is
/// told what happens on it from then on.
///
/// The order is fixed: `connected` comes first, `closed(_:_:)` of the connection comes last and exactly
/// once, also when the handshake fails (`connected` is not called then).
open class ConnectionHandler {
  public init() {}

  /// The handshake is complete: `connection.alpn` is known, streams may be opened.
  open func connected(_ connection: QUICConnection) {}

  /// The peer opened `stream`. Its first bytes follow in `received`.
  open func opened(_ stream: QUICStream) {}

  /// The next bytes of `stream`, in order. They are borrowed: copy what must outlive the call.
  ///
  /// The peer's credit is not given back until `stream.consumed(_:)` says that the bytes have left
  /// memory. `fin` is true for the last bytes of the stream, which may be none.
  open func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, fin: Bool) {}

  /// The peer gave up sending on `stream` (RESET_STREAM). Nothing more is received on it.
  open func wasReset(_ stream: QUICStream, code: UInt64) {}

  /// The peer reads no more of `stream` (STOP_SENDING). What was queued is gone; QUIC has answered with a reset.
  open func wasStopped(_ stream: QUICStream, code: UInt64) {}

  /// `sent` queued bytes of `stream` went into packets since the last call; `stream.unsent` are left.
  open func drained(_ stream: QUICStream, sent: Int) {}

  /// The peer has acknowledged every byte of `stream` and its end.
  open func acknowledged(_ stream: QUICStream) {}

  /// Both halves of `stream` are over. It is not used again.
  open func closed(_ stream: QUICStream) {}

  /// A datagram of the peer. It is borrowed: copy what must outlive the call.
  open func received(datagram: UnsafeRawBufferPointer) {}

  /// `connection.maximumDatagramSize` changed, or a full datagram queue has room again.
  open func datagramRoomChanged(_ connection: QUICConnection) {}

  /// The peer has opened `QUICOptions.maximumReceivedStreams` streams. Called once.
  ///
  /// The connection should be replaced: a little later the peer gets no credit for further streams.
  open func streamCapReached(_ connection: QUICConnection) {}

  /// All that arrived in this tick has been told. Called once a tick, before packets are written.
  open func afterBatch(_ connection: QUICConnection) {}

  /// The endpoint is about to close the connection: what is written now is the last that may be sent.
  open func endpointCloses(_ connection: QUICConnection) {}

  /// Whether the end of the connection could still overtake what the peer has to learn first.
  open var awaitsPeer: Bool { false }

  /// The connection is over. Its streams are dead; no further call follows.
  open func closed(_ connection: QUICConnection, _ reason: ConnectionClose) {}
}

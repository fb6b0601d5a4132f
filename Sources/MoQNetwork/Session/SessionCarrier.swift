import MoQKernel

/// What carries a session: a QUIC connection of its own, or one of the WebTransport sessions on a connection.
///
/// The streams of both are QUIC streams, whose bytes go from the connection straight to the session's
/// driver and back. Only what differs passes through here: how streams begin, how codes are written, what
/// is before a datagram, and how the session ends.
public class SessionCarrier {
  public let kind: TransportKind
  /// The subprotocol that was agreed on, where there are subprotocols.
  public internal(set) var subprotocol: String?
  /// What a client asked for, where that is said before the session begins.
  public internal(set) var path: String?
  public internal(set) var authority: String?
  let connection: QUICConnection?
  /// Which of several sessions on the connection it is: the number of its request's stream; 0: the first, or the only one.
  var number: Int64 { 0 }

  init(_ kind: TransportKind, _ connection: QUICConnection?) { (self.kind, self.connection) = (kind, connection) }

  /// The most bytes a datagram may have now; 0: none can be sent.
  var maximumDatagramSize: Int { 0 }

  /// Opens a stream of the session; nil: the session is over.
  func open(bidirectional: Bool, priority: SendPriority) -> QUICStream? { nil }
  /// The code of a reset or of a stop, as it is written on the wire.
  func wireCode(_ code: UInt64) -> UInt64 { code }
  /// The code that the peer meant; nil: the stream ends with its session, whose end will be told.
  func code(onWire code: UInt64) -> UInt64? { code }
  func send(datagram: Bytes) {}
  /// Ends the session: what is queued is sent and acknowledged before, for as long as patience lasts.
  func close(code: UInt64, reason: String) {}
}

/// A connection that carries one session, and nothing else.
final class QUICCarrier: SessionCarrier {
  init(_ connection: QUICConnection) { super.init(.quic, connection) }

  override var maximumDatagramSize: Int { connection?.maximumDatagramSize ?? 0 }
  override func open(bidirectional: Bool, priority: SendPriority) -> QUICStream? {
    connection?.open(bidirectional: bidirectional, priority: priority)
  }
  override func send(datagram: Bytes) { connection?.send(datagram: datagram) }
  override func close(code: UInt64, reason: String) { connection?.close(code: code, reason: reason) }
}

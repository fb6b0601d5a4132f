import CQuic
import MoQKernel

/// One stream of a connection. Touched on the connection's loop only.
public final class QUICStream {
  /// The stream's QUIC id, or -1 while it waits for the peer's permission to be opened.
  @exclusivity(unchecked) public internal(set) var id: Int64 = -1
  public internal(set) var isBidirectional: Bool
  /// Whether this side opened it.
  public internal(set) var isLocal: Bool
  public unowned(unsafe) let connection: QUICConnection
  /// A slot for its user.
  public var tag: UInt64 = 0
  /// Who is told what happens on this stream, in place of the connection's handler. May be replaced at any time.
  @exclusivity(unchecked) public var handler: ConnectionHandler?
  /// Bytes queued and not yet in a packet.
  @exclusivity(unchecked) public internal(set) var unsent = 0
  /// Whether both halves are over.
  public internal(set) var isClosed = false

  @exclusivity(unchecked) var storedPriority = SendPriority.normal
  /// Where it is in the send queue, or -1, and whose turn it is among equals.
  @exclusivity(unchecked) var place = -1
  @exclusivity(unchecked) var turn: UInt64 = 0
  @exclusivity(unchecked) var chunks = ChunkQueue()
  /// Bytes handed over by its user, and acknowledged by the peer.
  @exclusivity(unchecked) var written: UInt64 = 0
  @exclusivity(unchecked) var acknowledged: UInt64 = 0
  /// Packetised since the user was last told.
  @exclusivity(unchecked) var newlySent = 0
  /// Bytes at the beginning that are not its user's, and are not counted in what the user is told.
  @exclusivity(unchecked) var unsentHeader = 0

  /// The sending half: an end is queued; is in a packet, by itself or with the last bytes; nothing more can be sent.
  @exclusivity(unchecked) var endQueued = false
  @exclusivity(unchecked) var endSent = false
  var endSentAlone = false
  @exclusivity(unchecked) var sendingIsOver = false
  @exclusivity(unchecked) var isBlocked = false
  var wasStopped = false
  var toldAcknowledged = false

  /// The receiving half: nothing more will come.
  @exclusivity(unchecked) var receivingIsOver = false
  /// Received bytes whose credit the peer has not got back, and such credit that is gathered before it is granted.
  @exclusivity(unchecked) var unreturned = 0
  @exclusivity(unchecked) var credit = 0
  /// What to do when a waiting stream gets its id.
  var stopWhenOpened: UInt64?

  init(connection: QUICConnection, bidirectional: Bool, local: Bool) {
    (self.connection, isBidirectional, isLocal) = (connection, bidirectional, local)
    sendingIsOver = !local && !bidirectional
    receivingIsOver = local && !bidirectional
  }

  /// Makes a pooled stream new.
  func renew(bidirectional: Bool, local: Bool) {
    (id, isBidirectional, isLocal, tag, unsent, isClosed) = (-1, bidirectional, local, 0, 0, false)
    (storedPriority, place, turn, written, acknowledged, newlySent) = (.normal, -1, 0, 0, 0, 0)
    (endQueued, endSent, endSentAlone, isBlocked, wasStopped, toldAcknowledged) = (
      false, false, false, false, false, false
    )
    (unreturned, credit, stopWhenOpened, handler, unsentHeader) = (0, 0, nil, nil, 0)
    sendingIsOver = !local && !bidirectional
    receivingIsOver = local && !bidirectional
  }

  /// When its bytes are sent, among the connection's streams. May change at any time.
  public var priority: SendPriority {
    get { storedPriority }
    set {
      storedPriority = newValue
      if place >= 0 { connection.sendQueue.moved(self) }
    }
  }

  /// Whether something can still be written.
  public var isWritable: Bool { !sendingIsOver && !endQueued }

  /// Queues `bytes`; the memory is shared, not copied, and let go when the peer has acknowledged it.
  ///
  /// Ignored once the sending half is over: the peer may have stopped the stream a moment ago.
  public func write(_ bytes: consuming Bytes) {
    let count = bytes.count
    guard count > 0, !sendingIsOver, !endQueued else { return }
    chunks.append(bytes)
    unsent &+= count
    written &+= UInt64(count)
    connection.schedule(self)
  }

  /// Queues what the transport puts before the bytes of the stream's user: `drained` does not count it.
  func write(header: Bytes) {
    guard !sendingIsOver, !endQueued else { return }
    unsentHeader &+= header.count
    write(header)
  }

  /// Whether the peer has acknowledged all that was written, or nothing of it matters any more.
  var isSettled: Bool { sendingIsOver || (unsent == 0 && acknowledged == written && (!endQueued || toldAcknowledged)) }

  /// Ends the sending half after what is queued (FIN).
  public func finish() {
    guard !sendingIsOver, !endQueued else { return }
    endQueued = true
    connection.schedule(self)
  }

  /// Gives up sending (RESET_STREAM); what is queued is dropped.
  public func reset(_ code: UInt64) {
    guard !sendingIsOver else { return }
    connection.reset(self, code)
  }

  /// Asks the peer to stop sending (STOP_SENDING); nothing more is received, and all credit is given back.
  public func stop(_ code: UInt64) { connection.stop(self, code) }

  /// Gives the peer back the credit for `count` received bytes, at most for as many as were received.
  ///
  /// A user who lets go of a stream before having consumed it calls `stop` instead, also after its end.
  public func consumed(_ count: Int) {
    let count = min(max(count, 0), unreturned)
    guard count > 0 else { return }
    unreturned &-= count
    connection.returnCredit(count, of: self)
  }

  @inline(__always) var hasSomethingToSend: Bool { unsent > 0 || (endQueued && !endSent) }
}

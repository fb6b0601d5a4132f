import CQuic
import MoQKernel

/// One QUIC connection. Touched on its loop only.
///
/// What is written, opened, reset and acknowledged within a tick leaves together at its end.
public final class QUICConnection: LoopMember {
  public let loop: Loop
  /// Who is told what happens. May be replaced at any time.
  public var handler: ConnectionHandler
  public let isServer: Bool
  /// The application protocol that was agreed on; empty before `connected`.
  public internal(set) var alpn = ""
  /// The destination connection id of the client's first packet, which names the connection in traces of both sides
  /// (RFC 9000 §7.3); empty while a client's host is looked up.
  public internal(set) var originalID: [UInt8] = []
  /// The peer's address, after a migration its new one; nil while a name is looked up.
  public internal(set) var peerAddress: SocketAddress?
  public internal(set) var localAddress: SocketAddress?

  /// Leads to: open (handshake complete), closed (failed).
  /// - open: leads to closing (this side closes), closed (the peer did, or it is lost).
  /// - closing: what is queued is still sent; leads to closed.
  enum State { case starting, open, closing, closed }
  @exclusivity(unchecked) var state = State.starting
  /// Whether the handshake is complete and neither side has closed the connection.
  public var isOpen: Bool { state == .open }

  let core: LoopCore
  let options: QUICOptions
  /// The endpoint while the connection is alive; it outlives that.
  unowned(unsafe) let endpoint: QUICEndpoint
  var keptEndpoint: QUICEndpoint?
  @exclusivity(unchecked) var library: OpaquePointer?
  var tls: UnsafeMutablePointer<cq_tls>?
  var context: TLSContext?
  let writer: UnsafeMutablePointer<cq_writer>
  let path: UnsafeMutablePointer<cq_path>
  /// A client's own; a server's are its endpoint's.
  var sockets: [UDPSocket] = []
  var routes: [CIDKey] = []
  var timer: LoopTimer?
  var client: ClientAttempt?

  @exclusivity(unchecked) var streams = StreamTable()
  @exclusivity(unchecked) var sendQueue = SendQueue()
  /// Streams with nothing but their end to send: it costs no credit and goes first.
  @exclusivity(unchecked) var bareEnds: [QUICStream] = []
  var waitingUnidirectional = Queue<QUICStream>()
  var waitingBidirectional = Queue<QUICStream>()
  @exclusivity(unchecked) var pool: [QUICStream] = []
  @exclusivity(unchecked) var drained: [QUICStream] = []
  /// Streams whose end is told at the end of the tick.
  var ended: [QUICStream] = []
  /// The peer's connection credit is used up.
  @exclusivity(unchecked) var isBlocked = false
  @exclusivity(unchecked) var credit = 0
  var receivedStreams: UInt64 = 0
  var capIsReached = false
  var capWasTold = false
  @exclusivity(unchecked) var hasNews = false
  /// Streams that wait for the peer's credit.
  @exclusivity(unchecked) var blockedStreams = 0

  var datagrams = Queue<OutgoingDatagram>()
  @exclusivity(unchecked) var prefersStream = false
  /// The most bytes a datagram may have now; 0 if the peer takes none.
  public internal(set) var maximumDatagramSize = 0
  var datagramsWereFull = false

  var closing: Closing?
  var failure: ConnectionClose?
  /// The network said that the peer cannot be reached; acted upon at the end of the tick.
  var pendingFailure: ConnectionClose?
  /// How long the connection's ids live on after its end, in nanoseconds.
  var lastPeriod: UInt64 = 0
  /// An accepted connection whose handshake is under way.
  var countsAsHandshake = false
  var wantsMigration = false
  var migrationAttempts = 0
  var sawStatelessReset = false
  var offeredVersions: [UInt32]?
  /// The packet that answers whatever still arrives, and how many arrived.
  var farewell: [UInt8] = []
  var afterwards = 0
  /// What the kernel did not take: packets, in the way they were to be sent.
  var held: HeldPackets?
  var numbers = ConnectionStatistics()
  var lossesOfEndedStreams: UInt64 = 0

  init(endpoint: QUICEndpoint, handler: ConnectionHandler, isServer: Bool, options: QUICOptions) {
    (self.endpoint, keptEndpoint, self.handler, self.isServer, self.options) = (
      endpoint, endpoint, handler, isServer, options
    )
    (loop, core) = (endpoint.loop, endpoint.loop.core)
    writer = core.packets.writer
    path = .allocate(capacity: 1)
    path.initialize(to: cq_path())
    keepAlive = options.keepAlive
    super.init()
    Self.useCallbacks()
    timer = LoopTimer(core: core) { [unowned self] in timerFired() }
  }

  deinit {
    timer?.invalidate()
    streams.removeAll()
    if let library { ngtcp2_conn_del(library) }
    cq_tls_free(tls)
    path.deallocate()
  }

  // MARK: Streams

  /// Opens a stream. If the peer allows none at the moment it waits its turn; what is written is queued.
  public func open(bidirectional: Bool, priority: SendPriority = .normal) -> QUICStream {
    let stream = newStream(bidirectional: bidirectional, local: true)
    stream.storedPriority = priority
    guard state != .closed else {
      (stream.isClosed, stream.sendingIsOver, stream.receivingIsOver) = (true, true, true)
      return stream
    }
    if bidirectional { waitingBidirectional.append(stream) } else { waitingUnidirectional.append(stream) }
    openWaiting(bidirectional)
    return stream
  }

  /// Calls `body` with every stream that is alive, those included that wait to be opened. `body` may end them.
  func forEachStream(_ body: (QUICStream) -> Void) {
    var all: [QUICStream] = []
    streams.forEach { all.append($0) }
    for stream in [waitingBidirectional.all, waitingUnidirectional.all].joined() where !stream.isClosed {
      all.append(stream)
    }
    for stream in all { body(stream) }
  }

  /// Streams that wait for the peer's permission to be opened.
  public var waitingStreams: Int { waitingUnidirectional.count + waitingBidirectional.count }

  /// Streams that are open, both kinds, both directions.
  public var openStreams: Int { streams.count }

  func newStream(bidirectional: Bool, local: Bool) -> QUICStream {
    guard let stream = pool.popLast() else {
      return QUICStream(connection: self, bidirectional: bidirectional, local: local)
    }
    stream.renew(bidirectional: bidirectional, local: local)
    return stream
  }

  /// Opens as many waiting streams as the peer allows.
  func openWaiting(_ bidirectional: Bool) {
    guard let library, state == .open || (state == .closing) else { return }
    while let stream = bidirectional ? waitingBidirectional.first : waitingUnidirectional.first {
      if !stream.isClosed {
        var id: Int64 = -1
        let result =
          bidirectional
          ? ngtcp2_conn_open_bidi_stream(library, &id, nil) : ngtcp2_conn_open_uni_stream(library, &id, nil)
        guard result == 0 else { return }
        stream.id = id
        ngtcp2_conn_set_stream_user_data(library, id, streams.insert(stream))
        if let code = stream.stopWhenOpened { stop(stream, code) }
        schedule(stream)
      }
      if bidirectional { waitingBidirectional.removeFirst() } else { waitingUnidirectional.removeFirst() }
    }
  }

  /// Puts `stream` where the writer finds it, if it has something to send and may.
  @inline(__always)
  func schedule(_ stream: QUICStream) {
    guard stream.id >= 0, stream.hasSomethingToSend, !stream.sendingIsOver else { return }
    if stream.unsent > 0 {
      if stream.place < 0, !stream.isBlocked { sendQueue.insert(stream) }
    } else {
      bareEnds.append(stream)
    }
    core.mark(self)
  }

  func reset(_ stream: QUICStream, _ code: UInt64) {
    dropSending(stream)
    if let library, stream.id >= 0 {
      cq_reset_stream(library, stream.id, code)
      core.mark(self)
    } else if stream.id < 0, !stream.isClosed {
      // It never reached the wire, and never will.
      (stream.isClosed, stream.receivingIsOver) = (true, true)
      ended.append(stream)
      core.mark(self)
    }
  }

  /// The sending half is over: nothing more goes out but what the library may have to repeat.
  func dropSending(_ stream: QUICStream) {
    stream.sendingIsOver = true
    stream.unsent = 0
    if stream.isBlocked {
      stream.isBlocked = false
      blockedStreams &-= 1
    }
    stream.chunks.dropUnsent()
    sendQueue.remove(stream)
  }

  func stop(_ stream: QUICStream, _ code: UInt64) {
    forgive(stream)
    guard !stream.receivingIsOver else { return }
    if stream.id < 0 {
      stream.stopWhenOpened = code
      return
    }
    stream.receivingIsOver = true
    guard let library else { return }
    cq_stop_stream(library, stream.id, code)
    if !stream.isLocal, !stream.isBidirectional { retireReceived(stream) }
    core.mark(self)
  }

  /// Gives back the credit for everything that was received and not consumed.
  func forgive(_ stream: QUICStream) {
    guard stream.unreturned > 0 else { return }
    let count = stream.unreturned
    stream.unreturned = 0
    returnCredit(count, of: stream)
  }

  @inline(__always)
  func returnCredit(_ count: Int, of stream: QUICStream) {
    credit &+= count
    guard let library else { return }
    if credit >= Int(clamping: options.connectionWindow / 8) {
      ngtcp2_conn_extend_max_offset(library, UInt64(credit))
      credit = 0
      core.mark(self)
    }
    guard !stream.receivingIsOver, !stream.isClosed else { return }
    stream.credit &+= count
    if stream.credit >= Int(clamping: options.streamWindow / 8) {
      ngtcp2_conn_extend_max_stream_offset(library, stream.id, UInt64(stream.credit))
      stream.credit = 0
      core.mark(self)
    }
  }

  // MARK: Datagrams

  /// Queues a datagram. False if it can never be sent: too large, or the peer takes none.
  ///
  /// Datagrams and streams take turns. If `QUICOptions.datagramQueue` wait already, the oldest is dropped.
  @discardableResult
  public func send(datagram: Bytes, header: DatagramHeader = DatagramHeader()) -> Bool {
    guard state == .open, datagram.count &+ header.count <= maximumDatagramSize, maximumDatagramSize > 0 else {
      return false
    }
    if datagrams.count >= max(options.datagramQueue, 1) {
      datagrams.removeFirst()
      numbers.datagramsDropped &+= 1
      datagramsWereFull = true
    }
    datagrams.append(OutgoingDatagram(header: header, payload: datagram))
    core.mark(self)
    return true
  }

  /// Datagrams that wait to be sent.
  public var queuedDatagrams: Int { datagrams.count }

  /// Follows the path's packet size; true if it changed.
  func updateDatagramSize() -> Bool {
    guard let library else { return false }
    let taken = Int(clamping: cq_remote_datagram_size(library))
    var size = 0
    if taken > 0 {
      // Short header with the longest connection id and packet number, the tag; frame type and length.
      let room = Int(ngtcp2_conn_get_path_max_tx_udp_payload_size(library)) - (1 + 20 + 4 + 16) - 3
      size = max(0, min(room, taken - 3))
    }
    guard size != maximumDatagramSize else { return false }
    maximumDatagramSize = size
    return true
  }

  // MARK: The connection

  /// A PING is sent after this much silence; nil: never.
  public var keepAlive: Duration? {
    didSet { applyKeepAlive() }
  }

  func applyKeepAlive() {
    guard let library else { return }
    // Zero means never to every version; older ones overflow on anything huge.
    ngtcp2_conn_set_keep_alive_timeout(library, keepAlive.map { min($0.nanoseconds, 1 << 60) } ?? 0)
    core.mark(self)
  }

  /// Client: moves to another local port, as if the network had changed. Nothing happens before the handshake is confirmed.
  public func migrate() {
    guard !isServer, state == .open else { return }
    (wantsMigration, migrationAttempts) = (true, 0)
    core.mark(self)
  }

  public var statistics: ConnectionStatistics {
    var result = numbers
    guard let library else { return result }
    var now = cq_statistics()
    cq_get_statistics(library, &now)
    result.smoothedRTT = .nanoseconds(Int64(clamping: now.srtt))
    result.minimumRTT = now.min_rtt == .max ? .zero : .nanoseconds(Int64(clamping: now.min_rtt))
    (result.congestionWindow, result.bytesInFlight) = (now.cwnd, now.in_flight)
    if now.srtt > 0 { result.sendBitrate = UInt64(Double(now.cwnd) * 8e9 / Double(now.srtt)) }
    result.packetsLost = lossesOfEndedStreams
    streams.forEach { result.packetsLost &+= UInt64(ngtcp2_conn_get_stream_loss_count(library, $0.id)) }
    return result
  }

  // MARK: The loop

  override func tell() {
    guard state != .closed else { return }
    if state == .open,
      updateDatagramSize() || (datagramsWereFull && datagrams.count < max(options.datagramQueue / 2, 1))
    {
      datagramsWereFull = false
      handler.datagramRoomChanged(self)
    }
    if capIsReached, !capWasTold, state == .open {
      capWasTold = true
      handler.streamCapReached(self)
    }
    while !ended.isEmpty {
      var list: [QUICStream] = []
      swap(&list, &ended)
      for stream in list { (stream.handler ?? handler).closed(stream) }
      list.removeAll()
    }
    if hasNews {
      hasNews = false
      handler.afterBatch(self)
    }
  }

  override func flush() {
    if state == .closed { return cleanUp() }
    guard library != nil else {
      // Closed while its host's name was looked up.
      if state == .closing { finishWithoutLibrary() }
      return
    }
    if let reason = pendingFailure {
      pendingFailure = nil
      return attemptFailed(reason)
    }
    if wantsMigration { beginMigration() }
    write()
    tellDrained()
    finishClosing()
    if state == .closed { cleanUp() }
  }

  private func tellDrained() {
    guard !drained.isEmpty else { return }
    var list: [QUICStream] = []
    swap(&list, &drained)
    for stream in list {
      var sent = stream.newlySent
      stream.newlySent = 0
      if stream.unsentHeader > 0 {
        let header = min(stream.unsentHeader, sent)
        stream.unsentHeader &-= header
        sent &-= header
      }
      if state == .open, sent > 0 { (stream.handler ?? handler).drained(stream, sent: sent) }
    }
    list.removeAll(keepingCapacity: true)
    if drained.isEmpty { swap(&list, &drained) }
  }

  func timerFired() {
    guard let library, state != .closed else { return }
    let result = ngtcp2_conn_handle_expiry(library, core.now)
    switch result {
    case 0: break
    case NGTCP2_ERR_IDLE_CLOSE: return end(.idleTimeout)
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT: return attemptFailed(.handshakeTimeout(address: place))
    default: fail(result)
    }
    core.mark(self)
  }

  /// The peer in words.
  var place: String { peerAddress?.description ?? client?.host ?? "?" }
}

/// First in, first out.
struct Queue<Element> {
  /// What has left is nil, and goes when there is enough of it to be worth moving the rest.
  private var items: [Element?] = []
  private var head = 0
  var count: Int { items.count - head }
  var isEmpty: Bool { head == items.count }
  var first: Element? { head < items.count ? items[head] : nil }
  mutating func append(_ item: Element) { items.append(item) }
  mutating func removeFirst() {
    items[head] = nil
    head += 1
    if head == items.count {
      items.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64, head * 2 > items.count {
      items.removeFirst(head)
      head = 0
    }
  }
  var all: some Sequence<Element> { items[head...].lazy.compactMap { $0 } }
  mutating func removeAll() { (items, head) = ([], 0) }
}

/// Up to eight bytes before a datagram's payload, so that the payload need not be copied behind them.
public struct DatagramHeader: Sendable {
  /// The bytes, the first one lowest.
  let bytes: UInt64
  let count: Int

  /// No bytes.
  public init() { (bytes, count) = (0, 0) }

  /// The first eight of `source` at most.
  init(_ source: [UInt8]) {
    var bytes: UInt64 = 0
    for byte in source.prefix(8).reversed() { bytes = bytes << 8 | UInt64(byte) }
    (self.bytes, count) = (bytes, min(source.count, 8))
  }
}

/// A datagram that waits to be sent.
struct OutgoingDatagram {
  var header: DatagramHeader
  var payload: Bytes
  var count: Int { header.count &+ payload.count }
}

extension Duration {
  /// Nanoseconds, not below zero and not beyond what fits.
  var nanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0 else { return 0 }
    let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : whole &+ UInt64(max(attoseconds, 0) / 1_000_000_000)
  }
}

import MoQKernel

/// Whoever a session belongs to: told once a batch, on the loop.
open class SessionOwner {
  public init() {}

  /// Events wait in `driver.core`: drain them. What is asked of the session meanwhile leaves in the same batch.
  open func eventsWait(_ driver: SessionDriver) {}

  /// The transport wants the session to come to an end soon (WebTransport's DRAIN, HTTP/3's GOAWAY).
  open func drains(_ driver: SessionDriver) {}

  /// The session and its connection are over, and the last events have been drained.
  open func ended(_ driver: SessionDriver) {}
}

/// Joins a session to what carries it: feeds it with what arrives, and carries out what it wants.
///
/// Lives on the connection's loop. A batch is what one tick of the loop brings: the session is told the
/// time once, then all that happened; then its effects are carried out and its owner drains the events,
/// until neither has anything left. The connection sends after that, so a burst leaves in few packets.
public final class SessionDriver: ConnectionHandler {
  /// How many times owner and session may answer each other in a batch before packets have their turn.
  static let maximumRounds = 64
  /// How often the session hears of the bitrate, at most, in nanoseconds.
  static let measuringInterval: UInt64 = 1_000_000_000

  public let core: SessionCore
  public let loop: Loop
  /// The connection; nil before there is one and after it has ended.
  public internal(set) var connection: QUICConnection?
  /// What carries the session on the connection; nil before there is a connection and after it has ended.
  public internal(set) var carrier: SessionCarrier?
  public var owner: SessionOwner?
  /// Where the session leaves its trace; nil: nowhere. Set before the connection is there.
  public var traces: TraceDirectory?
  private var trace: SessionTrace?
  /// What names the session in traces of both sides: its connection's id in hexadecimal; for a further session of
  /// WebTransport on a connection, a hyphen and the number of its request's stream follow. Empty before there is one.
  public private(set) var name = ""
  /// Why the connection ended, once it has.
  public private(set) var closeReason: ConnectionClose?
  /// When the connection's handshake was complete; nil: not yet.
  public private(set) var connectedAt: Instant?
  /// How many streams the peer has opened.
  public private(set) var streamsReceived: UInt64 = 0

  /// Bytes that have arrived and for which the peer has got no credit, since nobody has taken them.
  public var withheldBytes: Int { slots.reduce(core.unconsumedBytes) { $0 + $1.kept } }

  // Asked with every effect, in single steps.
  @exclusivity(unchecked) private var slots: [Slot] = []
  private var tickedAt: UInt64 = 0
  private var measuredAt: UInt64 = 0
  private var timer: LoopTimer?
  private var isScheduled = false
  private var isWorking = false
  private var isOver = false
  /// The peer has opened as many streams as it may: the session closes when none of them is open.
  private var closesAtBoundary = false
  private var openIncoming = 0
  private var lastStatistics = TransportStatistics()

  /// What a key of the session stands for.
  private struct Slot {
    var key: StreamKey
    var stream: QUICStream?
    /// Credit is kept back while its consumer has too many objects waiting.
    var isHeld = false
    var kept = 0
  }

  public init(_ core: SessionCore, loop: Loop) {
    (self.core, self.loop) = (core, loop)
    super.init()
    core.onWork = { [unowned self] in self.schedule() }
  }

  /// Begins to connect. The owner hears of the outcome as of any other event.
  ///
  /// With a request the session is one of WebTransport, on a connection of its own; `alpns` do not count then.
  public func connect(
    on endpoint: QUICEndpoint, host: String, port: UInt16, serverName: String? = nil, alpns: [String], trust: TLSTrust,
    options: QUICOptions, request: WebTransportRequest? = nil
  ) {
    tick()
    core.connecting()
    var handler: ConnectionHandler = self
    if let request {
      let client = HTTP3Connection(loop: loop)
      handler = client
      client.connect(request, for: self, within: options.handshakeTimeout)
    }
    connection = endpoint.connect(
      host: host, port: port, serverName: serverName, alpns: request == nil ? alpns : [HTTP3Connection.alpn],
      trust: trust, options: options, handler: handler)
    schedule()
  }

  /// The time of this batch.
  public var now: Instant { Instant(nanoseconds: loop.now) }

  /// Tells the session the time. Called before a command that comes from outside a batch.
  @inline(__always)
  public func tick() {
    let time = loop.now
    guard time != tickedAt else { return }
    tickedAt = time
    core.ticked(at: Instant(nanoseconds: time))
  }

  // MARK: What happens on the connection

  public override func connected(_ connection: QUICConnection) { begin(on: connection, QUICCarrier(connection)) }

  /// There is a connection, and what carries the session on it.
  func begin(on connection: QUICConnection, _ carrier: SessionCarrier) {
    (self.connection, self.carrier) = (connection, carrier)
    tick()
    connectedAt = now
    measuredAt = loop.now
    name = JSON.hex(connection.originalID) + (carrier.number == 0 ? "" : "-\(carrier.number)")
    trace = traces?.begin(name, isServer: core.role == .server, at: now)
    core.tap = trace?.tap
    core.maximumDatagramSize = carrier.maximumDatagramSize
    core.connected(
      alpn: connection.alpn.isEmpty ? nil : connection.alpn, subprotocol: carrier.subprotocol, transport: carrier.kind,
      path: carrier.path, authority: carrier.authority)
  }

  public override func datagramRoomChanged(_ connection: QUICConnection) {
    if let carrier { core.maximumDatagramSize = carrier.maximumDatagramSize }
  }

  public override func opened(_ stream: QUICStream) {
    tick()
    streamsReceived &+= 1
    guard let key = core.opened(stream.isBidirectional ? .bidirectional : .unidirectional) else {
      stop(stream, 0)
      if stream.isBidirectional { reset(stream, 0) }
      return
    }
    if !stream.isBidirectional { openIncoming += 1 }
    bind(key, stream)
  }

  public override func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, fin: Bool) {
    guard let key = key(of: stream) else { return }
    tick()
    core.received(bytes, fin: fin, on: key)
    if fin { halfEnded(stream) }
  }

  public override func wasReset(_ stream: QUICStream, code: UInt64) {
    guard let key = key(of: stream), let code = carrier?.code(onWire: code) else { return }
    tick()
    core.wasReset(key, code: code)
    halfEnded(stream)
  }

  public override func wasStopped(_ stream: QUICStream, code: UInt64) {
    guard let key = key(of: stream), let code = carrier?.code(onWire: code) else { return }
    tick()
    core.wasStopped(key, code: code)
  }

  public override func drained(_ stream: QUICStream, sent: Int) {
    guard let key = key(of: stream) else { return }
    tick()
    core.drained(key, sent)
  }

  public override func acknowledged(_ stream: QUICStream) {
    guard let key = key(of: stream) else { return }
    tick()
    core.acknowledged(key)
  }

  public override func received(datagram: UnsafeRawBufferPointer) {
    tick()
    core.received(datagram: datagram)
  }

  public override func streamCapReached(_ connection: QUICConnection) {
    tick()
    do {
      try core.goAway(uri: "")
    } catch {
      // The dialect has no GOAWAY, or this side may not send it.
      closesAtBoundary = true
    }
  }

  public override func afterBatch(_ connection: QUICConnection) {
    if core.hasWork || closesAtBoundary { schedule() }
  }

  public override func closed(_ connection: QUICConnection, _ reason: ConnectionClose) { ended(reason) }

  /// What carried the session is no more.
  func ended(_ reason: ConnectionClose) {
    guard !isOver else { return }
    lastStatistics = statistics
    closeReason = reason
    tick()
    core.transportClosed(SessionEnd(reason))
    (connection, carrier) = (nil, nil)
    isOver = true
    schedule()
  }

  private func reset(_ stream: QUICStream, _ code: UInt64) { stream.reset(carrier?.wireCode(code) ?? code) }
  private func stop(_ stream: QUICStream, _ code: UInt64) { stream.stop(carrier?.wireCode(code) ?? code) }

  private func halfEnded(_ stream: QUICStream) {
    if !stream.isBidirectional, !stream.isLocal { openIncoming -= 1 }
  }

  // MARK: The batch

  /// Work waits for the end of this tick. Called by the session, so it must not call back.
  private func schedule() {
    guard !isScheduled, !isWorking else { return }
    isScheduled = true
    loop.afterTick { self.work() }
  }

  private func work() {
    isScheduled = false
    isWorking = true
    tick()
    measure()
    var rounds = 0
    while core.hasWork, rounds < Self.maximumRounds {
      core.drainEffects { perform($0) }
      // Before the owner, who may end the process once it knows that the session is over.
      flushTrace()
      owner?.eventsWait(self)
      rounds += 1
    }
    if closesAtBoundary, openIncoming == 0, !isOver {
      closesAtBoundary = false
      core.close(
        SessionFailure(
          .noError, "this connection has carried \(streamsReceived) streams, as many as it may: connect again"))
      core.drainEffects { perform($0) }
      owner?.eventsWait(self)
    }
    isWorking = false
    if core.hasWork { schedule() }
    if isOver, !isScheduled {
      end()
    } else {
      arm()
    }
  }

  /// What nothing is sent over does not change, so there is no timer for it.
  private func measure() {
    guard loop.now &- measuredAt >= Self.measuringInterval, core.tellsBitrate, let connection else { return }
    measuredAt = loop.now
    core.measured(bitrate: connection.statistics.sendBitrate)
  }

  private func arm() {
    guard let deadline = core.nextDeadline else { timer?.cancel(); return }
    let timer = self.timer ?? loop.timer { [weak self] in self?.deadlinePassed() }
    self.timer = timer
    timer.arm(at: deadline.nanoseconds)
  }

  private func deadlinePassed() {
    tick()
    schedule()
  }

  private func end() {
    timer?.cancel()
    timer = nil
    flushTrace(isLast: true)
    (trace, core.tap) = (nil, nil)
    slots = []
    core.onWork = nil
    guard let owner else { return }
    self.owner = nil
    owner.ended(self)
  }

  private func flushTrace(isLast: Bool = false) {
    guard let trace else { return }
    trace.flush(isLast: isLast, number: number(of:))
  }
  /// The number of a stream on the wire; nil: it waits for one.
  private func number(of key: StreamKey) -> UInt64? { stream(key).flatMap { UInt64(exactly: $0.id) } }

  // MARK: Keys

  @inline(__always)
  private func key(of stream: QUICStream) -> StreamKey? {
    guard stream.tag != 0 else { return nil }
    return StreamKey(
      slot: UInt32(truncatingIfNeeded: stream.tag >> 32) &- 1, generation: UInt32(truncatingIfNeeded: stream.tag))
  }

  private func bind(_ key: StreamKey, _ stream: QUICStream) {
    let index = Int(key.slot)
    while slots.count <= index { slots.append(Slot(key: key)) }
    slots[index] = Slot(key: key, stream: stream)
    stream.tag = UInt64(key.slot &+ 1) << 32 | UInt64(key.generation)
  }

  @inline(__always)
  private func stream(_ key: StreamKey) -> QUICStream? {
    let index = Int(key.slot)
    guard index < slots.count, slots[index].key == key else { return nil }
    return slots[index].stream
  }

  /// Gives the peer no credit for the stream until `release`.
  public func hold(_ key: StreamKey) {
    let index = Int(key.slot)
    guard index < slots.count, slots[index].key == key else { return }
    slots[index].isHeld = true
  }

  public func release(_ key: StreamKey) {
    let index = Int(key.slot)
    guard index < slots.count, slots[index].key == key, slots[index].isHeld else { return }
    slots[index].isHeld = false
    let kept = slots[index].kept
    slots[index].kept = 0
    if kept > 0 { slots[index].stream?.consumed(kept) }
  }
}

extension SessionDriver: Transport {
  public var kind: TransportKind { carrier?.kind ?? .quic }

  public var statistics: TransportStatistics {
    guard let connection else { return lastStatistics }
    let from = connection.statistics
    var numbers = TransportStatistics()
    (numbers.smoothedRTT, numbers.minimumRTT) = (from.smoothedRTT, from.minimumRTT)
    numbers.estimatedBitrate = from.sendBitrate
    (numbers.bytesSent, numbers.bytesReceived) = (from.bytesSent, from.bytesReceived)
    (numbers.packetsSent, numbers.packetsLost) = (from.packetsSent, from.packetsLost)
    numbers.maximumDatagramSize = carrier?.maximumDatagramSize ?? 0
    return numbers
  }

  public func perform(_ effect: consuming Effect) {
    switch consume effect {
    case .send(let key, let bytes): stream(key)?.write(bytes)
    case .consumed(let key, let count):
      let index = Int(key.slot)
      guard index < slots.count, slots[index].key == key else { return }
      if slots[index].isHeld { slots[index].kept += count } else { slots[index].stream?.consumed(count) }
    case .open(let key, let kind, let priority):
      guard let carrier,
        let stream = carrier.open(bidirectional: kind == .bidirectional, priority: SendPriority(priority))
      else { return }
      bind(key, stream)
    case .prioritize(let key, let priority): stream(key)?.priority = SendPriority(priority)
    case .finish(let key): stream(key)?.finish()
    case .reset(let key, let code): if let stream = stream(key) { reset(stream, code) }
    case .stop(let key, let code): if let stream = stream(key) { stop(stream, code) }
    case .forget(let key):
      let index = Int(key.slot)
      guard index < slots.count, slots[index].key == key else { return }
      trace?.tap.forgetting(key, number: number(of: key))
      slots[index].stream?.tag = 0
      let kept = slots[index].kept
      if kept > 0 { slots[index].stream?.consumed(kept) }
      slots[index].stream = nil
      (slots[index].isHeld, slots[index].kept) = (false, 0)
    case .datagram(let bytes): carrier?.send(datagram: bytes)
    case .close(let code, let reason):
      guard let carrier else { connection?.close(code: code, reason: reason); return }
      // A connection that was made for this session alone has no use if that never began.
      let unused = connectedAt == nil ? connection : nil
      carrier.close(code: code, reason: reason)
      unused?.close(code: HTTP3Code.noError.rawValue)
    }
  }
}

extension SendPriority {
  /// A session's priority in a connection's keys: control streams have 0, data comes after them.
  @inlinable init(_ priority: MoQKernel.SendPriority) {
    self.init(
      UInt64(priority.subscriber) << 16 | UInt64(priority.publisher), priority.group, priority.subgroup)
  }
}

extension SessionEnd {
  /// How the end of a connection looks to a session that did not bring it about.
  init(_ reason: ConnectionClose) {
    switch reason {
    case .application(let code, let phrase, let byPeer):
      self.init(byPeer ? .peer : .local, .unknown(code), code: code, phrase: phrase)
    case .transport(let code, _, _):
      self.init(.transport, .unknown(code), code: code, phrase: "\(reason)")
    default:
      self.init(.transport, .internalError, code: 0, phrase: "\(reason)")
    }
  }
}

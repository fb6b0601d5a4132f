import MoQDrafts
import MoQKernel
import Testing

/// A peer that sends anything: the session closes or goes on, and never traps or grows without bound.
@Suite struct SessionHostileTests {
  /// Random streams of random bytes, of bytes that begin well, and of valid messages in a wrong place.
  @Test(arguments: Speech.allCases, [SessionCore.Role.client, .server])
  func anyBytes(_ speech: Speech, _ role: SessionCore.Role) {
    for seed in 0..<120 as Range<UInt64> {
      var hostile = HostilePeer(speech, role, seed: seed)
      hostile.run()
      #expect(hostile.faults == [], "\(speech) \(role) seed \(seed)")
      if !hostile.faults.isEmpty { return }
    }
  }

  @Test func streamsOfUnknownAliasesAreBounded() throws {
    let (core, _) = try established()
    var refused = 0
    for index in 0..<2_000 {
      guard let key = core.opened(.unidirectional) else {
        refused += 1
        continue
      }
      // An alias that nobody has, and a kilobyte behind it.
      let bytes: [UInt8] =
        [0x10, 0x40 | UInt8(index >> 8 & 0x3f), UInt8(index & 0xff), 0, 0] + [UInt8](repeating: 0, count: 1000)
      bytes.withUnsafeBytes { core.received($0, fin: false, on: key) }
      core.drainEffects { _ in }
    }
    #expect(core.isEstablished)
    #expect(core.heldStreams <= core.configuration.maximumHeldStreams)
    #expect(core.heldByteCount <= core.configuration.maximumHeldBytes)
    #expect(core.counters.streamsDropped >= 1_800)
    // Held ones go after a while.
    for _ in 0..<20 { if let next = core.nextDeadline { core.ticked(at: next) } }
    #expect(core.heldStreams == 0 && core.heldByteCount == 0)
  }
  /// What was put together to read a stream's header counts as what comes after it does.
  @Test(arguments: 1...4) func whatIsHeldIsBoundedFromItsFirstBytes(cut: Int) throws {
    let (core, _) = try established { $0.maximumHeldBytes = 1_000 }
    let header: [UInt8] = [0x10, 0x07, 0, 0]
    func receive(_ bytes: [UInt8], _ key: StreamKey) {
      bytes.withUnsafeBytes { core.received($0, fin: false, on: key) }
      #expect(core.heldByteCount <= 1_000)
    }
    let early = try #require(core.opened(.unidirectional)), late = try #require(core.opened(.unidirectional))
    receive(header + [UInt8](repeating: 0, count: 990), early)
    #expect(core.heldStreams == 1)
    let bytes = header + [UInt8](repeating: 0, count: 60)
    receive([UInt8](bytes[..<cut]), late)
    receive([UInt8](bytes[cut...]), late)
    #expect(core.isEstablished && core.heldStreams == 1 && core.counters.streamsDropped == 1)
    var stopped = false, credited = 0
    core.drainEffects {
      if case .stop(late, _) = $0 { stopped = true }
      if case .consumed(late, let count) = $0 { credited += count }
    }
    #expect(stopped && credited == bytes.count)
  }
  @Test func tooManyStreamsAreRefused() throws {
    let (core, _) = try established()
    var opened = 0
    while core.opened(.unidirectional) != nil { opened += 1 }
    // The control stream is one of them.
    #expect(opened == core.configuration.maximumIncomingStreams - 1)
    #expect(core.isEstablished)
  }
  @Test func tooManyRequestsAreRefused() throws {
    let (core, control) = try established { $0.maximumOpenRequests = 10 }
    var requested = 0, sent: [UInt8] = []
    for id in 0..<20 {
      var m = Subscribe()
      (m.id, m.namespace, m.name) = (UInt64(id * 2), "a", [UInt8(id)])
      send(.subscribe(m), core, control)
    }
    core.drainEvents { if case .subscribeRequested = $0 { requested += 1 } }
    core.drainEffects { if case .send(_, let bytes) = $0 { sent += bytes.array } }
    #expect(requested == 10)
    #expect(sent.filter { $0 == 0x05 }.count >= 10)
    #expect(core.isEstablished)
  }

  struct Violation: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var reason: SessionReason
    var message: Message
    init(_ name: String, _ reason: SessionReason, _ message: Message) {
      (testDescription, self.reason, self.message) = (name, reason, message)
    }
  }
  /// What the text says a session is closed for, with which number.
  static let violations: [Violation] = {
    var update = SubscribeUpdate()
    update.subscription = 40
    return [
      Violation("a request id out of turn", .invalidRequestID, .subscribe(named(4))),
      Violation("a request id of our parity", .invalidRequestID, .subscribe(named(1))),
      Violation("an answer to nothing", .invalidRequestID, .subscribeOK(ok(7))),
      Violation("credit that does not grow", .protocolViolation, .maxRequestID(MaxRequestID())),
      Violation("an end of nothing", .invalidRequestID, .unsubscribe(RequestReference())),
      Violation("a client that names another place", .protocolViolation, .goAway(elsewhere)),
      Violation("a second setup", .protocolViolation, .serverSetup(ServerSetup())),
      Violation("an update of nothing", .invalidRequestID, .subscribeUpdate(update)),
    ]
  }()
  @Test(arguments: violations) func violates(_ violation: Violation) throws {
    let (core, control) = try established()
    send(violation.message, core, control)
    var end: SessionEnd?
    core.drainEvents { if case .closed(let found) = $0 { end = found } }
    #expect(end?.reason == violation.reason && end?.cause == .local, "\(String(describing: end))")
  }
  /// At MAX_REQUEST_ID or beyond it the session closes, in turn or not (§9.5 of draft-14).
  @Test(arguments: [(0, 0), (2, 2), (2, 4)] as [(credit: UInt64, id: UInt64)])
  func tooManyRequestIDs(credit: UInt64, id: UInt64) throws {
    let (core, control) = try established { $0.requestCredit = credit }
    send(.subscribe(Self.named(id)), core, control)
    var end: SessionEnd?
    core.drainEvents { if case .closed(let found) = $0 { end = found } }
    #expect(end?.reason == .tooManyRequests && end?.cause == .local, "\(String(describing: end))")
  }
  /// What has been used up is granted again, so a peer that goes by what it is told never comes to the limit.
  @Test func requestIDsAreGrantedAgain() throws {
    let (core, control) = try established { $0.requestCredit = 2 }
    var requested = 0, granted: [UInt64] = []
    for id in stride(from: 0, through: 8, by: 2) as StrideThrough<UInt64> {
      send(.subscribe(Self.named(id)), core, control)
      core.drainEvents { if case .subscribeRequested = $0 { requested += 1 } }
      core.drainEffects { effect in
        guard case .send(_, let bytes) = effect, bytes.array.first == 0x15 else { return }
        var reader = WireReader(bytes.array.span.bytes)
        guard case .maxRequestID(let m)? = try? Draft14.decode(.maxRequestID, from: &reader) else { return }
        granted.append(m.limit)
      }
    }
    #expect(core.isEstablished && requested == 5)
    #expect(granted == [4, 6, 8, 10, 12])
  }
  @Test func secondGoAway() throws {
    let (core, control) = try established()
    send(.goAway(GoAway()), core, control)
    #expect(core.isEstablished)
    #expect(throws: CommandError.self) { try core.subscribe(SubscribeRequest(TrackName("a", "b"))) }
    send(.goAway(GoAway()), core, control)
    #expect(!core.isEstablished)
  }
  @Test func finInAnObjectEndsTheSubscription() throws {
    let (core, control) = try established()
    let key = try core.subscribe(SubscribeRequest(TrackName("a", "b"), filter: .nextObject))
    send(.subscribeOK(Self.ok(1)), core, control)
    let stream = try #require(core.opened(.unidirectional))
    ([0x10, 9, 0, 0, 0, 5, 1, 2] as [UInt8]).withUnsafeBytes { core.received($0, fin: true, on: stream) }
    var ended: RequestFailure?, streamEnds = 0
    core.drainEvents {
      if case .ended(key, let failure) = $0 { ended = failure }
      if case .streamEnded(stream, _) = $0 { streamEnds += 1 }
    }
    #expect(ended?.reason == .malformedTrack && streamEnds == 1)
    #expect(core.isEstablished)
  }
  @Test func controlStreamEnds() throws {
    let (core, control) = try established()
    core.received(UnsafeRawBufferPointer(start: nil, count: 0), fin: true, on: control)
    var end: SessionEnd?
    core.drainEvents { if case .closed(let found) = $0 { end = found } }
    #expect(end?.reason == .protocolViolation)
  }

  static func named(_ id: UInt64) -> Subscribe {
    var m = Subscribe()
    // A track a request.
    (m.id, m.namespace, m.name) = (id, "a", [UInt8(truncatingIfNeeded: id)])
    return m
  }
  static func ok(_ id: UInt64) -> SubscribeOK {
    var m = SubscribeOK()
    (m.id, m.trackAlias) = (id, 9)
    return m
  }
  static var elsewhere: GoAway {
    var m = GoAway()
    m.uri = Array("moqt://elsewhere".utf8)
    return m
  }
  /// A server that has agreed on draft-14 with a client.
  private func established(
    _ adjust: (inout SessionConfiguration) -> Void = { _ in }
  ) throws -> (SessionCore, StreamKey) {
    var options = SessionConfiguration()
    adjust(&options)
    let core = SessionCore(role: .server, options: options, registry: dialects)
    core.ticked(at: Instant(nanoseconds: 1))
    core.connected(alpn: "moq-00", subprotocol: nil, transport: .quic)
    let control = try #require(core.opened(.bidirectional)),
      bytes = try #require(hex("20000d01c0000000ff00000e01024064"))
    bytes.withUnsafeBytes { core.received($0, fin: false, on: control) }
    core.drainEvents { _ in }
    core.drainEffects { _ in }
    return (core, control)
  }
  private func send(_ message: Message, _ core: SessionCore, _ stream: StreamKey) {
    var writer = WireWriter()
    do { try Draft14.encode(message, into: &writer) } catch { Issue.record("\(error)") }
    writer.withBytes { core.received($0, fin: false, on: stream) }
  }
}

/// Sends what it likes, in an order it likes.
struct HostilePeer {
  let core: SessionCore
  private var generator: SeededGenerator
  private var checker = EventChecker()
  private var streams: [StreamKey] = []
  private var ourStreams: [StreamKey] = []
  private var asked: [RequestKey] = []
  private let speech: Speech
  private let dialect: any Dialect.Type
  private let isFrames: Bool
  private(set) var faults: [String] = []

  init(_ speech: Speech, _ role: SessionCore.Role, seed: UInt64) {
    (self.speech, dialect, isFrames) = (speech, speech.codec, speech.isFrames)
    generator = SeededGenerator(seed: seed)
    var options = speech.configuration
    options.maximumQueue = 20_000
    options.maximumOpenRequests = 200
    core = SessionCore(role: role, options: options, registry: dialects)
    core.ticked(at: Instant(nanoseconds: 1))
    core.connected(alpn: speech.alpn, subprotocol: nil, transport: .quic)
  }

  mutating func run() {
    drain()
    // Most begin well, so that there is something to break.
    if generator.chance(85) {
      let version = speech.handshake?.versions.first ?? 0
      var client = ClientSetup(), server = ServerSetup()
      (client.versions, server.version) = ([version], version)
      client.parameters = parameters(speech.handshake?.clientParameters ?? [])
      server.parameters = parameters(speech.handshake?.serverParameters ?? [])
      var writer = WireWriter()
      if core.role == .server, let first = speech.handshake?.first {
        if case .typed = dialect.framing(of: .clientSetup) {
        } else {
          writer.append([UInt8(truncatingIfNeeded: first)].span.bytes)
        }
      }
      try? dialect.encode(core.role == .server ? .clientSetup(client) : .serverSetup(server), into: &writer)
      let key = core.role == .server ? core.opened(.bidirectional) : ourStreams.first
      if let key {
        streams.append(key)
        writer.withBytes { core.received($0, fin: false, on: key) }
      }
      drain()
    }
    for _ in 0..<120 {
      act()
      drain()
    }
    core.transportClosed(SessionEnd(.transport, .noError, code: 0, phrase: "over"))
    drain()
    if checker.end == nil { faults.append("no end") }
    if checker.openStreams > 0 { faults.append("\(checker.openStreams) streams without an end") }
    if checker.openRequests > 0 { faults.append("\(checker.openRequests) requests without an end") }
    if core.heldByteCount > core.configuration.maximumHeldBytes { faults.append("too much is held") }
    faults += checker.faults
  }
  private func parameters(_ known: Set<Parameter.Key>) -> [Parameter] {
    (known.contains(.role) ? [Parameter(.role, .number(3))] : [])
      + (known.contains(.maxRequestID) ? [Parameter(.maxRequestID, .number(1 << 20))] : [])
      + (core.role == .server && speech.handshake?.sign == .path ? [Parameter(.path, .bytes([0x2f]))] : [])
  }
  private mutating func act() {
    switch generator.below(12) {
    case 0, 1: if let key = core.opened(generator.chance(60) ? .unidirectional : .bidirectional) { streams.append(key) }
    case 2, 3, 4, 5: feed(random())
    case 6, 7: feed(message())
    case 8:
      guard let key = any(streams + ourStreams) else { return }
      switch generator.below(3) {
      case 0: core.wasReset(key, code: generator.next() & 0xff)
      case 1: core.wasStopped(key, code: generator.next() & 0xff)
      default: core.acknowledged(key)
      }
    case 9: random().withUnsafeBytes { core.received(datagram: $0) }
    case 10:
      let track = TrackName("a", "b")
      switch generator.below(5) {
      case 0: if let key = try? core.subscribe(SubscribeRequest(track)) { asked.append(key) }
      case 1: _ = try? core.announce("a")
      case 2: _ = try? core.seekAnnouncements(prefix: "a")
      case 3: _ = try? core.fetch(FetchRequest(.standalone(track, start: Location(0, 0), endGroup: 1, endObject: nil)))
      default: if let key = any(asked) { core.cancel(key) }
      }
    default:
      if generator.chance(20), let next = core.nextDeadline { core.ticked(at: next) }
    }
  }
  private mutating func any<T>(_ list: [T]) -> T? { list.isEmpty ? nil : list[generator.below(list.count)] }
  private mutating func feed(_ bytes: [UInt8]) {
    guard let key = any(streams + ourStreams) else { return }
    let fin = generator.chance(5)
    // In two parts, anywhere.
    let cut = generator.below(bytes.count + 1)
    bytes[..<cut].withUnsafeBytes { core.received($0, fin: false, on: key) }
    bytes[cut...].withUnsafeBytes { core.received($0, fin: fin, on: key) }
  }
  /// Bytes that begin like something.
  private mutating func random() -> [UInt8] {
    let starts: [[UInt8]] = [
      [], [0x00], [0x04], [0x05], [0x08], [0x0d], [0x10], [0x15], [0x1d], [0x01], [0x02], [0x03, 0x00], [0x20], [0xc0],
      [0x11, 0x01],
    ]
    let start = starts[generator.below(starts.count)], count = generator.below(60)
    return start
      + (0..<count).map { _ in generator.chance(60) ? UInt8(generator.below(8)) : UInt8(generator.below(256)) }
  }
  private mutating func message() -> [UInt8] {
    let kinds = MessageKind.allCases
    let kind = kinds[generator.below(kinds.count)]
    var message = Message(blank: kind)
    let id = UInt64(generator.below(8))
    switch message {
    case .subscribe(var m):
      (m.id, m.namespace, m.name) = (id, "a", [1])
      message = .subscribe(m)
    case .subscribeOK(var m):
      (m.id, m.trackAlias) = (id, id)
      message = .subscribeOK(m)
    case .publish(var m):
      (m.id, m.namespace, m.name, m.trackAlias) = (id, "a", [1], id)
      message = .publish(m)
    case .publishNamespace(var m):
      (m.id, m.namespace) = (id, "a")
      message = .publishNamespace(m)
    case .unsubscribe(var m):
      m.id = id
      message = .unsubscribe(m)
    case .subscribeDone(var m):
      m.id = id
      message = .subscribeDone(m)
    default: break
    }
    var writer = WireWriter()
    guard (try? dialect.encode(message, into: &writer)) != nil else { return random() }
    return (isFrames && generator.chance(70) ? [UInt8(generator.below(4))] : []) + writer.bytes
  }
  private mutating func drain() {
    var ours: [StreamKey] = [], events: [Event] = []
    core.drainEffects { if case .open(let key, .bidirectional, _) = $0 { ours.append(key) } }
    core.drainEvents { events.append($0) }
    ourStreams += ours
    for event in events {
      checker.note(event)
      switch event {
      case .payload(let key, let part): core.consumed(part.count, on: key)
      case .subscribeRequested(let key, _): if generator.chance(50) { try? core.accept(key, SubscribeAnswer()) }
      case .publishRequested(let key, _, _), .announced(let key, _), .interested(let key, _):
        if generator.chance(50) { core.accept(key) }
      case .fetchRequested(let key, _):
        if generator.chance(50) { try? core.accept(key, FetchAnswer(end: Location(0, 0))) }
      default: break
      }
    }
  }
}

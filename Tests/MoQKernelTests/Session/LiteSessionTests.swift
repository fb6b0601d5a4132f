import MoQDrafts
import Testing

@testable import MoQKernel

/// What moq-lite-01 asks of a session, byte by byte, where no test of all dialects shows it.
@Suite struct LiteSessionTests {
  /// One side of a session in the text's way, and everything it has said.
  private final class Side {
    let core: SessionCore
    let session: StreamKey
    var events: [Event] = []
    var sent: [StreamKey: [UInt8]] = [:]
    var finished: Set<StreamKey> = []
    var resets: [StreamKey: UInt64] = [:]
    var opened: [StreamKey] = []
    var closes: [UInt64] = []

    init(_ role: SessionCore.Role) throws {
      core = SessionCore(role: role, options: Speech.liteText.configuration, registry: dialects)
      core.ticked(at: Instant(nanoseconds: 1))
      core.connected(alpn: "moql", subprotocol: nil, transport: .quic)
      var first: StreamKey?
      core.drainEffects { if case .open(let key, .bidirectional, _) = $0 { first = key } }
      session = try #require(role == .client ? first : core.opened(.bidirectional))
      try hear(role == .client ? "09c0000000ff0dad0100" : "000a01c0000000ff0dad0100", on: session)
      #expect(core.isEstablished && core.profile == nil)
    }
    func drain() {
      core.drainEvents { events.append($0) }
      core.drainEffects {
        switch $0 {
        case .open(let key, _, _): opened.append(key)
        case .send(let key, let bytes): sent[key, default: []] += bytes.array
        case .finish(let key): finished.insert(key)
        case .reset(let key, let code): resets[key] = code
        case .close(let code, _): closes.append(code)
        default: break
        }
      }
      core.drainEvents { events.append($0) }
    }
    func hear(_ text: String, fin: Bool = false, on stream: StreamKey) throws {
      let bytes = try #require(hex(text))
      bytes.withUnsafeBytes { core.received($0, fin: fin, on: stream) }
      drain()
    }
    /// A stream of the peer that begins so.
    @discardableResult func hear(_ text: String, fin: Bool = false, _ kind: StreamKind = .bidirectional) throws
      -> StreamKey
    {
      let stream = try #require(core.opened(kind))
      try hear(text, fin: fin, on: stream)
      return stream
    }
    func all<T>(_ pick: (Event) -> T?) -> [T] { events.compactMap(pick) }
    var subscribers: [RequestKey] { all { if case .subscribeRequested(let key, _) = $0 { key } else { nil } } }
    func ends(of request: RequestKey) -> [RequestFailure] {
      all { if case .ended(request, let failure) = $0 { failure } else { nil } }
    }
    var withdrawn: [RequestKey] { all { if case .withdrawn(let key, _) = $0 { key } else { nil } } }
    var announced: [TrackNamespace] { all { if case .announced(_, let path) = $0 { path } else { nil } } }
    var end: SessionEnd? { all { if case .closed(let end) = $0 { end } else { nil } }.first }
  }
  /// SUBSCRIBE of `live/room`, `video` behind its stream's type.
  private func subscribe(id: String = "00", length: String = "12", tail: String = "3f") -> String {
    "02\(length)\(id)096c6976652f726f6f6d05766964656f\(tail)"
  }

  // MARK: Streams and their ends (§4.2, §4.3)

  @Test func finIsAnsweredWithFin() throws {
    let server = try Side(.server)
    let request = try server.hear(subscribe())
    try server.core.accept(try #require(server.subscribers.first), SubscribeAnswer())
    let interest = try server.hear("010504" + "6c697665")
    server.core.accept(
      try #require(server.all { if case .interested(let key, _) = $0 { key } else { nil } }.first))
    server.drain()
    #expect(server.sent[request] == hex("02407f") && server.sent[interest] == hex("0100"))
    #expect(server.finished.isEmpty)
    try server.hear("", fin: true, on: request)
    try server.hear("", fin: true, on: interest)
    #expect(server.finished == [request, interest] && server.withdrawn.count == 2)
    #expect(server.core.isEstablished && server.resets.isEmpty)
  }

  @Test(arguments: [SessionCore.Role.client, .server], [nil, 0, 24] as [UInt64?])
  func theSessionEndsWithItsStream(_ role: SessionCore.Role, _ reset: UInt64?) throws {
    let side = try Side(role)
    if let reset {
      side.core.wasReset(side.session, code: reset)
      side.drain()
    } else {
      try side.hear("", fin: true, on: side.session)
    }
    #expect(side.end?.cause == .peer && side.end?.code == reset ?? 0)
    #expect(side.closes == [0])
  }

  /// A second Session Stream (§5.1.1), and streams of no known type (§6.2).
  @Test(arguments: [
    ("000a01c0000000ff0dad0100", StreamKind.bidirectional, "unknown type 0x0"),
    ("05", .bidirectional, "unknown type 0x5"), ("05020000", .unidirectional, "type of data stream"),
  ]) func streamsThatThereAreNot(_ bytes: String, _ kind: StreamKind, _ says: String) throws {
    let server = try Side(.server)
    try server.hear(bytes, kind)
    #expect(server.end?.reason == .protocolViolation, "\(String(describing: server.end))")
    #expect(server.end?.phrase.contains(says) == true, "\(server.end?.phrase ?? "")")
  }

  /// §6.1: a length that is not the message's.
  @Test(arguments: ["11", "13"]) func lengthsThatDoNotFit(_ length: String) throws {
    let server = try Side(.server)
    try server.hear(subscribe(length: length, tail: "3f00"))
    #expect(server.end?.cause == .local && server.end?.reason == .protocolViolation)
    #expect(server.subscribers.isEmpty)
  }

  // MARK: Announcements (§5.1.2)

  /// A status that comes twice resets the stream, and all that it listed has ended.
  @Test(arguments: [
    "0301" + "0161" + "03010161", "0502" + "01610161", "0100" + "03000161", "0301" + "0161" + "03000162",
  ])
  func aStatusThatComesTwice(_ answer: String) throws {
    let client = try Side(.client)
    let interest = try client.core.seekAnnouncements(prefix: "live")
    client.drain()
    let stream = try #require(client.opened.first)
    #expect(client.sent[stream] == hex("0105046c697665"))
    try client.hear(answer, on: stream)
    #expect(client.resets.keys.contains(stream) && client.core.isEstablished)
    #expect(client.ends(of: interest).map(\.reason) == [.malformedTrack])
    // Each that was heard of is gone.
    #expect(client.withdrawn.count == client.announced.count)
  }

  /// Streams whose prefixes overlap have each their own messages; a broadcast lasts until the last of them ends it.
  @Test func prefixesThatOverlap() throws {
    let server = try Side(.server)
    for path in ["live/a", "live/b/c", "other"] as [TrackNamespace] { _ = try server.core.announce(path) }
    let streams = try ["0105046c697665", "01" + "07066c6976652f62", "010100"].map { try server.hear($0) }
    for case .interested(let key, _) in server.events { server.core.accept(key) }
    server.drain()
    var listed: [Set<String>] = []
    for stream in streams {
      // Behind its length, which has one byte.
      let bytes = Array(try #require(server.sent[stream]).dropFirst())
      var reader = WireReader(bytes.span.bytes), list = AnnounceInit()
      try Lite01.ANNOUNCE_INIT.walk(&list, &reader)
      listed.append(Set(list.suffixes.map(\.path)))
    }
    #expect(listed == [["a", "b/c"], ["c"], ["live/a", "live/b/c", "other"]])

    let client = try Side(.client)
    let narrow = try client.core.seekAnnouncements(prefix: "live/b")
    _ = try client.core.seekAnnouncements(prefix: "live")
    client.drain()
    try client.hear("03010163", on: client.opened[0])
    try client.hear("0501" + "03622f63", on: client.opened[1])
    #expect(client.announced == ["live/b/c"])
    client.core.cancel(narrow)
    client.drain()
    #expect(client.withdrawn.isEmpty)
    try client.hear("0500" + "03622f63", on: client.opened[1])
    #expect(client.withdrawn.count == 1 && client.core.isEstablished)
  }

  // MARK: Subscriptions

  /// §5.2: the publisher may reset the stream at any time, after its answer too.
  @Test func aSubscriptionThatIsReset() throws {
    let client = try Side(.client)
    let key = try client.core.subscribe(SubscribeRequest(TrackName("live/room", "video")))
    client.drain()
    let stream = try #require(client.opened.first)
    try client.hear("02407f", on: stream)
    let priorities = client.all { event -> UInt8? in
      if case .subscribed(key, let answer) = event { answer.priority } else { nil }
    }
    #expect(priorities == [128])
    client.core.wasReset(stream, code: 24)
    client.drain()
    // Groups that are on their way may still come for a moment.
    while client.ends(of: key).isEmpty, let next = client.core.nextDeadline {
      client.core.ticked(at: next)
      client.drain()
    }
    #expect(client.ends(of: key).map(\.code) == [24] && client.core.isEstablished)
    #expect(client.resets.keys.contains(stream))
  }

  /// §6.9: not even that of a subscription that is over.
  @Test func aSubscribeIDThatComesAgain() throws {
    let server = try Side(.server)
    for id in ["05", "03", "04"] {
      let stream = try server.hear(subscribe(id: id))
      try server.hear("", fin: true, on: stream)
    }
    #expect(server.withdrawn.count == 3 && server.core.isEstablished)
    try server.hear(subscribe(id: "03"))
    #expect(server.end?.reason == .protocolViolation)
    #expect(server.end?.phrase.contains("3 comes again") == true, "\(server.end?.phrase ?? "")")
  }

  // MARK: SESSION_UPDATE (§5.1.1)

  @Test func theBitrateIsToldWhenItHasChanged() throws {
    let server = try Side(.server)
    server.drain()
    server.sent = [:]
    #expect(server.core.tellsBitrate)
    for bitrate in [0, 1_000, 1_200, 1_249, 1_250, 1_000, 900, 0, 0] as [UInt64] {
      server.core.measured(bitrate: bitrate)
    }
    server.drain()
    // 1,000 and 1,250 bits a second, then 900 and none.
    #expect(server.sent == [server.session: try #require(hex("0243e8" + "0244e2" + "024384" + "0100"))])
    let draft = SessionCore(role: .server, options: SessionConfiguration(), registry: dialects)
    draft.measured(bitrate: 1_000)
    #expect(!draft.tellsBitrate && !draft.hasWork)
  }
}

@Suite struct UsedNumbersTests {
  @Test(arguments: 1...50 as ClosedRange<UInt64>) func noneTwice(seed: UInt64) {
    var generator = SeededGenerator(seed: seed), numbers = UsedNumbers(), used: Set<UInt64> = []
    for _ in 0..<400 {
      let number = UInt64(generator.below(200))
      let isNew = numbers.insert(number)
      #expect(isNew == used.insert(number).inserted, "\(number)")
    }
    #expect(numbers.ranges.flatMap { Array($0) } == used.sorted())
    #expect(zip(numbers.ranges, numbers.ranges.dropFirst()).allSatisfy { $0.upperBound + 1 < $1.lowerBound })
  }
  @Test func theEndsOfTheLine() {
    var numbers = UsedNumbers()
    let line: [UInt64] = [.max, 0, .max - 1, 1]
    #expect(line.map { numbers.insert($0) } == [true, true, true, true])
    #expect(line.map { numbers.insert($0) } == [false, false, false, false])
    #expect(numbers.ranges == [0...1, (.max - 1)...(.max)])
  }
  @Test func gapsAreBounded() {
    var numbers = UsedNumbers()
    let areNew = (0..<10_000 as Range<UInt64>).map { numbers.insert($0 * 2) }
    #expect(areNew.allSatisfy(\.self) && numbers.ranges.count == UsedNumbers.maximumRanges)
    let again = numbers.insert(19_998), between = numbers.insert(19_997)
    #expect(!again && between)
  }
}

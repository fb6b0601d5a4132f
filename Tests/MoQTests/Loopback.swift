import MoQ
import Testing

/// The dialects that every combination is tested in.
let dialectNames = ["draft-14", "moq-lite-01"]

/// Two dialects that meet at a relay.
struct Bridge: Sendable, CustomTestStringConvertible {
  let publisher: String
  let subscriber: String
  var testDescription: String { "\(publisher) to \(subscriber)" }
  static let all = dialectNames.flatMap { publisher in dialectNames.map { Bridge(publisher: publisher, subscriber: $0) }
  }
}

extension SessionOptions {
  /// For a client of `fingerprint`, in exactly one dialect.
  static func test(_ fingerprint: String, _ dialect: String? = nil) -> SessionOptions {
    SessionOptions(dialects: dialect.map { .exactly($0) } ?? .automatic, trust: .fingerprint(fingerprint))
  }
}

/// A relay on a free port of the loopback address.
struct TestRelay: Sendable {
  let server: RelayServer
  /// By what its clients connect.
  var scheme = SessionURL.Scheme.moqt
  var url: String { "\(scheme)://127.0.0.1:\(server.port)/" }

  static func start(cache: Int = 256 << 20, over scheme: SessionURL.Scheme = .moqt) async throws -> TestRelay {
    var options = RelayOptions()
    options.cache = cache
    return TestRelay(server: try await RelayServer.start(on: "127.0.0.1:0", options: options), scheme: scheme)
  }
  func connect(
    _ dialect: String? = nil, port: UInt16? = nil, over other: SessionURL.Scheme? = nil
  ) async throws -> Session {
    try await Session.connect(
      to: "\(other ?? scheme)://127.0.0.1:\(port ?? server.port)/", options: .test(server.fingerprint, dialect))
  }
}

/// A publisher's track and a subscription to it, with a relay between them.
struct Bridged: Sendable {
  let relay: TestRelay
  let publisher: Session, subscriber: Session
  let track: BroadcastTrack
  let subscription: Subscription

  /// - Parameter receiveBuffer: the subscriber's; nil: the default.
  static func open(
    _ bridge: Bridge, _ options: TrackOptions = TrackOptions(), keepsStatus: Bool = false, receiveBuffer: Int? = nil
  ) async throws -> Bridged {
    let relay = try await TestRelay.start()
    let publisher = try await relay.connect(bridge.publisher)
    var subscribers = SessionOptions.test(relay.server.fingerprint, bridge.subscriber)
    if let receiveBuffer { subscribers.receiveBuffer = receiveBuffer }
    let subscriber = try await Session.connect(to: relay.url, options: subscribers)
    let track = try await publisher.publish("bridged").track("data", options: options)
    try await untilAnnounced("bridged", to: subscriber)
    let subscription = try await subscriber.subscribe(to: "bridged", track: "data", keepsStatus: keepsStatus)
    try await track.firstSubscriber()
    return Bridged(
      relay: relay, publisher: publisher, subscriber: subscriber, track: track, subscription: subscription)
  }
  func close() async { await relay.server.close() }
}

/// Runs `body`, and fails if it takes longer than `limit`: a test that waits for an event that never comes must end.
func within<Value: Sendable>(
  _ limit: Duration = .seconds(60), _ what: String = "it", _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: limit)
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let value = first else { throw TookTooLong(what: what, limit: limit) }
    return value
  }
}

struct TookTooLong: Error, CustomStringConvertible {
  let what: String
  let limit: Duration
  var description: String { "\(what) did not happen within \(limit)" }
}

/// A generator whose seed is printed with a failure.
struct Seeded: RandomNumberGenerator {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_f491_4f6c_dd1d
  }
}

/// Objects whose size and content follow from their place.
struct Workload: Sendable {
  let objects: Int
  let perGroup: Int
  let maximum: Int
  let seed: UInt64

  var groups: Int { (objects + perGroup - 1) / perGroup }
  func count(of group: Int) -> Int { min(perGroup, objects - group * perGroup) }

  /// 0 to `maximum` bytes, most of them few: the eighth power of a uniform number.
  func size(_ group: Int, _ object: Int) -> Int {
    if object == 0 { return group % 3 == 0 ? maximum : 0 }
    var random = Seeded(seed &+ UInt64(group) << 20 &+ UInt64(object))
    let uniform = Double(random.next() >> 11) / Double(1 << 53)
    var size = uniform * uniform
    size *= size
    size *= size
    return Int(size * Double(maximum))
  }

  func payload(_ group: Int, _ object: Int) -> Bytes {
    let size = size(group, object)
    guard size > 0 else { return Bytes() }
    var random = Seeded(seed ^ UInt64(group) << 32 ^ UInt64(object))
    // A word of noise, then what follows from it: enough to notice any byte that is lost, doubled or moved.
    let word = random.next()
    return withUnsafeTemporaryAllocation(byteCount: size + 8, alignment: 8) { buffer in
      var value = word, offset = 0
      while offset < size {
        value = value &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        buffer.storeBytes(of: value, toByteOffset: offset, as: UInt64.self)
        offset += 8
      }
      return Bytes(copying: UnsafeRawBufferPointer(rebasing: buffer[0..<size]))
    }
  }
}

extension MoQError.Code: CustomTestStringConvertible {
  public var testDescription: String { description }
}

/// The code of the error that `body` throws; nil if it throws none.
func code(of body: () async throws -> Void) async -> MoQError.Code? {
  do {
    try await body()
    return nil
  } catch let error as MoQError {
    return error.code
  } catch {
    Issue.record("not a MoQError: \(error)")
    return nil
  }
}

/// Fails unless `body` throws an error of that code whose sentence holds these words.
func expectError(_ code: MoQError.Code, naming words: String, _ body: () async throws -> Void) async {
  do {
    try await body()
    Issue.record("no error, where \(code) was due")
  } catch let error as MoQError {
    #expect(error.code == code, "\(error)")
    #expect(error.message.contains(words), "\"\(error)\" does not name \"\(words)\"")
  } catch {
    Issue.record("not a MoQError: \(error)")
  }
}

/// A client and a server whose sessions are with each other, without a relay.
struct Direct: Sendable {
  let server: Server
  let client: Session
  /// The server's side of it.
  let peer: Session

  static func connect(
    _ dialect: String? = nil, server adjustServer: (inout ServerOptions) -> Void = { _ in },
    client adjustClient: (inout SessionOptions) -> Void = { _ in }
  ) async throws -> Direct {
    var options = ServerOptions()
    adjustServer(&options)
    let server = try await Server.listen(on: "127.0.0.1:0", options: options)
    var clientOptions = SessionOptions.test(server.fingerprint, dialect)
    adjustClient(&clientOptions)
    async let accepted = { () async -> Session? in
      var sessions = server.sessions.makeAsyncIterator()
      return await sessions.next()
    }()
    let client = try await Session.connect(to: "moqt://127.0.0.1:\(server.port)", options: clientOptions)
    return Direct(server: server, client: client, peer: try #require(await accepted))
  }
  func close() async {
    await client.close()
    await server.close()
  }
}

extension AsyncSequence {
  /// The next `count` elements, or as many as there are.
  func first(_ count: Int) async throws -> [Element] {
    var elements: [Element] = []
    guard count > 0 else { return elements }
    for try await element in self {
      elements.append(element)
      if elements.count == count { break }
    }
    return elements
  }
}

extension ReceivedObject {
  var text: String { String(decoding: payload.array, as: UTF8.self) }
}

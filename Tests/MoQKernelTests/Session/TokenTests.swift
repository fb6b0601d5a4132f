import MoQDrafts
import Testing

@testable import MoQKernel

/// Authorization tokens: registered, stood for, deleted, and every way to do it wrong (§9.2.1.1 of draft-14).
@Suite struct TokenTests {
  private static let secret: [UInt8] = Array("secret".utf8)
  private static let value = AuthorizationToken.value(type: 7, secret)
  private static func register(_ alias: UInt64) -> AuthorizationToken { .register(alias: alias, type: 7, secret) }

  @Test func cacheKeepsItsBound() {
    var cache = TokenCache(limit: 60, overhead: 16)
    #expect(cache.register(1, type: 0, [1, 2, 3, 4]) == .registered)
    #expect(cache.size == 20)
    #expect(cache.register(1, type: 0, [1]) == .taken)
    #expect(cache.register(2, type: 9, [UInt8](repeating: 5, count: 24)) == .registered)
    #expect(cache.size == 60)
    #expect(cache.register(3, type: 0, []) == .full)
    #expect(cache[2] == .value(type: 9, [UInt8](repeating: 5, count: 24)))
    #expect(cache.delete(1) && !cache.delete(1))
    #expect(cache[1] == nil && cache.size == 40)
    #expect(cache.register(1, type: 0, [1, 2, 3, 4, 5]) == .full)
    #expect(cache.register(1, type: 0, [1, 2, 3]) == .registered)
    var none = TokenCache(limit: 0, overhead: 16)
    #expect(none.register(1, type: 0, []) == .full)
  }

  // MARK: The peer's

  @Test func announcesItsCache() throws {
    let peer = try Peer(Draft14.self) { $0.tokenCacheBytes = 1234 }
    #expect(peer.serverSetup?.parameters.contains(Parameter(.maxTokenCacheSize, .number(1234))) == true)
    let none = try Peer(Draft14.self) { $0.tokenCacheBytes = 0 }
    #expect(none.serverSetup?.parameters.contains { $0.key == .maxTokenCacheSize } == false)
  }

  @Test(arguments: [Draft11.self, Draft12.self, Draft13.self, Draft14.self] as [any Dialect.Type])
  func whatStandsForATokenIsResolved(dialect: any Dialect.Type) throws {
    let peer = try Peer(dialect)
    try peer.subscribe([Self.register(3), .value(type: 1, [9])])
    try peer.subscribe([.alias(3)])
    try peer.subscribe([.delete(alias: 3), Self.register(3), .alias(3)])
    let found = peer.subscribed.map(\.1.authorization)
    #expect(found == [[Self.value, .value(type: 1, [9])], [Self.value], [Self.value, Self.value]])
    let first = try #require(peer.subscribed.first?.0)
    #expect(peer.core.authorization(of: first) == found[0])
    // It is kept until it is answered, and not with the subscription.
    try peer.core.accept(first, SubscribeAnswer())
    #expect(peer.core.authorization(of: first) == [])
    #expect(peer.core.isEstablished)
  }

  @Test func everyRequestBringsTokens() throws {
    let peer = try Peer(Draft14.self)
    try peer.subscribe([Self.register(1)])
    var fetch = Fetch(), announce = PublishNamespace(), interest = SubscribeNamespace(), status = TrackStatusRequest()
    var publish = Publish(), update = SubscribeUpdate()
    let tokens = [Parameter(.authorization, .token(.alias(1)))]
    (fetch.id, fetch.parameters) = (2, tokens)
    fetch.range = .standalone("a", name: [1], start: Location(0, 0), endGroup: 1, endObject: nil)
    (announce.id, announce.namespace, announce.parameters) = (4, "b", tokens)
    (interest.id, interest.prefix, interest.parameters) = (6, "c", tokens)
    (status.subscribe.id, status.subscribe.namespace, status.subscribe.name) = (8, "a", [1])
    status.subscribe.parameters = tokens
    (publish.id, publish.namespace, publish.name, publish.parameters) = (10, "d", [1], tokens)
    (publish.trackAlias, publish.groupOrder) = (40, .ascending)
    (update.id, update.subscription, update.parameters) = (12, 0, tokens)
    try peer.core.accept(#require(peer.subscribed.first?.0), SubscribeAnswer())
    for message in [
      .fetch(fetch), .publishNamespace(announce), .subscribeNamespace(interest), .trackStatus(status),
      .publish(publish), .subscribeUpdate(update),
    ] as [Message] {
      try peer.send(message)
    }
    var asked = 0
    for event in peer.events {
      switch event {
      case .fetchRequested(let key, let request):
        #expect(request.authorization == [Self.value] && peer.core.authorization(of: key) == [Self.value])
      case .announced(let key, _), .interested(let key, _), .trackStatusRequested(let key, _),
        .publishRequested(let key, _, _):
        #expect(peer.core.authorization(of: key) == [Self.value], "\(event)")
      case .subscriptionUpdated(_, let update): #expect(update.authorization == [Self.value])
      default: continue
      }
      asked += 1
    }
    #expect(asked == 6 && peer.core.isEstablished)
  }

  @Test func registeredTwice() throws {
    let peer = try Peer(Draft14.self)
    try peer.subscribe([Self.register(1)])
    try peer.subscribe([Self.register(1)])
    #expect(peer.end?.reason == .duplicateTokenAlias && peer.end?.code == 0x14)
  }

  @Test(arguments: [(Draft11.self, 8), (Draft14.self, 16)] as [(any Dialect.Type, Int)])
  func moreThanTheCacheHolds(dialect: any Dialect.Type, overhead: Int) throws {
    let peer = try Peer(dialect) { $0.tokenCacheBytes = 2 * (overhead + Self.secret.count) }
    try peer.subscribe([Self.register(1)])
    try peer.subscribe([Self.register(2)])
    #expect(peer.core.isEstablished && peer.subscribed.count == 2)
    // Deleted ones make room.
    try peer.subscribe([.delete(alias: 1), Self.register(3)])
    #expect(peer.core.isEstablished && peer.subscribed.count == 3)
    try peer.subscribe([.register(alias: 4, type: 0, [])])
    #expect(peer.end?.reason == .tokenCacheOverflow && peer.end?.code == 0x13)
  }

  @Test(arguments: [.alias(5), .delete(alias: 5)] as [AuthorizationToken])
  func unknownAliasCloses(token: AuthorizationToken) throws {
    let peer = try Peer(Draft14.self)
    try peer.subscribe([token])
    #expect(peer.end?.reason == .unknownTokenAlias && peer.end?.code == 0x17)
  }

  /// In draft-11 only the request fails; what it registers is registered all the same.
  @Test(arguments: [.alias(5), .delete(alias: 5)] as [AuthorizationToken])
  func unknownAliasRefuses(token: AuthorizationToken) throws {
    let peer = try Peer(Draft11.self)
    try peer.subscribe([token, Self.register(1)])
    #expect(peer.subscribed.isEmpty && peer.core.isEstablished)
    let refusal = peer.sent.compactMap { if case .subscribeError(let m) = $0 { m } else { nil } }
    #expect(refusal.map(\.code) == [0x11] && refusal.map(\.id) == [0])
    try peer.subscribe([.alias(1)])
    #expect(peer.subscribed.map(\.1.authorization) == [[Self.value]])
  }

  @Test func aRefusedRequestRegisters() throws {
    let peer = try Peer(Draft14.self)
    try peer.subscribe([Self.register(1)])
    peer.core.reject(try #require(peer.subscribed.first?.0), RequestFailure(.unauthorized, "no"))
    try peer.subscribe([.alias(1)])
    #expect(peer.subscribed.last?.1.authorization == [Self.value])
    peer.core.reject(try #require(peer.subscribed.last?.0), RequestFailure(.expiredToken))
    let codes = peer.sent.compactMap { if case .subscribeError(let m) = $0 { m.code } else { nil } }
    #expect(codes == [0x1, 0x12])
  }

  @Test func setupRegistersWhatHasRoom() throws {
    let peer = try Peer(Draft14.self, setup: [Self.register(1), Self.register(2), .value(type: 0, [1])]) {
      $0.tokenCacheBytes = 16 + Self.secret.count
    }
    // The second has no room, and counts as a value (§9.3.2.5).
    #expect(peer.core.isEstablished)
    #expect(peer.core.peerAuthorization == [Self.value, Self.value, .value(type: 0, [1])])
    try peer.subscribe([.alias(1)])
    #expect(peer.subscribed.map(\.1.authorization) == [[Self.value]])
    try peer.subscribe([.alias(2)])
    #expect(peer.end?.reason == .unknownTokenAlias)
  }

  @Test func tokensOfUnansweredRequestsAreBounded() throws {
    let peer = try Peer(Draft14.self) { $0.maximumTokenBytes = 100_000 }
    let large = AuthorizationToken.value(type: 0, [UInt8](repeating: 1, count: 30_000))
    for _ in 0..<5 { try peer.subscribe([large]) }
    #expect(peer.subscribed.count == 3)
    let refused = peer.sent.filter { if case .subscribeError = $0 { true } else { false } }
    #expect(refused.count == 2 && peer.core.isEstablished)
    for (key, _) in peer.subscribed { try peer.core.accept(key, SubscribeAnswer()) }
    try peer.subscribe([large])
    #expect(peer.subscribed.count == 4)
  }

  // MARK: Ours

  /// Client and server of ours, in draft-14; what the server sees of five subscriptions.
  @Test(arguments: [0, 16 + 6, 1 << 14])
  func ledger(cache: Int) throws {
    var server = SessionConfiguration(), client = SessionConfiguration()
    server.tokenCacheBytes = cache
    client.authorization = [Self.register(1)]
    let pair = Pair(seed: 5, client: client, server: server, registry: [Draft14.self]), recorder = Recorder(pair)
    pair.connect(alpn: "moq-00")
    pair.settle()
    #expect(pair.server.peerAuthorization == [Self.value])
    let lists: [[AuthorizationToken]] = [
      [.alias(1)], [.register(alias: 2, type: 0, [4])], [.alias(2), .alias(1)], [.delete(alias: 1)], [Self.register(1)],
    ]
    for (number, list) in lists.enumerated() {
      var request = SubscribeRequest(TrackName("a", "\(number)"), filter: .nextObject)
      request.authorization = list
      _ = try pair.client.subscribe(request)
    }
    #expect(throws: CommandError.self) {
      var request = SubscribeRequest(TrackName("a", "unknown"))
      request.authorization = [.alias(77)]
      _ = try pair.client.subscribe(request)
    }
    #expect(throws: CommandError.self) {
      var request = SubscribeRequest(TrackName("a", "other"))
      request.authorization = [.register(alias: 2, type: 0, [5])]
      _ = try pair.client.subscribe(request)
    }
    pair.settle()
    let seen = recorder.all(.server) { event -> [AuthorizationToken]? in
      if case .subscribeRequested(_, let request) = event { request.authorization } else { nil }
    }
    // Whatever room there is, the server gets the same values.
    #expect(seen == [[Self.value], [.value(type: 0, [4])], [.value(type: 0, [4]), Self.value], [], [Self.value]])
    #expect(pair.client.isEstablished && pair.allFaults == [])
  }
}

/// A server's session, and the client that speaks to it byte by byte.
private final class Peer {
  let core: SessionCore
  private let dialect: any Dialect.Type
  private let control: StreamKey
  private var next: UInt64 = 0
  private(set) var taken: [Event] = []
  private(set) var said: [Message] = []

  init(
    _ dialect: any Dialect.Type, setup tokens: [AuthorizationToken] = [],
    _ adjust: (inout SessionConfiguration) -> Void = { _ in }
  ) throws {
    self.dialect = dialect
    var options = SessionConfiguration()
    adjust(&options)
    core = SessionCore(role: .server, options: options, registry: [dialect])
    core.ticked(at: Instant(nanoseconds: 1))
    core.connected(alpn: "moq-00", subprotocol: nil, transport: .quic)
    control = try #require(core.opened(.bidirectional))
    var setup = ClientSetup()
    setup.versions = [dialect.version]
    setup.parameters = [Parameter(.maxRequestID, .number(100))]
    setup.parameters += tokens.map { Parameter(.authorization, .token($0)) }
    try send(.clientSetup(setup))
  }
  func send(_ message: Message) throws {
    var writer = WireWriter()
    try dialect.encode(message, into: &writer)
    writer.withBytes { core.received($0, fin: false, on: control) }
  }
  func subscribe(_ tokens: [AuthorizationToken]) throws {
    var m = Subscribe()
    (m.id, m.namespace, m.name) = (next, "a", [UInt8(next)])
    if dialect.rules.alias == .subscriber { m.trackAlias = next }
    m.parameters = tokens.map { Parameter(.authorization, .token($0)) }
    next += 2
    try send(.subscribe(m))
  }

  var events: [Event] {
    core.drainEvents { taken.append($0) }
    return taken
  }
  var subscribed: [(RequestKey, SubscribeRequest)] {
    events.compactMap { if case .subscribeRequested(let key, let request) = $0 { (key, request) } else { nil } }
  }
  var end: SessionEnd? { events.lazy.compactMap { if case .closed(let end) = $0 { end } else { nil } }.first }
  /// What the session has said on the control stream.
  var sent: [Message] {
    core.drainEffects { effect in
      guard case .send(control, let bytes) = effect else { return }
      let array = bytes.array
      var reader = WireReader(array.span.bytes), type: UInt64 = 0
      guard (try? reader.varint("Type", &type)) != nil, let kind = dialect.kind(ofType: type) else { return }
      reader.rewind(to: 0)
      if let message = try? dialect.decode(kind, from: &reader) { said.append(message) }
    }
    return said
  }
  var serverSetup: ServerSetup? { sent.lazy.compactMap { if case .serverSetup(let m) = $0 { m } else { nil } }.first }
}

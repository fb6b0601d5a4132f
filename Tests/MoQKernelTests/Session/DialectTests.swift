import MoQDrafts
import MoQKernel
import Testing

/// A session of ours and a peer that says whatever it is told to, message by message, in one dialect.
struct Dialogue {
  let core: SessionCore
  let dialect: any Dialect.Type
  private let control: StreamKey

  /// `setup`: what the peer's setup says beside ROLE, where there is one.
  init(
    _ dialect: any Dialect.Type, as role: SessionCore.Role = .server, theirRole: UInt64 = 3, theirCredit: UInt64 = 100,
    _ adjust: (inout SessionConfiguration) -> Void = { _ in }
  ) throws {
    self.dialect = dialect
    var options = SessionConfiguration()
    options.dialects = .exactly(dialect.name)
    options.profiles = ["text"]
    adjust(&options)
    core = SessionCore(role: role, options: options, registry: dialects)
    core.ticked(at: Instant(nanoseconds: 1))
    core.connected(alpn: "moq-00", subprotocol: nil, transport: .quic)
    var opened: StreamKey?
    core.drainEffects { if case .open(let key, .bidirectional, _) = $0 { opened = key } }
    control = try #require(role == .client ? opened : core.opened(.bidirectional))
    let handshake = try #require(dialect.rules.identification.handshakes.first)
    let known = role == .server ? handshake.clientParameters : handshake.serverParameters
    var parameters: [Parameter] = []
    if known.contains(.role) { parameters.append(Parameter(.role, .number(theirRole))) }
    parameters.append(Parameter(.maxRequestID, .number(theirCredit)))
    var client = ClientSetup(), server = ServerSetup()
    (client.versions, client.parameters) = ([dialect.version], parameters)
    (server.version, server.parameters) = (dialect.version, parameters)
    send(role == .server ? .clientSetup(client) : .serverSetup(server))
    core.drainEffects { _ in }
    core.drainEvents { _ in }
    try #require(core.isEstablished)
  }
  func send(_ message: Message) {
    var writer = WireWriter()
    do { try dialect.encode(message, into: &writer) } catch { Issue.record("\(dialect.name): \(error)") }
    writer.withBytes { core.received($0, fin: false, on: control) }
  }
  func send(bytes: [UInt8]) { bytes.withUnsafeBytes { core.received($0, fin: false, on: control) } }
  /// What the session has said since, message by message, and the number it closed with.
  func replies() throws -> (messages: [Message], closed: UInt64?) {
    var bytes: [UInt8] = [], closed: UInt64?
    core.drainEffects { effect in
      switch effect {
      case .send(control, let part): bytes += part.array
      case .close(let code, _): closed = code
      default: break
      }
    }
    var messages: [Message] = []
    while !bytes.isEmpty {
      let frame = try #require(try ControlFrame.find(in: bytes.span.bytes, dialect.framing))
      let count = try #require(frame.count), kind = try #require(frame.type.flatMap(dialect.kind(ofType:)))
      var reader = WireReader(bytes.span.bytes.extracting(0..<count))
      messages.append(try dialect.decode(kind, from: &reader))
      bytes.removeFirst(count)
    }
    return (messages, closed)
  }
  func closed() throws -> UInt64? { try replies().closed }
  func events() -> [Event] {
    var events: [Event] = []
    core.drainEvents { events.append($0) }
    return events
  }
  /// The first id that the peer may use, and the step to its next.
  var firstID: UInt64 { core.role == .server ? 0 : step - 1 }
  var step: UInt64 { if case .growing = dialect.rules.numbering { 1 } else { 2 } }

  static func subscribe(_ id: UInt64, alias: UInt64 = 0, _ name: String = "a", _ filter: Filter = .nextObject)
    -> Message
  {
    var m = Subscribe()
    (m.id, m.trackAlias, m.namespace, m.name, m.filter) = (id, alias, "live", Array(name.utf8), filter)
    return .subscribe(m)
  }
}

/// What each IETF draft lets a session do, and what it closes it for: the rows of the drafts' rules that differ.
@Suite struct DialectTests {
  static let drafts = dialects.filter { $0.name.hasPrefix("draft-") }
  static let subscriberAliases = drafts.filter { $0.rules.alias == .subscriber }
  static let publisherAliases = drafts.filter { $0.rules.alias == .publisher }
  private func code(_ dialect: any Dialect.Type, _ reason: SessionReason) -> UInt64 {
    dialect.rules.codes.session.code(of: reason)
  }
  /// The alias that a subscription has on the wire: the subscriber's, unless its draft has none there.
  private func alias(_ dialect: any Dialect.Type, _ number: UInt64) -> UInt64 {
    dialect.rules.alias == .subscriber ? number : 0
  }

  @Test("request ids: what comes again, or out of turn, closes the session", arguments: drafts)
  func requestIDs(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    peer.send(Dialogue.subscribe(peer.firstID, alias: alias(dialect, 1)))
    #expect(try peer.closed() == nil)
    // Five ids on: allowed where ids only have to grow.
    peer.send(Dialogue.subscribe(peer.firstID + 5 * peer.step, alias: alias(dialect, 2), "b"))
    if case .growing = dialect.rules.numbering {
      #expect(try peer.closed() == nil)
      peer.send(Dialogue.subscribe(peer.firstID + 4, alias: 3, "c"))
      #expect(try peer.closed() == 0x3)
    } else {
      #expect(try peer.closed() == 0x4)
    }
  }
  @Test("credit: a request beyond it closes the session, a named announcement costs none", arguments: drafts)
  func credit(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect) { $0.requestCredit = 2 }
    var announce = PublishNamespace()
    announce.namespace = "live"
    let costs = dialect.rules.numbered.contains(.publishNamespace)
    peer.send(.publishNamespace(announce))
    #expect(try peer.closed() == nil)
    if !costs {
      // Their ids are still their own to use.
      peer.send(Dialogue.subscribe(0, alias: 1))
      #expect(try peer.closed() == nil)
    }
    peer.send(Dialogue.subscribe(1 << 20, alias: alias(dialect, 2), "b"))
    #expect(try peer.closed() == (costs ? 0x7 : 0x6))
  }
  @Test("a session without credit says so where it can, once for each limit", arguments: drafts)
  func blocked(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect, as: .client, theirCredit: 1)
    for name in ["a", "b", "c"] { _ = try peer.core.subscribe(SubscribeRequest(TrackName("live", name))) }
    let said = try peer.replies().messages
    let blocked = said.filter { if case .requestsBlocked = $0 { true } else { false } }.count
    #expect(said.count - blocked == 1)
    #expect(blocked == (dialect.speaks(.requestsBlocked) ? 1 : 0))
    var more = MaxRequestID()
    more.limit = 10
    peer.send(.maxRequestID(more))
    #expect(try peer.replies().messages.count == 2)
    // It must grow.
    peer.send(.maxRequestID(more))
    #expect(try peer.closed() == code(dialect, .protocolViolation))
  }
  @Test("a second bidirectional stream is refused", arguments: drafts)
  func secondControlStream(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    #expect(peer.core.opened(.bidirectional) == nil && peer.core.isEstablished)
  }
  @Test("a message of unknown type closes the session", arguments: drafts)
  func unknownMessage(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    peer.send(bytes: dialect.framing == .typed(.varint) ? [0x3f, 0] : [0x3f, 0, 0])
    #expect(try peer.closed() == 0x3)
  }
  @Test("an unknown parameter is passed over, a known one may not come twice", arguments: drafts)
  func unknownParameter(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    guard case .subscribe(var m) = Dialogue.subscribe(peer.firstID, alias: alias(dialect, 1)) else { return }
    m.parameters = [
      Parameter(.unknown(0x1235), .bytes([1, 2])), Parameter(.unknown(0x1235), .bytes([3])),
      Parameter(.deliveryTimeout, .number(100)),
    ]
    peer.send(.subscribe(m))
    #expect(try peer.closed() == nil)
    let requests = peer.events().compactMap { event -> SubscribeRequest? in
      if case .subscribeRequested(_, let request) = event { request } else { nil }
    }
    #expect(requests.map(\.deliveryTimeout) == [.milliseconds(100)])
    m.id += peer.step
    (m.trackAlias, m.name) = (alias(dialect, 2), [1])
    m.parameters = [Parameter(.deliveryTimeout, .number(100)), Parameter(.deliveryTimeout, .number(100))]
    // Our own writer refuses it too, so it is put together by hand: the second is the first again.
    var writer = WireWriter()
    #expect(throws: WireError.self) { try dialect.encode(.subscribe(m), into: &writer) }
  }
  @Test(
    "a parameter of other messages is passed over",
    arguments: drafts.filter { $0.rules.numbered.contains(.publishNamespace) })
  func misplacedParameter(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    guard case .subscribe(var m) = Dialogue.subscribe(peer.firstID, alias: alias(dialect, 1)) else { return }
    m.parameters = [Parameter(.maxCacheDuration, .number(7)), Parameter(.deliveryTimeout, .number(100))]
    peer.send(.subscribe(m))
    #expect(try peer.closed() == nil)
    let requests = peer.events().compactMap { event -> SubscribeRequest? in
      if case .subscribeRequested(_, let request) = event { request } else { nil }
    }
    #expect(requests.map(\.deliveryTimeout) == [.milliseconds(100)])
  }
  @Test("UNSUBSCRIBE is answered by SUBSCRIBE_DONE in draft-07, and by nothing since", arguments: drafts)
  func unsubscribe(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    peer.send(Dialogue.subscribe(peer.firstID, alias: alias(dialect, 1)))
    guard case .subscribeRequested(let key, _)? = peer.events().first else { throw Unheard() }
    try peer.core.accept(key, SubscribeAnswer())
    _ = try peer.replies()
    var m = RequestReference()
    m.id = peer.firstID
    peer.send(.unsubscribe(m))
    let said = try peer.replies()
    #expect(said.closed == nil)
    if case .done = dialect.rules.afterUnsubscribe {
      guard case .subscribeDone(let done)? = said.messages.first, said.messages.count == 1 else { throw Unheard() }
      #expect(done.code == dialect.rules.codes.done.code(of: .cancelled) && done.final == nil)
    } else {
      #expect(said.messages.isEmpty)
    }
  }
  @Test("the end of a subscription counts its streams, in draft-07 it names the last object", arguments: drafts)
  func done(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    peer.send(Dialogue.subscribe(peer.firstID, alias: alias(dialect, 1)))
    guard case .subscribeRequested(let key, _)? = peer.events().first else { throw Unheard() }
    try peer.core.accept(key, SubscribeAnswer())
    for group in 3...4 as ClosedRange<UInt64> {
      let stream = try peer.core.openSubgroup(key, SubgroupInfo(group: group))
      for id in 0..<3 as Range<UInt64> { try peer.core.send(ObjectInfo(group: group, id: id), [1], on: stream) }
      peer.core.finish(stream: stream)
    }
    _ = try peer.replies()
    peer.core.finish(key)
    guard case .subscribeDone(let done)? = try peer.replies().messages.first else { throw Unheard() }
    #expect(dialect.rules.codes.done.reason(of: done.code) == .trackEnded)
    if case .done = dialect.rules.afterUnsubscribe {
      #expect(done.final == Location(4, 2) && done.streamCount == SubscribeDone.unknownStreamCount)
    } else {
      #expect(done.streamCount == 2 && done.final == nil)
    }
  }
  @Test("SUBSCRIBE_UPDATE is not answered; what widens closes the session", arguments: drafts)
  func update(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    let filter = Filter.range(Location(5, 0), endGroup: 9, endObject: nil)
    peer.send(Dialogue.subscribe(peer.firstID, alias: alias(dialect, 1), "a", filter))
    guard case .subscribeRequested(let key, _)? = peer.events().first else { throw Unheard() }
    try peer.core.accept(key, SubscribeAnswer())
    _ = try peer.replies()
    var m = SubscribeUpdate()
    let costs = dialect.rules.numbered.contains(.subscribeUpdate)
    (m.id, m.subscription) = (costs ? peer.firstID + peer.step : 0, peer.firstID)
    (m.start, m.endGroup) = (Location(6, 0), 8)
    peer.send(.subscribeUpdate(m))
    var said = try peer.replies()
    #expect(said.messages.isEmpty && said.closed == nil)
    m.id += costs ? peer.step : 0
    m.start = Location(5, 0)
    peer.send(.subscribeUpdate(m))
    said = try peer.replies()
    #expect(said.closed == 0x3)
  }
  @Test("GOAWAY: in draft-07 only a server's, once, and a client names no place", arguments: drafts)
  func goAway(_ dialect: any Dialect.Type) throws {
    let onlyServers = dialect.rules.goAway == .serverOnly
    let atServer = try Dialogue(dialect)
    atServer.send(.goAway(GoAway()))
    #expect(try atServer.closed() == (onlyServers ? 0x3 : nil))
    var elsewhere = GoAway()
    elsewhere.uri = Array("moqt://other".utf8)
    let named = try Dialogue(dialect)
    named.send(.goAway(elsewhere))
    #expect(try named.closed() == 0x3)
    let atClient = try Dialogue(dialect, as: .client)
    atClient.send(.goAway(elsewhere))
    #expect(try atClient.closed() == nil)
    #expect(throws: CommandError.self) { try atClient.core.subscribe(SubscribeRequest(TrackName("a", "b"))) }
    atClient.send(.goAway(elsewhere))
    #expect(try atClient.closed() == 0x3)
    let ours = try Dialogue(dialect, as: .client)
    if onlyServers {
      #expect(throws: CommandError.self) { try ours.core.goAway() }
    } else {
      #expect(throws: CommandError.self) { try ours.core.goAway(uri: "moqt://other") }
      try ours.core.goAway()
    }
  }
  @Test("what a fetch can join, and how one that joins nothing is refused", arguments: drafts)
  func joining(_ dialect: any Dialect.Type) throws {
    let ours = try Dialogue(dialect, as: .client)
    let key = try ours.core.subscribe(SubscribeRequest(TrackName("live", "a"), filter: .nextObject))
    func can(_ range: FetchRequest.Range) -> Bool { (try? ours.core.fetch(FetchRequest(range))) != nil }
    let (relative, absolute) =
      switch dialect.rules.fetching {
      case .missing, .group, .standalone: (false, false)
      case .joiningRelative: (true, false)
      case .joining: (true, true)
      }
    #expect(can(.joining(key, groupsBefore: 1)) == relative)
    #expect(can(.joiningAbsolute(key, group: 1)) == absolute)
    guard relative else { return }
    let peer = try Dialogue(dialect)
    var m = Fetch()
    (m.id, m.range) = (peer.firstID, .relative(subscription: 40, groupsBefore: 0))
    peer.send(.fetch(m))
    let said = try peer.replies()
    guard case .fetchError(let error)? = said.messages.first, said.closed == nil else { throw Unheard() }
    #expect(error.code == dialect.rules.codes.fetch.code(of: .invalidJoiningRequest))
    // One of a subscription that has no objects.
    let other = try Dialogue(dialect)
    other.send(Dialogue.subscribe(other.firstID, alias: alias(dialect, 1)))
    guard case .subscribeRequested(let served, _)? = other.events().first else { throw Unheard() }
    try other.core.accept(served, SubscribeAnswer())
    _ = try other.replies()
    (m.id, m.range) = (other.firstID + other.step, .relative(subscription: other.firstID, groupsBefore: 0))
    other.send(.fetch(m))
    let refused = try other.replies()
    guard case .fetchError(let error)? = refused.messages.first, refused.closed == nil else { throw Unheard() }
    #expect(error.code == dialect.rules.codes.fetch.code(of: .invalidRange))
  }
  @Test(
    "a stream that ends within an object: until draft-11 the session's end, since 12 the subscription's",
    arguments: drafts)
  func malformedTrack(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect, as: .client)
    let key = try peer.core.subscribe(SubscribeRequest(TrackName("live", "a"), filter: .nextObject))
    guard case .subscribe(let asked)? = try peer.replies().messages.first else { throw Unheard() }
    var ok = SubscribeOK()
    (ok.id, ok.trackAlias) = (asked.id, dialect.rules.alias == .publisher ? 7 : 0)
    peer.send(.subscribeOK(ok))
    var state = SubgroupStream(dialect.objects), writer = WireWriter(), object = ObjectHeader()
    (state.trackAlias, state.group, object.payloadLength) = (ok.trackAlias == 7 ? 7 : asked.trackAlias, 1, 5)
    try state.walkHeader(&writer)
    try state.write(object, to: &writer)
    let stream = try #require(peer.core.opened(.unidirectional))
    writer.withBytes { peer.core.received($0, fin: true, on: stream) }
    let ended = peer.events().contains { if case .ended(key, _) = $0 { true } else { false } }
    if case .closesSession = dialect.rules.malformedTrack {
      #expect(try peer.closed() == 0x3)
    } else {
      #expect(try peer.closed() == nil)
      #expect(ended)
    }
  }

  // MARK: Aliases

  @Test("the subscriber's alias may not be another track's", arguments: subscriberAliases)
  func subscriberAliasClash(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    peer.send(Dialogue.subscribe(peer.firstID, alias: 5, "a"))
    peer.send(Dialogue.subscribe(peer.firstID + peer.step, alias: 5, "b"))
    #expect(try peer.closed() == code(dialect, .duplicateTrackAlias))
    #expect(code(dialect, .duplicateTrackAlias) == (dialect.rules.numbered.contains(.publishNamespace) ? 0x5 : 0x4))
  }
  @Test("it is free again once the subscription has ended", arguments: subscriberAliases)
  func subscriberAliasAgain(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    peer.send(Dialogue.subscribe(peer.firstID, alias: 5, "a"))
    var m = RequestReference()
    m.id = peer.firstID
    peer.send(.unsubscribe(m))
    peer.send(Dialogue.subscribe(peer.firstID + peer.step, alias: 5, "b"))
    #expect(try peer.closed() == nil)
  }
  @Test("the publisher wants another alias: the same is asked again, once", arguments: subscriberAliases)
  func retryTrackAlias(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect, as: .client)
    let key = try peer.core.subscribe(SubscribeRequest(TrackName("live", "a"), filter: .nextObject))
    guard case .subscribe(let first)? = try peer.replies().messages.first else { throw Unheard() }
    var no = RequestError()
    (no.id, no.code, no.trackAlias) = (first.id, dialect.rules.codes.subscribe.code(of: .retryTrackAlias), 77)
    peer.send(.subscribeError(no))
    guard case .subscribe(let second)? = try peer.replies().messages.first else { throw Unheard() }
    #expect(second.trackAlias == 77 && second.id > first.id && second.name == first.name)
    (no.id, no.trackAlias) = (second.id, 78)
    peer.send(.subscribeError(no))
    #expect(try peer.replies().messages.isEmpty)
    let ends = peer.events().compactMap { event -> RequestFailure? in
      if case .ended(key, let failure) = event { failure } else { nil }
    }
    #expect(ends.map(\.reason) == [.retryTrackAlias])
  }
  @Test("the alias that the publisher wants is in use: the session is closed", arguments: subscriberAliases)
  func retryTrackAliasInUse(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect, as: .client)
    for name in ["a", "b"] {
      _ = try peer.core.subscribe(SubscribeRequest(TrackName("live", name), filter: .nextObject))
    }
    let asked = try peer.replies().messages
    guard case .subscribe(let first)? = asked.first, case .subscribe(let second)? = asked.last else { throw Unheard() }
    var no = RequestError()
    (no.id, no.code) = (second.id, dialect.rules.codes.subscribe.code(of: .retryTrackAlias))
    no.trackAlias = first.trackAlias
    peer.send(.subscribeError(no))
    #expect(try peer.closed() == code(dialect, .duplicateTrackAlias))
  }
  @Test("we ask for another alias: one that the peer does not use", arguments: subscriberAliases)
  func proposedAlias(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    for (index, name) in ["a", "b"].enumerated() {
      peer.send(Dialogue.subscribe(peer.firstID + UInt64(index) * peer.step, alias: UInt64(index), name))
    }
    guard case .subscribeRequested(let key, _)? = peer.events().last else { throw Unheard() }
    peer.core.reject(key, RequestFailure(.retryTrackAlias))
    guard case .subscribeError(let error)? = try peer.replies().messages.first else { throw Unheard() }
    #expect(dialect.rules.codes.subscribe.reason(of: error.code) == .retryTrackAlias && error.trackAlias == 2)
  }
  @Test("the publisher's alias may not be another track's", arguments: publisherAliases)
  func publisherAliasClash(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect, as: .client)
    for name in ["a", "b"] {
      _ = try peer.core.subscribe(SubscribeRequest(TrackName("live", name), filter: .nextObject))
    }
    for message in try peer.replies().messages {
      guard case .subscribe(let m) = message else { continue }
      var ok = SubscribeOK()
      (ok.id, ok.trackAlias) = (m.id, 9)
      peer.send(.subscribeOK(ok))
    }
    #expect(try peer.closed() == 0x5)
  }

  // MARK: Roles

  static let withRoles = drafts.filter {
    $0.rules.identification.handshakes.first?.clientParameters.contains(.role) ?? false
  }

  @Test("a publisher asks for nothing, and nothing is announced to it", arguments: withRoles)
  func publisherRole(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect, theirRole: 1)
    #expect(peer.core.peerRole == .publisher)
    #expect(throws: CommandError.self) { try peer.core.announce("live") }
    _ = try peer.core.subscribe(SubscribeRequest(TrackName("live", "a")))
    peer.send(Dialogue.subscribe(0, alias: 1))
    #expect(try peer.closed() == 0x3)
  }
  @Test("a subscriber announces nothing, and nothing is asked of it", arguments: withRoles)
  func subscriberRole(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect, theirRole: 2)
    #expect(throws: CommandError.self) { try peer.core.subscribe(SubscribeRequest(TrackName("live", "a"))) }
    _ = try peer.core.announce("live")
    var announce = PublishNamespace()
    announce.namespace = "live"
    peer.send(.publishNamespace(announce))
    #expect(try peer.closed() == 0x3)
  }

  // MARK: Filters, by meaning

  @Test("a filter is said as the draft has it, or as the least that covers it", arguments: drafts)
  func filters(_ dialect: any Dialect.Type) throws {
    let known = dialect.rules.filters
    let range = Filter.range(Location(3, 1), endGroup: 4, endObject: 2)
    for filter in [Filter.currentGroup, .nextGroup, .nextObject, .from(Location(3, 1)), range] {
      let peer = try Dialogue(dialect, as: .client)
      _ = try peer.core.subscribe(SubscribeRequest(TrackName("live", "a"), filter: filter))
      guard case .subscribe(let m)? = try peer.replies().messages.first else { throw Unheard() }
      let wanted: Filter =
        switch filter {
        case .currentGroup: known.contains(.currentGroup) ? filter : .nextObject
        case .nextGroup: known.contains(.nextGroup) ? filter : .nextObject
        case .range where !known.contains(.endObject): .range(Location(3, 1), endGroup: 4, endObject: nil)
        default: filter
        }
      #expect(m.filter == wanted)
    }
  }
  struct Unheard: Error {}
}

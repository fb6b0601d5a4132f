import MoQDrafts
import MoQKernel
import Testing

/// What only transfork has: info, fetches of a group on the request's own stream, gaps, "live".
@Suite struct TransforkSessionTests {
  let track = TrackName("live/room", "video")

  private func started(seed: UInt64 = 5) -> (Pair, Recorder) {
    var configuration = SessionConfiguration()
    configuration.dialects = .exactly("transfork-03")
    let pair = Pair(seed: seed, client: configuration, server: configuration, registry: dialects)
    let recorder = Recorder(pair)
    pair.connect(alpn: "moqf-03")
    pair.settle()
    return (pair, recorder)
  }
  private func subscribed(
    seed: UInt64 = 5, filter: Filter = .currentGroup, _ adjust: (inout SubscribeRequest) -> Void = { _ in }
  ) throws -> (Pair, Recorder, ours: RequestKey, theirs: RequestKey) {
    let (pair, recorder) = started(seed: seed)
    var request = SubscribeRequest(track, filter: filter)
    adjust(&request)
    let ours = try pair.client.subscribe(request)
    pair.settle()
    let theirs = try #require(recorder.subscribeRequested(.server).first?.0)
    try pair.server.accept(theirs, SubscribeAnswer(largest: Location(4, 9)))
    pair.settle()
    return (pair, recorder, ours, theirs)
  }
  private func fetched(
    seed: UInt64 = 5, from start: Location = Location(7, 3), endObject: UInt64? = nil
  ) throws -> (Pair, Recorder, ours: RequestKey, theirs: RequestKey) {
    let (pair, recorder) = started(seed: seed)
    let ours = try pair.client.fetch(
      FetchRequest(.standalone(track, start: start, endGroup: start.group, endObject: endObject)))
    pair.settle()
    let (theirs, request) = try #require(
      recorder.first(.server) { event -> (RequestKey, FetchRequest)? in
        if case .fetchRequested(let key, let request) = event { (key, request) } else { nil }
      })
    #expect(request.range == .standalone(track, start: start, endGroup: start.group, endObject: nil))
    return (pair, recorder, ours, theirs)
  }
  /// Only the session's own stream is left, on both sides.
  private func isTidy(_ pair: Pair) -> Bool { pair.byKey.map(\.count) == [1, 1] && pair.allFaults == [] }

  // MARK: Info

  @Test func infoIsAsked() throws {
    let (pair, recorder) = started()
    let keys = try ["video", "audio", "text"].map { try pair.client.trackStatus(TrackName("live/room", $0)) }
    pair.settle()
    let asked = recorder.all(.server) { event -> (RequestKey, TrackName)? in
      if case .trackStatusRequested(let key, let track) = event { (key, track) } else { nil }
    }
    #expect(Set(asked.map(\.1)) == Set(["video", "audio", "text"].map { TrackName("live/room", $0) }))
    for (key, name) in asked {
      switch String(decoding: name.name, as: UTF8.self) {
      case "video":
        var state = TrackState(.inProgress, largest: Location(12, 34))
        (state.priority, state.groupOrder) = (7, .descending)
        try pair.server.answer(key, state)
      case "audio": try pair.server.answer(key, TrackState(.notYetBegun))
      default: try pair.server.answer(key, TrackState(.doesNotExist))
      }
    }
    pair.settle()
    let states = keys.map { key in
      recorder.first(.client) { event -> TrackState? in
        if case .trackStatus(key, let state) = event { state } else { nil }
      }
    }
    var expected = TrackState(.inProgress, largest: Location(12, 0))
    (expected.priority, expected.groupOrder) = (7, .descending)
    #expect(states == [expected, TrackState(.notYetBegun), nil])
    #expect(recorder.ended(.client, keys[2])?.reason == .doesNotExist)
    // Both sides close the stream (§5.4).
    #expect(isTidy(pair))
  }

  @Test func infoThatIsNeverGiven() throws {
    let (pair, recorder) = started()
    let key = try pair.client.trackStatus(track)
    pair.settle()
    while recorder.ended(.client, key) == nil, pair.waitForDeadline() { pair.settle() }
    #expect(recorder.ended(.client, key)?.reason == .timeout)
    #expect(isTidy(pair))
  }

  // MARK: Fetch

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func fetchComesOnItsOwnStream(seed: UInt64) throws {
    let (pair, recorder, ours, theirs) = try fetched(seed: seed)
    try pair.server.accept(theirs, FetchAnswer(end: Location(7, .max)))
    let stream = try pair.server.openFetch(theirs)
    for id in 3..<8 as Range<UInt64> {
      try pair.server.send(ObjectInfo(group: 7, id: id), payload(7, id, Int(id) * 700), on: stream)
    }
    pair.settle()
    try pair.client.update(fetch: ours, priority: 9)
    pair.settle()
    let updated = recorder.first(.server) { event -> UInt8? in
      if case .fetchUpdated(theirs, let priority) = event { priority } else { nil }
    }
    #expect(updated == 9)
    try pair.server.send(ObjectInfo(group: 7, id: 8), [], on: stream)
    pair.server.finish(stream: stream)
    pair.settle()
    let answer = recorder.first(.client) { event -> FetchAnswer? in
      if case .fetching(ours, let answer) = event { answer } else { nil }
    }
    #expect(answer?.end == Location(7, .max))
    let objects = recorder.objects(.client)
    #expect(objects.infos.map(\.location) == (3..<9).map { Location(7, $0) })
    for id in 3..<8 as Range<UInt64> { #expect(objects.payloads[Location(7, id)] == payload(7, id, Int(id) * 700)) }
    #expect(objects.ends == [nil])
    #expect(recorder.ended(.client, ours)?.reason == .subscriptionEnded)
    #expect(isTidy(pair), "\(pair.byKey.map(\.count)) \(pair.allFaults)")
  }

  @Test func fetchOfAnEmptyGroup() throws {
    let (pair, recorder, ours, theirs) = try fetched()
    try pair.server.accept(theirs, FetchAnswer(end: Location(7, 0)))
    pair.server.finish(stream: try pair.server.openFetch(theirs))
    pair.settle()
    #expect(recorder.objects(.client).ends == [nil] && recorder.objects(.client).infos.isEmpty)
    #expect(recorder.ended(.client, ours)?.reason == .subscriptionEnded)
    #expect(isTidy(pair))
  }

  @Test func refusedFetch() throws {
    let (pair, recorder, ours, theirs) = try fetched()
    pair.server.reject(theirs, RequestFailure(.doesNotExist, "gone"))
    pair.settle()
    #expect(recorder.ended(.client, ours)?.reason == .doesNotExist)
    #expect(recorder.objects(.client).ends.isEmpty)
    #expect(isTidy(pair))
  }

  /// The subscriber, the publisher, or the publisher's session end it in the middle.
  @Test(arguments: 1...12 as ClosedRange<UInt64>) func brokenFetch(seed: UInt64) throws {
    let (pair, recorder, ours, theirs) = try fetched(seed: seed)
    try pair.server.accept(theirs, FetchAnswer(end: Location(7, .max)))
    let stream = try pair.server.openFetch(theirs)
    try pair.server.send(ObjectInfo(group: 7, id: 3), payload(7, 3, 3_000), on: stream)
    pair.settle()
    switch seed % 3 {
    case 0:
      pair.client.cancel(ours)
      pair.settle()
      #expect(recorder.withdrawn(.server, theirs)?.reason == .cancelled)
    case 1:
      pair.server.reset(stream: stream, .tooFarBehind)
      pair.settle()
      #expect(recorder.objects(.client).ends == [26])
    default:
      pair.server.reject(theirs, RequestFailure(.internalError))
      pair.settle()
      #expect(recorder.objects(.client).ends == [24])
    }
    #expect(recorder.objects(.client).ends.count == 1)
    #expect(isTidy(pair), "\(pair.byKey.map(\.count)) \(pair.allFaults)")
  }

  /// No bound within the group can be said: what is beyond it is not told, and stopped.
  @Test func fetchEndsWhereItWasAskedTo() throws {
    let (pair, recorder, ours, theirs) = try fetched(endObject: 4)
    try pair.server.accept(theirs, FetchAnswer(end: Location(7, .max)))
    let stream = try pair.server.openFetch(theirs)
    for id in 3..<6 as Range<UInt64> { try pair.server.send(ObjectInfo(group: 7, id: id), [1, 2], on: stream) }
    pair.settle()
    #expect(recorder.objects(.client).infos.map(\.id) == [3, 4])
    #expect(recorder.objects(.client).ends == [nil])
    #expect(recorder.ended(.client, ours)?.reason == .subscriptionEnded)
    #expect(recorder.withdrawn(.server, theirs) != nil)
    #expect(isTidy(pair), "\(pair.byKey.map(\.count)) \(pair.allFaults)")
  }

  // MARK: Gaps

  @Test func aResetGroupLeavesAGap() throws {
    let (pair, recorder, ours, theirs) = try subscribed()
    let late = try pair.server.openSubgroup(theirs, SubgroupInfo(group: 5))
    let unwanted = try pair.server.openSubgroup(theirs, SubgroupInfo(group: 6))
    for stream in [late, unwanted] { try pair.server.send(ObjectInfo(group: 0, id: 0), [1], on: stream) }
    pair.settle()
    pair.server.reset(stream: late, .deliveryTimeout)
    pair.server.tell(GroupGap(8...11, .tooFarBehind), of: theirs)
    let begun = recorder.all(.client) { event -> (StreamKey, UInt64)? in
      if case .subgroupBegan(let stream, _, let info) = event { (stream, info.group) } else { nil }
    }
    pair.client.stop(stream: try #require(begun.first { $0.1 == 6 }?.0), .cancelled)
    pair.settle()
    let gaps = recorder.all(.client) { event -> GroupGap? in
      if case .gap(ours, let gap) = event { gap } else { nil }
    }
    #expect(gaps.count == 3)
    #expect(gaps.contains(GroupGap(5...5, .deliveryTimeout, code: 2)))
    #expect(gaps.contains(GroupGap(8...11, .tooFarBehind, code: 26)))
    #expect(gaps.contains(GroupGap(6...6, .cancelled, code: 0)))
    #expect(pair.allFaults == [])
  }

  /// However many a publisher upstream may report, nothing piles up for a subscriber that does not read.
  @Test func gapsHaveTheRoomOfTheirStream() throws {
    let (pair, _, _, theirs) = try subscribed()
    for group in 5..<200_000 as Range<UInt64> {
      pair.server.tell(GroupGap((2 * group)...(2 * group), .tooFarBehind), of: theirs)
    }
    pair.pump()
    let waiting = pair.waiting(from: .server)
    #expect(waiting > 100_000 && waiting < pair.server.configuration.highWater + 100, "\(waiting) bytes")
    #expect(pair.server.counters.gapsDropped > 0 && pair.server.isEstablished && pair.allFaults == [])
  }

  @Test func anEndedSubscriptionHasNoGaps() throws {
    let (pair, recorder, ours, theirs) = try subscribed()
    let stream = try pair.server.openSubgroup(theirs, SubgroupInfo(group: 5))
    try pair.server.send(ObjectInfo(group: 5, id: 0), [1], on: stream)
    pair.settle()
    pair.client.cancel(ours)
    pair.settle()
    pair.server.tell(GroupGap(8...11, .tooFarBehind), of: theirs)
    pair.settle()
    let gaps = recorder.all(.client) { event -> GroupGap? in if case .gap(_, let gap) = event { gap } else { nil } }
    #expect(gaps.isEmpty)
    #expect(isTidy(pair))
  }

  // MARK: Subscriptions

  @Test(arguments: [
    (Filter.currentGroup, Filter.currentGroup),
    (.currentGroupThrough(9), .currentGroupThrough(9)),
    (.from(Location(3, 0)), .from(Location(3, 0))),
    (.from(Location(3, 7)), .from(Location(3, 0))),
    (.range(Location(3, 0), endGroup: 3, endObject: nil), .range(Location(3, 0), endGroup: 3, endObject: nil)),
    (.range(Location(3, 1), endGroup: 8, endObject: 2), .range(Location(3, 0), endGroup: 8, endObject: nil)),
    (.nextGroup, .currentGroup), (.nextObject, .currentGroup),
  ]) func rangesAreOfGroups(asked: Filter, heard: Filter) throws {
    let (pair, recorder, ours, _) = try subscribed(filter: asked) { request in
      (request.priority, request.groupOrder) = (3, .descending)
      request.deliveryTimeout = .milliseconds(1_500)
    }
    let request = try #require(recorder.subscribeRequested(.server).first?.1)
    #expect(request.filter == heard && request.track == track)
    #expect(request.priority == 3 && request.groupOrder == .descending)
    #expect(request.deliveryTimeout == .milliseconds(1_500))
    let answer = recorder.first(.client) { event -> SubscribeAnswer? in
      if case .subscribed(ours, let answer) = event { answer } else { nil }
    }
    #expect(answer?.largest == Location(4, 0))
    #expect(pair.allFaults == [])
  }

  @Test func theAnswerSaysHowLongGroupsAreOfUse() throws {
    let (pair, recorder) = started()
    let ours = try pair.client.subscribe(SubscribeRequest(track))
    pair.settle()
    var answer = SubscribeAnswer()
    (answer.priority, answer.groupOrder, answer.deliveryTimeout) = (200, .publisher, .seconds(2))
    try pair.server.accept(try #require(recorder.subscribeRequested(.server).first?.0), answer)
    pair.settle()
    let heard = recorder.first(.client) { event -> SubscribeAnswer? in
      if case .subscribed(ours, let answer) = event { answer } else { nil }
    }
    #expect(heard == answer)
    #expect(pair.allFaults == [])
  }

  @Test func updatesSayWhatChanges() throws {
    let (pair, recorder, ours, theirs) = try subscribed(
      filter: .range(Location(5, 0), endGroup: 12, endObject: nil))
    var update = SubscriptionUpdate()
    (update.priority, update.groupOrder, update.deliveryTimeout) = (9, .descending, .seconds(1))
    try pair.client.update(ours, update)
    update.endGroup = 10
    try pair.client.update(ours, update)
    update.start = Location(6, 0)
    try pair.client.update(ours, update)
    pair.settle()
    let heard = recorder.all(.server) { event -> SubscriptionUpdate? in
      if case .subscriptionUpdated(theirs, let update) = event { update } else { nil }
    }
    #expect(heard.map(\.start) == [nil, nil, Location(6, 0)])
    #expect(heard.map(\.endGroup) == [nil, 10, 10])
    #expect(heard.allSatisfy { $0.priority == 9 && $0.groupOrder == .descending && $0.deliveryTimeout == .seconds(1) })
    // Only narrower (§6.8).
    update.start = Location(4, 0)
    #expect(throws: CommandError.self) { try pair.client.update(ours, update) }
    (update.start, update.endGroup) = (nil, 11)
    #expect(throws: CommandError.self) { try pair.client.update(ours, update) }
    (update.endGroup, update.forward) = (nil, false)
    #expect(throws: CommandError.self) { try pair.client.update(ours, update) }
    #expect(pair.allFaults == [] && pair.client.isEstablished && pair.server.isEstablished)
  }

  @Test func pathsHaveLimits() throws {
    let (pair, _) = started()
    let long = TrackNamespace([[UInt8](repeating: 1, count: 1_019)])
    _ = try pair.client.subscribe(SubscribeRequest(TrackName(long, "1234")))
    #expect(throws: CommandError.self) { try pair.client.subscribe(SubscribeRequest(TrackName(long, "12345"))) }
    let deep = TrackNamespace((0..<31).map { _ in [UInt8]("p".utf8) })
    _ = try pair.client.subscribe(SubscribeRequest(TrackName(deep, "")))
    #expect(throws: CommandError.self) {
      try pair.client.subscribe(SubscribeRequest(TrackName(deep.appending("q"), "")))
    }
    pair.settle()
    #expect(pair.allFaults == [] && pair.server.isEstablished)
  }

  // MARK: Announcements

  @Test func liveFollowsWhatThereIs() throws {
    let (pair, recorder) = started()
    for path in ["live/a", "live/b", "other"] as [TrackNamespace] { _ = try pair.server.announce(path) }
    let interest = try pair.client.seekAnnouncements(prefix: "live")
    #expect(pair.client.isEstablished)
    pair.settle()
    #expect(recorder.accepted(.client, interest), "nothing answers it, so nothing is waited for")
    pair.server.accept(try #require(recorder.interested(.server).first?.0))
    pair.settle()
    _ = try pair.server.announce("live/c")
    pair.settle()
    let order = recorder.all(.client) { event -> String? in
      switch event {
      case .announced(_, let path): path.path
      case .caughtUp(interest): "live"
      default: nil
      }
    }
    #expect(Set(order.prefix(2)) == ["live/a", "live/b"])
    #expect(Array(order.dropFirst(2)) == ["live", "live/c"])
    pair.client.cancel(interest)
    pair.settle()
    #expect(isTidy(pair))
  }

  // MARK: Flavours of peers

  /// What only transfork has, as peers spell it.
  @Test(arguments: ["gomoqt", "moq-rs", "moq-rs-02", "moq-rs-04"]) func flavours(profile: String) throws {
    let pair = Pair(Speech(dialect: "transfork-03", profile: profile), seed: 5), recorder = Recorder(pair)
    #expect(pair.client.profile == profile && pair.server.profile == profile)
    // Info, whose order the publisher leaves open: moq-rs has no words for that.
    let status = try pair.client.trackStatus(track)
    pair.settle()
    let asked = try #require(
      recorder.first(.server) { event -> RequestKey? in
        if case .trackStatusRequested(let key, _) = event { key } else { nil }
      })
    var state = TrackState(.inProgress, largest: Location(12, 34))
    state.groupOrder = .publisher
    try pair.server.answer(asked, state)
    pair.settle()
    let heard = recorder.first(.client) { event -> TrackState? in
      if case .trackStatus(status, let state) = event { state } else { nil }
    }
    #expect(heard?.largest == Location(12, 0))
    #expect(heard?.groupOrder == (profile == "gomoqt" ? .publisher : .ascending))
    // A group on its request's own stream.
    let fetch = try pair.client.fetch(
      FetchRequest(.standalone(track, start: Location(7, 3), endGroup: 7, endObject: nil)))
    pair.settle()
    let wanted = try #require(
      recorder.first(.server) { event -> RequestKey? in if case .fetchRequested(let key, _) = event { key } else { nil }
      })
    try pair.server.accept(wanted, FetchAnswer(end: Location(7, .max)))
    let stream = try pair.server.openFetch(wanted)
    for id in 3..<5 as Range<UInt64> {
      try pair.server.send(ObjectInfo(group: 7, id: id), payload(7, id, 100), on: stream)
    }
    pair.server.finish(stream: stream)
    pair.settle()
    #expect(recorder.objects(.client).infos.map(\.location) == [Location(7, 3), Location(7, 4)])
    #expect(recorder.ended(.client, fetch)?.reason == .subscriptionEnded)
    // A gap.
    let ours = try pair.client.subscribe(SubscribeRequest(track))
    pair.settle()
    let served = try #require(recorder.subscribeRequested(.server).first?.0)
    try pair.server.accept(served, SubscribeAnswer())
    pair.server.tell(GroupGap(8...11, .tooFarBehind), of: served)
    pair.settle()
    let gaps = recorder.all(.client) { event -> GroupGap? in
      if case .gap(ours, let gap) = event { gap } else { nil }
    }
    #expect(gaps == [GroupGap(8...11, .tooFarBehind, code: 26)])
    // What the crate would take for an INFO is not said.
    #expect(pair.client.tellsBitrate == (profile == "gomoqt"))
    #expect(pair.allFaults == [])
  }

  // MARK: Bytes

  /// A client of the text, byte by byte, and a server's answers.
  @Test func theTextsBytes() throws {
    var configuration = SessionConfiguration()
    configuration.dialects = .automatic
    let server = SessionCore(role: .server, options: configuration, registry: dialects)
    server.connected(alpn: nil, subprotocol: nil, transport: .webTransport)
    var sent: [UInt8] = [], established = false
    func drain() {
      server.drainEffects { if case .send(_, let bytes) = $0 { sent += bytes.array } }
      server.drainEvents { if case .established = $0 { established = true } }
    }
    let session = try #require(server.opened(.bidirectional))
    let setup = try #require(JSON.bytes(hex: "0001c0000000ff0bad0300"))
    for byte in setup {
      #expect(!established)
      withUnsafeBytes(of: byte) { server.received($0, fin: false, on: session) }
      drain()
    }
    #expect(established && server.dialect?.name == "transfork-03" && server.profile == nil)
    #expect(sent == JSON.bytes(hex: "c0000000ff0bad0300"))
  }

  /// FIN after the question says that no more of them follow; the answer still comes (§4.2).
  @Test(arguments: ["0403046c69766504726f6f6d05766964656f", "0303046c69766504726f6f6d05766964656f000703"])
  func finAfterTheQuestion(hex: String) throws {
    let (pair, recorder) = started()
    let server = pair.server, stream = try #require(server.opened(.bidirectional))
    let bytes = try #require(JSON.bytes(hex: hex))
    bytes.withUnsafeBytes { server.received($0, fin: true, on: stream) }
    var sent: [UInt8] = [], finished = false, events: [Event] = []
    func drain() {
      server.drainEvents { events.append($0) }
      server.drainEffects {
        switch $0 {
        case .send(_, let bytes): sent += bytes.array
        case .finish: finished = true
        default: break
        }
      }
    }
    drain()
    for event in events {
      switch event {
      case .trackStatusRequested(let key, let name):
        #expect(name == track)
        try server.answer(key, TrackState(.inProgress, largest: Location(9, 1)))
      case .fetchRequested(let key, _):
        try server.accept(key, FetchAnswer(end: Location(7, .max)))
        let stream = try server.openFetch(key)
        try server.send(ObjectInfo(group: 7, id: 3), [0xab, 0xcd], on: stream)
        server.finish(stream: stream)
      default: Issue.record("\(event)")
      }
    }
    drain()
    #expect(sent == JSON.bytes(hex: hex.hasPrefix("04") ? "407f090100" : "02abcd") && finished)
    _ = recorder
  }

  /// What a peer must not do closes the session, and says what it was.
  @Test(arguments: [
    ("05", "unknown type"), ("0301016100", "ends within"), ("02000101610000", "ends within"),
    ("020000", "Track Path Part"),
    ("0200010161000300000000", "Group Order"), ("0400", "Track Path Part"), ("0121", "Track Prefix Part"),
  ]) func hostileRequests(hex: String, says: String) throws {
    let (pair, recorder) = started()
    let bytes = try #require(JSON.bytes(hex: hex)), stream = try #require(pair.server.opened(.bidirectional))
    bytes.withUnsafeBytes { pair.server.received($0, fin: true, on: stream) }
    pair.server.drainEffects { _ in }
    var end: SessionEnd?
    pair.server.drainEvents { if case .closed(let e) = $0 { end = e } }
    let found = try #require(end)
    #expect(found.reason == .protocolViolation && found.phrase.contains(says), "\(found)")
    _ = recorder
  }
}

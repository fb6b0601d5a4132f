import MoQDrafts
import MoQKernel
import Testing

/// How a subscription ends: by its subscriber, once its range has come whole, or by its publisher, with streams that may
/// still come.
@Suite struct RangeEndTests {
  private let track = TrackName("live/room", "video")

  private struct Subscribed {
    let pair: Pair
    let recorder: Recorder
    let ours, theirs: RequestKey
    /// The subscriber's end of it, and what the publisher hears.
    var ended: Reason? { recorder.ended(.client, ours)?.reason }
    var withdrawn: Reason? { recorder.withdrawn(.server, theirs)?.reason }
    var groups: [UInt64] { recorder.objects(.client).infos.map(\.group).sorted() }
    var isTidy: Bool { pair.allFaults == [] }

    func open(_ group: UInt64) throws -> StreamKey {
      let stream = try pair.server.openSubgroup(theirs, SubgroupInfo(group: group))
      try pair.server.send(ObjectInfo(group: group, id: 0), payload(group, 0, 500), on: stream)
      return stream
    }
    func send(_ group: UInt64) throws { pair.server.finish(stream: try open(group)) }
    /// Lets time pass until the subscription ends, and says how long that was.
    func wait() -> Duration {
      let start = pair.now
      while ended == nil, pair.waitForDeadline() { pair.settle() }
      return .nanoseconds(Int64(pair.now - start))
    }
  }
  private func subscribed(
    _ dialect: String, seed: UInt64, _ filter: Filter, largest: Location? = nil
  ) throws -> Subscribed {
    let speech = Speech(dialect: dialect, profile: nil), pair = Pair(speech, seed: seed), recorder = Recorder(pair)
    let ours = try pair.client.subscribe(SubscribeRequest(track, filter: filter))
    pair.settle()
    let theirs = try #require(recorder.subscribeRequested(.server).first?.0)
    try pair.server.accept(theirs, SubscribeAnswer(largest: largest))
    pair.settle()
    return Subscribed(pair: pair, recorder: recorder, ours: ours, theirs: theirs)
  }

  @Test(
    "a subscriber closes when all of its range has come or is told as a gap", arguments: 1...20 as ClosedRange<UInt64>)
  func whole(seed: UInt64) throws {
    let it = try subscribed(
      "transfork-03", seed: seed, .range(Location(3, 0), endGroup: 6, endObject: nil), largest: Location(2, 0))
    let late = try it.open(4)
    for group in [3, 6] as [UInt64] { try it.send(group) }
    it.pair.server.tell(GroupGap(5...5, .tooFarBehind), of: it.theirs)
    it.pair.settle()
    #expect(it.ended == nil && it.withdrawn == nil)
    it.pair.server.finish(stream: late)
    it.pair.settle()
    #expect(it.ended == .subscriptionEnded && it.withdrawn == .cancelled, "seed \(seed)")
    #expect(it.groups == [3, 4, 6])
    #expect(it.pair.byKey.map(\.count) == [1, 1] && it.isTidy, "seed \(seed): \(it.pair.allFaults)")
  }

  @Test("a group that was cut is not over before its gap is told")
  func cut() throws {
    let it = try subscribed("transfork-03", seed: 3, .range(Location(3, 0), endGroup: 4, endObject: nil))
    try it.send(3)
    it.pair.server.reset(stream: try it.open(4), .deliveryTimeout)
    it.pair.settle()
    #expect(it.ended == .subscriptionEnded)
    let told = it.recorder.all(.client) { event -> ClosedRange<UInt64>? in
      if case .gap(_, let gap) = event { gap.groups } else { nil }
    }
    #expect(told == [4...4])
    #expect(it.isTidy)
  }

  @Test("a range that is narrowed to what has come is over")
  func narrowed() throws {
    let it = try subscribed("transfork-03", seed: 4, .from(Location(3, 0)))
    for group in 3...5 as ClosedRange<UInt64> { try it.send(group) }
    it.pair.settle()
    #expect(it.ended == nil)
    var update = SubscriptionUpdate()
    update.endGroup = 5
    try it.pair.client.update(it.ours, update)
    it.pair.settle()
    #expect(it.ended == .subscriptionEnded && it.withdrawn == .cancelled && it.isTidy)
  }

  @Test(
    "the end of a range that the dialect cannot say is the subscriber's to keep",
    arguments: 1...10 as ClosedRange<UInt64>)
  func unsaid(seed: UInt64) throws {
    let it = try subscribed("moq-lite-01", seed: seed, .range(Location(0, 0), endGroup: 6, endObject: nil))
    for group in 5...8 as ClosedRange<UInt64> { try it.send(group) }
    it.pair.settle()
    #expect(it.wait() < .milliseconds(300))
    #expect(it.ended == .subscriptionEnded && it.withdrawn == .cancelled, "seed \(seed)")
    #expect(it.groups == [5, 6], "seed \(seed)")
    #expect(it.isTidy)
  }

  @Test("drafts leave the end of a range to the publisher", arguments: ["draft-07", "draft-14"])
  func publishers(dialect: String) throws {
    let it = try subscribed(dialect, seed: 5, .range(Location(0, 0), endGroup: 0, endObject: nil))
    try it.send(0)
    it.pair.settle()
    #expect(it.ended == nil && it.withdrawn == nil)
    it.pair.server.finish(it.theirs, RequestFailure(.subscriptionEnded))
    it.pair.settle()
    _ = it.wait()
    #expect(it.ended == .subscriptionEnded && it.isTidy)
  }

  @Test(
    "after the end late streams are waited for as long as one may be on its way", arguments: Speech.allCases,
    1...3 as ClosedRange<UInt64>)
  func late(_ speech: Speech, seed: UInt64) throws {
    let pair = Pair(speech, seed: seed), recorder = Recorder(pair)
    let ours = try pair.client.subscribe(SubscribeRequest(track, filter: speech.liveFilter))
    pair.settle()
    let theirs = try #require(recorder.subscribeRequested(.server).first?.0)
    try pair.server.accept(theirs, SubscribeAnswer())
    pair.settle()
    let it = Subscribed(pair: pair, recorder: recorder, ours: ours, theirs: theirs)
    for group in 0..<4 as Range<UInt64> { try it.send(group) }
    pair.settle()
    pair.server.finish(theirs)
    pair.settle()
    #expect(it.wait() < .milliseconds(300), "seed \(seed)")
    #expect(it.ended == .trackEnded && it.groups == [0, 1, 2, 3] && it.isTidy)
  }
}

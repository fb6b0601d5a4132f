import MoQKernel
import Testing

@testable import MoQRelay

/// What is too old to be sent, or to be passed on from the cache. The network's clock ticks in milliseconds.
@Suite struct ExpiryTests {
  // MARK: Group Expires

  /// The smaller of the subscriber's and the publisher's counts, from the end of a group on (§6.7, §6.10 of transfork-03).
  @Test(arguments: [(1_000, 100), (100, 1_000)] as [(Int64, Int64)])
  func aGroupIsDroppedWhenItHasExpired(publishers: Int64, subscribers: Int64) throws {
    let stage = Stage(seed: 400, "transfork-03")
    stage.local.deliveryTimeout = .milliseconds(publishers)
    let slow = stage.subscriber("transfork-03", rate: 100), fast = stage.subscriber("transfork-03")
    let key = try stage.subscribe(slow) { $0.deliveryTimeout = .milliseconds(subscribers) }
    let other = try stage.subscribe(fast) { $0.deliveryTimeout = .milliseconds(subscribers) }
    #expect(slow.answers[key]?.deliveryTimeout == .milliseconds(publishers))
    // A group that goes on for long is not late, however old its first objects are.
    let long = stage.local.begin(SubgroupInfo(group: 0, endsGroup: true))
    for id in 0..<10 as Range<UInt64> {
      long.write(ObjectInfo(group: 0, id: id), payload: payload(Location(0, id), 1_000))
      for _ in 0..<30 { stage.network.step() }
    }
    #expect(stage.network.origin.counters.deliveryTimeouts == 0)
    long.finish()
    for group in 1..<4 as Range<UInt64> { stage.local.group(group, objects: 10, size: 3_000) }
    for _ in 0..<400 { stage.network.step() }
    slow.link.rate = .max
    stage.local.group(4)
    stage.network.settle()
    #expect(stage.network.origin.counters.deliveryTimeouts > 0)
    #expect(slow.isComplete(0) && slow.isComplete(4) && !slow.isComplete(3))
    let told = (slow.gaps[key] ?? []).filter { $0.reason == .deliveryTimeout }.map(\.groups)
    #expect(told.contains(3...3), "\(told)")
    for group in 0..<5 as Range<UInt64> { #expect(fast.isComplete(group), "group \(group)") }
    #expect(fast.gaps[other] == nil)
  }

  /// "Including any time spent cached" (§6.7): what has expired before a subscriber came is not sent to it.
  @Test func theTimeInTheCacheCounts() throws {
    let stage = Stage(seed: 401, "transfork-03")
    let keeper = stage.subscriber("transfork-03")
    _ = try stage.subscribe(keeper)
    for group in 0..<2 as Range<UInt64> { stage.local.group(group) }
    stage.network.settle()
    for _ in 0..<300 { stage.network.step() }
    for group in 2..<4 as Range<UInt64> { stage.local.group(group) }
    stage.network.settle()
    let late = stage.subscriber("transfork-03")
    let key = try stage.subscribe(late) {
      ($0.filter, $0.deliveryTimeout) = (.from(Location(0, 0)), .milliseconds(200))
    }
    stage.network.settle()
    #expect(late.incoming.compactMap(\.group).sorted() == [2, 3])
    #expect((late.gaps[key] ?? []).flatMap { Array($0.groups) }.sorted() == [0, 1])
  }

  // MARK: Delivery timeouts

  /// The smaller of both sides' counts (§9.2.1.2 of draft-14), and it is passed on.
  @Test(arguments: ["draft-07", "draft-14"]) func thePublishersTimeoutCounts(dialect: String) throws {
    let stage = Stage(seed: 406, dialect)
    stage.local.deliveryTimeout = .milliseconds(100)
    let slow = stage.subscriber(dialect, rate: 100)
    let key = try stage.subscribe(slow) { $0.deliveryTimeout = .seconds(10) }
    #expect(slow.answers[key]?.deliveryTimeout == .milliseconds(100))
    stage.local.group(0, objects: 20, size: 50_000)
    for _ in 0..<400 { stage.network.step() }
    #expect(stage.network.origin.counters.deliveryTimeouts > 0 && slow.incoming.first?.end == .reset)
  }

  // MARK: MAX_CACHE_DURATION

  @Test(arguments: ["draft-07", "draft-10", "draft-11", "draft-14"])
  func theDurationIsPassedOn(dialect: String) throws {
    let stage = Stage(seed: 402, dialect)
    stage.local.maximumCacheDuration = .milliseconds(700)
    let subscribers = [dialect, "draft-14"].map { stage.subscriber($0) }
    for subscriber in subscribers {
      let key = try stage.subscribe(subscriber)
      #expect(subscriber.answers[key]?.maximumCacheDuration == .milliseconds(700))
    }
  }

  @Test func nothingIsServedBeyondIt() throws {
    let stage = Stage(seed: 403)
    stage.local.maximumCacheDuration = .milliseconds(200)
    let keeper = stage.subscriber()
    _ = try stage.subscribe(keeper)
    let askers = (0..<2).map { _ in stage.subscriber() }
    func fetch(_ group: UInt64, by asker: SimulatedSubscriber) throws -> (RelayCounters, [Location]) {
      let key = try asker.session.fetch(
        FetchRequest(.standalone(Stage.track, start: Location(group, 0), endGroup: group, endObject: nil)))
      stage.network.run { asker.ends[key] != nil }
      #expect(asker.fetches[key]?.maximumCacheDuration == .milliseconds(200))
      return (stage.network.origin.counters, asker.incoming.flatMap(\.objects).map(\.info.location))
    }
    let due = (0..<3).map { Location(0, $0) }
    stage.local.group(0, objects: 3)
    stage.network.settle()
    var (counters, found) = try fetch(0, by: askers[0])
    #expect(found == due && counters.fetchesFromCache == 1 && counters.fetchesForwarded == 0)
    for _ in 0..<250 { stage.network.step() }
    // It is asked for again, and comes from the publisher.
    (counters, found) = try fetch(0, by: askers[1])
    #expect(found == due && counters.fetchesFromCache == 1 && counters.fetchesForwarded == 1)
    // What nobody can be given takes no room once there is something newer.
    stage.local.group(1)
    stage.local.group(2)
    stage.network.settle()
    for _ in 0..<250 { stage.network.step() }
    stage.network.run(200) { stage.network.origin.snapshot.cachedGroups == 1 }
    #expect(stage.network.origin.snapshot.cachedGroups == 1)
  }

  /// "Subscribe only delivers newly published or received Objects" (§9.7 of draft-14): wherever a subscription begins,
  /// nothing of the past is asked for again for it. The fetch that joins it asks.
  @Test(arguments: ["draft-12", "draft-13", "draft-14"]) func onlyFetchesIncludeWhatIsStale(dialect: String) throws {
    let stage = Stage(seed: 407, dialect)
    stage.local.maximumCacheDuration = .milliseconds(200)
    let keeper = stage.subscriber(dialect)
    _ = try stage.subscribe(keeper)
    let writer = stage.local.begin(SubgroupInfo(group: 0, endsGroup: true))
    for id in 0..<3 as Range<UInt64> { writer.write(ObjectInfo(group: 0, id: id), payload: Bytes("x")) }
    stage.network.settle()
    for _ in 0..<250 { stage.network.step() }
    let late = stage.subscriber(dialect), other = stage.subscriber(dialect)
    let key = try stage.subscribe(late)
    _ = try stage.subscribe(other) { $0.filter = .from(Location(0, 0)) }
    writer.write(ObjectInfo(group: 0, id: 3), payload: Bytes("x"))
    stage.network.settle()
    for subscriber in [late, other] { #expect(stage.locations(subscriber) == [Location(0, 3)]) }
    #expect(stage.network.origin.counters.fetchesForwarded == 0)
    let fetch = try late.session.fetch(FetchRequest(.joining(key, groupsBefore: 0)))
    stage.network.run { late.ends[fetch] != nil }
    let fetched = late.incoming.filter(\.isFetch).flatMap { $0.objects.map(\.info.location) }
    #expect(fetched == (0..<3).map { Location(0, $0) })
    #expect(stage.network.origin.counters.fetchesForwarded == 1)
  }

  @Test(arguments: ["draft-14", "moq-lite-01"]) func aSlowSubscriberGetsNoStaleObjects(dialect: String) throws {
    let stage = Stage(seed: 404)
    stage.local.maximumCacheDuration = .milliseconds(150)
    let slow = stage.subscriber(dialect, rate: 100)
    _ = try stage.subscribe(slow)
    stage.local.group(0, objects: 200, size: 4_000)
    for _ in 0..<400 { stage.network.step() }
    slow.link.rate = .max
    stage.network.settle()
    #expect(stage.network.origin.counters.objectsStale > 0)
    #expect(slow.objects(of: 0).count < 200 && slow.incoming.first?.end == .reset)
    stage.local.group(1, objects: 3)
    stage.network.settle()
    #expect(slow.objects(of: 1).count == 3 && slow.isComplete(1))
  }

  /// Whoever comes late gets of the current group what may still be passed on.
  @Test func aLateSubscriberGetsWhatIsNotStale() throws {
    let stage = Stage(seed: 405)
    stage.local.maximumCacheDuration = .milliseconds(300)
    let keeper = stage.subscriber()
    _ = try stage.subscribe(keeper)
    let writer = stage.local.begin(SubgroupInfo(group: 0, endsGroup: true))
    for id in 0..<4 as Range<UInt64> {
      writer.write(ObjectInfo(group: 0, id: id), payload: Bytes("x"))
      stage.network.settle()
      for _ in 0..<200 { stage.network.step() }
    }
    let late = stage.subscriber("draft-07")
    _ = try stage.subscribe(late) { $0.filter = .currentGroup }
    writer.write(ObjectInfo(group: 0, id: 4), payload: Bytes("x"))
    writer.finish()
    stage.network.settle()
    // The last one is the end of the group.
    #expect(stage.locations(late) == (3...5).map { Location(0, $0) })
  }
}

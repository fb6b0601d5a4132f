import MoQKernel
import Testing

@testable import MoQRelay

/// Groups that do not come: who is told, and in which words.
@Suite struct GapTests {
  private func gaps(_ subscriber: SimulatedSubscriber, _ key: RequestKey) -> [ClosedRange<UInt64>] {
    (subscriber.gaps[key] ?? []).map(\.groups).sorted { $0.lowerBound < $1.lowerBound }
  }
  /// Which groups came whole, or were told of as gaps.
  private func told(_ subscriber: SimulatedSubscriber, _ key: RequestKey) -> GroupRanges {
    var told = GroupRanges()
    for stream in subscriber.incoming where stream.end == .fin { if let group = stream.group { told.insert(group) } }
    for gap in subscriber.gaps[key] ?? [] { told.insert(gap.groups) }
    return told
  }

  @Test func aReportGoesOnWhereThereAreWordsForIt() throws {
    let stage = Stage(seed: 300, "transfork-03")
    let same = stage.subscriber("transfork-03"), other = stage.subscriber("draft-14")
    let key = try stage.subscribe(same), otherKey = try stage.subscribe(other)
    stage.local.group(0)
    stage.network.settle()
    stage.local.skip(3...5, .tooFarBehind)
    stage.local.skip(5...6, .unknown(99))
    stage.network.settle()
    #expect(
      same.gaps[key] == [GroupGap(3...5, .tooFarBehind, code: 26), GroupGap(6...6, .unknown(99), code: 99)])
    #expect(other.gaps[otherKey] == nil)
    #expect(stage.network.origin.counters.gapsDropped == 2)
    stage.local.group(7)
    stage.network.settle()
    for subscriber in [same, other] { #expect(Set(subscriber.incoming.compactMap(\.group)) == [0, 7]) }
  }

  @Test(arguments: ["draft-07", "draft-14", "transfork-03"]) func groupsThatDoNotExist(publisher: String) throws {
    let stage = Stage(seed: 301, publisher)
    let draft = stage.subscriber("draft-14"), transfork = stage.subscriber("transfork-03")
    _ = try stage.subscribe(draft)
    let key = try stage.subscribe(transfork)
    stage.local.group(1)
    stage.network.settle()
    stage.local.skip(2...3)
    stage.local.group(4)
    stage.network.settle()
    #expect(gaps(transfork, key).flatMap(Array.init) == [2, 3])
    #expect(transfork.gaps[key]?.allSatisfy { $0.reason == .doesNotExist } ?? false)
    // An end of group that is its first object (§10.2.1.1 of draft-14), where the publisher's dialect has it.
    let ends = draft.incoming.flatMap(\.objects).map(\.info).filter { $0.status == .endOfGroup && $0.id == 0 }
    #expect(ends.map(\.group).sorted() == (publisher == "transfork-03" ? [] : [2, 3]))
  }

  @Test func whatHasComeOrWasToldIsNotToldAgain() throws {
    let stage = Stage(seed: 302, "transfork-03")
    let subscriber = stage.subscriber("transfork-03")
    let key = try stage.subscribe(subscriber)
    let writer = stage.local.begin(SubgroupInfo(group: 2))
    writer.write(ObjectInfo(group: 2, id: 0), payload: Bytes("x"))
    stage.network.settle()
    stage.local.skip(0...4, .cancelled)
    stage.local.skip(3...5, .cancelled)
    stage.network.settle()
    #expect(gaps(subscriber, key) == [0...1, 3...4, 5...5])
    // Its reset tells of the one that was begun.
    writer.reset(.cancelled)
    stage.network.settle()
    #expect(gaps(subscriber, key) == [0...1, 2...2, 3...4, 5...5])
  }

  @Test func numbersThatAPublisherLeavesOutAreToldAtTheEnd() throws {
    let stage = Stage(seed: 303)
    let subscriber = stage.subscriber("transfork-03")
    let key = try stage.subscribe(subscriber)
    for group in [3, 4, 9] as [UInt64] { stage.local.group(group) }
    stage.network.settle()
    #expect(gaps(subscriber, key) == [])
    stage.local.end()
    stage.network.run(5_000) { subscriber.ends[key] != nil }
    #expect(subscriber.ends[key]?.reason == .trackEnded)
    #expect(gaps(subscriber, key) == [5...8])
  }

  @Test func thePastComesFromTheCacheOrIsAGap() throws {
    let stage = Stage(seed: 304)
    let keeper = stage.subscriber()
    stage.local.group(0)
    stage.local.group(1)
    _ = try stage.subscribe(keeper) { $0.filter = .nextGroup }
    for group in 2..<5 as Range<UInt64> { stage.local.group(group, objects: 2) }
    stage.network.settle()
    let late = stage.subscriber("transfork-03")
    let key = try stage.subscribe(late) { $0.filter = .range(Location(0, 0), endGroup: 6, endObject: nil) }
    stage.local.group(5)
    stage.network.settle()
    // The relay came when group 1 was the largest; what it had missed of that it has fetched.
    #expect(gaps(late, key) == [0...0])
    #expect(late.incoming.compactMap(\.group).sorted() == [1, 2, 3, 4, 5])
  }

  /// Each group of the range comes whole or is told as a gap (§5.2 of transfork-03), however slow the subscriber.
  @Test(arguments: 310..<330 as Range<UInt64>) func aSlowSubscriberIsToldWhatItMisses(seed: UInt64) throws {
    var configuration = RelayConfiguration()
    (configuration.cacheBytes, configuration.maximumStreams) = (60_000, 3)
    let stage = Stage(seed: seed, seed % 2 == 0 ? "draft-14" : "transfork-03", configuration)
    let slow = stage.subscriber("transfork-03", rate: 200)
    let key = try stage.subscribe(slow) {
      $0.groupOrder = seed % 3 == 0 ? .descending : .ascending
      if seed % 5 == 0 { $0.deliveryTimeout = .milliseconds(40) }
    }
    for group in 0..<40 as Range<UInt64> {
      let writer = stage.local.begin(SubgroupInfo(group: group, endsGroup: true))
      for id in 0..<3 as Range<UInt64> {
        writer.write(ObjectInfo(group: group, id: id), payload: payload(Location(group, id), 2_000))
        stage.network.step()
      }
      if (group &+ seed) % 7 == 3 { writer.reset(.cancelled) } else { writer.finish() }
      stage.network.step()
    }
    slow.link.rate = .max
    stage.local.end()
    stage.network.run(30_000) { slow.ends[key] != nil }
    #expect(slow.ends[key]?.reason == .trackEnded, "seed \(seed)")
    let missing = told(slow, key).missing(in: 0...38)
    let streams = slow.incoming.map { "\($0.group ?? 0) \($0.objects.count) \($0.end.map { "\($0)" } ?? "-")" }
    #expect(missing.isEmpty, "seed \(seed): \(missing) \(gaps(slow, key)) \(streams) \(stage.network.origin.counters)")
  }
}

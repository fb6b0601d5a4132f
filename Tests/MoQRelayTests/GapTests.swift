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

  @Test(arguments: ["draft-07", "draft-11", "draft-14", "transfork-03"]) func groupsThatDoNotExist(
    publisher: String
  ) throws {
    let stage = Stage(seed: 301, publisher)
    let draft = stage.subscriber("draft-14"), transfork = stage.subscriber("transfork-03")
    let draftKey = try stage.subscribe(draft), key = try stage.subscribe(transfork)
    stage.local.group(1)
    stage.network.settle()
    stage.local.skip(2...3)
    stage.local.group(4)
    stage.network.settle()
    #expect(gaps(transfork, key).flatMap(Array.init) == [2, 3])
    #expect(transfork.gaps[key]?.allSatisfy { $0.reason == .doesNotExist } ?? false)
    // An end of group that is its first object (§10.2.1.1 of draft-14), where the publisher's dialect has no better word.
    let ends = draft.incoming.flatMap(\.objects).map(\.info).filter { $0.status == .endOfGroup && $0.id == 0 }
    #expect(ends.map(\.group).sorted() == (publisher == "draft-07" ? [2, 3] : []))
    // Prior Group ID Gap as its publisher wrote it: relays neither add, change nor remove it (§11.1 of draft-14).
    let said: Bytes = publisher == "draft-14" ? [0x3c, 2] : publisher == "draft-11" ? [0x40, 0x40, 2] : []
    #expect(draft.objects(of: 4).map(\.info.extensions).first == said)
    #expect(gaps(draft, draftKey) == (publisher == "draft-14" ? [2...3] : []))
    // Its number is another in draft-11, so what it says is lost on the one and said to the other.
    let lost: UInt64 = publisher == "draft-11" ? 1 : publisher == "transfork-03" ? 2 : 0
    #expect(stage.network.origin.counters.gapsDropped == lost)
  }

  /// An application that is read in several dialects at once says it to each in its own words.
  @Test func aPublisherSaysItInTheWordsOfEachDialect() throws {
    let network = Network(seed: 305)
    let track = network.origin.publish(Stage.track.namespace).track("video")
    var subscribers: [String: (SimulatedSubscriber, RequestKey)] = [:]
    for dialect in ["draft-07", "draft-10", "draft-11", "draft-14", "moq-lite-01", "transfork-03"] {
      let subscriber = SimulatedSubscriber(network, dialect)
      let isOpen = network.run { subscriber.session.isEstablished }
      #expect(isOpen)
      let filter: Filter = dialect.hasPrefix("draft") ? .nextObject : .currentGroup
      subscribers[dialect] = (
        subscriber, try subscriber.session.subscribe(SubscribeRequest(Stage.track, filter: filter))
      )
    }
    network.settle()
    track.skip(0...1)
    track.group(2, objects: 2)
    track.skip(3...1_002)
    track.group(1_003, objects: 2)
    network.settle()
    for (dialect, (subscriber, key)) in subscribers {
      let ends = subscriber.incoming.flatMap(\.objects).map(\.info).filter { $0.status == .endOfGroup && $0.id == 0 }
      #expect(ends.map(\.group).sorted() == (["draft-07", "draft-10"].contains(dialect) ? [0, 1] : []), "\(dialect)")
      // Some say the end of a group in an object.
      let objects = [2, 1_003].flatMap { subscriber.objects(of: $0).map(\.info) }
      let said = objects.filter { $0.status == .normal }.map(\.extensions)
      switch dialect {
      case "draft-11": #expect(said == [[0x40, 0x40, 2], [], [0x40, 0x40, 0x43, 0xe8], []])
      case "draft-14": #expect(said == [[0x3c, 2], [], [0x3c, 0x43, 0xe8], []])
      default: #expect(said == [[], [], [], []], "\(dialect)")
      }
      let isTold = ["draft-11", "draft-14", "transfork-03"].contains(dialect)
      #expect(gaps(subscriber, key).flatMap(Array.init) == (isTold ? [0, 1] + Array(3...1_002) : []), "\(dialect)")
      #expect(subscriber.ends[key] == nil && subscriber.closed == nil, "\(dialect)")
    }
  }

  /// Whoever comes late, or fetches, gets the same objects; of a group that does not exist there are none.
  @Test func whatIsSkippedStaysSo() throws {
    let stage = Stage(seed: 306), early = stage.subscriber()
    _ = try stage.subscribe(early)
    stage.local.group(0)
    stage.local.skip(1...2)
    let writer = stage.local.begin(SubgroupInfo(group: 3))
    for id in 5...6 as ClosedRange<UInt64> { writer.write(ObjectInfo(group: 3, id: id), payload: Bytes("x")) }
    writer.finish()
    #expect(!stage.local.begin(SubgroupInfo(group: 2)).write(ObjectInfo(group: 2, id: 1), payload: Bytes("late")))
    stage.local.send(datagram: ObjectInfo(group: 1, id: 1), payload: Bytes("late"))
    // Before a group that has begun without saying it.
    stage.local.group(5)
    stage.local.skip(4...4)
    stage.local.skip(6...6)
    stage.local.send(datagram: ObjectInfo(group: 7, id: 0), payload: Bytes("first"))
    stage.network.settle()
    #expect(early.datagrams.map(\.info.extensions) == [[0x3c, 1]])
    let late = stage.subscriber()
    let key = try late.session.fetch(
      FetchRequest(.standalone(Stage.track, start: Location(0, 0), endGroup: 6, endObject: nil)))
    stage.network.settle()
    #expect(late.fetches[key] != nil && late.ends[key]?.reason != .malformedTrack)
    for subscriber in [early, late] {
      let said = subscriber.incoming.flatMap(\.objects).map(\.info).filter { !$0.extensions.isEmpty }
      #expect(said.map(\.location) == [Location(3, 5)] && said.first?.extensions == [0x3c, 2])
      let groups = Set(subscriber.incoming.flatMap(\.objects).map(\.info.group))
      #expect(groups.isDisjoint(with: [1, 2]) && groups.isSuperset(of: [0, 3, 4, 5]), "\(groups)")
      #expect(subscriber.closed == nil)
    }
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

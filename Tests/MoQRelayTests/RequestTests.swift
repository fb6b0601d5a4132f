import MoQKernel
import Testing

@testable import MoQRelay

/// A publisher, the relay, and what they agree on.
struct Stage {
  let network: Network
  let publisher: SimulatedPublisher
  let broadcast: LocalBroadcast
  let local: LocalTrack
  static let track = TrackName("live/room", "video")

  init(seed: UInt64, _ dialect: String = "draft-14", _ configuration: RelayConfiguration = RelayConfiguration()) {
    network = Network(seed: seed, configuration)
    publisher = SimulatedPublisher(network, dialect)
    broadcast = publisher.origin.publish(Self.track.namespace)
    local = broadcast.track("video")
    let origin = network.origin
    let isThere = network.run { origin.snapshot.namespaces > 0 }
    #expect(isThere)
  }
  func subscriber(_ dialect: String = "draft-14", rate: Int = .max) -> SimulatedSubscriber {
    let subscriber = SimulatedSubscriber(network, dialect, rate: rate)
    let isOpen = network.run { subscriber.session.isEstablished }
    #expect(isOpen)
    return subscriber
  }
  /// Subscribes, and waits for the answer.
  func subscribe(_ subscriber: SimulatedSubscriber, _ change: (inout SubscribeRequest) -> Void = { _ in }) throws
    -> RequestKey
  {
    var request = SubscribeRequest(Self.track, filter: .nextObject)
    change(&request)
    let key = try subscriber.session.subscribe(request)
    let isAnswered = network.run { subscriber.answers[key] != nil || subscriber.ends[key] != nil }
    #expect(isAnswered)
    return key
  }
  /// Has somebody read groups 0 to 2 and three objects of group 3, which stays open.
  func openGroup() throws -> (LocalSubgroup, reader: SimulatedSubscriber) {
    let keeper = subscriber()
    _ = try subscribe(keeper)
    for group in 0..<3 as Range<UInt64> { local.group(group, objects: 3) }
    let open = local.begin(SubgroupInfo(group: 3, endsGroup: true))
    for id in 0..<3 as Range<UInt64> { open.write(ObjectInfo(group: 3, id: id), payload: Bytes("x")) }
    network.settle()
    return (open, keeper)
  }
  func locations(_ subscriber: SimulatedSubscriber) -> [Location] {
    subscriber.incoming.filter { !$0.isFetch }.flatMap { $0.objects.map(\.info.location) }.sorted()
  }
}

@Suite struct SubscriptionTests {
  @Test func aFilterSaysWhereItBegins() throws {
    let stage = Stage(seed: 20)
    let (open, keeper) = try stage.openGroup()
    let filters: [(Filter, [Location])] = [
      (.nextObject, [Location(3, 3), Location(4, 0), Location(5, 0)]),
      (.nextGroup, [Location(4, 0), Location(5, 0)]),
      (.from(Location(1, 0)), [Location(3, 3), Location(4, 0), Location(5, 0)]),
      (.from(Location(5, 0)), [Location(5, 0)]),
      (.range(Location(3, 3), endGroup: 4, endObject: nil), [Location(3, 3), Location(4, 0)]),
      (.range(Location(4, 0), endGroup: 4, endObject: nil), [Location(4, 0)]),
    ]
    var waiting: [(SimulatedSubscriber, RequestKey, [Location])] = []
    for (filter, expected) in filters {
      let subscriber = stage.subscriber()
      let key = try stage.subscribe(subscriber) { $0.filter = filter }
      #expect(subscriber.answers[key]?.largest == Location(3, 2))
      waiting.append((subscriber, key, expected))
    }
    open.write(ObjectInfo(group: 3, id: 3), payload: Bytes("y"))
    open.finish()
    stage.local.group(4)
    stage.local.group(5)
    stage.network.settle()
    #expect(stage.locations(keeper).last == Location(5, 0))
    for ((subscriber, key, expected), (filter, _)) in zip(waiting, filters) {
      #expect(stage.locations(subscriber) == expected, "\(filter)")
      if case .range = filter {
        #expect(subscriber.ends[key]?.reason == .subscriptionEnded, "\(filter)")
      } else {
        #expect(subscriber.ends[key] == nil, "\(filter)")
      }
    }
    // A range that is over before it begins.
    let late = stage.subscriber()
    let key = try stage.subscribe(late) { $0.filter = .range(Location(1, 0), endGroup: 2, endObject: nil) }
    #expect(late.ends[key]?.reason == .invalidRange)
  }

  @Test func nothingFlowsWhileForwardIsOff() throws {
    let stage = Stage(seed: 21)
    let subscriber = stage.subscriber()
    let key = try stage.subscribe(subscriber) { $0.forward = false }
    stage.local.group(0, objects: 2)
    stage.network.settle()
    #expect(stage.locations(subscriber).isEmpty)
    var update = SubscriptionUpdate()
    update.start = Location(0, 0)
    update.forward = true
    try subscriber.session.update(key, update)
    stage.network.settle()
    stage.local.group(1, objects: 2)
    stage.network.settle()
    #expect(stage.locations(subscriber) == [Location(1, 0), Location(1, 1)])
    update.forward = false
    try subscriber.session.update(key, update)
    stage.network.settle()
    stage.local.group(2, objects: 2)
    stage.network.settle()
    #expect(stage.locations(subscriber).count == 2)
  }

  @Test func anUpdateMovesTheEndsTogether() throws {
    let stage = Stage(seed: 22)
    let subscriber = stage.subscriber()
    let key = try stage.subscribe(subscriber)
    stage.local.group(0)
    stage.network.settle()
    var update = SubscriptionUpdate()
    (update.start, update.endGroup) = (Location(2, 0), 3)
    try subscriber.session.update(key, update)
    stage.network.settle()
    for group in 1..<6 as Range<UInt64> { stage.local.group(group) }
    stage.network.settle()
    #expect(stage.locations(subscriber) == [Location(0, 0), Location(2, 0), Location(3, 0)])
    #expect(subscriber.ends[key]?.reason == .subscriptionEnded)
  }

  @Test func lateObjectsGoByTheDeliveryTimeout() throws {
    let stage = Stage(seed: 23)
    let slow = stage.subscriber(rate: 100)
    _ = try stage.subscribe(slow) { $0.deliveryTimeout = .milliseconds(100) }
    stage.local.group(0, objects: 20, size: 50_000)
    for _ in 0..<400 { stage.network.step() }
    #expect(stage.network.origin.counters.deliveryTimeouts > 0)
    #expect(slow.incoming.first?.end == .reset)
    slow.link.rate = .max
    stage.local.group(1, objects: 2)
    stage.network.settle()
    #expect(slow.objects(of: 1).count == 2)
  }

  @Test func groupsAreSentNewestFirstWhereThatIsWanted() throws {
    for (order, expected) in [(GroupOrder.ascending, 0 as UInt64), (.descending, 9)] {
      let stage = Stage(seed: 24)
      let slow = stage.subscriber(rate: 1)
      _ = try stage.subscribe(slow) { $0.groupOrder = order }
      for group in 0..<10 as Range<UInt64> { stage.local.group(group, objects: 3, size: 3_000) }
      for _ in 0..<50 { stage.network.step() }
      slow.link.rate = 3_000
      let hasOne = stage.network.run { (0..<10).contains { slow.isComplete($0) } }
      #expect(hasOne)
      #expect((0..<10).first { slow.isComplete($0) } == expected, "\(order)")
      stage.network.settle()
      for group in 0..<10 as Range<UInt64> { #expect(slow.objects(of: group).count == 3) }
    }
  }

  @Test func aPublisherThatBreaksAStreamOffAndGoesOnIsFollowed() throws {
    let stage = Stage(seed: 25)
    let subscriber = stage.subscriber()
    _ = try stage.subscribe(subscriber)
    let first = stage.local.begin(SubgroupInfo(group: 0))
    first.write(ObjectInfo(group: 0, id: 0), payload: Bytes("a"))
    first.begin(ObjectInfo(group: 0, id: 1, payloadLength: 100))
    first.append(Bytes("half"))
    stage.network.settle()
    first.reset()
    let second = stage.local.begin(SubgroupInfo(group: 0))
    second.write(ObjectInfo(group: 0, id: 1), payload: Bytes("whole"))
    second.finish()
    stage.network.settle()
    #expect(subscriber.incoming.map(\.end) == [.reset, .fin])
    #expect(subscriber.objects(of: 0).map { String(decoding: $0.payload, as: UTF8.self) } == ["a", "whole"])
  }

  @Test func aStoppedStreamStaysStoppedAndOthersGoOn() throws {
    let stage = Stage(seed: 26)
    let subscriber = stage.subscriber()
    _ = try stage.subscribe(subscriber)
    let writer = stage.local.begin(SubgroupInfo(group: 0))
    subscriber.onObject = { stream, info in
      if info.group == 0, info.id == 1 { subscriber.session.stop(stream: stream, .cancelled) }
    }
    for id in 0..<5 as Range<UInt64> {
      writer.write(ObjectInfo(group: 0, id: id), payload: Bytes("x"))
      stage.network.settle()
    }
    #expect(subscriber.objects(of: 0).count <= 2)
    stage.local.group(1, objects: 3)
    stage.network.settle()
    #expect(subscriber.objects(of: 1).count == 3)
  }

  @Test func moreStreamsThanAllowedWaitTheirTurn() throws {
    var configuration = RelayConfiguration()
    configuration.maximumStreams = 4
    let stage = Stage(seed: 27, "draft-14", configuration)
    let slow = stage.subscriber(rate: 500)
    _ = try stage.subscribe(slow)
    for group in 0..<50 as Range<UInt64> { stage.local.group(group, objects: 2, size: 100) }
    stage.network.settle()
    for group in 0..<50 as Range<UInt64> { #expect(slow.objects(of: group).count == 2, "group \(group)") }
    #expect(stage.network.origin.counters.groupsSkipped == 0)
  }
}

@Suite struct DataTests {
  @Test func subgroupsPassAsTheyAre() throws {
    let stage = Stage(seed: 30)
    let subscriber = stage.subscriber()
    _ = try stage.subscribe(subscriber)
    let writers = (0..<3 as Range<UInt64>).map {
      stage.local.begin(SubgroupInfo(group: 0, subgroup: $0, priority: UInt8($0), hasExtensions: true))
    }
    for id in 0..<9 as Range<UInt64> {
      // A number under an even key (§1.4.2): key 2, value 7.
      let info = ObjectInfo(group: 0, subgroup: id % 3, id: id, priority: UInt8(id % 3), extensions: [2, 7])
      writers[Int(id % 3)].write(info, payload: payload(Location(0, id), 100))
    }
    for writer in writers { writer.finish() }
    stage.network.settle()
    #expect(subscriber.incoming.count == 3)
    for stream in subscriber.incoming {
      #expect(stream.end == .fin)
      #expect(stream.objects.count == 3)
      for object in stream.objects {
        #expect(object.info.id % 3 == object.info.subgroup)
        #expect(object.info.priority == UInt8(object.info.subgroup))
        #expect(object.info.extensions == [2, 7])
      }
    }
  }

  @Test func subgroupsBecomeOneStreamTowardsADialectWithoutThem() throws {
    let stage = Stage(seed: 31)
    let subscriber = stage.subscriber("moq-lite-01")
    _ = try stage.subscribe(subscriber)
    for group in 0..<3 as Range<UInt64> {
      let writers = (0..<3 as Range<UInt64>).map {
        stage.local.begin(SubgroupInfo(group: group, subgroup: $0, hasExtensions: true))
      }
      for id in [0, 3, 1, 6, 2, 4, 5, 8, 7] as [UInt64] {
        let info = ObjectInfo(group: group, subgroup: id % 3, id: id, extensions: id == 4 ? [2, 7] : [])
        writers[Int(id % 3)].write(info, payload: payload(Location(group, id), 100))
        stage.network.step()
      }
      for writer in writers { writer.finish() }
    }
    stage.local.group(3)
    stage.network.settle()
    // The first group may begin before its other subgroups are known of; its objects are in order all the same.
    for group in 0..<3 as Range<UInt64> {
      let streams = subscriber.incoming.filter { $0.group == group }
      #expect(streams.count == 1)
      #expect(streams.first?.end == .fin)
      #expect(
        streams.first?.objects.map(\.payload) == (0..<9).map { payload(Location(group, $0), 100).array }, "\(group)")
    }
    #expect(stage.network.origin.counters.extensionsDropped == 3)
  }

  @Test func whatComesAfterItsPlaceHasPassedIsDroppedAndCounted() throws {
    let stage = Stage(seed: 35)
    let ietf = stage.subscriber(), lite = stage.subscriber("moq-lite-01")
    _ = try stage.subscribe(ietf)
    _ = try stage.subscribe(lite)
    // The track looks as if it had one subgroup, with gaps in its ids; then it has another.
    stage.local.group(0)
    stage.local.group(1)
    stage.network.settle()
    let first = stage.local.begin(SubgroupInfo(group: 2))
    for id in [0, 2] as [UInt64] { first.write(ObjectInfo(group: 2, id: id), payload: Bytes("\(id)")) }
    stage.network.settle()
    let second = stage.local.begin(SubgroupInfo(group: 2, subgroup: 1))
    for id in [1, 3] as [UInt64] { second.write(ObjectInfo(group: 2, subgroup: 1, id: id), payload: Bytes("\(id)")) }
    first.finish()
    second.finish()
    stage.local.group(3)
    stage.network.settle()
    #expect(lite.objects(of: 2).map { String(decoding: $0.payload, as: UTF8.self) } == ["0", "2", "3"])
    #expect(lite.isComplete(2))
    #expect(ietf.objects(of: 2).count == 4)
    #expect(stage.network.origin.counters.objectsOutOfOrder == 1)
  }

  @Test func anAnnouncementThatCannotBeSaidIsNotToldAndCounted() throws {
    let network = Network(seed: 36)
    let publisher = SimulatedPublisher(network, "draft-14")
    _ = publisher.origin.publish(TrackNamespace("a/b", "c"))
    _ = publisher.origin.publish("a/d")
    network.settle()
    let lite = SimulatedSubscriber(network, "moq-lite-01"), ietf = SimulatedSubscriber(network, "draft-14")
    network.run { lite.session.isEstablished && ietf.session.isEstablished }
    _ = try lite.session.seekAnnouncements(prefix: TrackNamespace())
    _ = try ietf.session.seekAnnouncements(prefix: TrackNamespace([Array("a/b".utf8)]))
    network.settle()
    #expect(lite.announced == ["a/d"])
    #expect(ietf.announced == [TrackNamespace("a/b", "c")])
    #expect(network.origin.counters.announcementsInexpressible == 1)
  }

  @Test func statusesPassOrBecomeWhatTheyMean() throws {
    let stage = Stage(seed: 32)
    let ietf = stage.subscriber(), lite = stage.subscriber("moq-lite-01")
    _ = try stage.subscribe(ietf)
    _ = try stage.subscribe(lite)
    let writer = stage.local.begin(SubgroupInfo(group: 0))
    writer.write(ObjectInfo(group: 0, id: 0), payload: Bytes("a"))
    writer.write(ObjectInfo(group: 0, id: 1, status: .doesNotExist), payload: Bytes())
    writer.write(ObjectInfo(group: 0, id: 2), payload: Bytes("c"))
    writer.write(ObjectInfo(group: 0, id: 3, status: .endOfGroup), payload: Bytes())
    writer.finish()
    stage.network.settle()
    #expect(ietf.objects(of: 0).map(\.info.status) == [.normal, .doesNotExist, .normal, .endOfGroup])
    #expect(lite.objects(of: 0).map { String(decoding: $0.payload, as: UTF8.self) } == ["a", "c"])
    #expect(lite.isComplete(0))
    #expect(stage.network.origin.counters.statusesDropped == 2)
    #expect(stage.network.origin.counters.objectsRenumbered == 1)
  }

  @Test func datagramsPassAndBecomeStreamsWhereTheyMust() throws {
    let stage = Stage(seed: 33)
    let ietf = stage.subscriber(), lite = stage.subscriber("moq-lite-01")
    _ = try stage.subscribe(ietf)
    _ = try stage.subscribe(lite)
    for group in 0..<10 as Range<UInt64> {
      for id in 0..<2 as Range<UInt64> {
        stage.local.send(datagram: ObjectInfo(group: group, id: id), payload: payload(Location(group, id), 200))
      }
      stage.network.settle()
    }
    #expect(ietf.datagrams.count == 20)
    for datagram in ietf.datagrams { #expect(datagram.payload == payload(datagram.info.location, 200).array) }
    #expect(ietf.incoming.isEmpty)
    for group in 0..<10 as Range<UInt64> {
      #expect(lite.objects(of: group).map(\.payload) == [0, 1].map { payload(Location(group, $0), 200).array })
    }
    #expect(lite.isComplete(8))
    #expect(stage.network.origin.counters.datagramsOnStreams == 20)
    // What no datagram can hold is dropped, and counted.
    stage.local.send(datagram: ObjectInfo(group: 10, id: 0), payload: payload(Location(10, 0), 5_000))
    stage.network.settle()
    #expect(ietf.datagrams.count == 20)
    #expect(stage.publisher.origin.counters.datagramsDropped == 1)
  }

  @Test func anObjectIsForwardedBeforeItIsComplete() throws {
    for dialect in ["draft-14", "moq-lite-01"] {
      let stage = Stage(seed: 34, dialect)
      let subscriber = stage.subscriber(dialect)
      _ = try stage.subscribe(subscriber)
      let writer = stage.local.begin(SubgroupInfo(group: 0))
      writer.begin(ObjectInfo(group: 0, id: 0, payloadLength: 1 << 20))
      let part = payload(Location(0, 0), 1 << 10)
      writer.append(part)
      stage.network.settle()
      #expect(subscriber.incoming.first?.objects.first?.payload == part.array)
      for _ in 1..<1024 { writer.append(part) }
      writer.finish()
      stage.network.settle()
      #expect(subscriber.objects(of: 0).first?.payload.count == 1 << 20)
    }
  }
}

@Suite struct FetchTests {
  func fetch(_ stage: Stage, _ subscriber: SimulatedSubscriber, _ range: FetchRequest.Range) throws -> RequestKey {
    let key = try subscriber.session.fetch(FetchRequest(range))
    stage.network.settle()
    return key
  }
  func fetched(_ subscriber: SimulatedSubscriber, _ key: RequestKey) -> [SimulatedSubscriber.Got] {
    subscriber.incoming.filter { $0.isFetch && $0.request == key }.flatMap(\.objects)
  }

  @Test func isServedFromTheCache() throws {
    for dialect in ["draft-14", "moq-lite-01"] {
      let stage = Stage(seed: 40, dialect)
      let subscriber = stage.subscriber()
      let subscription = try stage.subscribe(subscriber)
      for group in 0..<5 as Range<UInt64> { stage.local.group(group, objects: 4) }
      stage.network.settle()
      let key = try fetch(
        stage, subscriber, .standalone(Stage.track, start: Location(1, 2), endGroup: 3, endObject: 1))
      let expected = [(1, 2), (1, 3), (2, 0), (2, 1), (2, 2), (2, 3), (3, 0), (3, 1)].map { Location($0, $1) }
      #expect(fetched(subscriber, key).map(\.info.location) == expected)
      for object in fetched(subscriber, key) { #expect(object.payload == payload(object.info.location, 100).array) }
      #expect(subscriber.fetches[key]?.end == Location(3, 1))
      // The whole of a group, and more than there is.
      let rest = try fetch(
        stage, subscriber, .standalone(Stage.track, start: Location(4, 0), endGroup: 9, endObject: nil))
      #expect(fetched(subscriber, rest).map(\.info.location) == (0..<4).map { Location(4, $0) })
      #expect(subscriber.fetches[rest]?.end == Location(4, 3))
      let nothing = try fetch(
        stage, subscriber, .standalone(Stage.track, start: Location(7, 0), endGroup: 9, endObject: nil))
      #expect(subscriber.ends[nothing]?.reason == .invalidRange)
      #expect(stage.network.origin.counters.fetchesFromCache == 2)
      #expect(stage.network.origin.counters.fetchesForwarded == 0)
      _ = subscription
    }
  }

  @Test func joinsASubscription() throws {
    let stage = Stage(seed: 41)
    let keeper = stage.subscriber()
    _ = try stage.subscribe(keeper)
    for group in 0..<5 as Range<UInt64> { stage.local.group(group, objects: 3) }
    stage.network.settle()
    let subscriber = stage.subscriber()
    let subscription = try stage.subscribe(subscriber)
    let key = try fetch(stage, subscriber, .joining(subscription, groupsBefore: 2))
    stage.local.group(5)
    stage.network.settle()
    #expect(fetched(subscriber, key).map(\.info.location) == (2..<5).flatMap { g in (0..<3).map { Location(g, $0) } })
    #expect(stage.locations(subscriber) == [Location(5, 0)])
    let absolute = try fetch(stage, subscriber, .joiningAbsolute(subscription, group: 4))
    #expect(fetched(subscriber, absolute).map(\.info.location) == (0..<3).map { Location(4, $0) })
  }

  @Test func goesToThePublisherForWhatIsNotCached() throws {
    let stage = Stage(seed: 42)
    for group in 0..<5 as Range<UInt64> { stage.local.group(group, objects: 3, size: 3_000) }
    let subscriber = stage.subscriber()
    let key = try fetch(
      stage, subscriber, .standalone(Stage.track, start: Location(1, 0), endGroup: 2, endObject: nil))
    #expect(fetched(subscriber, key).map(\.info.location) == (1..<3).flatMap { g in (0..<3).map { Location(g, $0) } })
    for object in fetched(subscriber, key) { #expect(object.payload == payload(object.info.location, 3_000).array) }
    #expect(stage.network.origin.counters.fetchesForwarded == 1)
    // The publisher's refusal reaches the subscriber.
    let bad = try fetch(
      stage, subscriber, .standalone(Stage.track, start: Location(9, 0), endGroup: 9, endObject: nil))
    #expect(subscriber.ends[bad]?.reason == .invalidRange)
    let unknown = try fetch(
      stage, subscriber, .standalone(TrackName("no/where", "x"), start: Location(0, 0), endGroup: 0, endObject: nil))
    #expect(subscriber.ends[unknown]?.reason == .doesNotExist)
  }

  /// What one subscriber fetched of a track that is read here is there for the next.
  @Test func whatWasFetchedIsKeptForTheNext() throws {
    let stage = Stage(seed: 48)
    for group in 0..<6 as Range<UInt64> { stage.local.group(group, objects: 3, size: 500) }
    let first = stage.subscriber(), second = stage.subscriber()
    let (one, other) = (try stage.subscribe(first), try stage.subscribe(second))
    stage.local.group(6, objects: 3, size: 500)
    stage.network.settle()
    let counters = { stage.network.origin.counters }
    func whole(_ groups: ClosedRange<UInt64>) -> [Location] { groups.flatMap { g in (0..<3).map { Location(g, $0) } } }

    let joining = try fetch(stage, first, .joining(one, groupsBefore: 2))
    #expect(fetched(first, joining).map(\.info.location) == whole(3...5))
    #expect(counters().fetchesForwarded == 1)
    let again = try fetch(stage, second, .joining(other, groupsBefore: 2))
    #expect(fetched(second, again).map(\.info.location) == whole(3...5))
    for object in fetched(second, again) { #expect(object.payload == payload(object.info.location, 500).array) }
    #expect(counters().fetchesForwarded == 1)
    // It joins what came live.
    let both = try fetch(stage, second, .standalone(Stage.track, start: Location(4, 1), endGroup: 6, endObject: nil))
    #expect(fetched(second, both).map(\.info.location) == Array(whole(4...6).dropFirst()))
    #expect(counters().fetchesForwarded == 1)
    // A range apart from it, and one that is partly here.
    let apart = { Location($0, 0) }
    for expected in [2, 2, 3] as [UInt64] {
      let group: UInt64 = expected == 3 ? 2 : 1
      let key = try fetch(
        stage, second, .standalone(Stage.track, start: apart(group == 1 ? 0 : 1), endGroup: group, endObject: nil))
      #expect(fetched(second, key).map(\.info.location) == whole((group == 1 ? 0 : 1)...group))
      #expect(counters().fetchesForwarded == expected)
    }
  }

  @Test func whatWasEvictedIsFetchedAnew() throws {
    let stage = Stage(seed: 49, "draft-14", small(100_000))
    for group in 0..<3 as Range<UInt64> { stage.local.group(group, objects: 3, size: 5_000) }
    let subscriber = stage.subscriber()
    _ = try stage.subscribe(subscriber)
    let range = FetchRequest.Range.standalone(Stage.track, start: Location(0, 0), endGroup: 1, endObject: nil)
    for forwarded in [1, 1, 2] as [UInt64] {
      if forwarded == 2 { for group in 3..<20 as Range<UInt64> { stage.local.group(group, objects: 3, size: 5_000) } }
      let key = try fetch(stage, subscriber, range)
      #expect(fetched(subscriber, key).map(\.info.location) == [0, 1].flatMap { g in (0..<3).map { Location(g, $0) } })
      #expect(stage.network.origin.counters.fetchesForwarded == forwarded)
    }
  }

  /// A subscriber joins the past of a publisher whose dialect has no FETCH: what is cached, or an honest no.
  @Test func joinsAcrossADialectWithoutIt() throws {
    let stage = Stage(seed: 68, "moq-lite-01")
    let keeper = stage.subscriber("moq-lite-01")
    _ = try stage.subscribe(keeper) { $0.filter = .currentGroup }
    for group in 3..<6 as Range<UInt64> { stage.local.group(group, objects: 3) }
    stage.network.settle()
    let subscriber = stage.subscriber()
    let subscription = try stage.subscribe(subscriber)
    let all = try fetch(stage, subscriber, .joining(subscription, groupsBefore: 2))
    #expect(fetched(subscriber, all).map(\.info.location) == (3..<6).flatMap { g in (0..<3).map { Location(g, $0) } })
    let more = try fetch(stage, subscriber, .joining(subscription, groupsBefore: 5))
    #expect(subscriber.ends[more]?.reason == .unknownStatusInRange)
  }

  @Test func aPublisherWithoutFetchIsNotAsked() throws {
    let stage = Stage(seed: 43, "moq-lite-01")
    for group in 0..<5 as Range<UInt64> { stage.local.group(group, objects: 3) }
    let subscriber = stage.subscriber()
    _ = try stage.subscribe(subscriber)
    stage.network.settle()
    let key = try fetch(
      stage, subscriber, .standalone(Stage.track, start: Location(1, 0), endGroup: 2, endObject: nil))
    #expect(subscriber.ends[key]?.reason == .unknownStatusInRange)
    #expect(stage.network.origin.counters.fetchesRefused == 1)
  }

  @Test func aSlowReaderGetsAllOfAForwardedFetch() throws {
    let stage = Stage(seed: 44)
    for group in 0..<20 as Range<UInt64> { stage.local.group(group, objects: 3, size: 20_000) }
    let subscriber = stage.subscriber(rate: 5_000)
    let key = try subscriber.session.fetch(
      FetchRequest(.standalone(Stage.track, start: Location(0, 0), endGroup: 19, endObject: nil)))
    stage.network.settle()
    #expect(fetched(subscriber, key).map(\.info.location) == (0..<20).flatMap { g in (0..<3).map { Location(g, $0) } })
    for object in fetched(subscriber, key) { #expect(object.payload == payload(object.info.location, 20_000).array) }
  }

  @Test func cancellingStopsIt() throws {
    let stage = Stage(seed: 45)
    for group in 0..<20 as Range<UInt64> { stage.local.group(group, objects: 3, size: 20_000) }
    let subscriber = stage.subscriber(rate: 2_000)
    let key = try subscriber.session.fetch(
      FetchRequest(.standalone(Stage.track, start: Location(0, 0), endGroup: 19, endObject: nil)))
    let hasBegun = stage.network.run { fetched(subscriber, key).count > 2 }
    #expect(hasBegun)
    subscriber.session.cancel(key)
    stage.network.settle()
    #expect(fetched(subscriber, key).count < 60)
    #expect(stage.network.origin.snapshot.tracks == 0)
    #expect(stage.publisher.origin.counters.objectsOut < 60)
  }

  @Test func trackStatusIsKnownOrAskedFor() throws {
    let stage = Stage(seed: 46)
    stage.local.group(0, objects: 3)
    let subscriber = stage.subscriber()
    let asked = try subscriber.session.trackStatus(Stage.track)
    let missing = try subscriber.session.trackStatus(TrackName("no/where", "x"))
    stage.network.settle()
    #expect(subscriber.states[asked]?.largest == Location(0, 2))
    #expect(subscriber.states[missing]?.progress == .doesNotExist || subscriber.ends[missing] != nil)
    _ = try stage.subscribe(subscriber)
    stage.local.group(1)
    stage.network.settle()
    let known = try subscriber.session.trackStatus(Stage.track)
    stage.network.settle()
    #expect(subscriber.states[known]?.largest == Location(1, 0))
    #expect(stage.publisher.origin.snapshot.counters.subscriptionsRefused == 0)
  }

  @Test func anOfferedTrackCanBeSubscribedTo() throws {
    let network = Network(seed: 47)
    let publisher = SimulatedSubscriber(network, "draft-14")
    _ = network.run { publisher.session.isEstablished }
    let key = try publisher.session.publish(Stage.track, SubscribeAnswer())
    network.settle()
    #expect(network.origin.snapshot.tracks == 1)
    let watcher = SimulatedSubscriber(network, "moq-lite-01")
    _ = network.run { watcher.session.isEstablished }
    _ = try watcher.session.seekAnnouncements(prefix: TrackNamespace())
    _ = try watcher.session.subscribe(SubscribeRequest(Stage.track))
    network.settle()
    #expect(watcher.announced == [Stage.track.namespace])
    let stream = try publisher.session.openSubgroup(key, SubgroupInfo(group: 0, endsGroup: true))
    try publisher.session.write(ObjectInfo(group: 0, id: 0, payloadLength: 2), on: stream)
    publisher.session.write(payload: Bytes("hi"), on: stream)
    publisher.session.finish(stream: stream)
    network.settle()
    #expect(watcher.objects(of: 0).map { String(decoding: $0.payload, as: UTF8.self) } == ["hi"])
    publisher.session.finish(key)
    network.run(3_000) { network.origin.snapshot.tracks == 0 }
    #expect(network.origin.snapshot.tracks == 0)
    #expect(network.origin.snapshot.namespaces == 0)
  }
}

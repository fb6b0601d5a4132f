import MoQKernel
import Testing

@testable import MoQRelay

/// Drafts 12 to 14 want a track from all of its publishers at once (§8.4 of draft-14).
@Suite struct JoinedPublishersTests {
  static let track = TrackName("live/room", "video")

  /// Publishers of one track, as applications are.
  private final class Room {
    let track = JoinedPublishersTests.track
    let network: Network
    var publishers: [(SimulatedPublisher, LocalTrack)] = []
    private var subscribers: [SimulatedSubscriber] = []

    init(seed: UInt64, _ dialects: [String], _ configuration: RelayConfiguration = RelayConfiguration()) {
      network = Network(seed: seed, configuration)
      for dialect in dialects { add(dialect) }
    }
    func add(_ dialect: String, rate: Int = .max, _ name: String = "video", write: (LocalTrack) -> Void = { _ in }) {
      let before = network.origin.announcers(of: track.namespace)
      let publisher = SimulatedPublisher(network, dialect, rate: rate)
      let broadcast = publisher.origin.publish(track.namespace)
      let local = broadcast.track(name)
      write(local)
      publishers.append((publisher, local))
      let isThere = network.run { network.origin.announcers(of: track.namespace) > before }
      #expect(isThere)
      network.settle(50)
    }
    func subscriber(_ dialect: String) throws -> (SimulatedSubscriber, RequestKey) {
      let subscriber = SimulatedSubscriber(network, dialect)
      subscribers.append(subscriber)
      network.run { subscriber.session.isEstablished }
      let key = try subscriber.session.subscribe(SubscribeRequest(track, filter: .nextObject))
      network.run { subscriber.answers[key] != nil || subscriber.ends[key] != nil }
      network.settle()
      return (subscriber, key)
    }
    var readers: [Int] { publishers.map { $0.1.subscriberCount } }
    /// Begins a group at each of them, which all write alike, each at its own time.
    func group(_ group: UInt64, objects: UInt64, size: Int = 300) {
      var next = publishers.map { _ in 0 as UInt64 }
      let writers = publishers.map { $0.1.begin(SubgroupInfo(group: group, endsGroup: true)) }
      while let index = next.indices.filter({ next[$0] <= objects }).randomElement(using: &network.random) {
        if next[index] < objects {
          let info = ObjectInfo(group: group, id: next[index])
          writers[index].write(info, payload: payload(info.location, size))
        } else {
          writers[index].finish()
        }
        next[index] += 1
        if network.random.next() % 2 == 0 { network.step() }
      }
    }
  }
  private static func ids(_ subscriber: SimulatedSubscriber, _ group: UInt64) -> [UInt64] {
    subscriber.objects(of: group).map(\.info.id)
  }

  @Test(arguments: ["draft-12", "draft-13", "draft-14"], ["draft-14", "moq-lite-01"])
  func allAreAskedAndEachObjectComesOnce(from: String, to: String) throws {
    let room = Room(seed: 700, [from, from, "draft-14"])
    let (subscriber, key) = try room.subscriber(to)
    #expect(room.readers == [1, 1, 1])
    for group in 0..<10 as Range<UInt64> { room.group(group, objects: 6) }
    room.network.settle()
    for group in 0..<10 as Range<UInt64> {
      #expect(Self.ids(subscriber, group) == Array(0..<6), "group \(group)")
      #expect(subscriber.isComplete(group), "group \(group)")
      for object in subscriber.objects(of: group) {
        #expect(object.payload == payload(object.info.location, 300).array)
      }
    }
    #expect(subscriber.ends[key] == nil && room.network.origin.counters.duplicates > 0)
    subscriber.session.cancel(key)
    room.network.settle()
    #expect(room.readers == [0, 0, 0] && room.network.origin.snapshot.tracks == 0)
  }
  /// In dialects that do not ask for it there is one at a time.
  @Test(arguments: ["draft-07", "draft-11", "moq-lite-01", "transfork-03"]) func othersAskOne(dialect: String) throws {
    let room = Room(seed: 701, [dialect, dialect])
    _ = try room.subscriber(dialect)
    room.add(dialect)
    #expect(room.readers == [0, 1, 0])
  }
  /// The latest decides where dialects of both kinds publish a track.
  @Test func thoseThatAreReadAloneAreNotJoined() throws {
    let first = Room(seed: 702, ["moq-lite-01", "draft-14", "draft-13"])
    _ = try first.subscriber("draft-14")
    #expect(first.readers == [0, 1, 1])
    let second = Room(seed: 703, ["draft-14", "draft-13", "moq-lite-01"])
    _ = try second.subscriber("draft-14")
    #expect(second.readers == [0, 0, 1])
  }

  @Test(arguments: ["draft-12", "draft-14"]) func oneThatComesLaterIsAskedAndStandsInForOneThatGoes(dialect: String)
    throws
  {
    let room = Room(seed: 704, [dialect])
    let (subscriber, key) = try room.subscriber("draft-14")
    room.group(0, objects: 4)
    room.add(dialect)
    #expect(room.readers == [1, 1])
    room.group(1, objects: 4)
    // Cut in the middle of a group.
    let writers = room.publishers.map { $0.1.begin(SubgroupInfo(group: 2, endsGroup: true)) }
    func write(_ ids: Range<UInt64>, _ writer: LocalSubgroup) {
      for id in ids { writer.write(ObjectInfo(group: 2, id: id), payload: payload(Location(2, id), 300)) }
    }
    write(0..<3, writers[0])
    write(0..<2, writers[1])
    room.network.settle()
    room.publishers[0].0.link.kill()
    room.network.settle()
    write(2..<6, writers[1])
    writers[1].finish()
    room.network.settle()
    for (group, count) in [(0, 4), (1, 4), (2, 6)] as [(UInt64, UInt64)] {
      #expect(Self.ids(subscriber, group).sorted() == Array(0..<count), "group \(group)")
    }
    #expect(subscriber.ends[key] == nil)
    room.publishers[1].0.link.kill()
    room.network.run(3_000) { subscriber.ends[key] != nil }
    #expect(subscriber.ends[key] != nil)
  }
  /// However many publishers come and go beside one that stays, the track remembers none of them.
  @Test func thoseThatAreGoneAreForgotten() throws {
    let room = Room(seed: 709, ["draft-14"])
    let (subscriber, key) = try room.subscriber("draft-14")
    for _ in 0..<10 {
      room.add("draft-14")
      #expect(room.readers.last == 1)
      room.publishers.removeLast().0.link.kill()
      room.network.settle()
    }
    #expect(try #require(room.network.origin.tracks[room.track]).refusers.isEmpty)
    room.group(0, objects: 3)
    room.network.settle()
    #expect(Self.ids(subscriber, 0) == [0, 1, 2] && subscriber.ends[key] == nil)
  }
  /// What one was in the middle of when it left comes by a fetch from the other, which had begun after it.
  @Test func whatWasOnItsWayIsFetched() throws {
    let room = Room(seed: 705, [])
    room.add("draft-14")
    let (subscriber, _) = try room.subscriber("draft-14")
    let first = room.publishers[0].1.begin(SubgroupInfo(group: 0, endsGroup: true))
    for id in 0..<2 as Range<UInt64> {
      first.write(ObjectInfo(group: 0, id: id), payload: payload(Location(0, id), 300))
    }
    first.begin(ObjectInfo(group: 0, id: 2, payloadLength: 300))
    first.append(payload(Location(0, 2), 300).prefix(100))
    room.network.settle()
    var second: LocalSubgroup?
    room.add("draft-14") { track in
      second = track.begin(SubgroupInfo(group: 0, endsGroup: true))
      for id in 0..<3 as Range<UInt64> {
        second?.write(ObjectInfo(group: 0, id: id), payload: payload(Location(0, id), 300))
      }
    }
    #expect(room.readers == [1, 1])
    room.publishers[0].0.link.kill()
    room.network.settle()
    second?.write(ObjectInfo(group: 0, id: 3), payload: payload(Location(0, 3), 300))
    second?.finish()
    room.network.settle()
    #expect(Self.ids(subscriber, 0) == [0, 1, 2, 3])
  }

  /// One that is ahead when it comes is asked for what is before, whatever the other still has to bring.
  @Test func oneThatIsAheadBringsItsGroup() throws {
    let room = Room(seed: 712, ["draft-14"])
    let (subscriber, _) = try room.subscriber("draft-14")
    room.group(0, objects: 2)
    room.network.settle()
    room.add("draft-14") { track in
      track.group(0, objects: 2, size: 300)
      for group in 1..<3 as Range<UInt64> { track.group(group, objects: 4, size: 300) }
    }
    room.network.settle()
    #expect(room.network.origin.snapshot.subscriptions == 1 && room.readers == [1, 1])
    let (late, key) = try room.subscriber("draft-14")
    #expect(late.answers[key]?.largest == Location(2, 3))
    #expect(Self.ids(subscriber, 2) == [0, 1, 2, 3])
    room.publishers[1].1.group(3, objects: 2)
    room.network.settle()
    for reader in [subscriber, late] { #expect(Self.ids(reader, 3) == [0, 1]) }
  }

  @Test(arguments: ["draft-12", "draft-14"]) func oneThatRefusesOnlyTakesItselfOut(dialect: String) throws {
    let room = Room(seed: 706, [dialect])
    room.add(dialect, "audio")
    room.add(dialect)
    let (subscriber, key) = try room.subscriber(dialect)
    #expect(subscriber.answers[key] != nil && room.readers == [1, 0, 1])
    room.network.settle()
    #expect(subscriber.ends[key] == nil)
  }
  @Test(arguments: ["draft-07", "draft-12", "draft-14", "moq-lite-01"]) func whenAllRefuseSoDoesTheRelay(
    dialect: String
  ) throws {
    let room = Room(seed: 707, [])
    for _ in 0..<3 { room.add(dialect, "audio") }
    let (subscriber, key) = try room.subscriber("draft-14")
    #expect(subscriber.ends[key]?.reason == .doesNotExist && subscriber.answers[key] == nil)
    #expect(room.network.origin.snapshot.tracks == 0)
  }

  @Test(arguments: ["draft-12", "draft-14"]) func theTrackEndsWhenAllHaveEndedIt(dialect: String) throws {
    let room = Room(seed: 708, [dialect, dialect])
    let (subscriber, key) = try room.subscriber("draft-14")
    room.group(0, objects: 3)
    room.network.settle()
    room.publishers[0].1.end()
    for _ in 0..<1_000 { room.network.step() }
    #expect(subscriber.ends[key] == nil)
    room.publishers[1].1.group(1, objects: 3)
    room.network.settle()
    #expect(Self.ids(subscriber, 1) == [0, 1, 2])
    room.publishers[1].1.end()
    room.network.run(3_000) { subscriber.ends[key] != nil }
    #expect(subscriber.ends[key]?.reason == .trackEnded)
  }

  @Test func thereIsABound() throws {
    var configuration = RelayConfiguration()
    configuration.maximumPublishers = 3
    let room = Room(seed: 709, Array(repeating: "draft-14", count: 5), configuration)
    _ = try room.subscriber("draft-14")
    #expect(room.readers.reduce(0, +) == 3)
    room.add("draft-14")
    #expect(room.readers.reduce(0, +) == 3)
    // One that leaves makes room for one that there was none for.
    #expect(room.readers == [0, 0, 1, 1, 1, 0])
    room.publishers[4].0.link.kill()
    room.network.settle()
    #expect(room.readers == [0, 0, 1, 1, 0, 1])
  }

  /// GOAWAY: the one that leaves is let go, since the others are there.
  @Test func oneThatGoesAwayIsLetGo() throws {
    let room = Room(seed: 710, ["draft-14", "draft-14"])
    let (subscriber, key) = try room.subscriber("draft-14")
    room.group(0, objects: 3)
    try room.publishers[1].0.link.a.core.goAway()
    let isLetGo = room.network.run { room.readers == [1, 0] }
    #expect(isLetGo)
    room.group(1, objects: 3)
    room.network.settle()
    for group in 0..<2 as Range<UInt64> { #expect(Self.ids(subscriber, group).sorted() == [0, 1, 2]) }
    #expect(subscriber.ends[key] == nil)
  }

  /// Two that publish different things under one name.
  @Test func whoeverContradictsTheOtherEndsTheTrack() throws {
    let room = Room(seed: 711, ["draft-13", "draft-14"])
    let (subscriber, key) = try room.subscriber("draft-14")
    for (index, (_, track)) in room.publishers.enumerated() {
      track.begin(SubgroupInfo(group: 0)).write(ObjectInfo(group: 0, id: 0), payload: Bytes("\(index)"))
    }
    room.network.run(3_000) { subscriber.ends[key] != nil }
    #expect(subscriber.ends[key]?.reason == .malformedTrack)
    room.network.settle()
    #expect(room.readers == [0, 0])
  }
}

/// Publishers that send exactly what they are told to, and those that offer tracks.
@Suite struct JoinedStreamsTests {
  private let track = JoinedPublishersTests.track

  private func connected(_ network: Network, _ dialect: String = "draft-14") -> SimulatedSubscriber {
    let peer = SimulatedSubscriber(network, dialect)
    network.run { peer.session.isEstablished }
    return peer
  }
  /// Publishers that have announced the track's namespace.
  private func announced(_ count: Int, _ network: Network) throws -> [SimulatedSubscriber] {
    let publishers = (0..<count).map { _ in connected(network) }
    for publisher in publishers { _ = try publisher.session.announce(track.namespace) }
    network.settle()
    return publishers
  }
  /// A subscriber to the track.
  private func reader(_ network: Network) throws -> SimulatedSubscriber {
    let subscriber = connected(network)
    _ = try subscriber.session.subscribe(SubscribeRequest(track, filter: .nextObject))
    network.settle()
    return subscriber
  }
  private func write(_ ids: [UInt64], _ stream: StreamKey, by publisher: SimulatedSubscriber, fin: Bool = false) throws
  {
    for id in ids {
      try publisher.session.write(ObjectInfo(group: 0, id: id, payloadLength: 1), on: stream)
      publisher.session.write(payload: Bytes("x"), on: stream)
    }
    if fin { publisher.session.finish(stream: stream) }
  }

  /// Which announcements take a SUBSCRIBE: the namespace and its prefixes, field by field.
  @Test(arguments: ["draft-12", "draft-14"]) func prefixesOfTheNamespaceAreAsked(dialect: String) throws {
    let network = Network(seed: 720)
    let names: [TrackNamespace] = ["live", "live/room", "live/roo", "live/room/7", "elsewhere"]
    let publishers = names.map { _ in connected(network, dialect) }
    for (name, publisher) in zip(names, publishers) { _ = try publisher.session.announce(name) }
    network.settle()
    let subscriber = try reader(network)
    #expect(publishers.map(\.served.count) == [1, 1, 0, 0, 0] && subscriber.ends.isEmpty)
  }

  /// A stream that stays open and silent holds nobody up: neither for ids that are missing nor for the end.
  @Test func aSilentStreamHoldsNobodyUp() throws {
    let network = Network(seed: 721), publishers = try announced(2, network), before = try reader(network)
    let lite = connected(network, "moq-lite-01")
    _ = try lite.session.subscribe(SubscribeRequest(track))
    network.settle()
    let streams = try publishers.map {
      try $0.session.openSubgroup(try #require($0.served.first), SubgroupInfo(group: 0, endsGroup: true))
    }
    try write([0, 2], streams[0], by: publishers[0])
    network.settle()
    try write([0, 2, 5], streams[1], by: publishers[1])
    network.settle()
    #expect(before.objects(of: 0).map(\.info.id) == [0, 2, 5])
    try write([9], streams[1], by: publishers[1], fin: true)
    network.settle()
    #expect(before.objects(of: 0).map(\.info.id) == [0, 2, 5, 9] && before.isComplete(0))
    #expect(before.incoming.count == 1, "on one stream")
    #expect(lite.objects(of: 0).count == 4 && lite.isComplete(0))
    // Late, the same again, and beyond the end.
    try write([5, 9], streams[0], by: publishers[0], fin: true)
    network.settle()
    #expect(before.objects(of: 0).count == 4 && before.ends.isEmpty)
  }

  /// Both are in the middle of an object; one breaks off there.
  @Test func anObjectThatBreaksOffIsTheOthers() throws {
    let network = Network(seed: 722), publishers = try announced(2, network), subscriber = try reader(network)
    let streams = try publishers.map {
      try $0.session.openSubgroup(try #require($0.served.first), SubgroupInfo(group: 0, endsGroup: true))
    }
    for (publisher, stream) in zip(publishers, streams) {
      try publisher.session.write(ObjectInfo(group: 0, id: 0, payloadLength: 4), on: stream)
      publisher.session.write(payload: Bytes("ab"), on: stream)
      network.settle()
    }
    publishers[0].session.reset(stream: streams[0], .cancelled)
    publishers[1].session.write(payload: Bytes("cd"), on: streams[1])
    network.settle()
    try write([1], streams[1], by: publishers[1], fin: true)
    network.settle()
    #expect(subscriber.objects(of: 0).map { String(decoding: $0.payload, as: UTF8.self) } == ["abcd", "x"])
  }

  /// Datagrams that overtook each other, from two publishers: each goes on once.
  @Test func datagramsOfTwoGoOnOnce() throws {
    let network = Network(seed: 723), publishers = try announced(2, network), subscriber = try reader(network)
    for (publisher, ids) in zip(publishers, [[0, 3, 1], [0, 1, 2, 3]] as [[UInt64]]) {
      for id in ids {
        let info = ObjectInfo(group: 0, id: id, payloadLength: 1)
        _ = try publisher.session.send(
          datagram: info, payload: Bytes("x"), for: try #require(publisher.served.first))
        network.settle()
      }
    }
    #expect(subscriber.datagrams.map(\.info.id).sorted() == [0, 1, 2, 3])
  }

  /// PUBLISH of a track from two, and a namespace of a third beside them.
  @Test(arguments: ["draft-12", "draft-14"]) func offersAreJoined(dialect: String) throws {
    let network = Network(seed: 724), publishers = (0..<2).map { _ in connected(network, dialect) }
    let keys = try publishers.map { try $0.session.publish(track, SubscribeAnswer()) }
    network.settle()
    let third = connected(network, dialect)
    _ = try third.session.announce(track.namespace)
    network.settle()
    #expect(publishers.allSatisfy { $0.ends.isEmpty } && third.served.isEmpty)
    let subscriber = connected(network)
    let key = try subscriber.session.subscribe(SubscribeRequest(track, filter: .nextObject))
    network.settle()
    #expect(subscriber.answers[key] != nil && third.served.count == 1)
    for (publisher, key) in zip(publishers, keys) {
      let stream = try publisher.session.openSubgroup(key, SubgroupInfo(group: 0, endsGroup: true))
      try write([0, 1], stream, by: publisher, fin: true)
      network.settle()
    }
    #expect(subscriber.objects(of: 0).map(\.info.id) == [0, 1] && subscriber.isComplete(0))
    // The last reader leaves: offers are kept, since they would not come again, and the third is let go.
    subscriber.session.cancel(key)
    network.settle()
    #expect(third.served.isEmpty && network.origin.snapshot.tracks == 1)
    for (publisher, key) in zip(publishers, keys) { publisher.session.finish(key) }
    network.run(3_000) { network.origin.snapshot.tracks == 0 }
    #expect(network.origin.snapshot.tracks == 0)
  }
}

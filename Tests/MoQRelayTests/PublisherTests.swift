import MoQKernel
import Testing

@testable import MoQRelay

/// Tracks that are offered with PUBLISH, and publishers that come, leave and share a namespace.
@Suite struct OfferTests {
  let track = TrackName("live/room", "video")

  private func connected(_ network: Network, _ dialect: String = "draft-14") -> SimulatedSubscriber {
    let peer = SimulatedSubscriber(network, dialect)
    let isOpen = network.run { peer.session.isEstablished }
    #expect(isOpen)
    return peer
  }
  private func write(_ group: UInt64, _ text: String, by publisher: SimulatedSubscriber, _ key: RequestKey) throws {
    let stream = try publisher.session.openSubgroup(key, SubgroupInfo(group: group, endsGroup: true))
    let payload = Bytes(text)
    try publisher.session.write(ObjectInfo(group: group, id: 0, payloadLength: UInt64(payload.count)), on: stream)
    publisher.session.write(payload: payload, on: stream)
    publisher.session.finish(stream: stream)
  }
  private func texts(_ subscriber: SimulatedSubscriber) -> [String] {
    subscriber.incoming.flatMap(\.objects).map { String(decoding: $0.payload, as: UTF8.self) }.sorted()
  }

  @Test func anOfferGoesOnToWhoeverAskedForItsNamespace() throws {
    let network = Network(seed: 60)
    let publisher = connected(network), before = connected(network), other = connected(network)
    let lite = connected(network, "moq-lite-01")
    _ = try before.session.seekAnnouncements(prefix: "live")
    _ = try other.session.seekAnnouncements(prefix: "elsewhere")
    _ = try lite.session.seekAnnouncements(prefix: "live")
    network.settle()
    let key = try publisher.session.publish(track, SubscribeAnswer())
    network.settle()
    #expect(before.offered.map(\.1) == [track])
    #expect(other.offered.isEmpty && lite.offered.isEmpty && publisher.offered.isEmpty)
    // A dialect without PUBLISH hears of the namespace.
    #expect(lite.announced == [track.namespace])

    // What comes between the offer and its acceptance belongs to it.
    try write(0, "zero", by: publisher, key)
    network.settle()
    before.session.accept(try #require(before.offered.first).0)
    network.settle()
    try write(1, "one", by: publisher, key)
    network.settle()
    #expect(texts(before) == ["one", "zero"])
    #expect(network.origin.snapshot.subscriptions == 1)

    // Whoever asks later is offered it, too, from there on.
    let late = connected(network)
    _ = try late.session.seekAnnouncements(prefix: "live/room")
    network.settle()
    #expect(late.offered.map(\.1) == [track])
    #expect(late.offered.first?.2.largest == Location(1, 0))
    late.session.accept(try #require(late.offered.first).0)
    network.settle()
    try write(2, "two", by: publisher, key)
    network.settle()
    #expect(texts(late) == ["two"])

    // The end of the track is the end of all of it.
    publisher.session.finish(key)
    network.run(3_000) { before.withdrawn.count == 1 && late.withdrawn.count == 1 }
    #expect(before.withdrawn.first?.reason == .trackEnded)
    #expect(late.withdrawn.first?.reason == .trackEnded)
    network.run(3_000) { network.origin.snapshot.tracks == 0 }
    #expect(network.origin.snapshot.tracks == 0 && network.origin.snapshot.subscriptions == 0)
  }

  @Test func anOfferThatIsRefusedOrUnansweredEnds() throws {
    let network = Network(seed: 61)
    let publisher = connected(network), refuser = connected(network), silent = connected(network)
    _ = try refuser.session.seekAnnouncements(prefix: "live")
    _ = try silent.session.seekAnnouncements(prefix: "live")
    network.settle()
    let key = try publisher.session.publish(track, SubscribeAnswer())
    network.settle()
    refuser.session.reject(try #require(refuser.offered.first).0, RequestFailure(.uninterested))
    network.settle()
    #expect(silent.offered.count == 1)
    try write(0, "zero", by: publisher, key)
    network.settle()
    #expect(texts(refuser).isEmpty && texts(silent).isEmpty)
    // A refusal is no end: it can still be asked for.
    _ = try refuser.session.subscribe(SubscribeRequest(track, filter: .nextObject))
    network.settle()
    publisher.session.finish(key)
    network.run(3_000) { !silent.withdrawn.isEmpty }
    #expect(silent.withdrawn.first?.reason == .trackEnded)
    // The same track offered again is told again.
    let again = try publisher.session.publish(track, SubscribeAnswer())
    network.settle()
    #expect(silent.offered.count == 2)
    publisher.link.kill()
    network.run(3_000) { silent.withdrawn.count == 2 }
    #expect(silent.withdrawn.count == 2)
    _ = again
    #expect(network.origin.snapshot.tracks == 0)
  }

  @Test func whoReadsATrackIsNotOfferedIt() throws {
    let network = Network(seed: 62)
    let publisher = connected(network), reader = connected(network)
    let key = try publisher.session.publish(track, SubscribeAnswer())
    network.settle()
    _ = try reader.session.subscribe(SubscribeRequest(track, filter: .nextObject))
    network.settle()
    _ = try reader.session.seekAnnouncements(prefix: "live")
    network.settle()
    #expect(reader.offered.isEmpty)
    try write(0, "once", by: publisher, key)
    network.settle()
    #expect(texts(reader) == ["once"])
  }
}

@Suite struct SeveralPublishersTests {
  let track = TrackName("live/room", "video")

  private func publisher(_ network: Network, _ dialect: String, _ name: String? = "video") -> (
    SimulatedPublisher, LocalTrack?
  ) {
    let before = network.origin.announcers(of: track.namespace)
    let publisher = SimulatedPublisher(network, dialect)
    let broadcast = publisher.origin.publish(track.namespace)
    let local = name.map { broadcast.track($0) }
    let isThere = network.run { network.origin.announcers(of: track.namespace) > before }
    #expect(isThere)
    return (publisher, local)
  }
  private func subscriber(_ network: Network, _ dialect: String) throws -> (SimulatedSubscriber, RequestKey) {
    let subscriber = SimulatedSubscriber(network, dialect)
    _ = network.run { subscriber.session.isEstablished }
    return (subscriber, try subscriber.session.subscribe(SubscribeRequest(track)))
  }

  @Test(arguments: pairs) func theOneThatHasTheTrackIsFound(_ from: String, _ to: String) throws {
    let network = Network(seed: 63)
    let (_, local) = publisher(network, from)
    // The latest is asked first, and has another track.
    _ = publisher(network, from, "audio")
    let (subscriber, key) = try subscriber(network, to)
    let isServed = network.run { subscriber.answers[key] != nil }
    #expect(isServed)
    local?.group(0, objects: 3)
    network.settle()
    #expect(subscriber.objects(of: 0).count == 3)
  }

  @Test(arguments: pairs) func theNamespaceIsThereAsLongAsOneOfThemIs(_ from: String, _ to: String) throws {
    let network = Network(seed: 64)
    let (first, _) = publisher(network, from)
    let (second, _) = publisher(network, from)
    let watcher = SimulatedSubscriber(network, to)
    _ = network.run { watcher.session.isEstablished }
    _ = try watcher.session.seekAnnouncements(prefix: "live")
    network.settle()
    #expect(watcher.announced == [track.namespace])
    second.link.kill()
    network.settle()
    #expect(watcher.announced == [track.namespace])
    first.link.kill()
    network.settle()
    #expect(watcher.announced.isEmpty)
  }

  /// GOAWAY of a publisher: another takes over while it is still there, and nobody downstream notices.
  @Test(arguments: ["draft-14", "moq-lite-01"]) func oneThatGoesAwayIsRelievedByAnother(_ to: String) throws {
    let network = Network(seed: 65)
    let (second, spare) = publisher(network, "draft-11")
    let (first, local) = publisher(network, "draft-11")
    let (subscriber, key) = try subscriber(network, to)
    _ = network.run { subscriber.answers[key] != nil }
    local?.group(0, objects: 4)
    spare?.group(0, objects: 4)
    network.settle()
    #expect(local?.subscriberCount == 1 && spare?.subscriberCount == 0)

    // In the middle of a group, which the other has as well.
    func half(_ track: LocalTrack?) -> LocalSubgroup? {
      let writer = track?.begin(SubgroupInfo(group: 1, endsGroup: true))
      for id in 0..<3 as Range<UInt64> {
        writer?.write(ObjectInfo(group: 1, id: id), payload: payload(Location(1, id), 300))
      }
      return writer
    }
    let old = half(local), new = half(spare)
    network.settle()
    try first.link.a.core.goAway()
    let hasMoved = network.run { spare?.subscriberCount == 1 && local?.subscriberCount == 0 }
    #expect(hasMoved)
    #expect(network.origin.counters.takeovers == 1)
    old?.reset()
    for id in 3..<6 as Range<UInt64> {
      new?.write(ObjectInfo(group: 1, id: id), payload: payload(Location(1, id), 300))
    }
    new?.finish()
    spare?.group(2, objects: 4)
    first.link.kill()
    network.settle()
    for (group, count) in [(0, 4), (1, 6), (2, 4)] as [(UInt64, UInt64)] {
      // Draft-11 says the end of a group by an object.
      let ids = subscriber.objects(of: group).map(\.info).filter { $0.status == .normal }.map(\.id)
      #expect(Set(ids) == Set(0..<count) && ids.count == Int(count), "group \(group): \(ids)")
    }
    #expect(subscriber.ends[key] == nil)
    _ = second
  }

  /// With nobody else there the one that leaves goes on until one comes.
  @Test func oneThatGoesAwayGoesOnUntilAnotherComes() throws {
    let network = Network(seed: 66)
    let (first, local) = publisher(network, "draft-14")
    let (subscriber, key) = try subscriber(network, "draft-14")
    _ = network.run { subscriber.answers[key] != nil }
    local?.group(0, objects: 2)
    network.settle()
    try first.link.a.core.goAway()
    network.settle()
    local?.group(1, objects: 2)
    network.settle()
    #expect(subscriber.objects(of: 1).count == 2)
    // The same application again, say.
    let (_, spare) = publisher(network, "moq-lite-01")
    let hasMoved = network.run { spare?.subscriberCount == 1 && local?.subscriberCount == 0 }
    #expect(hasMoved)
    first.link.kill()
    spare?.group(2, objects: 2)
    network.settle()
    #expect(subscriber.objects(of: 2).count == 2)
    #expect(subscriber.ends[key] == nil)
  }

  /// One that cannot take over changes nothing.
  @Test func aRefusalOfTheOtherKeepsTheOneThatLeaves() throws {
    let network = Network(seed: 67)
    _ = publisher(network, "draft-14", "audio")
    let (first, local) = publisher(network, "draft-14")
    let (subscriber, key) = try subscriber(network, "draft-14")
    _ = network.run { subscriber.answers[key] != nil }
    try first.link.a.core.goAway()
    network.settle()
    local?.group(0, objects: 2)
    network.settle()
    #expect(subscriber.objects(of: 0).count == 2)
    #expect(network.origin.counters.takeovers == 0 && subscriber.ends[key] == nil)
  }
}

extension Origin {
  func announcers(of namespace: TrackNamespace) -> Int {
    routes.publishers(of: TrackName(namespace, ""), askedBy: nil).count
  }
}

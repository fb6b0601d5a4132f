import MoQKernel
import Testing

@testable import MoQRelay

/// The dialects that differ most; every pair is tried over real sockets (`make matrix`).
let pairs: [(String, String)] = [
  ("draft-14", "draft-14"), ("draft-14", "moq-lite-01"), ("moq-lite-01", "draft-14"), ("moq-lite-01", "moq-lite-01"),
]

@Suite struct BridgeTests {
  let track = TrackName("live/room", "video")

  /// A publisher that has announced, with its track.
  func publisher(_ network: Network, _ dialect: String) -> (SimulatedPublisher, LocalBroadcast, LocalTrack) {
    let publisher = SimulatedPublisher(network, dialect)
    let broadcast = publisher.origin.publish(track.namespace)
    let local = broadcast.track("video")
    let isThere = network.run { network.origin.snapshot.namespaces > 0 }
    #expect(isThere, "the relay has heard of \(track.namespace)")
    return (publisher, broadcast, local)
  }
  func subscriber(_ network: Network, _ dialect: String, rate: Int = .max) -> SimulatedSubscriber {
    let subscriber = SimulatedSubscriber(network, dialect, rate: rate)
    let isOpen = network.run { subscriber.session.isEstablished }
    #expect(isOpen, "\(dialect) is established")
    return subscriber
  }

  @Test(arguments: pairs) func everyObjectOnceInOrder(_ from: String, _ to: String) throws {
    let network = Network(seed: 1)
    let (_, _, local) = publisher(network, from)
    let subscriber = subscriber(network, to)
    let key = try subscriber.session.subscribe(SubscribeRequest(track))
    let isServed = network.run { subscriber.answers[key] != nil && local.subscriberCount == 1 }
    #expect(isServed)
    var sizes: [Location: Int] = [:]
    for group in 0..<20 as Range<UInt64> {
      let writer = local.begin(SubgroupInfo(group: group, endsGroup: true))
      for id in 0..<10 as Range<UInt64> {
        let size = id == 3 ? 0 : Int(network.random.next() % 20_000)
        sizes[Location(group, id)] = size
        writer.write(ObjectInfo(group: group, id: id), payload: payload(Location(group, id), size))
        if network.random.next() % 2 == 0 { network.step() }
      }
      writer.finish()
    }
    network.settle()
    for group in 0..<20 as Range<UInt64> {
      let objects = subscriber.objects(of: group)
      #expect(objects.map(\.info.id) == Array(0..<10), "group \(group)")
      #expect(subscriber.isComplete(group), "group \(group) has its end")
      for object in objects {
        let location = object.info.location
        #expect(object.payload == payload(location, sizes[location] ?? -1).array, "object \(location)")
      }
    }
    #expect(network.origin.counters.objectsIn == 200)
    #expect(network.origin.counters.objectsOut == 200)
    #expect(network.origin.counters.droppedByRule == 0)
  }

  @Test(arguments: pairs) func aLateSubscriberGetsTheWholeCurrentGroup(_ from: String, _ to: String) throws {
    let network = Network(seed: 2)
    let (_, _, local) = publisher(network, from)
    for group in 0..<3 as Range<UInt64> { local.group(group, objects: 4) }
    let writer = local.begin(SubgroupInfo(group: 3, endsGroup: true))
    for id in 0..<5 as Range<UInt64> {
      writer.write(ObjectInfo(group: 3, id: id), payload: payload(Location(3, id), 500))
    }
    let first = subscriber(network, to)
    _ = try first.session.subscribe(SubscribeRequest(track))
    network.settle()
    #expect(first.objects(of: 3).map(\.info.id).sorted() == Array(0..<5))
    for id in 5..<8 as Range<UInt64> {
      writer.write(ObjectInfo(group: 3, id: id), payload: payload(Location(3, id), 500))
    }
    network.settle()
    // The second one is served from the cache.
    let second = subscriber(network, to)
    _ = try second.session.subscribe(SubscribeRequest(track))
    network.settle()
    writer.write(ObjectInfo(group: 3, id: 8), payload: payload(Location(3, 8), 500))
    writer.finish()
    network.settle()
    for subscriber in [first, second] {
      #expect(subscriber.objects(of: 3).map(\.info.id).sorted() == Array(0..<9))
      #expect(subscriber.objects(of: 2).isEmpty)
      for object in subscriber.objects(of: 3) {
        #expect(object.payload == payload(object.info.location, 500).array)
      }
    }
    #expect(local.subscriberCount == 1, "the relay asks once")
  }

  /// A dialect that can begin with the current group gets it as streams, though the relay had to fetch it: each
  /// ends, the first with its group's end if that is known, else when the group is overtaken.
  @Test(arguments: [true, false]) func whatWasFetchedAtTheStartEndsToo(_ isOpen: Bool) throws {
    let network = Network(seed: 9)
    let (_, _, local) = publisher(network, "draft-14")
    let writer = local.begin(SubgroupInfo(group: 3, endsGroup: true))
    for id in 0..<3 as Range<UInt64> {
      writer.write(ObjectInfo(group: 3, id: id), payload: payload(Location(3, id), 100))
    }
    if !isOpen { writer.finish() }
    network.settle()
    let subscriber = subscriber(network, "draft-08")
    _ = try subscriber.session.subscribe(SubscribeRequest(track))
    network.settle()
    #expect(subscriber.objects(of: 3).map(\.info.id) == [0, 1, 2])
    #expect(!subscriber.isComplete(3))
    if isOpen {
      writer.write(ObjectInfo(group: 3, id: 3), payload: payload(Location(3, 3), 100))
      writer.finish()
      network.settle()
      #expect(subscriber.isComplete(3))
      let all = subscriber.incoming.flatMap(\.objects).map(\.info)
      #expect(all.map(\.id) == [0, 1, 2, 3, 4] && all.last?.status == .endOfGroup)
    }
    local.group(4, objects: 2)
    network.settle()
    #expect(subscriber.isComplete(3) && subscriber.isComplete(4))
    #expect(subscriber.objects(of: 4).map(\.info.id).prefix(2) == [0, 1])
  }

  @Test(arguments: pairs) func aSlowSubscriberSlowsNobodyAndIsMovedOn(_ from: String, _ to: String) throws {
    let network = Network(seed: 3, small(400_000))
    let (_, _, local) = publisher(network, from)
    let fast = subscriber(network, to), slow = subscriber(network, to, rate: 200)
    _ = try fast.session.subscribe(SubscribeRequest(track))
    _ = try slow.session.subscribe(SubscribeRequest(track))
    let isServed = network.run { network.origin.snapshot.subscriptions == 2 }
    #expect(isServed)
    network.check = { #expect(network.origin.snapshot.cachedBytes <= 400_000) }
    for group in 0..<100 as Range<UInt64> {
      local.group(group, objects: 5, size: 4_000)
      let before = network.now
      let hasAll = network.run { fast.isComplete(group) }
      #expect(hasAll, "group \(group)")
      #expect(network.now.nanoseconds - before.nanoseconds < 20_000_000)
    }
    for group in 0..<100 as Range<UInt64> { #expect(fast.objects(of: group).count == 5) }
    #expect(network.origin.counters.groupsSkipped > 50)
    #expect(slow.incoming.contains { $0.end == .reset })
    // It goes on with what is there.
    slow.link.rate = .max
    network.settle()
    #expect(slow.isComplete(99))
    #expect(slow.objects(of: 99).map(\.info.id) == Array(0..<5))
  }

  @Test(arguments: pairs) func theEndOfATrackReachesSubscribersAfterItsObjects(_ from: String, _ to: String) throws {
    let network = Network(seed: 4)
    let (_, broadcast, local) = publisher(network, from)
    let subscriber = subscriber(network, to, rate: 2_000)
    let key = try subscriber.session.subscribe(SubscribeRequest(track))
    _ = network.run { local.subscriberCount == 1 }
    for group in 0..<5 as Range<UInt64> { local.group(group, objects: 3, size: 5_000) }
    broadcast.withdraw()
    let hasEnded = network.run { subscriber.ends[key] != nil }
    #expect(hasEnded)
    for group in 0..<5 as Range<UInt64> { #expect(subscriber.objects(of: group).count == 3, "group \(group)") }
    #expect([.trackEnded, .subscriptionEnded].contains(subscriber.ends[key]?.reason))
    network.settle()
    #expect(network.origin.snapshot.tracks == 0)
    #expect(network.origin.snapshot.cachedBytes == 0)
  }

  @Test(arguments: pairs) func subscribersHearThatThePublisherIsGone(_ from: String, _ to: String) throws {
    let network = Network(seed: 5)
    let (publisher, _, local) = publisher(network, from)
    let subscriber = subscriber(network, to)
    let key = try subscriber.session.subscribe(SubscribeRequest(track))
    _ = network.run { local.subscriberCount == 1 }
    let writer = local.begin(SubgroupInfo(group: 0))
    writer.begin(ObjectInfo(group: 0, id: 0, payloadLength: 1_000))
    writer.append(payload(Location(0, 0), 300))
    network.settle()
    publisher.link.kill()
    let hasEnded = network.run { subscriber.ends[key] != nil }
    #expect(hasEnded)
    #expect(subscriber.incoming.first?.end == .reset)
    #expect(network.origin.snapshot.namespaces == 0)
    network.settle()
    #expect(network.origin.snapshot.tracks == 0)
    #expect(network.origin.snapshot.cachedBytes == 0)
  }

  @Test(arguments: pairs) func theLastSubscriberTakesTheUpstreamSubscriptionAlong(_ from: String, _ to: String) throws {
    let network = Network(seed: 6)
    let (_, _, local) = publisher(network, from)
    let one = subscriber(network, to), two = subscriber(network, to)
    let first = try one.session.subscribe(SubscribeRequest(track))
    _ = try two.session.subscribe(SubscribeRequest(track))
    _ = network.run { network.origin.snapshot.subscriptions == 2 }
    local.group(0)
    network.settle()
    #expect(local.subscriberCount == 1)
    one.session.cancel(first)
    network.settle()
    #expect(local.subscriberCount == 1)
    two.link.kill()
    network.settle()
    #expect(local.subscriberCount == 0)
    #expect(network.origin.snapshot.tracks == 0)
  }

  @Test func lingerKeepsTheUpstreamSubscriptionForAWhile() throws {
    var configuration = RelayConfiguration()
    configuration.linger = .milliseconds(50)
    let network = Network(seed: 7, configuration)
    let (_, _, local) = publisher(network, "draft-14")
    let subscriber = subscriber(network, "draft-14")
    let key = try subscriber.session.subscribe(SubscribeRequest(track))
    _ = network.run { local.subscriberCount == 1 }
    subscriber.session.cancel(key)
    for _ in 0..<20 { network.step() }
    #expect(local.subscriberCount == 1)
    #expect(network.origin.nextDeadline != nil)
    let again = try subscriber.session.subscribe(SubscribeRequest(track))
    _ = network.run { subscriber.answers[again] != nil }
    for _ in 0..<100 { network.step() }
    #expect(local.subscriberCount == 1)
    subscriber.session.cancel(again)
    for _ in 0..<100 { network.step() }
    #expect(local.subscriberCount == 0)
  }

  @Test(arguments: pairs) func whoAsksBeforeATrackIsMadeWaitsForAWhile(_ from: String, _ to: String) throws {
    let network = Network(seed: 22)
    var configuration = RelayConfiguration()
    configuration.patience = .seconds(1)
    let publisher = SimulatedPublisher(network, from, configuration)
    func time(_ milliseconds: UInt64) { publisher.origin.ticked(at: Instant(nanoseconds: milliseconds * 1_000_000)) }
    time(5_000)
    let broadcast = publisher.origin.publish(track.namespace)
    _ = network.run { network.origin.snapshot.namespaces > 0 }
    let early = subscriber(network, to), never = subscriber(network, to), late = subscriber(network, to)
    let key = try early.session.subscribe(SubscribeRequest(track))
    let other = try never.session.subscribe(SubscribeRequest(TrackName(track.namespace, "audio")))
    network.settle()
    #expect(early.answers[key] == nil && early.ends[key] == nil)
    #expect(publisher.origin.nextDeadline == Instant(nanoseconds: 6_000_000_000))
    time(5_900)
    let local = broadcast.track("video")
    let isServed = network.run { early.answers[key] != nil && local.subscriberCount == 1 }
    #expect(isServed)
    time(6_000)
    let isRefused = network.run { never.ends[other] != nil }
    #expect(isRefused && never.ends[other]?.reason == .doesNotExist)
    #expect(publisher.origin.nextDeadline == nil)
    // By now the publisher has made what it has.
    let last = try late.session.subscribe(SubscribeRequest(TrackName(track.namespace, "text")))
    let isRefusedAtOnce = network.run { late.ends[last] != nil }
    #expect(isRefusedAtOnce)
  }

  @Test(arguments: pairs) func anotherPublisherTakesOver(_ from: String, _ to: String) throws {
    let network = Network(seed: 8)
    let (old, _, first) = publisher(network, from)
    let new = SimulatedPublisher(network, from)
    let second = new.origin.publish(track.namespace).track("video")
    network.settle()
    // The latest announcement is asked first, and alone where the dialect does not want all to be.
    let subscriber = subscriber(network, to)
    let key = try subscriber.session.subscribe(SubscribeRequest(track))
    network.settle()
    #expect(second.subscriberCount == 1 && first.subscriberCount == (from == "draft-14" ? 1 : 0))
    let writers = [first, second].map { $0.begin(SubgroupInfo(group: 0, endsGroup: true)) }
    for id in 0..<4 as Range<UInt64> {
      for writer in writers { writer.write(ObjectInfo(group: 0, id: id), payload: payload(Location(0, id), 700)) }
    }
    network.settle()
    #expect(subscriber.objects(of: 0).count == 4)
    new.link.kill()
    _ = network.run { first.subscriberCount == 1 }
    #expect(network.origin.counters.takeovers == 1)
    for id in 4..<8 as Range<UInt64> {
      writers[0].write(ObjectInfo(group: 0, id: id), payload: payload(Location(0, id), 700))
    }
    writers[0].finish()
    first.group(1, objects: 2)
    network.settle()
    #expect(subscriber.ends[key] == nil)
    #expect(subscriber.objects(of: 0).map(\.info.id) == Array(0..<8))
    #expect(subscriber.objects(of: 1).map(\.info.id) == [0, 1])
    _ = old
  }

  @Test(arguments: ["draft-14", "moq-lite-01"]) func whatNobodyPublishesIsRefused(_ dialect: String) throws {
    let network = Network(seed: 9)
    let subscriber = subscriber(network, dialect)
    let key = try subscriber.session.subscribe(SubscribeRequest(TrackName("nobody/here", "x")))
    let isRefused = network.run { subscriber.ends[key] != nil }
    #expect(isRefused)
    #expect(subscriber.ends[key]?.reason == .doesNotExist)
    #expect(network.origin.snapshot.tracks == 0)
    #expect(network.origin.counters.subscriptionsRefused == 1)
  }

  @Test(arguments: pairs) func aTrackThePublisherDoesNotHaveIsRefused(_ from: String, _ to: String) throws {
    let network = Network(seed: 10)
    let (_, _, _) = publisher(network, from)
    let subscriber = subscriber(network, to)
    let key = try subscriber.session.subscribe(SubscribeRequest(TrackName(track.namespace, "audio")))
    let isRefused = network.run { subscriber.ends[key] != nil }
    #expect(isRefused)
    #expect(subscriber.ends[key]?.reason == .doesNotExist)
    #expect(network.origin.snapshot.tracks == 0)
  }

  @Test(arguments: ["draft-14", "moq-lite-01"]) func policyRefuses(_ dialect: String) throws {
    var policy = RelayPolicy()
    policy.allowSubscribe = { track, _ in track.name != Array("secret".utf8) }
    policy.allowPublish = { namespace, _ in namespace.hasPrefix("live") }
    let network = Network(seed: 11, policy: policy)
    let (publisher, _, _) = publisher(network, dialect)
    _ = publisher.origin.publish("elsewhere")
    network.settle()
    #expect(network.origin.snapshot.namespaces == 1)
    let subscriber = subscriber(network, dialect)
    let key = try subscriber.session.subscribe(SubscribeRequest(TrackName(track.namespace, "secret")))
    let isRefused = network.run { subscriber.ends[key] != nil }
    #expect(isRefused)
    #expect(subscriber.ends[key]?.reason == .unauthorized)
  }

  @Test(arguments: pairs) func announcementsReachThoseWhoAsk(_ from: String, _ to: String) throws {
    let network = Network(seed: 12)
    let (publisher, broadcast, _) = publisher(network, from)
    let subscriber = subscriber(network, to)
    network.settle()
    #expect(subscriber.announced.isEmpty, "nobody has asked")
    _ = try subscriber.session.seekAnnouncements(prefix: "live")
    let hasFirst = network.run { subscriber.announced == ["live/room"] }
    #expect(hasFirst)
    let second = publisher.origin.publish("live/hall")
    _ = publisher.origin.publish("dead/end")
    network.settle()
    #expect(subscriber.announced == ["live/room", "live/hall"])
    // A second publisher of the same namespace changes nothing, until both are gone.
    let other = SimulatedPublisher(network, from)
    let twin = other.origin.publish("live/hall")
    network.settle()
    second.withdraw()
    network.settle()
    #expect(subscriber.announced == ["live/room", "live/hall"])
    twin.withdraw()
    broadcast.withdraw()
    network.settle()
    #expect(subscriber.announced.isEmpty)
  }

  @Test(arguments: ["draft-14", "moq-lite-01"]) func anAnnouncementDoesNotEcho(_ dialect: String) throws {
    let network = Network(seed: 13)
    let client = subscriber(network, dialect)
    _ = try client.session.seekAnnouncements(prefix: "live")
    _ = try client.session.announce("live/mine")
    network.settle()
    #expect(network.origin.snapshot.namespaces == 1)
    #expect(client.announced.isEmpty)
    let other = SimulatedPublisher(network, "draft-14")
    _ = other.origin.publish("live/theirs")
    network.settle()
    #expect(client.announced == ["live/theirs"])
  }

  /// Whoever lets go of an origin and its sessions gets all memory back, whatever state they were in.
  @Test(arguments: pairs) func nothingIsKeptAlive(_ from: String, _ to: String) throws {
    weak var origin: Origin?, cached: CachedTrack?, attachment: MoQRelay.Attachment?, group: CachedGroup?
    do {
      let network = Network(seed: 14)
      let (_, _, local) = publisher(network, from)
      let subscriber = subscriber(network, to, rate: 500)
      _ = try subscriber.session.subscribe(SubscribeRequest(track))
      _ = network.run { local.subscriberCount == 1 }
      for group in 0..<5 as Range<UInt64> { local.group(group, objects: 3, size: 10_000) }
      let writer = local.begin(SubgroupInfo(group: 5))
      writer.write(ObjectInfo(group: 5, id: 0), payload: Bytes("x"))
      for _ in 0..<20 { network.step() }
      origin = network.origin
      cached = network.origin.track(track)
      group = cached?.latest
      attachment = subscriber.link.attachment
      #expect(cached != nil && group != nil && attachment != nil)
      for link in network.links { link.kill() }
    }
    #expect(origin == nil)
    #expect(cached == nil)
    #expect(group == nil)
    #expect(attachment == nil)
  }
}

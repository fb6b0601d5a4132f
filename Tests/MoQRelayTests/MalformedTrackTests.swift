import MoQDrafts
import MoQKernel
import Testing

@testable import MoQRelay

@Suite struct MalformedTrackTests {
  /// A stream of its publisher that ends within an object: the relay's subscribers hear why it is over, where there is
  /// a number for that.
  @Test(arguments: ["draft-12", "draft-14"]) func theReasonReachesSubscribers(_ to: String) throws {
    let network = Network(seed: 5), publisher = SimulatedPublisher(network, "draft-14")
    let track = publisher.origin.publish("live/room").track("video")
    let subscriber = SimulatedSubscriber(network, to)
    let isOpen = network.run { subscriber.session.isEstablished && network.origin.snapshot.namespaces > 0 }
    #expect(isOpen)
    let key = try subscriber.session.subscribe(SubscribeRequest(TrackName("live/room", "video")))
    let isServed = network.run { track.subscriberCount == 1 && subscriber.answers[key] != nil }
    #expect(isServed)
    // The publisher's first alias, group 3; then 2 of 5 bytes.
    var stream = SubgroupStream(Draft14.objects), writer = WireWriter(), object = ObjectHeader()
    (stream.trackAlias, stream.group, object.payloadLength) = (0, 3, 5)
    try stream.walkHeader(&writer)
    try stream.write(object, to: &writer)
    let payload: [UInt8] = [1, 2]
    writer.append(payload.span.bytes)
    let relay = publisher.link.b.core, incoming = try #require(relay.opened(.unidirectional))
    writer.withBytes { relay.received($0, fin: true, on: incoming) }
    let isOver = network.run { subscriber.ends[key] != nil }
    #expect(isOver && subscriber.ends[key]?.reason == .malformedTrack, "\(String(describing: subscriber.ends[key]))")
    #expect(relay.isEstablished && subscriber.session.isEstablished)
  }
}

/// Objects that come twice (§8.1 of draft-14), from one publisher by two streams.
@Suite struct RepeatedObjectTests {
  /// A publisher that sends what it is told to, and a subscriber.
  private struct Two {
    let network: Network
    let publisher: SimulatedSubscriber, subscriber: SimulatedSubscriber
    let key: RequestKey, served: RequestKey

    init(seed: UInt64, _ dialect: String, rate: Int = .max) throws {
      let track = TrackName("live/room", "video"), network = Network(seed: seed)
      let (publisher, subscriber) = (SimulatedSubscriber(network, dialect), SimulatedSubscriber(network, "draft-14"))
      network.run { publisher.session.isEstablished && subscriber.session.isEstablished }
      _ = try publisher.session.announce(track.namespace)
      network.settle()
      key = try subscriber.session.subscribe(SubscribeRequest(track, filter: .nextObject))
      network.settle()
      served = try #require(publisher.served.first)
      subscriber.link.rate = rate
      (self.network, self.publisher, self.subscriber) = (network, publisher, subscriber)
    }
    func open(_ info: SubgroupInfo = SubgroupInfo(group: 0)) throws -> StreamKey {
      try publisher.session.openSubgroup(served, info)
    }
    func write(_ object: ObjectInfo, _ text: String, on stream: StreamKey) throws {
      var object = object
      object.payloadLength = UInt64(text.utf8.count)
      try publisher.session.write(object, on: stream)
      if !text.isEmpty { publisher.session.write(payload: Bytes(text), on: stream) }
      network.settle()
    }
    var texts: [String] {
      subscriber.incoming.flatMap(\.objects).map { String(decoding: $0.payload, as: UTF8.self) }
    }
  }
  enum Change: CaseIterable { case payload, length, priority, status, subgroup, preference, tail }

  @Test(arguments: ["draft-12", "draft-13", "draft-14"], Change.allCases)
  func anotherPropertyEndsTheTrack(dialect: String, change: Change) throws {
    let two = try Two(seed: 600, dialect), first = try two.open()
    let isTail = change == .tail
    try two.write(ObjectInfo(group: 0, id: 0), "zero", on: first)
    if isTail {
      // Both streams are in the middle of the object; the second has all of it first.
      try two.publisher.session.write(ObjectInfo(group: 0, id: 1, payloadLength: 3), on: first)
      two.publisher.session.write(payload: Bytes("on"), on: first)
      two.network.settle()
    } else {
      try two.write(ObjectInfo(group: 0, id: 1), "one", on: first)
    }
    #expect(two.texts == ["zero", isTail ? "on" : "one"] && two.subscriber.ends.isEmpty)
    var info = SubgroupInfo(group: 0), object = ObjectInfo(group: 0, id: 1), text = "one"
    switch change {
    case .payload, .tail: text = "two"
    case .length: text = "ones"
    case .priority: (info.priority, object.priority) = (7, 7)
    case .status: (object.status, text) = (.endOfGroup, "")
    case .subgroup: (info.subgroup, object.subgroup) = (1, 1)
    case .preference: break
    }
    if change == .preference {
      object.payloadLength = 3
      _ = try two.publisher.session.send(datagram: object, payload: Bytes(text), for: two.served)
      two.network.settle()
    } else {
      try two.write(object, text, on: two.open(info))
    }
    if isTail {
      two.publisher.session.write(payload: Bytes("e"), on: first)
      two.network.settle()
    }
    two.network.run(3_000) { two.subscriber.ends[two.key] != nil && two.publisher.served.isEmpty }
    #expect(two.subscriber.ends[two.key]?.reason == .malformedTrack, "\(two.subscriber.ends)")
    #expect(two.publisher.served.isEmpty, "the relay unsubscribes")
    #expect(two.subscriber.incoming.allSatisfy { $0.end == .reset })
    #expect(two.network.origin.snapshot.tracks == 0 && two.network.origin.snapshot.cachedGroups == 0)
    #expect(two.publisher.session.isEstablished && two.subscriber.session.isEstablished)
  }

  /// Nothing of it is sent any more, by a fetch either.
  @Test func whatIsOnItsWayIsReset() throws {
    let two = try Two(seed: 601, "draft-14"), first = try two.open()
    let long = String(repeating: "x", count: 2_000_000)
    try two.write(ObjectInfo(group: 0, id: 0), long, on: first)
    try two.write(ObjectInfo(group: 0, id: 1), long, on: first)
    let reader = SimulatedSubscriber(two.network, "draft-14")
    two.network.run { reader.session.isEstablished }
    reader.link.rate = 100
    let track = TrackName("live/room", "video")
    _ = try reader.session.fetch(FetchRequest(.standalone(track, start: Location(0, 0), endGroup: 0, endObject: nil)))
    two.network.run(500) { !reader.incoming.isEmpty }
    #expect(reader.incoming.count == 1)
    let second = try two.open()
    try two.publisher.session.write(ObjectInfo(group: 0, id: 0, payloadLength: 3), on: second)
    two.network.settle(500)
    #expect(
      reader.incoming.first?.end == .reset && reader.incoming.first?.objects.first?.payload.count ?? 0 < 2_000_000)
    #expect(two.subscriber.ends[two.key]?.reason == .malformedTrack)
  }

  /// Extension headers may differ, an object may cease to exist, and what is the same is sent once.
  @Test(arguments: ["draft-12", "draft-14"]) func theSameAgainIsNoHarm(dialect: String) throws {
    let two = try Two(seed: 602, dialect), info = SubgroupInfo(group: 0, hasExtensions: true)
    let first = try two.open(info)
    try two.write(ObjectInfo(group: 0, id: 0), "zero", on: first)
    try two.write(ObjectInfo(group: 0, id: 1), "one", on: first)
    let second = try two.open(info)
    try two.write(ObjectInfo(group: 0, id: 0, extensions: [0x02, 0x05]), "zero", on: second)
    try two.write(ObjectInfo(group: 0, id: 1, status: .doesNotExist), "", on: second)
    try two.write(ObjectInfo(group: 0, id: 2), "two", on: second)
    try two.write(ObjectInfo(group: 0, id: 2), "two", on: first)
    #expect(two.texts == ["zero", "one", "two"] && two.subscriber.ends.isEmpty)
    #expect(two.network.origin.counters.duplicates == 3)
  }

  /// Datagrams that come twice are passed on once.
  @Test func aDatagramIsPassedOnOnce() throws {
    let two = try Two(seed: 603, "draft-14")
    for _ in 0..<2 {
      let object = ObjectInfo(group: 0, id: 0, payloadLength: 3)
      _ = try two.publisher.session.send(datagram: object, payload: Bytes("one"), for: two.served)
      two.network.settle()
    }
    #expect(two.subscriber.datagrams.count == 1 && two.network.origin.counters.duplicates == 1)
    _ = try two.publisher.session.send(
      datagram: ObjectInfo(group: 0, id: 0, payloadLength: 3), payload: Bytes("two"), for: two.served)
    two.network.run(3_000) { two.subscriber.ends[two.key] != nil }
    #expect(two.subscriber.ends[two.key]?.reason == .malformedTrack)
  }

  /// Where the text asks for nothing the first one counts.
  @Test(arguments: ["draft-07", "draft-11"]) func theFirstOneCountsInOlderDrafts(dialect: String) throws {
    let two = try Two(seed: 604, dialect)
    let first = try two.open(), second = try two.open()
    try two.write(ObjectInfo(group: 0, id: 0), "one", on: first)
    try two.write(ObjectInfo(group: 0, id: 0), "two", on: second)
    try two.write(ObjectInfo(group: 0, id: 1), "three", on: second)
    #expect(two.texts == ["one", "three"] && two.subscriber.ends.isEmpty)
  }
}

import MoQ
import Testing

/// Publisher, relay and subscriber over real sockets, in every combination of dialects.
@Suite(.serialized) struct BridgeTests {
  @Test("a track arrives", arguments: Bridge.all)
  func arrives(bridge: Bridge) async throws {
    try await within {
      let it = try await Bridged.open(bridge)
      #expect(it.publisher.dialect.name == bridge.publisher)
      #expect(it.subscriber.dialect.name == bridge.subscriber)
      for group in 0..<3 {
        try await it.track.group { writer in
          for object in 0..<4 { try await writer.write("group \(group), object \(object)") }
        }
      }
      var groups = 0
      var iterator = it.subscription.makeAsyncIterator()
      while groups < 3, let group = try await iterator.next() {
        #expect(group.sequence == UInt64(groups))
        var objects = 0
        for try await object in group {
          #expect(object.id == UInt64(objects))
          #expect(String(decoding: object.payload.array, as: UTF8.self) == "group \(groups), object \(objects)")
          objects += 1
        }
        #expect(objects == 4)
        #expect(group.ending == .complete)
        groups += 1
      }
      #expect(groups == 3)
      await it.subscriber.close()
      await it.publisher.close()
      await it.close()
    }
  }

  @Test("a late subscriber begins with the current group", arguments: Bridge.all)
  func late(bridge: Bridge) async throws {
    try await within {
      let relay = try await TestRelay.start()
      let publisher = try await relay.connect(bridge.publisher)
      let track = try await publisher.publish("late").track("data")
      let old = try await track.beginGroup(6)
      try await old.write("old")
      try await old.finish()
      let writer = try await track.beginGroup(7)
      for object in 0..<5 { try await writer.write("object \(object)") }

      let subscriber = try await relay.connect(bridge.subscriber)
      try await untilAnnounced("late", to: subscriber)
      let subscription = try await subscriber.subscribe(to: "late", track: "data")
      var groups = subscription.makeAsyncIterator()
      let group = try #require(try await groups.next())
      #expect(group.sequence == 7)
      var received: [String] = []
      var objects = group.makeAsyncIterator()
      while received.count < 5, let object = try await objects.next() {
        received.append(String(decoding: object.payload.array, as: UTF8.self))
      }
      try await writer.write("object 5")
      try await writer.finish()
      while let object = try await objects.next() {
        received.append(String(decoding: object.payload.array, as: UTF8.self))
      }
      #expect(received == (0..<6).map { "object \($0)" })
      await relay.server.close()
    }
  }

  @Test("10,000 objects of 0 to 100 kB, each once, in order, with their content", arguments: Bridge.all)
  func many(bridge: Bridge) async throws {
    let work = Workload(objects: 10_000, perGroup: 50, maximum: 100_000, seed: 14)
    try await within(.seconds(300)) {
      let relay = try await TestRelay.start()
      try await carry(work, bridge, through: relay)
      let numbers = await relay.server.statistics
      #expect(numbers.objectsReceived == 10_000)
      #expect(numbers.objectsSent == 10_000)
      #expect(numbers.groupsSkipped == 0)
      await relay.server.close()
    }
  }
}

/// The same through a hop that loses and reorders packets.
@Suite(.serialized) struct LossTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let bridge: Bridge
    let loss: Int
    var testDescription: String { "\(bridge.testDescription), \(loss) % lost" }
  }
  static let cases = Bridge.all.flatMap { bridge in [1, 5].map { Case(bridge: bridge, loss: $0) } }

  @Test("1,000 objects of 0 to 100 kB through loss and reordering", arguments: cases)
  func lossy(one: Case) async throws {
    let work = Workload(objects: 1_000, perGroup: 25, maximum: 100_000, seed: 5)
    try await within(.seconds(240)) {
      let relay = try await TestRelay.start()
      let hop = try LossyHop(to: relay.server.port, loss: one.loss, reordering: 5, seed: UInt64(one.loss))
      defer { hop.stop() }
      try await carry(work, one.bridge, through: relay, port: hop.port)
      #expect(hop.lost > 0)
      let numbers = await relay.server.statistics
      #expect(numbers.objectsSent == 1_000)
      #expect(numbers.groupsSkipped == 0)
      await relay.server.close()
    }
  }
}

/// Publishes a workload at a relay and checks what a subscriber gets of it.
func carry(_ work: Workload, _ bridge: Bridge, through relay: TestRelay, port: UInt16? = nil) async throws {
  let publisher = try await relay.connect(bridge.publisher, port: port)
  var options = TrackOptions()
  // Well within the relay's cache, so that nothing is skipped.
  options.backlog = .wait(bytes: 2 << 20)
  let track = try await publisher.publish("bulk").track("data", options: options)
  let subscriber = try await relay.connect(bridge.subscriber, port: port)
  try await untilAnnounced("bulk", to: subscriber)
  let subscription = try await subscriber.subscribe(to: "bulk", track: "data")
  try await track.firstSubscriber()

  async let writing: Void = {
    for group in 0..<work.groups {
      let writer = try await track.beginGroup()
      for object in 0..<work.count(of: group) { try await writer.write(work.payload(group, object)) }
      try await writer.finish()
    }
    try await track.drained()
  }()

  var next = [Int](repeating: 0, count: work.groups), groups = Set<UInt64>(), received = 0
  reading: for try await group in subscription {
    #expect(groups.insert(group.sequence).inserted, "group \(group.sequence) twice")
    let number = Int(group.sequence)
    for try await object in group {
      guard Int(object.id) == next[number] else {
        Issue.record("group \(number): object \(object.id) came when \(next[number]) was due")
        break reading
      }
      let expected = work.payload(number, next[number])
      guard object.payload == expected else {
        Issue.record(
          "group \(number), object \(object.id): \(object.payload.count) bytes that are not the \(expected.count) sent; seed \(work.seed)"
        )
        break reading
      }
      next[number] += 1
      received += 1
    }
    if received == work.objects { break }
  }
  #expect(received == work.objects)
  try await writing
  await subscriber.close()
  await publisher.close()
}

/// Waits until the relay has told the subscriber of a broadcast, so that a subscription finds it.
func untilAnnounced(_ path: TrackNamespace, to session: Session) async throws {
  for try await announcement in try await session.announcements(under: path) where announcement.path == path { return }
  throw MoQError(.ended, "the session ended before \(path) was announced")
}

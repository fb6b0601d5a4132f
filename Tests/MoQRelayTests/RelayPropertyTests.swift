import MoQKernel
import Testing

@testable import MoQRelay

/// Random publishers, subscribers, rates, breaks and departures, in both dialects on either side. A failing
/// seed replays exactly.
@Suite struct RelayPropertyTests {
  /// What was published of a group: object ids and sizes, and whether all of it was.
  struct Published {
    var objects: [(id: UInt64, subgroup: UInt64, size: Int)] = []
    var isWhole = true
  }
  struct Reader {
    let subscriber: SimulatedSubscriber
    let dialect: String
    /// The first group that began after its subscription was answered.
    var firstGroup: UInt64?
    let isFast: Bool
    var isGone = false
  }

  final class Run {
    let seed: UInt64
    let network: Network
    let limit: Int
    var publishers: [(SimulatedPublisher, LocalTrack)] = []
    var readers: [Reader] = []
    var published: [UInt64: Published] = [:]
    var nextGroup: UInt64 = 0
    let publisherDialect: String
    let usesSubgroups: Bool

    init(seed: UInt64) {
      self.seed = seed
      var dice = SeededRandom(seed: seed ^ 0xd1ce)
      limit = dice.next() % 2 == 0 ? 300_000 : 64 << 20
      network = Network(seed: seed, small(limit))
      publisherDialect = dice.next() % 2 == 0 ? "draft-14" : "moq-lite-01"
      usesSubgroups = publisherDialect == "draft-14" && dice.next() % 2 == 0
      let (origin, limit) = (network.origin, limit)
      network.check = { #expect(origin.snapshot.cachedBytes <= limit, "seed \(seed)") }
    }
    var isRoomy: Bool { limit > 1 << 20 }
    func below(_ bound: UInt64) -> UInt64 { network.random.next() % bound }
    func chance(_ one: UInt64) -> Bool { below(one) == 0 }

    func addPublisher() {
      let publisher = SimulatedPublisher(network, publisherDialect)
      let track = publisher.origin.publish(Stage.track.namespace).track("video")
      publishers.append((publisher, track))
      network.settle(200)
    }
    func addReader() throws {
      let dialect = chance(2) ? "draft-14" : "moq-lite-01"
      let isFast = chance(2)
      let subscriber = SimulatedSubscriber(network, dialect, rate: isFast ? .max : 200 + Int(below(5_000)))
      network.run(500) { subscriber.session.isEstablished }
      let key = try subscriber.session.subscribe(
        SubscribeRequest(Stage.track, filter: chance(2) ? .currentGroup : .nextObject))
      network.run(500) { subscriber.answers[key] != nil || subscriber.ends[key] != nil }
      var reader = Reader(subscriber: subscriber, dialect: dialect, isFast: isFast)
      reader.firstGroup = subscriber.answers[key] == nil ? nil : nextGroup
      readers.append(reader)
    }
    /// One group, written by all publishers alike, some of it late.
    func group() {
      let group = nextGroup
      nextGroup += 1
      var plan = Published()
      let count = 1 + below(8), lanes = usesSubgroups ? 1 + below(3) : 1
      for id in 0..<count {
        plan.objects.append((id, id % lanes, chance(5) ? 0 : Int(below(chance(4) ? 30_000 : 2_000))))
      }
      plan.isWhole = !chance(10)
      published[group] = plan
      for (_, track) in publishers {
        let writers = (0..<lanes).map { track.begin(SubgroupInfo(group: group, subgroup: $0, endsGroup: lanes == 1)) }
        for (index, object) in plan.objects.enumerated() {
          if !plan.isWhole, index == plan.objects.count / 2 { break }
          let info = ObjectInfo(group: group, subgroup: object.subgroup, id: object.id)
          writers[Int(object.subgroup)].write(info, payload: payload(info.location, object.size))
          if chance(3) { network.step() }
        }
        for writer in writers { if plan.isWhole { writer.finish() } else { writer.reset() } }
      }
    }
    func play() throws {
      addPublisher()
      if chance(3) { addPublisher() }
      try addReader()
      for _ in 0..<25 {
        group()
        for _ in 0..<below(12) { network.step() }
        if chance(6), readers.count < 6 { try addReader() }
        if chance(15), let index = readers.indices.filter({ !readers[$0].isGone }).randomElement(using: &network.random)
        {
          readers[index].isGone = true
          readers[index].subscriber.link.kill()
        }
        if chance(12), publishers.count > 1 { publishers.removeFirst().0.link.kill() }
      }
      for reader in readers { reader.subscriber.link.rate = .max }
      network.settle()
      for reader in readers { check(reader) }
      for reader in readers where !reader.isGone { reader.subscriber.link.kill() }
      network.settle()
      #expect(network.origin.snapshot.tracks == 0, "seed \(seed)")
      #expect(network.origin.snapshot.cachedBytes == 0, "seed \(seed)")
    }

    func check(_ reader: Reader) {
      let hint: Comment = "seed \(seed), \(publisherDialect) to \(reader.dialect)"
      for (group, plan) in published {
        let sizes = Dictionary(uniqueKeysWithValues: plan.objects.map { ($0.id, $0.size) })
        let got = reader.subscriber.objects(of: group)
        if reader.dialect == "draft-14" {
          // Whole objects: each at most once, with its own bytes, in order on each stream.
          #expect(Set(got.map(\.info.id)).count == got.count, hint)
          for object in got {
            #expect(object.payload == payload(object.info.location, sizes[object.info.id] ?? -1).array, hint)
          }
          for stream in reader.subscriber.incoming where !stream.isFetch {
            let ids = stream.objects.map(\.info.id)
            #expect(zip(ids, ids.dropFirst()).allSatisfy { $0 < $1 }, hint)
          }
        } else {
          // Frames: the group's objects in order, from the first on, none left out.
          let streams = reader.subscriber.incoming.filter { $0.group == group }
          #expect(streams.count <= 1, hint)
          for stream in streams {
            #expect(stream.objects.count <= plan.objects.count, hint)
            for (frame, object) in zip(stream.objects, plan.objects) {
              let isTorn = frame.payload.count < object.size && stream.end != .fin
              let expected = payload(Location(group, object.id), object.size).array
              #expect(isTorn ? expected.starts(with: frame.payload) : frame.payload == expected, hint)
            }
            if stream.end == .fin { #expect(stream.objects.count == plan.objects.count, hint) }
          }
        }
        // Whoever keeps up, or has a cache to catch up from, gets everything that was promised.
        guard !reader.isGone, isRoomy, plan.isWhole, let first = reader.firstGroup, group >= first else { continue }
        #expect(got.map(\.info.id).sorted() == plan.objects.map(\.id), "group \(group), \(hint)")
      }
    }
  }

  @Test(arguments: 0..<40 as Range<UInt64>) func everythingPromisedOnceInOrderWithinTheBound(seed: UInt64) throws {
    try Run(seed: seed).play()
  }
}

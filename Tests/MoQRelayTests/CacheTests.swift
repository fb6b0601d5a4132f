import MoQKernel
import Testing

@testable import MoQRelay

/// Bytes that say where they belong.
func payload(_ location: Location, _ count: Int) -> Bytes {
  Bytes((0..<count).map { UInt8(truncatingIfNeeded: UInt64($0) &* 31 &+ location.group &* 7 &+ location.object) })
}

func small(_ bytes: Int) -> RelayConfiguration {
  var configuration = RelayConfiguration()
  configuration.cacheBytes = bytes
  return configuration
}

extension LocalTrack {
  /// Writes a whole group of subgroup 0.
  func group(_ id: UInt64, objects: Int = 1, size: Int = 100) {
    let subgroup = begin(SubgroupInfo(group: id, endsGroup: true))
    for object in 0..<UInt64(objects) {
      subgroup.write(ObjectInfo(group: id, id: object), payload: payload(Location(id, object), size))
    }
    subgroup.finish()
  }
}

@Suite struct CacheTests {
  @Test func keepsTheBoundAndTheNewest() {
    let origin = Origin(small(100_000))
    let track = origin.publish("a").track("t")
    for id in 0..<500 as Range<UInt64> {
      track.group(id, objects: 3, size: 1000)
      #expect(origin.snapshot.cachedBytes <= 100_000)
    }
    #expect(track.track.group(499) != nil)
    #expect(track.track.group(0) == nil)
    #expect(origin.counters.groupsEvicted > 450)
    #expect(track.track.evictedThrough.map { $0 > 450 } == true)
    #expect(track.largest == Location(499, 2))
  }

  @Test func accountsForOverheads() {
    let origin = Origin(small(1 << 20))
    let track = origin.publish("a").track("t")
    for id in 0..<1000 as Range<UInt64> { track.group(id, objects: 1, size: 1) }
    // A byte of payload costs its group, its subgroup and its lists.
    #expect(
      origin.snapshot.cachedBytes >= origin.snapshot.cachedGroups * (CachedGroup.overhead + CachedSubgroup.overhead))
    #expect(origin.snapshot.cachedGroups < 1000)
    #expect(origin.snapshot.cachedBytes <= 1 << 20)
  }

  @Test func aQuietTrackOutlivesABusyOne() {
    let origin = Origin(small(100_000))
    let broadcast = origin.publish("a")
    let catalog = broadcast.track("catalog"), video = broadcast.track("video")
    catalog.group(0)
    for id in 0..<300 as Range<UInt64> { video.group(id, size: 2000) }
    #expect(catalog.track.group(0) != nil)
    #expect(video.track.group(0) == nil)
  }

  @Test func whatStaysBehindGetsMemoryOfItsOwn() throws {
    let origin = Origin(small(100_000))
    let broadcast = origin.publish("a")
    let catalog = broadcast.track("catalog"), video = broadcast.track("video")
    // As a session does it: all that arrives shares slabs.
    var slabs = SlabWriter()
    func arrived(_ location: Location, _ count: Int) -> Bytes {
      payload(location, count).withUnsafeBytes { slabs.write($0) }
    }
    let writer = catalog.begin(SubgroupInfo(group: 0, hasExtensions: true))
    writer.begin(ObjectInfo(group: 0, id: 0, extensions: arrived(Location(9, 9), 4), payloadLength: 60))
    writer.append(arrived(Location(0, 0), 50))
    let before = origin.snapshot.cachedBytes
    let group = try #require(catalog.track.group(0))
    var walk = Walk(group: group, scope: .merged, from: 0)
    _ = (walk.step(), walk.step())
    for id in 0..<200 as Range<UInt64> {
      let busy = video.begin(SubgroupInfo(group: id))
      busy.write(ObjectInfo(group: id, id: 0), payload: arrived(Location(id, 0), 2_000))
      busy.finish()
    }
    #expect(group.isPacked)
    #expect(group.bytes == before)
    let run = try #require(group.subgroups.first?.runs.first)
    #expect(run.parts == [payload(Location(0, 0), 50)])
    #expect(run.objects.first?.info.extensions == payload(Location(9, 9), 4))
    // A reader in the middle of it goes on where it was; what comes later is packed again.
    writer.append(arrived(Location(0, 1), 10))
    #expect(!group.isPacked)
    #expect(walk.read() == [String(decoding: payload(Location(0, 1), 10).array, as: UTF8.self)])
    withExtendedLifetime(slabs) {}
  }

  @Test func aGroupOfTooManyStreamsIsCutOff() {
    let origin = Origin()
    let track = origin.publish("a").track("t")
    for id in 0..<5_000 as Range<UInt64> {
      let subgroup = track.begin(SubgroupInfo(group: 0, subgroup: id))
      subgroup.write(ObjectInfo(group: 0, subgroup: id, id: id), payload: Bytes("x"))
    }
    for id in 0..<100 as Range<UInt64> {
      track.begin(SubgroupInfo(group: 1)).write(ObjectInfo(group: 1, id: id), payload: Bytes("x"))
    }
    #expect(track.track.group(0)?.subgroups.count == CachedSubgroup.maximumCount)
    #expect(track.track.group(1)?.subgroups.first?.runs.count == CachedSubgroup.maximumRuns)
    #expect(origin.counters.objectsTooLate == 5_000 - 4_096 + 100 - 64)
  }

  @Test func aGroupThatIsOpenGoesAfterThoseThatAreComplete() {
    let origin = Origin(small(100_000))
    let track = origin.publish("a").track("t")
    let open = track.begin(SubgroupInfo(group: 0))
    open.write(ObjectInfo(group: 0, id: 0), payload: payload(Location(0, 0), 1000))
    for id in 1..<200 as Range<UInt64> { track.group(id, size: 2000) }
    #expect(track.track.group(0) != nil)
    #expect(open.write(ObjectInfo(group: 0, id: 1), payload: payload(Location(0, 1), 10)))
    open.finish()
    for id in 200..<300 as Range<UInt64> { track.group(id, size: 2000) }
    #expect(track.track.group(0) == nil)
  }

  @Test func aGroupLargerThanTheBoundGoesItself() {
    let origin = Origin(small(50_000))
    let track = origin.publish("a").track("t")
    let subgroup = track.begin(SubgroupInfo(group: 0))
    var wasKept = true
    for id in 0..<200 as Range<UInt64> {
      wasKept = subgroup.write(ObjectInfo(group: 0, id: id), payload: payload(Location(0, id), 1000))
      #expect(origin.snapshot.cachedBytes <= 50_000)
    }
    #expect(!wasKept)
    #expect(origin.counters.objectsTooLate > 0)
    // The next group begins afresh.
    track.group(1)
    #expect(track.track.group(1) != nil)
  }

  @Test func openGroupsWithoutNumberAreBoundedToo() {
    let origin = Origin(small(50_000))
    let track = origin.publish("a").track("t")
    var open: [LocalSubgroup] = []
    for id in 0..<2000 as Range<UInt64> {
      let subgroup = track.begin(SubgroupInfo(group: id))
      subgroup.write(ObjectInfo(group: id, id: 0), payload: payload(Location(id, 0), 10))
      open.append(subgroup)
      #expect(origin.snapshot.cachedBytes <= 50_000)
    }
    for subgroup in open { subgroup.finish() }
    #expect(origin.snapshot.cachedBytes <= 50_000)
  }

  @Test func anObjectIsKeptOnce() {
    let origin = Origin()
    let track = origin.publish("a").track("t")
    track.group(0, objects: 3)
    let before = origin.counters.objectsIn
    track.group(0, objects: 3)
    #expect(origin.counters.duplicates == 3)
    #expect(origin.counters.objectsIn == before)
  }

  @Test func everythingGoesWithItsTrack() {
    let origin = Origin()
    let broadcast = origin.publish("a")
    let track = broadcast.track("t")
    track.group(0, objects: 10)
    let open = track.begin(SubgroupInfo(group: 1))
    open.write(ObjectInfo(group: 1, id: 0), payload: Bytes("x"))
    broadcast.withdraw()
    #expect(origin.snapshot.cachedBytes == 0)
    #expect(origin.snapshot.tracks == 0)
    #expect(origin.snapshot.namespaces == 0)
    // A writer that goes on writes into the void.
    #expect(!open.write(ObjectInfo(group: 1, id: 1), payload: Bytes("y")))
    open.finish()
  }

  @Test func partsBehindEachOtherAreOne() {
    let origin = Origin()
    let track = origin.publish("a").track("t")
    let whole = payload(Location(0, 0), 1000)
    let subgroup = track.begin(SubgroupInfo(group: 0))
    subgroup.begin(ObjectInfo(group: 0, id: 0, payloadLength: 1000))
    for start in stride(from: 0, to: 1000, by: 100) { subgroup.append(whole[start..<(start + 100)]) }
    let run = track.track.group(0)?.subgroups.first?.runs.first
    #expect(run?.parts.count == 1)
    #expect(run?.isWhole == true)
    #expect(run?.parts.first == whole)
    // More than was announced is not kept.
    subgroup.append(Bytes("z"))
    #expect(run?.parts.count == 1)
  }

  @Test func routesPreferTheLongestPrefixAndTheLatest() {
    let origin = Origin()
    let broad = origin.publish("a"), narrow = origin.publish("a/b"), later = origin.publish("a/b")
    func names(_ path: TrackNamespace) -> [ObjectIdentifier] {
      origin.routes.publishers(of: TrackName(path, "t"), askedBy: nil).compactMap {
        if case .local(let broadcast) = $0.source { ObjectIdentifier(broadcast) } else { nil }
      }
    }
    #expect(names("a/b/c") == [later, narrow, broad].map { ObjectIdentifier($0) })
    #expect(names("a/x") == [ObjectIdentifier(broad)])
    #expect(names("ab").isEmpty)
    narrow.withdraw()
    later.withdraw()
    #expect(names("a/b") == [ObjectIdentifier(broad)])
  }

  @Test func aGroupQueueKeepsOrderWhateverComes() {
    var random = SeededRandom(seed: 7)
    let origin = Origin()
    let track = origin.publish("a").track("t").track
    var queue = GroupQueue(), model: [UInt64] = []
    for _ in 0..<5000 {
      let id = random.next() % 200
      if let index = model.firstIndex(of: id) {
        model.remove(at: random.next() % 3 == 0 ? 0 : index)
        for gone in 0..<200 as Range<UInt64> where !model.contains(gone) { queue.remove(gone) }
      } else {
        model.append(id)
        model.sort()
        queue.insert(CachedGroup(id: id, track: track))
      }
      #expect(queue.count == model.count)
      #expect(queue.last?.id == model.last)
      let probe = random.next() % 200
      #expect(queue.first(from: probe)?.id == model.first { $0 >= probe })
      #expect(queue.last(through: probe)?.id == model.last { $0 <= probe })
      #expect((queue.find(probe) != nil) == model.contains(probe))
    }
  }
}

/// SplitMix64: the same numbers for the same seed, everywhere.
struct SeededRandom: RandomNumberGenerator {
  var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
}

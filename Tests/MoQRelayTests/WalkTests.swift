import MoQKernel
import Testing

@testable import MoQRelay

extension Walk {
  /// Steps until there is nothing to read now: what came, as text.
  mutating func read() -> [String] {
    var steps: [String] = []
    while true {
      switch step() {
      case .object(let info, _, let continuity):
        let how = ["", "~", "!"][continuity == .following ? 0 : continuity == .afterGap ? 1 : 2]
        steps.append("\(how)\(info.id):")
      case .payload(let part):
        let text = String(decoding: part.array, as: UTF8.self)
        if let last = steps.popLast() { steps.append(last + text) } else { steps.append(text) }
      case .wait: return steps
      case .finish: return steps + ["end"]
      case .broken: return steps + ["broken"]
      case .pause: return steps + ["pause"]
      case .incomplete(let headless): return steps + [headless ? "headless" : "cut"]
      }
    }
  }
}

@Suite struct WalkTests {
  let origin = Origin()
  let track: LocalTrack
  init() { track = origin.publish("a").track("t") }

  func object(_ id: UInt64, group: UInt64 = 0, subgroup: UInt64 = 0, length: Int = 0) -> ObjectInfo {
    ObjectInfo(group: group, subgroup: subgroup, id: id, payloadLength: UInt64(length))
  }
  func walk(_ scope: (CachedGroup) -> Walk.Scope?, from id: UInt64 = 0) throws -> Walk {
    let group = try #require(track.track.group(0))
    return Walk(group: group, scope: try #require(scope(group)), from: id)
  }
  func subgroup(_ id: UInt64, from first: UInt64 = 0) throws -> Walk {
    try walk({ $0.subgroup(id).map { .subgroup($0) } }, from: first)
  }
  func merged() throws -> Walk { try walk({ _ in .merged }) }

  @Test func readsAsItComes() throws {
    let writer = track.begin(SubgroupInfo(group: 0))
    writer.begin(object(0, length: 6))
    var walk = try subgroup(0)
    #expect(walk.read() == ["0:"])
    writer.append(Bytes("ab"))
    #expect(walk.read() == ["ab"])
    #expect(walk.read() == [])
    writer.append(Bytes("cd"))
    writer.append(Bytes("ef"))
    #expect(walk.read() == ["cdef"])
    writer.write(object(1), payload: Bytes("x"))
    writer.write(object(2), payload: Bytes())
    #expect(walk.read() == ["1:x", "2:"])
    writer.finish()
    #expect(walk.read() == ["end"])
    var late = try subgroup(0, from: 1)
    #expect(late.read() == ["1:x", "2:", "end"])
  }

  @Test func keepsIdsWithGapsOfOneStream() throws {
    let writer = track.begin(SubgroupInfo(group: 0))
    writer.write(object(2), payload: Bytes("a"))
    writer.write(object(5), payload: Bytes("b"))
    writer.finish()
    var walk = try subgroup(0)
    #expect(walk.read() == ["2:a", "5:b", "end"])
  }

  @Test func aTornObjectComesAgainByAnotherStream() throws {
    let first = track.begin(SubgroupInfo(group: 0))
    first.write(object(0), payload: Bytes("a"))
    first.begin(object(1, length: 4))
    first.append(Bytes("to"))
    var walk = try subgroup(0)
    #expect(walk.read() == ["0:a", "1:to"])
    first.reset()
    #expect(walk.read() == ["broken"])
    #expect(walk.read() == ["broken"])
    let second = track.begin(SubgroupInfo(group: 0))
    second.write(object(1), payload: Bytes("torn"))
    second.finish()
    #expect(walk.read() == ["1:torn", "end"])
  }

  @Test func objectsThatWereLostAreSaid() throws {
    let first = track.begin(SubgroupInfo(group: 0))
    first.write(object(0), payload: Bytes("a"))
    var walk = try subgroup(0)
    #expect(walk.read() == ["0:a"])
    first.reset()
    let second = track.begin(SubgroupInfo(group: 0))
    second.write(object(3), payload: Bytes("d"))
    second.finish()
    #expect(walk.read() == ["!3:d", "end"])
  }

  @Test func anOlderStreamOfTheSubgroupIsWaitedFor() throws {
    let old = track.begin(SubgroupInfo(group: 0))
    old.write(object(0), payload: Bytes("a"))
    let new = track.begin(SubgroupInfo(group: 0))
    new.write(object(2), payload: Bytes("c"))
    var walk = try subgroup(0)
    #expect(walk.read() == ["0:a"])
    old.write(object(1), payload: Bytes("b"))
    #expect(walk.read() == ["1:b", "2:c"])
    // What both bring is read once.
    old.write(object(2), payload: Bytes("C"))
    #expect(origin.counters.duplicates == 1)
    old.finish()
    new.finish()
    #expect(walk.read() == ["end"])
  }

  @Test func mergesSubgroupsInOrderOfIds() throws {
    let even = track.begin(SubgroupInfo(group: 0)), odd = track.begin(SubgroupInfo(group: 0, subgroup: 1))
    even.write(object(0), payload: Bytes("a"))
    odd.write(object(1, subgroup: 1), payload: Bytes("b"))
    var walk = try merged()
    #expect(walk.read() == ["0:a", "1:b"])
    odd.write(object(3, subgroup: 1), payload: Bytes("d"))
    #expect(walk.read() == [])
    even.write(object(2), payload: Bytes("c"))
    #expect(walk.read() == ["2:c", "3:d"])
    even.finish()
    odd.finish()
    #expect(walk.read() == [])
    track.group(1)
    #expect(walk.read() == ["end"])
  }

  @Test func mergingGoesOverIdsThatDoNotExistOnceTheGroupIsComplete() throws {
    let even = track.begin(SubgroupInfo(group: 0)), odd = track.begin(SubgroupInfo(group: 0, subgroup: 1))
    even.write(object(0), payload: Bytes("a"))
    odd.write(object(5, subgroup: 1), payload: Bytes("f"))
    var walk = try merged()
    #expect(walk.read() == ["0:a"])
    even.finish()
    odd.finish()
    track.group(1)
    #expect(walk.read() == ["~5:f", "end"])
  }

  @Test func mergingStopsWhereSomethingWasLost() throws {
    let even = track.begin(SubgroupInfo(group: 0)), odd = track.begin(SubgroupInfo(group: 0, subgroup: 1))
    even.write(object(0), payload: Bytes("a"))
    odd.write(object(3, subgroup: 1), payload: Bytes("d"))
    var walk = try merged()
    #expect(walk.read() == ["0:a"])
    even.reset()
    odd.finish()
    track.group(1)
    #expect(walk.read() == ["cut"])
  }

  @Test func mergingATrackOfOneSubgroupDoesNotWaitAtGaps() throws {
    func write(_ group: UInt64) -> LocalSubgroup {
      let writer = track.begin(SubgroupInfo(group: group))
      writer.write(object(1, group: group), payload: Bytes("b"))
      writer.write(object(3, group: group), payload: Bytes("d"))
      return writer
    }
    let first = write(0)
    var walk = try merged()
    // How the track is made is not known before one group has passed.
    #expect(walk.read() == [])
    first.finish()
    #expect(walk.read() == ["1:b", "~3:d", "end"])
    let second = write(1)
    var next = Walk(group: try #require(track.track.group(1)), scope: .merged, from: 0)
    #expect(next.read() == ["1:b", "~3:d"])
    second.finish()
    #expect(next.read() == ["end"])
  }

  @Test func theBeginningIsWaitedForWhileAJoiningFetchBringsIt() throws {
    track.track.began(SubscribeAnswer(largest: Location(0, 1)), .backfill)
    let live = track.begin(SubgroupInfo(group: 0))
    live.write(object(2), payload: Bytes("c"))
    var walk = try subgroup(0), all = try merged()
    #expect(walk.read() == [])
    #expect(all.read() == [])
    let fetch = FetchInflow(track.track)
    fetch.object(object(0, length: 1))
    fetch.payload(Bytes("a"))
    #expect(walk.read() == ["0:a"])
    fetch.object(object(1, length: 1))
    fetch.payload(Bytes("b"))
    fetch.end()
    track.track.backfilled(success: true)
    #expect(walk.read() == ["1:b", "2:c"])
    #expect(all.read() == ["0:a", "1:b", "2:c"])
    #expect(track.track.coverage == Location(0, 0))
  }

  @Test func withoutItsBeginningAGroupIsOnlyForReadersWithIds() throws {
    track.track.began(SubscribeAnswer(largest: Location(0, 1)), .backfill)
    let live = track.begin(SubgroupInfo(group: 0))
    live.write(object(2), payload: Bytes("c"))
    var walk = try subgroup(0), all = try merged()
    track.track.backfilled(success: false)
    #expect(walk.read() == ["2:c"])
    #expect(all.read() == ["headless"])
  }

  @Test func aReaderInAnEvictedGroupIsTold() throws {
    let writer = track.begin(SubgroupInfo(group: 0))
    writer.begin(object(0, length: 4))
    writer.append(Bytes("ab"))
    var walk = try subgroup(0)
    #expect(walk.read() == ["0:ab"])
    walk.group.evict()
    #expect(walk.read() == ["broken"])
  }

  @Test func datagramsAreReadInOrder() throws {
    for id in [0, 1, 3, 2] as [UInt64] { track.send(datagram: object(id), payload: Bytes("\(id)")) }
    #expect(origin.counters.objectsOutOfOrder == 1)
    var all = try merged()
    #expect(all.read() == ["0:0", "1:1"])
    track.group(1)
    #expect(all.read() == ["~3:3", "end"])
  }
}

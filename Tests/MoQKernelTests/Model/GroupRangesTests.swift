import MoQKernel
import Testing

@Suite struct GroupRangesTests {
  @Test func rangesThatTouchBecomeOne() {
    var ranges = GroupRanges()
    for range in [5...6, 9...9, 1...1, 7...8, 3...3] as [ClosedRange<UInt64>] { ranges.insert(range) }
    #expect(ranges.ranges == [1...1, 3...3, 5...9])
    ranges.insert(0...20)
    #expect(ranges.ranges == [0...20])
    ranges.insert(UInt64.max)
    ranges.insert(UInt64.max - 1)
    #expect(ranges.ranges == [0...20, (UInt64.max - 1)...UInt64.max])
    #expect(ranges.first == 0 && ranges.last == .max)
  }
  @Test func itIsBounded() {
    var ranges = GroupRanges()
    for group in 0..<UInt64(2 * GroupRanges.maximumCount) { ranges.insert(2 * group) }
    #expect(ranges.ranges.count == GroupRanges.maximumCount)
    ranges.insert(1)
    #expect(ranges.ranges.first == 0...2)
    // That made room for one.
    ranges.insert(8_000)
    ranges.insert(forgettingTheLowest: 9_000...9_001)
    #expect(ranges.ranges.count == GroupRanges.maximumCount)
    #expect(ranges.ranges.first == 4...4 && ranges.ranges.last == 9_000...9_001)
  }
  /// Against a set, over small numbers.
  @Test(arguments: 1...50 as ClosedRange<UInt64>) func agreesWithASet(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var ranges = GroupRanges(), set: Set<UInt64> = []
    for _ in 0..<30 {
      let low = generator.next() % 60, added = low...(low + generator.next() % 6)
      ranges.insert(added)
      set.formUnion(added)
      let start = generator.next() % 60, wanted = start...(start + generator.next() % 12)
      #expect(ranges.missing(in: wanted).flatMap(Array.init) == wanted.filter { !set.contains($0) }, "seed \(seed)")
      #expect(ranges.contains(wanted) == set.isSuperset(of: wanted), "seed \(seed)")
      #expect(ranges.ranges.flatMap(Array.init) == set.sorted(), "seed \(seed)")
      #expect(ranges.range(around: start) == ranges.ranges.first { $0.contains(start) }, "seed \(seed)")
    }
  }
}

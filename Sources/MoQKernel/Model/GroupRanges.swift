/// Groups by their numbers: what has been sent of a subscription, has come, or was said not to come.
///
/// It keeps ranges, and no more of them than a bound, however a peer numbers its groups.
public struct GroupRanges: Equatable, Sendable {
  /// The most ranges that are kept; a group that would need one more is not noted.
  public static var maximumCount: Int { 1_024 }

  /// Ascending, with at least one group between any two.
  public private(set) var ranges: [ClosedRange<UInt64>] = []

  public init() {}

  public var first: UInt64? { ranges.first?.lowerBound }
  public var last: UInt64? { ranges.last?.upperBound }

  public mutating func insert(_ group: UInt64) { insert(group...group) }
  public mutating func insert(_ added: ClosedRange<UInt64>) {
    let from = index(touching: added.lowerBound)
    var end = from, low = added.lowerBound, high = added.upperBound
    while end < ranges.count, high == .max || ranges[end].lowerBound <= high + 1 {
      (low, high) = (min(low, ranges[end].lowerBound), max(high, ranges[end].upperBound))
      end += 1
    }
    guard end > from || ranges.count < Self.maximumCount else { return }
    ranges.replaceSubrange(from..<end, with: CollectionOfOne(low...high))
  }
  /// The first range that ends at the group before `group`, or later.
  private func index(touching group: UInt64) -> Int {
    var low = 0, high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      let end = ranges[middle].upperBound
      if end < .max, end + 1 < group { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Makes room by forgetting the lowest, where there is none.
  public mutating func insert(forgettingTheLowest added: ClosedRange<UInt64>) {
    if ranges.count == Self.maximumCount { ranges.removeFirst() }
    insert(added)
  }
  /// The range that has a group; nil: none.
  public func range(around group: UInt64) -> ClosedRange<UInt64>? {
    ranges[index(touching: group)...].prefix(2).first { $0.contains(group) }
  }

  public func contains(_ wanted: ClosedRange<UInt64>) -> Bool {
    let index = index(touching: wanted.lowerBound)
    return ranges[index...].prefix(2).contains {
      $0.lowerBound <= wanted.lowerBound && $0.upperBound >= wanted.upperBound
    }
  }
  /// What of `wanted` is not here, ascending.
  public func missing(in wanted: ClosedRange<UInt64>) -> [ClosedRange<UInt64>] {
    var missing: [ClosedRange<UInt64>] = [], next = wanted.lowerBound
    for range in ranges[index(touching: wanted.lowerBound)...] {
      guard range.lowerBound <= wanted.upperBound else { break }
      if range.lowerBound > next { missing.append(next...(range.lowerBound - 1)) }
      guard range.upperBound < wanted.upperBound else { return missing }
      next = max(next, range.upperBound + 1)
    }
    missing.append(next...wanted.upperBound)
    return missing
  }
}

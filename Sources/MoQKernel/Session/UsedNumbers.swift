/// Numbers that have been used and must not be used again, whatever their order.
///
/// Kept as ranges, so that a peer that counts costs one of them. One that leaves more gaps than there may be ranges
/// has its lowest numbers forgotten: those could come again unnoticed.
struct UsedNumbers {
  static let maximumRanges = 256
  /// Ascending; between two there is a gap.
  private(set) var ranges: [ClosedRange<UInt64>] = []

  /// False: it has been used.
  mutating func insert(_ number: UInt64) -> Bool {
    // The first range that ends at the number or after it.
    var low = 0, high = ranges.count
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < number { low = middle + 1 } else { high = middle }
    }
    if low < ranges.count, ranges[low].contains(number) { return false }
    // Neither sum wraps: the one range ends below the number, the other begins above it.
    let joinsBefore = low > 0 && ranges[low - 1].upperBound + 1 == number
    let joinsAfter = low < ranges.count && ranges[low].lowerBound - 1 == number
    switch (joinsBefore, joinsAfter) {
    case (true, true):
      ranges[low - 1] = ranges[low - 1].lowerBound...ranges[low].upperBound
      ranges.remove(at: low)
    case (true, false): ranges[low - 1] = ranges[low - 1].lowerBound...number
    case (false, true): ranges[low] = number...ranges[low].upperBound
    case (false, false):
      ranges.insert(number...number, at: low)
      if ranges.count > Self.maximumRanges { ranges.removeFirst() }
    }
    return true
  }
}

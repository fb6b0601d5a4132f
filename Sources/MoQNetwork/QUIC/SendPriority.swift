/// The order in which the streams of one connection are sent.
///
/// The lowest value goes first, compared key by key; streams of equal priority take turns, packet by packet.
public struct SendPriority: Comparable, Sendable {
  public var first: UInt64
  public var second: UInt64
  public var third: UInt64

  @inlinable public init(_ first: UInt64, _ second: UInt64 = 0, _ third: UInt64 = 0) {
    (self.first, self.second, self.third) = (first, second, third)
  }

  /// Before everything else: control messages.
  public static let urgent = SendPriority(0)
  /// A stream whose priority was never set.
  public static let normal = SendPriority(1 << 32)

  @inlinable public static func < (a: SendPriority, b: SendPriority) -> Bool {
    if a.first != b.first { return a.first < b.first }
    if a.second != b.second { return a.second < b.second }
    return a.third < b.third
  }
}

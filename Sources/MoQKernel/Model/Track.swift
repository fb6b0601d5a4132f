/// A place in a track: an object of a group.
public struct Location: Hashable, Comparable, Sendable, CustomStringConvertible {
  public var group: UInt64, object: UInt64
  @inlinable public init(_ group: UInt64, _ object: UInt64) { (self.group, self.object) = (group, object) }
  @inlinable public static func < (a: Location, b: Location) -> Bool {
    a.group != b.group ? a.group < b.group : a.object < b.object
  }
  public var description: String { "{\(group), \(object)}" }
}

/// The path under which tracks are published: a tuple of byte strings, written `a/b/c` for people.
///
/// Kept as one allocation: the fields' encoding (an RFC 9000 length and the bytes, each) and their count.
public struct TrackNamespace: Hashable, Sendable {
  /// The most fields a namespace may have, in every draft.
  public static var maximumFields: Int { 32 }
  /// The most bytes a namespace's fields and a track's name may have together (§2.4.1 since draft-11).
  public static var maximumBytes: Int { 4096 }

  public internal(set) var count: Int = 0
  public internal(set) var encoded: [UInt8] = []

  /// The empty namespace: a prefix of every other.
  public init() {}
  /// Of fields already encoded. The caller vouches that `encoded` holds exactly `count` of them.
  @usableFromInline package init(count: Int, encoded: [UInt8]) { (self.count, self.encoded) = (count, encoded) }

  public init(_ fields: some Sequence<some Sequence<UInt8>>) {
    for field in fields { append(Array(field)) }
  }
  public init(_ fields: String...) { self.init(fields.map { Array($0.utf8) }) }

  /// Splits at `/`; slashes at either end and doubled ones do not make empty fields.
  public init(path: some StringProtocol) {
    self.init(path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) })
  }

  public mutating func append(_ field: [UInt8]) {
    let n = field.count
    switch n {
    case ..<0x40: encoded.append(UInt8(n))
    case ..<0x4000: encoded += [0x40 | UInt8(n >> 8), UInt8(truncatingIfNeeded: n)]
    default:
      encoded += [0x80 | UInt8(truncatingIfNeeded: n >> 24 & 0x3f)]
      encoded += [UInt8(truncatingIfNeeded: n >> 16), UInt8(truncatingIfNeeded: n >> 8), UInt8(truncatingIfNeeded: n)]
    }
    encoded += field
    count += 1
  }

  /// Takes the last field off; nil where there is none.
  public mutating func removeLast() -> [UInt8]? {
    var offset = 0, start = 0
    guard count > 0 else { return nil }
    for _ in 0..<count {
      guard let (length, size) = Self.length(encoded, at: offset) else { return nil }
      (start, offset) = (offset, offset + size + length)
    }
    guard offset <= encoded.count, let (length, size) = Self.length(encoded, at: start) else { return nil }
    let field = Array(encoded[(start + size)..<(start + size + length)])
    encoded.removeSubrange(start...)
    count -= 1
    return field
  }

  /// The fields, in order.
  public var fields: [[UInt8]] {
    var fields: [[UInt8]] = [], offset = 0
    fields.reserveCapacity(count)
    while let (length, size) = Self.length(encoded, at: offset), offset + size + length <= encoded.count {
      fields.append(Array(encoded[(offset + size)..<(offset + size + length)]))
      offset += size + length
    }
    return fields
  }
  private static func length(_ bytes: [UInt8], at offset: Int) -> (value: Int, size: Int)? {
    guard offset < bytes.count else { return nil }
    let first = bytes[offset], size = 1 << Int(first >> 6)
    guard offset + size <= bytes.count else { return nil }
    var value = Int(first & 0x3f)
    for index in 1..<max(size, 1) { value = value << 8 | Int(bytes[offset + index]) }
    return (value, size)
  }

  /// How many bytes the fields have, without their lengths.
  public var byteCount: Int {
    var sum = 0, offset = 0
    while let (length, size) = Self.length(encoded, at: offset) {
      sum += length
      offset += size + length
    }
    return sum
  }

  /// The fields joined by `/`, for people and for dialects that have only a string. Not UTF-8: replaced.
  public var path: String { fields.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/") }

  /// Whether this namespace is `prefix` or lies below it, field by field.
  public func hasPrefix(_ prefix: TrackNamespace) -> Bool {
    count >= prefix.count && encoded.starts(with: prefix.encoded)
  }
  /// What follows `prefix`, or nil where that is no prefix of this.
  public func suffix(after prefix: TrackNamespace) -> TrackNamespace? {
    guard hasPrefix(prefix) else { return nil }
    return TrackNamespace(count: count - prefix.count, encoded: Array(encoded[prefix.encoded.count...]))
  }
  public func appending(_ suffix: TrackNamespace) -> TrackNamespace {
    TrackNamespace(count: count + suffix.count, encoded: encoded + suffix.encoded)
  }
}

extension TrackNamespace: CustomStringConvertible, ExpressibleByStringLiteral {
  public init(stringLiteral path: String) { self.init(path: path) }
  public var description: String { path }
}

/// A track's full name: where it is published, and what it is called there.
public struct TrackName: Hashable, Sendable, CustomStringConvertible {
  public var namespace: TrackNamespace
  public var name: [UInt8]
  public init(_ namespace: TrackNamespace, _ name: some Sequence<UInt8>) {
    (self.namespace, self.name) = (namespace, Array(name))
  }
  public init(_ namespace: TrackNamespace, _ name: String) { self.init(namespace, name.utf8) }
  public var description: String { "\(namespace)/\(String(decoding: name, as: UTF8.self))" }
}

/// In which order a subscriber wants groups when not all can be sent at once.
public enum GroupOrder: UInt8, Sendable { case publisher = 0, ascending, descending }

/// What an object is, beside its payload. Numbers are draft-14's; a dialect maps them.
public enum ObjectStatus: UInt8, Sendable, BitwiseCopyable {
  case normal = 0, doesNotExist = 1, endOfGroup = 3, endOfTrack = 4
  /// Only in draft-07; elsewhere the end of the stream says it.
  case endOfSubgroup = 5
  /// Through draft-10: the object would be the next of the track's last group. `endOfTrack` is then the first
  /// of a group that will not come; since 11 it is either.
  case endOfTrackAndGroup = 6
  /// Whether nothing of the track comes after this.
  public var endsTrack: Bool { self == .endOfTrack || self == .endOfTrackAndGroup }
}

/// Where a subscription begins and ends, in words every draft can be mapped onto. Ends are inclusive.
public enum Filter: Hashable, Sendable {
  /// From the first object of the group that is current.
  case currentGroup
  /// The same, through the last object of that group.
  case currentGroupThrough(UInt64)
  /// From the first object of the next group.
  case nextGroup
  /// From the object after the largest one there is.
  case nextObject
  case from(Location)
  /// `endObject` nil: the whole of the end group.
  case range(Location, endGroup: UInt64, endObject: UInt64?)
}

/// A cursor over bytes it does not own. Nothing is copied until a field asks for ownership.
public struct WireReader: ~Escapable, WireWalk {
  @usableFromInline let source: RawSpan
  @usableFromInline let integers: Integers
  @usableFromInline var offset = 0
  @usableFromInline var end: Int
  /// Where the field that was read last begins, for errors.
  @usableFromInline var fieldStart = 0

  @_lifetime(copy source)
  @_transparent public init(_ source: RawSpan, integers: Integers = .quic) {
    self.source = source
    self.integers = integers
    self.end = source.byteCount
  }
  /// Bytes read so far.
  @inlinable public var position: Int { offset }
  /// Bytes left, of the body that is being read or of all.
  @_transparent public var remaining: Int { end &- offset }
  /// Where the field that was read last begins.
  public var lastField: Int { fieldStart }

  // MARK: Fields
  // These two are small and throw nothing themselves, so that they are inlined. A `throw` in what answers a protocol's
  // requirement, or `@inline(__always)` on it, leaves a call through the witness table instead (Swift 6.3).
  @inlinable public mutating func varint(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    fieldStart = offset
    if offset < end {
      let first = source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
      if first < 0x40 {
        offset &+= 1
        value = UInt64(first)
        return
      }
    }
    try longer(name, &value)
  }
  @inlinable public mutating func byte(_ name: StaticString, _ value: inout UInt8) throws(WireError) {
    fieldStart = offset
    guard offset < end else { try ended(name) }
    value = source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    offset &+= 1
  }
  @usableFromInline mutating func longer(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    guard let read = long() else { throw Self.truncated(name) }
    value = read
  }
  @inlinable public mutating func uint16(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    fieldStart = offset
    guard let read = integer(UInt16.self) else { try ended(name) }
    value = UInt64(read)
  }
  @usableFromInline @inline(never) func ended(_ name: StaticString) throws(WireError) -> Never {
    throw Self.truncated(name)
  }
  private static func truncated(_ name: StaticString) -> WireError { .truncated(.init(name)) }
  public mutating func bytes(_ name: StaticString, _ value: inout [UInt8], maximum: Int) throws(WireError) {
    fieldStart = offset
    value = copy(try length(name, maximum))
  }
  public mutating func reason(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    try bytes(name, &value, maximum: WireLimits.reasonPhrase)
  }
  public mutating func string(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    try bytes(name, &value, maximum: .max)
    guard value.isUTF8 else { throw .invalid(.init(name), UInt64(value.count), wanted: "UTF-8") }
  }
  public mutating func rest(_: StaticString, _ value: inout [UInt8]) {
    fieldStart = offset
    value = copy(remaining)
  }
  public mutating func tuple(
    _ name: StaticString, _ value: inout TrackNamespace, _ form: NamespaceForm
  ) throws(WireError) {
    fieldStart = offset
    guard let count = varint() else { throw .truncated(.init(name)) }
    guard count >= form.fewest, count <= TrackNamespace.maximumFields else {
      throw .invalid(.init(name), count, wanted: form.fewest == 0 ? "0 to 32 fields" : "1 to 32 fields")
    }
    let start = offset
    var isCanonical = integers == .quic, size = 0
    for _ in 0..<count {
      // Most fields are short and have bytes.
      if offset < end {
        let first = source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
        if first < 0x40, first > 0, Int(first) < remaining {
          offset &+= Int(first) &+ 1
          size &+= Int(first)
          continue
        }
      }
      let before = offset
      let length = try self.length(name, form.maximumBytes)
      guard length > 0 || form.allowsEmptyFields else { throw .invalid(.init(name), 0, wanted: "no empty field") }
      // The shortest length is kept as it is; equal namespaces must have equal bytes.
      isCanonical = isCanonical && offset &- before == (length < 0x40 ? 1 : 2)
      offset += length
      size += length
    }
    guard size <= form.maximumBytes else {
      throw .tooLong(.init(name), UInt64(size), wanted: Self.bound(form.maximumBytes))
    }
    let length = offset - start
    offset = start
    guard isCanonical else {
      value = TrackNamespace()
      for _ in 0..<count { value.append(copy(try self.length(name, form.maximumBytes))) }
      return
    }
    value = TrackNamespace(count: Int(count), encoded: copy(length))
  }
  public mutating func path(
    _ name: StaticString, _ value: inout TrackNamespace, _ form: PathForm
  ) throws(WireError) {
    fieldStart = offset
    let length = try length(name, TrackNamespace.maximumPath)
    let text = source.extracting(unchecked: offset..<(offset &+ length))
    if form != .plain {
      let slash = UInt8(ascii: "/")
      let ends = text.withUnsafeBytes { ($0.first, $0.last) }
      guard ends.0 == slash else { throw .invalid(.init(name), UInt64(length), wanted: "a slash before it") }
      guard form == .rooted || ends.1 == slash else {
        throw .invalid(.init(name), UInt64(length), wanted: "a slash behind it")
      }
    }
    guard let namespace = TrackNamespace(splitting: text) else {
      throw .invalid(.init(name), UInt64(length), wanted: "UTF-8")
    }
    offset &+= length
    guard namespace.count <= TrackNamespace.maximumFields else {
      throw .tooLong(.init(name), UInt64(namespace.count), wanted: "at most 32 parts")
    }
    value = namespace
  }
  public mutating func paths(
    _ count: StaticString, _ name: StaticString, _ list: inout [TrackNamespace]
  ) throws(WireError) {
    fieldStart = offset
    guard let n = varint() else { throw .truncated(.init(count)) }
    guard n <= AnnounceInit.maximumSuffixes else { throw .tooLong(.init(count), n, wanted: "at most 65536") }
    // A path takes a byte at least, so the bytes that are there bound what is reserved.
    guard n <= UInt64(remaining) else { throw .truncated(.init(name)) }
    list = []
    for _ in 0..<n {
      var path = TrackNamespace()
      try self.path(name, &path, .plain)
      list.append(path)
    }
  }
  public mutating func location(_ name: StaticString, _ value: inout Location) throws(WireError) {
    fieldStart = offset
    guard let group = varint(), let object = varint() else { throw .truncated(.init(name)) }
    value = Location(group, object)
  }
  public mutating func numbers(_ count: StaticString, _ name: StaticString, _ list: inout [UInt64]) throws(WireError) {
    fieldStart = offset
    guard let n = varint() else { throw .truncated(.init(count)) }
    guard n <= WireLimits.versions else { throw .tooLong(.init(count), n, wanted: "at most 256") }
    // A number takes a byte at least, so the bytes that are there bound what is reserved.
    guard n <= UInt64(remaining) else { throw .truncated(.init(name)) }
    list.removeAll(keepingCapacity: true)
    for _ in 0..<n {
      guard let value = varint() else { throw .truncated(.init(name)) }
      list.append(value)
    }
  }
  @inlinable @inline(__always) public mutating func parameters(
    _ count: StaticString, _: StaticString, _ list: inout [Parameter], _ spelling: ParameterSpelling
  ) throws(WireError) {
    if !list.isEmpty { list = [] }
    try eachParameter(count, &list, spelling)
  }
  @inlinable public mutating func enter(_ name: StaticString, _ length: Framing.Length) throws(WireError) -> Int {
    try beginBody(length, name)
  }
  @inlinable public mutating func leave(_: Framing.Length, _ outer: Int) throws(WireError) { try finish(outer) }

  @_lifetime(value: copy self, copy value)
  @inlinable public mutating func extensions(_ form: ExtensionForm, _ value: inout RawSpan) throws(WireError) {
    fieldStart = offset
    // Most objects have none, in whichever form.
    if offset < end, source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self) == 0 {
      offset &+= 1
      value = RawSpan()
    } else {
      try someExtensions(form, &value)
    }
  }
  @_lifetime(value: copy self, copy value)
  @usableFromInline mutating func someExtensions(_ form: ExtensionForm, _ value: inout RawSpan) throws(WireError) {
    switch form {
    case .length:
      guard let count = varint() else { throw .truncated("Extension Headers Length") }
      guard count <= WireLimits.extensions else {
        throw .tooLong("Extension Headers Length", count, wanted: "at most 65536")
      }
      guard count <= UInt64(remaining), let span = slice(Int(count)) else { throw .truncated("Extension headers") }
      value = span
    case .count:
      guard let count = varint() else { throw .truncated("Extension Count") }
      let start = offset
      for _ in 0..<count {
        guard let type = varint(), let number = varint() else { throw .truncated("Extension headers") }
        if !type.isMultiple(of: 2) {
          guard number <= WireLimits.extensions else {
            throw .tooLong("Extension headers", number, wanted: "at most 65536 bytes")
          }
          guard number <= UInt64(remaining) else { throw .truncated("Extension headers") }
          offset += Int(number)
        }
        guard offset - start <= Int(WireLimits.extensions) else {
          throw .tooLong("Extension headers", UInt64(offset - start), wanted: "at most 65536 bytes")
        }
      }
      value = source.extracting(unchecked: start..<offset)
    }
  }
  /// The next `count` bytes, borrowed from whoever lent them to this reader; nil where there are fewer.
  @_lifetime(copy self)
  @_transparent public mutating func slice(_ count: Int) -> RawSpan? {
    guard count >= 0, count <= remaining else { return nil }
    let start = offset
    offset &+= count
    return source.extracting(unchecked: Range(uncheckedBounds: (start, offset)))
  }
  /// Passes over `count` bytes; false where there are fewer.
  @inlinable public mutating func skip(_ count: UInt64) -> Bool {
    guard count <= UInt64(remaining) else { return false }
    offset &+= Int(count)
    return true
  }
  /// Goes back to where a truncated object began, to wait for the rest of it.
  @inlinable public mutating func rewind(to mark: Int) { offset = min(max(mark, 0), offset) }

  /// Goes to where a copy of this reader has got to, outside of a body that either began.
  @usableFromInline @_transparent mutating func follow(_ other: borrowing WireReader) {
    (offset, fieldStart) = (other.offset, other.fieldStart)
  }

  // MARK: Bodies
  /// Narrows the cursor to a body of `count` bytes, which are there; returns the bound to restore.
  @inlinable mutating func begin(_ count: Int) -> Int {
    defer { end = offset + count }
    return end
  }
  /// Leaves a body, insisting that its fields used all of it.
  @inlinable mutating func finish(_ outer: Int) throws(WireError) {
    guard offset == end else {
      fieldStart = offset
      throw .trailing(remaining)
    }
    end = outer
  }

  // MARK: Primitives
  /// An integer without a name; nil where the bytes end.
  @inlinable @inline(__always) public mutating func varint() -> UInt64? {
    guard offset < end else { return nil }
    let first = source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    if first < 0x40 {
      offset &+= 1
      return UInt64(first)
    }
    return long()
  }
  /// An integer that may have more than a byte; nil where the bytes end.
  @usableFromInline mutating func long() -> UInt64? {
    let there = remaining
    guard there > 0 else { return nil }
    let first = source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    if integers == .leadingOnes { return leadingOnes(first) }
    let start = offset, size = 1 &<< Int(first >> 6)
    guard there >= size else { return nil }
    offset = start &+ size
    // No branch on the length, which is what it pleases: eight bytes at once where they are there.
    guard there >= 8 else { return short(first, start &+ 1) }
    let raw = source.unsafeLoadUnaligned(fromUncheckedByteOffset: start, as: UInt64.self)
    return (UInt64(bigEndian: raw) &<< 2) &>> UInt64(truncatingIfNeeded: 66 &- size &* 8)
  }
  /// The rest of an integer near the end of the bytes, up to `offset`.
  private func short(_ first: UInt8, _ start: Int) -> UInt64 {
    var value = UInt64(first & 0x3f)
    for index in start..<offset {
      value = value << 8 | UInt64(source.unsafeLoad(fromUncheckedByteOffset: index, as: UInt8.self))
    }
    return value
  }
  /// Since draft-17: as many bytes follow the first as it has leading ones.
  mutating func leadingOnes(_ first: UInt8) -> UInt64? {
    let more = (~first).leadingZeroBitCount
    guard remaining > more else { return nil }
    offset &+= 1
    var value = more >= 7 ? 0 : UInt64(first & (0x7f >> UInt8(more)))
    for _ in 0..<more {
      value = value << 8 | UInt64(source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
      offset &+= 1
    }
    return value
  }
  @inlinable mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> T? {
    let size = MemoryLayout<T>.size
    guard remaining >= size else { return nil }
    defer { offset &+= size }
    return T(bigEndian: source.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: T.self))
  }
  /// A length that its limit allows and the remaining bytes can honour.
  @usableFromInline mutating func length(_ name: StaticString, _ maximum: Int) throws(WireError) -> Int {
    guard let value = varint() else { throw .truncated(.init(name)) }
    guard value <= UInt64(maximum) else { throw .tooLong(.init(name), value, wanted: Self.bound(maximum)) }
    guard value <= UInt64(remaining) else { throw .truncated(.init(name)) }
    return Int(value)
  }
  private static func bound(_ maximum: Int) -> WireError.Field {
    switch maximum {
    case WireLimits.reasonPhrase: "at most 1024 bytes"
    case WireLimits.sessionURI: "at most 8192 bytes"
    case WireLimits.parameterValue: "at most 65535 bytes"
    case TrackNamespace.maximumBytes: "at most 4096 bytes"
    case WireLimits.transforkPath: "fewer than 1024 bytes"
    default: "fewer bytes"
    }
  }
  mutating func copy(_ count: Int) -> [UInt8] {
    defer { offset &+= count }
    let range = offset..<(offset + count)
    return source.withUnsafeBytes { [UInt8](UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}

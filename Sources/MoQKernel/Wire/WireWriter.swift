/// A buffer being filled. Its storage is kept between messages.
public struct WireWriter: ~Copyable, WireWalk {
  @usableFromInline var storage: [UInt8] = []
  @usableFromInline let integers: Integers

  public init(capacity: Int = 512, integers: Integers = .quic) {
    self.integers = integers
    storage.reserveCapacity(capacity)
  }
  /// A copy of what was written.
  public var bytes: [UInt8] { storage }
  @inlinable public var count: Int { storage.count }
  /// What was written, borrowed.
  @inlinable public var span: RawSpan { @_lifetime(borrow self) get { storage.span.bytes } }
  /// What was written, for the time of the call.
  @inlinable public func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { storage.withUnsafeBytes(body) }
  @inlinable public mutating func clear() { storage.removeAll(keepingCapacity: true) }
  /// Forgets what was written after the first `count` bytes, as after a message that cannot be said.
  @inlinable public mutating func truncate(to count: Int) {
    if count < storage.count { storage.removeLast(storage.count - max(count, 0)) }
  }

  // MARK: Fields
  @inlinable public static var fills: Bool { false }
  @inlinable public mutating func varint(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    try varint(value, name)
  }
  @inlinable public mutating func byte(_: StaticString, _ value: inout UInt8) { storage.append(value) }
  @inlinable public mutating func bytes(_ name: StaticString, _ value: inout [UInt8], maximum: Int) throws(WireError) {
    guard value.count <= maximum else { throw .tooLong(.init(name), UInt64(value.count), wanted: "fewer bytes") }
    try varint(UInt64(value.count), name)
    storage.append(contentsOf: value)
  }
  @inlinable public mutating func reason(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    try bytes(name, &value, maximum: WireLimits.reasonPhrase)
  }
  @inlinable public mutating func string(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    guard value.isUTF8 else { throw .inexpressible(.init(name)) }
    try bytes(name, &value, maximum: .max)
  }
  @inlinable public mutating func rest(_: StaticString, _ value: inout [UInt8]) { storage.append(contentsOf: value) }
  @inlinable public mutating func tuple(
    _ name: StaticString, _ value: inout TrackNamespace, _ form: NamespaceForm
  ) throws(WireError) {
    guard value.count >= form.fewest, value.count <= TrackNamespace.maximumFields else {
      throw WireError(.inexpressible, .init(name), found: UInt64(value.count), wanted: "1 to 32 fields")
    }
    guard value.fits(with: 0), form.allowsEmptyFields || !value.hasEmptyField else { throw .inexpressible(.init(name)) }
    try varint(UInt64(value.count), name)
    guard integers == .leadingOnes else {
      storage.append(contentsOf: value.encoded)
      return
    }
    for var field in value.fields { try bytes(name, &field, maximum: .max) }
  }
  @inlinable public mutating func path(_ name: StaticString, _ value: inout TrackNamespace) throws(WireError) {
    guard var text = value.pathBytes else {
      throw WireError(.inexpressible, .init(name), wanted: "fields of UTF-8 that are not empty and hold no slash")
    }
    try bytes(name, &text, maximum: TrackNamespace.maximumPath)
  }
  @inlinable public mutating func paths(
    _ count: StaticString, _ name: StaticString, _ list: inout [TrackNamespace]
  ) throws(WireError) {
    guard list.count <= AnnounceInit.maximumSuffixes else { throw .tooLong(.init(count), UInt64(list.count)) }
    try varint(UInt64(list.count), count)
    for var path in list { try self.path(name, &path) }
  }
  @inlinable public mutating func location(_ name: StaticString, _ value: inout Location) throws(WireError) {
    try varint(value.group, name)
    try varint(value.object, name)
  }
  @inlinable public mutating func numbers(
    _ count: StaticString, _ name: StaticString, _ list: inout [UInt64]
  ) throws(WireError) {
    guard list.count <= WireLimits.versions else { throw .tooLong(.init(count), UInt64(list.count)) }
    try varint(UInt64(list.count), count)
    for number in list { try varint(number, name) }
  }
  @inlinable public mutating func parameters(
    _ count: StaticString, _: StaticString, _ list: inout [Parameter], _ spelling: ParameterSpelling
  ) throws(WireError) {
    try eachParameter(count, &list, spelling)
  }
  @inlinable public mutating func within(
    _: StaticString, _ fields: (inout WireWriter) throws(WireError) -> Void
  ) throws(WireError) {
    let start = begin(.varint)
    try fields(&self)
    try finish(.varint, from: start)
  }
  @inlinable @_lifetime(value: copy value)
  public mutating func extensions(_ form: ExtensionForm, _ value: inout RawSpan) throws(WireError) {
    guard value.byteCount <= WireLimits.extensions else {
      throw .tooLong("Extension headers", UInt64(value.byteCount), wanted: "at most 65536 bytes")
    }
    switch form {
    case .length: try varint(UInt64(value.byteCount), "Extension Headers Length")
    case .count: try varint(countedExtensions(value), "Extension Count")
    }
    append(value)
  }
  @inlinable public mutating func append(_ span: RawSpan) {
    span.withUnsafeBytes { storage.append(contentsOf: $0) }
  }
  /// How many headers these bytes hold; only draft-08 wants to know.
  @usableFromInline func countedExtensions(_ value: RawSpan) throws(WireError) -> UInt64 {
    var reader = WireReader(value), count: UInt64 = 0
    while reader.remaining > 0 {
      guard let type = reader.varint(), let number = reader.varint() else { throw .inexpressible("Extension headers") }
      if !type.isMultiple(of: 2) {
        guard number <= UInt64(reader.remaining), reader.slice(Int(number)) != nil else {
          throw .inexpressible("Extension headers")
        }
      }
      count += 1
    }
    return count
  }

  // MARK: Bodies
  /// Leaves room for a body's length.
  @inlinable mutating func begin(_ length: Framing.Length) -> Int {
    switch length {
    case .varint: integer(UInt8(0))
    case .uint16: integer(UInt16(0))
    }
    return storage.count
  }
  /// Fills the length in, now that the body is there; moves the body where the length takes more than a byte.
  @inlinable mutating func finish(_ length: Framing.Length, from start: Int) throws(WireError) {
    let count = storage.count - start
    switch length {
    case .uint16:
      guard count <= 0xffff else { throw .tooLong("Message Length", UInt64(count), wanted: "at most 65535 bytes") }
      storage[start - 2] = UInt8(count >> 8)
      storage[start - 1] = UInt8(truncatingIfNeeded: count)
    case .varint where integers == .quic && count < 0x40:
      storage[start - 1] = UInt8(count)
    case .varint:
      var header = WireWriter(capacity: 9, integers: integers)
      try header.varint(UInt64(count), "Message Length")
      storage.replaceSubrange((start - 1)..<start, with: header.storage)
    }
  }

  // MARK: Primitives
  /// Writes an integer in the fewest bytes; above what the dialect can write it cannot be said.
  @inlinable public mutating func varint(_ value: UInt64, _ name: StaticString = "varint") throws(WireError) {
    if integers == .leadingOnes { return leadingOnes(value) }
    switch value {
    case ..<0x40: storage.append(UInt8(truncatingIfNeeded: value))
    case ..<0x4000: integer(UInt16(truncatingIfNeeded: value) | 0x4000)
    case ..<0x4000_0000: integer(UInt32(truncatingIfNeeded: value) | 0x8000_0000)
    case ..<0x4000_0000_0000_0000: integer(value | 0xc000_0000_0000_0000)
    default: throw WireError(.inexpressible, .init(name), found: value, wanted: "less than 2^62")
    }
  }
  @usableFromInline mutating func leadingOnes(_ value: UInt64) {
    var more = 0
    while more < 8, more < 7 ? value >> UInt64(7 * (more + 1)) != 0 : value >> 56 != 0 { more += 1 }
    let mark = UInt8(truncatingIfNeeded: ~(0xff >> more))
    storage.append(more >= 7 ? mark : mark | UInt8(truncatingIfNeeded: value >> UInt64(8 * more)))
    for byte in stride(from: more - 1, through: 0, by: -1) {
      storage.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)))
    }
  }
  @inlinable mutating func integer<T: FixedWidthInteger>(_ value: T) {
    var shift = T.bitWidth
    while shift > 0 {
      shift &-= 8
      storage.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }
}

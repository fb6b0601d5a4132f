/// A buffer being filled. Its storage is kept between messages.
///
/// The memory is the writer's own: an array would ask for each byte whether it is shared.
public struct WireWriter: ~Copyable, WireWalk {
  @usableFromInline var base: UnsafeMutableRawPointer
  @usableFromInline var capacity: Int
  /// Bytes written so far.
  @_transparent public var count: Int { used }
  @usableFromInline var used = 0
  @usableFromInline let integers: Integers

  public init(capacity: Int = 512, integers: Integers = .quic) {
    self.integers = integers
    self.capacity = max(capacity, 16)
    base = .allocate(byteCount: self.capacity, alignment: 16)
  }
  deinit { base.deallocate() }

  /// A copy of what was written.
  public var bytes: [UInt8] { withBytes { [UInt8]($0) } }
  /// What was written, borrowed.
  @inlinable public var span: RawSpan {
    @_lifetime(borrow self) get {
      let span = RawSpan(_unsafeStart: base, byteCount: count)
      return _overrideLifetime(span, borrowing: self)
    }
  }
  /// What was written, for the time of the call.
  @inlinable public func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
    body(UnsafeRawBufferPointer(start: base, count: count))
  }
  @_transparent public mutating func clear() { used = 0 }
  /// Forgets what was written after the first `count` bytes, as after a message that cannot be said.
  @inlinable public mutating func truncate(to count: Int) { used = min(max(count, 0), used) }

  /// Makes room for `size` more bytes.
  @inlinable @inline(__always) mutating func reserve(_ size: Int) {
    if capacity &- count < size { grow(size) }
  }
  @usableFromInline @inline(never) mutating func grow(_ size: Int) {
    let larger = max(capacity * 2, count + size)
    let fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    fresh.copyMemory(from: base, byteCount: count)
    base.deallocate()
    (base, capacity) = (fresh, larger)
  }
  /// Appends an integer in network order.
  @inlinable @inline(__always) mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    reserve(MemoryLayout<T>.size)
    base.storeBytes(of: value.bigEndian, toByteOffset: count, as: T.self)
    used &+= MemoryLayout<T>.size
  }
  @inlinable mutating func append(_ array: [UInt8]) {
    array.withUnsafeBytes { append($0) }
  }
  @inlinable mutating func append(_ source: UnsafeRawBufferPointer) {
    guard let from = source.baseAddress, source.count > 0 else { return }
    reserve(source.count)
    (base + count).copyMemory(from: from, byteCount: source.count)
    used &+= source.count
  }
  @inlinable public mutating func append(_ span: RawSpan) {
    span.withUnsafeBytes { append($0) }
  }

  // MARK: Fields
  @inlinable public static var fills: Bool { false }
  @inlinable @inline(__always)
  public mutating func varint(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    try varint(value, name)
  }
  @inlinable @inline(__always)
  public mutating func byte(_: StaticString, _ value: inout UInt8) { integer(value) }
  @inlinable public mutating func uint16(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    guard value <= 0xffff else { throw WireError(.inexpressible, .init(name), found: value, wanted: "at most 65535") }
    integer(UInt16(truncatingIfNeeded: value))
  }
  @inlinable public mutating func bytes(_ name: StaticString, _ value: inout [UInt8], maximum: Int) throws(WireError) {
    guard value.count <= maximum else { throw .tooLong(.init(name), UInt64(value.count), wanted: "fewer bytes") }
    try varint(UInt64(value.count), name)
    append(value)
  }
  @inlinable public mutating func reason(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    try bytes(name, &value, maximum: WireLimits.reasonPhrase)
  }
  @inlinable public mutating func string(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    guard value.isUTF8 else { throw .inexpressible(.init(name)) }
    try bytes(name, &value, maximum: .max)
  }
  @inlinable public mutating func rest(_: StaticString, _ value: inout [UInt8]) { append(value) }
  @inlinable public mutating func tuple(
    _ name: StaticString, _ value: inout TrackNamespace, _ form: NamespaceForm
  ) throws(WireError) {
    guard value.count >= form.fewest, value.count <= TrackNamespace.maximumFields else {
      throw WireError(.inexpressible, .init(name), found: UInt64(value.count), wanted: "1 to 32 fields")
    }
    guard value.fits(with: 0, form.maximumBytes), form.allowsEmptyFields || !value.hasEmptyField else {
      throw .inexpressible(.init(name))
    }
    try varint(UInt64(value.count), name)
    try fields(of: value, name)
  }
  /// Each with its length, as the value keeps them where the dialect's integers are QUIC's.
  @inlinable @inline(__always) mutating func fields(
    of value: TrackNamespace, _ name: StaticString
  ) throws(WireError) {
    guard integers == .leadingOnes else {
      append(value.encoded)
      return
    }
    for var field in value.fields { try bytes(name, &field, maximum: .max) }
  }
  /// Without the two put together, which would be an array that is made and let go.
  public mutating func parts(
    _: StaticString, _ name: StaticString, _ value: inout TrackNamespace, last: inout [UInt8], _ form: NamespaceForm
  ) throws(WireError) {
    guard value.count < TrackNamespace.maximumFields, value.fits(with: last.count, form.maximumBytes),
      form.allowsEmptyFields || !value.hasEmptyField && !last.isEmpty
    else { throw .inexpressible(.init(name)) }
    try varint(UInt64(value.count &+ 1), name)
    try fields(of: value, name)
    try bytes(name, &last, maximum: .max)
  }
  public mutating func path(
    _ name: StaticString, _ value: inout TrackNamespace, _ form: PathForm
  ) throws(WireError) {
    guard let length = value.pathLength else {
      throw WireError(.inexpressible, .init(name), wanted: "fields of UTF-8 that are not empty and hold no slash")
    }
    let slash = UInt8(ascii: "/"), isEnclosed = form == .enclosed && length > 0
    let whole = length + (form == .plain ? 0 : 1) + (isEnclosed ? 1 : 0)
    guard whole <= TrackNamespace.maximumPath else {
      throw .tooLong(.init(name), UInt64(whole), wanted: "fewer bytes")
    }
    try varint(UInt64(whole), name)
    if form != .plain { integer(slash) }
    reserve(length)
    value.writePath(into: UnsafeMutableRawBufferPointer(start: base + used, count: length))
    used &+= length
    if isEnclosed { integer(slash) }
  }
  @inlinable public mutating func paths(
    _ count: StaticString, _ name: StaticString, _ list: inout [TrackNamespace]
  ) throws(WireError) {
    guard list.count <= AnnounceInit.maximumSuffixes else { throw .tooLong(.init(count), UInt64(list.count)) }
    try varint(UInt64(list.count), count)
    for var path in list { try self.path(name, &path, .plain) }
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
  @inlinable @inline(__always) public mutating func parameters(
    _ count: StaticString, _: StaticString, _ list: inout [Parameter], _ spelling: ParameterSpelling
  ) throws(WireError) {
    try eachParameter(count, &list, spelling)
  }
  @inlinable public mutating func enter(_: StaticString, _ length: Framing.Length) -> Int { begin(length) }
  @inlinable public mutating func leave(_ length: Framing.Length, _ start: Int) throws(WireError) {
    try finish(length, from: start)
  }
  @inlinable @_lifetime(value: copy value)
  public mutating func extensions(_ form: ExtensionForm, _ value: inout RawSpan) throws(WireError) {
    // Most objects have none, in whichever form.
    if value.byteCount == 0 { integer(UInt8(0)) } else { try someExtensions(form, value) }
  }
  @usableFromInline mutating func someExtensions(_ form: ExtensionForm, _ value: RawSpan) throws(WireError) {
    guard value.byteCount <= WireLimits.extensions else {
      throw .tooLong("Extension headers", UInt64(value.byteCount), wanted: "at most 65536 bytes")
    }
    switch form {
    case .length: try varint(UInt64(value.byteCount), "Extension Headers Length")
    case .count: try varint(countedExtensions(value), "Extension Count")
    }
    append(value)
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
    return used
  }
  /// Fills the length in, now that the body is there; moves the body where the length takes more than a byte.
  @inlinable mutating func finish(_ length: Framing.Length, from start: Int) throws(WireError) {
    let size = used &- start
    switch length {
    case .uint16:
      guard size <= 0xffff else { throw .tooLong("Message Length", UInt64(size), wanted: "at most 65535 bytes") }
      base.storeBytes(of: UInt16(truncatingIfNeeded: size).bigEndian, toByteOffset: start &- 2, as: UInt16.self)
    case .varint where size < 0x40: base.storeBytes(of: UInt8(size), toByteOffset: start &- 1, as: UInt8.self)
    case .varint: try move(from: start)
    }
  }
  /// Writes a body's length in front of it, where one byte is not enough.
  @usableFromInline mutating func move(from start: Int) throws(WireError) {
    let size = used - start
    if size < 0x4000, integers == .quic {
      reserve(1)
      (base + start + 1).copyMemory(from: base + start, byteCount: size)
      base.storeBytes(of: (UInt16(size) | 0x4000).bigEndian, toByteOffset: start - 1, as: UInt16.self)
      used += 1
      return
    }
    try varint(UInt64(size), "Message Length")
    let width = used - start - size
    // The length stands behind the body now: it goes to the front, one byte before the body's start.
    reserve(width)
    let length = base + start + size
    (base + used).copyMemory(from: length, byteCount: width)
    (base + start - 1 + width).copyMemory(from: base + start, byteCount: size)
    (base + start - 1).copyMemory(from: base + used, byteCount: width)
    used -= 1
  }

  // MARK: Primitives
  /// Writes an integer in the fewest bytes; above what the dialect can write it cannot be said.
  @inlinable @inline(__always)
  public mutating func varint(_ value: UInt64, _ name: StaticString = "varint") throws(WireError) {
    if value < 0x40 { return integer(UInt8(truncatingIfNeeded: value)) }
    if value < 0x4000, integers == .quic { return integer(UInt16(truncatingIfNeeded: value) | 0x4000) }
    try long(value, name)
  }
  @usableFromInline mutating func long(_ value: UInt64, _ name: StaticString) throws(WireError) {
    if integers == .leadingOnes { return leadingOnes(value) }
    switch value {
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
    integer(more >= 7 ? mark : mark | UInt8(truncatingIfNeeded: value >> UInt64(8 * more)))
    for byte in stride(from: more - 1, through: 0, by: -1) {
      integer(UInt8(truncatingIfNeeded: value >> UInt64(8 * byte)))
    }
  }
}

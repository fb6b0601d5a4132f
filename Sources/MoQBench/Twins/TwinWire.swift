import MoQKernel

/// Bytes to read, as somebody has them who writes one codec by hand.
struct TwinReader {
  let base: UnsafeRawPointer
  var offset = 0
  var end: Int
  init(_ bytes: UnsafeRawBufferPointer) {
    // Only asked for bytes that the count says are there.
    base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1).unsafelyUnwrapped
    end = bytes.count
  }
  var remaining: Int { end &- offset }

  @inline(__always) mutating func byte(_ field: StaticString) throws(WireError) -> UInt8 {
    guard offset < end else { throw WireError(.truncated, .init(field), offset: offset) }
    defer { offset &+= 1 }
    return base.load(fromByteOffset: offset, as: UInt8.self)
  }
  @inline(__always) mutating func varint(_ field: StaticString) throws(WireError) -> UInt64 {
    guard offset < end else { throw WireError(.truncated, .init(field), offset: offset) }
    let first = base.load(fromByteOffset: offset, as: UInt8.self)
    guard first < 0x40 else { return try long(first, field) }
    offset &+= 1
    return UInt64(first)
  }
  private mutating func long(_ first: UInt8, _ field: StaticString) throws(WireError) -> UInt64 {
    let size = 1 << Int(first >> 6)
    guard remaining >= size else { throw WireError(.truncated, .init(field), offset: offset) }
    defer { offset &+= size }
    switch size {
    case 2: return UInt64(UInt16(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) & 0x3fff)
    case 4: return UInt64(UInt32(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) & 0x3fff_ffff)
    default:
      return UInt64(bigEndian: base.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) & 0x3fff_ffff_ffff_ffff
    }
  }
  mutating func bytes(_ field: StaticString, maximum: UInt64 = .max) throws(WireError) -> UnsafeRawBufferPointer {
    let start = offset, count = try varint(field)
    guard count <= maximum else { throw WireError(.tooLong, .init(field), found: count, offset: start) }
    guard count <= UInt64(remaining) else { throw WireError(.truncated, .init(field), offset: start) }
    defer { offset &+= Int(count) }
    return UnsafeRawBufferPointer(start: base + offset, count: Int(count))
  }
  /// A namespace, kept as it is on the wire where its lengths are the shortest.
  mutating func tuple(_ field: StaticString) throws(WireError) -> TrackNamespace {
    let begin = offset, count = try varint(field)
    guard count >= 1, count <= 32 else {
      throw WireError(.invalid, .init(field), found: count, wanted: "1 to 32 fields", offset: begin)
    }
    let start = offset
    var size = 0, isShortest = true
    for _ in 0..<count {
      let before = offset, part = try bytes(field, maximum: 4_096)
      size += part.count
      isShortest = isShortest && offset &- before &- part.count == (part.count < 0x40 ? 1 : 2)
    }
    guard size <= 4_096 else { throw WireError(.tooLong, .init(field), found: UInt64(size), offset: begin) }
    guard isShortest else {
      let end = offset
      var namespace = TrackNamespace()
      offset = start
      while offset < end { namespace.append([UInt8](try bytes(field))) }
      return namespace
    }
    let whole = UnsafeRawBufferPointer(start: base + start, count: offset &- start)
    return TrackNamespace(count: Int(count), encoded: [UInt8](whole))
  }
  /// A body of that many bytes and no more.
  @inline(__always) mutating func body(_ count: UInt64) throws(WireError) {
    guard count <= UInt64(remaining) else { throw WireError(.truncated, "Length", offset: offset) }
    end = offset &+ Int(count)
  }
  @inline(__always) func finish() throws(WireError) {
    guard offset == end else {
      throw WireError(.trailing, "Message Length", found: UInt64(remaining), offset: offset)
    }
  }
}

/// A buffer to write into.
struct TwinWriter: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity: Int
  private(set) var used = 0
  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(byteCount: capacity, alignment: 16)
  }
  deinit { base.deallocate() }
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: used) }
  mutating func clear() { used = 0 }

  @inline(__always) mutating func reserve(_ count: Int) { if capacity &- used < count { grow(count) } }
  private mutating func grow(_ count: Int) {
    let larger = max(capacity * 2, used + count),
      fresh = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    fresh.copyMemory(from: base, byteCount: used)
    base.deallocate()
    (base, capacity) = (fresh, larger)
  }
  @inline(__always) mutating func byte(_ value: UInt8) {
    reserve(1)
    base.storeBytes(of: value, toByteOffset: used, as: UInt8.self)
    used &+= 1
  }
  @inline(__always) mutating func varint(_ value: UInt64, _ field: StaticString) throws(WireError) {
    if value < 0x40 { return byte(UInt8(truncatingIfNeeded: value)) }
    try long(value, field)
  }
  private mutating func long(_ value: UInt64, _ field: StaticString) throws(WireError) {
    reserve(8)
    switch value {
    case ..<0x4000:
      base.storeBytes(of: (UInt16(value) | 0x4000).bigEndian, toByteOffset: used, as: UInt16.self)
      used &+= 2
    case ..<0x4000_0000:
      base.storeBytes(of: (UInt32(value) | 0x8000_0000).bigEndian, toByteOffset: used, as: UInt32.self)
      used &+= 4
    case ..<0x4000_0000_0000_0000:
      base.storeBytes(of: (value | 0xc000_0000_0000_0000).bigEndian, toByteOffset: used, as: UInt64.self)
      used &+= 8
    default: throw WireError(.inexpressible, .init(field), found: value, wanted: "less than 2^62")
    }
  }
  mutating func raw(_ bytes: [UInt8]) {
    reserve(bytes.count)
    bytes.withUnsafeBytes { if let from = $0.baseAddress { (base + used).copyMemory(from: from, byteCount: $0.count) } }
    used &+= bytes.count
  }
  @inline(__always) mutating func bytes(_ bytes: [UInt8], _ field: StaticString) throws(WireError) {
    try varint(UInt64(bytes.count), field)
    raw(bytes)
  }
  /// Where a length will be, of two bytes or of one that may have to become more.
  @inline(__always) mutating func mark(wide: Bool) -> Int {
    byte(0)
    if wide { byte(0) }
    return used
  }
  @inline(__always) mutating func close(_ start: Int, wide: Bool) throws(WireError) {
    let size = used &- start
    if wide {
      guard size <= 0xffff else { throw WireError(.tooLong, "Length", found: UInt64(size)) }
      base.storeBytes(of: UInt16(truncatingIfNeeded: size).bigEndian, toByteOffset: start &- 2, as: UInt16.self)
    } else if size < 0x40 {
      base.storeBytes(of: UInt8(truncatingIfNeeded: size), toByteOffset: start &- 1, as: UInt8.self)
    } else {
      guard size < 0x4000 else { throw WireError(.tooLong, "Length", found: UInt64(size)) }
      reserve(1)
      (base + (start + 1)).copyMemory(from: base + start, byteCount: size)
      base.storeBytes(of: (UInt16(size) | 0x4000).bigEndian, toByteOffset: start &- 1, as: UInt16.self)
      used &+= 1
    }
  }
}

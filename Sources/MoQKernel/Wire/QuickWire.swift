/// A reader in a hurry: it knows the fields that nearly all headers of objects have, in their common form, and at
/// anything else it is lost. Then `WireReader` walks again from the same place, and says what is there.
///
/// Its methods throw nothing and call nothing, so that what it reads stays in registers.
/// Transparent, as the walks it is for, because `@inline(__always)` leaves calls once the caller is large (Swift 6.3),
/// and because whatever a call is given has to be in memory: so the careful walks are given copies.
@usableFromInline struct QuickReader: ~Escapable, PlainWalk {
  @usableFromInline let source: RawSpan
  /// Where the bytes end; -1 where it is lost.
  @usableFromInline var end: Int
  @usableFromInline var offset: Int

  @_lifetime(copy wire)
  @usableFromInline @_transparent init(_ wire: borrowing WireReader) {
    (source, offset) = (wire.source, wire.offset)
    end = wire.integers == .quic ? wire.end : -1
  }
  @usableFromInline @_transparent var isLost: Bool { end < 0 }
  @usableFromInline @_transparent mutating func lose() { end = -1 }

  @usableFromInline @_transparent mutating func varint(_: StaticString, _ value: inout UInt64) {
    guard offset < end else { return lose() }
    let first = source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    if first < 0x40 {
      value = UInt64(first)
      offset &+= 1
    } else if first < 0x80, offset &+ 2 <= end {
      let raw = UInt16(bigEndian: source.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self))
      value = UInt64(raw & 0x3fff)
      offset &+= 2
    } else if offset &+ 8 <= end {
      let raw = UInt64(bigEndian: source.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
      let size = 1 &<< Int(first &>> 6)
      value = (raw &<< 2) &>> UInt64(truncatingIfNeeded: 66 &- size &* 8)
      offset &+= size
    } else {
      lose()
    }
  }
  @usableFromInline @_transparent mutating func byte(_: StaticString, _ value: inout UInt8) {
    guard offset < end else { return lose() }
    value = source.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    offset &+= 1
  }
  @usableFromInline @_transparent mutating func uint16(_: StaticString, _ value: inout UInt64) {
    guard offset &+ 2 <= end else { return lose() }
    let raw = source.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt16.self)
    value = UInt64(UInt16(bigEndian: raw))
    offset &+= 2
  }
  /// Returns where the body ends.
  @usableFromInline @_transparent mutating func enter(_ name: StaticString, _ length: Framing.Length) -> Int {
    var count: UInt64 = 0
    switch length {
    case .varint: varint(name, &count)
    case .uint16: uint16(name, &count)
    }
    return offset &+ Int(truncatingIfNeeded: count)
  }
  @usableFromInline @_transparent mutating func leave(_: Framing.Length, _ end: Int) {
    if offset != end { lose() }
  }
  /// Only that there are none, or some whose length is known and which are there.
  @_lifetime(value: copy self, copy value)
  @usableFromInline @_transparent mutating func extensions(_ form: ExtensionForm, _ value: inout RawSpan) {
    var count: UInt64 = 0
    varint("", &count)
    if count == 0 {
      value = RawSpan()
    } else if form == .length, count <= WireLimits.extensions, count <= UInt64(truncatingIfNeeded: end &- offset) {
      let start = offset
      offset &+= Int(truncatingIfNeeded: count)
      value = source.extracting(unchecked: start..<offset)
    } else {
      lose()
    }
  }
}

/// A writer in a hurry, as `QuickReader` reads.
@usableFromInline struct QuickWriter: PlainWalk {
  /// More bytes than the longest header takes, which is a datagram's: eight integers and a priority.
  @inlinable static var room: Int { 72 }
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline var used: Int
  @usableFromInline var isLost: Bool

  @usableFromInline @_transparent init(_ wire: inout WireWriter) {
    wire.reserve(Self.room)
    (base, used, isLost) = (wire.base, wire.used, wire.integers != .quic)
  }
  @usableFromInline @_transparent static var fills: Bool { false }
  @usableFromInline @_transparent mutating func lose() { isLost = true }

  @usableFromInline @_transparent mutating func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T) {
    base.storeBytes(of: value.bigEndian, toByteOffset: used, as: T.self)
    used &+= MemoryLayout<T>.size
  }
  @usableFromInline @_transparent mutating func varint(_: StaticString, _ value: inout UInt64) {
    if value < 0x40 {
      store(UInt8(truncatingIfNeeded: value))
    } else if value < 0x4000 {
      store(UInt16(truncatingIfNeeded: value) | 0x4000)
    } else if value < 0x4000_0000 {
      store(UInt32(truncatingIfNeeded: value) | 0x8000_0000)
    } else {
      isLost = isLost || value > WireLimits.varint
      store(value | 0xc000_0000_0000_0000)
    }
  }
  @usableFromInline @_transparent mutating func byte(_: StaticString, _ value: inout UInt8) { store(value) }
  @usableFromInline @_transparent mutating func uint16(_: StaticString, _ value: inout UInt64) {
    isLost = isLost || value > 0xffff
    store(UInt16(truncatingIfNeeded: value))
  }
  @usableFromInline @_transparent mutating func enter(_: StaticString, _ length: Framing.Length) -> Int {
    used &+= length == .varint ? 1 : 2
    return used
  }
  /// A body that needs no more than one byte for its length: longer ones are for the other writer.
  @usableFromInline @_transparent mutating func leave(_ length: Framing.Length, _ start: Int) {
    let size = UInt8(truncatingIfNeeded: used &- start)
    isLost = isLost || size >= 0x40
    base.storeBytes(of: size, toByteOffset: start &- 1, as: UInt8.self)
    if length == .uint16 { base.storeBytes(of: 0, toByteOffset: start &- 2, as: UInt8.self) }
  }
  @_lifetime(value: copy value)
  @usableFromInline @_transparent mutating func extensions(_: ExtensionForm, _ value: inout RawSpan) {
    isLost = isLost || value.byteCount > 0
    store(UInt8(0))
  }
}

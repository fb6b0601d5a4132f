/// A block of memory that is written once, from front to back, and then shared.
///
/// This is the module's one audited file of unchecked sendability. What makes it sound: `Bytes` only
/// ever shows what was written before it was made, that part is never written again, and only the
/// `SlabWriter` that owns the slab writes behind it. The memory stays at its address until the last
/// reference is gone, so a transport may send from it without a copy.
public final class Slab: @unchecked Sendable {
  @usableFromInline let base: UnsafeMutableRawPointer
  public let capacity: Int

  @usableFromInline init(capacity: Int) {
    base = .allocate(byteCount: max(capacity, 1), alignment: 16)
    self.capacity = capacity
  }
  deinit { base.deallocate() }
}

/// Immutable bytes, shared by reference.
public struct Bytes: Sendable {
  @usableFromInline let slab: Slab?
  @usableFromInline let start: Int
  public let count: Int

  @inlinable init(slab: Slab?, start: Int, count: Int) {
    (self.slab, self.start, self.count) = (slab, start, count)
  }

  /// No bytes at all; costs no memory.
  @inlinable public init() { self.init(slab: nil, start: 0, count: 0) }

  /// A copy of `source`, in a slab of its own.
  @inlinable public init(copying source: UnsafeRawBufferPointer) {
    guard let from = source.baseAddress, source.count > 0 else { self.init(); return }
    let slab = Slab(capacity: source.count)
    slab.base.copyMemory(from: from, byteCount: source.count)
    self.init(slab: slab, start: 0, count: source.count)
  }
  @inlinable public init(copying source: RawSpan) {
    self = source.withUnsafeBytes { Bytes(copying: $0) }
  }
  @inlinable public init(_ source: some Sequence<UInt8>) {
    let array = Array(source)
    self = array.withUnsafeBytes { Bytes(copying: $0) }
  }
  @inlinable public init(_ text: String) { self.init(text.utf8) }
  /// A copy of `parts`, one behind the other, in a slab of its own.
  public init(joining parts: [Bytes]) {
    let total = parts.reduce(0) { $0 + $1.count }
    guard total > 0 else { self.init(); return }
    let slab = Slab(capacity: total)
    var offset = 0
    for part in parts {
      part.withUnsafeBytes { bytes in
        guard let from = bytes.baseAddress else { return }
        (slab.base + offset).copyMemory(from: from, byteCount: bytes.count)
        offset += bytes.count
      }
    }
    self.init(slab: slab, start: 0, count: total)
  }

  @inlinable public var isEmpty: Bool { count == 0 }

  /// The bytes, at an address that stays valid as long as this value (or a slice of it) lives.
  @inlinable public func withUnsafeBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
    guard let slab else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    defer { withExtendedLifetime(slab) {} }
    return try body(UnsafeRawBufferPointer(start: slab.base + start, count: count))
  }

  /// The bytes, borrowed.
  @inlinable public var span: RawSpan {
    @_lifetime(borrow self) get {
      guard let slab else { return RawSpan() }
      let span = RawSpan(_unsafeStart: slab.base + start, byteCount: count)
      return _overrideLifetime(span, borrowing: self)
    }
  }

  /// The part from `range.lowerBound` up to `range.upperBound`, clamped to what is there. Shares the memory.
  @inlinable public subscript(range: Range<Int>) -> Bytes {
    let lower = min(max(range.lowerBound, 0), count), upper = min(max(range.upperBound, lower), count)
    return Bytes(slab: lower == upper ? nil : slab, start: start &+ lower, count: upper &- lower)
  }
  @inlinable public func dropFirst(_ n: Int) -> Bytes { self[n..<count] }
  @inlinable public func prefix(_ n: Int) -> Bytes { self[0..<n] }

  /// This and what follows, as one piece, where `next` lies right behind it in the same memory.
  @inlinable public func joined(with next: Bytes) -> Bytes? {
    guard let slab, slab === next.slab, next.start == start &+ count else { return nil }
    return Bytes(slab: slab, start: start, count: count &+ next.count)
  }

  /// The bytes, copied into an array.
  public var array: [UInt8] { withUnsafeBytes { [UInt8]($0) } }
}

@usableFromInline @unsafe @_unsafeNonescapableResult @_lifetime(borrow source)
func _overrideLifetime<T: ~Copyable & ~Escapable, U: ~Copyable & ~Escapable>(
  _ value: consuming T, borrowing source: borrowing U
) -> T {
  value
}

extension Bytes: Equatable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public static func == (a: Bytes, b: Bytes) -> Bool {
    guard a.count == b.count else { return false }
    return a.withUnsafeBytes { x in
      b.withUnsafeBytes { y in
        var offset = 0
        while offset &+ 8 <= x.count {
          guard
            x.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
              == y.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          else { return false }
          offset &+= 8
        }
        return x[offset...].elementsEqual(y[offset...])
      }
    }
  }
  public func hash(into hasher: inout Hasher) { withUnsafeBytes { hasher.combine(bytes: $0) } }
  public init(arrayLiteral elements: UInt8...) { self.init(elements) }
  public var description: String { "\(count) bytes" }
}

/// Fills slabs with copies of small pieces, so that many pieces share one allocation.
public struct SlabWriter: ~Copyable {
  /// The size of a slab; a larger piece gets a slab of its own.
  public static var defaultCapacity: Int { 64 << 10 }

  @usableFromInline var slab: Slab?
  @usableFromInline var used = 0
  @usableFromInline let capacity: Int

  public init(capacity: Int = SlabWriter.defaultCapacity) { self.capacity = max(capacity, 1) }

  /// Copies `source` and returns the copy.
  @inlinable public mutating func write(_ source: UnsafeRawBufferPointer) -> Bytes {
    guard let from = source.baseAddress, source.count > 0 else { return Bytes() }
    guard source.count <= capacity else { return Bytes(copying: source) }
    if let slab, slab.capacity &- used >= source.count { return append(from, source.count, slab) }
    let fresh = Slab(capacity: capacity)
    (slab, used) = (fresh, 0)
    return append(from, source.count, fresh)
  }
  @inlinable public mutating func write(_ source: RawSpan) -> Bytes {
    source.withUnsafeBytes { write($0) }
  }
  @inlinable mutating func append(_ from: UnsafeRawPointer, _ count: Int, _ slab: Slab) -> Bytes {
    (slab.base + used).copyMemory(from: from, byteCount: count)
    defer { used &+= count }
    return Bytes(slab: slab, start: used, count: count)
  }
}

/// The live streams of a connection by id, and what keeps them alive.
///
/// Open addressing over a power of two. Ids of one kind count up by four, so nearly every stream sits in
/// its own slot.
struct StreamTable: ~Copyable {
  private var slots: UnsafeMutablePointer<Unmanaged<QUICStream>?>
  private var mask = 31
  private(set) var count = 0

  init() {
    slots = .allocate(capacity: 32)
    slots.initialize(repeating: nil, count: 32)
  }

  deinit {
    for i in 0...mask { slots[i]?.release() }
    slots.deallocate()
  }

  /// Spreads the four kinds of streams over the table.
  @inline(__always)
  private func home(_ id: Int64) -> Int {
    (Int(truncatingIfNeeded: id >> 2) &+ Int(truncatingIfNeeded: id & 3) &* 0x9e37) & mask
  }

  /// Takes `stream` in; its pointer stays valid until it is removed.
  mutating func insert(_ stream: QUICStream) -> UnsafeMutableRawPointer {
    if 2 &* count > mask { grow() }
    let kept = Unmanaged.passRetained(stream)
    place(kept, id: stream.id)
    count &+= 1
    return kept.toOpaque()
  }

  private mutating func place(_ stream: Unmanaged<QUICStream>, id: Int64) {
    var i = home(id)
    while slots[i] != nil { i = (i &+ 1) & mask }
    slots[i] = stream
  }

  private mutating func grow() {
    let old = slots, oldMask = mask
    mask = 2 * mask + 1
    slots = .allocate(capacity: mask + 1)
    slots.initialize(repeating: nil, count: mask + 1)
    for i in 0...oldMask {
      guard let stream = old[i] else { continue }
      place(stream, id: stream._withUnsafeGuaranteedRef { $0.id })
    }
    old.deallocate()
  }

  private func find(_ id: Int64) -> Int? {
    var i = home(id)
    while let stream = slots[i] {
      if stream._withUnsafeGuaranteedRef({ $0.id }) == id { return i }
      i = (i &+ 1) & mask
    }
    return nil
  }

  subscript(id: Int64) -> QUICStream? { find(id).flatMap { slots[$0]?.takeUnretainedValue() } }

  /// Takes the stream out and hands over the reference that kept it.
  mutating func remove(_ id: Int64) -> QUICStream? {
    guard let hole = find(id), let removed = slots[hole] else { return nil }
    count &-= 1
    // Those behind the hole that would not be found any more move up.
    var empty = hole, i = (hole &+ 1) & mask
    while let stream = slots[i] {
      let wanted = home(stream._withUnsafeGuaranteedRef { $0.id })
      if (i &- wanted) & mask >= (i &- empty) & mask {
        slots[empty] = stream
        empty = i
      }
      i = (i &+ 1) & mask
    }
    slots[empty] = nil
    return removed.takeRetainedValue()
  }

  func forEach(_ body: (QUICStream) -> Void) {
    for i in 0...mask { if let stream = slots[i] { body(stream.takeUnretainedValue()) } }
  }

  mutating func removeAll() {
    for i in 0...mask {
      slots[i]?.release()
      slots[i] = nil
    }
    count = 0
  }
}

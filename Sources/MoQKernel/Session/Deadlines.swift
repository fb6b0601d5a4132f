/// What is due when. A binary heap; an entry that has become pointless stays until it is due or swept out.
struct Deadlines {
  enum Purpose: Hashable {
    case handshake
    /// An answer is owed, by either side.
    case answer(RequestKey)
    /// Late streams of a subscription that its publisher has ended.
    case late(RequestKey, giveUp: Bool)
    /// What may still come of a subscription's range, whose first group is not known.
    case range(RequestKey)
    /// A stream whose request is not known.
    case held(StreamKey)
    /// A subscription's alias may be forgotten.
    case alias(UInt64)
    /// The peer was asked to go away.
    case goAway
  }
  struct Entry {
    var at: Instant
    var purpose: Purpose
  }
  private var heap: [Entry] = []

  var next: Instant? { heap.first?.at }
  var count: Int { heap.count }

  mutating func add(_ purpose: Purpose, at instant: Instant) {
    heap.append(Entry(at: instant, purpose: purpose))
    var index = heap.count - 1
    while index > 0, heap[index].at < heap[(index - 1) / 2].at {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }
  /// The earliest entry, if it is due.
  mutating func due(at now: Instant) -> Purpose? {
    guard let first = heap.first, first.at <= now else { return nil }
    removeFirst()
    return first.purpose
  }
  mutating func removeFirst() {
    guard let last = heap.popLast(), !heap.isEmpty else { return }
    heap[0] = last
    sink(0)
  }
  /// Drops what is no longer wanted.
  mutating func keep(where isWanted: (Purpose) -> Bool) {
    heap.removeAll { !isWanted($0.purpose) }
    for index in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(index) }
  }
  var first: Purpose? { heap.first?.purpose }
  mutating func removeAll() { heap = [] }

  private mutating func sink(_ start: Int) {
    var index = start
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].at < heap[least].at {
        least = child
      }
      guard least != index else { return }
      heap.swapAt(index, least)
      index = least
    }
  }
}

/// Places that are used again, each time under a new generation.
struct SlotTable<Element: AnyObject> {
  private var slots: [Element?] = []
  private var generations: [UInt32] = []
  private var free: [UInt32] = []
  private(set) var count = 0

  /// Where the next element goes.
  mutating func reserve() -> (slot: UInt32, generation: UInt32) {
    if let slot = free.popLast() { return (slot, generations[Int(slot)]) }
    let slot = UInt32(truncatingIfNeeded: slots.count)
    slots.append(nil)
    generations.append(0)
    return (slot, 0)
  }
  mutating func fill(_ slot: UInt32, _ element: Element) {
    slots[Int(slot)] = element
    count += 1
  }
  mutating func remove(_ slot: UInt32) {
    let index = Int(slot)
    guard index < slots.count, slots[index] != nil else { return }
    slots[index] = nil
    count -= 1
    generations[index] &+= 1
    resting.append(slot)
  }
  /// Places that were left, and are not taken again before the owner has been told of everything until then:
  /// an owner may keep what it knows by place.
  private(set) var resting: [UInt32] = []
  /// The first `count` of them have rested.
  mutating func reuse(_ count: Int) {
    free.append(contentsOf: resting.prefix(count))
    resting.removeFirst(min(count, resting.count))
  }
  mutating func giveBack(_ slot: UInt32) { free.append(slot) }
  /// Nil where the generation is another one: the key is of an element that is gone.
  @inline(__always) func find(_ slot: UInt32, _ generation: UInt32) -> Element? {
    let index = Int(slot)
    guard index < slots.count, generations[index] == generation else { return nil }
    return slots[index]
  }
  /// All of them, in the order of their places.
  var all: [Element] { slots.compactMap { $0 } }
}

extension SlotTable<Request> {
  @inline(__always) subscript(key: RequestKey) -> Request? {
    find(UInt32(truncatingIfNeeded: key.value), UInt32(truncatingIfNeeded: key.value >> 32))
  }
  mutating func reserveKey() -> RequestKey {
    let place = reserve()
    return RequestKey(UInt64(place.generation) << 32 | UInt64(place.slot))
  }
  /// A reserved key that was not used.
  mutating func giveBack(_ key: RequestKey) { giveBack(UInt32(truncatingIfNeeded: key.value)) }
  mutating func insert(_ request: Request) { fill(UInt32(truncatingIfNeeded: request.key.value), request) }
  mutating func remove(_ request: Request) { remove(UInt32(truncatingIfNeeded: request.key.value)) }
}

extension SlotTable<Stream> {
  @inline(__always) subscript(key: StreamKey) -> Stream? { find(key.slot, key.generation) }
  mutating func reserveKey() -> StreamKey {
    let place = reserve()
    return StreamKey(slot: place.slot, generation: place.generation)
  }
  mutating func insert(_ stream: Stream) { fill(stream.key.slot, stream) }
  mutating func remove(_ stream: Stream) { remove(stream.key.slot) }
}

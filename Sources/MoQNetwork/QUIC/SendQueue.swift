/// The streams of a connection that have something to send, the most urgent first.
///
/// This is the scheduler: the connection asks for `top` before every packet, so a stream that becomes
/// urgent late is sent next. A binary heap; each stream knows its place. Streams are not retained: a
/// stream in here is also in the connection's table.
struct SendQueue: ~Copyable {
  private var heap: UnsafeMutablePointer<Unmanaged<QUICStream>>
  private var capacity = 16
  private(set) var count = 0
  private var turn: UInt64 = 0

  init() { heap = .allocate(capacity: 16) }
  deinit { heap.deallocate() }

  var top: Unmanaged<QUICStream>? { count > 0 ? heap[0] : nil }

  /// Puts `stream` behind those of its priority.
  mutating func insert(_ stream: QUICStream) {
    guard stream.place < 0 else { return }
    if count == capacity {
      let larger = UnsafeMutablePointer<Unmanaged<QUICStream>>.allocate(capacity: 2 * capacity)
      larger.update(from: heap, count: count)
      heap.deallocate()
      (heap, capacity) = (larger, 2 * capacity)
    }
    turn &+= 1
    stream.turn = turn
    stream.place = count
    heap[count] = Unmanaged.passUnretained(stream)
    count &+= 1
    up(count &- 1)
  }

  mutating func remove(_ stream: QUICStream) {
    let place = stream.place
    guard place >= 0 else { return }
    stream.place = -1
    count &-= 1
    guard place < count else { return }
    let last = heap[count]
    put(last, at: place)
    if !up(place) { down(place) }
  }

  /// The first stream has had its packet: the others of its priority are next.
  mutating func topWasServed() {
    turn &+= 1
    heap[0]._withUnsafeGuaranteedRef { $0.turn = turn }
    down(0)
  }

  /// Its priority has changed.
  mutating func moved(_ stream: QUICStream) {
    guard stream.place >= 0 else { return }
    if !up(stream.place) { down(stream.place) }
  }

  mutating func removeAll() {
    for i in 0..<count { heap[i]._withUnsafeGuaranteedRef { $0.place = -1 } }
    count = 0
  }

  @inline(__always)
  private func precedes(_ a: Unmanaged<QUICStream>, _ b: Unmanaged<QUICStream>) -> Bool {
    a._withUnsafeGuaranteedRef { a in
      b._withUnsafeGuaranteedRef { b in
        let p = a.storedPriority, q = b.storedPriority
        if p.first != q.first { return p.first < q.first }
        if p.second != q.second { return p.second < q.second }
        if p.third != q.third { return p.third < q.third }
        return a.turn < b.turn
      }
    }
  }

  @inline(__always)
  private func put(_ stream: Unmanaged<QUICStream>, at place: Int) {
    heap[place] = stream
    stream._withUnsafeGuaranteedRef { $0.place = place }
  }

  @discardableResult
  private mutating func up(_ start: Int) -> Bool {
    var place = start
    let stream = heap[start]
    while place > 0 {
      let parent = (place &- 1) / 2
      guard precedes(stream, heap[parent]) else { break }
      put(heap[parent], at: place)
      place = parent
    }
    guard place != start else { return false }
    put(stream, at: place)
    return true
  }

  private mutating func down(_ start: Int) {
    var place = start
    let stream = heap[start]
    while true {
      var child = 2 &* place &+ 1
      guard child < count else { break }
      if child &+ 1 < count, precedes(heap[child &+ 1], heap[child]) { child &+= 1 }
      guard precedes(heap[child], stream) else { break }
      put(heap[child], at: place)
      place = child
    }
    if place != start { put(stream, at: place) }
  }
}

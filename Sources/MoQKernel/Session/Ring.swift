/// A queue in memory that it keeps: what is put in is moved in, and moved out again.
///
/// Events and effects wait in one. Walking an array would copy each of them to hand it over and destroy all copies
/// afterwards, which costs more than what is done with them.
///
/// What makes it sound: exactly the places `head ..< tail` hold an element, and there are never more of them than places.
/// Each method leaves that true before any other code runs, nothing keeps a place between two calls, and no number of a
/// peer comes near one: how much may wait is bounded by the session (`maximumQueue`).
struct Ring<Element>: ~Copyable {
  private var base: UnsafeMutablePointer<Element>
  /// One less than the number of places, which is a power of two.
  private var mask = 15
  /// Counting from the first element since it was empty: the one to go next, and the end.
  private var head = 0, tail = 0

  init() { base = .allocate(capacity: 16) }
  deinit {
    for index in head..<tail { (base + (index & mask)).deinitialize(count: 1) }
    base.deallocate()
  }

  @inline(__always) var count: Int { tail &- head }
  @inline(__always) var isEmpty: Bool { head == tail }

  @inline(__always) mutating func append(_ element: consuming Element) {
    if count > mask { grow() }
    (base + (tail & mask)).initialize(to: element)
    tail &+= 1
  }
  /// The first element leaves. There must be one.
  @inline(__always) mutating func removeFirst() -> Element {
    precondition(!isEmpty)
    let element = (base + (head & mask)).move()
    head &+= 1
    // Empty, it begins at its beginning again, where the memory is likely to be near.
    if head == tail { (head, tail) = (0, 0) }
    return element
  }
  @inline(never) private mutating func grow() {
    let wider = 2 &* mask &+ 1
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: wider &+ 1)
    for index in head..<tail { (larger + (index & wider)).initialize(to: (base + (index & mask)).move()) }
    base.deallocate()
    (base, mask) = (larger, wider)
  }
}

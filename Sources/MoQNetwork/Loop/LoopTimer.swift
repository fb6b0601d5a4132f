/// Something that happens once, at a given time, on a loop. It can be armed again and again.
///
/// Moving a timer to a later time, the common case, costs two stores: the queue keeps the earlier entry
/// and looks again when that is due.
public final class LoopTimer {
  unowned(unsafe) let core: LoopCore
  var action: (() -> Void)?
  /// When it is due, in the loop's nanoseconds; `UInt64.max` when it is not armed.
  public internal(set) var deadline = UInt64.max
  var queuedAt = UInt64.max
  var position = -1

  init(core: LoopCore, action: @escaping () -> Void) {
    (self.core, self.action) = (core, action)
  }

  /// Fires at `deadline`, instead of any time set before. The past means the next tick.
  public func arm(at deadline: UInt64) {
    self.deadline = deadline
    guard deadline != .max else { return }
    if position < 0 {
      core.timers.insert(self, at: deadline)
    } else if deadline < queuedAt {
      core.timers.advance(self, to: deadline)
    }
  }

  /// Does not fire.
  public func cancel() { deadline = .max }

  /// Takes it out of the queue and lets go of its action.
  func invalidate() {
    deadline = .max
    // Let go outside the access: it may be the last reference to whoever holds this timer.
    let old = action
    action = nil
    withExtendedLifetime(old) {}
    if position >= 0 { core.timers.remove(self) }
  }
}

/// A binary heap of timers; each timer knows its place in it.
struct TimerQueue {
  private var heap: [LoopTimer] = []

  /// When to look again, or `UInt64.max`.
  var next: UInt64 { heap.first?.queuedAt ?? .max }

  mutating func insert(_ timer: LoopTimer, at time: UInt64) {
    timer.queuedAt = time
    timer.position = heap.count
    heap.append(timer)
    up(timer.position)
  }

  mutating func advance(_ timer: LoopTimer, to time: UInt64) {
    timer.queuedAt = time
    up(timer.position)
  }

  mutating func remove(_ timer: LoopTimer) {
    let hole = timer.position
    guard hole >= 0, hole < heap.count, let last = heap.popLast() else { return }
    timer.position = -1
    guard last !== timer else { return }
    heap[hole] = last
    last.position = hole
    up(hole)
    down(last.position)
  }

  /// Takes out the next timer that is due at `now`; those that were cancelled or moved are put in their place.
  mutating func due(at now: UInt64) -> LoopTimer? {
    while let timer = heap.first, timer.queuedAt <= now {
      remove(timer)
      if timer.deadline == .max { continue }
      if timer.deadline > timer.queuedAt {
        // It was moved; even if it is due, others are due before it.
        insert(timer, at: timer.deadline)
        continue
      }
      timer.deadline = .max
      return timer
    }
    return nil
  }

  /// Empties it. The timers are handed over, since letting go of them may reach back here.
  mutating func removeAll() -> [LoopTimer] {
    for timer in heap { timer.position = -1 }
    let all = heap
    heap = []
    return all
  }

  private mutating func up(_ start: Int) {
    var at = start
    while at > 0 {
      let parent = (at &- 1) / 2
      guard heap[at].queuedAt < heap[parent].queuedAt else { return }
      exchange(at, parent)
      at = parent
    }
  }

  private mutating func down(_ start: Int) {
    var at = start
    while true {
      var least = at
      for child in [2 &* at &+ 1, 2 &* at &+ 2] where child < heap.count {
        if heap[child].queuedAt < heap[least].queuedAt { least = child }
      }
      guard least != at else { return }
      exchange(at, least)
      at = least
    }
  }

  private mutating func exchange(_ a: Int, _ b: Int) {
    heap.swapAt(a, b)
    heap[a].position = a
    heap[b].position = b
  }
}

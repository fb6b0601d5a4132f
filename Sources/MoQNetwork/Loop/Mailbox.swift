import CQuic
import Synchronization

/// How other threads reach a loop: a batch of jobs under a lock, and a wake-up only if the loop sleeps.
final class Mailbox: Sendable {
  enum Item: Sendable {
    case body(@Sendable () -> Void)
    case job(UnownedJob, taskExecutor: Bool)
  }

  private struct Content: Sendable {
    var items: [Item] = []
    var isClosed = false
    /// Some thread runs what comes after the end.
    var isDraining = false
  }

  private let content = Mutex(Content())
  private let sleeping = Atomic<Bool>(false)
  private let thread = Atomic<UInt>(0)
  let wakeDescriptor: Int32

  init() { wakeDescriptor = cq_wake_open() }
  deinit { cq_close(wakeDescriptor) }

  /// Puts `item` in the box. False if the loop has ended.
  @discardableResult
  func put(_ item: Item) -> Bool {
    let accepted = content.withLock { content in
      if content.isClosed { return false }
      content.items.append(item)
      return true
    }
    guard accepted else { return false }
    // The loop looks into the box after it has said that it sleeps, so one of the two sees the other.
    if sleeping.load(ordering: .sequentiallyConsistent),
      sleeping.exchange(false, ordering: .sequentiallyConsistent)
    {
      cq_wake(wakeDescriptor)
    }
    return true
  }

  /// Exchanges what has arrived for the emptied `batch`.
  func take(_ batch: inout [Item]) {
    content.withLock { swap(&$0.items, &batch) }
  }

  /// Says that the loop is about to sleep. False if something has arrived meanwhile.
  func willSleep() -> Bool {
    sleeping.store(true, ordering: .sequentiallyConsistent)
    if content.withLock({ $0.items.isEmpty }) { return true }
    sleeping.store(false, ordering: .sequentiallyConsistent)
    return false
  }

  func didWake() { sleeping.store(false, ordering: .relaxed) }

  /// Accepts nothing more, but jobs. The caller goes on with `drainAfterEnd`.
  func close() {
    content.withLock { content in
      content.isClosed = true
      content.isDraining = true
    }
  }

  /// Takes a job that comes after the loop's end. Actors have to stay serial, so one thread at a time runs them.
  func putAfterEnd(_ job: Item, _ run: (Item) -> Void) {
    let isFirst = content.withLock { content in
      content.items.append(job)
      defer { content.isDraining = true }
      return !content.isDraining
    }
    if isFirst { drainAfterEnd(run) }
  }

  /// Runs what is there and what that brings, until nothing is left.
  func drainAfterEnd(_ run: (Item) -> Void) {
    var batch: [Item] = []
    while true {
      batch.removeAll(keepingCapacity: true)
      content.withLock { content in
        swap(&content.items, &batch)
        if batch.isEmpty { content.isDraining = false }
      }
      if batch.isEmpty { return }
      for item in batch { run(item) }
    }
  }

  func enter() { thread.store(cq_thread_self(), ordering: .releasing) }
  func leave() { thread.store(UInt.max, ordering: .releasing) }

  /// Whether the caller is on the loop's thread.
  var isOnLoop: Bool { thread.load(ordering: .relaxed) == cq_thread_self() }

  func checkOnLoop() {
    let owner = thread.load(ordering: .relaxed)
    precondition(owner == cq_thread_self() || owner == UInt.max, "called off the loop's thread")
  }
}

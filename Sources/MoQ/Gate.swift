import Synchronization

/// Tasks that wait until something may have changed.
///
/// A waiter takes a ticket, looks at what it waits for, and waits with the ticket: a change between
/// the two is not missed. Waking may be in vain, so waiters look again. Cancellation wakes the one
/// who was cancelled.
final class Gate: Sendable {
  private struct State {
    var changes: UInt64 = 0
    var nextWaiter: UInt64 = 0
    var waiters: [(id: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
  }
  private let state = Mutex(State())

  /// Stands for all changes up to now.
  var ticket: UInt64 { state.withLock { $0.changes } }

  /// Something has changed: wakes all who wait.
  func open() {
    let waiters = state.withLock { state in
      state.changes &+= 1
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.continuation.resume() }
  }

  /// Returns after a change later than `ticket`, or when the task is cancelled.
  func wait(_ ticket: UInt64, isolation: isolated (any Actor)? = #isolation) async {
    let id = state.withLock { state in
      state.nextWaiter &+= 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          // The handler runs after the flag is set, and takes the lock: one of the two sees the other.
          if state.changes != ticket || Task.isCancelled { return true }
          state.waiters.append((id, continuation))
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
      }
      waiter?.continuation.resume()
    }
  }
}

/// A value that comes once, and the tasks that wait for it.
final class Promise<Value: Sendable>: Sendable {
  private let content = Mutex<Value?>(nil)
  private let gate = Gate()

  /// The value, if it has come.
  var value: Value? { content.withLock { $0 } }

  /// Sets the value; false if there was one already.
  @discardableResult
  func fulfil(_ value: Value) -> Bool {
    let isFirst = content.withLock { content in
      guard content == nil else { return false }
      content = value
      return true
    }
    if isFirst { gate.open() }
    return isFirst
  }

  /// Waits for the value; nil if the task is cancelled before.
  func wait(isolation: isolated (any Actor)? = #isolation) async -> Value? {
    while true {
      if let value { return value }
      let ticket = gate.ticket
      if let value { return value }
      if Task.isCancelled { return nil }
      await gate.wait(ticket)
    }
  }
}

/// A queue from the loop to one consumer, which takes one item after the other.
final class Inbox<Item: Sendable>: Sendable {
  private struct State {
    var items = Queue<Item>()
    var isClosed = false
    var failure: MoQError?
  }
  private let state = Mutex(State())
  private let gate = Gate()

  /// Puts `items` at the end; does nothing once it is closed.
  func put(_ item: Item) {
    let wasEmpty = state.withLock { state in
      guard !state.isClosed else { return false }
      state.items.append(item)
      return state.items.count == 1
    }
    if wasEmpty { gate.open() }
  }

  /// No more will come. What is there can still be taken, then the failure, if any, is thrown.
  func close(_ failure: MoQError? = nil, dropping: Bool = false) {
    state.withLock { state in
      if dropping { state.items = Queue() }
      guard !state.isClosed else { return }
      (state.isClosed, state.failure) = (true, failure)
    }
    gate.open()
  }

  var count: Int { state.withLock { $0.items.count } }
  var isClosed: Bool { state.withLock { $0.isClosed } }

  private enum Taken { case item(Item), end, failure(MoQError), nothing }
  private func take() -> Taken {
    state.withLock { state in
      if let item = state.items.popFirst() { return .item(item) }
      guard state.isClosed else { return .nothing }
      defer { state.failure = nil }
      return state.failure.map { .failure($0) } ?? .end
    }
  }

  /// Takes all that is there, without waiting.
  func takeAll() -> [Item] {
    state.withLock { state in
      var items: [Item] = []
      while let item = state.items.popFirst() { items.append(item) }
      return items
    }
  }

  /// The next item; nil: there are no more. Throws `cancelled` with the task.
  func next(isolation: isolated (any Actor)? = #isolation) async throws(MoQError) -> Item? {
    while true {
      let ticket = gate.ticket
      switch take() {
      case .item(let item): return item
      case .end: return nil
      case .failure(let failure): throw failure
      case .nothing: break
      }
      if Task.isCancelled { throw .cancelledTask }
      await gate.wait(ticket)
    }
  }
}

/// First in, first out, in one array.
struct Queue<Item> {
  private var items: [Item?] = []
  private var head = 0

  var count: Int { items.count - head }
  var isEmpty: Bool { head == items.count }
  var first: Item? { head < items.count ? items[head] : nil }

  mutating func append(_ item: Item) { items.append(item) }

  mutating func popFirst() -> Item? {
    guard head < items.count else { return nil }
    defer {
      items[head] = nil
      head += 1
      if head == items.count {
        items.removeAll(keepingCapacity: items.count <= 1024)
        head = 0
      } else if head >= 1024, head * 2 >= items.count {
        items.removeFirst(head)
        head = 0
      }
    }
    return items[head]
  }
}

extension MoQError {
  static var cancelledTask: MoQError { MoQError(.cancelled, "the task was cancelled") }
}

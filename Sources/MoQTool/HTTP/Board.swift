import Dispatch
import Synchronization

/// The newest value of something that lives elsewhere, for a thread that may not wait for it for long.
///
/// However often it is read, `fetch` runs once at a time, and not again until a tenth of a second has passed: so
/// those who read cost whoever is asked little.
final class Board<Value: Sendable>: Sendable {
  /// A value, how old it is, and how long it took to get.
  struct Reading {
    let value: Value
    let age: Duration
    let delay: Duration
  }
  static var freshness: Duration { .milliseconds(100) }
  /// The longest that `read` waits unless told otherwise, in milliseconds.
  static var patience: Int { 500 }

  private struct State {
    var latest: (value: Value, at: ContinuousClock.Instant, delay: Duration)?
    var isAsking = false
    /// Somebody has waited in vain for the answer that is due.
    var isOverdue = false
    var waiting: [DispatchSemaphore] = []
  }
  private let fetch: @Sendable () async -> Value?
  private let clock: @Sendable () -> ContinuousClock.Instant
  private let patience: Int
  private let state = Mutex(State())

  /// `patience`: in milliseconds.
  init(
    patience: Int = Board.patience, clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    _ fetch: @escaping @Sendable () async -> Value?
  ) {
    (self.patience, self.clock, self.fetch) = (patience, clock, fetch)
  }

  /// The value, not older than `freshness` if that can be had within the patience; nil: there was never one.
  ///
  /// Blocks its thread, which must not be one that tasks run on.
  func read() -> Reading? {
    let start = clock(), answered = DispatchSemaphore(value: 0)
    let (asks, waits) = state.withLock { state in
      if let latest = state.latest, start - latest.at < Self.freshness { return (false, false) }
      let asks = !state.isAsking
      state.isAsking = true
      if !state.isOverdue { state.waiting.append(answered) }
      return (asks, !state.isOverdue)
    }
    if asks { Task { put(await fetch(), askedAt: start) } }
    if waits, answered.wait(timeout: .now() + .milliseconds(patience)) == .timedOut {
      state.withLock { $0.isOverdue = $0.isAsking }
    }
    return state.withLock { state in
      state.latest.map { Reading(value: $0.value, age: clock() - $0.at, delay: $0.delay) }
    }
  }

  private func put(_ value: Value?, askedAt start: ContinuousClock.Instant) {
    let now = clock()
    let waiting = state.withLock { state in
      if let value { state.latest = (value, now, now - start) }
      defer { state.waiting = [] }
      (state.isAsking, state.isOverdue) = (false, false)
      return state.waiting
    }
    for one in waiting { one.signal() }
  }
}

import Dispatch
import Glibc
import Synchronization

/// SIGINT and SIGTERM, as the polite request to end.
///
/// A handler writes to a pipe, and a thread reads it. Dispatch's own signal sources lose a signal now and then:
/// the main thread waits with all signals let through, and there it is ignored.
enum Signals {
  private static let listeners = Mutex<[Int: AsyncStream<Int32>.Continuation]>([:])
  /// The pipe's writing end. Made with the handlers, so it is there before one runs.
  private static let pipeEnd: Int32 = {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return -1 }
    let (reading, writing) = (ends[0], ends[1])
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    DispatchQueue(label: "moq.signals").async {
      var number: UInt8 = 0
      while true {
        let count = read(reading, &number, 1)
        if count < 0, errno == EINTR { continue }
        guard count == 1 else { return }
        let all = listeners.withLock { Array($0.values) }
        for listener in all { listener.yield(Int32(number)) }
      }
    }
    return writing
  }()

  /// The signals as they come. From the first call on they do not end the process by themselves.
  static func requests() -> AsyncStream<Int32> {
    AsyncStream { continuation in
      _ = pipeEnd
      let key = listeners.withLock { listeners in
        let key = (listeners.keys.max() ?? 0) + 1
        listeners[key] = continuation
        return key
      }
      continuation.onTermination = { _ in _ = listeners.withLock { $0.removeValue(forKey: key) } }
      for number in [SIGINT, SIGTERM] {
        signal(number) { number in
          let saved = errno
          var byte = UInt8(truncatingIfNeeded: number)
          _ = write(Signals.pipeEnd, &byte, 1)
          errno = saved
        }
      }
    }
  }
}

/// Does `work` until it ends or the user asks to stop, by SIGINT or SIGTERM; then it is cancelled, and waited for.
///
/// Being stopped is no failure: an error that `work` throws then is dropped. A second signal ends the process at once.
func untilStopped(_ work: @escaping @Sendable () async throws -> Void) async throws {
  // Listening begins before the work does, so that no request falls in between.
  let stops = Signals.requests(), insistence = Signals.requests()
  try await withThrowingTaskGroup(of: Bool.self) { group in
    group.addTask {
      try await work()
      return true
    }
    group.addTask {
      for await _ in stops { return false }
      return true
    }
    let ended = try await group.next() ?? true
    group.cancelAll()
    guard !ended else { return }
    let insistent = Task {
      for await _ in insistence.dropFirst() { exit(1) }
    }
    defer { insistent.cancel() }
    // The work's own error no longer matters: the user has asked for the end.
    _ = try? await group.next()
  }
}

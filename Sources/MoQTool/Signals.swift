@preconcurrency import Dispatch
import Glibc

/// SIGINT and SIGTERM, as the polite request to end.
enum Signals {
  /// The signals as they come. From the first call on they do not end the process by themselves.
  static func requests() -> AsyncStream<Int32> {
    AsyncStream { continuation in
      let sources = [SIGINT, SIGTERM].map { number in
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler { continuation.yield(number) }
        source.activate()
        return source
      }
      continuation.onTermination = { _ in for source in sources { source.cancel() } }
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

import Dispatch
import Foundation
import Glibc
import Synchronization
import Testing

/// The tool as a user runs it: a process of its own, with its output, its errors and its exit status.
///
/// Waits end with what happens: a line, or the end. Whatever hangs is killed after a minute, which ends all waits.
final class ToolProcess: Sendable {
  struct Result: Sendable {
    /// The exit status; a process that a signal ended has 128 and the signal's number.
    let status: Int32
    let output: [UInt8]
    let errors: String
    var text: String { String(decoding: output, as: UTF8.self) }
    /// What stands on standard error, without the name of the command and the hint at its end.
    var sentence: String { errors.trimmingCharacters(in: .whitespacesAndNewlines) }
  }
  struct EndedEarly: Error, CustomStringConvertible { let description: String }

  private struct State {
    var output: [UInt8] = [], errors: [UInt8] = []
    /// Pipes that are open, and the process itself.
    var open = 3
    var status: Int32 = 0
    var hasEnded = false
    var waiters: [@Sendable (borrowing State) -> Bool] = []
  }
  private let state = Mutex(State())
  private let input: Int32
  let pid: pid_t

  /// The tool beside this test bundle, or the one named in MOQ_TOOL.
  static let path: String = {
    if let path = getenv("MOQ_TOOL") { return String(cString: path) }
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let exe = String(decoding: buffer.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // The runner is the bundle itself, or the toolchain's helper with the bundle as its argument.
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? exe
    let folders = [bundle, exe, CommandLine.arguments[0]].map {
      URL(fileURLWithPath: $0).deletingLastPathComponent().path
    }
    return folders.map { "\($0)/moq" }.first { access($0, X_OK) == 0 } ?? "\(folders[0])/moq"
  }()

  init(
    _ words: [String], through wrapper: [String] = [], in folder: String? = nil, tool: String = ToolProcess.path
  ) throws {
    let all = (folder.map { ["env", "-C", $0] } ?? []) + wrapper + [tool] + words
    let (child, input, output, errors) = try Self.spawning.withLock { _ in try Self.spawn(all) }
    (pid, self.input) = (child, input)
    Self.onThread { self.collect(output) { $0.output += $1 } }
    Self.onThread { self.collect(errors) { $0.errors += $1 } }
    Self.onThread {
      // Seen first and reaped under the lock: nobody signals a number that is free again.
      var seen = siginfo_t()
      while waitid(P_PID, id_t(child), &seen, WEXITED | WNOWAIT) < 0, errno == EINTR {}
      self.change {
        var status: Int32 = 0
        waitpid(child, &status, 0)
        $0.hasEnded = true
        $0.status = status & 0x7f == 0 ? status >> 8 & 0xff : 128 + (status & 0x7f)
        $0.open -= 1
      }
    }
    DispatchQueue.global().asyncAfter(deadline: .now() + 60) { [weak self] in self?.kill(SIGKILL) }
  }
  deinit { close(input) }

  /// One at a time: a pipe is inherited by nobody only once it has been marked so.
  private static let spawning = Mutex(())
  /// While `body` runs no process is started: one would hold on to a file that is being written, which then is "busy".
  static func exclusively<Value>(_ body: () throws -> sending Value) throws -> sending Value {
    try spawning.withLock { _ in try body() }
  }
  private static func spawn(_ words: [String]) throws -> (pid_t, input: Int32, output: Int32, errors: Int32) {
    var pipes: [[Int32]] = []
    for _ in 0..<3 {
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0 else { throw EndedEarly(description: "no pipe: \(String(cString: strerror(errno)))") }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
      pipes.append(ends)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0)
    posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1)
    posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2)
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    let failure = posix_spawnp(&child, words[0], &actions, nil, &arguments, environ)
    for end in [pipes[0][0], pipes[1][1], pipes[2][1]] { close(end) }
    guard failure == 0 else {
      for end in [pipes[0][1], pipes[1][0], pipes[2][0]] { close(end) }
      throw EndedEarly(description: "cannot run \(words[0]): \(String(cString: strerror(failure)))")
    }
    return (child, pipes[0][1], pipes[1][0], pipes[2][0])
  }

  private static func onThread(_ work: @escaping @Sendable () -> Void) { Thread.detachNewThread(work) }

  private func collect(_ descriptor: Int32, _ add: (inout State, ArraySlice<UInt8>) -> Void) {
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(descriptor, &piece, piece.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      change { add(&$0, piece[..<count]) }
    }
    close(descriptor)
    change { $0.open -= 1 }
  }

  private func change(_ body: (inout State) -> Void) {
    state.withLock { state in
      body(&state)
      let waiters = state.waiters
      state.waiters = []
      for waiter in waiters where !waiter(state) { state.waiters.append(waiter) }
    }
  }

  /// Waits until `found` gives a value, or the process has ended.
  private func wait<Value: Sendable>(_ found: @escaping @Sendable (borrowing State) -> Value?) async throws -> Value {
    let value: Value? = await withCheckedContinuation { continuation in
      let look: @Sendable (borrowing State) -> Bool = { state in
        if let value = found(state) {
          continuation.resume(returning: value)
          return true
        }
        if state.open == 0 {
          continuation.resume(returning: nil)
          return true
        }
        return false
      }
      state.withLock { state in if !look(state) { state.waiters.append(look) } }
    }
    if let value { return value }
    let (status, output, errors) = state.withLock { ($0.status, $0.output, $0.errors) }
    throw EndedEarly(
      description: "ended with \(status) before that: \(String(decoding: output.suffix(2000), as: UTF8.self))"
        + String(decoding: errors.suffix(2000), as: UTF8.self))
  }

  /// The first line of standard output that contains `text`.
  func line(containing text: String) async throws -> String {
    try await wait { Self.line(containing: text, in: $0.output) }
  }
  /// The first line of standard error that contains `text`.
  func errorLine(containing text: String) async throws -> String {
    try await wait { Self.line(containing: text, in: $0.errors) }
  }
  private static func line(containing text: String, in bytes: [UInt8]) -> String? {
    guard let end = bytes.lastIndex(of: UInt8(ascii: "\n")) else { return nil }
    return bytes[..<end].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .lazy.map { String(decoding: $0, as: UTF8.self) }.first { $0.contains(text) }
  }

  /// What there was when the process ended.
  func end() async throws -> Result {
    try await wait { state in
      guard state.open == 0 else { return nil }
      return Result(status: state.status, output: state.output, errors: String(decoding: state.errors, as: UTF8.self))
    }
  }

  /// Writes to its standard input, waiting while the pipe is full.
  func write(_ bytes: [UInt8]) async {
    await withCheckedContinuation { continuation in
      Self.onThread {
        bytes.withUnsafeBytes { bytes in
          var rest = bytes[...]
          while !rest.isEmpty {
            let count = Glibc.write(self.input, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
          }
        }
        continuation.resume()
      }
    }
  }
  func write(_ text: String) async { await write(Array(text.utf8)) }
  /// Its standard input ends.
  func closeInput() {
    // The descriptor itself stays ours, so that its number is not given to another.
    let nothing = open("/dev/null", O_WRONLY | O_CLOEXEC)
    dup2(nothing, input)
    close(nothing)
  }

  func kill(_ signal: Int32) {
    state.withLock { state in if !state.hasEnded { Glibc.kill(pid, signal) } }
  }

  /// Runs the tool to its end, with `input` on its standard input.
  static func run(_ words: String..., input: String = "", through wrapper: [String] = [], in folder: String? = nil)
    async throws -> Result
  {
    try await run(words, input: Array(input.utf8), through: wrapper, in: folder)
  }
  static func run(
    _ words: [String], input: [UInt8] = [], through wrapper: [String] = [], in folder: String? = nil,
    tool: String = ToolProcess.path
  ) async throws -> Result {
    // The tool may end before it has read all.
    signal(SIGPIPE, SIG_IGN)
    let process = try ToolProcess(words, through: wrapper, in: folder, tool: tool)
    await process.write(input)
    process.closeInput()
    return try await process.end()
  }
}

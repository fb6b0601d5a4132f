import Glibc
import Synchronization

/// A file that is written through a small buffer. Safe to use from several tasks; each call is one piece.
final class Output: Sendable {
  static let standard = Output(STDOUT_FILENO, name: "standard output")
  static let error = Output(STDERR_FILENO, name: "standard error")

  /// The reader of a pipe is gone. Not a failure: the command ends, and is done.
  struct Closed: Error {}

  let descriptor: Int32
  let name: String
  let isTerminal: Bool
  private let buffer = Mutex<[UInt8]>([])
  private static let capacity = 64 << 10

  init(_ descriptor: Int32, name: String) {
    (self.descriptor, self.name) = (descriptor, name)
    isTerminal = isatty(descriptor) == 1
  }

  /// Opens a file for writing, emptied if it exists.
  static func file(_ path: String) throws -> Output {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw Failure("cannot write \(path): \(lastError()); choose another file") }
    return Output(descriptor, name: path)
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    try buffer.withLock { buffer in
      if buffer.count + bytes.count > Output.capacity { try flush(&buffer) }
      if bytes.count >= Output.capacity { try put(bytes) } else { buffer += bytes }
    }
  }
  func write(_ text: String) throws {
    var text = text
    try text.withUTF8 { try write(UnsafeRawBufferPointer($0)) }
  }
  /// A whole line, at once on its way.
  func line(_ text: String) throws {
    try write(text + "\n")
    try flush()
  }
  func flush() throws { try buffer.withLock { try flush(&$0) } }

  private func flush(_ buffer: inout [UInt8]) throws {
    defer { buffer.removeAll(keepingCapacity: true) }
    try buffer.withUnsafeBytes(put)
  }
  private func put(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if written > 0 {
        rest = rest.dropFirst(written)
      } else if errno == EPIPE {
        throw Closed()
      } else if errno == EAGAIN {
        // Somebody made the descriptor non-blocking, which we share with them.
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, -1)
      } else if errno != EINTR {
        throw Failure("cannot write to \(name): \(lastError())")
      }
    }
  }
}

/// Why the last system call failed, in the system's words.
func lastError() -> String { String(cString: strerror(errno)) }

/// A failure: one sentence for the user, what, where, and what to try. The tool ends with 1.
struct Failure: Error, Equatable {
  let sentence: String
  init(_ sentence: String) { self.sentence = sentence }
}

/// The command has failed, and its output says so already: a list of failures, and how many they are.
struct Failed: Error {}

/// Writes a line for the person who watches, to standard error. If that is gone, nobody watches.
func note(_ text: String) { try? Output.error.line(text) }

/// Colour, where it is wanted: on a terminal, unless NO_COLOR is set or the terminal is dumb.
struct Style: Sendable {
  let isOn: Bool
  init(isOn: Bool) { self.isOn = isOn }
  init(for output: Output) {
    func set(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
    isOn = output.isTerminal && (set("NO_COLOR") ?? "").isEmpty && set("TERM") != "dumb"
  }
  func bold(_ text: String) -> String { paint(text, "1") }
  func dim(_ text: String) -> String { paint(text, "2") }
  func red(_ text: String) -> String { paint(text, "31") }
  func green(_ text: String) -> String { paint(text, "32") }
  func yellow(_ text: String) -> String { paint(text, "33") }
  func cyan(_ text: String) -> String { paint(text, "36") }
  /// The same colour for the same number, so that dialects can be told apart.
  func label(_ text: String, _ number: Int) -> String { paint(text, ["32", "35", "36", "33", "34", "31"][number % 6]) }
  private func paint(_ text: String, _ code: String) -> String { isOn ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }
}

import Dispatch
import Glibc
import MoQKernel
import Synchronization

/// A folder where sessions leave traces: for each session a qlog file, named by what both sides know it by.
///
/// Files are written on a thread of their own. A session never waits for it: what comes while too much is waiting is
/// left out, counted, and told in the trace.
public final class TraceDirectory: Sendable {
  /// The most bytes that wait to be written, of all sessions together.
  public static let maximumWaiting = 16 << 20
  /// The most files that are open; sessions beyond are not traced.
  public static let maximumFiles = 512

  /// What came of it.
  public struct Counters: Sendable, Equatable {
    /// Sessions that are or were traced, and that would have been, but for the bound on open files.
    public var sessions: UInt64 = 0
    public var refused: UInt64 = 0
    /// Bytes that were left out, since too many waited.
    public var droppedBytes: UInt64 = 0
    /// Files that could not be made, or not be written to their end.
    public var failures: UInt64 = 0
  }
  private struct State {
    var counters = Counters()
    var seen: UInt64 = 0
    var waiting = 0
    var files = 0
  }

  public let path: String
  /// One session of so many is traced.
  public let sample: UInt64
  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "moq.traces", qos: .utility)

  /// Makes the folder if it is not there. Throws if it cannot be made or written to.
  public init(_ path: String, oneIn sample: UInt64 = 1) throws(NetworkError) {
    (self.path, self.sample) = (path, max(sample, 1))
    if mkdir(path, 0o755) != 0, errno != EEXIST { throw Self.failure("mkdir", path) }
    var info = stat()
    guard stat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else {
      throw .system(call: "mkdir", place: path, reason: "it is no folder")
    }
    guard access(path, W_OK | X_OK) == 0 else { throw Self.failure("access", path) }
  }
  private static func failure(_ call: String, _ place: String) -> NetworkError {
    .system(call: call, place: place, reason: String(cString: strerror(errno)))
  }

  public var counters: Counters { state.withLock { $0.counters } }

  /// Waits until all that was handed over is in its file. Blocks the caller.
  public func flush() { queue.sync {} }

  /// A trace for the session of this name; nil: it is not among those that are traced.
  func begin(_ name: String, isServer: Bool, at start: Instant) -> SessionTrace? {
    let isWanted = state.withLock { state in
      defer { state.seen &+= 1 }
      guard state.seen.isMultiple(of: sample) else { return false }
      guard state.files < Self.maximumFiles else {
        state.counters.refused &+= 1
        return false
      }
      state.files += 1
      state.counters.sessions &+= 1
      return true
    }
    guard isWanted else { return nil }
    let name = name.isEmpty ? "unnamed" : name
    let file = TraceFile("\(path)/\(name)_\(isServer ? "server" : "client")")
    let header = QlogTap.header(name: name, isServer: isServer, wallClock: Self.time(start))
    _ = put(header, to: file)
    return SessionTrace(QlogTap(start: start), file, self)
  }

  /// Hands bytes over to be written. False: too many wait already.
  func put(_ bytes: [UInt8], to file: TraceFile) -> Bool {
    let hasRoom = state.withLock { state in
      guard state.waiting + bytes.count <= Self.maximumWaiting else {
        state.counters.droppedBytes &+= UInt64(bytes.count)
        return false
      }
      state.waiting += bytes.count
      return true
    }
    guard hasRoom else { return false }
    queue.async {
      let isWritten = file.write(bytes)
      self.state.withLock { state in
        state.waiting -= bytes.count
        if !isWritten { state.counters.failures &+= 1 }
      }
    }
    return true
  }
  func end(_ file: TraceFile) {
    queue.async {
      file.close()
      self.state.withLock { $0.files -= 1 }
    }
  }

  /// The time of day of `instant`, as RFC 3339 has it.
  private static func time(_ instant: Instant) -> String {
    let nanoseconds = instant.unixNanoseconds
    var seconds = time_t(nanoseconds / 1_000_000_000), parts = tm()
    gmtime_r(&seconds, &parts)
    func padded(_ value: some BinaryInteger, _ width: Int) -> String {
      let text = "\(value)"
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    let date = "\(padded(Int(parts.tm_year) + 1900, 4))-\(padded(parts.tm_mon + 1, 2))-\(padded(parts.tm_mday, 2))"
    let time = "\(padded(parts.tm_hour, 2)):\(padded(parts.tm_min, 2)):\(padded(parts.tm_sec, 2))"
    return "\(date)T\(time).\(padded(nanoseconds / 1_000 % 1_000_000, 6))Z"
  }
}

/// One file of a trace. Opened with its first bytes, on the thread that writes.
final class TraceFile: Sendable {
  private enum State { case new, open(Int32), broken }
  private let stem: String
  private let state = Mutex(State.new)

  init(_ stem: String) { self.stem = stem }

  /// False, once: it could not be written.
  func write(_ bytes: [UInt8]) -> Bool {
    state.withLock { state in
      if case .new = state { state = open().map { .open($0) } ?? .broken; if case .broken = state { return false } }
      guard case .open(let descriptor) = state else { return true }
      var done = 0
      while done < bytes.count {
        let count = bytes.withUnsafeBytes {
          Glibc.write(descriptor, $0.baseAddress.map { $0 + done }, bytes.count - done)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          _ = Glibc.close(descriptor)
          state = .broken
          return false
        }
        done += count
      }
      return true
    }
  }
  /// Never over a file that is there: whoever chooses a connection's id may choose it twice.
  private func open() -> Int32? {
    for number in 1...1_000 {
      let path = stem + (number == 1 ? "" : "-\(number)") + ".sqlog"
      // Names and paths of tracks are nobody else's business.
      let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
      if descriptor >= 0 { return descriptor }
      if errno != EEXIST { return nil }
    }
    return nil
  }
  func close() {
    state.withLock { state in
      if case .open(let descriptor) = state { _ = Glibc.close(descriptor) }
      state = .broken
    }
  }
}

/// The trace of one session, on its loop.
final class SessionTrace {
  let tap: QlogTap
  private let file: TraceFile
  private let directory: TraceDirectory

  init(_ tap: QlogTap, _ file: TraceFile, _ directory: TraceDirectory) {
    (self.tap, self.file, self.directory) = (tap, file, directory)
  }

  /// Hands over what was told. `number`: a stream's number on the wire; nil: it has none yet.
  func flush(isLast: Bool = false, number: (StreamKey) -> UInt64?) {
    tap.flush(isLast: isLast, number: number) { directory.put($0, to: file) }
    if isLast { directory.end(file) }
  }
}

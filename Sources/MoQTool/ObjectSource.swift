import Glibc
import MoQ

/// The objects that a publisher sends: lines or pieces of an input, or files.
struct ObjectSource: Sendable {
  /// The most bytes an object may have.
  static let most = 64 << 20

  private enum Kind: Sendable { case lines(Input), pieces(Input, Int), files }
  private let kind: Kind
  private var files: ArraySlice<String>
  /// What has been read; from `used` on it has not been sent, and before `searched` there is no newline.
  private var buffer: [UInt8] = []
  private var used = 0
  private var searched = 0
  private var hasEnded = false

  /// Files if there are any; else `input`, or standard input, cut into pieces of `size` or into lines.
  init(files: [String], input: String?, size: Int?) throws {
    self.files = files[...]
    guard files.isEmpty else {
      // Better to say now than after half of them have been sent.
      for file in files where access(file, R_OK) != 0 { throw Failure("cannot read \(file): \(lastError())") }
      kind = .files
      return
    }
    let source: Input
    if let input, input != "-" {
      let descriptor = open(input, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw Failure("cannot read \(input): \(lastError())") }
      source = try Input(descriptor, name: input)
    } else {
      source = try Input()
    }
    kind = size.map { .pieces(source, $0) } ?? .lines(source)
  }

  /// The next object; nil: that was all.
  mutating func next() async throws -> Bytes? {
    switch kind {
    case .files:
      guard let file = files.popFirst() else { return nil }
      return try Self.contents(of: file)
    case .pieces(let input, let size):
      while buffer.count - used < size, !hasEnded { try await fill(from: input) }
      let count = min(size, buffer.count - used)
      return count == 0 ? nil : take(count)
    case .lines(let input):
      while true {
        if let newline = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
          let line = take(newline - used)
          used += 1
          searched = used
          return line
        }
        searched = buffer.count
        if hasEnded { return used < buffer.count ? take(buffer.count - used) : nil }
        guard buffer.count - used <= Self.most else {
          throw Failure(
            "a line has more than \(size(UInt64(Self.most))), too much for one object; cut the input with --size N")
        }
        try await fill(from: input)
      }
    }
  }

  private mutating func take(_ count: Int) -> Bytes {
    defer {
      used += count
      searched = max(searched, used)
    }
    return buffer.withUnsafeBytes { Bytes(copying: UnsafeRawBufferPointer(rebasing: $0[used..<(used + count)])) }
  }

  private mutating func fill(from input: Input) async throws {
    if used > 0 {
      buffer.removeFirst(used)
      searched -= used
      used = 0
    }
    if let piece = try await input.next(most: 256 << 10) { buffer += piece } else { hasEnded = true }
  }

  private static func contents(of file: String) throws -> Bytes {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("cannot read \(file): \(lastError())") }
    defer { close(descriptor) }
    var bytes: [UInt8] = [], piece = [UInt8](repeating: 0, count: 256 << 10)
    while true {
      let count = read(descriptor, &piece, piece.count)
      if count == 0 { return Bytes(bytes) }
      guard count > 0 else {
        if errno == EINTR { continue }
        throw Failure("cannot read \(file): \(lastError())")
      }
      bytes += piece[..<count]
      guard bytes.count <= most else {
        throw Failure(
          "\(file) has more than \(size(UInt64(most))), too much for one object; cut it with --input and --size")
      }
    }
  }
}

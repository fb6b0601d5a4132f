import Dispatch
import Glibc

/// Reads a descriptor piece by piece without holding up anybody, and can be cancelled while it waits.
final class Input: Sendable {
  private let descriptor: Int32
  private let name: String
  private let wake: (read: Int32, write: Int32)
  private let queue = DispatchQueue(label: "moq.input")

  init(_ descriptor: Int32 = STDIN_FILENO, name: String = "standard input") throws {
    (self.descriptor, self.name) = (descriptor, name)
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure("cannot make a pipe: \(lastError())") }
    wake = (ends[0], ends[1])
  }
  deinit {
    close(wake.read)
    close(wake.write)
  }

  /// The next piece, of at most `most` bytes; nil at the end.
  func next(most: Int = 64 << 10) async throws -> [UInt8]? {
    let (descriptor, wake, name) = (descriptor, wake, name)
    let piece: Result<[UInt8], any Error> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        queue.async { continuation.resume(returning: Result { try Self.read(descriptor, wake.read, name, most) }) }
      }
    } onCancel: {
      var byte: UInt8 = 0
      _ = write(wake.write, &byte, 1)
    }
    try Task.checkCancellation()
    let bytes = try piece.get()
    return bytes.isEmpty ? nil : bytes
  }

  private static func read(_ descriptor: Int32, _ wake: Int32, _ name: String, _ most: Int) throws -> [UInt8] {
    while true {
      var waiting = [
        pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&waiting, 2, -1) >= 0 || errno == EINTR else { throw Failure("cannot read \(name): \(lastError())") }
      if waiting[1].revents != 0 { return [] }
      guard waiting[0].revents != 0 else { continue }
      var bytes = [UInt8](repeating: 0, count: most)
      let count = Glibc.read(descriptor, &bytes, most)
      guard count >= 0 || errno == EINTR || errno == EAGAIN else {
        throw Failure("cannot read \(name): \(lastError())")
      }
      guard count >= 0 else { continue }
      bytes.removeSubrange(count...)
      return bytes
    }
  }
}

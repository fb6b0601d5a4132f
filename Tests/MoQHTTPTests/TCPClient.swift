import Glibc

/// A TCP connection to this machine that sends what it likes. Each wait ends after half a minute at the latest.
final class TCPClient {
  private let descriptor: Int32

  struct Failed: Error { let what: String }

  init(port: UInt16, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    if var receiveBuffer {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafeBytes(of: &address) { bytes in
      connect(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
    }
    guard result == 0 else {
      close(descriptor)
      throw Failed(what: "connect: \(String(cString: strerror(errno)))")
    }
  }
  deinit { close(descriptor) }

  /// False: the server has closed the connection, or does not read.
  @discardableResult func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
  @discardableResult func send(_ text: String) -> Bool { send(Array(text.utf8)) }

  /// The request is over; the answer is still read.
  func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Up to `most` bytes, once; empty: the connection has ended. nil: nothing came in half a minute.
  func some(_ most: Int = 65536) -> [UInt8]? {
    var received = 0, code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
      received = recv(descriptor, buffer.baseAddress, most, 0)
      code = errno
      count = max(received, 0)
    }
    return received < 0 && code == EAGAIN ? nil : bytes
  }

  /// All that comes until the connection ends. nil: it does not end.
  func rest() -> String? {
    var all: [UInt8] = []
    while let part = some() {
      guard !part.isEmpty else { return String(decoding: all, as: UTF8.self) }
      all += part
    }
    return nil
  }
}

/// What the server at `port` answers to `text`.
func answer(_ text: String, port: UInt16) throws -> String? {
  let client = try TCPClient(port: port)
  client.send(text)
  return client.rest()
}

extension String {
  /// The status of an answer; nil: it is none.
  var status: Int? {
    guard hasPrefix("HTTP/1.1 ") else { return nil }
    return Int(dropFirst(9).prefix(3))
  }
  var answerBody: String { firstRange(of: "\r\n\r\n").map { String(self[$0.upperBound...]) } ?? "" }
}

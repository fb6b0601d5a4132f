import Glibc
import MoQ
import MoQNetwork

extension MoQError {
  /// What a failure to connect over UDP may come from, where TCP tells more; else nothing.
  func hint(for url: SessionURL) -> String {
    guard code == .nothingListens, answersOverTCP(url.host, url.port) else { return "" }
    return "; something answers there on TCP: it may be a server without QUIC, or a firewall lets no UDP through"
  }
}

extension MoQError {
  /// The peer speaks HTTP/3 without WebTransport, whatever dialect is asked for.
  var isWithoutWebTransport: Bool { (cause as? ConnectionClose) == .webTransport(.unsupported) }
}

/// Whether a TCP connection to one of the host's addresses comes about within a third of a second each.
func answersOverTCP(_ host: String, _ port: UInt16) -> Bool {
  var hints = addrinfo(), found: UnsafeMutablePointer<addrinfo>?
  hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
  guard getaddrinfo(host, "\(port)", &hints, &found) == 0 else { return false }
  defer { freeaddrinfo(found) }
  var next = found
  while let address = next?.pointee {
    next = address.ai_next
    let descriptor = socket(address.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { continue }
    defer { close(descriptor) }
    guard connect(descriptor, address.ai_addr, address.ai_addrlen) != 0 else { return true }
    guard errno == EINPROGRESS else { continue }
    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    guard poll(&waiting, 1, 333) == 1 else { continue }
    var failure: Int32 = 0, size = socklen_t(MemoryLayout<Int32>.size)
    if getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &size) == 0, failure == 0 { return true }
  }
  return false
}

import CQuic

/// Names to addresses. Look-ups block, so they have a thread of their own each.
enum Resolver {
  /// The addresses that need no look-up: digits, all interfaces ("", "*"), and localhost (RFC 6761 §6.3).
  static func known(_ host: String, port: UInt16) -> [SocketAddress]? {
    let host = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    switch host {
    case "", "*": return ["0.0.0.0", "::"].compactMap { SocketAddress($0, port: port) }
    case "localhost": return ["127.0.0.1", "::1"].compactMap { SocketAddress($0, port: port) }
    default: return SocketAddress(host, port: port).map { [$0] }
    }
  }

  private final class Request: Sendable {
    let host: String
    let port: UInt16
    let done: @Sendable (Result<[SocketAddress], NetworkError>) -> Void
    init(_ host: String, _ port: UInt16, _ done: @escaping @Sendable (Result<[SocketAddress], NetworkError>) -> Void) {
      (self.host, self.port, self.done) = (host, port, done)
    }
    func run() {
      var found = [cq_address](repeating: cq_address(), count: 16)
      var error: UnsafePointer<CChar>?
      let count = Int(cq_resolve(host, port, &found, 16, &error))
      if count > 0 {
        done(.success(found.prefix(count).map { SocketAddress($0) }))
      } else {
        done(.failure(.unresolved(host: host, reason: error.map { String(cString: $0) } ?? "no address")))
      }
    }
  }

  /// Looks `host` up and calls `done`, on another thread or at once.
  static func resolve(
    _ host: String, port: UInt16, _ done: @escaping @Sendable (Result<[SocketAddress], NetworkError>) -> Void
  ) {
    if let known = known(host, port: port) { return done(.success(known)) }
    let context = Unmanaged.passRetained(Request(host, port, done)).toOpaque()
    let failed = cq_thread_start(
      "moq-resolve",
      { context in
        guard let context else { return }
        Unmanaged<Request>.fromOpaque(context).takeRetainedValue().run()
      }, context)
    if failed != 0 {
      Unmanaged<Request>.fromOpaque(context).release()
      done(.failure(.unresolved(host: host, reason: "no thread for the look-up")))
    }
  }
}

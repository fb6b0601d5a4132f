import CQuic

/// An IPv4 or IPv6 address with a UDP port.
public struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
  /// Sixteen bytes in network order; an IPv4 address uses the first four.
  var bytes: (UInt64, UInt64)
  public var port: UInt16
  public let isIPv6: Bool
  var scope: UInt32

  /// An address written in digits, as `127.0.0.1`, `::1` or `fe80::1%2`; nil for anything else.
  public init?(_ host: String, port: UInt16) {
    var raw = cq_address()
    guard cq_address_parse(host, port, &raw) == 0 else { return nil }
    self.init(raw)
  }

  init(_ raw: cq_address) {
    bytes = (raw.bytes.0, raw.bytes.1)
    (port, isIPv6, scope) = (raw.port, raw.family == 6, raw.scope)
  }

  var raw: cq_address {
    cq_address(bytes: bytes, scope: scope, port: port, family: isIPv6 ? 6 : 4)
  }

  /// The address without its port.
  public var host: String {
    var raw = raw
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
      guard let base = text.baseAddress, cq_address_print(&raw, base, 64) == 0 else { return "?" }
      return String(cString: base)
    }
  }

  /// As `127.0.0.1:4443` or `[::1]:4443`.
  public var description: String { isIPv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

  public static func == (a: SocketAddress, b: SocketAddress) -> Bool {
    a.bytes == b.bytes && a.port == b.port && a.isIPv6 == b.isIPv6 && a.scope == b.scope
  }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(bytes.0)
    hasher.combine(bytes.1)
    hasher.combine(port)
  }
}

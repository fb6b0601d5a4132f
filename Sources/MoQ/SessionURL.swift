/// Where a session goes: `moqt://host[:port][/path][?query]` over raw QUIC, `https://…` over WebTransport.
///
/// The port defaults to 443. An IPv6 address stands in brackets. The path with its query is what the
/// peer is told: over WebTransport in the request, else in the handshake of dialects that have a place for it.
public struct SessionURL: Sendable, Hashable, CustomStringConvertible {
  /// The port of a URL that names none.
  public static let defaultPort: UInt16 = 443
  /// What carries a session.
  public enum Scheme: String, Sendable, CaseIterable {
    /// Raw QUIC.
    case moqt
    /// WebTransport over HTTP/3.
    case https
  }

  /// What carries the session.
  public var scheme: Scheme
  /// A name or an address; one of IPv6 without its brackets.
  public var host: String
  /// The UDP port.
  public var port: UInt16
  /// With the leading slash; empty if the URL has none.
  public var path: String

  /// A URL of these parts, as they are: nothing is checked.
  public init(scheme: Scheme = .moqt, host: String, port: UInt16 = SessionURL.defaultPort, path: String = "") {
    (self.scheme, self.host, self.port, self.path) = (scheme, host, port, path)
  }

  /// Reads `text`; throws `badURL` with what is wrong in it.
  public init(_ text: String) throws(MoQError) {
    func bad(_ what: String) -> MoQError {
      MoQError(
        .badURL,
        "\"\(text)\" is not a URL that can be connected to: \(what). Write it as moqt://host:port/path, or https://host:port/path for WebTransport."
      )
    }
    guard let colon = text.firstRange(of: "://") else { throw bad("it has no scheme") }
    let name = text[..<colon.lowerBound].lowercased()
    guard let scheme = Scheme(rawValue: name) else { throw bad("the scheme \"\(name)\" is not spoken") }
    self.scheme = scheme
    let rest = text[colon.upperBound...]
    let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    var authority = rest[..<end]
    guard !authority.contains("@") else { throw bad("it carries a user name") }
    guard !rest[end...].contains("#") else { throw bad("it carries a fragment") }

    var portText: Substring?
    if authority.first == "[" {
      guard let close = authority.firstIndex(of: "]") else {
        throw bad("the bracket of the IPv6 address is not closed")
      }
      let after = authority[authority.index(after: close)...]
      if after.first == ":" {
        portText = after.dropFirst()
      } else if !after.isEmpty {
        throw bad("\"\(after)\" follows the IPv6 address")
      }
      authority = authority[authority.index(after: authority.startIndex)..<close]
    } else if let split = authority.firstIndex(of: ":") {
      guard authority[split...].dropFirst().firstIndex(of: ":") == nil else {
        throw bad("an IPv6 address must stand in brackets")
      }
      portText = authority[split...].dropFirst()
      authority = authority[..<split]
    }
    guard !authority.isEmpty else { throw bad("it names no host") }
    guard !authority.contains(where: \.isWhitespace) else { throw bad("there is a space in the host") }
    host = String(authority)
    if let portText {
      guard let number = UInt16(portText), number > 0 else {
        throw bad("\"\(portText)\" is not a port from 1 to 65535")
      }
      port = number
    } else {
      port = Self.defaultPort
    }
    path = String(rest[end...])
    if path.first == "?" { path = "/" + path }
  }

  /// `host:port`, with brackets around an IPv6 address.
  public var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
  /// The URL as text, with its port.
  public var description: String { "\(scheme)://\(authority)\(path)" }
}

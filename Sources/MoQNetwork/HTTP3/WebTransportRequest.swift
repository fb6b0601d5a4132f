/// What a client asks for: the CONNECT request of a WebTransport session.
public struct WebTransportRequest: Equatable, Sendable {
  /// Host and port, as in the URL.
  public var authority: String
  /// With its query; begins with a slash.
  public var path: String
  /// Where the page comes from that asks; nil: no browser asks.
  public var origin: String?
  /// Subprotocols, best first; empty: none is named.
  public var protocols: [String]

  public init(authority: String, path: String = "/", origin: String? = nil, protocols: [String] = []) {
    self.authority = authority
    self.path = path.hasPrefix("/") ? path : "/" + path
    (self.origin, self.protocols) = (origin, protocols)
  }

  /// The request's fields, worded as `generation` has them.
  func fields(_ generation: HTTP3Settings.Generation) -> [Field] {
    var fields = [
      Field(":method", "CONNECT"), Field(":protocol", generation.upgradeToken), Field(":scheme", "https"),
      Field(":authority", authority), Field(":path", path),
    ]
    if generation == .draft02 { fields.append(Field("sec-webtransport-http3-draft02", "1")) }
    if let origin { fields.append(Field("origin", origin)) }
    if !protocols.isEmpty { fields.append(Field("wt-available-protocols", StructuredField.list(protocols))) }
    return fields
  }
}

/// Who may have a WebTransport session of a server.
public struct WebTransportPolicy: Equatable, Sendable {
  /// Whose pages may connect.
  public enum Origins: Equatable, Sendable {
    /// Everybody's.
    case any
    /// Those of these origins, written as `https://example.org` or `https://example.org:8443`.
    case list([String])
  }

  /// A request without an origin comes from no browser, and is not refused for it.
  public var origins = Origins.any
  /// Paths, without query, at which sessions are served; nil: any.
  public var paths: [String]?
  /// The most sessions that one connection has at a time.
  public var maximumSessions = 64

  public init() {}

  func allows(origin: String?) -> Bool {
    guard case .list(let list) = origins, let origin else { return true }
    return list.contains { $0.lowercased() == origin.lowercased() }
  }

  func serves(path: String) -> Bool {
    guard let paths else { return true }
    return paths.contains(String(path.prefix { $0 != "?" }))
  }
}

/// A request as a server reads it.
enum IncomingRequest: Equatable {
  case webTransport(WebTransportRequest, wantsDraft02: Bool)
  /// Anything else, which is answered with that status.
  case other(status: Int)

  /// Takes a request's fields apart. nil: the request is malformed (RFC 9114 §4.1.2, §4.3.1, RFC 8441 §4).
  init?(_ fields: [Field]) {
    guard let message = Message(fields, pseudo: [":method", ":scheme", ":authority", ":path", ":protocol"]) else {
      return nil
    }
    guard let method = message.pseudo[":method"], !method.isEmpty else { return nil }
    guard method == "CONNECT" else {
      guard message.pseudo[":scheme"] != nil, message.pseudo[":path"]?.isEmpty == false,
        message.pseudo[":protocol"] == nil
      else { return nil }
      self = .other(status: method == "GET" || method == "HEAD" ? 404 : 405)
      return
    }
    guard let upgrade = message.pseudo[":protocol"] else {
      // A plain CONNECT names only where to (RFC 9114 §4.4).
      guard message.pseudo[":authority"]?.isEmpty == false, message.pseudo[":scheme"] == nil,
        message.pseudo[":path"] == nil
      else { return nil }
      self = .other(status: 405)
      return
    }
    guard let scheme = message.pseudo[":scheme"], let path = message.pseudo[":path"], path.hasPrefix("/"),
      let authority = message.pseudo[":authority"], !authority.isEmpty
    else { return nil }
    guard upgrade == "webtransport" || upgrade == "webtransport-h3" else {
      self = .other(status: 501)
      return
    }
    guard scheme == "https" else { return nil }
    var request = WebTransportRequest(authority: authority, path: path, origin: message["origin"])
    request.protocols = message["wt-available-protocols"].flatMap(StructuredField.strings) ?? []
    self = .webTransport(request, wantsDraft02: message["sec-webtransport-http3-draft02"] == "1")
  }
}

/// An answer as a client reads it.
struct IncomingResponse: Equatable {
  var status: Int
  /// The subprotocol that the server chose.
  var chosen: String?

  /// nil: the answer is malformed (RFC 9114 §4.3.2).
  init?(_ fields: [Field]) {
    guard let message = Message(fields, pseudo: [":status"]), let text = message.pseudo[":status"],
      text.utf8.count == 3, let status = Int(text), status >= 100
    else { return nil }
    self.status = status
    chosen = message["wt-protocol"].flatMap(StructuredField.string)
  }
}

/// The fields of a message, checked as far as any message must be in order (RFC 9114 §4.2, §4.3).
private struct Message {
  var pseudo: [String: String] = [:]
  private var regular: [(name: String, value: String)] = []

  /// Names that say something about a connection, of which HTTP/3 knows nothing (RFC 9114 §4.2).
  private static let ofConnections = [
    "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade",
  ]

  init?(_ fields: [Field], pseudo allowed: [String]) {
    for field in fields {
      guard Self.isValue(field.value) else { return nil }
      if field.name.hasPrefix(":") {
        guard allowed.contains(field.name), regular.isEmpty, pseudo.updateValue(field.value, forKey: field.name) == nil
        else { return nil }
      } else {
        guard Self.isName(field.name), !Self.ofConnections.contains(field.name) else { return nil }
        if field.name == "te", field.value != "trailers" { return nil }
        regular.append((field.name, field.value))
      }
    }
  }

  /// All values of that name, as one.
  subscript(_ name: String) -> String? {
    let values = regular.filter { $0.name == name }.map(\.value)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  private static func isName(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy {
        switch $0 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains($0)
        }
      }
  }

  private static func isValue(_ text: String) -> Bool {
    let blanks: [UInt8] = [0x20, 0x09]
    guard let first = text.utf8.first, let last = text.utf8.last else { return true }
    return text.utf8.allSatisfy { $0 != 0 && $0 != 0x0a && $0 != 0x0d } && !blanks.contains(first)
      && !blanks.contains(last)
  }
}

/// The two forms of structured fields (RFC 9651) that WebTransport has: a list of strings, and a string.
enum StructuredField {
  static func string(_ text: String) -> String? {
    let list = parse(text)
    return list?.count == 1 ? list?.first : nil
  }

  /// nil: it is no such list, or has a member that is no string, so the field counts as absent.
  static func strings(_ text: String) -> [String]? { parse(text) }

  static func item(_ text: String) -> String {
    var result = "\""
    for character in text {
      if character == "\"" || character == "\\" { result.append("\\") }
      result.append(character)
    }
    return result + "\""
  }

  static func list(_ strings: [String]) -> String { strings.map(item).joined(separator: ", ") }

  private static func parse(_ text: String) -> [String]? {
    var rest = Array(text.utf8)[...], found: [String] = []
    func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }
    skipBlanks()
    while true {
      guard rest.first == UInt8(ascii: "\""), let value = quoted(&rest) else { return nil }
      found.append(value)
      guard skipParameters(&rest) else { return nil }
      skipBlanks()
      guard let next = rest.first else { return found }
      guard next == UInt8(ascii: ",") else { return nil }
      rest = rest.dropFirst()
      skipBlanks()
    }
  }

  /// A string in quotes; only the quote and the backslash may be escaped (RFC 9651 §4.2.5).
  private static func quoted(_ rest: inout ArraySlice<UInt8>) -> String? {
    var value: [UInt8] = []
    rest = rest.dropFirst()
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(decoding: value, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst(), escaped == UInt8(ascii: "\"") || escaped == UInt8(ascii: "\\") else {
          return nil
        }
        value.append(escaped)
      case 0x20...0x7e: value.append(byte)
      default: return nil
      }
    }
    return nil
  }

  /// Parameters have no meaning in either field.
  private static func skipParameters(_ rest: inout ArraySlice<UInt8>) -> Bool {
    while rest.first == UInt8(ascii: ";") {
      rest = rest.dropFirst().drop { $0 == 0x20 }
      let key = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: ",") }
      guard !key.isEmpty else { return false }
      rest = rest.dropFirst(key.count)
      guard rest.first == UInt8(ascii: "=") else { continue }
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "\"") {
        guard quoted(&rest) != nil else { return false }
      } else {
        rest = rest.drop { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: ",") && $0 != 0x20 && $0 != 0x09 }
      }
    }
    return true
  }
}

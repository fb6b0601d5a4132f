/// A JSON value, as test vectors and recordings hold it. Objects keep their order, and are equal in any.
public indirect enum JSON: Sendable {
  case null
  case bool(Bool)
  /// A number as it is written. The vectors write every integer of the protocol as a string.
  case number(String)
  case string(String)
  case array([JSON])
  case object([Member])

  public struct Member: Sendable {
    public var key: String
    public var value: JSON
    public init(_ key: String, _ value: JSON) { (self.key, self.value) = (key, value) }
  }

  /// Why bytes are no JSON.
  public struct Malformed: Error, Equatable, Sendable, CustomStringConvertible {
    public var offset: Int
    public var wanted: String
    public var description: String { "byte \(offset): expected \(wanted)" }
  }

  /// The most bytes that are parsed.
  public static var maximumSize: Int { 16 << 20 }
  /// How deep arrays and objects may be nested.
  public static var maximumDepth: Int { 64 }

  public init(parsing bytes: [UInt8]) throws(Malformed) {
    guard bytes.count <= Self.maximumSize else {
      throw Malformed(offset: Self.maximumSize, wanted: "the end of the file: \(Self.maximumSize) bytes are the most")
    }
    var parser = JSONParser(bytes: bytes)
    self = try parser.document()
  }

  public subscript(key: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.key == key }?.value
  }
  /// A string's characters.
  public var text: String? { if case .string(let s) = self { s } else { nil } }
  /// The integer that a string or a number spells.
  public var integer: UInt64? {
    switch self {
    case .string(let s), .number(let s): UInt64(s)
    default: nil
    }
  }
  public var elements: [JSON]? { if case .array(let a) = self { a } else { nil } }
  public var members: [Member]? { if case .object(let o) = self { o } else { nil } }
  public var truth: Bool? { if case .bool(let b) = self { b } else { nil } }

  /// An integer of the protocol.
  static func integer(_ value: some BinaryInteger) -> JSON { .string("\(value)") }

  /// Bytes as pairs of hexadecimal digits.
  public static func hex(_ bytes: some Sequence<UInt8>) -> String {
    var text: [UInt8] = []
    let digits = Array("0123456789abcdef".utf8)
    for byte in bytes { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
    return String(decoding: text, as: UTF8.self)
  }
  /// The bytes of pairs of hexadecimal digits; nil where it is something else.
  public static func bytes(hex: String) -> [UInt8]? {
    var bytes: [UInt8] = [], high: UInt8?
    for c in hex.utf8 {
      let digit: UInt8
      switch c {
      case 0x30...0x39: digit = c - 0x30
      case 0x61...0x66: digit = c - 0x61 + 10
      case 0x41...0x46: digit = c - 0x41 + 10
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | digit)
        high = nil
      } else {
        high = digit
      }
    }
    return high == nil ? bytes : nil
  }
}

extension JSON: Equatable {
  public static func == (a: JSON, b: JSON) -> Bool {
    switch (a, b) {
    case (.null, .null): true
    case (.bool(let x), .bool(let y)): x == y
    case (.number(let x), .number(let y)), (.string(let x), .string(let y)): x == y
    case (.array(let x), .array(let y)): x == y
    case (.object(let x), .object(let y)): x.count == y.count && x.allSatisfy { b[$0.key] == $0.value }
    default: false
    }
  }
}

extension JSON: CustomStringConvertible {
  /// On one line.
  public var description: String {
    switch self {
    case .null: "null"
    case .bool(let b): b ? "true" : "false"
    case .number(let n): n
    case .string(let s): Self.quoted(s)
    case .array(let a): "[\(a.map(\.description).joined(separator: ", "))]"
    case .object(let o): "{\(o.map { "\(Self.quoted($0.key)): \($0.value)" }.joined(separator: ", "))}"
    }
  }
  /// On several lines, indented by two spaces a level.
  public var pretty: String { pretty("") }
  private func pretty(_ indent: String) -> String {
    let inner = indent + "  "
    switch self {
    case .array(let a) where !a.isEmpty:
      return "[\n\(a.map { inner + $0.pretty(inner) }.joined(separator: ",\n"))\n\(indent)]"
    case .object(let o) where !o.isEmpty:
      let lines = o.map { "\(inner)\(Self.quoted($0.key)): \($0.value.pretty(inner))" }
      return "{\n\(lines.joined(separator: ",\n"))\n\(indent)}"
    default: return description
    }
  }
  private static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": out += "\\\""
      case "\\": out += "\\\\"
      case "\n": out += "\\n"
      case "\r": out += "\\r"
      case "\t": out += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        out += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }
}

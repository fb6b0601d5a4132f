/// JSON as the tool prints it: members in the order given, on one line.
indirect enum JSONLine: Sendable, Equatable, CustomStringConvertible {
  case null, bool(Bool), number(UInt64), decimal(Double), string(String), array([JSONLine])
  case object(KeyValuePairs<String, JSONLine>)
  case members([(String, JSONLine)])

  static func optional(_ value: UInt64?) -> JSONLine { value.map { .number($0) } ?? .null }
  static func optional(_ value: String?) -> JSONLine { value.map { .string($0) } ?? .null }
  static func == (a: JSONLine, b: JSONLine) -> Bool { a.description == b.description }

  var description: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .number(let value): "\(value)"
    case .decimal(let value): value.isFinite ? "\(value)" : "null"
    case .string(let text): JSONLine.quoted(text)
    case .array(let items): "[\(items.map(\.description).joined(separator: ","))]"
    case .object(let pairs): JSONLine.braced(pairs.map { ($0.key, $0.value) })
    case .members(let pairs): JSONLine.braced(pairs)
    }
  }
  private static func braced(_ pairs: [(String, JSONLine)]) -> String {
    "{\(pairs.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ","))}"
  }

  /// RFC 8259 §7.
  static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case "\r": quoted += "\\r"
      case "\t": quoted += "\\t"
      case "\u{0}"..."\u{1f}", "\u{7f}":
        let digits = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}

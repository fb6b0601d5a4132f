import Glibc

/// The environment's variables. One that is empty is none.
enum Environment {
  static subscript(name: String) -> String? {
    guard let value = getenv(name).map({ String(cString: $0) }), !value.isEmpty else { return nil }
    return value
  }
  /// Whether a switch is on: `1`, or another word than these for no.
  static func isSet(_ name: String) -> Bool {
    !["0", "false", "no", "off"].contains(self[name]?.lowercased() ?? "0")
  }
}

/// What is asked for is not wrong, but not here: a test, a role, a dialect that this tool does not have. The tool ends
/// with 127, as the public interoperability runner wants it.
struct Unsupported: Error {
  let sentence: String
  init(_ sentence: String) { self.sentence = sentence }
}

import MoQKernel

extension JSON {
  /// An object of these members, in this order.
  static func members(_ pairs: KeyValuePairs<String, JSON>) -> JSON { .object(pairs.map { Member($0.key, $0.value) }) }
  /// The same as text on one line.
  static func line(_ pairs: KeyValuePairs<String, JSON>) -> String { members(pairs).description }

  static func number(_ value: UInt64) -> JSON { .number("\(value)") }
  static func number(_ value: Double) -> JSON { value.isFinite ? .number("\(value)") : .null }
  static func optional(_ value: UInt64?) -> JSON { value.map { .number($0) } ?? .null }
  static func optional(_ value: String?) -> JSON { value.map { .string($0) } ?? .null }
}

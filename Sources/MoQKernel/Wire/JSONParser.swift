/// Reads one JSON document (RFC 8259), bounded in depth.
struct JSONParser {
  let bytes: [UInt8]
  private var offset = 0
  private var depth = 0
  init(bytes: [UInt8]) { self.bytes = bytes }

  private var next: UInt8? { offset < bytes.count ? bytes[offset] : nil }
  private func fail(_ wanted: String) -> JSON.Malformed { JSON.Malformed(offset: offset, wanted: wanted) }

  mutating func document() throws(JSON.Malformed) -> JSON {
    let value = try value()
    skipSpace()
    guard offset == bytes.count else { throw fail("nothing more") }
    return value
  }
  private mutating func skipSpace() {
    while let c = next, c == 0x20 || c == 0x0a || c == 0x0d || c == 0x09 { offset += 1 }
  }
  private mutating func take(_ c: Character) -> Bool {
    guard let ascii = c.asciiValue, next == ascii else { return false }
    offset += 1
    return true
  }
  private mutating func word(_ word: String, _ value: JSON) throws(JSON.Malformed) -> JSON {
    let utf8 = Array(word.utf8)
    guard bytes.count - offset >= utf8.count, bytes[offset..<(offset + utf8.count)].elementsEqual(utf8) else {
      throw fail(word)
    }
    offset += utf8.count
    return value
  }
  private mutating func value() throws(JSON.Malformed) -> JSON {
    skipSpace()
    guard let c = next else { throw fail("a value") }
    switch c {
    case UInt8(ascii: "{"): return try nested { parser throws(JSON.Malformed) in try parser.object() }
    case UInt8(ascii: "["): return try nested { parser throws(JSON.Malformed) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }
  private mutating func nested(
    _ body: (inout JSONParser) throws(JSON.Malformed) -> JSON
  ) throws(JSON.Malformed) -> JSON {
    guard depth < JSON.maximumDepth else { throw fail("at most \(JSON.maximumDepth) levels") }
    depth += 1
    offset += 1
    let value = try body(&self)
    depth -= 1
    return value
  }
  private mutating func object() throws(JSON.Malformed) -> JSON {
    var members: [JSON.Member] = []
    skipSpace()
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw fail("a key") }
      let key = try string()
      skipSpace()
      guard take(":") else { throw fail("a colon") }
      members.append(JSON.Member(key, try value()))
      skipSpace()
    } while take(",")
    guard take("}") else { throw fail("a comma or }") }
    return .object(members)
  }
  private mutating func array() throws(JSON.Malformed) -> JSON {
    var elements: [JSON] = []
    skipSpace()
    if take("]") { return .array(elements) }
    repeat {
      elements.append(try value())
      skipSpace()
    } while take(",")
    guard take("]") else { throw fail("a comma or ]") }
    return .array(elements)
  }
  private mutating func number() throws(JSON.Malformed) -> JSON {
    let start = offset
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") { try digits() }
    if take("e") || take("E") {
      if !take("+") { _ = take("-") }
      try digits()
    }
    return .number(String(decoding: bytes[start..<offset], as: UTF8.self))
  }
  private mutating func digits() throws(JSON.Malformed) {
    let start = offset
    while let c = next, c >= 0x30, c <= 0x39 { offset += 1 }
    guard offset > start else { throw fail("a value") }
  }
  private mutating func string() throws(JSON.Malformed) -> String {
    offset += 1
    var text: [UInt8] = []
    while let c = next {
      offset += 1
      switch c {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw fail("UTF-8") }
        return string
      case UInt8(ascii: "\\"): try escape(&text)
      case ..<0x20:
        offset -= 1
        throw fail("no control character in a string")
      default: text.append(c)
      }
    }
    throw fail("the end of a string")
  }
  private mutating func escape(_ text: inout [UInt8]) throws(JSON.Malformed) {
    guard let c = next else { throw fail("an escape") }
    offset += 1
    switch c {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(c)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var value = try fourDigits()
      if (0xd800..<0xdc00).contains(value), take("\\"), take("u") {
        let low = try fourDigits()
        guard (0xdc00..<0xe000).contains(low) else { throw fail("a low surrogate") }
        value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let scalar = Unicode.Scalar(value) else { throw fail("a character") }
      text += Array(String(Character(scalar)).utf8)
    default: throw fail("an escape")
    }
  }
  private mutating func fourDigits() throws(JSON.Malformed) -> UInt32 {
    guard bytes.count - offset >= 4,
      let digits = JSON.bytes(hex: String(decoding: bytes[offset..<(offset + 4)], as: UTF8.self)), digits.count == 2
    else { throw fail("four hexadecimal digits") }
    offset += 4
    return UInt32(digits[0]) << 8 | UInt32(digits[1])
  }
}

/// One field of a message: what it is called, where it lies, and what it holds.
public struct Note: Equatable, Sendable, CustomStringConvertible {
  public var name: String
  /// Where in the bytes that were explained.
  public var bytes: Range<Int>
  public var value: String
  public var parts: [Note]
  public init(_ name: String, _ bytes: Range<Int>, _ value: String = "", parts: [Note] = []) {
    (self.name, self.bytes, self.value, self.parts) = (name, bytes, value, parts)
  }
  /// The note and its parts, one line each, indented by two spaces a level.
  public var description: String { lines("").joined(separator: "\n") }
  private func lines(_ indent: String) -> [String] {
    ["\(indent)\(bytes.lowerBound)..<\(bytes.upperBound)  \(name)\(value.isEmpty ? "" : " = \(value)")"]
      + parts.flatMap { $0.lines(indent + "  ") }
  }
  /// For machines: name, from, to, value, parts.
  public var json: JSON {
    var members = [
      JSON.Member("name", .string(name)), JSON.Member("from", .number("\(bytes.lowerBound)")),
      JSON.Member("to", .number("\(bytes.upperBound)")), JSON.Member("value", .string(value)),
    ]
    if !parts.isEmpty { members.append(JSON.Member("parts", .array(parts.map(\.json)))) }
    return .object(members)
  }
}

/// Reads like a reader, and notes every field it passes: as a tree with byte ranges, and as JSON.
struct Explainer: ~Escapable, WireWalk {
  /// Whose names and forms the JSON has: the public vectors', or those of qlog's events for MoQ.
  enum Style { case vectors, qlog }

  var wire: WireReader
  private(set) var notes: [Note] = []
  private var fields: [JSON.Member] = []
  private let keys: VectorKeys
  let style: Style
  /// The JSON form of what was walked.
  var json: JSON { .object(fields) }

  @_lifetime(copy wire)
  init(_ wire: consuming WireReader, message: String, style: Style = .vectors) {
    self.wire = wire
    self.style = style
    keys = VectorKeys(message: message)
  }
  mutating func note(_ name: String, from start: Int, _ value: String = "", parts: [Note] = []) {
    notes.append(Note(name, start..<wire.position, value, parts: parts))
  }
  /// Begins a group of notes; returns those before it.
  mutating func begin() -> (notes: [Note], fields: [JSON.Member]) {
    defer { (notes, fields) = ([], []) }
    return (notes, fields)
  }
  /// Ends a group of notes, which become the parts of one; returns its JSON.
  mutating func end(_ outer: (notes: [Note], fields: [JSON.Member]), _ name: String, from start: Int) -> JSON {
    let (parts, inner) = (notes, json)
    (notes, fields) = outer
    note(name, from: start, parts: parts)
    return inner
  }
  mutating func set(_ key: String, _ json: JSON) { fields.append(JSON.Member(key, json)) }
  private mutating func note(_ name: StaticString, from start: Int, _ value: String, _ json: JSON) {
    note(name.description, from: start, value)
    set(key(name), json)
  }
  private func key(_ name: StaticString) -> String {
    style == .qlog ? VectorKeys.snake(name.description) : keys.key(name)
  }
  private func json(_ value: some BinaryInteger) -> JSON { style == .qlog ? .qlog(value) : .integer(value) }
  private func json(_ bytes: [UInt8]) -> JSON { style == .qlog ? .qlog(bytes) : VectorKeys.json(bytes) }

  mutating func varint(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    let start = wire.position
    try wire.varint(name, &value)
    note(name, from: start, "\(value)", json(value))
  }
  mutating func byte(_ name: StaticString, _ value: inout UInt8) throws(WireError) {
    let start = wire.position
    try wire.byte(name, &value)
    note(name, from: start, "\(value)", json(value))
  }
  mutating func uint16(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    let start = wire.position
    try wire.uint16(name, &value)
    note(name, from: start, "\(value)", .integer(value))
  }
  mutating func bytes(_ name: StaticString, _ value: inout [UInt8], maximum: Int) throws(WireError) {
    let start = wire.position
    try wire.bytes(name, &value, maximum: maximum)
    note(name, from: start, Self.shown(value), json(value))
  }
  mutating func reason(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    try bytes(name, &value, maximum: WireLimits.reasonPhrase)
    guard style == .qlog else { return }
    fields.removeLast()
    let text = String(validating: value, as: UTF8.self)
    set(text == nil ? "reason_bytes" : "reason", .string(text ?? JSON.hex(value)))
  }
  mutating func string(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    let start = wire.position
    try wire.string(name, &value)
    note(name, from: start, Self.shown(value), json(value))
  }
  mutating func rest(_ name: StaticString, _ value: inout [UInt8]) {
    let start = wire.position
    wire.rest(name, &value)
    note(name, from: start, JSON.hex(value), .string(JSON.hex(value)))
  }
  mutating func tuple(_ name: StaticString, _ value: inout TrackNamespace, _ form: NamespaceForm) throws(WireError) {
    let start = wire.position
    try wire.tuple(name, &value, form)
    note(name, from: start, value.path, .array(value.fields.map { json($0) }))
  }
  mutating func parts(
    _ count: StaticString, _ name: StaticString, _ value: inout TrackNamespace, _ form: NamespaceForm
  ) throws(WireError) {
    let start = wire.position
    try wire.parts(count, name, &value, form)
    note(count.description, from: start, value.path)
    set(keys.plural(name), .array(value.fields.map { VectorKeys.json($0) }))
  }
  mutating func path(_ name: StaticString, _ value: inout TrackNamespace, _ form: PathForm) throws(WireError) {
    let start = wire.position
    try wire.path(name, &value, form)
    note(name, from: start, value.path, .string(value.path))
  }
  mutating func paths(_ count: StaticString, _ name: StaticString, _ list: inout [TrackNamespace]) throws(WireError) {
    let start = wire.position
    try wire.paths(count, name, &list)
    note(name.description, from: start, list.map(\.path).joined(separator: ", "))
    set(keys.plural(name), .array(list.map { .string($0.path) }))
  }
  mutating func location(_ name: StaticString, _ value: inout Location) throws(WireError) {
    let start = wire.position
    try wire.location(name, &value)
    note(name.description, from: start, "\(value)")
    if style == .vectors, let flat = keys.flattened(name) {
      set(flat.group, .integer(value.group))
      set(flat.object, .integer(value.object))
    } else {
      set(key(name), .object([JSON.Member("group", json(value.group)), JSON.Member("object", json(value.object))]))
    }
  }
  mutating func numbers(_ count: StaticString, _ name: StaticString, _ list: inout [UInt64]) throws(WireError) {
    let start = wire.position
    try wire.numbers(count, name, &list)
    note(name.description, from: start, list.map { "0x" + String($0, radix: 16) }.joined(separator: ", "))
    set(keys.plural(name), .array(list.map { json($0) }))
  }
  mutating func parameters(
    _ count: StaticString, _ name: StaticString, _ list: inout [Parameter], _ spelling: ParameterSpelling
  ) throws(WireError) {
    let start = wire.position, outer = (notes, fields)
    var parts: [Note] = [], known: [JSON.Member] = [], unknown: [JSON] = [], listed: [JSON] = []
    var number: UInt64 = 0, seen: UInt16 = 0
    list = []
    func close(_ explainer: inout Self) {
      (explainer.notes, explainer.fields) = outer
      explainer.note(name.description, from: start, "\(number)", parts: parts)
    }
    do throws(WireError) {
      try wire.varint(count, &number)
      guard number <= Parameter.maximumCount else { throw .tooLong(.init(count), number, wanted: "at most 64") }
      for _ in 0..<number {
        let start = wire.position
        (notes, fields) = ([], [])
        var parameter = Parameter(.unknown(0), .number(0))
        do throws(WireError) { try self.parameter(&parameter, spelling, &seen) } catch {
          parts.append(Note("parameter", start..<wire.position, parts: notes))
          throw error
        }
        list.append(parameter)
        let key = VectorKeys.key(parameter.key, spelling.form)
        parts.append(Note(key, start..<wire.position, parts: notes))
        if style == .qlog {
          listed.append(.qlog(parameter, called: key))
        } else if case .unknown(let code) = parameter.key {
          unknown.append(.parameter(code, parameter.value))
        } else {
          let value = fields.first { $0.key == "value" }?.value ?? .object(fields.filter { $0.key != "type" })
          known.add(key, value)
        }
      }
    } catch {
      close(&self)
      throw error
    }
    close(&self)
    if style == .qlog {
      set("number_of_parameters", json(number))
      return set(isSetup ? "setup_parameters" : "parameters", .array(listed))
    }
    if !unknown.isEmpty { known.append(JSON.Member("unknown", .array(unknown))) }
    set("parameters", .object(known))
  }
  private var isSetup: Bool { ["CLIENT_SETUP", "SERVER_SETUP"].contains(keys.message) }
  mutating func enter(_ name: StaticString, _ length: Framing.Length) throws(WireError) -> Int {
    let start = wire.position
    let outer = try wire.beginBody(length, name)
    note(name.description, from: start, "\(wire.remaining)")
    return outer
  }
  mutating func leave(_: Framing.Length, _ outer: Int) throws(WireError) { try wire.finish(outer) }
  @_lifetime(value: copy self, copy value)
  mutating func extensions(_ form: ExtensionForm, _ value: inout RawSpan) throws(WireError) {
    let start = wire.position
    try wire.extensions(form, &value)
    let bytes = value.withUnsafeBytes { [UInt8]($0) }
    note("Extension headers", from: start, JSON.hex(bytes))
    let list = Self.pairs(bytes)
    switch form {
    case .count where style == .vectors: set("extension_count", .integer(list?.count ?? 0))
    default: set("extension_headers_length", .integer(bytes.count))
    }
    if !bytes.isEmpty {
      set("extension_headers_hex", .string(JSON.hex(bytes)))
      if let list { set("extension_headers", .array(list)) }
    }
  }
  /// Key-value pairs one by one; nil where the bytes are none.
  private static func pairs(_ bytes: [UInt8]) -> [JSON]? {
    var reader = WireReader(bytes.span.bytes), list: [JSON] = []
    while reader.remaining > 0 {
      guard let type = reader.varint(), let number = reader.varint() else { return nil }
      var members = [JSON.Member("type", .integer(type))]
      if type.isMultiple(of: 2) {
        members.append(JSON.Member("value", .integer(number)))
      } else {
        guard number <= UInt64(reader.remaining), let value = reader.slice(Int(number)) else { return nil }
        members.append(JSON.Member("value_hex", .string(JSON.hex(value.withUnsafeBytes { [UInt8]($0) }))))
      }
      list.append(.object(members))
    }
    return list
  }
  /// Bytes for people: text where it is text, else hexadecimal.
  static func shown(_ bytes: [UInt8]) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else { return "0x" + JSON.hex(bytes) }
    return "\"\(text)\""
  }
}

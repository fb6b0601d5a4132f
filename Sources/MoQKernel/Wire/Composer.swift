/// Fills a message from the JSON of the public vectors: the explainer, backwards.
struct Composer: WireWalk {
  private let json: JSON
  private let keys: VectorKeys
  init(_ json: JSON, message: String) { (self.json, keys) = (json, VectorKeys(message: message)) }

  private subscript(name: StaticString) -> JSON? { json[keys.key(name)] }

  mutating func varint(_ name: StaticString, _ value: inout UInt64) throws(WireError) {
    guard let number = self[name]?.integer else { throw .truncated(.init(name)) }
    value = number
  }
  mutating func byte(_ name: StaticString, _ value: inout UInt8) throws(WireError) {
    guard let number = self[name]?.integer else { throw .truncated(.init(name)) }
    guard let byte = UInt8(exactly: number) else { throw .invalid(.init(name), number, wanted: "a byte") }
    value = byte
  }
  mutating func uint16(_ name: StaticString, _ value: inout UInt64) throws(WireError) { try varint(name, &value) }
  mutating func bytes(_ name: StaticString, _ value: inout [UInt8], maximum: Int) throws(WireError) {
    guard let bytes = VectorKeys.bytes(self[name]) else { throw .truncated(.init(name)) }
    value = bytes
  }
  mutating func reason(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    try bytes(name, &value, maximum: .max)
  }
  mutating func string(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    try bytes(name, &value, maximum: .max)
  }
  mutating func rest(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    guard let bytes = self[name]?.text.flatMap({ JSON.bytes(hex: $0) }) else { throw .truncated(.init(name)) }
    value = bytes
  }
  mutating func tuple(_ name: StaticString, _ value: inout TrackNamespace, _: NamespaceForm) throws(WireError) {
    value = try namespace(self[name], name)
  }
  mutating func parts(
    _: StaticString, _ name: StaticString, _ value: inout TrackNamespace, _: NamespaceForm
  ) throws(WireError) {
    value = try namespace(json[keys.plural(name)], name)
  }
  private func namespace(_ json: JSON?, _ name: StaticString) throws(WireError) -> TrackNamespace {
    guard let fields = json?.elements else { throw .truncated(.init(name)) }
    var namespace = TrackNamespace()
    for field in fields {
      guard let bytes = VectorKeys.bytes(field) else { throw .truncated(.init(name)) }
      namespace.append(bytes)
    }
    return namespace
  }
  mutating func path(_ name: StaticString, _ value: inout TrackNamespace, _: PathForm) throws(WireError) {
    guard let text = self[name]?.text else { throw .truncated(.init(name)) }
    value = TrackNamespace(path: text)
  }
  mutating func paths(_: StaticString, _ name: StaticString, _ list: inout [TrackNamespace]) throws(WireError) {
    guard let paths = json[keys.plural(name)]?.elements else { throw .truncated(.init(name)) }
    list = []
    for path in paths {
      guard let text = path.text else { throw .truncated(.init(name)) }
      list.append(TrackNamespace(path: text))
    }
  }
  mutating func location(_ name: StaticString, _ value: inout Location) throws(WireError) {
    let flat = keys.flattened(name), whole = self[name]
    guard
      let group = (flat.map { json[$0.group] } ?? whole?["group"])?.integer,
      let object = (flat.map { json[$0.object] } ?? whole?["object"])?.integer
    else { throw .truncated(.init(name)) }
    value = Location(group, object)
  }
  mutating func numbers(_: StaticString, _ name: StaticString, _ list: inout [UInt64]) throws(WireError) {
    guard let numbers = json[keys.plural(name)]?.elements else { throw .truncated(.init(name)) }
    list = numbers.compactMap(\.integer)
    guard list.count == numbers.count else { throw .truncated(.init(name)) }
  }

  /// Parameters come in ascending order of their numbers, as all vectors have them: JSON knows no order.
  mutating func parameters(
    _: StaticString, _ name: StaticString, _ list: inout [Parameter], _ spelling: ParameterSpelling
  ) throws(WireError) {
    guard let members = json["parameters"]?.members else { throw .truncated(.init(name)) }
    var found: [(code: UInt64, parameter: Parameter)] = []
    for member in members {
      if member.key == "unknown" {
        for entry in member.value.elements ?? [] {
          guard let id = entry["id"]?.text, id.hasPrefix("0x"), let code = UInt64(id.dropFirst(2), radix: 16) else {
            throw .truncated("Parameter Type")
          }
          found.append((code, Parameter(.unknown(code), try Self.unknown(entry, code, spelling))))
        }
        continue
      }
      guard let key = VectorKeys.parameters.first(where: { VectorKeys.key($0, spelling.form) == member.key }),
        let code = spelling.code(of: key)
      else { throw .inexpressible("Parameter Type") }
      for entry in member.value.elements ?? [member.value] {
        var fields = entry.members.flatMap { entry["hex"] == nil ? $0 : nil } ?? [JSON.Member("value", entry)]
        fields.append(JSON.Member("type", .integer(code)))
        var seen: UInt16 = 0, inner = Composer(.object(fields), message: keys.message),
          parameter = Parameter(key, .number(0))
        try inner.parameter(&parameter, spelling, &seen)
        found.append((code, parameter))
      }
    }
    // A stable sort: repeated ones keep their order.
    list = found.enumerated().sorted { ($0.element.code, $0.offset) < ($1.element.code, $1.offset) }
      .map(\.element.parameter)
  }
  private static func unknown(
    _ entry: JSON, _ code: UInt64, _ spelling: ParameterSpelling
  ) throws(WireError) -> Parameter.Value {
    guard let raw = entry["raw_hex"]?.text.flatMap({ JSON.bytes(hex: $0) }) else { throw .truncated("Value") }
    guard case .number = spelling.kind(of: .unknown(code), code) else { return .bytes(raw) }
    var reader = WireReader(raw.span.bytes)
    guard let number = reader.varint(), reader.remaining == 0 else { throw .invalid("Value", code, wanted: "a varint") }
    return .number(number)
  }

  /// Lengths are not in the JSON; what they enclose is.
  mutating func enter(_: StaticString, _: Framing.Length) -> Int { 0 }
  mutating func leave(_: Framing.Length, _: Int) {}
  @_lifetime(value: copy value)
  mutating func extensions(_: ExtensionForm, _ value: inout RawSpan) throws(WireError) {
    throw .inexpressible("Extension headers")
  }
}

extension Dialect {
  /// The message that the JSON of a test vector describes. Its name tells it from others: `SUBSCRIBE_OK`.
  public static func compose(_ kind: MessageKind, from json: JSON) throws(MessageError) -> Message {
    var message = Message(blank: kind), composer = Composer(json, message: name(of: kind))
    do throws(WireError) { try walk(&message, &composer) } catch { throw explain(error, in: kind) }
    return message
  }
}

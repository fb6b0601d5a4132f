// The forms of draft-pardue-moq-qlog-moq-events, where they differ from those of the public vectors.

extension JSON {
  /// A number; as text where a reader of JSON may not be able to hold it.
  static func qlog(_ value: some BinaryInteger) -> JSON { value < 1 << 53 ? .number("\(value)") : .string("\(value)") }
  /// A MOQTByteString.
  static func qlog(_ bytes: [UInt8]) -> JSON {
    if let text = String(validating: bytes, as: UTF8.self) { return .object([Member("value", .string(text))]) }
    return .object([Member("value_bytes", .string(hex(bytes)))])
  }
  /// A RawInfo; `data` nil: only its length is told.
  static func rawInfo(_ length: Int, _ data: [UInt8]? = nil) -> JSON {
    .object([Member("length", .qlog(length))] + (data.map { [Member("data", .string(hex($0)))] } ?? []))
  }
  /// A MOQTParameter. Of a token's value only the length is told.
  static func qlog(_ parameter: Parameter, called name: String) -> JSON {
    // Two that the events call by another name than the vectors.
    let name =
      switch parameter.key {
      case .implementation: "implementation"
      case .authorization: "authorization_token"
      default: name
      }
    var members = [Member("name", .string(name))]
    switch (parameter.key, parameter.value) {
    case (.authorization, let value):
      let (alias, type, secret): (UInt64?, UInt64?, [UInt8]?)
      let form: String
      switch value.token {
      case .delete(let a): (form, alias, type, secret) = ("delete", a, nil, nil)
      case .register(let a, let t, let v): (form, alias, type, secret) = ("register", a, t, v)
      case .alias(let a): (form, alias, type, secret) = ("use_alias", a, nil, nil)
      case .value(let t, let v): (form, alias, type, secret) = ("use_value", nil, t, v)
      }
      members.append(Member("alias_type", .string(form)))
      if let alias { members.append(Member("token_alias", .qlog(alias))) }
      if let type { members.append(Member("token_type", .qlog(type))) }
      if let secret { members.append(Member("token_value", .rawInfo(secret.count))) }
    case (.unknown(let code), .number(let number)):
      members += [Member("name_bytes", .qlog(code)), Member("value", .qlog(number))]
    case (.unknown(let code), let value):
      members += [
        Member("name_bytes", .qlog(code)), Member("length", .qlog(value.bytes.count)),
        Member("value_bytes", .rawInfo(value.bytes.count, value.bytes)),
      ]
    case (_, .number(let number)): members.append(Member("value", .qlog(number)))
    case (_, let value): members += JSON.qlog(value.bytes).members ?? []
    }
    return .object(members)
  }
  /// Whether a token's value is somewhere within.
  var hasToken: Bool {
    switch self {
    case .array(let elements): elements.contains { $0.hasToken }
    case .object(let members): members.contains { $0.key == "token_value" || $0.value.hasToken }
    default: false
    }
  }
}

extension Dialect {
  /// A control message as qlog's events have it: `type`, then the fields by the dialect's own names.
  static func qlog(_ bytes: [UInt8], as kind: MessageKind) -> JSON {
    var explainer = Explainer(
      WireReader(bytes.span.bytes, integers: objects.integers), message: name(of: kind), style: .qlog)
    var message = Message(blank: kind)
    // What was written or read a moment ago can be read again; if not, what there is of it is shown.
    try? { () throws(WireError) in
      _ = try explainer.open(type(of: kind), framing(of: kind))
      try walk(&message, &explainer)
    }()
    return .object([JSON.Member("type", .string(VectorKeys.event(name(of: kind))))] + (explainer.json.members ?? []))
  }
}

extension VectorKeys {
  /// "SUBSCRIBE_OK", "Announce Please": subscribe_ok, announce_please.
  static func event(_ name: String) -> String {
    String(name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "_" })
  }
}

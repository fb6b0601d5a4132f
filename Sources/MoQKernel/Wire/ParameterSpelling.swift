/// Which numbers a draft gives to parameters, and in which form it writes them. One value serves both ways.
public struct ParameterSpelling: Sendable {
  /// `lengths`: type, length, value, through 10. `pairs`: an even type has a number, an odd one bytes.
  /// `extensions`: moq-lite's id and bytes.
  public enum Form: Sendable { case lengths, pairs, extensions }
  public enum Kind: Sendable { case number, countedNumber, token, tokenValue, bytes }
  public var form: Form
  // No dialect has numbers as large as the one that stands for none here.
  @usableFromInline var role, path, maxRequestID, authorization, maxTokenCacheSize, authority: UInt64
  @usableFromInline var implementation, deliveryTimeout, maxCacheDuration: UInt64
  @inlinable public init(
    _ form: Form, role: UInt64? = nil, path: UInt64? = nil, maxRequestID: UInt64? = nil,
    authorization: UInt64? = nil, maxTokenCacheSize: UInt64? = nil, authority: UInt64? = nil,
    implementation: UInt64? = nil, deliveryTimeout: UInt64? = nil, maxCacheDuration: UInt64? = nil
  ) {
    self.form = form
    (self.role, self.path, self.maxRequestID) = (role ?? .max, path ?? .max, maxRequestID ?? .max)
    (self.authorization, self.maxTokenCacheSize) = (authorization ?? .max, maxTokenCacheSize ?? .max)
    (self.authority, self.implementation) = (authority ?? .max, implementation ?? .max)
    (self.deliveryTimeout, self.maxCacheDuration) = (deliveryTimeout ?? .max, maxCacheDuration ?? .max)
  }

  /// The number of a meaning, or nil where the draft has none for it.
  public func code(of key: Parameter.Key) -> UInt64? {
    let code =
      switch key {
      case .role: role
      case .path: path
      case .maxRequestID: maxRequestID
      case .authorization: authorization
      case .maxTokenCacheSize: maxTokenCacheSize
      case .authority: authority
      case .implementation: implementation
      case .deliveryTimeout: deliveryTimeout
      case .maxCacheDuration: maxCacheDuration
      case .unknown(let code): code
      }
    return code == .max ? nil : code
  }
  public func key(of code: UInt64) -> Parameter.Key {
    if code == .max { return .unknown(code) }
    if code == role { return .role }
    if code == path { return .path }
    if code == maxRequestID { return .maxRequestID }
    if code == authorization { return .authorization }
    if code == maxTokenCacheSize { return .maxTokenCacheSize }
    if code == authority { return .authority }
    if code == implementation { return .implementation }
    if code == deliveryTimeout { return .deliveryTimeout }
    if code == maxCacheDuration { return .maxCacheDuration }
    return .unknown(code)
  }
  public func kind(of key: Parameter.Key, _ code: UInt64) -> Kind {
    switch key {
    case _ where form == .extensions, .unknown where form == .lengths, .path, .authority, .implementation: .bytes
    case .authorization: form == .pairs ? .token : .tokenValue
    case .unknown: code.isMultiple(of: 2) ? .number : .bytes
    default: form == .pairs ? .number : .countedNumber
    }
  }
  /// Whether a parameter's value has the form that this draft writes, so that nothing is lost.
  public func accepts(_ parameter: Parameter) -> Bool {
    guard let code = code(of: parameter.key), key(of: code) == parameter.key else { return false }
    return switch (kind(of: parameter.key, code), parameter.value) {
    case (.number, .number), (.countedNumber, .number), (.token, .token), (.tokenValue, .token), (.bytes, .bytes): true
    default: false
    }
  }
  /// Notes that a parameter was there, and refuses to see it again where it may come once (§9.2 of draft-14).
  @usableFromInline func once(_ key: Parameter.Key, _ seen: inout UInt16) throws(WireError) {
    guard let bit = key.bit else { return }
    guard seen & bit == 0 else { throw WireError(.duplicate, "Type", found: code(of: key) ?? 0, wanted: "it once") }
    seen |= bit
  }
}

extension Parameter.Key {
  /// A bit for each parameter that may come once in a message; nil: it may be repeated.
  var bit: UInt16? {
    switch self {
    case .role: 1
    case .path: 2
    case .maxRequestID: 4
    case .maxTokenCacheSize: 8
    case .authority: 16
    case .implementation: 32
    case .deliveryTimeout: 64
    case .maxCacheDuration: 128
    case .authorization, .unknown: nil
    }
  }
}

extension Parameter.Value {
  /// The number, or 0 where the value is none.
  public var number: UInt64 { if case .number(let n) = self { n } else { 0 } }
  /// The token; bytes are a token's value, as through draft-10.
  public var token: AuthorizationToken { if case .token(let t) = self { t } else { .value(type: 0, bytes) } }
  /// The bytes, or none where the value is no bytes.
  public var bytes: [UInt8] { if case .bytes(let bytes) = self { bytes } else { [] } }
}

extension AuthorizationToken: Layout {
  public static var type: UInt64? { nil }
  public static var section: StaticString { "§9.2.1.1" }
  @inlinable public static func walk(_ m: inout AuthorizationToken, _ wire: inout some Wire) throws(WireError) {
    var (form, alias, type, value): (UInt64, UInt64, UInt64, [UInt8])
    switch m {
    case .delete(let a): (form, alias, type, value) = (0, a, 0, [])
    case .register(let a, let t, let v): (form, alias, type, value) = (1, a, t, v)
    case .alias(let a): (form, alias, type, value) = (2, a, 0, [])
    case .value(let t, let v): (form, alias, type, value) = (3, 0, t, v)
    }
    try wire.varint("Alias Type", &form)
    guard form <= 3 else { throw .invalid("Alias Type", form, wanted: "0 to 3") }
    if wire.includes(form < 3) { try wire.varint("Token Alias", &alias) }
    if wire.includes(form == 1 || form == 3) { try wire.varint("Token Type", &type) }
    if wire.includes(form == 1 || form == 3) { try wire.rest("Token Value", &value) }
    switch form {
    case 0: m = .delete(alias: alias)
    case 1: m = .register(alias: alias, type: type, value)
    case 2: m = .alias(alias)
    default: m = .value(type: type, value)
    }
  }
}

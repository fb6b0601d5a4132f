/// One walk over a message's fields, in wire order.
///
/// A layout is written once and walked by whoever comes: a reader fills the fields in, a writer puts them
/// on the wire, a tracer prints the draft's figure, an explainer annotates bytes, and a composer fills a
/// message from JSON. Because there is no second function to forget, what is written is what is read.
///
/// The requirements are the vocabulary of spellings; everything else is built from them below.
public protocol WireWalk: PlainWalk, ~Copyable, ~Escapable {
  /// A length of at most `maximum`, then that many bytes.
  mutating func bytes(_ name: StaticString, _ value: inout [UInt8], maximum: Int) throws(WireError)
  /// A reason phrase: a length of at most `WireLimits.reasonPhrase`, then that many bytes.
  mutating func reason(_ name: StaticString, _ value: inout [UInt8]) throws(WireError)
  /// moq-lite's string: a length, then that many bytes of UTF-8.
  mutating func string(_ name: StaticString, _ value: inout [UInt8]) throws(WireError)
  /// All that is left of the body.
  mutating func rest(_ name: StaticString, _ value: inout [UInt8]) throws(WireError)
  mutating func tuple(_ name: StaticString, _ value: inout TrackNamespace, _ form: NamespaceForm) throws(WireError)
  /// A namespace as transfork's path: how many parts, then each as a length and its bytes.
  mutating func parts(
    _ count: StaticString, _ name: StaticString, _ value: inout TrackNamespace, _ form: NamespaceForm) throws(WireError)
  /// The same of a namespace and a name, which is the last part.
  mutating func parts(
    _ count: StaticString, _ name: StaticString, _ value: inout TrackNamespace, last: inout [UInt8],
    _ form: NamespaceForm) throws(WireError)
  /// A namespace as moq-lite's string: its fields joined by `/`.
  mutating func path(_ name: StaticString, _ value: inout TrackNamespace, _ form: PathForm) throws(WireError)
  mutating func paths(_ count: StaticString, _ name: StaticString, _ list: inout [TrackNamespace]) throws(WireError)
  mutating func location(_ name: StaticString, _ value: inout Location) throws(WireError)
  mutating func numbers(_ count: StaticString, _ name: StaticString, _ list: inout [UInt64]) throws(WireError)
  mutating func parameters(
    _ count: StaticString, _ name: StaticString, _ list: inout [Parameter], _ spelling: ParameterSpelling
  ) throws(WireError)
}

/// The spellings that the headers of streams and objects need: numbers, and extension headers, which stay where they
/// are. A reader and a writer that know no more than these are quicker than those that know all (`QuickReader`).
public protocol PlainWalk: ~Copyable, ~Escapable {
  /// Whether the walk fills a value in, as a reader does, or takes it as it is, as a writer does.
  static var fills: Bool { get }
  mutating func varint(_ name: StaticString, _ value: inout UInt64) throws(WireError)
  mutating func byte(_ name: StaticString, _ value: inout UInt8) throws(WireError)
  /// Two bytes, the higher first.
  mutating func uint16(_ name: StaticString, _ value: inout UInt64) throws(WireError)
  /// Begins a body of fields, before which its length stands; returns what `leave` wants to know.
  mutating func enter(_ name: StaticString, _ length: Framing.Length) throws(WireError) -> Int
  /// Ends a body, all of whose bytes its fields must have used.
  mutating func leave(_ length: Framing.Length, _ body: Int) throws(WireError)
  /// An object's extension headers, borrowed from the bytes being read.
  @_lifetime(value: copy self, copy value)
  mutating func extensions(_ form: ExtensionForm, _ value: inout RawSpan) throws(WireError)

  /// Whether fields that are there only on a condition are part of this walk.
  ///
  /// Readers and writers answer with the condition. A tracer answers as it likes, and finds the brackets
  /// of a figure by which lines vanish when it says no; so no closing call is needed, and an ordinary
  /// `if` does. A layout never branches on a value in any other way.
  mutating func includes(_ condition: Bool) -> Bool
}

/// What a layout is handed. Readers borrow their bytes and writers own theirs, so neither may be copied out.
public typealias Wire = WireWalk & ~Copyable & ~Escapable
/// What the walk of a header is handed.
public typealias PlainWire = PlainWalk & ~Copyable & ~Escapable

/// Bounds of fields, where the drafts name one or we need one. What is beyond is refused before it is stored.
public enum WireLimits {
  /// Bytes of a reason phrase (draft-11 and later, §1.4.3 of draft-14).
  public static var reasonPhrase: Int { 1_024 }
  /// Bytes of a New Session URI in GOAWAY (§9.4 of draft-14).
  public static var sessionURI: Int { 8_192 }
  /// Bytes of a key-value pair's value (§1.4.2 of draft-14).
  public static var parameterValue: Int { 65_535 }
  /// Versions in a CLIENT_SETUP. No draft names a bound; the longest recorded list has six.
  public static var versions: UInt64 { 256 }
  /// Bytes of an object's extension headers. No draft names a bound; they are stored until they are whole.
  public static var extensions: UInt64 { 65_536 }
  /// Bytes of a track's path in transfork (§6.7 of transfork-03).
  public static var transforkPath: Int { 1_023 }
  /// The largest integer that RFC 9000 can write.
  public static var varint: UInt64 { 0x3fff_ffff_ffff_ffff }
  /// Bytes of a control message after its type and length, where 16 bits do not bound it anyway.
  public static var message: Int { 65_535 }
}

/// What a draft allows a namespace tuple to be.
public struct NamespaceForm: Sendable {
  /// The fewest fields: 1 through draft-16, 0 since draft-17.
  public var fewest: Int
  /// Whether a field may be empty, as through draft-15.
  public var allowsEmptyFields: Bool
  /// The most bytes of all fields together.
  public var maximumBytes: Int
  @inlinable public init(
    fewest: Int = 1, allowsEmptyFields: Bool = true, maximumBytes: Int = TrackNamespace.maximumBytes
  ) {
    (self.fewest, self.allowsEmptyFields, self.maximumBytes) = (fewest, allowsEmptyFields, maximumBytes)
  }
}

/// Which slashes a namespace has that is written as one string.
public enum PathForm: Sendable {
  /// Between its fields. Others mean nothing.
  case plain
  /// Before each field as well; alone where there is none.
  case rooted
  /// Before and behind each field.
  case enclosed
}

extension PlainWalk where Self: ~Copyable & ~Escapable {
  @inlinable public static var fills: Bool { true }
  @inlinable public func includes(_ condition: Bool) -> Bool { condition }

  /// A field this dialect has no words for. It costs no bytes: a reader gets what the draft implies, and a
  /// writer must not mean anything else.
  @inlinable @inline(__always)
  public func implied<V: Equatable>(_ name: StaticString, _ value: inout V, _ meaning: V) throws(WireError) {
    if Self.fills {
      value = meaning
    } else {
      guard value == meaning else { throw .inexpressible(.init(name)) }
    }
  }
  /// The same of a list, which is most often empty.
  @inlinable @inline(__always)
  public func implied<E: Equatable>(_ name: StaticString, _ list: inout [E], _ meaning: [E]) throws(WireError) {
    if list.isEmpty, meaning.isEmpty { return }
    if Self.fills {
      list = meaning
    } else {
      guard list == meaning else { throw .inexpressible(.init(name)) }
    }
  }
  /// Whether what is to be written has words in this dialect. Asks writers only: a reader has not read it yet.
  @inlinable @inline(__always)
  public func expressible(_ name: StaticString, _ condition: @autoclosure () -> Bool) throws(WireError) {
    guard Self.fills || condition() else { throw .inexpressible(.init(name)) }
  }
}

extension WireWalk where Self: ~Copyable & ~Escapable {
  /// A length, then that many bytes, bounded by the message alone.
  @inlinable public mutating func bytes(_ name: StaticString, _ value: inout [UInt8]) throws(WireError) {
    try bytes(name, &value, maximum: .max)
  }
  @inlinable public mutating func tuple(_ name: StaticString, _ value: inout TrackNamespace) throws(WireError) {
    try tuple(name, &value, NamespaceForm())
  }
  @inlinable public mutating func path(_ name: StaticString, _ value: inout TrackNamespace) throws(WireError) {
    try path(name, &value, .plain)
  }
  @inlinable public mutating func parts(
    _: StaticString, _ name: StaticString, _ value: inout TrackNamespace, _ form: NamespaceForm
  ) throws(WireError) {
    try tuple(name, &value, form)
  }
  @inlinable public mutating func parts(
    _ count: StaticString, _ name: StaticString, _ value: inout TrackNamespace, last: inout [UInt8],
    _ form: NamespaceForm
  ) throws(WireError) {
    try joined(&value, &last) { wire, path throws(WireError) in try wire.parts(count, name, &path, form) }
  }
  /// A namespace and a name, which is the last field of what `spell` spells.
  @inlinable public mutating func joined(
    _ namespace: inout TrackNamespace, _ name: inout [UInt8],
    _ spell: (inout Self, inout TrackNamespace) throws(WireError) -> Void
  ) throws(WireError) {
    var path = namespace
    if !Self.fills { path.append(name) }
    try spell(&self, &path)
    guard Self.fills else { return }
    guard let last = path.removeLast() else { throw .invalid("Track Path", 0, wanted: "a part at least") }
    (namespace, name) = (path, last)
  }
  /// A length, then fields that use exactly that many bytes.
  @inlinable public mutating func within(
    _ name: StaticString, _ length: Framing.Length = .varint, _ fields: (inout Self) throws(WireError) -> Void
  ) throws(WireError) {
    let body = try enter(name, length)
    try fields(&self)
    try leave(length, body)
  }
  /// A one-byte truth value.
  @inlinable @inline(__always) public mutating func flag(_ name: StaticString, _ value: inout Bool) throws(WireError) {
    var raw: UInt8 = value ? 1 : 0
    try byte(name, &raw)
    guard raw <= 1 else { throw .invalid(.init(name), UInt64(raw), wanted: "0 or 1") }
    value = raw == 1
  }
  /// A one-byte code point.
  @inlinable @inline(__always) public mutating func code<C: RawRepresentable<UInt8>>(
    _ name: StaticString, _ value: inout C, wanted: WireError.Field = "a defined value"
  ) throws(WireError) {
    var raw = value.rawValue
    try byte(name, &raw)
    guard let known = C(rawValue: raw) else { throw .invalid(.init(name), UInt64(raw), wanted: wanted) }
    value = known
  }
  /// A track's full name: its namespace and its name, which are bounded together.
  @inlinable public mutating func fullName(
    _ namespaceField: StaticString, _ namespace: inout TrackNamespace, _ nameField: StaticString, _ name: inout [UInt8],
    _ form: NamespaceForm = NamespaceForm()
  ) throws(WireError) {
    try tuple(namespaceField, &namespace, form)
    try bytes(nameField, &name, maximum: TrackNamespace.maximumBytes)
    guard namespace.fits(with: name.count) else {
      throw .tooLong(
        .init(nameField), UInt64(namespace.byteCount + name.count), wanted: "a full track name of at most 4096 bytes")
    }
  }
  /// A list of versions, which must not be empty.
  @inlinable public mutating func versions(
    _ count: StaticString, _ name: StaticString, _ list: inout [UInt64]
  ) throws(WireError) {
    try numbers(count, name, &list)
    guard !list.isEmpty else { throw .invalid(.init(count), 0, wanted: "at least one version") }
  }

  /// One parameter, by the rules of its draft. `seen`: what came before in the same list.
  @inlinable public mutating func parameter(
    _ p: inout Parameter, _ spelling: ParameterSpelling, _ seen: inout UInt16
  ) throws(WireError) {
    guard var code = spelling.code(of: p.key) else { throw .inexpressible("Parameter Type") }
    try varint(spelling.form == .extensions ? "Extension ID" : "Type", &code)
    if Self.fills { p.key = spelling.key(of: code) }
    try spelling.once(p.key, &seen)
    switch spelling.kind(of: p.key, code) {
    case .number:
      var value = p.value.number
      try varint("Value", &value)
      p.value = .number(value)
    case .countedNumber:
      var value = p.value.number
      try within("Length") { wire throws(WireError) in try wire.varint("Value", &value) }
      p.value = .number(value)
    case .token:
      var token = p.value.token
      do throws(WireError) {
        try within("Length") { wire throws(WireError) in
          do throws(WireError) { try AuthorizationToken.walk(&token, &wire) } catch {
            guard error.kind != .inexpressible else { throw error }
            throw WireError(.malformedValue, error.field, found: error.found, wanted: "a Token")
          }
        }
      } catch {
        guard error.kind == .trailing else { throw error }
        throw WireError(.malformedValue, "Token Value", found: error.found, wanted: "the end of the Token")
      }
      p.value = .token(token)
    case .tokenValue:
      // 07–10 know only the value of a token.
      guard case .value(type: 0, var value) = p.value.token else { throw .inexpressible("Token Type") }
      try bytes("Value", &value, maximum: WireLimits.parameterValue)
      p.value = .token(.value(type: 0, value))
    case .bytes:
      var value = p.value.bytes
      try bytes(
        spelling.form == .extensions ? "Extension Payload" : "Value", &value, maximum: WireLimits.parameterValue)
      if Self.fills { p.value = .bytes(value) }
    }
  }
  /// What readers and writers make of a parameter list.
  @inlinable @inline(__always) public mutating func eachParameter(
    _ name: StaticString, _ list: inout [Parameter], _ spelling: ParameterSpelling
  ) throws(WireError) {
    var count = UInt64(list.count)
    try varint(name, &count)
    // Most messages have none.
    if count > 0 { try eachOf(count, name, &list, spelling) }
  }
  @inlinable mutating func eachOf(
    _ count: UInt64, _ name: StaticString, _ list: inout [Parameter], _ spelling: ParameterSpelling
  ) throws(WireError) {
    guard count <= Parameter.maximumCount else { throw .tooLong(.init(name), count, wanted: "at most 64") }
    var seen: UInt16 = 0
    for index in 0..<Int(count) {
      // An element is walked as a local, so that a writer never makes the list unique.
      var parameter = index < list.count ? list[index] : Parameter(.unknown(0), .number(0))
      if index < list.count, !spelling.accepts(parameter) { throw .inexpressible("Parameter") }
      try self.parameter(&parameter, spelling, &seen)
      if index == list.count { list.append(parameter) }
    }
  }
}

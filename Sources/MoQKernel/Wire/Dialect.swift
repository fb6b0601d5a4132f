/// A version of the protocol, as the kernel sees it: a spelling for every message the kernel can mean.
///
/// A new kernel message is a new requirement here, and no draft compiles until it says how it is spelled.
/// Messages carry the names that draft-14 gives them, whatever the dialect calls them.
public protocol Dialect: SendableMetatype {
  /// What people call it: `draft-14`, `moq-lite-01`.
  static var name: String { get }
  /// The peers' deviation from the text that this is for: a profile's name; nil: the text itself.
  static var profile: String? { get }
  /// The number that stands for it in a version list.
  static var version: UInt64 { get }
  static var framing: Framing { get }
  /// How one message is framed, where it is not like the others.
  static func framing(of kind: MessageKind) -> Framing
  /// The data plane.
  static var objects: ObjectForms { get }
  /// The bidirectional streams, where each begins with its type and carries one request; empty: all messages
  /// go over one control stream.
  static var requestStreams: [RequestStream] { get }
  /// How it behaves, where dialects differ.
  static var rules: Rules { get }

  associatedtype CLIENT_SETUP: Layout<ClientSetup>
  associatedtype SERVER_SETUP: Layout<ServerSetup>
  associatedtype SESSION_UPDATE: Layout<SessionUpdate>
  associatedtype GOAWAY: Layout<GoAway>
  associatedtype MAX_REQUEST_ID: Layout<MaxRequestID>
  associatedtype REQUESTS_BLOCKED: Layout<RequestsBlocked>
  associatedtype SUBSCRIBE: Layout<Subscribe>
  associatedtype SUBSCRIBE_OK: Layout<SubscribeOK>
  associatedtype SUBSCRIBE_ERROR: Layout<RequestError>
  associatedtype SUBSCRIBE_GAP: Layout<SubscribeGap>
  associatedtype SUBSCRIBE_UPDATE: Layout<SubscribeUpdate>
  associatedtype UNSUBSCRIBE: Layout<RequestReference>
  associatedtype PUBLISH_DONE: Layout<SubscribeDone>
  associatedtype PUBLISH: Layout<Publish>
  associatedtype PUBLISH_OK: Layout<PublishOK>
  associatedtype PUBLISH_ERROR: Layout<RequestError>
  associatedtype FETCH: Layout<Fetch>
  associatedtype FETCH_OK: Layout<FetchOK>
  associatedtype FETCH_ERROR: Layout<RequestError>
  associatedtype FETCH_CANCEL: Layout<RequestReference>
  associatedtype FETCH_UPDATE: Layout<FetchUpdate>
  associatedtype TRACK_STATUS: Layout<TrackStatusRequest>
  associatedtype TRACK_STATUS_OK: Layout<TrackStatusOK>
  associatedtype TRACK_STATUS_ERROR: Layout<RequestError>
  associatedtype PUBLISH_NAMESPACE: Layout<PublishNamespace>
  associatedtype PUBLISH_NAMESPACE_OK: Layout<RequestReference>
  associatedtype PUBLISH_NAMESPACE_ERROR: Layout<RequestError>
  associatedtype PUBLISH_NAMESPACE_DONE: Layout<RequestReference>
  associatedtype PUBLISH_NAMESPACE_CANCEL: Layout<RequestError>
  associatedtype SUBSCRIBE_NAMESPACE: Layout<SubscribeNamespace>
  associatedtype SUBSCRIBE_NAMESPACE_OK: Layout<RequestReference>
  associatedtype SUBSCRIBE_NAMESPACE_ERROR: Layout<RequestError>
  associatedtype UNSUBSCRIBE_NAMESPACE: Layout<RequestReference>
  associatedtype ANNOUNCE_INIT: Layout<AnnounceInit>
  associatedtype ANNOUNCE: Layout<Announce>

  /// Where the dialect's text defines a message: `§9.8`.
  static func section(of kind: MessageKind) -> StaticString
  /// Refuses what can be read but the text forbids, where a tool must be able to show it all the same.
  /// `decode` and `encode` call it.
  static func check(_ message: Message) throws(WireError)

  // Requirements with default bodies, so that each dialect keeps specialised copies of its walks.
  /// Writes a message. On an error nothing has been written.
  ///
  /// `checking` false, for tools: also what can be written but the text forbids.
  static func encode(_ message: Message, into wire: inout WireWriter, checking: Bool) throws(WireError)
  /// Reads a message of this kind. `wire` should begin with the message, so that the error's offset counts
  /// from there. `checking` false, for tools: does not refuse what can be read but the text forbids.
  static func decode(_ kind: MessageKind, from wire: inout WireReader, checking: Bool) throws(WireError) -> Message
  /// The type of a message; nil where the dialect lacks it, or says by place on the stream which it is.
  static func type(of kind: MessageKind) -> UInt64?
}

extension Dialect {
  public static var profile: String? { nil }
  public static var requestStreams: [RequestStream] { [] }
  @inlinable public static func framing(of kind: MessageKind) -> Framing { framing }
  @inlinable public static func check(_ message: Message) throws(WireError) {}
  @inlinable public static func type(of kind: MessageKind) -> UInt64? { layout(of: kind).type }
  public static func section(of kind: MessageKind) -> StaticString { layout(of: kind).section }

  // MARK: Whole messages, with type and length as they are framed

  /// Writes a message of a layout.
  @inlinable @inline(__always) static func encode<L: Layout>(
    _ message: L.Message, as _: L.Type, _ framing: Framing, into wire: inout WireWriter
  ) throws(WireError) {
    let start = try open(L.type, framing, &wire)
    try L.write(message, to: &wire)
    try close(framing, from: start, &wire)
  }
  /// Reads a message of a layout into a blank one, which is made once there is a body: it is not kept in between.
  @inlinable @inline(__always) static func decode<L: Layout>(
    _ blank: @autoclosure () -> L.Message, as _: L.Type, _ framing: Framing, from wire: inout WireReader
  ) throws(WireError) -> L.Message {
    let outer = try open(L.type, framing, &wire)
    var m = blank()
    try L.read(&m, from: &wire)
    if let outer { try wire.finish(outer) }
    return m
  }

  /// Writes a message. On an error nothing has been written.
  @inlinable @inline(__always)
  public static func encode(_ message: Message, into wire: inout WireWriter) throws(WireError) {
    try encode(message, into: &wire, checking: true)
  }
  @inlinable public static func encode(
    _ message: Message, into wire: inout WireWriter, checking: Bool
  ) throws(WireError) {
    let mark = wire.count
    do throws(WireError) {
      if checking { try check(message) }
      try write(message, to: &wire)
    } catch {
      wire.truncate(to: mark)
      throw error
    }
  }
  /// Reads a message of this kind, and refuses what the text forbids. `wire` should begin with the message,
  /// so that the error's offset counts from there.
  @inlinable @inline(__always) public static func decode(
    _ kind: MessageKind, from wire: inout WireReader
  ) throws(WireError) -> Message {
    try decode(kind, from: &wire, checking: true)
  }
  // Inlined into each dialect's answer to the requirement, which would copy the message once more.
  @inlinable @inline(__always) public static func decode(
    _ kind: MessageKind, from wire: inout WireReader, checking: Bool
  ) throws(WireError) -> Message {
    do throws(WireError) {
      let message = try read(kind, from: &wire)
      if checking { try check(message) }
      return message
    } catch {
      throw wire.located(error)
    }
  }
  /// Adds to an error which dialect and message it is of, and the section.
  public static func explain(_ error: WireError, in kind: MessageKind?) -> MessageError {
    guard let kind else { return MessageError(dialect: name, message: "message", section: "", error: error) }
    return MessageError(
      dialect: name, message: layout(of: kind).name, section: section(of: kind).description, error: error)
  }

  @inlinable @inline(__always) static func open(
    _ type: UInt64?, _ framing: Framing, _ wire: inout WireWriter
  ) throws(WireError) -> Int {
    switch framing {
    case .typed(let length):
      guard let type else { throw .inexpressible("message") }
      try wire.varint(type, "Type")
      return wire.begin(length)
    case .length(let length): return wire.begin(length)
    case .bare: return wire.count
    }
  }
  @inlinable @inline(__always) static func close(_ framing: Framing, from start: Int, _ wire: inout WireWriter)
    throws(WireError)
  {
    switch framing {
    case .typed(let length): try wire.finish(length, from: start)
    case .length(let length): try wire.finish(length, from: start)
    case .bare: break
    }
  }
  /// Reads a message's type and length, and narrows the reader to its body; returns the bound to restore, or
  /// nil where no length says where the body ends.
  @inlinable @inline(__always) static func open(
    _ type: UInt64?, _ framing: Framing, _ wire: inout WireReader
  ) throws(WireError) -> Int? {
    switch framing {
    case .typed(let length):
      var found: UInt64 = 0
      try wire.varint("Type", &found)
      guard let type else { throw .inexpressible("message") }
      guard found == type else { throw .invalid("Type", found, wanted: "the message's type") }
      return try wire.beginBody(length)
    case .length(let length): return try wire.beginBody(length)
    case .bare: return nil
    }
  }
}

extension WireReader {
  /// The error with the place of its field, where it has none yet.
  @usableFromInline func located(_ error: WireError) -> WireError {
    var error = error
    if error.offset < 0 { error.offset = fieldStart }
    return error
  }
  /// Reads a body's length and narrows the cursor to it.
  @inlinable mutating func beginBody(
    _ form: Framing.Length, _ name: StaticString = "Length"
  ) throws(WireError) -> Int {
    fieldStart = offset
    switch form {
    case .varint:
      var count: UInt64 = 0
      try varint(name, &count)
      guard count <= UInt64(remaining) else { try ended(name) }
      return begin(Int(count))
    case .uint16:
      guard let count = integer(UInt16.self), Int(count) <= remaining else { try ended(name) }
      return begin(Int(count))
    }
  }
}

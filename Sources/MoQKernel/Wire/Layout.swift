/// How one dialect spells one message of the kernel.
///
/// Dialects that agree share a layout, of the one that wrote it first.
public protocol Layout<Message>: SendableMetatype {
  associatedtype Message
  /// The message's type on the wire; nil where its place on the stream says what it is.
  static var type: UInt64? { get }
  /// What the dialect calls the message: `SUBSCRIBE_OK`. The layout's own name, unless it says otherwise.
  static var name: String { get }
  /// Where the draft defines it: `§9.8`.
  static var section: StaticString { get }
  static func walk(_ m: inout Message, _ wire: inout some Wire) throws(WireError)

  // Requirements, not only extensions, so that the compiler keeps a specialised copy of `walk` per layout.
  static func read(_ m: inout Message, from wire: inout WireReader) throws(WireError)
  static func write(_ m: Message, to wire: inout WireWriter) throws(WireError)
}

extension Layout {
  public static var name: String { String(describing: Self.self) }
  /// Whether the dialect has the message at all.
  public static var isSpoken: Bool { true }

  @inlinable public static func read(_ m: inout Message, from wire: inout WireReader) throws(WireError) {
    try walk(&m, &wire)
  }
  @inlinable public static func write(_ m: Message, to wire: inout WireWriter) throws(WireError) {
    var m = m
    try walk(&m, &wire)
  }
}

/// A message this dialect lacks.
public enum Unspoken<Message>: Layout, UnspokenLayout {
  public static var type: UInt64? { nil }
  public static var section: StaticString { "" }
  @inlinable public static func walk(_: inout Message, _: inout some Wire) throws(WireError) {
    throw .inexpressible("message")
  }
}

/// What all of `Unspoken` have in common, whatever their message.
protocol UnspokenLayout {}

/// How a control message begins.
public enum Framing: Equatable, Sendable {
  public enum Length: Sendable { case varint, uint16 }
  /// A type, a length, the fields. moq-transport.
  case typed(Length)
  /// A length and the fields: the place on the stream says which message it is. moq-lite since 01.
  case length(Length)
  /// Only the fields. moq-lite-00, transfork.
  case bare
}

/// How integers are written: as in RFC 9000, or, since draft-17, with leading ones for a length.
public enum Integers: Sendable { case quic, leadingOnes }

/// A bidirectional stream that carries one request, and which messages come on it.
public struct RequestStream: Equatable, Sendable {
  /// Messages of one side: the first, and those that may follow it, any number of times.
  public struct Side: Equatable, Sendable {
    /// nil: no messages, but the objects of a group, as on a group's stream after its header.
    public var first: MessageKind?
    public var then: MessageKind?
    public init(_ first: MessageKind, then: MessageKind? = nil) { (self.first, self.then) = (first, then) }
    private init() {}
    public static var objects: Side { Side() }
  }
  /// What the stream begins with.
  public var type: UInt64
  /// Whether `type` is the type of the first message, which so has it for itself.
  public var isMessageType: Bool
  public var opener: Side
  public var acceptor: Side
  /// Whether FIN of the opener says only that no more messages of it follow; otherwise it ends the request.
  public var openerMayFinish: Bool
  public init(
    _ type: UInt64, isMessageType: Bool = false, opener: Side, acceptor: Side, openerMayFinish: Bool = false
  ) {
    (self.type, self.isMessageType, self.opener, self.acceptor) = (type, isMessageType, opener, acceptor)
    self.openerMayFinish = openerMayFinish
  }
}

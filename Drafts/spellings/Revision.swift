import MoQKernel

/// A dialect that takes from another, its base, all that it does not say itself.
public protocol Revision: Dialect {
  associatedtype Base: Dialect
  associatedtype CLIENT_SETUP = Base.CLIENT_SETUP
  associatedtype SERVER_SETUP = Base.SERVER_SETUP
  associatedtype SESSION_UPDATE = Base.SESSION_UPDATE
  associatedtype GOAWAY = Base.GOAWAY
  associatedtype MAX_REQUEST_ID = Base.MAX_REQUEST_ID
  associatedtype REQUESTS_BLOCKED = Base.REQUESTS_BLOCKED
  associatedtype SUBSCRIBE = Base.SUBSCRIBE
  associatedtype SUBSCRIBE_OK = Base.SUBSCRIBE_OK
  associatedtype SUBSCRIBE_ERROR = Base.SUBSCRIBE_ERROR
  associatedtype SUBSCRIBE_UPDATE = Base.SUBSCRIBE_UPDATE
  associatedtype UNSUBSCRIBE = Base.UNSUBSCRIBE
  associatedtype PUBLISH_DONE = Base.PUBLISH_DONE
  associatedtype PUBLISH = Base.PUBLISH
  associatedtype PUBLISH_OK = Base.PUBLISH_OK
  associatedtype PUBLISH_ERROR = Base.PUBLISH_ERROR
  associatedtype FETCH = Base.FETCH
  associatedtype FETCH_OK = Base.FETCH_OK
  associatedtype FETCH_ERROR = Base.FETCH_ERROR
  associatedtype FETCH_CANCEL = Base.FETCH_CANCEL
  associatedtype FETCH_UPDATE = Base.FETCH_UPDATE
  associatedtype SUBSCRIBE_GAP = Base.SUBSCRIBE_GAP
  associatedtype TRACK_STATUS = Base.TRACK_STATUS
  associatedtype TRACK_STATUS_OK = Base.TRACK_STATUS_OK
  associatedtype TRACK_STATUS_ERROR = Base.TRACK_STATUS_ERROR
  associatedtype PUBLISH_NAMESPACE = Base.PUBLISH_NAMESPACE
  associatedtype PUBLISH_NAMESPACE_OK = Base.PUBLISH_NAMESPACE_OK
  associatedtype PUBLISH_NAMESPACE_ERROR = Base.PUBLISH_NAMESPACE_ERROR
  associatedtype PUBLISH_NAMESPACE_DONE = Base.PUBLISH_NAMESPACE_DONE
  associatedtype PUBLISH_NAMESPACE_CANCEL = Base.PUBLISH_NAMESPACE_CANCEL
  associatedtype SUBSCRIBE_NAMESPACE = Base.SUBSCRIBE_NAMESPACE
  associatedtype SUBSCRIBE_NAMESPACE_OK = Base.SUBSCRIBE_NAMESPACE_OK
  associatedtype SUBSCRIBE_NAMESPACE_ERROR = Base.SUBSCRIBE_NAMESPACE_ERROR
  associatedtype UNSUBSCRIBE_NAMESPACE = Base.UNSUBSCRIBE_NAMESPACE
  associatedtype ANNOUNCE_INIT = Base.ANNOUNCE_INIT
  associatedtype ANNOUNCE = Base.ANNOUNCE

  /// Where this text has a message whose fields are the base's; nil: where the base's text has it.
  static func moved(_ kind: MessageKind) -> StaticString?
}

extension Revision {
  public static var framing: Framing { Base.framing }
  public static var objects: ObjectForms { Base.objects }
  public static var requestStreams: [RequestStream] { Base.requestStreams }
  @inline(__always) public static func check(_ message: Message) throws(WireError) { try Base.check(message) }
  public static func section(of kind: MessageKind) -> StaticString {
    let layout = layout(of: kind)
    return moved(kind) ?? (layout == Base.layout(of: kind) ? Base.section(of: kind) : layout.section)
  }
  public static func moved(_: MessageKind) -> StaticString? { nil }
}

/// A dialect as some peers speak it: another one's, but for what it says itself.
public protocol Variant: Revision {}

extension Variant {
  public static var name: String { Base.name }
  public static var version: UInt64 { Base.version }
  public static var rules: Rules { Base.rules }
}

/// A message as another layout has it, but for what this one says itself.
public protocol Amended: Layout where Message == Former.Message {
  associatedtype Former: Layout
}

extension Amended {
  public static var name: String { Former.name }
  public static var type: UInt64? { Former.type }
  public static var section: StaticString { Former.section }
  public static func walk(_ m: inout Former.Message, _ wire: inout some Wire) throws(WireError) {
    try Former.walk(&m, &wire)
  }
}

/// A message of which only the name is new: the layout's own.
public protocol Renamed: Amended {}

extension Renamed {
  public static var name: String { String(describing: Self.self) }
}

extension Rules {
  /// The same for the draft after this one, as far as it changes nothing: it has a number and an ALPN of its own.
  /// Handshakes of single peers are not the next draft's.
  func renumbered(_ version: UInt64, alpn: String) -> Rules {
    var rules = self
    rules.identification.alpns = ["moq-00", alpn]
    rules.identification.handshakes.removeAll { $0.profile != nil }
    for index in rules.identification.handshakes.indices {
      rules.identification.handshakes[index].versions = [version]
    }
    return rules
  }
}

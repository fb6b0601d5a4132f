import MoQKernel

/// draft-14 as moq-dev's implementation speaks it: it asks for every announcement by an empty prefix, which the
/// text allows from draft-16 on only (§9.28: 1 to 32 fields). Known by its MOQT_IMPLEMENTATION, `moq-lite-rs`.
public enum Draft14MoqDev: Dialect {
  public static var name: String { Draft14.name }
  public static var profile: String? { "moq-dev" }
  public static var version: UInt64 { Draft14.version }
  public static var framing: Framing { Draft14.framing }
  public static var objects: ObjectForms { Draft14.objects }
  public static func check(_ message: Message) throws(WireError) { try Draft14.check(message) }

  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var type: UInt64? { Draft14.SUBSCRIBE_NAMESPACE.type }
    public static var section: StaticString { "§9.28" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace Prefix", &m.prefix, NamespaceForm(fewest: 0))
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum UNSUBSCRIBE_NAMESPACE: Layout {
    public static var type: UInt64? { Draft14.UNSUBSCRIBE_NAMESPACE.type }
    public static var section: StaticString { "§9.31" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.tuple("Track Namespace Prefix", &m.namespace, NamespaceForm(fewest: 0))
    }
  }

  public typealias ANNOUNCE = Draft14.ANNOUNCE
  public typealias ANNOUNCE_INIT = Draft14.ANNOUNCE_INIT
  public typealias CLIENT_SETUP = Draft14.CLIENT_SETUP
  public typealias FETCH = Draft14.FETCH
  public typealias FETCH_CANCEL = Draft14.FETCH_CANCEL
  public typealias FETCH_UPDATE = Draft14.FETCH_UPDATE
  public typealias SUBSCRIBE_GAP = Draft14.SUBSCRIBE_GAP
  public typealias FETCH_ERROR = Draft14.FETCH_ERROR
  public typealias FETCH_OK = Draft14.FETCH_OK
  public typealias GOAWAY = Draft14.GOAWAY
  public typealias MAX_REQUEST_ID = Draft14.MAX_REQUEST_ID
  public typealias PUBLISH = Draft14.PUBLISH
  public typealias PUBLISH_DONE = Draft14.PUBLISH_DONE
  public typealias PUBLISH_ERROR = Draft14.PUBLISH_ERROR
  public typealias PUBLISH_NAMESPACE = Draft14.PUBLISH_NAMESPACE
  public typealias PUBLISH_NAMESPACE_CANCEL = Draft14.PUBLISH_NAMESPACE_CANCEL
  public typealias PUBLISH_NAMESPACE_DONE = Draft14.PUBLISH_NAMESPACE_DONE
  public typealias PUBLISH_NAMESPACE_ERROR = Draft14.PUBLISH_NAMESPACE_ERROR
  public typealias PUBLISH_NAMESPACE_OK = Draft14.PUBLISH_NAMESPACE_OK
  public typealias PUBLISH_OK = Draft14.PUBLISH_OK
  public typealias REQUESTS_BLOCKED = Draft14.REQUESTS_BLOCKED
  public typealias SERVER_SETUP = Draft14.SERVER_SETUP
  public typealias SESSION_UPDATE = Draft14.SESSION_UPDATE
  public typealias SUBSCRIBE = Draft14.SUBSCRIBE
  public typealias SUBSCRIBE_ERROR = Draft14.SUBSCRIBE_ERROR
  public typealias SUBSCRIBE_NAMESPACE_ERROR = Draft14.SUBSCRIBE_NAMESPACE_ERROR
  public typealias SUBSCRIBE_NAMESPACE_OK = Draft14.SUBSCRIBE_NAMESPACE_OK
  public typealias SUBSCRIBE_OK = Draft14.SUBSCRIBE_OK
  public typealias SUBSCRIBE_UPDATE = Draft14.SUBSCRIBE_UPDATE
  public typealias TRACK_STATUS = Draft14.TRACK_STATUS
  public typealias TRACK_STATUS_ERROR = Draft14.TRACK_STATUS_ERROR
  public typealias TRACK_STATUS_OK = Draft14.TRACK_STATUS_OK
  public typealias UNSUBSCRIBE = Draft14.UNSUBSCRIBE
}

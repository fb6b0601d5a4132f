import MoQKernel

/// draft-ietf-moq-transport-13
///
/// Since 12: TRACK_STATUS_REQUEST is called TRACK_STATUS and has SUBSCRIBE's fields, its answers are
/// TRACK_STATUS_OK with SUBSCRIBE_OK's fields and TRACK_STATUS_ERROR; SUBSCRIBE_ANNOUNCES is called
/// SUBSCRIBE_NAMESPACE.
public enum Draft13: Dialect {
  public static var name: String { "draft-13" }
  public static var version: UInt64 { 0xff00_000d }
  public static var framing: Framing { Draft11.framing }
  public static var objects: ObjectForms { Draft12.objects }
  public static func check(_ message: Message) throws(WireError) { try GroupOrder.check(in: message) }

  public enum TRACK_STATUS: Layout {
    public static var type: UInt64? { 0xD }
    public static var section: StaticString { "§8.20" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try SUBSCRIBE.walk(&m.subscribe, &wire)
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var type: UInt64? { 0xE }
    public static var section: StaticString { "§8.21" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Status Code", &m.status, 0)
      try wire.implied("Track Namespace", &m.namespace, TrackNamespace())
      try wire.implied("Track Name", &m.name, [])
      try SUBSCRIBE_OK.walk(&m.ok, &wire)
    }
  }
  public enum TRACK_STATUS_ERROR: Layout {
    public static var type: UInt64? { 0xF }
    public static var section: StaticString { "§8.22" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var type: UInt64? { 0x11 }
    public static var section: StaticString { "§8.28" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace Prefix", &m.prefix)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message12)
    }
  }
  public enum SUBSCRIBE_NAMESPACE_OK: Layout {
    public static var type: UInt64? { 0x12 }
    public static var section: StaticString { "§8.29" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum SUBSCRIBE_NAMESPACE_ERROR: Layout {
    public static var type: UInt64? { 0x13 }
    public static var section: StaticString { "§8.30" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum UNSUBSCRIBE_NAMESPACE: Layout {
    public static var type: UInt64? { 0x14 }
    public static var section: StaticString { "§8.31" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.named("Track Namespace Prefix", &m)
    }
  }

  public typealias CLIENT_SETUP = Draft12.CLIENT_SETUP
  public typealias SERVER_SETUP = Draft12.SERVER_SETUP
  public typealias GOAWAY = Draft11.GOAWAY
  public typealias MAX_REQUEST_ID = Draft11.MAX_REQUEST_ID
  public typealias REQUESTS_BLOCKED = Draft11.REQUESTS_BLOCKED
  public typealias SUBSCRIBE = Draft12.SUBSCRIBE
  public typealias SUBSCRIBE_OK = Draft12.SUBSCRIBE_OK
  public typealias SUBSCRIBE_ERROR = Draft12.SUBSCRIBE_ERROR
  public typealias SUBSCRIBE_UPDATE = Draft12.SUBSCRIBE_UPDATE
  public typealias UNSUBSCRIBE = Draft11.UNSUBSCRIBE
  public typealias PUBLISH_DONE = Draft11.PUBLISH_DONE
  public typealias PUBLISH = Draft12.PUBLISH
  public typealias PUBLISH_OK = Draft12.PUBLISH_OK
  public typealias PUBLISH_ERROR = Draft12.PUBLISH_ERROR
  public typealias FETCH = Draft12.FETCH
  public typealias FETCH_OK = Draft12.FETCH_OK
  public typealias FETCH_ERROR = Draft11.FETCH_ERROR
  public typealias FETCH_CANCEL = Draft11.FETCH_CANCEL
  public typealias FETCH_UPDATE = Draft11.FETCH_UPDATE
  public typealias SUBSCRIBE_GAP = Draft11.SUBSCRIBE_GAP
  public typealias PUBLISH_NAMESPACE = Draft12.PUBLISH_NAMESPACE
  public typealias PUBLISH_NAMESPACE_OK = Draft11.PUBLISH_NAMESPACE_OK
  public typealias PUBLISH_NAMESPACE_ERROR = Draft11.PUBLISH_NAMESPACE_ERROR
  public typealias PUBLISH_NAMESPACE_DONE = Draft11.PUBLISH_NAMESPACE_DONE
  public typealias PUBLISH_NAMESPACE_CANCEL = Draft11.PUBLISH_NAMESPACE_CANCEL

  public typealias SESSION_UPDATE = Unspoken<SessionUpdate>
  public typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>
  public typealias ANNOUNCE = Unspoken<Announce>

  public static func section(of kind: MessageKind) -> StaticString {
    switch kind {
    case .publishNamespace: "§8.23"
    case .publishNamespaceOK: "§8.24"
    case .publishNamespaceError: "§8.25"
    case .publishNamespaceDone: "§8.26"
    case .publishNamespaceCancel: "§8.27"
    case .fetchError, .fetchCancel: Draft12.section(of: kind)
    default: layout(of: kind).section
    }
  }
}

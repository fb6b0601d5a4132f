import MoQKernel

/// draft-ietf-moq-transport-10
///
/// Since 09: not one byte. The sections have new numbers.
public enum Draft10: Dialect {
  public static var name: String { "draft-10" }
  public static var version: UInt64 { 0xff00_000a }
  public static var framing: Framing { Draft07.framing }
  public static var objects: ObjectForms {
    var forms = Draft09.objects
    forms.subgroup.section = "§9.4.2"
    forms.fetch?.section = "§9.4.4"
    forms.datagram?.section = "§9.2"
    return forms
  }
  public static func check(_ message: Message) throws(WireError) { try GroupOrder.check(in: message) }

  public typealias CLIENT_SETUP = Draft08.CLIENT_SETUP
  public typealias SERVER_SETUP = Draft08.SERVER_SETUP
  public typealias GOAWAY = Draft07.GOAWAY
  public typealias MAX_REQUEST_ID = Draft07.MAX_REQUEST_ID
  public typealias REQUESTS_BLOCKED = Draft08.REQUESTS_BLOCKED
  public typealias SUBSCRIBE = Draft09.SUBSCRIBE
  public typealias SUBSCRIBE_OK = Draft07.SUBSCRIBE_OK
  public typealias SUBSCRIBE_ERROR = Draft07.SUBSCRIBE_ERROR
  public typealias SUBSCRIBE_UPDATE = Draft08.SUBSCRIBE_UPDATE
  public typealias UNSUBSCRIBE = Draft07.UNSUBSCRIBE
  public typealias PUBLISH_DONE = Draft08.PUBLISH_DONE
  public typealias FETCH = Draft08.FETCH
  public typealias FETCH_OK = Draft07.FETCH_OK
  public typealias FETCH_ERROR = Draft07.FETCH_ERROR
  public typealias FETCH_CANCEL = Draft07.FETCH_CANCEL
  public typealias FETCH_UPDATE = Draft07.FETCH_UPDATE
  public typealias SUBSCRIBE_GAP = Draft07.SUBSCRIBE_GAP
  public typealias TRACK_STATUS = Draft07.TRACK_STATUS
  public typealias TRACK_STATUS_OK = Draft07.TRACK_STATUS_OK
  public typealias PUBLISH_NAMESPACE = Draft07.PUBLISH_NAMESPACE
  public typealias PUBLISH_NAMESPACE_OK = Draft07.PUBLISH_NAMESPACE_OK
  public typealias PUBLISH_NAMESPACE_ERROR = Draft07.PUBLISH_NAMESPACE_ERROR
  public typealias PUBLISH_NAMESPACE_DONE = Draft07.PUBLISH_NAMESPACE_DONE
  public typealias PUBLISH_NAMESPACE_CANCEL = Draft07.PUBLISH_NAMESPACE_CANCEL
  public typealias SUBSCRIBE_NAMESPACE = Draft07.SUBSCRIBE_NAMESPACE
  public typealias SUBSCRIBE_NAMESPACE_OK = Draft07.SUBSCRIBE_NAMESPACE_OK
  public typealias SUBSCRIBE_NAMESPACE_ERROR = Draft07.SUBSCRIBE_NAMESPACE_ERROR
  public typealias UNSUBSCRIBE_NAMESPACE = Draft07.UNSUBSCRIBE_NAMESPACE

  public typealias PUBLISH = Unspoken<Publish>
  public typealias PUBLISH_OK = Unspoken<PublishOK>
  public typealias PUBLISH_ERROR = Unspoken<RequestError>
  public typealias TRACK_STATUS_ERROR = Unspoken<RequestError>
  public typealias SESSION_UPDATE = Unspoken<SessionUpdate>
  public typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>
  public typealias ANNOUNCE = Unspoken<Announce>

  public static func section(of kind: MessageKind) -> StaticString {
    switch kind {
    case .clientSetup, .serverSetup: "§8.2"
    case .goAway: "§8.3"
    case .maxRequestID: "§8.4"
    case .requestsBlocked: "§8.5"
    case .subscribe: "§8.6"
    case .subscribeOK: "§8.7"
    case .subscribeError: "§8.8"
    case .subscribeUpdate: "§8.9"
    case .unsubscribe: "§8.10"
    case .subscribeDone: "§8.11"
    case .fetch: "§8.12"
    case .fetchOK: "§8.13"
    case .fetchError: "§8.14"
    case .fetchCancel: "§8.15"
    case .trackStatus: "§8.16"
    case .trackStatusOK: "§8.17"
    case .publishNamespace: "§8.18"
    case .publishNamespaceOK: "§8.19"
    case .publishNamespaceError: "§8.20"
    case .publishNamespaceDone: "§8.21"
    case .publishNamespaceCancel: "§8.22"
    case .subscribeNamespace: "§8.23"
    case .subscribeNamespaceOK: "§8.24"
    case .subscribeNamespaceError: "§8.25"
    case .unsubscribeNamespace: "§8.26"
    default: layout(of: kind).section
    }
  }
}

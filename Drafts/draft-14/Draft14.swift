import MoQKernel

/// draft-ietf-moq-transport-14
///
/// Since 13: SETUP has AUTHORITY and MOQT_IMPLEMENTATION; ANNOUNCE is called PUBLISH_NAMESPACE and
/// SUBSCRIBE_DONE is called PUBLISH_DONE; SUBSCRIBE_UPDATE has a request id of its own; object ids are
/// written as differences; a datagram may leave its object id out.
public enum Draft14: Dialect {
  public static var name: String { "draft-14" }
  public static var version: UInt64 { 0xff00_000e }
  public static var framing: Framing { .typed(.uint16) }
  public static var objects: ObjectForms {
    ObjectForms(
      statuses: StatusForm(valid: 0b1_1011, bare: 0b10),
      subgroup: SubgroupForm(
        base: 0x10, flags: [.extensions, .firstIDIsSubgroup, .subgroupID, .endOfGroup], ids: .deltas,
        section: "§10.4.2"),
      fetch: FetchForm(.full(.length), section: "§10.4.4"),
      datagram: DatagramForm(
        types: 0b11 << 0x20 | 0xff, extensionBit: 1, endOfGroupBit: 2, noObjectIDBit: 4, statusBit: 0x20,
        section: "§10.3.1"))
  }

  /// What the text forbids and a tool must show all the same: public vectors hold it to be readable.
  public static func check(_ message: Message) throws(WireError) {
    switch message {
    case .subscribeOK(let m) where m.groupOrder == .publisher: throw .invalid("Group Order", 0, wanted: "1 or 2")
    case .trackStatusOK(let m) where m.ok.groupOrder == .publisher: throw .invalid("Group Order", 0, wanted: "1 or 2")
    default: return
    }
  }

  public enum CLIENT_SETUP: Layout {
    public static var type: UInt64? { 0x20 }
    public static var section: StaticString { "§9.3" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.versions("Number of Supported Versions", "Supported Versions", &m.versions)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, .setup14)
    }
  }
  public enum SERVER_SETUP: Layout {
    public static var type: UInt64? { 0x21 }
    public static var section: StaticString { "§9.3" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Selected Version", &m.version)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, .setup14)
    }
  }
  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { 0x3 }
    public static var section: StaticString { "§9.7" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.flag("Forward", &m.forward)
      try wire.filter(&m.filter, .draft11)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var type: UInt64? { 0x4 }
    public static var section: StaticString { "§9.8" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Track Alias", &m.trackAlias)
      try wire.varint("Expires", &m.expiresMilliseconds)
      try wire.code("Group Order", &m.groupOrder, wanted: "1 or 2")
      try wire.largest("Content Exists", "Largest Location", &m.largest)
      try wire.implied("Publisher Priority", &m.priority, 128)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { 0x2 }
    public static var section: StaticString { "§9.10" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Subscription Request ID", &m.subscription)
      try wire.location("Start Location", &m.start)
      try wire.implied("Group Order", &m.groupOrder, nil)
      try wire.orOpen("End Group", &m.endGroup)
      try wire.implied("End Object", &m.endObject, nil)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.flag("Forward", &m.forward)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum PUBLISH_DONE: Layout {
    public static var type: UInt64? { 0xB }
    public static var section: StaticString { "§9.12" }
    public static func walk(_ m: inout SubscribeDone, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Status Code", &m.code)
      try wire.varint("Stream Count", &m.streamCount)
      try wire.reason("Error Reason", &m.reason)
      try wire.implied("Final Location", &m.final, nil)
    }
  }
  public enum PUBLISH: Layout {
    public static var type: UInt64? { 0x1D }
    public static var section: StaticString { "§9.13" }
    public static func walk(_ m: inout Publish, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.varint("Track Alias", &m.trackAlias)
      try wire.chosenOrder(&m.groupOrder)
      try wire.largest("Content Exists", "Largest Location", &m.largest)
      try wire.flag("Forward", &m.forward)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum PUBLISH_OK: Layout {
    public static var type: UInt64? { 0x1E }
    public static var section: StaticString { "§9.14" }
    public static func walk(_ m: inout PublishOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.flag("Forward", &m.forward)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.chosenOrder(&m.groupOrder)
      try wire.filter(&m.filter, .draft11)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum FETCH_OK: Layout {
    public static var type: UInt64? { 0x18 }
    public static var section: StaticString { "§9.17" }
    public static func walk(_ m: inout FetchOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.chosenOrder(&m.groupOrder)
      try wire.flag("End Of Track", &m.endOfTrack)
      try wire.location("End Location", &m.end)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum TRACK_STATUS: Layout {
    public static var type: UInt64? { 0xD }
    public static var section: StaticString { "§9.20" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try SUBSCRIBE.walk(&m.subscribe, &wire)
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var type: UInt64? { 0xE }
    public static var section: StaticString { "§9.21" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Status Code", &m.status, 0)
      try wire.implied("Track Namespace", &m.namespace, TrackNamespace())
      try wire.implied("Track Name", &m.name, [])
      try SUBSCRIBE_OK.walk(&m.ok, &wire)
    }
  }
  public enum PUBLISH_NAMESPACE: Layout {
    public static var type: UInt64? { 0x6 }
    public static var section: StaticString { "§9.23" }
    public static func walk(_ m: inout PublishNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace", &m.namespace)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum PUBLISH_NAMESPACE_OK: Layout {
    public static var type: UInt64? { 0x7 }
    public static var section: StaticString { "§9.24" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum PUBLISH_NAMESPACE_ERROR: Layout {
    public static var type: UInt64? { 0x8 }
    public static var section: StaticString { "§9.25" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum PUBLISH_NAMESPACE_DONE: Layout {
    public static var type: UInt64? { 0x9 }
    public static var section: StaticString { "§9.26" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.tuple("Track Namespace", &m.namespace)
    }
  }
  public enum PUBLISH_NAMESPACE_CANCEL: Layout {
    public static var type: UInt64? { 0xC }
    public static var section: StaticString { "§9.27" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.tuple("Track Namespace", &m.namespace)
      try wire.varint("Error Code", &m.code)
      try wire.reason("Error Reason", &m.reason)
    }
  }

  public typealias GOAWAY = Draft11.GOAWAY
  public typealias MAX_REQUEST_ID = Draft11.MAX_REQUEST_ID
  public typealias REQUESTS_BLOCKED = Draft11.REQUESTS_BLOCKED
  public typealias SUBSCRIBE_ERROR = Draft12.SUBSCRIBE_ERROR
  public typealias UNSUBSCRIBE = Draft11.UNSUBSCRIBE
  public typealias PUBLISH_ERROR = Draft12.PUBLISH_ERROR
  public typealias FETCH = Draft12.FETCH
  public typealias FETCH_ERROR = Draft11.FETCH_ERROR
  public typealias FETCH_CANCEL = Draft11.FETCH_CANCEL
  public typealias TRACK_STATUS_ERROR = Draft13.TRACK_STATUS_ERROR
  public typealias SUBSCRIBE_NAMESPACE = Draft13.SUBSCRIBE_NAMESPACE
  public typealias SUBSCRIBE_NAMESPACE_OK = Draft13.SUBSCRIBE_NAMESPACE_OK
  public typealias SUBSCRIBE_NAMESPACE_ERROR = Draft13.SUBSCRIBE_NAMESPACE_ERROR
  public typealias UNSUBSCRIBE_NAMESPACE = Draft13.UNSUBSCRIBE_NAMESPACE

  public typealias SESSION_UPDATE = Unspoken<SessionUpdate>
  public typealias SUBSCRIBE_GAP = Unspoken<SubscribeGap>
  public typealias FETCH_UPDATE = Unspoken<FetchUpdate>
  public typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>
  public typealias ANNOUNCE = Unspoken<Announce>

  public static func section(of kind: MessageKind) -> StaticString {
    switch kind {
    case .goAway: "§9.4"
    case .maxRequestID: "§9.5"
    case .requestsBlocked: "§9.6"
    case .subscribeError: "§9.9"
    case .unsubscribe: "§9.11"
    case .publishError: "§9.15"
    case .fetch: "§9.16"
    case .fetchError: "§9.18"
    case .fetchCancel: "§9.19"
    case .trackStatusError: "§9.22"
    case .subscribeNamespace: "§9.28"
    case .subscribeNamespaceOK: "§9.29"
    case .subscribeNamespaceError: "§9.30"
    case .unsubscribeNamespace: "§9.31"
    default: layout(of: kind).section
    }
  }
}

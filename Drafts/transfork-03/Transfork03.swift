import MoQKernel

/// draft-lcurley-moq-transfork-03
///
/// Since 02: a track has one path of parts instead of a broadcast and a name; ANNOUNCE has a status and only the
/// suffix; GROUP_DROP is SUBSCRIBE_GAP; a fetch begins at a frame.
///
/// A stream's type and place say which message comes, and no message says how long it is. SESSION_CLIENT and
/// SESSION_SERVER are the kernel's CLIENT_SETUP and SERVER_SETUP, ANNOUNCE_PLEASE its SUBSCRIBE_NAMESPACE, INFO
/// both its SUBSCRIBE_OK and its TRACK_STATUS_OK. Of a path, the last part is the kernel's name of the track.
public enum Transfork03: Dialect {
  public static var name: String { "transfork-03" }
  public static var version: UInt64 { 0xff0b_ad03 }
  public static var framing: Framing { .bare }
  public static var objects: ObjectForms {
    ObjectForms(
      subgroup: SubgroupForm(base: 0x0, ids: .counted, content: .frames(.bare), name: "GROUP", section: "§6.14"))
  }
  public static var requestStreams: [RequestStream] {
    [
      RequestStream(
        0x0, opener: .init(.clientSetup, then: .sessionUpdate), acceptor: .init(.serverSetup, then: .sessionUpdate)),
      RequestStream(0x1, opener: .init(.subscribeNamespace), acceptor: .init(.announce, then: .announce)),
      RequestStream(
        0x2, opener: .init(.subscribe, then: .subscribeUpdate), acceptor: .init(.subscribeOK, then: .subscribeGap)),
      RequestStream(0x3, opener: .init(.fetch, then: .fetchUpdate), acceptor: .objects, openerMayFinish: true),
      RequestStream(0x4, opener: .init(.trackStatus), acceptor: .init(.trackStatusOK), openerMayFinish: true),
    ]
  }

  public typealias CLIENT_SETUP = Lite01.CLIENT_SETUP
  public typealias SERVER_SETUP = Lite01.SERVER_SETUP
  public typealias SESSION_UPDATE = Lite01.SESSION_UPDATE

  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE_PLEASE" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.5" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.parts("Track Prefix Parts", "Track Prefix Part", &m.prefix, .path)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  public enum ANNOUNCE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.6" }
    public static func walk(_ m: inout Announce, _ wire: inout some Wire) throws(WireError) {
      try wire.announceStatus(&m.status)
      if wire.includes(m.status != .live) {
        try wire.parts("Track Suffix Parts", "Track Suffix Part", &m.suffix, .path)
      } else {
        try wire.implied("Track Suffix Parts", &m.suffix, TrackNamespace())
      }
    }
  }
  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.7" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.implied("Forward", &m.forward, true)
      try wire.varint("Subscribe ID", &m.id)
      try wire.trackPath(&m.namespace, &m.name)
      try wire.higherFirst("Track Priority", &m.priority)
      try wire.order("Group Order", &m.groupOrder)
      try wire.groupExpires(&m.parameters)
      try wire.groups(&m.filter)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.8" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.groupUpdate(&m) { order, wire throws(WireError) in try wire.order("Group Order", &order) }
    }
  }
  public enum SUBSCRIBE_GAP: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.9" }
    public static func walk(_ m: inout SubscribeGap, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Group Start", &m.firstGroup)
      try wire.varint("Group Count", &m.more)
      try wire.varint("Group Error Code", &m.code)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var name: String { "INFO" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyInfo(&m)
      try wire.higherFirst("Track Priority", &m.priority)
      try wire.latestGroup(&m.largest)
      try wire.order("Group Order", &m.groupOrder)
      try wire.groupExpires(&m.parameters)
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var name: String { "INFO" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyInfo(&m)
      try SUBSCRIBE_OK.walk(&m.ok, &wire)
    }
  }
  public enum TRACK_STATUS: Layout {
    public static var name: String { "INFO_PLEASE" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.11" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.subscribe.id, 0)
      try wire.implied("Parameters", &m.subscribe.parameters, [])
      try wire.onlyTrack(&m.subscribe)
      try wire.trackPath(&m.subscribe.namespace, &m.subscribe.name)
    }
  }
  public enum FETCH: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.12" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      var group = GroupFetch(m)
      try wire.expressible("FETCH", group.isWhole)
      try wire.trackPath(&group.namespace, &group.name)
      try wire.higherFirst("Track Priority", &m.priority)
      try wire.varint("Group Sequence", &group.start.group)
      try wire.varint("Frame Sequence", &group.start.object)
      try group.close(&m, &wire)
    }
  }
  public enum FETCH_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.13" }
    public static func walk(_ m: inout FetchUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.higherFirst("Track Priority", &m.priority)
    }
  }

  public static func section(of kind: MessageKind) -> StaticString {
    switch kind {
    case .clientSetup: "§6.2"
    case .serverSetup: "§6.3"
    case .sessionUpdate: "§6.4"
    default: layout(of: kind).section
    }
  }

  public typealias GOAWAY = Unspoken<GoAway>
  public typealias MAX_REQUEST_ID = Unspoken<MaxRequestID>
  public typealias REQUESTS_BLOCKED = Unspoken<RequestsBlocked>
  public typealias SUBSCRIBE_ERROR = Unspoken<RequestError>
  public typealias UNSUBSCRIBE = Unspoken<RequestReference>
  public typealias PUBLISH_DONE = Unspoken<SubscribeDone>
  public typealias PUBLISH = Unspoken<Publish>
  public typealias PUBLISH_OK = Unspoken<PublishOK>
  public typealias PUBLISH_ERROR = Unspoken<RequestError>
  public typealias FETCH_OK = Unspoken<FetchOK>
  public typealias FETCH_ERROR = Unspoken<RequestError>
  public typealias FETCH_CANCEL = Unspoken<RequestReference>
  public typealias TRACK_STATUS_ERROR = Unspoken<RequestError>
  public typealias PUBLISH_NAMESPACE = Unspoken<PublishNamespace>
  public typealias PUBLISH_NAMESPACE_OK = Unspoken<RequestReference>
  public typealias PUBLISH_NAMESPACE_ERROR = Unspoken<RequestError>
  public typealias PUBLISH_NAMESPACE_DONE = Unspoken<RequestReference>
  public typealias PUBLISH_NAMESPACE_CANCEL = Unspoken<RequestError>
  public typealias SUBSCRIBE_NAMESPACE_OK = Unspoken<RequestReference>
  public typealias SUBSCRIBE_NAMESPACE_ERROR = Unspoken<RequestError>
  public typealias UNSUBSCRIBE_NAMESPACE = Unspoken<RequestReference>
  public typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>
}

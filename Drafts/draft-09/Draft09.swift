import MoQKernel

/// draft-ietf-moq-transport-09
///
/// Since 08: the Latest Group filter is gone; extension headers are preceded by their bytes instead of their
/// number, and a datagram's status may have them too.
public enum Draft09: Dialect {
  public static var name: String { "draft-09" }
  public static var version: UInt64 { 0xff00_0009 }
  public static var framing: Framing { Draft07.framing }
  public static var objects: ObjectForms {
    ObjectForms(
      statuses: Draft08.objects.statuses,
      subgroup: SubgroupForm(base: 0x04, always: [.subgroupID, .extensions], section: "§8.4.1"),
      fetch: FetchForm(.full(.length), requestID: "Subscribe ID", section: "§8.4.3"),
      datagram: DatagramForm(types: 0b110, statusBit: 2, always: (.length, .length), section: "§8.2"))
  }
  public static func check(_ message: Message) throws(WireError) { try GroupOrder.check(in: message) }

  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { 0x3 }
    public static var section: StaticString { "§7.4" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Subscribe ID", &m.id)
      try wire.varint("Track Alias", &m.trackAlias)
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.implied("Forward", &m.forward, true)
      try wire.filter(&m.filter, .draft09)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message07)
    }
  }

  public typealias CLIENT_SETUP = Draft08.CLIENT_SETUP
  public typealias SERVER_SETUP = Draft08.SERVER_SETUP
  public typealias GOAWAY = Draft07.GOAWAY
  public typealias MAX_REQUEST_ID = Draft07.MAX_REQUEST_ID
  public typealias REQUESTS_BLOCKED = Draft08.REQUESTS_BLOCKED
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

  /// The sections are 08's.
  public static func section(of kind: MessageKind) -> StaticString { Draft08.section(of: kind) }
}

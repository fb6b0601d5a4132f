import MoQKernel

/// draft-ietf-moq-transport-07
///
/// The first dialect here. Each side has a ROLE; the subscriber chooses ids and track aliases; announcements
/// are known by their names; what 14 calls PUBLISH_NAMESPACE, SUBSCRIBE_NAMESPACE, PUBLISH_DONE,
/// TRACK_STATUS and MAX_REQUEST_ID is ANNOUNCE, SUBSCRIBE_ANNOUNCES, SUBSCRIBE_DONE, TRACK_STATUS_REQUEST
/// and MAX_SUBSCRIBE_ID here.
public enum Draft07: Dialect {
  public static var name: String { "draft-07" }
  public static var version: UInt64 { 0xff00_0007 }
  public static var framing: Framing { .typed(.varint) }
  public static var objects: ObjectForms {
    ObjectForms(
      statuses: StatusForm(valid: 0b11_1011, four: .endOfTrackAndGroup, five: .endOfSubgroup),
      subgroup: SubgroupForm(base: 0x04, always: .subgroupID, name: "STREAM_HEADER_SUBGROUP", section: "§7.3.1"),
      fetch: FetchForm(.full(nil), requestID: "Subscribe ID", section: "§7.3.2"),
      datagram: DatagramForm(types: 1 << 1, payload: .counted, section: "§7.2"))
  }
  @inline(__always) public static func check(_ message: Message) throws(WireError) { try GroupOrder.check(in: message) }

  public enum CLIENT_SETUP: Layout {
    public static var type: UInt64? { 0x40 }
    public static var section: StaticString { "§6.2" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .setup07)
    }
    static func walk(
      _ m: inout ClientSetup, _ wire: inout some Wire, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.versions("Number of Supported Versions", "Supported Version", &m.versions)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, spelling)
    }
  }
  public enum SERVER_SETUP: Layout {
    public static var type: UInt64? { 0x41 }
    public static var section: StaticString { "§6.2" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .setup07)
    }
    static func walk(
      _ m: inout ServerSetup, _ wire: inout some Wire, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.varint("Selected Version", &m.version)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, spelling)
    }
  }
  public enum GOAWAY: Layout {
    public static var type: UInt64? { 0x10 }
    public static var section: StaticString { "§6.3" }
    public static func walk(_ m: inout GoAway, _ wire: inout some Wire) throws(WireError) {
      try wire.bytes("New Session URI", &m.uri)
    }
  }
  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { 0x3 }
    public static var section: StaticString { "§6.4" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .draft07)
    }
    static func walk(_ m: inout Subscribe, _ wire: inout some Wire, _ filters: Filters) throws(WireError) {
      try wire.varint("Subscribe ID", &m.id)
      try wire.varint("Track Alias", &m.trackAlias)
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.implied("Forward", &m.forward, true)
      try wire.filter(&m.filter, filters)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message07)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { 0x2 }
    public static var section: StaticString { "§6.5" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .draft07)
    }
    static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire, _ filters: Filters) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.varint("Subscribe ID", &m.subscription)
      try wire.location("StartGroup", "StartObject", &m.start)
      try wire.orOpen("EndGroup", &m.endGroup)
      try wire.implied("Group Order", &m.groupOrder, nil)
      if filters.endObject {
        try wire.orOpen("EndObject", &m.endObject)
      } else {
        try wire.implied("EndObject", &m.endObject, nil)
      }
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.implied("Forward", &m.forward, true)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message07)
    }
  }
  public enum UNSUBSCRIBE: Layout {
    public static var type: UInt64? { 0xA }
    public static var section: StaticString { "§6.6" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.subscribeID(&m)
    }
  }
  public enum FETCH: Layout {
    public static var type: UInt64? { 0x16 }
    public static var section: StaticString { "§6.7" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      var f = try FetchFields(m.range)
      try wire.implied("Fetch Type", &f.type, 1)
      try wire.varint("Subscribe ID", &m.id)
      try wire.fullName("Track Namespace", &f.namespace, "Track Name", &f.name)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.varint("StartGroup", &f.start.group)
      try wire.varint("StartObject", &f.start.object)
      try wire.varint("EndGroup", &f.end.group)
      try wire.varint("EndObject", &f.end.object)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message07)
      m.range = f.range
    }
  }
  public enum FETCH_CANCEL: Layout {
    public static var type: UInt64? { 0x17 }
    public static var section: StaticString { "§6.8" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.subscribeID(&m)
    }
  }
  public enum PUBLISH_NAMESPACE_OK: Layout {
    public static var name: String { "ANNOUNCE_OK" }
    public static var type: UInt64? { 0x7 }
    public static var section: StaticString { "§6.9" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.named("Track Namespace", &m)
    }
  }
  public enum PUBLISH_NAMESPACE_ERROR: Layout {
    public static var name: String { "ANNOUNCE_ERROR" }
    public static var type: UInt64? { 0x8 }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.namedError("Track Namespace", &m)
    }
  }
  public enum PUBLISH_NAMESPACE_CANCEL: Layout {
    public static var name: String { "ANNOUNCE_CANCEL" }
    public static var type: UInt64? { 0xC }
    public static var section: StaticString { "§6.11" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.namedError("Track Namespace", &m)
    }
  }
  public enum TRACK_STATUS: Layout {
    public static var name: String { "TRACK_STATUS_REQUEST" }
    public static var type: UInt64? { 0xD }
    public static var section: StaticString { "§6.12" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.subscribe.id, 0)
      try wire.onlyTrack(&m.subscribe)
      try wire.implied("Parameters", &m.subscribe.parameters, [])
      try wire.fullName("Track Namespace", &m.subscribe.namespace, "Track Name", &m.subscribe.name)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "SUBSCRIBE_ANNOUNCES" }
    public static var type: UInt64? { 0x11 }
    public static var section: StaticString { "§6.13" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.tuple("Track Namespace Prefix", &m.prefix)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message07)
    }
  }
  public enum UNSUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "UNSUBSCRIBE_ANNOUNCES" }
    public static var type: UInt64? { 0x14 }
    public static var section: StaticString { "§6.14" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.named("Track Namespace Prefix", &m)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var type: UInt64? { 0x4 }
    public static var section: StaticString { "§6.15" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Subscribe ID", &m.id)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.varint("Expires", &m.expiresMilliseconds)
      try wire.code("Group Order", &m.groupOrder, wanted: "1 or 2")
      try wire.loose("ContentExists", "Largest Group ID", "Largest Object ID", &m.largest)
      try wire.implied("Publisher Priority", &m.priority, 128)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message07)
    }
  }
  public enum SUBSCRIBE_ERROR: Layout {
    public static var type: UInt64? { 0x5 }
    public static var section: StaticString { "§6.16" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Track Namespace", &m.namespace, TrackNamespace())
      try wire.varint("Subscribe ID", &m.id)
      try wire.varint("Error Code", &m.code)
      try wire.bytes("Reason Phrase", &m.reason)
      try wire.varint("Track Alias", &m.trackAlias)
    }
  }
  public enum FETCH_OK: Layout {
    public static var type: UInt64? { 0x18 }
    public static var section: StaticString { "§6.17" }
    public static func walk(_ m: inout FetchOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Subscribe ID", &m.id)
      try wire.chosenOrder(&m.groupOrder)
      try wire.flag("End Of Track", &m.endOfTrack)
      try wire.expressible("Largest Object ID", m.end.object <= WireLimits.varint)
      var largest = m.lastObject
      try wire.varint("Largest Group ID", &largest.group)
      try wire.varint("Largest Object ID", &largest.object)
      m.lastObject = largest
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message07)
    }
  }
  public enum FETCH_ERROR: Layout {
    public static var type: UInt64? { 0x19 }
    public static var section: StaticString { "§6.18" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Track Namespace", &m.namespace, TrackNamespace())
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.varint("Subscribe ID", &m.id)
      try wire.varint("Error Code", &m.code)
      try wire.bytes("Reason Phrase", &m.reason)
    }
  }
  public enum PUBLISH_DONE: Layout {
    public static var name: String { "SUBSCRIBE_DONE" }
    public static var type: UInt64? { 0xB }
    public static var section: StaticString { "§6.19" }
    public static func walk(_ m: inout SubscribeDone, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Subscribe ID", &m.id)
      try wire.varint("Status Code", &m.code)
      try wire.implied("Stream Count", &m.streamCount, SubscribeDone.unknownStreamCount)
      try wire.bytes("Reason Phrase", &m.reason)
      try wire.loose("ContentExists", "Final Group", "Final Object", &m.final)
    }
  }
  public enum MAX_REQUEST_ID: Layout {
    public static var name: String { "MAX_SUBSCRIBE_ID" }
    public static var type: UInt64? { 0x15 }
    public static var section: StaticString { "§6.20" }
    public static func walk(_ m: inout MaxRequestID, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Subscribe ID", &m.limit)
    }
  }
  public enum PUBLISH_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE" }
    public static var type: UInt64? { 0x6 }
    public static var section: StaticString { "§6.21" }
    public static func walk(_ m: inout PublishNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.tuple("Track Namespace", &m.namespace)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message07)
    }
  }
  public enum PUBLISH_NAMESPACE_DONE: Layout {
    public static var name: String { "UNANNOUNCE" }
    public static var type: UInt64? { 0x9 }
    public static var section: StaticString { "§6.22" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.named("Track Namespace", &m)
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var name: String { "TRACK_STATUS" }
    public static var type: UInt64? { 0xE }
    public static var section: StaticString { "§6.23" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      var last = m.ok.largest ?? Location(0, 0)
      try wire.expressible("Status Code", StatusCode.hasLocation(m.status) == (m.ok.largest != nil))
      try wire.implied("Request ID", &m.ok.id, 0)
      try wire.onlyState(&m.ok)
      try wire.implied("Parameters", &m.ok.parameters, [])
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.varint("Status Code", &m.status)
      try StatusCode.check(m.status)
      try wire.varint("Last Group ID", &last.group)
      try wire.varint("Last Object ID", &last.object)
      m.ok.largest = try StatusCode.location(last, beside: m.status)
    }
  }
  public enum SUBSCRIBE_NAMESPACE_OK: Layout {
    public static var name: String { "SUBSCRIBE_ANNOUNCES_OK" }
    public static var type: UInt64? { 0x12 }
    public static var section: StaticString { "§6.24" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.named("Track Namespace Prefix", &m)
    }
  }
  public enum SUBSCRIBE_NAMESPACE_ERROR: Layout {
    public static var name: String { "SUBSCRIBE_ANNOUNCES_ERROR" }
    public static var type: UInt64? { 0x13 }
    public static var section: StaticString { "§6.25" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.namedError("Track Namespace Prefix", &m)
    }
  }

  public typealias REQUESTS_BLOCKED = Unspoken<RequestsBlocked>
  public typealias SUBSCRIBE_GAP = Unspoken<SubscribeGap>
  public typealias FETCH_UPDATE = Unspoken<FetchUpdate>
  public typealias PUBLISH = Unspoken<Publish>
  public typealias PUBLISH_OK = Unspoken<PublishOK>
  public typealias PUBLISH_ERROR = Unspoken<RequestError>
  public typealias TRACK_STATUS_ERROR = Unspoken<RequestError>
  public typealias SESSION_UPDATE = Unspoken<SessionUpdate>
  public typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>
  public typealias ANNOUNCE = Unspoken<Announce>
}

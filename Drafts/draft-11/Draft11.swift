import MoQKernel

/// draft-ietf-moq-transport-11
///
/// Since 10: lengths have 16 bits and SETUP new numbers; every request has a request id, announcements too;
/// parameters are key-value pairs, one of them a token; a location is one field, a reason is bounded;
/// SUBSCRIBE gains Forward, and its filter 0x1 returns as Next Group Start; a fetch may join at an absolute
/// group; the type of a stream or datagram says which fields follow.
public enum Draft11: Dialect {
  public static var name: String { "draft-11" }
  public static var version: UInt64 { 0xff00_000b }
  public static var framing: Framing { .typed(.uint16) }
  public static var objects: ObjectForms {
    ObjectForms(
      statuses: StatusForm(valid: 0b1_1011, bare: 0b10),
      subgroup: SubgroupForm(base: 0x08, flags: [.extensions, .firstIDIsSubgroup, .subgroupID], section: "§9.4.2"),
      fetch: FetchForm(.full(.length), section: "§9.4.4"),
      datagram: DatagramForm(types: 0b1111, extensionBit: 1, statusBit: 2, section: "§9.2"))
  }
  public static func check(_ message: Message) throws(WireError) { try GroupOrder.check(in: message) }

  public enum CLIENT_SETUP: Layout {
    public static var type: UInt64? { 0x20 }
    public static var section: StaticString { "§8.3" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.versions("Number of Supported Versions", "Supported Versions", &m.versions)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, .setup11)
    }
  }
  public enum SERVER_SETUP: Layout {
    public static var type: UInt64? { 0x21 }
    public static var section: StaticString { "§8.3" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Selected Version", &m.version)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, .setup11)
    }
  }
  public enum GOAWAY: Layout {
    public static var type: UInt64? { 0x10 }
    public static var section: StaticString { "§8.4" }
    public static func walk(_ m: inout GoAway, _ wire: inout some Wire) throws(WireError) {
      try wire.bytes("New Session URI", &m.uri, maximum: WireLimits.sessionURI)
    }
  }
  public enum MAX_REQUEST_ID: Layout {
    public static var type: UInt64? { 0x15 }
    public static var section: StaticString { "§8.5" }
    public static func walk(_ m: inout MaxRequestID, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.limit)
    }
  }
  public enum REQUESTS_BLOCKED: Layout {
    public static var type: UInt64? { 0x1A }
    public static var section: StaticString { "§8.6" }
    public static func walk(_ m: inout RequestsBlocked, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Maximum Request ID", &m.limit)
    }
  }
  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { 0x3 }
    public static var section: StaticString { "§8.7" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Track Alias", &m.trackAlias)
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.flag("Forward", &m.forward)
      try wire.filter(&m.filter, .draft11)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message11)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var type: UInt64? { 0x4 }
    public static var section: StaticString { "§8.8" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.varint("Expires", &m.expiresMilliseconds)
      try wire.code("Group Order", &m.groupOrder, wanted: "1 or 2")
      try wire.largest("Content Exists", "Largest Location", &m.largest)
      try wire.implied("Publisher Priority", &m.priority, 128)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message11)
    }
  }
  public enum SUBSCRIBE_ERROR: Layout {
    public static var type: UInt64? { 0x5 }
    public static var section: StaticString { "§8.9" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Track Namespace", &m.namespace, TrackNamespace())
      try wire.varint("Request ID", &m.id)
      try wire.varint("Error Code", &m.code)
      try wire.reason("Error Reason", &m.reason)
      try wire.varint("Track Alias", &m.trackAlias)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { 0x2 }
    public static var section: StaticString { "§8.10" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Subscription Request ID", &m.id, 0)
      try wire.varint("Request ID", &m.subscription)
      try wire.location("Start Location", &m.start)
      try wire.implied("Group Order", &m.groupOrder, nil)
      try wire.orOpen("End Group", &m.endGroup)
      try wire.implied("End Object", &m.endObject, nil)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.flag("Forward", &m.forward)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message11)
    }
  }
  public enum UNSUBSCRIBE: Layout {
    public static var type: UInt64? { 0xA }
    public static var section: StaticString { "§8.11" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum PUBLISH_DONE: Layout {
    public static var name: String { "SUBSCRIBE_DONE" }
    public static var type: UInt64? { 0xB }
    public static var section: StaticString { "§8.12" }
    public static func walk(_ m: inout SubscribeDone, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Status Code", &m.code)
      try wire.varint("Stream Count", &m.streamCount)
      try wire.reason("Error Reason", &m.reason)
      try wire.implied("Final Location", &m.final, nil)
    }
  }
  public enum FETCH: Layout {
    public static var type: UInt64? { 0x16 }
    public static var section: StaticString { "§8.13" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      var f = try FetchFields(m.range)
      try wire.varint("Request ID", &m.id)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.varint("Fetch Type", &f.type)
      guard (1...3).contains(f.type) else { throw .invalid("Fetch Type", f.type, wanted: "1 to 3") }
      if wire.includes(f.isStandalone) {
        try wire.fullName("Track Namespace", &f.namespace, "Track Name", &f.name)
        try wire.varint("Start Group", &f.start.group)
        try wire.varint("Start Object", &f.start.object)
        try wire.varint("End Group", &f.end.group)
        try wire.varint("End Object", &f.end.object)
      }
      if wire.includes(f.isJoining) {
        try wire.varint("Joining Subscribe ID", &f.joiningID)
        try wire.varint("Joining Start", &f.joiningStart)
      }
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message11)
      m.range = f.range
    }
  }
  public enum FETCH_OK: Layout {
    public static var type: UInt64? { 0x18 }
    public static var section: StaticString { "§8.14" }
    public static func walk(_ m: inout FetchOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.chosenOrder(&m.groupOrder)
      try wire.flag("End Of Track", &m.endOfTrack)
      try wire.expressible("Largest Object ID", m.end.object <= WireLimits.varint)
      var largest = m.lastObject
      try wire.location("End Location", &largest)
      m.lastObject = largest
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message11)
    }
  }
  public enum FETCH_ERROR: Layout {
    public static var type: UInt64? { 0x19 }
    public static var section: StaticString { "§8.15" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum FETCH_CANCEL: Layout {
    public static var type: UInt64? { 0x17 }
    public static var section: StaticString { "§8.16" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum TRACK_STATUS: Layout {
    public static var name: String { "TRACK_STATUS_REQUEST" }
    public static var type: UInt64? { 0xD }
    public static var section: StaticString { "§8.17" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyTrack(&m.subscribe)
      try wire.varint("Request ID", &m.subscribe.id)
      try wire.fullName("Track Namespace", &m.subscribe.namespace, "Track Name", &m.subscribe.name)
      try wire.parameters("Number of Parameters", "Parameters", &m.subscribe.parameters, .message11)
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var name: String { "TRACK_STATUS" }
    public static var type: UInt64? { 0xE }
    public static var section: StaticString { "§8.18" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.trackState(&m, .message11)
    }
  }
  public enum PUBLISH_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE" }
    public static var type: UInt64? { 0x6 }
    public static var section: StaticString { "§8.19" }
    public static func walk(_ m: inout PublishNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace", &m.namespace)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message11)
    }
  }
  public enum PUBLISH_NAMESPACE_OK: Layout {
    public static var name: String { "ANNOUNCE_OK" }
    public static var type: UInt64? { 0x7 }
    public static var section: StaticString { "§8.20" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum PUBLISH_NAMESPACE_ERROR: Layout {
    public static var name: String { "ANNOUNCE_ERROR" }
    public static var type: UInt64? { 0x8 }
    public static var section: StaticString { "§8.21" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum PUBLISH_NAMESPACE_DONE: Layout {
    public static var name: String { "UNANNOUNCE" }
    public static var type: UInt64? { 0x9 }
    public static var section: StaticString { "§8.22" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.named("Track Namespace", &m)
    }
  }
  public enum PUBLISH_NAMESPACE_CANCEL: Layout {
    public static var name: String { "ANNOUNCE_CANCEL" }
    public static var type: UInt64? { 0xC }
    public static var section: StaticString { "§8.23" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.tuple("Track Namespace", &m.namespace)
      try wire.varint("Error Code", &m.code)
      try wire.reason("Error Reason", &m.reason)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "SUBSCRIBE_ANNOUNCES" }
    public static var type: UInt64? { 0x11 }
    public static var section: StaticString { "§8.24" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace Prefix", &m.prefix)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message11)
    }
  }
  public enum SUBSCRIBE_NAMESPACE_OK: Layout {
    public static var name: String { "SUBSCRIBE_ANNOUNCES_OK" }
    public static var type: UInt64? { 0x12 }
    public static var section: StaticString { "§8.25" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum SUBSCRIBE_NAMESPACE_ERROR: Layout {
    public static var name: String { "SUBSCRIBE_ANNOUNCES_ERROR" }
    public static var type: UInt64? { 0x13 }
    public static var section: StaticString { "§8.26" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum UNSUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "UNSUBSCRIBE_ANNOUNCES" }
    public static var type: UInt64? { 0x14 }
    public static var section: StaticString { "§8.27" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.named("Track Namespace Prefix", &m)
    }
  }

  public typealias PUBLISH = Unspoken<Publish>
  public typealias SUBSCRIBE_GAP = Unspoken<SubscribeGap>
  public typealias FETCH_UPDATE = Unspoken<FetchUpdate>
  public typealias PUBLISH_OK = Unspoken<PublishOK>
  public typealias PUBLISH_ERROR = Unspoken<RequestError>
  public typealias TRACK_STATUS_ERROR = Unspoken<RequestError>
  public typealias SESSION_UPDATE = Unspoken<SessionUpdate>
  public typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>
  public typealias ANNOUNCE = Unspoken<Announce>
}

import MoQKernel

/// draft-ietf-moq-transport-12
///
/// Since 11: the publisher chooses the track alias, in SUBSCRIBE_OK, or in PUBLISH, which is new; a token has
/// the number 3 everywhere, and SETUP may carry it; a fetch's ends are locations; a stream type may promise the
/// end of its group, a datagram's type too.
public enum Draft12: Dialect {
  public static var name: String { "draft-12" }
  public static var version: UInt64 { 0xff00_000c }
  public static var framing: Framing { Draft11.framing }
  public static var objects: ObjectForms {
    // The text has two lists of stream types: 0x10 to 0x1D is meant, 0x08 to 0x0D is left over from 11 (§9.4.2).
    ObjectForms(
      statuses: Draft11.objects.statuses,
      subgroup: SubgroupForm(
        base: 0x10, flags: [.extensions, .firstIDIsSubgroup, .subgroupID, .endOfGroup], olderBase: 0x08,
        section: "§9.4.2"),
      fetch: FetchForm(.full(.length), section: "§9.4.4"),
      datagram: DatagramForm(
        types: 0b11_1111, extensionBit: 1, endOfGroupBit: 2, statusBit: 4, section: "§9.3"))
  }
  public static func check(_ message: Message) throws(WireError) { try GroupOrder.check(in: message) }

  public enum CLIENT_SETUP: Layout {
    public static var type: UInt64? { 0x20 }
    public static var section: StaticString { "§8.3" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.versions("Number of Supported Versions", "Supported Versions", &m.versions)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, .setup12)
    }
  }
  public enum SERVER_SETUP: Layout {
    public static var type: UInt64? { 0x21 }
    public static var section: StaticString { "§8.3" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Selected Version", &m.version)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, .setup12)
    }
  }
  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { 0x3 }
    public static var section: StaticString { "§8.7" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.flag("Forward", &m.forward)
      try wire.filter(&m.filter, .draft11)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message12)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var type: UInt64? { 0x4 }
    public static var section: StaticString { "§8.8" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Track Alias", &m.trackAlias)
      try wire.varint("Expires", &m.expiresMilliseconds)
      try wire.code("Group Order", &m.groupOrder, wanted: "1 or 2")
      try wire.largest("Content Exists", "Largest Location", &m.largest)
      try wire.implied("Publisher Priority", &m.priority, 128)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message12)
    }
  }
  public enum SUBSCRIBE_ERROR: Layout {
    public static var type: UInt64? { 0x5 }
    public static var section: StaticString { "§8.9" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
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
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message12)
    }
  }
  public enum PUBLISH: Layout {
    public static var type: UInt64? { 0x1D }
    public static var section: StaticString { "§8.13" }
    public static func walk(_ m: inout Publish, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.varint("Track Alias", &m.trackAlias)
      try wire.chosenOrder(&m.groupOrder)
      try wire.largest("ContentExists", "Largest", &m.largest)
      try wire.flag("Forward", &m.forward)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message12)
    }
  }
  public enum PUBLISH_OK: Layout {
    public static var type: UInt64? { 0x1E }
    public static var section: StaticString { "§8.14" }
    public static func walk(_ m: inout PublishOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.flag("Forward", &m.forward)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.chosenOrder(&m.groupOrder)
      try wire.filter(&m.filter, .publish12)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message12)
    }
  }
  public enum PUBLISH_ERROR: Layout {
    public static var type: UInt64? { 0x1F }
    public static var section: StaticString { "§8.15" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum FETCH: Layout {
    public static var type: UInt64? { 0x16 }
    public static var section: StaticString { "§8.16" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      var f = try FetchFields(m.range)
      try wire.varint("Request ID", &m.id)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.varint("Fetch Type", &f.type)
      guard (1...3).contains(f.type) else { throw .invalid("Fetch Type", f.type, wanted: "1 to 3") }
      if wire.includes(f.isStandalone) {
        try wire.fullName("Track Namespace", &f.namespace, "Track Name", &f.name)
        try wire.location("Start Location", &f.start)
        try wire.location("End Location", &f.end)
      }
      if wire.includes(f.isJoining) {
        try wire.varint("Joining Request ID", &f.joiningID)
        try wire.varint("Joining Start", &f.joiningStart)
      }
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message12)
      m.range = f.range
    }
  }
  public enum FETCH_OK: Layout {
    public static var type: UInt64? { 0x18 }
    public static var section: StaticString { "§8.17" }
    public static func walk(_ m: inout FetchOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.chosenOrder(&m.groupOrder)
      try wire.flag("End Of Track", &m.endOfTrack)
      try wire.location("End Location", &m.end)
      try wire.parameters("Number of Parameters", "Subscribe Parameters", &m.parameters, .message12)
    }
  }
  public enum TRACK_STATUS: Layout {
    public static var name: String { "TRACK_STATUS_REQUEST" }
    public static var type: UInt64? { 0xD }
    public static var section: StaticString { "§8.20" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyTrack(&m.subscribe)
      try wire.varint("Request ID", &m.subscribe.id)
      try wire.fullName("Track Namespace", &m.subscribe.namespace, "Track Name", &m.subscribe.name)
      try wire.parameters("Number of Parameters", "Parameters", &m.subscribe.parameters, .message12)
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var name: String { "TRACK_STATUS" }
    public static var type: UInt64? { 0xE }
    public static var section: StaticString { "§8.21" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.trackState(&m, .message12)
    }
  }
  public enum PUBLISH_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE" }
    public static var type: UInt64? { 0x6 }
    public static var section: StaticString { "§8.22" }
    public static func walk(_ m: inout PublishNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace", &m.namespace)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message12)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "SUBSCRIBE_ANNOUNCES" }
    public static var type: UInt64? { 0x11 }
    public static var section: StaticString { "§8.27" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace Prefix", &m.prefix)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message12)
    }
  }

  public typealias GOAWAY = Draft11.GOAWAY
  public typealias MAX_REQUEST_ID = Draft11.MAX_REQUEST_ID
  public typealias REQUESTS_BLOCKED = Draft11.REQUESTS_BLOCKED
  public typealias UNSUBSCRIBE = Draft11.UNSUBSCRIBE
  public typealias PUBLISH_DONE = Draft11.PUBLISH_DONE
  public typealias FETCH_ERROR = Draft11.FETCH_ERROR
  public typealias FETCH_CANCEL = Draft11.FETCH_CANCEL
  public typealias FETCH_UPDATE = Draft11.FETCH_UPDATE
  public typealias SUBSCRIBE_GAP = Draft11.SUBSCRIBE_GAP
  public typealias PUBLISH_NAMESPACE_OK = Draft11.PUBLISH_NAMESPACE_OK
  public typealias PUBLISH_NAMESPACE_ERROR = Draft11.PUBLISH_NAMESPACE_ERROR
  public typealias PUBLISH_NAMESPACE_DONE = Draft11.PUBLISH_NAMESPACE_DONE
  public typealias PUBLISH_NAMESPACE_CANCEL = Draft11.PUBLISH_NAMESPACE_CANCEL
  public typealias SUBSCRIBE_NAMESPACE_OK = Draft11.SUBSCRIBE_NAMESPACE_OK
  public typealias SUBSCRIBE_NAMESPACE_ERROR = Draft11.SUBSCRIBE_NAMESPACE_ERROR
  public typealias UNSUBSCRIBE_NAMESPACE = Draft11.UNSUBSCRIBE_NAMESPACE

  public typealias TRACK_STATUS_ERROR = Unspoken<RequestError>
  public typealias SESSION_UPDATE = Unspoken<SessionUpdate>
  public typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>
  public typealias ANNOUNCE = Unspoken<Announce>

  public static func section(of kind: MessageKind) -> StaticString {
    switch kind {
    case .fetchError: "§8.18"
    case .fetchCancel: "§8.19"
    case .publishNamespaceOK: "§8.23"
    case .publishNamespaceError: "§8.24"
    case .publishNamespaceDone: "§8.25"
    case .publishNamespaceCancel: "§8.26"
    case .subscribeNamespaceOK: "§8.28"
    case .subscribeNamespaceError: "§8.29"
    case .unsubscribeNamespace: "§8.30"
    default: layout(of: kind).section
    }
  }
}

import MoQKernel

/// draft-ietf-moq-transport-08
///
/// Since 07: ROLE is gone; an absolute range and an update end with a group, no longer with an object; a fetch
/// may join a subscription; SUBSCRIBE_DONE counts streams instead of naming the last object;
/// SUBSCRIBES_BLOCKED; objects have extension headers, counted; a status has a datagram of its own, and a
/// payload in a datagram has no length.
public enum Draft08: Revision {
  public typealias Base = Draft07
  public static var name: String { "draft-08" }
  public static var version: UInt64 { 0xff00_0008 }
  public static var objects: ObjectForms {
    ObjectForms(
      statuses: StatusForm(valid: 0b11_1011, four: .endOfTrackAndGroup, five: .endOfTrack),
      subgroup: SubgroupForm(
        base: 0x04, always: [.subgroupID, .extensions], extensions: .count, section: "§8.4.1"),
      fetch: FetchForm(.full(.count), requestID: "Subscribe ID", section: "§8.4.3"),
      datagram: DatagramForm(types: 0b110, statusBit: 2, always: (.count, nil), section: "§8.2"))
  }

  public enum CLIENT_SETUP: Amended {
    public typealias Former = Draft07.CLIENT_SETUP
    public static var section: StaticString { "§7.2" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .setup08)
    }
  }
  public enum SERVER_SETUP: Amended {
    public typealias Former = Draft07.SERVER_SETUP
    public static var section: StaticString { "§7.2" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .setup08)
    }
  }
  public enum SUBSCRIBE: Amended {
    public typealias Former = Draft07.SUBSCRIBE
    public static var section: StaticString { "§7.4" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .draft08)
    }
  }
  public enum SUBSCRIBE_UPDATE: Amended {
    public typealias Former = Draft07.SUBSCRIBE_UPDATE
    public static var section: StaticString { "§7.5" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .draft08)
    }
  }
  public enum FETCH: Amended {
    public typealias Former = Draft07.FETCH
    public static var section: StaticString { "§7.7" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      var f = try FetchFields(m.range)
      try wire.expressible("Fetch Type", f.type != 3)
      try wire.varint("Subscribe ID", &m.id)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.varint("Fetch Type", &f.type)
      guard (1...2).contains(f.type) else { throw .invalid("Fetch Type", f.type, wanted: "1 or 2") }
      if wire.includes(f.isStandalone) {
        try wire.fullName("Track Namespace", &f.namespace, "Track Name", &f.name)
        try wire.varint("StartGroup", &f.start.group)
        try wire.varint("StartObject", &f.start.object)
        try wire.varint("EndGroup", &f.end.group)
        try wire.varint("EndObject", &f.end.object)
      }
      if wire.includes(f.isJoining) {
        try wire.varint("Joining Subscribe ID", &f.joiningID)
        try wire.varint("Preceding Group Offset", &f.joiningStart)
      }
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message07)
      m.range = f.range
    }
  }
  public enum PUBLISH_DONE: Amended {
    public typealias Former = Draft07.PUBLISH_DONE
    public static var section: StaticString { "§7.19" }
    public static func walk(_ m: inout SubscribeDone, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Subscribe ID", &m.id)
      try wire.varint("Status Code", &m.code)
      try wire.varint("Stream Count", &m.streamCount)
      try wire.bytes("Reason Phrase", &m.reason)
      try wire.implied("Final Location", &m.final, nil)
    }
  }
  public enum REQUESTS_BLOCKED: Layout {
    public static var name: String { "SUBSCRIBES_BLOCKED" }
    public static var type: UInt64? { 0x1A }
    public static var section: StaticString { "§7.21" }
    public static func walk(_ m: inout RequestsBlocked, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Maximum Subscribe ID", &m.limit)
    }
  }

  public static func moved(_ kind: MessageKind) -> StaticString? {
    switch kind {
    case .goAway: "§7.3"
    case .unsubscribe: "§7.6"
    case .fetchCancel: "§7.8"
    case .publishNamespaceOK: "§7.9"
    case .publishNamespaceError: "§7.10"
    case .publishNamespaceCancel: "§7.11"
    case .trackStatus: "§7.12"
    case .subscribeNamespace: "§7.13"
    case .unsubscribeNamespace: "§7.14"
    case .subscribeOK: "§7.15"
    case .subscribeError: "§7.16"
    case .fetchOK: "§7.17"
    case .fetchError: "§7.18"
    case .maxRequestID: "§7.20"
    case .publishNamespace: "§7.22"
    case .publishNamespaceDone: "§7.23"
    case .trackStatusOK: "§7.24"
    case .subscribeNamespaceOK: "§7.25"
    case .subscribeNamespaceError: "§7.26"
    default: nil
    }
  }
}

import MoQKernel

/// draft-ietf-moq-transport-12
///
/// Since 11: the publisher chooses the track alias, in SUBSCRIBE_OK, or in PUBLISH, which is new; a token has
/// the number 3 everywhere, and SETUP may carry it; a fetch's ends are locations; a stream type may promise the
/// end of its group, a datagram's type too.
public enum Draft12: Revision {
  public typealias Base = Draft11
  public static var name: String { "draft-12" }
  public static var version: UInt64 { 0xff00_000c }
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

  public enum CLIENT_SETUP: Amended {
    public typealias Former = Draft11.CLIENT_SETUP
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .setup12)
    }
  }
  public enum SERVER_SETUP: Amended {
    public typealias Former = Draft11.SERVER_SETUP
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try Draft07.SERVER_SETUP.walk(&m, &wire, .setup12)
    }
  }
  public enum SUBSCRIBE: Amended {
    public typealias Former = Draft11.SUBSCRIBE
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, "Subscribe Parameters")
    }
    static func walk(_ m: inout Subscribe, _ wire: inout some Wire, _ parameters: StaticString) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try Former.rest(&m, &wire, parameters, .message12)
    }
  }
  public enum SUBSCRIBE_OK: Amended {
    public typealias Former = Draft11.SUBSCRIBE_OK
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, "Subscribe Parameters")
    }
    static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire, _ parameters: StaticString) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Track Alias", &m.trackAlias)
      try Former.rest(&m, &wire, parameters, .message12)
    }
  }
  public enum SUBSCRIBE_ERROR: Amended {
    public typealias Former = Draft11.SUBSCRIBE_ERROR
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum SUBSCRIBE_UPDATE: Amended {
    public typealias Former = Draft11.SUBSCRIBE_UPDATE
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Subscription Request ID", &m.id, 0)
      try wire.varint("Request ID", &m.subscription)
      try Former.rest(&m, &wire, "Subscribe Parameters", .message12)
    }
  }
  public enum PUBLISH: Layout {
    public static var type: UInt64? { 0x1D }
    public static var section: StaticString { "§8.13" }
    public static func walk(_ m: inout Publish, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, "ContentExists", "Largest")
    }
    static func walk(
      _ m: inout Publish, _ wire: inout some Wire, _ exists: StaticString, _ largest: StaticString
    ) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.varint("Track Alias", &m.trackAlias)
      try wire.chosenOrder(&m.groupOrder)
      try wire.largest(exists, largest, &m.largest)
      try wire.flag("Forward", &m.forward)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message12)
    }
  }
  public enum PUBLISH_OK: Layout {
    public static var type: UInt64? { 0x1E }
    public static var section: StaticString { "§8.14" }
    public static func walk(_ m: inout PublishOK, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .publish12)
    }
    static func walk(_ m: inout PublishOK, _ wire: inout some Wire, _ filters: Filters) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.flag("Forward", &m.forward)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.chosenOrder(&m.groupOrder)
      try wire.filter(&m.filter, filters)
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
  public enum FETCH: Amended {
    public typealias Former = Draft11.FETCH
    public static var section: StaticString { "§8.16" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, "Joining Request ID", .message12) { f, wire throws(WireError) in
        try wire.location("Start Location", &f.start)
        try wire.location("End Location", &f.end)
      }
    }
  }
  public enum FETCH_OK: Amended {
    public typealias Former = Draft11.FETCH_OK
    public static var section: StaticString { "§8.17" }
    public static func walk(_ m: inout FetchOK, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, "Subscribe Parameters")
    }
    static func walk(_ m: inout FetchOK, _ wire: inout some Wire, _ parameters: StaticString) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.chosenOrder(&m.groupOrder)
      try wire.flag("End Of Track", &m.endOfTrack)
      try wire.location("End Location", &m.end)
      try wire.parameters("Number of Parameters", parameters, &m.parameters, .message12)
    }
  }
  public enum TRACK_STATUS: Amended {
    public typealias Former = Draft11.TRACK_STATUS
    public static var section: StaticString { "§8.20" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .message12)
    }
  }
  public enum TRACK_STATUS_OK: Amended {
    public typealias Former = Draft11.TRACK_STATUS_OK
    public static var section: StaticString { "§8.21" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.trackState(&m, .message12)
    }
  }
  public enum PUBLISH_NAMESPACE: Amended {
    public typealias Former = Draft11.PUBLISH_NAMESPACE
    public static var section: StaticString { "§8.22" }
    public static func walk(_ m: inout PublishNamespace, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .message12)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Amended {
    public typealias Former = Draft11.SUBSCRIBE_NAMESPACE
    public static var section: StaticString { "§8.27" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .message12)
    }
  }

  public static func moved(_ kind: MessageKind) -> StaticString? {
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
    default: nil
    }
  }
}

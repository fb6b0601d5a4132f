import MoQKernel

/// draft-ietf-moq-transport-14
///
/// Since 13: SETUP has AUTHORITY and MOQT_IMPLEMENTATION; ANNOUNCE is called PUBLISH_NAMESPACE and
/// SUBSCRIBE_DONE is called PUBLISH_DONE; SUBSCRIBE_UPDATE has a request id of its own; object ids are
/// written as differences; a datagram may leave its object id out.
public enum Draft14: Revision {
  public typealias Base = Draft13
  public static var name: String { "draft-14" }
  public static var version: UInt64 { 0xff00_000e }
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

  public enum CLIENT_SETUP: Amended {
    public typealias Former = Draft12.CLIENT_SETUP
    public static var section: StaticString { "§9.3" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try Draft11.CLIENT_SETUP.walk(&m, &wire, .setup14)
    }
  }
  public enum SERVER_SETUP: Amended {
    public typealias Former = Draft12.SERVER_SETUP
    public static var section: StaticString { "§9.3" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try Draft07.SERVER_SETUP.walk(&m, &wire, .setup14)
    }
  }
  public enum SUBSCRIBE: Amended {
    public typealias Former = Draft12.SUBSCRIBE
    public static var section: StaticString { "§9.7" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, "Parameters")
    }
  }
  public enum SUBSCRIBE_OK: Amended {
    public typealias Former = Draft12.SUBSCRIBE_OK
    public static var section: StaticString { "§9.8" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, "Parameters")
    }
  }
  public enum SUBSCRIBE_UPDATE: Amended {
    public typealias Former = Draft12.SUBSCRIBE_UPDATE
    public static var section: StaticString { "§9.10" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Subscription Request ID", &m.subscription)
      try Draft11.SUBSCRIBE_UPDATE.rest(&m, &wire, "Parameters", .message12)
    }
  }
  public enum PUBLISH_DONE: Renamed { public typealias Former = Draft11.PUBLISH_DONE }
  public enum PUBLISH: Amended {
    public typealias Former = Draft12.PUBLISH
    public static var section: StaticString { "§9.13" }
    public static func walk(_ m: inout Publish, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, "Content Exists", "Largest Location")
    }
  }
  public enum PUBLISH_OK: Amended {
    public typealias Former = Draft12.PUBLISH_OK
    public static var section: StaticString { "§9.14" }
    public static func walk(_ m: inout PublishOK, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .draft11)
    }
  }
  public enum FETCH_OK: Amended {
    public typealias Former = Draft12.FETCH_OK
    public static var section: StaticString { "§9.17" }
    public static func walk(_ m: inout FetchOK, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, "Parameters")
    }
  }
  // The fields of SUBSCRIBE and SUBSCRIBE_OK, which here are this draft's.
  public enum TRACK_STATUS: Amended {
    public typealias Former = Draft13.TRACK_STATUS
    public static var section: StaticString { "§9.20" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try SUBSCRIBE.walk(&m.subscribe, &wire)
    }
  }
  public enum TRACK_STATUS_OK: Amended {
    public typealias Former = Draft13.TRACK_STATUS_OK
    public static var section: StaticString { "§9.21" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyAnswer(&m)
      try SUBSCRIBE_OK.walk(&m.ok, &wire)
    }
  }
  public enum PUBLISH_NAMESPACE: Renamed { public typealias Former = Draft12.PUBLISH_NAMESPACE }
  public enum PUBLISH_NAMESPACE_OK: Renamed { public typealias Former = Draft11.PUBLISH_NAMESPACE_OK }
  public enum PUBLISH_NAMESPACE_ERROR: Renamed { public typealias Former = Draft11.PUBLISH_NAMESPACE_ERROR }
  public enum PUBLISH_NAMESPACE_DONE: Renamed { public typealias Former = Draft07.PUBLISH_NAMESPACE_DONE }
  public enum PUBLISH_NAMESPACE_CANCEL: Renamed { public typealias Former = Draft11.PUBLISH_NAMESPACE_CANCEL }

  public static func moved(_ kind: MessageKind) -> StaticString? {
    switch kind {
    case .goAway: "§9.4"
    case .maxRequestID: "§9.5"
    case .requestsBlocked: "§9.6"
    case .subscribeError: "§9.9"
    case .unsubscribe: "§9.11"
    case .subscribeDone: "§9.12"
    case .publishError: "§9.15"
    case .fetch: "§9.16"
    case .fetchError: "§9.18"
    case .fetchCancel: "§9.19"
    case .trackStatusError: "§9.22"
    case .publishNamespace: "§9.23"
    case .publishNamespaceOK: "§9.24"
    case .publishNamespaceError: "§9.25"
    case .publishNamespaceDone: "§9.26"
    case .publishNamespaceCancel: "§9.27"
    case .subscribeNamespace: "§9.28"
    case .subscribeNamespaceOK: "§9.29"
    case .subscribeNamespaceError: "§9.30"
    case .unsubscribeNamespace: "§9.31"
    default: nil
    }
  }
}

import MoQKernel

/// draft-ietf-moq-transport-13
///
/// Since 12: TRACK_STATUS_REQUEST is called TRACK_STATUS and has SUBSCRIBE's fields, its answers are
/// TRACK_STATUS_OK with SUBSCRIBE_OK's fields and TRACK_STATUS_ERROR; SUBSCRIBE_ANNOUNCES is called
/// SUBSCRIBE_NAMESPACE.
public enum Draft13: Revision {
  public typealias Base = Draft12
  public static var name: String { "draft-13" }
  public static var version: UInt64 { 0xff00_000d }

  public enum TRACK_STATUS: Layout {
    public static var type: UInt64? { 0xD }
    public static var section: StaticString { "§8.20" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try SUBSCRIBE.walk(&m.subscribe, &wire)
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var type: UInt64? { 0xE }
    public static var section: StaticString { "§8.21" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyAnswer(&m)
      try SUBSCRIBE_OK.walk(&m.ok, &wire)
    }
  }
  public enum TRACK_STATUS_ERROR: Layout {
    public static var type: UInt64? { 0xF }
    public static var section: StaticString { "§8.22" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Renamed { public typealias Former = Draft12.SUBSCRIBE_NAMESPACE }
  public enum SUBSCRIBE_NAMESPACE_OK: Renamed { public typealias Former = Draft11.SUBSCRIBE_NAMESPACE_OK }
  public enum SUBSCRIBE_NAMESPACE_ERROR: Renamed { public typealias Former = Draft11.SUBSCRIBE_NAMESPACE_ERROR }
  public enum UNSUBSCRIBE_NAMESPACE: Renamed { public typealias Former = Draft07.UNSUBSCRIBE_NAMESPACE }

  public static func moved(_ kind: MessageKind) -> StaticString? {
    switch kind {
    case .publishNamespace: "§8.23"
    case .publishNamespaceOK: "§8.24"
    case .publishNamespaceError: "§8.25"
    case .publishNamespaceDone: "§8.26"
    case .publishNamespaceCancel: "§8.27"
    case .subscribeNamespace: "§8.28"
    case .subscribeNamespaceOK: "§8.29"
    case .subscribeNamespaceError: "§8.30"
    case .unsubscribeNamespace: "§8.31"
    default: nil
    }
  }
}

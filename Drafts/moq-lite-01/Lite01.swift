import MoQKernel

/// draft-lcurley-moq-lite-01
///
/// Since 00: ANNOUNCE_INIT; every message begins with its length.
///
/// A stream's type and place say which message comes: SESSION_CLIENT and SESSION_SERVER are the kernel's
/// CLIENT_SETUP and SERVER_SETUP, ANNOUNCE_PLEASE its SUBSCRIBE_NAMESPACE. A namespace is one path, whose
/// parts are between slashes; slashes at its ends mean nothing.
public enum Lite01: Dialect {
  public static var name: String { "moq-lite-01" }
  public static var version: UInt64 { 0xff0d_ad01 }
  public static var framing: Framing { .length(.varint) }
  public static var objects: ObjectForms {
    ObjectForms(
      subgroup: SubgroupForm(base: 0x0, content: .frames(.varint), name: "GROUP", section: "§6.12"))
  }
  public static var requestStreams: [RequestStream] {
    [
      RequestStream(
        0x0, opener: .init(.clientSetup, then: .sessionUpdate), acceptor: .init(.serverSetup, then: .sessionUpdate)),
      RequestStream(0x1, opener: .init(.subscribeNamespace), acceptor: .init(.announceInit, then: .announce)),
      RequestStream(0x2, opener: .init(.subscribe, then: .subscribeUpdate), acceptor: .init(.subscribeOK)),
    ]
  }

  public enum CLIENT_SETUP: Layout {
    public static var name: String { "SESSION_CLIENT" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.3" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .lite)
    }
    static func walk(
      _ m: inout ClientSetup, _ wire: inout some Wire, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.versions("Supported Versions Count", "Supported Version", &m.versions)
      try wire.parameters("Extension Count", "Extensions", &m.parameters, spelling)
    }
  }
  public enum SERVER_SETUP: Layout {
    public static var name: String { "SESSION_SERVER" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.4" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Selected Version", &m.version)
      try wire.parameters("Extension Count", "Extensions", &m.parameters, .lite)
    }
  }
  public enum SESSION_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.5" }
    public static func walk(_ m: inout SessionUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Session Bitrate", &m.bitrate)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE_PLEASE" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.6" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .plain)
    }
    static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire, _ form: PathForm) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.path("Broadcast Path Prefix", &m.prefix, form)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  public enum ANNOUNCE_INIT: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.7" }
    public static func walk(_ m: inout AnnounceInit, _ wire: inout some Wire) throws(WireError) {
      try wire.paths("Suffix Count", "Broadcast Path Suffix", &m.suffixes)
    }
  }
  public enum ANNOUNCE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.8" }
    public static func walk(_ m: inout Announce, _ wire: inout some Wire) throws(WireError) {
      var status = m.status.rawValue
      guard status <= 1 else { throw .inexpressible("Announce Status") }
      try wire.varint("Announce Status", &status)
      switch status {
      case 0: m.status = .ended
      case 1: m.status = .active
      default: throw .invalid("Announce Status", status, wanted: "0 or 1")
      }
      try wire.path("Broadcast Path Suffix", &m.suffix)
    }
  }
  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.9" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribe(&m)
      try wire.higherFirst("Subscriber Priority", &m.priority)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribeUpdate(&m)
      try wire.higherFirst("Subscriber Priority", &m.priority)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.11" }
    // One byte: calls would take longer than to read or write it.
    @inline(__always) public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribeOK(&m)
      try wire.higherFirst("Publisher Priority", &m.priority)
    }
    // The walk may change what it is given, so a writer's gets a copy, which takes longer than all the rest here. It is
    // made only if there is something that the walk refuses.
    @inline(__always) public static func write(_ m: SubscribeOK, to wire: inout WireWriter) throws(WireError) {
      guard m.isPriorityAlone else {
        var m = m
        return try walk(&m, &wire)
      }
      var priority = m.priority
      try wire.higherFirst("Publisher Priority", &priority)
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
  public typealias FETCH = Unspoken<Fetch>
  public typealias FETCH_OK = Unspoken<FetchOK>
  public typealias FETCH_ERROR = Unspoken<RequestError>
  public typealias FETCH_CANCEL = Unspoken<RequestReference>
  public typealias FETCH_UPDATE = Unspoken<FetchUpdate>
  public typealias SUBSCRIBE_GAP = Unspoken<SubscribeGap>
  public typealias TRACK_STATUS = Unspoken<TrackStatusRequest>
  public typealias TRACK_STATUS_OK = Unspoken<TrackStatusOK>
  public typealias TRACK_STATUS_ERROR = Unspoken<RequestError>
  public typealias PUBLISH_NAMESPACE = Unspoken<PublishNamespace>
  public typealias PUBLISH_NAMESPACE_OK = Unspoken<RequestReference>
  public typealias PUBLISH_NAMESPACE_ERROR = Unspoken<RequestError>
  public typealias PUBLISH_NAMESPACE_DONE = Unspoken<RequestReference>
  public typealias PUBLISH_NAMESPACE_CANCEL = Unspoken<RequestError>
  public typealias SUBSCRIBE_NAMESPACE_OK = Unspoken<RequestReference>
  public typealias SUBSCRIBE_NAMESPACE_ERROR = Unspoken<RequestError>
  public typealias UNSUBSCRIBE_NAMESPACE = Unspoken<RequestReference>
}

extension WireWalk where Self: ~Copyable & ~Escapable {
  /// A subscription up to its priority. It starts with the current group and cannot end.
  mutating func liteSubscribe(_ m: inout Subscribe, _ form: PathForm = .plain) throws(WireError) {
    try implied("Filter Type", &m.filter, .currentGroup)
    try liteTrack(&m, form)
  }
  /// A subscription's number and track, whatever its range.
  mutating func liteTrack(_ m: inout Subscribe, _ form: PathForm) throws(WireError) {
    try implied("Track Alias", &m.trackAlias, 0)
    try implied("Group Order", &m.groupOrder, .publisher)
    try implied("Forward", &m.forward, true)
    try implied("Parameters", &m.parameters, [])
    try varint("Subscribe ID", &m.id)
    try path("Broadcast Path", &m.namespace, form)
    try string("Track Name", &m.name)
  }
  /// What SUBSCRIBE_UPDATE has no words for.
  mutating func liteSubscribeUpdate(_ m: inout SubscribeUpdate) throws(WireError) {
    try implied("Request ID", &m.id, 0)
    try implied("Subscription Request ID", &m.subscription, 0)
    try implied("Start Location", &m.start, nil)
    try implied("Group Order", &m.groupOrder, nil)
    try implied("End Group", &m.endGroup, nil)
    try implied("End Object", &m.endObject, nil)
    try implied("Forward", &m.forward, true)
    try implied("Parameters", &m.parameters, [])
  }
  /// What SUBSCRIBE_OK has no words for.
  @inline(__always) mutating func liteSubscribeOK(_ m: inout SubscribeOK) throws(WireError) {
    try implied("Request ID", &m.id, 0)
    try implied("Track Alias", &m.trackAlias, 0)
    try implied("Expires", &m.expiresMilliseconds, 0)
    try implied("Group Order", &m.groupOrder, .ascending)
    try implied("Largest Location", &m.largest, nil)
    try implied("Parameters", &m.parameters, [])
  }
  /// A priority as moq-lite-00 to 02 have it: higher first. The kernel's is lower first and has 256 steps, so
  /// p on the wire is 255 - p in the kernel; what is above 255 counts as 255.
  @inline(__always) mutating func higherFirst(_ name: StaticString, _ priority: inout UInt8) throws(WireError) {
    var wide = UInt64(255 - priority)
    try varint(name, &wide)
    priority = 255 - UInt8(min(wide, 255))
  }
  /// The same in one raw byte, as moq-dev's implementation writes it.
  mutating func higherFirstByte(_ name: StaticString, _ priority: inout UInt8) throws(WireError) {
    var narrow = 255 - priority
    try byte(name, &narrow)
    priority = 255 - narrow
  }
}

extension SubscribeOK {
  /// Whether it says nothing that `liteSubscribeOK` has no words for.
  @inline(__always) fileprivate var isPriorityAlone: Bool {
    id == 0 && trackAlias == 0 && expiresMilliseconds == 0 && groupOrder == .ascending && largest == nil
      && parameters.isEmpty
  }
}

extension ParameterSpelling {
  /// The text defines no extension.
  static var lite: Self { .init(.extensions) }
}

import MoQKernel

/// transfork, by the text's hand or by that of an implementation.
public protocol Transfork: Revision {
  static var hand: TransforkHand { get }

  associatedtype SUBSCRIBE_NAMESPACE = TransforkMessages<Self>.SUBSCRIBE_NAMESPACE
  associatedtype ANNOUNCE = TransforkMessages<Self>.ANNOUNCE
  associatedtype SUBSCRIBE = TransforkMessages<Self>.SUBSCRIBE
  associatedtype SUBSCRIBE_UPDATE = TransforkMessages<Self>.SUBSCRIBE_UPDATE
  associatedtype SUBSCRIBE_GAP = TransforkMessages<Self>.SUBSCRIBE_GAP
  associatedtype SUBSCRIBE_OK = TransforkMessages<Self>.SUBSCRIBE_OK
  associatedtype TRACK_STATUS = TransforkMessages<Self>.TRACK_STATUS
  associatedtype TRACK_STATUS_OK = TransforkMessages<Self>.TRACK_STATUS_OK
  associatedtype FETCH = TransforkMessages<Self>.FETCH
  associatedtype FETCH_UPDATE = TransforkMessages<Self>.FETCH_UPDATE
}

/// What the implementations of transfork write in their own ways; unless they do, it is the text's way.
public struct TransforkHand: Sendable {
  enum Paths {
    /// How many parts, then each part.
    case parts
    /// One string with slashes between the parts.
    case string
    /// The same; a track's path also begins with a slash, and a prefix begins and ends with one.
    case rooted
  }
  var paths = Paths.parts
  /// Whether there is Group Expires.
  var hasExpires = true
  /// Whether a priority is one raw byte, but for that of an update.
  var hasRawPriority = false
  /// Whether an order is ascending or descending, 0 or 1, and never left open.
  var hasDecidedOrder = false
  /// Whether INFO ends with the latest group.
  var endsWithLatest = false
  /// Whether a gap names its last group instead of a count.
  var hasGapEnds = false
  /// Whether a fetch has a number.
  var numbersFetches = false
}

/// The messages of transfork-03. A stream's type and place say which one comes, so none has a type.
public enum TransforkMessages<Speaker: Transfork> {
  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE_PLEASE" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.5" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      switch Speaker.hand.paths {
      case .parts: try wire.parts("Track Prefix Parts", "Track Prefix Part", &m.prefix, .path)
      case .string: try wire.path("Track Prefix", &m.prefix)
      case .rooted: try wire.path("Track Prefix", &m.prefix, .enclosed)
      }
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  public enum ANNOUNCE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.6" }
    public static func walk(_ m: inout Announce, _ wire: inout some Wire) throws(WireError) {
      try wire.announceStatus(&m.status)
      if wire.includes(m.status != .live) {
        switch Speaker.hand.paths {
        case .parts: try wire.parts("Track Suffix Parts", "Track Suffix Part", &m.suffix, .path)
        case .string, .rooted: try wire.path("Track Suffix", &m.suffix)
        }
      } else {
        try wire.implied("Track Suffix", &m.suffix, TrackNamespace())
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
      try wire.trackPath(&m.namespace, &m.name, Speaker.hand)
      try wire.trackPriority(&m.priority, Speaker.hand)
      try wire.groupOrder(&m.groupOrder, Speaker.hand)
      try wire.groupExpires(&m.parameters, Speaker.hand)
      try wire.groups(&m.filter)
    }
  }
  /// What is new; 0 where a range stays as it was.
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.8" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.implied("Subscription Request ID", &m.subscription, 0)
      try wire.implied("Forward", &m.forward, true)
      try wire.implied("End Object", &m.endObject, nil)
      try wire.expressible("Group Order", m.groupOrder != nil)
      try wire.expressible("Group Min", m.start?.object ?? 0 == 0)
      var (order, first) = (m.groupOrder ?? .publisher, m.start?.group)
      try wire.higherFirst("Track Priority", &m.priority)
      try wire.groupOrder(&order, Speaker.hand)
      try wire.groupExpires(&m.parameters, Speaker.hand)
      try wire.orOpen("Group Min", &first)
      try wire.orOpen("Group Max", &m.endGroup)
      (m.groupOrder, m.start) = (order, first.map { Location($0, 0) })
    }
  }
  public enum SUBSCRIBE_GAP: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.9" }
    public static func walk(_ m: inout SubscribeGap, _ wire: inout some Wire) throws(WireError) {
      if Speaker.hand.hasGapEnds {
        try wire.gapEnds(&m)
      } else {
        try wire.varint("Group Start", &m.firstGroup)
        try wire.varint("Group Count", &m.more)
      }
      try wire.varint("Group Error Code", &m.code)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var name: String { "INFO" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.implied("Expires", &m.expiresMilliseconds, 0)
      try wire.trackPriority(&m.priority, Speaker.hand)
      if !Speaker.hand.endsWithLatest { try wire.latestGroup(&m.largest) }
      try wire.groupOrder(&m.groupOrder, Speaker.hand)
      try wire.groupExpires(&m.parameters, Speaker.hand)
      if Speaker.hand.endsWithLatest { try wire.latestGroup(&m.largest) }
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var name: String { "INFO" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyAnswer(&m)
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
      try wire.trackPath(&m.subscribe.namespace, &m.subscribe.name, Speaker.hand)
    }
  }
  public enum FETCH: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.12" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      if Speaker.hand.numbersFetches {
        try wire.varint("Subscribe ID", &m.id)
      } else {
        try wire.implied("Request ID", &m.id, 0)
      }
      var group = GroupFetch(m)
      try wire.expressible("FETCH", group.isWhole)
      try wire.trackPath(&group.namespace, &group.name, Speaker.hand)
      try wire.trackPriority(&m.priority, Speaker.hand)
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
}

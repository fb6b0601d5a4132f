import MoQKernel

/// transfork-03 as gomoqt v0.1 speaks it, under the number 0xffffff00: every message begins with its length, a
/// path is one string that begins with a slash, there is no Group Expires, a gap names its last group instead of a
/// count, and a fetch has a Subscribe ID.
///
/// Known by that number, or by the session's path in SESSION_CLIENT.
public enum Transfork03Gomoqt: Variant {
  public typealias Base = Transfork03
  public static var profile: String? { "gomoqt" }
  public static var version: UInt64 { 0xffff_ff00 }
  public static var framing: Framing { .length(.varint) }
  public static func framing(of kind: MessageKind) -> Framing { framing }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.subgroup.content = .frames(.length(.varint))
    return forms
  }

  public typealias CLIENT_SETUP = Lite01Gomoqt.CLIENT_SETUP
  public enum SERVER_SETUP: Layout {
    public static var name: String { "SESSION_SERVER" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.3" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Selected Version", &m.version)
      try wire.implied("Extensions", &m.parameters, [])
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE_PLEASE" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.5" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.path("Track Prefix", &m.prefix, .enclosed)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  public typealias ANNOUNCE = Transfork04MoqRs.ANNOUNCE
  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.7" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.implied("Forward", &m.forward, true)
      try wire.implied("Group Expires", &m.parameters, [])
      try wire.varint("Subscribe ID", &m.id)
      try wire.rootedTrackPath(&m.namespace, &m.name)
      try wire.higherFirst("Track Priority", &m.priority)
      try wire.order("Group Order", &m.groupOrder)
      try wire.groups(&m.filter)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.8" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.groupUpdate(&m, expires: false) { order, wire throws(WireError) in
        try wire.order("Group Order", &order)
      }
    }
  }
  public enum SUBSCRIBE_GAP: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.9" }
    public static func walk(_ m: inout SubscribeGap, _ wire: inout some Wire) throws(WireError) {
      let (last, overflow) = m.firstGroup.addingReportingOverflow(m.more)
      guard !overflow else { throw .inexpressible("Max Gap Sequence") }
      var end = last
      try wire.varint("Min Gap Sequence", &m.firstGroup)
      try wire.varint("Max Gap Sequence", &end)
      guard end >= m.firstGroup else { throw .invalid("Max Gap Sequence", end, wanted: "no less than the first") }
      m.more = end - m.firstGroup
      try wire.varint("Group Error Code", &m.code)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var name: String { "INFO" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyInfo(&m)
      try wire.implied("Group Expires", &m.parameters, [])
      try wire.higherFirst("Track Priority", &m.priority)
      try wire.latestGroup(&m.largest)
      try wire.order("Group Order", &m.groupOrder)
    }
  }
  public enum TRACK_STATUS_OK: Layout {
    public static var name: String { "INFO" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyInfo(&m)
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
      try wire.rootedTrackPath(&m.subscribe.namespace, &m.subscribe.name)
    }
  }
  public enum FETCH: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.12" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Subscribe ID", &m.id)
      var group = GroupFetch(m)
      try wire.expressible("FETCH", group.isWhole)
      try wire.rootedTrackPath(&group.namespace, &group.name)
      try wire.higherFirst("Track Priority", &m.priority)
      try wire.varint("Group Sequence", &group.start.group)
      try wire.varint("Frame Sequence", &group.start.object)
      try group.close(&m, &wire)
    }
  }
}

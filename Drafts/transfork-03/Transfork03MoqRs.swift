import MoQKernel

/// transfork-03 as the Rust crate moq-transfork 0.8 speaks it: a priority is one raw byte, an order is ascending
/// or descending and never left open, INFO is in another order, and "live" is never sent.
///
/// Known by ALPN `moqf-02`, which that implementation has on raw QUIC for every version.
public enum Transfork03MoqRs: Variant {
  public typealias Base = Transfork03
  public static var profile: String? { "moq-rs" }

  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.7" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.implied("Forward", &m.forward, true)
      try wire.varint("Subscribe ID", &m.id)
      try wire.trackPath(&m.namespace, &m.name)
      try wire.higherFirstByte("Track Priority", &m.priority)
      try wire.decidedOrder("Group Order", &m.groupOrder)
      try wire.groupExpires(&m.parameters)
      try wire.groups(&m.filter)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.8" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.groupUpdate(&m) { order, wire throws(WireError) in try wire.decidedOrder("Group Order", &order) }
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var name: String { "INFO" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyInfo(&m)
      try wire.higherFirstByte("Track Priority", &m.priority)
      try wire.decidedOrder("Group Order", &m.groupOrder)
      try wire.groupExpires(&m.parameters)
      try wire.latestGroup(&m.largest)
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
  public enum FETCH: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.12" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      var group = GroupFetch(m)
      try wire.expressible("FETCH", group.isWhole)
      try wire.trackPath(&group.namespace, &group.name)
      try wire.higherFirstByte("Track Priority", &m.priority)
      try wire.varint("Group Sequence", &group.start.group)
      try wire.varint("Frame Sequence", &group.start.object)
      try group.close(&m, &wire)
    }
  }
}

/// The never published 0xff0bad04 of the Rust crate moq-transfork 0.9 and later: paths are one string, and there
/// is no Group Expires; otherwise as `Transfork03MoqRs`.
public enum Transfork04MoqRs: Variant {
  public typealias Base = Transfork03MoqRs
  public static var profile: String? { "moq-rs-04" }
  public static var version: UInt64 { 0xff0b_ad04 }

  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE_PLEASE" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.5" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.path("Track Prefix", &m.prefix)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  public enum ANNOUNCE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.6" }
    public static func walk(_ m: inout Announce, _ wire: inout some Wire) throws(WireError) {
      try wire.announceStatus(&m.status)
      if wire.includes(m.status != .live) {
        try wire.path("Track Suffix", &m.suffix)
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
      try wire.implied("Group Expires", &m.parameters, [])
      try wire.varint("Subscribe ID", &m.id)
      try wire.trackPathString(&m.namespace, &m.name)
      try wire.higherFirstByte("Track Priority", &m.priority)
      try wire.decidedOrder("Group Order", &m.groupOrder)
      try wire.groups(&m.filter)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.8" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.groupUpdate(&m, expires: false) { order, wire throws(WireError) in
        try wire.decidedOrder("Group Order", &order)
      }
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var name: String { "INFO" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.onlyInfo(&m)
      try wire.implied("Group Expires", &m.parameters, [])
      try wire.higherFirstByte("Track Priority", &m.priority)
      try wire.decidedOrder("Group Order", &m.groupOrder)
      try wire.latestGroup(&m.largest)
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
      try wire.trackPathString(&m.subscribe.namespace, &m.subscribe.name)
    }
  }
  public enum FETCH: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.12" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      var group = GroupFetch(m)
      try wire.expressible("FETCH", group.isWhole)
      try wire.trackPathString(&group.namespace, &group.name)
      try wire.higherFirstByte("Track Priority", &m.priority)
      try wire.varint("Group Sequence", &group.start.group)
      try wire.varint("Frame Sequence", &group.start.object)
      try group.close(&m, &wire)
    }
  }
}

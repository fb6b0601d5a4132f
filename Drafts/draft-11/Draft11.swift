import MoQKernel

/// draft-ietf-moq-transport-11
///
/// Since 10: lengths have 16 bits and SETUP new numbers; every request has a request id, announcements too;
/// parameters are key-value pairs, one of them a token; a location is one field, a reason is bounded;
/// SUBSCRIBE gains Forward, and its filter 0x1 returns as Next Group Start; a fetch may join at an absolute
/// group; the type of a stream or datagram says which fields follow.
public enum Draft11: Revision {
  public typealias Base = Draft10
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

  public enum CLIENT_SETUP: Amended {
    public typealias Former = Draft08.CLIENT_SETUP
    public static var type: UInt64? { 0x20 }
    public static var section: StaticString { "§8.3" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .setup11)
    }
    static func walk(
      _ m: inout ClientSetup, _ wire: inout some Wire, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.versions("Number of Supported Versions", "Supported Versions", &m.versions)
      try wire.parameters("Number of Parameters", "Setup Parameters", &m.parameters, spelling)
    }
  }
  public enum SERVER_SETUP: Amended {
    public typealias Former = Draft08.SERVER_SETUP
    public static var type: UInt64? { 0x21 }
    public static var section: StaticString { "§8.3" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try Draft07.SERVER_SETUP.walk(&m, &wire, .setup11)
    }
  }
  public enum GOAWAY: Amended {
    public typealias Former = Draft07.GOAWAY
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
  public enum SUBSCRIBE: Amended {
    public typealias Former = Draft09.SUBSCRIBE
    public static var section: StaticString { "§8.7" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Track Alias", &m.trackAlias)
      try rest(&m, &wire, "Subscribe Parameters", .message11)
    }
    /// What follows the alias.
    static func rest(
      _ m: inout Subscribe, _ wire: inout some Wire, _ parameters: StaticString, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.fullName("Track Namespace", &m.namespace, "Track Name", &m.name)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.flag("Forward", &m.forward)
      try wire.filter(&m.filter, .draft11)
      try wire.parameters("Number of Parameters", parameters, &m.parameters, spelling)
    }
  }
  public enum SUBSCRIBE_OK: Amended {
    public typealias Former = Draft07.SUBSCRIBE_OK
    public static var section: StaticString { "§8.8" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try rest(&m, &wire, "Subscribe Parameters", .message11)
    }
    /// What follows the alias.
    static func rest(
      _ m: inout SubscribeOK, _ wire: inout some Wire, _ parameters: StaticString, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.varint("Expires", &m.expiresMilliseconds)
      try wire.code("Group Order", &m.groupOrder, wanted: "1 or 2")
      try wire.largest("Content Exists", "Largest Location", &m.largest)
      try wire.implied("Publisher Priority", &m.priority, 128)
      try wire.parameters("Number of Parameters", parameters, &m.parameters, spelling)
    }
  }
  public enum SUBSCRIBE_ERROR: Amended {
    public typealias Former = Draft07.SUBSCRIBE_ERROR
    public static var section: StaticString { "§8.9" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Track Namespace", &m.namespace, TrackNamespace())
      try wire.varint("Request ID", &m.id)
      try wire.varint("Error Code", &m.code)
      try wire.reason("Error Reason", &m.reason)
      try wire.varint("Track Alias", &m.trackAlias)
    }
  }
  public enum SUBSCRIBE_UPDATE: Amended {
    public typealias Former = Draft08.SUBSCRIBE_UPDATE
    public static var section: StaticString { "§8.10" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Subscription Request ID", &m.id, 0)
      try wire.varint("Request ID", &m.subscription)
      try rest(&m, &wire, "Subscribe Parameters", .message11)
    }
    /// What follows the ids.
    static func rest(
      _ m: inout SubscribeUpdate, _ wire: inout some Wire, _ parameters: StaticString, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.location("Start Location", &m.start)
      try wire.implied("Group Order", &m.groupOrder, nil)
      try wire.orOpen("End Group", &m.endGroup)
      try wire.implied("End Object", &m.endObject, nil)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.flag("Forward", &m.forward)
      try wire.parameters("Number of Parameters", parameters, &m.parameters, spelling)
    }
  }
  public enum UNSUBSCRIBE: Amended {
    public typealias Former = Draft07.UNSUBSCRIBE
    public static var section: StaticString { "§8.11" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum PUBLISH_DONE: Amended {
    public typealias Former = Draft08.PUBLISH_DONE
    public static var section: StaticString { "§8.12" }
    public static func walk(_ m: inout SubscribeDone, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.varint("Status Code", &m.code)
      try wire.varint("Stream Count", &m.streamCount)
      try wire.reason("Error Reason", &m.reason)
      try wire.implied("Final Location", &m.final, nil)
    }
  }
  public enum FETCH: Amended {
    public typealias Former = Draft08.FETCH
    public static var section: StaticString { "§8.13" }
    public static func walk(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, "Joining Subscribe ID", .message11) { f, wire throws(WireError) in
        try wire.varint("Start Group", &f.start.group)
        try wire.varint("Start Object", &f.start.object)
        try wire.varint("End Group", &f.end.group)
        try wire.varint("End Object", &f.end.object)
      }
    }
    static func walk<W: Wire>(
      _ m: inout Fetch, _ wire: inout W, _ joining: StaticString, _ spelling: ParameterSpelling,
      ends: (inout FetchFields, inout W) throws(WireError) -> Void
    ) throws(WireError) {
      var f = try FetchFields(m.range)
      try wire.varint("Request ID", &m.id)
      try wire.byte("Subscriber Priority", &m.priority)
      try wire.code("Group Order", &m.groupOrder, wanted: "0 to 2")
      try wire.varint("Fetch Type", &f.type)
      guard (1...3).contains(f.type) else { throw .invalid("Fetch Type", f.type, wanted: "1 to 3") }
      if wire.includes(f.isStandalone) {
        try wire.fullName("Track Namespace", &f.namespace, "Track Name", &f.name)
        try ends(&f, &wire)
      }
      if wire.includes(f.isJoining) {
        try wire.varint(joining, &f.joiningID)
        try wire.varint("Joining Start", &f.joiningStart)
      }
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, spelling)
      m.range = f.range
    }
  }
  public enum FETCH_OK: Amended {
    public typealias Former = Draft07.FETCH_OK
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
  public enum FETCH_ERROR: Amended {
    public typealias Former = Draft07.FETCH_ERROR
    public static var section: StaticString { "§8.15" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum FETCH_CANCEL: Amended {
    public typealias Former = Draft07.FETCH_CANCEL
    public static var section: StaticString { "§8.16" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum TRACK_STATUS: Amended {
    public typealias Former = Draft07.TRACK_STATUS
    public static var section: StaticString { "§8.17" }
    public static func walk(_ m: inout TrackStatusRequest, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .message11)
    }
    static func walk(
      _ m: inout TrackStatusRequest, _ wire: inout some Wire, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.onlyTrack(&m.subscribe)
      try wire.varint("Request ID", &m.subscribe.id)
      try wire.fullName("Track Namespace", &m.subscribe.namespace, "Track Name", &m.subscribe.name)
      try wire.parameters("Number of Parameters", "Parameters", &m.subscribe.parameters, spelling)
    }
  }
  public enum TRACK_STATUS_OK: Amended {
    public typealias Former = Draft07.TRACK_STATUS_OK
    public static var section: StaticString { "§8.18" }
    public static func walk(_ m: inout TrackStatusOK, _ wire: inout some Wire) throws(WireError) {
      try wire.trackState(&m, .message11)
    }
  }
  public enum PUBLISH_NAMESPACE: Amended {
    public typealias Former = Draft07.PUBLISH_NAMESPACE
    public static var section: StaticString { "§8.19" }
    public static func walk(_ m: inout PublishNamespace, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .message11)
    }
    static func walk(
      _ m: inout PublishNamespace, _ wire: inout some Wire, _ spelling: ParameterSpelling
    ) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace", &m.namespace)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, spelling)
    }
  }
  public enum PUBLISH_NAMESPACE_OK: Amended {
    public typealias Former = Draft07.PUBLISH_NAMESPACE_OK
    public static var section: StaticString { "§8.20" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum PUBLISH_NAMESPACE_ERROR: Amended {
    public typealias Former = Draft07.PUBLISH_NAMESPACE_ERROR
    public static var section: StaticString { "§8.21" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }
  public enum PUBLISH_NAMESPACE_CANCEL: Amended {
    public typealias Former = Draft07.PUBLISH_NAMESPACE_CANCEL
    public static var section: StaticString { "§8.23" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.implied("Track Alias", &m.trackAlias, 0)
      try wire.tuple("Track Namespace", &m.namespace)
      try wire.varint("Error Code", &m.code)
      try wire.reason("Error Reason", &m.reason)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Amended {
    public typealias Former = Draft07.SUBSCRIBE_NAMESPACE
    public static var section: StaticString { "§8.24" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try walk(&m, &wire, .message11)
    }
    static func walk(
      _ m: inout SubscribeNamespace, _ wire: inout some Wire, _ spelling: ParameterSpelling,
      _ form: NamespaceForm = NamespaceForm()
    ) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace Prefix", &m.prefix, form)
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, spelling)
    }
  }
  public enum SUBSCRIBE_NAMESPACE_OK: Amended {
    public typealias Former = Draft07.SUBSCRIBE_NAMESPACE_OK
    public static var section: StaticString { "§8.25" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.requestID(&m)
    }
  }
  public enum SUBSCRIBE_NAMESPACE_ERROR: Amended {
    public typealias Former = Draft07.SUBSCRIBE_NAMESPACE_ERROR
    public static var section: StaticString { "§8.26" }
    public static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.requestError(&m)
    }
  }

  public static func moved(_ kind: MessageKind) -> StaticString? {
    switch kind {
    case .publishNamespaceDone: "§8.22"
    case .unsubscribeNamespace: "§8.27"
    default: nil
    }
  }
}

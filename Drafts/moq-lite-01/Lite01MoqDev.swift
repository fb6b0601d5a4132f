import MoQKernel

/// moq-lite-01 as moq-dev's implementation speaks it: the profile of a peer whose first message is a
/// CLIENT_SETUP of draft-14 (stream type 0x20), and whose priorities are one raw byte.
public enum Lite01MoqDev: Dialect {
  public static var name: String { "moq-lite-01" }
  public static var profile: String? { "moq-dev" }
  public static var version: UInt64 { Lite01.version }
  public static var framing: Framing { Lite01.framing }
  public static var objects: ObjectForms { Lite01.objects }
  public static func framing(of kind: MessageKind) -> Framing {
    switch kind {
    case .clientSetup, .serverSetup: Draft14.framing
    default: framing
    }
  }
  public static var requestStreams: [RequestStream] {
    let setup = RequestStream(
      0x20, isMessageType: true, opener: .init(.clientSetup, then: .sessionUpdate),
      acceptor: .init(.serverSetup, then: .sessionUpdate))
    return [setup] + Lite01.requestStreams.filter { $0.type != 0x0 }
  }

  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.9" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribe(&m)
      try wire.higherFirstByte("Subscriber Priority", &m.priority)
    }
  }
  public enum SUBSCRIBE_UPDATE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.10" }
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribeUpdate(&m)
      try wire.higherFirstByte("Subscriber Priority", &m.priority)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.11" }
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribeOK(&m)
      try wire.higherFirstByte("Publisher Priority", &m.priority)
    }
  }

  public typealias CLIENT_SETUP = Draft14.CLIENT_SETUP
  public typealias SERVER_SETUP = Draft14.SERVER_SETUP
  public typealias SESSION_UPDATE = Lite01.SESSION_UPDATE
  public typealias SUBSCRIBE_NAMESPACE = Lite01.SUBSCRIBE_NAMESPACE
  public typealias ANNOUNCE_INIT = Lite01.ANNOUNCE_INIT
  public typealias ANNOUNCE = Lite01.ANNOUNCE
  public typealias GOAWAY = Lite01.GOAWAY
  public typealias MAX_REQUEST_ID = Lite01.MAX_REQUEST_ID
  public typealias REQUESTS_BLOCKED = Lite01.REQUESTS_BLOCKED
  public typealias SUBSCRIBE_ERROR = Lite01.SUBSCRIBE_ERROR
  public typealias UNSUBSCRIBE = Lite01.UNSUBSCRIBE
  public typealias PUBLISH_DONE = Lite01.PUBLISH_DONE
  public typealias PUBLISH = Lite01.PUBLISH
  public typealias PUBLISH_OK = Lite01.PUBLISH_OK
  public typealias PUBLISH_ERROR = Lite01.PUBLISH_ERROR
  public typealias FETCH = Lite01.FETCH
  public typealias FETCH_OK = Lite01.FETCH_OK
  public typealias FETCH_ERROR = Lite01.FETCH_ERROR
  public typealias FETCH_CANCEL = Lite01.FETCH_CANCEL
  public typealias FETCH_UPDATE = Lite01.FETCH_UPDATE
  public typealias SUBSCRIBE_GAP = Lite01.SUBSCRIBE_GAP
  public typealias TRACK_STATUS = Lite01.TRACK_STATUS
  public typealias TRACK_STATUS_OK = Lite01.TRACK_STATUS_OK
  public typealias TRACK_STATUS_ERROR = Lite01.TRACK_STATUS_ERROR
  public typealias PUBLISH_NAMESPACE = Lite01.PUBLISH_NAMESPACE
  public typealias PUBLISH_NAMESPACE_OK = Lite01.PUBLISH_NAMESPACE_OK
  public typealias PUBLISH_NAMESPACE_ERROR = Lite01.PUBLISH_NAMESPACE_ERROR
  public typealias PUBLISH_NAMESPACE_DONE = Lite01.PUBLISH_NAMESPACE_DONE
  public typealias PUBLISH_NAMESPACE_CANCEL = Lite01.PUBLISH_NAMESPACE_CANCEL
  public typealias SUBSCRIBE_NAMESPACE_OK = Lite01.SUBSCRIBE_NAMESPACE_OK
  public typealias SUBSCRIBE_NAMESPACE_ERROR = Lite01.SUBSCRIBE_NAMESPACE_ERROR
  public typealias UNSUBSCRIBE_NAMESPACE = Lite01.UNSUBSCRIBE_NAMESPACE
}

/// moq-lite-01 as moq-dev's builds of August and September 2025 begin it: its number stands beside draft-07's in a
/// CLIENT_SETUP of draft-07 (stream type 0x40), and the answer is draft-07's SERVER_SETUP.
public enum Lite01MoqDev202508: Variant {
  public typealias Base = Lite01MoqDev
  public typealias CLIENT_SETUP = Draft07.CLIENT_SETUP
  public typealias SERVER_SETUP = Draft07.SERVER_SETUP
  public static var profile: String? { "moq-dev-2025-08" }
  public static func framing(of kind: MessageKind) -> Framing {
    switch kind {
    case .clientSetup, .serverSetup: Draft07.framing
    default: framing
    }
  }
  public static var requestStreams: [RequestStream] {
    let setup = RequestStream(
      0x40, isMessageType: true, opener: .init(.clientSetup, then: .sessionUpdate),
      acceptor: .init(.serverSetup, then: .sessionUpdate))
    return [setup] + Base.requestStreams.filter { $0.type != 0x20 }
  }
}

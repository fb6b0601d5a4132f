import MoQKernel

/// moq-lite-01 as moq-dev's implementation speaks it: the profile of a peer whose first message is a
/// CLIENT_SETUP of draft-14 (stream type 0x20), and whose priorities are one raw byte.
public enum Lite01MoqDev: Variant {
  public typealias Base = Lite01
  public typealias CLIENT_SETUP = Draft14.CLIENT_SETUP
  public typealias SERVER_SETUP = Draft14.SERVER_SETUP
  public static var profile: String? { "moq-dev" }
  // The setup's layouts are another text's.
  public static func section(of kind: MessageKind) -> StaticString { layout(of: kind).section }
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

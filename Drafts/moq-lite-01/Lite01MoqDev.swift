import MoQKernel

/// moq-lite-01 as moq-dev's implementation speaks it: the profile of a peer whose first message is a
/// CLIENT_SETUP of draft-14 (stream type 0x20), and whose priorities are one raw byte.
public enum Lite01MoqDev: SetUpElsewhere {
  public typealias Base = Lite01
  public typealias Setup = Draft14
  public static var profile: String? { "moq-dev" }

  public enum SUBSCRIBE: Amended {
    public typealias Former = Lite01.SUBSCRIBE
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribe(&m)
      try wire.higherFirstByte("Subscriber Priority", &m.priority)
    }
  }
  public enum SUBSCRIBE_UPDATE: Amended {
    public typealias Former = Lite01.SUBSCRIBE_UPDATE
    public static func walk(_ m: inout SubscribeUpdate, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribeUpdate(&m)
      try wire.higherFirstByte("Subscriber Priority", &m.priority)
    }
  }
  public enum SUBSCRIBE_OK: Amended {
    public typealias Former = Lite01.SUBSCRIBE_OK
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribeOK(&m)
      try wire.higherFirstByte("Publisher Priority", &m.priority)
    }
  }
}

/// moq-lite-01 as moq-dev's builds of August and September 2025 begin it: its number stands beside draft-07's in a
/// CLIENT_SETUP of draft-07 (stream type 0x40), and the answer is draft-07's SERVER_SETUP.
public enum Lite01MoqDev202508: SetUpElsewhere {
  public typealias Base = Lite01MoqDev
  public typealias Setup = Draft07
  public static var profile: String? { "moq-dev-2025-08" }
}

/// moq-lite-01 behind the setup of another dialect, on a stream that begins with its CLIENT_SETUP.
public protocol SetUpElsewhere: Variant {
  associatedtype Setup: Dialect
  associatedtype CLIENT_SETUP = Setup.CLIENT_SETUP
  associatedtype SERVER_SETUP = Setup.SERVER_SETUP
}

extension SetUpElsewhere {
  public static func framing(of kind: MessageKind) -> Framing {
    switch kind {
    case .clientSetup, .serverSetup: Setup.framing
    default: framing
    }
  }
  public static var requestStreams: [RequestStream] {
    var streams = Lite01.requestStreams
    for index in streams.indices where streams[index].type == 0x0 {
      (streams[index].type, streams[index].isMessageType) = (CLIENT_SETUP.type ?? 0x0, true)
    }
    return streams
  }
}

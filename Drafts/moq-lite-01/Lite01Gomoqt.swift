import MoQKernel

/// moq-lite-01 as gomoqt v0.5 to v0.11 speaks it: the session's path is extension 1 of SESSION_CLIENT, paths begin
/// with a slash, and SUBSCRIBE_OK is empty. Some of them offer and take only 0xfeedbabe.
///
/// Known by that number, or by the session's path in SESSION_CLIENT.
public enum Lite01Gomoqt: Variant {
  public typealias Base = Lite01
  public static var profile: String? { "gomoqt" }

  public enum CLIENT_SETUP: Amended {
    public typealias Former = Lite01.CLIENT_SETUP
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .gomoqt)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Amended {
    public typealias Former = Lite01.SUBSCRIBE_NAMESPACE
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try Former.walk(&m, &wire, .enclosed)
    }
  }
  public enum SUBSCRIBE: Amended {
    public typealias Former = Lite01.SUBSCRIBE
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribe(&m, .rooted)
      try wire.higherFirst("Subscriber Priority", &m.priority)
    }
  }
  public enum SUBSCRIBE_OK: Amended {
    public typealias Former = Lite01.SUBSCRIBE_OK
    public static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.liteSubscribeOK(&m)
      try wire.implied("Publisher Priority", &m.priority, 128)
    }
  }
}

/// The same of gomoqt v0.4: every length has 16 bits, frames' too, and SUBSCRIBE ends with a range of groups.
///
/// Known by the length of SESSION_CLIENT, which begins with a byte of 0.
public enum Lite01Gomoqt04: Variant {
  public typealias Base = Lite01Gomoqt
  public static var profile: String? { "gomoqt-0.4" }
  public static var framing: Framing { .length(.uint16) }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.subgroup.content = .frames(.uint16)
    return forms
  }

  public enum SUBSCRIBE: Amended {
    public typealias Former = Lite01.SUBSCRIBE
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.liteTrack(&m, .rooted)
      try wire.higherFirst("Subscriber Priority", &m.priority)
      try wire.groups(&m.filter)
    }
  }
}

extension ParameterSpelling {
  /// gomoqt's extension 1 is the session's path.
  static var gomoqt: Self { .init(.extensions, path: 1) }
}

import MoQKernel

/// moq-lite-01 as gomoqt v0.5 to v0.11 speaks it: the session's path is extension 1 of SESSION_CLIENT, paths begin
/// with a slash, and SUBSCRIBE_OK is empty. Some of them offer and take only 0xfeedbabe.
///
/// Known by that number, or by the session's path in SESSION_CLIENT.
public enum Lite01Gomoqt: Variant {
  public typealias Base = Lite01
  public static var profile: String? { "gomoqt" }

  public enum CLIENT_SETUP: Layout {
    public static var name: String { "SESSION_CLIENT" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.3" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.versions("Supported Versions Count", "Supported Version", &m.versions)
      try wire.parameters("Extension Count", "Extensions", &m.parameters, .gomoqt)
    }
  }
  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var name: String { "ANNOUNCE_PLEASE" }
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.6" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.path("Broadcast Path Prefix", &m.prefix, .enclosed)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.9" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.onlySubscription(&m)
      try wire.implied("Filter Type", &m.filter, .currentGroup)
      try wire.varint("Subscribe ID", &m.id)
      try wire.path("Broadcast Path", &m.namespace, .rooted)
      try wire.string("Track Name", &m.name)
      try wire.higherFirst("Subscriber Priority", &m.priority)
    }
  }
  public enum SUBSCRIBE_OK: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.11" }
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
  public static func framing(of kind: MessageKind) -> Framing { framing }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.subgroup.content = .frames(.length(.uint16))
    return forms
  }

  public enum SUBSCRIBE: Layout {
    public static var type: UInt64? { nil }
    public static var section: StaticString { "§6.9" }
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.onlySubscription(&m)
      try wire.varint("Subscribe ID", &m.id)
      try wire.path("Broadcast Path", &m.namespace, .rooted)
      try wire.string("Track Name", &m.name)
      try wire.higherFirst("Subscriber Priority", &m.priority)
      try wire.groups(&m.filter)
    }
  }
}

extension ParameterSpelling {
  /// gomoqt's extension 1 is the session's path.
  static let gomoqt = Self(.extensions, path: 1)
}

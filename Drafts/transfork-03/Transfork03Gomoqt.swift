import MoQKernel

/// transfork-03 as gomoqt v0.1 speaks it, under the number 0xffffff00: every message begins with its length, a
/// path is one string that begins with a slash, there is no Group Expires, a gap names its last group instead of a
/// count, and a fetch has a Subscribe ID.
///
/// Known by that number, or by the session's path in SESSION_CLIENT.
public enum Transfork03Gomoqt: Transfork, Variant {
  public typealias Base = Transfork03
  public static var profile: String? { "gomoqt" }
  public static var version: UInt64 { 0xffff_ff00 }
  public static var framing: Framing { .length(.varint) }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.subgroup.content = .frames(.varint)
    return forms
  }

  public static var hand: TransforkHand {
    TransforkHand(paths: .rooted, hasExpires: false, hasGapEnds: true, numbersFetches: true)
  }

  public enum CLIENT_SETUP: Amended {
    public typealias Former = Lite01Gomoqt.CLIENT_SETUP
    public static var section: StaticString { "§6.2" }
  }
  public enum SERVER_SETUP: Amended {
    public typealias Former = Base.SERVER_SETUP
    public static var section: StaticString { "§6.3" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Selected Version", &m.version)
      try wire.implied("Extensions", &m.parameters, [])
    }
  }
}

import MoQKernel

/// draft-10 as imquic speaks it: see draft-08's.
public typealias Draft10Imquic = ImquicDatagrams<Draft10>
public typealias Draft10ImquicOffer = ImquicOffer<Draft10>

/// draft-10 as moqtransport speaks it: draft-11's framing, request ids and Forward under 10's number, with 10's
/// parameters, streams and objects. No other peer of draft-10 understands it.
public enum Draft10MoQTransport: Variant {
  public typealias Base = Draft11
  public static var name: String { Draft10.name }
  public static var version: UInt64 { Draft10.version }
  public static var profile: String? { "moqtransport" }
  public static var objects: ObjectForms { Draft10.objects }

  public enum CLIENT_SETUP: Amended {
    public typealias Former = Draft08.CLIENT_SETUP
    public static var type: UInt64? { 0x20 }
    public static var section: StaticString { "§8.2" }
  }
  public enum SERVER_SETUP: Amended {
    public typealias Former = Draft08.SERVER_SETUP
    public static var type: UInt64? { 0x21 }
    public static var section: StaticString { "§8.2" }
  }
}

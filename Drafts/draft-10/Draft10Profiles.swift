import MoQKernel

/// draft-10 as imquic speaks it where extension headers are not in use: a datagram is without them altogether,
/// without the length that says there are none.
public enum Draft10Imquic: Variant {
  public typealias Base = Draft10
  public static var profile: String? { "imquic" }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.datagram?.always = (nil, nil)
    return forms
  }
}

/// draft-10 as moqtransport speaks it: draft-11's framing, request ids and Forward under 10's number, with 10's
/// parameters, streams and objects. No other peer of draft-10 understands it.
public enum Draft10MoQTransport: Variant {
  public typealias Base = Draft11
  public static var name: String { Draft10.name }
  public static var version: UInt64 { Draft10.version }
  public static var profile: String? { "moqtransport" }
  public static var objects: ObjectForms { Draft10.objects }

  public enum CLIENT_SETUP: Layout {
    public static var type: UInt64? { 0x20 }
    public static var section: StaticString { "§8.2" }
    public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try Draft08.CLIENT_SETUP.walk(&m, &wire)
    }
  }
  public enum SERVER_SETUP: Layout {
    public static var type: UInt64? { 0x21 }
    public static var section: StaticString { "§8.2" }
    public static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try Draft08.SERVER_SETUP.walk(&m, &wire)
    }
  }
}

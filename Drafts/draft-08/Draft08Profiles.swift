import MoQKernel

/// A draft as imquic speaks it where extension headers are not in use: a datagram is without them altogether,
/// without the count or the length that says there are none.
public enum ImquicDatagrams<Base: Dialect>: Variant {
  public static var profile: String? { "imquic" }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.datagram?.always = (nil, nil)
    return forms
  }
}

public typealias Draft08Imquic = ImquicDatagrams<Draft08>

/// A draft out of an imquic's offer of several old ones: see `ImquicOfferSetup`.
public enum ImquicOffer<Base: Dialect>: Variant {
  public static var profile: String? { "imquic-offer" }
  public typealias CLIENT_SETUP = ImquicOfferSetup
}

public typealias Draft08ImquicOffer = ImquicOffer<Draft08>

extension Rules.Handshake {
  /// An imquic that offers several drafts, one of which has these layouts.
  static func imquicOffer(_ layouts: any Dialect.Type) -> Rules.Handshake {
    Rules.Handshake(
      first: 0x40, versions: [layouts.version].compactMap(\.self), clientParameters: [.path, .maxRequestID],
      serverParameters: [.maxRequestID], profile: "imquic-offer", layouts: layouts)
  }
}

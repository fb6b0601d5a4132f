import MoQKernel

/// draft-07 as Cloudflare's moq-rs and moq-dev's builds of 2025 speak it.
///
/// The header of a subgroup begins with the Subscribe ID, as in draft-06; so does a datagram, which always has
/// a status and a length. §7.3.1 says "Subscribe ID" in its prose, and has only the Track Alias in its figure.
public enum Draft07Cloudflare: Variant {
  public typealias Base = Draft07
  public static var profile: String? { "cloudflare" }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.subgroup.leadingRequestID = true
    forms.datagram?.leadingRequestID = true
    forms.datagram?.payload = .statusAndLength
    return forms
  }
}

/// draft-07 as imquic speaks it: a datagram has a status and no length.
public enum Draft07Imquic: Variant {
  public typealias Base = Draft07
  public static var profile: String? { "imquic" }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.datagram?.payload = .status
    return forms
  }
}

/// draft-07 as moqtransport speaks it: a datagram has neither a length nor a status, and SUBSCRIBE_OK leaves
/// the group order open.
public enum Draft07MoQTransport: Variant {
  public typealias Base = Draft07
  public static var profile: String? { "moqtransport" }
  public static var objects: ObjectForms {
    var forms = Base.objects
    forms.datagram?.payload = .rest
    return forms
  }
  public static func check(_: Message) throws(WireError) {}
}

/// The CLIENT_SETUP of an imquic that offers several old drafts at once: its parameters are pairs, as draft-11
/// has them, and ROLE is missing. It reads the answer in the form of the draft that is chosen, and speaks that one.
public enum ImquicOfferSetup: Amended {
  public typealias Former = Draft07.CLIENT_SETUP
  public static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
    try Former.walk(&m, &wire, .setup11)
  }
}

public typealias Draft07ImquicOffer = ImquicOffer<Draft07>

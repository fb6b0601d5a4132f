import MoQKernel

/// draft-14 as moq-dev's implementation speaks it: it asks for every announcement by an empty prefix, which the
/// text allows from draft-16 on only (§9.28: 1 to 32 fields). Known by its MOQT_IMPLEMENTATION, `moq-lite-rs`.
public enum Draft14MoqDev: Variant {
  public typealias Base = Draft14
  public static var profile: String? { "moq-dev" }

  public enum SUBSCRIBE_NAMESPACE: Amended {
    public typealias Former = Base.SUBSCRIBE_NAMESPACE
    public static var section: StaticString { "§9.28" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try Draft11.SUBSCRIBE_NAMESPACE.walk(&m, &wire, .message12, NamespaceForm(fewest: 0))
    }
  }
  public enum UNSUBSCRIBE_NAMESPACE: Amended {
    public typealias Former = Base.UNSUBSCRIBE_NAMESPACE
    public static var section: StaticString { "§9.31" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.named("Track Namespace Prefix", &m, NamespaceForm(fewest: 0))
    }
  }
}

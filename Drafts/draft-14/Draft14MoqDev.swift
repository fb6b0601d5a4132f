import MoQKernel

/// draft-14 as moq-dev's implementation speaks it: it asks for every announcement by an empty prefix, which the
/// text allows from draft-16 on only (§9.28: 1 to 32 fields). Known by its MOQT_IMPLEMENTATION, `moq-lite-rs`.
public enum Draft14MoqDev: Variant {
  public typealias Base = Draft14
  public static var profile: String? { "moq-dev" }

  public enum SUBSCRIBE_NAMESPACE: Layout {
    public static var type: UInt64? { Draft14.SUBSCRIBE_NAMESPACE.type }
    public static var section: StaticString { "§9.28" }
    public static func walk(_ m: inout SubscribeNamespace, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Request ID", &m.id)
      try wire.tuple("Track Namespace Prefix", &m.prefix, NamespaceForm(fewest: 0))
      try wire.parameters("Number of Parameters", "Parameters", &m.parameters, .message14)
    }
  }
  public enum UNSUBSCRIBE_NAMESPACE: Layout {
    public static var type: UInt64? { Draft14.UNSUBSCRIBE_NAMESPACE.type }
    public static var section: StaticString { "§9.31" }
    public static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.implied("Request ID", &m.id, 0)
      try wire.tuple("Track Namespace Prefix", &m.namespace, NamespaceForm(fewest: 0))
    }
  }
}

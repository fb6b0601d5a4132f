/// A version of the protocol, as the kernel sees it. (The wire layer's protocol replaces this one.)
public protocol Dialect: SendableMetatype {
  /// What people call it: `draft-14`, `moq-lite-01`.
  static var name: String { get }
}

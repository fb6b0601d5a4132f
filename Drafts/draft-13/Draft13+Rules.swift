import MoQKernel

extension Draft13 {
  /// As 12.
  public static let rules = Draft12.rules.renumbered(version, alpn: "moq-13")
}

import MoQKernel

extension Draft12 {
  public static let rules: Rules = {
    var rules = Draft11.rules.renumbered(version, alpn: "moq-12")
    rules.identification.handshakes = [
      Rules.Handshake(
        first: 0x20, versions: [version],
        clientParameters: [.path, .maxRequestID, .authorization, .maxTokenCacheSize],
        serverParameters: [.maxRequestID, .maxTokenCacheSize], profile: nil, layouts: nil)
    ]
    rules.numbered.insert(.publish)
    rules.alias = .publisher
    rules.pushing = .exists
    rules.tokenAliases = .exist(overhead: 16, unknown: .closesSession)
    (rules.malformedTrack, rules.publishers) = (.endsTrack, .all)
    rules.codes = .draft12
    return rules
  }()
}

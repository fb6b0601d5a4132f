import MoQKernel

extension Draft08 {
  public static let rules: Rules = {
    var rules = Draft07.rules.renumbered(version, alpn: "moq-08")
    rules.identification.handshakes = [
      Rules.Handshake(
        first: 0x40, versions: [version], clientParameters: [.path, .maxRequestID],
        serverParameters: [.maxRequestID], profile: nil, layouts: nil),
      .imquicOffer(Draft08ImquicOffer.self),
    ]
    rules.credit = .maximumRequestID(blocked: .exists)
    rules.filters = [.currentGroup, .nextObject, .absolute, .latestObject]
    rules.fetching = .joiningRelative
    rules.afterUnsubscribe = .nothing
    rules.pastStart = .skipped
    rules.goAway = .both
    rules.profiles = [Rules.Profile(name: "imquic", signs: [.reading], layouts: Draft08Imquic.self)]
    rules.codes = .draft08
    return rules
  }()
}

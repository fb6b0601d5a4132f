import MoQKernel

extension Draft11 {
  public static let rules: Rules = {
    var rules = Draft10.rules.renumbered(version, alpn: "moq-11")
    rules.identification.handshakes = [
      Rules.Handshake(
        first: 0x20, versions: [version], clientParameters: [.path, .maxRequestID, .maxTokenCacheSize],
        serverParameters: [.maxRequestID, .maxTokenCacheSize], profile: nil, layouts: nil)
    ]
    rules.numbering = .parity
    rules.numbered = [.subscribe, .fetch, .trackStatus, .publishNamespace, .subscribeNamespace]
    rules.gapExtensions = Rules.GapExtensions(groups: 0x40, objects: nil, immutable: nil, mayRepeat: true)
    rules.filters = [.nextGroup, .nextObject, .absolute]
    rules.fetching = .joining
    rules.tokenAliases = .exist(overhead: 8, unknown: .refusesRequest)
    rules.profiles = [.countingAsItLikes("imquic-3350253", signs: [.evenServerIDs])]
    rules.codes = .draft11
    return rules
  }()
}

extension Rules.Profile {
  /// Peers whose relay counts its own requests from 0.
  static func countingAsItLikes(_ name: String, signs: [Rules.Sign]) -> Self {
    Self(name: name, signs: signs) { rules in
      var rules = rules
      rules.numbering = .lenient
      return rules
    }
  }
}

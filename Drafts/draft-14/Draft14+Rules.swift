import MoQKernel

extension Draft14 {
  public static let rules: Rules = {
    var rules = Draft13.rules.renumbered(version, alpn: "moq-14")
    rules.identification.handshakes = [
      // MOQT_IMPLEMENTATION is 0x07 though the text prints 0x05, AUTHORITY's number.
      Rules.Handshake(
        first: 0x20, versions: [version],
        clientParameters: [.path, .authority, .maxRequestID, .authorization, .implementation, .maxTokenCacheSize],
        serverParameters: [.maxRequestID, .implementation, .maxTokenCacheSize], profile: nil, layouts: nil)
    ]
    rules.numbered.insert(.subscribeUpdate)
    rules.gapExtensions = Rules.GapExtensions(groups: 0x3c, objects: 0x3e, immutable: 0xb, mayRepeat: false)
    rules.profiles = [
      Rules.Profile(name: "moq-dev", signs: [.implementation("moq-lite-rs")], layouts: Draft14MoqDev.self),
      .countingAsItLikes("imquic-3350253", signs: [.implementation("imquic 0.0.1"), .evenServerIDs]),
      // REQUESTS_BLOCKED and GOAWAY close the session there. Its setup grants a hundred request ids and says no more.
      Rules.Profile(name: "cloudflare", signs: [.setup([Parameter(.maxRequestID, .number(100))])]) { rules in
        var rules = rules
        (rules.credit, rules.goAway) = (.maximumRequestID(blocked: .missing), .missing)
        return rules
      },
    ]
    rules.codes = .draft14
    return rules
  }()
}

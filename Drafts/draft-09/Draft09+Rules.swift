import MoQKernel

extension Draft09 {
  public static let rules: Rules = {
    var rules = Draft08.rules.renumbered(version, alpn: "moq-09")
    rules.identification.handshakes.append(.imquicOffer(Draft09ImquicOffer.self))
    rules.filters = [.nextObject, .absolute, .latestObject]
    rules.profiles = [Rules.Profile(name: "imquic", signs: [.reading], layouts: Draft09Imquic.self)]
    return rules
  }()
}

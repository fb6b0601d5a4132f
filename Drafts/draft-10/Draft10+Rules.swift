import MoQKernel

extension Draft10 {
  public static let rules: Rules = {
    var rules = Draft09.rules.renumbered(version, alpn: "moq-10")
    rules.identification.handshakes += [
      .imquicOffer(Draft10ImquicOffer.self),
      // moqtransport's hybrid with draft-11.
      Rules.Handshake(
        first: 0x20, versions: [version], clientParameters: [.path, .maxRequestID],
        serverParameters: [.maxRequestID], profile: "moqtransport", layouts: Draft10MoQTransport.self),
    ]
    rules.profiles = [
      Rules.Profile(name: "imquic", signs: [.reading], layouts: Draft10Imquic.self),
      // Request ids, Forward and the rest of draft-11's ways; its handshake shows it.
      Rules.Profile(name: "moqtransport", signs: []) { rules in
        var adjusted = Draft11.rules
        adjusted.numbering = .lenient
        (adjusted.identification, adjusted.profiles) = (rules.identification, rules.profiles)
        return adjusted
      },
    ]
    return rules
  }()
}

import MoQKernel

extension Transfork03 {
  public static let rules: Rules = {
    var rules = Lite01.rules
    rules.identification = Rules.Identification(
      // The text is for WebTransport alone and names neither: the first of each is ours.
      alpns: ["moqf-03", "moq-00", "moqf-02"], subprotocols: ["moqf-03"],
      handshakes: [
        Rules.Handshake(
          first: 0x0, versions: [Transfork03Gomoqt.version], clientParameters: [.path], serverParameters: [],
          profile: "gomoqt", layouts: Transfork03Gomoqt.self, alpns: ["moq-00"], sign: .path),
        // The Rust crate's ALPN on raw QUIC, whatever its version.
        Rules.Handshake(
          first: 0x0, versions: [Transfork04MoqRs.version], clientParameters: [], serverParameters: [],
          profile: "moq-rs-04", layouts: Transfork04MoqRs.self, alpns: ["moqf-02"]),
        Rules.Handshake(
          first: 0x0, versions: [version], clientParameters: [], serverParameters: [], profile: "moq-rs",
          layouts: Transfork03MoqRs.self, alpns: ["moqf-02"]),
        Rules.Handshake(
          first: 0x0, versions: [Transfork02MoqRs.version], clientParameters: [], serverParameters: [],
          profile: "moq-rs-02", layouts: Transfork02MoqRs.self, alpns: ["moqf-02"]),
        Rules.Handshake(
          first: 0x0, versions: [version], clientParameters: [], serverParameters: [], profile: nil, layouts: nil),
      ])
    rules.announcing = .onInterest(.live)
    rules.filters = [.currentGroup, .groups]
    rules.wishes = [.groupOrder, .deliveryTimeout]
    rules.answering = .latestGroup
    rules.gaps = .exists
    rules.naming = .path
    rules.fetching = .group
    rules.updating = .changes
    rules.expiry = .groups
    rules.pastStart = .owed
    rules.trackStatus = .exists
    rules.profiles = [
      // A path, but no Group Expires; a fetch is numbered.
      Rules.Profile(name: "gomoqt", signs: []) { rules in
        var rules = rules
        rules.wishes = [.groupOrder]
        rules.numbered.insert(.fetch)
        return rules
      },
      Rules.Profile(name: "moq-rs", signs: [], adjust: moqRs),
      Rules.Profile(name: "moq-rs-02", signs: [], adjust: moqRs),
      Rules.Profile(name: "moq-rs-04", signs: []) { rules in
        var rules = moqRs(rules)
        rules.wishes = [.chosenOrder]
        return rules
      },
    ]
    return rules
  }()

  /// It takes what follows on the session's stream for an INFO, so it is told no bitrate.
  private static func moqRs(_ rules: Rules) -> Rules {
    var rules = rules
    (rules.wishes, rules.bitrateUpdates) = ([.chosenOrder, .deliveryTimeout], .missing)
    return rules
  }
}

import MoQKernel

extension Lite01 {
  public static let rules = Rules(
    identification: Rules.Identification(
      alpns: ["moql", "moql-01", "moq-00"], subprotocols: ["moql", "moql-01"],
      handshakes: [
        // The deployed peers' way: a CLIENT_SETUP in draft-14's framing.
        Rules.Handshake(
          first: 0x20, versions: [version], clientParameters: [.path, .maxRequestID, .implementation],
          serverParameters: [], profile: "moq-dev", layouts: Lite01MoqDev.self),
        // gomoqt's way, which only the session's path tells from the text's where the number does not.
        Rules.Handshake(
          first: 0x0, versions: [0xfeed_babe, version], clientParameters: [.path], serverParameters: [],
          profile: "gomoqt", layouts: Lite01Gomoqt.self, alpns: ["moq-00"], sign: .path),
        Rules.Handshake(
          first: 0x0, versions: [version], clientParameters: [.path], serverParameters: [], profile: "gomoqt-0.4",
          layouts: Lite01Gomoqt04.self, alpns: ["moq-00"], sign: .path),
        // The text's way: a session stream.
        Rules.Handshake(
          first: 0x0, versions: [version], clientParameters: [], serverParameters: [], profile: nil, layouts: nil),
        // moq-dev's builds of August and September 2025: beside draft-07, in its setup.
        Rules.Handshake(
          first: 0x40, versions: [version], clientParameters: [.path, .maxRequestID], serverParameters: [],
          profile: "moq-dev-2025-08", layouts: Lite01MoqDev202508.self),
      ]),
    control: .streams,
    numbering: .free,
    numbered: [.subscribe],
    credit: .streams,
    alias: .requestID,
    refusal: .streamReset,
    announcing: .onInterest(.list),
    namespaceReference: .byNamespace,
    emptyPrefix: .exists,
    filters: [.currentGroup],
    wishes: [],
    answering: .priority,
    gaps: .missing,
    gapExtensions: nil,
    naming: .pair,
    fetching: .missing,
    updating: .priorityOnly,
    afterUnsubscribe: .nothing,
    expiry: .objects,
    pastStart: .skipped,
    repeats: .allowed,
    rangeEnd: .subscriber,
    pushing: .missing,
    trackStatus: .missing,
    goAway: .missing,
    bitrateUpdates: .exists,
    tokenAliases: .missing,
    datagrams: .missing,
    subgroups: .missing,
    objects: .frames,
    malformedTrack: .endsSubscription,
    publishers: .one,
    unknownStream: .closesSession,
    // Their publishers take a SUBSCRIBE_UPDATE of this version for an error.
    profiles: ["moq-dev-2025-08", "moq-dev"].map { name in
      Rules.Profile(name: name, signs: []) { rules in
        var rules = rules
        rules.updating = .missing
        return rules
      }
    },
    codes: .moqDev)
}

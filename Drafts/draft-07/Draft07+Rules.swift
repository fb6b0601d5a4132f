import MoQKernel

extension Draft07 {
  public static let rules = Rules(
    identification: Rules.Identification(
      alpns: ["moq-00", "moq-07"], subprotocols: ["moq-00"],
      handshakes: [
        Rules.Handshake(
          first: 0x40, versions: [version], clientParameters: [.role, .path, .maxRequestID],
          serverParameters: [.role, .maxRequestID], profile: nil, layouts: nil),
        // An imquic that offers several drafts.
        Rules.Handshake(
          first: 0x40, versions: [version], clientParameters: [.path, .maxRequestID],
          serverParameters: [.role, .maxRequestID], profile: "imquic-offer", layouts: Draft07ImquicOffer.self),
      ]),
    control: .oneStream,
    numbering: .growing,
    numbered: [.subscribe, .fetch],
    credit: .maximumRequestID(blocked: .missing),
    alias: .subscriber,
    refusal: .message,
    announcing: .requests,
    namespaceReference: .byNamespace,
    emptyPrefix: .missing,
    filters: [.currentGroup, .nextObject, .absolute, .endObject, .latestObject],
    wishes: [.groupOrder, .deliveryTimeout, .authorization],
    answering: .full,
    gaps: .missing,
    gapExtensions: nil,
    naming: .pair,
    fetching: .standalone,
    updating: .narrowing,
    afterUnsubscribe: .done,
    expiry: .objects,
    pastStart: .refused,
    repeats: .violation,
    rangeEnd: .publisher,
    pushing: .missing,
    trackStatus: .exists,
    goAway: .serverOnly,
    bitrateUpdates: .missing,
    tokenAliases: .missing,
    datagrams: .exists,
    subgroups: .exists,
    objects: .objects,
    malformedTrack: .closesSession,
    publishers: .one,
    unknownStream: .closesSession,
    profiles: [
      // Its setup has a ROLE alone, and it takes subscriptions without having allowed any.
      Rules.Profile(
        name: "cloudflare",
        signs: (1...3).map { .setup([Parameter(.role, .number($0))]) } + [.leadingRequestID],
        layouts: Draft07Cloudflare.self
      ) { rules in
        var rules = rules
        rules.credit = .streams
        return rules
      },
      Rules.Profile(name: "imquic", signs: [.reading], layouts: Draft07Imquic.self),
      Rules.Profile(name: "moqtransport", signs: [.reading], layouts: Draft07MoQTransport.self),
    ],
    codes: .draft07)
}

import MoQKernel

extension Draft10 {
  public static var rules: Rules {
    Rules(
      identification: Rules.Identification(
        alpns: ["moq-00", "moq-10"], subprotocols: ["moq-00"],
        handshakes: [
          Rules.Handshake(
            first: 0x40, versions: [version], clientParameters: [.path, .maxRequestID],
            serverParameters: [.maxRequestID], profile: nil, layouts: nil),
          // moqtransport's hybrid with draft-11.
          Rules.Handshake(
            first: 0x20, versions: [version], clientParameters: [.path, .maxRequestID],
            serverParameters: [.maxRequestID], profile: "moqtransport", layouts: Draft10MoQTransport.self),
        ]),
      control: .oneStream,
      numbering: .growing,
      numbered: [.subscribe, .fetch],
      credit: .maximumRequestID(blocked: .exists),
      alias: .subscriber,
      refusal: .message,
      announcing: .requests,
      namespaceReference: .byNamespace,
      emptyPrefix: .missing,
      filters: [.nextObject, .absolute, .latestObject],
      wishes: [.groupOrder, .deliveryTimeout, .authorization],
      answering: .full,
      gaps: .missing,
      naming: .pair,
      fetching: .joiningRelative,
      updating: .narrowing,
      afterUnsubscribe: .nothing,
      pushing: .missing,
      trackStatus: .exists,
      goAway: .both,
      bitrateUpdates: .missing,
      tokenAliases: .missing,
      datagrams: .exists,
      subgroups: .exists,
      objects: .objects,
      malformedTrack: .closesSession,
      unknownStream: .closesSession,
      profiles: [
        Rules.Profile(name: "imquic", signs: [.reading], layouts: Draft10Imquic.self),
        // Request ids, Forward and the rest of draft-11's ways; its handshake shows it.
        Rules.Profile(name: "moqtransport", signs: []) { rules in
          var adjusted = Draft11.rules
          adjusted.numbering = .lenient
          (adjusted.identification, adjusted.profiles) = (rules.identification, rules.profiles)
          return adjusted
        },
      ],
      codes: .draft08)
  }
}

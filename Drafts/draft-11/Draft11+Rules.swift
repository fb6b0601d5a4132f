import MoQKernel

extension Draft11 {
  public static var rules: Rules {
    Rules(
      identification: Rules.Identification(
        alpns: ["moq-00", "moq-11"], subprotocols: ["moq-00"],
        handshakes: [
          Rules.Handshake(
            first: 0x20, versions: [version], clientParameters: [.path, .maxRequestID, .maxTokenCacheSize],
            serverParameters: [.maxRequestID, .maxTokenCacheSize], profile: nil, layouts: nil)
        ]),
      control: .oneStream,
      numbering: .parity,
      numbered: [.subscribe, .fetch, .trackStatus, .publishNamespace, .subscribeNamespace],
      credit: .maximumRequestID(blocked: .exists),
      alias: .subscriber,
      refusal: .message,
      announcing: .requests,
      namespaceReference: .byNamespace,
      emptyPrefix: .missing,
      filters: [.nextGroup, .nextObject, .absolute],
      wishes: [.groupOrder, .deliveryTimeout, .authorization],
      answering: .full,
      gaps: .missing,
      naming: .pair,
      fetching: .joining,
      updating: .narrowing,
      afterUnsubscribe: .nothing,
      pushing: .missing,
      trackStatus: .exists,
      goAway: .both,
      bitrateUpdates: .missing,
      tokenAliases: .exist(overhead: 8, unknown: .refusesRequest),
      datagrams: .exists,
      subgroups: .exists,
      objects: .objects,
      malformedTrack: .closesSession,
      unknownStream: .closesSession,
      profiles: [
        // Its relay counts its own requests from 0.
        Rules.Profile(name: "imquic-3350253", signs: [.evenServerIDs]) { rules in
          var rules = rules
          rules.numbering = .lenient
          return rules
        }
      ],
      codes: .draft11)
  }
}

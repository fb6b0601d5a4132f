import MoQKernel

extension Draft13 {
  public static var rules: Rules {
    Rules(
      identification: Rules.Identification(
        alpns: ["moq-00", "moq-13"], subprotocols: ["moq-00"],
        handshakes: [
          Rules.Handshake(
            first: 0x20, versions: [version],
            clientParameters: [.path, .maxRequestID, .authorization, .maxTokenCacheSize],
            serverParameters: [.maxRequestID, .maxTokenCacheSize], profile: nil, layouts: nil)
        ]),
      control: .oneStream,
      numbering: .parity,
      numbered: [.subscribe, .fetch, .trackStatus, .publishNamespace, .subscribeNamespace, .publish],
      credit: .maximumRequestID(blocked: .exists),
      alias: .publisher,
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
      pushing: .exists,
      trackStatus: .exists,
      goAway: .both,
      bitrateUpdates: .missing,
      tokenAliases: .exist(overhead: 16, unknown: .closesSession),
      datagrams: .exists,
      subgroups: .exists,
      objects: .objects,
      malformedTrack: .endsSubscription,
      unknownStream: .closesSession,
      profiles: [
        // Its relay counts its own requests from 0.
        Rules.Profile(name: "imquic-3350253", signs: [.evenServerIDs]) { rules in
          var rules = rules
          rules.numbering = .lenient
          return rules
        }
      ],
      codes: .draft12)
  }
}

import MoQKernel

extension Draft09 {
  public static var rules: Rules {
    Rules(
      identification: Rules.Identification(
        alpns: ["moq-00", "moq-09"], subprotocols: ["moq-00"],
        handshakes: [
          Rules.Handshake(
            first: 0x40, versions: [version], clientParameters: [.path, .maxRequestID],
            serverParameters: [.maxRequestID], profile: nil, layouts: nil)
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
        Rules.Profile(name: "imquic", signs: [.reading], layouts: Draft09Imquic.self)
      ],
      codes: .draft08)
  }
}

import MoQKernel

extension Draft07 {
  public static var rules: Rules {
    Rules(
      identification: Rules.Identification(
        alpns: ["moq-00", "moq-07"], subprotocols: ["moq-00"],
        handshakes: [
          Rules.Handshake(
            first: 0x40, versions: [version], clientParameters: [.role, .path, .maxRequestID],
            serverParameters: [.role, .maxRequestID], profile: nil, layouts: nil)
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
      fetching: .standalone,
      updating: .narrowing,
      afterUnsubscribe: .done,
      pushing: .missing,
      trackStatus: .exists,
      goAway: .serverOnly,
      bitrateUpdates: .missing,
      datagrams: .exists,
      subgroups: .exists,
      objects: .objects,
      malformedTrack: .closesSession,
      unknownStream: .closesSession,
      profiles: [],
      codes: .draft07)
  }
}

import MoQKernel

extension Transfork03 {
  public static var rules: Rules {
    Rules(
      identification: Rules.Identification(
        // The text is for WebTransport alone and names neither: the first of each is ours.
        alpns: ["moqf-03", "moq-00"], subprotocols: ["moqf-03"],
        handshakes: [
          Rules.Handshake(
            first: 0x0, versions: [version], clientParameters: [], serverParameters: [], profile: nil, layouts: nil)
        ]),
      control: .streams,
      numbering: .free,
      numbered: [.subscribe],
      credit: .streams,
      alias: .requestID,
      refusal: .streamReset,
      announcing: .onInterest(.live),
      namespaceReference: .byNamespace,
      emptyPrefix: .exists,
      filters: [.currentGroup, .groups],
      wishes: [.groupOrder, .deliveryTimeout],
      answering: .latestGroup,
      gaps: .exists,
      naming: .path,
      fetching: .group,
      updating: .changes,
      afterUnsubscribe: .nothing,
      pushing: .missing,
      trackStatus: .exists,
      goAway: .missing,
      bitrateUpdates: .exists,
      tokenAliases: .missing,
      datagrams: .missing,
      subgroups: .missing,
      objects: .frames,
      malformedTrack: .endsSubscription,
      unknownStream: .closesSession,
      profiles: [],
      codes: .moqDev)
  }
}

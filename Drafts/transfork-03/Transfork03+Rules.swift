import MoQKernel

extension Transfork03 {
  public static var rules: Rules {
    Rules(
      identification: Rules.Identification(
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
            first: 0x0, versions: [version], clientParameters: [], serverParameters: [], profile: nil, layouts: nil),
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
      profiles: [
        // A path, but no Group Expires; a fetch is numbered.
        Rules.Profile(name: "gomoqt", signs: []) { rules in
          var rules = rules
          rules.wishes = [.groupOrder]
          rules.numbered.insert(.fetch)
          return rules
        },
        Rules.Profile(name: "moq-rs", signs: []) { rules in
          var rules = rules
          rules.wishes = [.chosenOrder, .deliveryTimeout]
          return rules
        },
        Rules.Profile(name: "moq-rs-04", signs: []) { rules in
          var rules = rules
          rules.wishes = [.chosenOrder]
          return rules
        },
      ],
      codes: .moqDev)
  }
}

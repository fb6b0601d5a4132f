import MoQKernel

extension Draft14 {
  public static var rules: Rules {
    Rules(
      identification: Rules.Identification(
        alpns: ["moq-00", "moq-14"], subprotocols: ["moq-00"],
        handshakes: [
          // MOQT_IMPLEMENTATION is 0x07 though the text prints 0x05, AUTHORITY's number.
          Rules.Handshake(
            first: 0x20, versions: [version],
            clientParameters: [.path, .authority, .maxRequestID, .authorization, .implementation, .maxTokenCacheSize],
            serverParameters: [.maxRequestID, .implementation, .maxTokenCacheSize], profile: nil, layouts: nil)
        ]),
      control: .oneStream,
      numbering: .parity,
      numbered: [
        .subscribe, .subscribeUpdate, .fetch, .trackStatus, .publishNamespace, .subscribeNamespace, .publish,
      ],
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
        Rules.Profile(name: "moq-dev", signs: [.implementation("moq-lite-rs")], layouts: Draft14MoqDev.self),
        // Its relay counts its own requests from 0.
        Rules.Profile(name: "imquic-3350253", signs: [.implementation("imquic 0.0.1"), .evenServerIDs]) { rules in
          var rules = rules
          rules.numbering = .lenient
          return rules
        },
        // REQUESTS_BLOCKED and GOAWAY close the session there. Its setup grants a hundred request ids and says no more.
        Rules.Profile(name: "cloudflare", signs: [.setup([Parameter(.maxRequestID, .number(100))])]) { rules in
          var rules = rules
          (rules.credit, rules.goAway) = (.maximumRequestID(blocked: .missing), .missing)
          return rules
        },
      ],
      codes: codes)
  }

}

extension Draft14 {
  /// §9.9, §9.12, §9.15, §9.18, §9.22, §9.25, §9.30, §3.4, §10.4.3
  private static var codes: Codes {
    let common: [(Reason, UInt64)] = [
      (.internalError, 0x0), (.unauthorized, 0x1), (.timeout, 0x2), (.notSupported, 0x3),
      (.malformedToken, 0x10), (.expiredToken, 0x12),
    ]
    let subscribe = CodeTable(fallback: 0x0, common + [(.doesNotExist, 0x4), (.invalidRange, 0x5)])
    let publish = CodeTable(fallback: 0x0, common + [(.uninterested, 0x4)])
    return Codes(
      subscribe: subscribe,
      done: CodeTable(
        fallback: 0x0,
        [
          (.internalError, 0x0), (.unauthorized, 0x1), (.trackEnded, 0x2), (.subscriptionEnded, 0x3),
          (.goingAway, 0x4), (.expired, 0x5), (.tooFarBehind, 0x6), (.malformedTrack, 0x7),
        ]),
      fetch: CodeTable(
        fallback: 0x0,
        common + [
          (.doesNotExist, 0x4), (.invalidRange, 0x5), (.noObjects, 0x6), (.invalidJoiningRequest, 0x7),
          (.unknownStatusInRange, 0x8), (.malformedTrack, 0x9),
        ]),
      publish: publish,
      trackStatus: subscribe,
      publishNamespace: publish,
      subscribeNamespace: CodeTable(fallback: 0x0, common + [(.prefixUnknown, 0x4), (.prefixOverlap, 0x5)]),
      session: CodeTable(
        fallback: 0x1,
        [
          (.noError, 0x0), (.internalError, 0x1), (.unauthorized, 0x2), (.protocolViolation, 0x3),
          (.invalidRequestID, 0x4), (.duplicateTrackAlias, 0x5), (.keyValueFormatting, 0x6), (.tooManyRequests, 0x7),
          (.invalidPath, 0x8), (.malformedPath, 0x9), (.goAwayTimeout, 0x10), (.controlMessageTimeout, 0x11),
          (.dataStreamTimeout, 0x12), (.tokenCacheOverflow, 0x13), (.duplicateTokenAlias, 0x14),
          (.versionNegotiationFailed, 0x15), (.malformedToken, 0x16), (.unknownTokenAlias, 0x17),
          (.expiredToken, 0x18), (.invalidAuthority, 0x19), (.malformedAuthority, 0x1A),
        ]),
      stream: CodeTable(
        fallback: 0x0,
        [(.internalError, 0x0), (.cancelled, 0x1), (.deliveryTimeout, 0x2), (.sessionClosed, 0x3)]))
  }
}

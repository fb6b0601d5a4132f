import MoQKernel

/// The error numbers of drafts 07 to 14, an era each.
extension Codes {
  /// §6.16, §6.19, §3.5 of draft-07. There are no numbers for other refusals than SUBSCRIBE_ERROR's, so its
  /// numbers serve them too; none for streams.
  static var draft07: Codes {
    let request = CodeTable<Reason>(
      fallback: 0x0,
      [
        (.internalError, 0x0), (.invalidRange, 0x1), (.retryTrackAlias, 0x2), (.doesNotExist, 0x3),
        (.unauthorized, 0x4), (.timeout, 0x5), (.noObjects, 0x1), (.prefixUnknown, 0x3), (.uninterested, 0x3),
      ])
    return Codes(
      subscribe: request,
      done: CodeTable(
        fallback: 0x1,
        [
          (.cancelled, 0x0), (.internalError, 0x1), (.unauthorized, 0x2), (.trackEnded, 0x3),
          (.subscriptionEnded, 0x4), (.goingAway, 0x5), (.expired, 0x6),
        ]),
      fetch: request, publish: request, trackStatus: request, publishNamespace: request, subscribeNamespace: request,
      session: CodeTable(fallback: 0x1, session07),
      stream: CodeTable(fallback: 0x0, [(.internalError, 0x0)]))
  }

  /// §8.7, §8.8, §8.11, §8.14, §8.20, §8.25, §3.4 of draft-10; 08 and 09 have the same.
  static var draft08: Codes {
    let common: [(Reason, UInt64)] = [
      (.internalError, 0x0), (.unauthorized, 0x1), (.timeout, 0x2), (.notSupported, 0x3),
    ]
    let subscribe = CodeTable(
      fallback: 0x0, common + [(.doesNotExist, 0x4), (.invalidRange, 0x5), (.retryTrackAlias, 0x6)])
    let announce = CodeTable(fallback: 0x0, common + [(.uninterested, 0x4)])
    return Codes(
      subscribe: subscribe,
      done: done08,
      // "No objects" has no number until 11, which calls it 0x6.
      fetch: CodeTable(
        fallback: 0x0, common + [(.doesNotExist, 0x4), (.invalidRange, 0x5), (.noObjects, 0x5), (.noObjects, 0x6)]),
      publish: announce, trackStatus: subscribe, publishNamespace: announce,
      // An overlap has no number until 11, which calls it 0x5.
      subscribeNamespace: CodeTable(fallback: 0x0, common + [(.prefixUnknown, 0x4), (.prefixOverlap, 0x5)]),
      session: CodeTable(fallback: 0x1, session07 + [(.controlMessageTimeout, 0x11), (.dataStreamTimeout, 0x12)]),
      stream: CodeTable(fallback: 0x0, [(.internalError, 0x0)]))
  }

  /// §8.9, §8.12, §8.15, §8.21, §8.26, §3.4, §9.4.3 of draft-11.
  static var draft11: Codes {
    let common = common11 + [(.unknownTokenAlias, 0x11)]
    let subscribe = CodeTable(
      fallback: 0x0, common + [(.doesNotExist, 0x4), (.invalidRange, 0x5), (.retryTrackAlias, 0x6)])
    let announce = CodeTable(fallback: 0x0, common + [(.uninterested, 0x4)])
    return Codes(
      subscribe: subscribe, done: done08,
      fetch: CodeTable(fallback: 0x0, common + [(.doesNotExist, 0x4), (.invalidRange, 0x5), (.noObjects, 0x6)]),
      publish: announce, trackStatus: subscribe, publishNamespace: announce,
      subscribeNamespace: CodeTable(fallback: 0x0, common + [(.prefixUnknown, 0x4), (.prefixOverlap, 0x5)]),
      session: CodeTable(fallback: 0x1, session11), stream: stream11)
  }

  /// §8.9, §8.12, §8.15, §8.18, §8.24, §8.29, §3.4, §9.4.3 of draft-12; 13 has the same.
  static var draft12: Codes {
    let subscribe = CodeTable(fallback: 0x0, common11 + [(.doesNotExist, 0x4), (.invalidRange, 0x5)])
    let publish = CodeTable(fallback: 0x0, common11 + [(.uninterested, 0x4)])
    return Codes(
      subscribe: subscribe,
      done: CodeTable(fallback: 0x0, done08.rows + [(.malformedTrack, 0x7)]),
      fetch: CodeTable(
        fallback: 0x0,
        common11 + [
          (.doesNotExist, 0x4), (.invalidRange, 0x5), (.noObjects, 0x6), (.invalidJoiningRequest, 0x7),
          (.unknownStatusInRange, 0x8), (.malformedTrack, 0x9),
        ]),
      publish: publish, trackStatus: subscribe, publishNamespace: publish,
      subscribeNamespace: CodeTable(fallback: 0x0, common11 + [(.prefixUnknown, 0x4), (.prefixOverlap, 0x5)]),
      session: CodeTable(
        fallback: 0x1, session11 + [(.malformedToken, 0x16), (.unknownTokenAlias, 0x17), (.expiredToken, 0x18)]),
      stream: stream11)
  }

  /// §9.9, §9.12, §9.15, §9.18, §9.22, §9.25, §9.30, §3.4, §10.4.3 of draft-14: AUTHORITY has errors.
  static var draft14: Codes {
    var codes = draft12
    codes.session = CodeTable(
      fallback: 0x1, codes.session.rows + [(.invalidAuthority, 0x19), (.malformedAuthority, 0x1A)])
    return codes
  }

  private static var common11: [(Reason, UInt64)] {
    [
      (.internalError, 0x0), (.unauthorized, 0x1), (.timeout, 0x2), (.notSupported, 0x3),
      (.malformedToken, 0x10), (.expiredToken, 0x12),
    ]
  }
  private static var done08: CodeTable<Reason> {
    CodeTable(
      fallback: 0x0,
      [
        (.internalError, 0x0), (.unauthorized, 0x1), (.trackEnded, 0x2), (.subscriptionEnded, 0x3),
        (.goingAway, 0x4), (.expired, 0x5), (.tooFarBehind, 0x6),
      ])
  }
  /// What has no number of its own is a violation: versions without a match, ids and paths that are wrong.
  private static var session07: [(SessionReason, UInt64)] {
    [
      (.noError, 0x0), (.internalError, 0x1), (.unauthorized, 0x2), (.protocolViolation, 0x3),
      (.duplicateTrackAlias, 0x4), (.keyValueFormatting, 0x5), (.tooManyRequests, 0x6), (.goAwayTimeout, 0x10),
      (.versionNegotiationFailed, 0x3), (.invalidRequestID, 0x3), (.invalidPath, 0x3), (.malformedPath, 0x3),
    ]
  }
  private static var session11: [(SessionReason, UInt64)] {
    [
      (.noError, 0x0), (.internalError, 0x1), (.unauthorized, 0x2), (.protocolViolation, 0x3),
      (.invalidRequestID, 0x4), (.duplicateTrackAlias, 0x5), (.keyValueFormatting, 0x6), (.tooManyRequests, 0x7),
      (.invalidPath, 0x8), (.malformedPath, 0x9), (.goAwayTimeout, 0x10), (.controlMessageTimeout, 0x11),
      (.dataStreamTimeout, 0x12), (.tokenCacheOverflow, 0x13), (.duplicateTokenAlias, 0x14),
      (.versionNegotiationFailed, 0x15),
    ]
  }
  private static var stream11: CodeTable<StreamReason> {
    CodeTable(
      fallback: 0x0, [(.internalError, 0x0), (.cancelled, 0x1), (.deliveryTimeout, 0x2), (.sessionClosed, 0x3)])
  }
}

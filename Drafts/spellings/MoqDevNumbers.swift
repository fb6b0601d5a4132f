import MoQKernel

extension Codes {
  /// moq-lite's and transfork's texts have no numbers. These are the ones that moq-dev's implementations use for
  /// streams and sessions.
  static var moqDev: Codes {
    let requests = CodeTable<Reason>(
      fallback: 24,
      [
        (.cancelled, 0), (.expired, 2), (.timeout, 3), (.internalError, 24), (.unauthorized, 6),
        (.duplicateSubscription, 12),
        (.doesNotExist, 13), (.noObjects, 13), (.malformedTrack, 15), (.notSupported, 17), (.sessionClosed, 25),
        (.tooFarBehind, 26),
      ])
    return Codes(
      subscribe: requests, done: requests, fetch: requests, publish: requests, trackStatus: requests,
      publishNamespace: requests, subscribeNamespace: requests,
      session: CodeTable(
        fallback: 15,
        [
          (.noError, 0), (.internalError, 24), (.unauthorized, 6), (.versionNegotiationFailed, 9),
          (.protocolViolation, 15), (.controlMessageTimeout, 3),
        ]),
      stream: CodeTable(
        fallback: 24,
        [
          (.cancelled, 0), (.deliveryTimeout, 2), (.internalError, 24), (.sessionClosed, 25), (.tooFarBehind, 26),
          (.malformedTrack, 15), (.doesNotExist, 13),
        ]))
  }
}

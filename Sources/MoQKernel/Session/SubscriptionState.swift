// Small machines: each is told what happened and answers with what to do, in an enum of that event's own.
// Three kinds of bad transition. The peer's fault: `.violation`, which closes the session. A legitimate
// race: `.late`, which is dropped, and the case says which race. Our owner's fault: `.misuse`, which
// becomes a `CommandError` and leaves the machine as it was.

/// A subscription, from the subscriber's side: our SUBSCRIBE, or a PUBLISH of the peer.
struct SubscriptionState: ~Copyable {
  private enum Phase {
    /// The peer offers the track; our answer is owed. Leads to: live, ended.
    case offered
    /// We have asked; the answer is owed. Objects may come before it. Leads to: live, ended.
    case requested
    /// Objects flow. Leads to: closing, ended.
    case live
    /// The publisher has ended it, but streams that it counted, or that have no count, may still come.
    /// Leads to: ended.
    case closing(Closing)
    /// Leads to: nothing.
    case ended
  }
  struct Closing: Equatable {
    /// How many streams there were in all; nil: not known, a timer decides.
    var expected: UInt64?
    var hasWaited = false
    var failure: RequestFailure
  }

  private var phase: Phase
  /// How many streams have come, and how many of them are open.
  private var begun: UInt64 = 0, open: UInt64 = 0
  /// We ask.
  init() { phase = .requested }
  /// The peer offers.
  init(offered: Void) { phase = .offered }

  /// SUBSCRIBE_OK.
  mutating func accepted() -> OnAnswer { answered(.live) }
  /// SUBSCRIBE_ERROR, or the reset of a request stream before any answer.
  mutating func refused() -> OnAnswer { answered(.ended) }
  private mutating func answered(_ next: Phase) -> OnAnswer {
    switch phase {
    case .requested:
      phase = next
      return .carryOut
    case .offered, .live, .closing: return .violation
    case .ended: return .late
    }
  }

  /// Our owner takes the peer's offer.
  mutating func offerAccepted() -> OnOwnAnswer {
    switch phase {
    case .offered:
      phase = .live
      return .tell
    case .requested, .live: return .misuse
    case .closing, .ended: return .late
    }
  }

  enum OnCancelled: Equatable {
    /// UNSUBSCRIBE, or the end of the request stream.
    case tell
    /// PUBLISH_ERROR: an offer that was not answered yet is refused.
    case refuseOffer
    /// The publisher has ended it already: nothing is owed.
    case forget
    case late
  }
  /// Our owner wants no more.
  mutating func cancelled() -> OnCancelled {
    defer { phase = .ended }
    switch phase {
    case .requested, .live: return .tell
    case .offered: return .refuseOffer
    case .closing: return .forget
    case .ended: return .late
    }
  }

  enum OnDone: Equatable {
    case end(RequestFailure)
    /// Streams are missing; a timer is wanted.
    case wait
    case violation
    /// The end crossed our cancellation.
    case late
  }
  /// PUBLISH_DONE, or the end of the request stream. `expected`: all streams there ever were, if known.
  mutating func done(_ failure: RequestFailure, expected: UInt64?) -> OnDone {
    switch phase {
    case .live:
      if let expected, expected <= begun, open == 0 {
        phase = .ended
        return .end(failure)
      }
      phase = .closing(Closing(expected: expected, failure: failure))
      return .wait
    case .offered:
      // The publisher takes its offer back before our answer: legitimate.
      phase = .ended
      return .end(failure)
    case .requested, .closing: return .violation
    case .ended: return .late
    }
  }

  enum OnStream: Equatable {
    case deliver
    /// Objects that were on their way when we cancelled.
    case discard
  }
  mutating func streamBegan() -> OnStream {
    if isEnded { return .discard }
    begun &+= 1
    open &+= 1
    return .deliver
  }

  enum OnSettled: Equatable {
    case nothing
    /// The last stream that was owed has ended.
    case end(RequestFailure)
  }
  mutating func streamEnded() -> OnSettled {
    open = open == 0 ? 0 : open &- 1
    guard case .closing(let closing) = phase, open == 0 else { return .nothing }
    guard closing.hasWaited || closing.expected.map({ $0 <= begun }) ?? false else { return .nothing }
    phase = .ended
    return .end(closing.failure)
  }
  /// The time for late streams is over. `giveUp`: also for those that are open.
  mutating func waited(giveUp: Bool) -> OnSettled {
    guard case .closing(var closing) = phase else { return .nothing }
    closing.hasWaited = true
    guard open == 0 || giveUp else {
      phase = .closing(closing)
      return .nothing
    }
    phase = .ended
    return .end(closing.failure)
  }

  var isAnswered: Bool {
    switch phase {
    case .offered, .requested: false
    case .live, .closing, .ended: true
    }
  }
  /// What the publisher said when it ended the track, while late streams are waited for.
  var announcedEnd: RequestFailure? { if case .closing(let closing) = phase { closing.failure } else { nil } }
  var isLive: Bool { if case .live = phase { true } else { false } }
  var isOffered: Bool { if case .offered = phase { true } else { false } }
  var isEnded: Bool { if case .ended = phase { true } else { false } }
}

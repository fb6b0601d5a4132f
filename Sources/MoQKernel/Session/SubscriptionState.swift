// Small machines: each is told what happened and answers with what to do, in an enum of that event's own.
// Three kinds of bad transition. The peer's fault: `.violation`, which closes the session. A legitimate
// race: `.late`, which is dropped, and the case says which race. Our owner's fault: `.misuse`, which
// becomes a `CommandError` and leaves the machine as it was.

/// A subscription, from the subscriber's side: our SUBSCRIBE, or a PUBLISH of the peer.
struct SubscriptionState: ~Copyable {
  private enum Phase: ~Copyable {
    /// The peer offers the track; our answer is owed. Leads to: live, ended.
    case offered(Streams)
    /// We have asked; the answer is owed. Objects may come before it. Leads to: live, ended.
    case requested(Streams)
    /// Objects flow. Leads to: closing, ended.
    case live(Streams)
    /// The publisher has ended it, but streams that it counted, or that have no count, may still come.
    /// Leads to: ended.
    case closing(Streams, Closing)
    /// Leads to: nothing.
    case ended
  }
  struct Streams: Equatable {
    var begun: UInt64 = 0
    var open: UInt64 = 0
  }
  struct Closing: Equatable {
    /// How many streams there were in all; nil: not known, a timer decides.
    var expected: UInt64?
    var hasWaited = false
    var failure: RequestFailure
  }

  private var phase: Phase
  private init(_ phase: consuming Phase) { self.phase = phase }
  /// We ask.
  init() { self.init(.requested(Streams())) }
  /// The peer offers.
  init(offered: Void) { self.init(.offered(Streams())) }

  /// SUBSCRIBE_OK.
  mutating func accepted() -> OnAnswer {
    switch consume phase {
    case .requested(let streams):
      self = Self(.live(streams))
      return .carryOut
    case .offered(let streams):
      self = Self(.offered(streams))
      return .violation
    case .live(let streams):
      self = Self(.live(streams))
      return .violation
    case .closing(let streams, let closing):
      self = Self(.closing(streams, closing))
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  /// SUBSCRIBE_ERROR, or the reset of a request stream before any answer.
  mutating func refused() -> OnAnswer {
    switch consume phase {
    case .requested:
      self = Self(.ended)
      return .carryOut
    case .offered(let streams):
      self = Self(.offered(streams))
      return .violation
    case .live(let streams):
      self = Self(.live(streams))
      return .violation
    case .closing(let streams, let closing):
      self = Self(.closing(streams, closing))
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }

  /// Our owner takes the peer's offer.
  mutating func offerAccepted() -> OnOwnAnswer {
    switch consume phase {
    case .offered(let streams):
      self = Self(.live(streams))
      return .tell
    case .requested(let streams):
      self = Self(.requested(streams))
      return .misuse
    case .live(let streams):
      self = Self(.live(streams))
      return .misuse
    case .closing(let streams, let closing):
      self = Self(.closing(streams, closing))
      return .late
    case .ended:
      self = Self(.ended)
      return .late
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
    switch consume phase {
    case .requested:
      self = Self(.ended)
      return .tell
    case .live:
      self = Self(.ended)
      return .tell
    case .offered:
      self = Self(.ended)
      return .refuseOffer
    case .closing:
      self = Self(.ended)
      return .forget
    case .ended:
      self = Self(.ended)
      return .late
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
    switch consume phase {
    case .live(let streams):
      if let expected, expected <= streams.begun, streams.open == 0 {
        self = Self(.ended)
        return .end(failure)
      }
      self = Self(.closing(streams, Closing(expected: expected, failure: failure)))
      return .wait
    case .offered:
      // The publisher takes its offer back before our answer: legitimate.
      self = Self(.ended)
      return .end(failure)
    case .requested(let streams):
      self = Self(.requested(streams))
      return .violation
    case .closing(let streams, let closing):
      self = Self(.closing(streams, closing))
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }

  enum OnStream: Equatable {
    case deliver
    /// Objects that were on their way when we cancelled.
    case discard
  }
  mutating func streamBegan() -> OnStream {
    switch consume phase {
    case .offered(var streams):
      streams.begin()
      self = Self(.offered(streams))
      return .deliver
    case .requested(var streams):
      streams.begin()
      self = Self(.requested(streams))
      return .deliver
    case .live(var streams):
      streams.begin()
      self = Self(.live(streams))
      return .deliver
    case .closing(var streams, let closing):
      streams.begin()
      self = Self(.closing(streams, closing))
      return .deliver
    case .ended:
      self = Self(.ended)
      return .discard
    }
  }

  enum OnSettled: Equatable {
    case nothing
    /// The last stream that was owed has ended.
    case end(RequestFailure)
  }
  mutating func streamEnded() -> OnSettled {
    switch consume phase {
    case .offered(var streams):
      streams.end()
      self = Self(.offered(streams))
    case .requested(var streams):
      streams.end()
      self = Self(.requested(streams))
    case .live(var streams):
      streams.end()
      self = Self(.live(streams))
    case .closing(var streams, let closing):
      streams.end()
      let isComplete = closing.expected.map { $0 <= streams.begun } ?? false
      if streams.open == 0, isComplete || closing.hasWaited {
        self = Self(.ended)
        return .end(closing.failure)
      }
      self = Self(.closing(streams, closing))
    case .ended:
      self = Self(.ended)
    }
    return .nothing
  }
  /// The time for late streams is over. `giveUp`: also for those that are open.
  mutating func waited(giveUp: Bool) -> OnSettled {
    switch consume phase {
    case .closing(let streams, var closing):
      closing.hasWaited = true
      if streams.open == 0 || giveUp {
        self = Self(.ended)
        return .end(closing.failure)
      }
      self = Self(.closing(streams, closing))
    case .offered(let streams): self = Self(.offered(streams))
    case .requested(let streams): self = Self(.requested(streams))
    case .live(let streams): self = Self(.live(streams))
    case .ended: self = Self(.ended)
    }
    return .nothing
  }

  var isAnswered: Bool {
    switch phase {
    case .offered(_): false
    case .requested(_): false
    default: true
    }
  }
  /// What the publisher said when it ended the track, while late streams are waited for.
  var announcedEnd: RequestFailure? {
    switch phase {
    case .closing(_, let closing): closing.failure
    default: nil
    }
  }
  var isLive: Bool {
    switch phase {
    case .live(_): true
    default: false
    }
  }
  var isOffered: Bool {
    switch phase {
    case .offered(_): true
    default: false
    }
  }
  var isEnded: Bool {
    switch phase {
    case .ended: true
    default: false
    }
  }
}

extension SubscriptionState.Streams {
  fileprivate mutating func begin() {
    begun &+= 1
    open &+= 1
  }
  fileprivate mutating func end() { open = open == 0 ? 0 : open &- 1 }
}

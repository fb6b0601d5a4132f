/// A subscription, from the publisher's side: the peer's SUBSCRIBE, or our PUBLISH.
struct ServedSubscriptionState: ~Copyable {
  private enum Phase: ~Copyable {
    /// We offer the track; the peer's answer is owed, objects may flow before it. Leads to: live, ended.
    case offered(opened: UInt64)
    /// The peer has asked; our answer is owed. Leads to: live, ended.
    case requested
    /// Objects flow. Leads to: ended.
    case live(opened: UInt64)
    /// Leads to: nothing.
    case ended
  }
  private var phase: Phase
  private init(_ phase: consuming Phase) { self.phase = phase }
  /// The peer asks.
  init() { self.init(.requested) }
  /// We offer.
  init(offered: Void) { self.init(.offered(opened: 0)) }

  mutating func accepted() -> OnOwnAnswer {
    switch consume phase {
    case .requested:
      self = Self(.live(opened: 0))
      return .tell
    case .offered(let opened):
      self = Self(.offered(opened: opened))
      return .misuse
    case .live(let opened):
      self = Self(.live(opened: opened))
      return .misuse
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  mutating func rejected() -> OnOwnAnswer {
    switch consume phase {
    case .requested:
      self = Self(.ended)
      return .tell
    case .offered(let opened):
      self = Self(.offered(opened: opened))
      return .misuse
    case .live(let opened):
      self = Self(.live(opened: opened))
      return .misuse
    case .ended:
      self = Self(.ended)
      return .late
    }
  }

  /// PUBLISH_OK.
  mutating func offerAccepted() -> OnAnswer {
    switch consume phase {
    case .offered(let opened):
      self = Self(.live(opened: opened))
      return .carryOut
    case .requested:
      self = Self(.requested)
      return .violation
    case .live(let opened):
      self = Self(.live(opened: opened))
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  /// PUBLISH_ERROR.
  mutating func offerRefused() -> OnAnswer {
    switch consume phase {
    case .offered:
      self = Self(.ended)
      return .carryOut
    case .requested:
      self = Self(.requested)
      return .violation
    case .live(let opened):
      self = Self(.live(opened: opened))
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }

  /// Counts a stream that is opened. False: the subscription is not in a state to send objects.
  mutating func opened() -> Bool {
    switch consume phase {
    case .offered(let opened):
      self = Self(.offered(opened: opened &+ 1))
      return true
    case .live(let opened):
      self = Self(.live(opened: opened &+ 1))
      return true
    case .requested:
      self = Self(.requested)
      return false
    case .ended:
      self = Self(.ended)
      return false
    }
  }

  enum OnWithdrawn: Equatable {
    case end
    /// UNSUBSCRIBE crossed our PUBLISH_DONE or refusal.
    case late
  }
  /// UNSUBSCRIBE, or the end of the request stream by the subscriber.
  mutating func withdrawn() -> OnWithdrawn {
    switch consume phase {
    case .offered:
      self = Self(.ended)
      return .end
    case .requested:
      self = Self(.ended)
      return .end
    case .live:
      self = Self(.ended)
      return .end
    case .ended:
      self = Self(.ended)
      return .late
    }
  }

  enum OnFinished: Equatable {
    /// PUBLISH_DONE with that many streams.
    case tell(streams: UInt64)
    /// It was never accepted: its end is a refusal.
    case refuse
    case late
  }
  mutating func finished() -> OnFinished {
    switch consume phase {
    case .live(let opened):
      self = Self(.ended)
      return .tell(streams: opened)
    case .offered(let opened):
      self = Self(.ended)
      return .tell(streams: opened)
    case .requested:
      self = Self(.ended)
      return .refuse
    case .ended:
      self = Self(.ended)
      return .late
    }
  }

  var sends: Bool {
    switch phase {
    case .offered(_): true
    case .live(_): true
    default: false
    }
  }
  var isAnswered: Bool {
    switch phase {
    case .offered(_): false
    case .requested: false
    default: true
    }
  }
  var isEnded: Bool {
    switch phase {
    case .ended: true
    default: false
    }
  }
}

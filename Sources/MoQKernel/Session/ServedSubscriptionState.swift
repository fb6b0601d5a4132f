/// A subscription, from the publisher's side: the peer's SUBSCRIBE, or our PUBLISH.
struct ServedSubscriptionState: ~Copyable {
  private enum Phase {
    /// We offer the track; the peer's answer is owed, objects may flow before it. Leads to: live, ended.
    case offered
    /// The peer has asked; our answer is owed. Leads to: live, ended.
    case requested
    /// Objects flow. Leads to: ended.
    case live
    /// Leads to: nothing.
    case ended
  }
  private var phase: Phase
  /// How many streams have been opened.
  private var streams: UInt64 = 0
  /// The peer asks.
  init() { phase = .requested }
  /// We offer.
  init(offered: Void) { phase = .offered }

  mutating func accepted() -> OnOwnAnswer { answered(.live) }
  mutating func rejected() -> OnOwnAnswer { answered(.ended) }
  private mutating func answered(_ next: Phase) -> OnOwnAnswer {
    switch phase {
    case .requested:
      phase = next
      return .tell
    case .offered, .live: return .misuse
    case .ended: return .late
    }
  }

  /// PUBLISH_OK.
  mutating func offerAccepted() -> OnAnswer { offerAnswered(.live) }
  /// PUBLISH_ERROR.
  mutating func offerRefused() -> OnAnswer { offerAnswered(.ended) }
  private mutating func offerAnswered(_ next: Phase) -> OnAnswer {
    switch phase {
    case .offered:
      phase = next
      return .carryOut
    case .requested, .live: return .violation
    case .ended: return .late
    }
  }

  /// Counts a stream that is opened. False: the subscription is not in a state to send objects.
  mutating func opened() -> Bool {
    guard sends else { return false }
    streams &+= 1
    return true
  }

  enum OnWithdrawn: Equatable {
    case end
    /// UNSUBSCRIBE crossed our PUBLISH_DONE or refusal.
    case late
  }
  /// UNSUBSCRIBE, or the end of the request stream by the subscriber.
  mutating func withdrawn() -> OnWithdrawn {
    defer { phase = .ended }
    return isEnded ? .late : .end
  }

  enum OnFinished: Equatable {
    /// PUBLISH_DONE with that many streams.
    case tell(streams: UInt64)
    /// It was never accepted: its end is a refusal.
    case refuse
    case late
  }
  mutating func finished() -> OnFinished {
    defer { phase = .ended }
    switch phase {
    case .offered, .live: return .tell(streams: streams)
    case .requested: return .refuse
    case .ended: return .late
    }
  }

  var sends: Bool { phase == .offered || phase == .live }
  var isAnswered: Bool { phase == .live || phase == .ended }
  var isEnded: Bool { phase == .ended }
}

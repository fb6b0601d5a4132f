/// What an answer to a request does.
enum OnAnswer: Equatable {
  case carryOut
  /// Answered already: the answerer's fault.
  case violation
  /// The answer crossed the end, our cancellation or our deadline.
  case late
}

/// What our owner's answer to a request of the peer does.
enum OnOwnAnswer: Equatable {
  case tell
  /// Answered already, or not to be answered: our owner's fault.
  case misuse
  /// The peer took the request back, or it timed out, before our owner answered.
  case late
}

/// A fetch of ours: an answer and a stream, in either order.
struct FetchState: ~Copyable {
  private enum Phase {
    /// Neither is complete. Leads to: answered, delivered, ended.
    case requested
    /// FETCH_OK came; the stream is owed or open. Leads to: ended.
    case answered
    /// The stream is complete; FETCH_OK is owed. Leads to: ended.
    case delivered
    /// Leads to: nothing.
    case ended
  }
  private var phase = Phase.requested

  enum OnAnswer: Equatable {
    case carryOut
    /// The stream was there first: this completes the fetch.
    case carryOutAndEnd
    case violation
    /// The answer crossed FETCH_CANCEL, or came after our deadline.
    case late
  }
  mutating func accepted() -> OnAnswer {
    switch phase {
    case .requested:
      phase = .answered
      return .carryOut
    case .delivered:
      phase = .ended
      return .carryOutAndEnd
    case .answered: return .violation
    case .ended: return .late
    }
  }
  mutating func refused() -> OnAnswer {
    switch phase {
    case .requested, .delivered:
      phase = .ended
      return .carryOutAndEnd
    case .answered: return .violation
    case .ended: return .late
    }
  }

  enum OnStreamEnded: Equatable {
    case end
    /// FETCH_OK is still owed.
    case wait
    case late
  }
  mutating func streamEnded() -> OnStreamEnded {
    switch phase {
    case .requested:
      phase = .delivered
      return .wait
    case .answered:
      phase = .ended
      return .end
    case .delivered, .ended: return .late
    }
  }
  /// False: it has ended already.
  mutating func cancelled() -> Bool {
    defer { phase = .ended }
    return !isEnded
  }
  var isAnswered: Bool { phase == .answered || phase == .ended }
  var isEnded: Bool { phase == .ended }
}

/// A fetch of the peer.
struct ServedFetchState: ~Copyable {
  private enum Phase {
    /// Our answer is owed. Leads to: accepted, ended.
    case requested
    /// FETCH_OK is sent; the stream is owed. Leads to: streaming, ended.
    case accepted
    /// The stream is open. Leads to: ended.
    case streaming
    /// Leads to: nothing.
    case ended
  }
  private var phase = Phase.requested

  mutating func accepted() -> OnOwnAnswer { answered(.accepted) }
  mutating func rejected() -> OnOwnAnswer { answered(.ended) }
  private mutating func answered(_ next: Phase) -> OnOwnAnswer {
    switch phase {
    case .requested:
      phase = next
      return .tell
    case .accepted, .streaming: return .misuse
    case .ended: return .late
    }
  }
  /// A fetch has one stream, after its answer.
  mutating func opened() -> Bool {
    guard phase == .accepted else { return false }
    phase = .streaming
    return true
  }
  /// The stream is finished or reset, or the peer wants no more. False: it had ended already.
  mutating func end() -> Bool {
    defer { phase = .ended }
    return !isEnded
  }
  var isAnswered: Bool { phase != .requested }
  var isEnded: Bool { phase == .ended }
}

/// A request that stands until it is taken back, an announcement or an interest of either side; or one that ends with
/// its answer, a question.
struct StandingState: ~Copyable {
  private enum Phase {
    /// The answer is owed. Leads to: standing, ended.
    case requested
    /// Leads to: ended.
    case standing
    /// Leads to: nothing.
    case ended
  }
  private var phase = Phase.requested

  mutating func accepted() -> OnAnswer { answered(.standing) }
  mutating func refused() -> OnAnswer { answered(.ended) }
  private mutating func answered(_ next: Phase) -> OnAnswer {
    switch phase {
    case .requested:
      phase = next
      return .carryOut
    case .standing: return .violation
    case .ended: return .late
    }
  }
  enum OnEnd: Equatable {
    case beforeAnswer, afterAnswer
    /// Both sides ended it at once.
    case late
  }
  mutating func end() -> OnEnd {
    defer { phase = .ended }
    switch phase {
    case .requested: return .beforeAnswer
    case .standing: return .afterAnswer
    case .ended: return .late
    }
  }
  var isStanding: Bool { phase == .standing }
  var isAnswered: Bool { phase != .requested }
  var isEnded: Bool { phase == .ended }
}

/// The handshake.
struct SetupState: ~Copyable {
  private enum Phase {
    /// Not connected. Leads to: asked (client), listening (server), open, closed.
    case idle
    /// Server: the client's setup is owed. Leads to: open, closed.
    case listening
    /// Client: the server's setup is owed. Leads to: open, closed.
    case asked
    /// Leads to: closed.
    case open
    /// Leads to: nothing.
    case closed
  }
  private var phase = Phase.idle

  /// False: connected twice, or closed before.
  mutating func connected(asClient: Bool) -> Bool {
    guard phase == .idle else { return false }
    phase = asClient ? .asked : .listening
    return true
  }
  enum OnSetup: Equatable {
    case open
    /// A second setup, or one from the wrong side.
    case violation
    /// It crossed our close.
    case late
  }
  /// The peer's setup is complete.
  mutating func completed() -> OnSetup {
    switch phase {
    case .asked, .listening:
      phase = .open
      return .open
    case .idle, .open: return .violation
    case .closed: return .late
    }
  }
  /// False: it was closed already.
  mutating func closed() -> Bool {
    defer { phase = .closed }
    return !isClosed
  }
  var isOpen: Bool { phase == .open }
  var isClosed: Bool { phase == .closed }
  var isWaiting: Bool { phase == .asked || phase == .listening }
}

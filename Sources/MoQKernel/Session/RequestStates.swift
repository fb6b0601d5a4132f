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
  private enum Phase: ~Copyable {
    /// Neither is complete. Leads to: answered, delivered, ended.
    case requested
    /// FETCH_OK came; the stream is owed or open. Leads to: ended.
    case answered
    /// The stream is complete; FETCH_OK is owed. Leads to: ended.
    case delivered
    /// Leads to: nothing.
    case ended
  }
  private var phase: Phase
  private init(_ phase: consuming Phase) { self.phase = phase }
  init() { self.init(.requested) }

  enum OnAnswer: Equatable {
    case carryOut
    /// The stream was there first: this completes the fetch.
    case carryOutAndEnd
    case violation
    /// The answer crossed FETCH_CANCEL, or came after our deadline.
    case late
  }
  mutating func accepted() -> OnAnswer {
    switch consume phase {
    case .requested:
      self = Self(.answered)
      return .carryOut
    case .delivered:
      self = Self(.ended)
      return .carryOutAndEnd
    case .answered:
      self = Self(.answered)
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  mutating func refused() -> OnAnswer {
    switch consume phase {
    case .requested:
      self = Self(.ended)
      return .carryOutAndEnd
    case .delivered:
      self = Self(.ended)
      return .carryOutAndEnd
    case .answered:
      self = Self(.answered)
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }

  enum OnStreamEnded: Equatable {
    case end
    /// FETCH_OK is still owed.
    case wait
    case late
  }
  mutating func streamEnded() -> OnStreamEnded {
    switch consume phase {
    case .requested:
      self = Self(.delivered)
      return .wait
    case .answered:
      self = Self(.ended)
      return .end
    case .delivered:
      self = Self(.delivered)
      return .late
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  /// False: it has ended already.
  mutating func cancelled() -> Bool {
    let wasOpen = !isEnded
    self = Self(.ended)
    return wasOpen
  }
  var isAnswered: Bool {
    switch phase {
    case .requested: false
    case .delivered: false
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

/// A fetch of the peer.
struct ServedFetchState: ~Copyable {
  private enum Phase: ~Copyable {
    /// Our answer is owed. Leads to: accepted, ended.
    case requested
    /// FETCH_OK is sent; the stream is owed. Leads to: streaming, ended.
    case accepted
    /// The stream is open. Leads to: ended.
    case streaming
    /// Leads to: nothing.
    case ended
  }
  private var phase: Phase
  private init(_ phase: consuming Phase) { self.phase = phase }
  init() { self.init(.requested) }

  mutating func accepted() -> OnOwnAnswer {
    switch consume phase {
    case .requested:
      self = Self(.accepted)
      return .tell
    case .accepted:
      self = Self(.accepted)
      return .misuse
    case .streaming:
      self = Self(.streaming)
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
    case .accepted:
      self = Self(.accepted)
      return .misuse
    case .streaming:
      self = Self(.streaming)
      return .misuse
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  /// A fetch has one stream, after its answer.
  mutating func opened() -> Bool {
    switch consume phase {
    case .accepted:
      self = Self(.streaming)
      return true
    case .requested:
      self = Self(.requested)
      return false
    case .streaming:
      self = Self(.streaming)
      return false
    case .ended:
      self = Self(.ended)
      return false
    }
  }
  /// The stream is finished or reset, or the peer wants no more. False: it had ended already.
  mutating func end() -> Bool {
    let wasOpen = !isEnded
    self = Self(.ended)
    return wasOpen
  }
  var isAnswered: Bool {
    switch phase {
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

/// A request that stands until it is taken back, an announcement or an interest of either side; or one that ends with
/// its answer, a question.
struct StandingState: ~Copyable {
  private enum Phase: ~Copyable {
    /// The answer is owed. Leads to: standing, ended.
    case requested
    /// Leads to: ended.
    case standing
    /// Leads to: nothing.
    case ended
  }
  private var phase: Phase
  private init(_ phase: consuming Phase) { self.phase = phase }
  init() { self.init(.requested) }

  mutating func accepted() -> OnAnswer {
    switch consume phase {
    case .requested:
      self = Self(.standing)
      return .carryOut
    case .standing:
      self = Self(.standing)
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  mutating func refused() -> OnAnswer {
    switch consume phase {
    case .requested:
      self = Self(.ended)
      return .carryOut
    case .standing:
      self = Self(.standing)
      return .violation
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  enum OnEnd: Equatable {
    case beforeAnswer, afterAnswer
    /// Both sides ended it at once.
    case late
  }
  mutating func end() -> OnEnd {
    switch consume phase {
    case .requested:
      self = Self(.ended)
      return .beforeAnswer
    case .standing:
      self = Self(.ended)
      return .afterAnswer
    case .ended:
      self = Self(.ended)
      return .late
    }
  }
  var isStanding: Bool {
    switch phase {
    case .standing: true
    default: false
    }
  }
  var isAnswered: Bool {
    switch phase {
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

/// The handshake.
struct SetupState: ~Copyable {
  private enum Phase: ~Copyable {
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
  private var phase: Phase
  private init(_ phase: consuming Phase) { self.phase = phase }
  init() { self.init(.idle) }

  /// False: connected twice, or closed before.
  mutating func connected(asClient: Bool) -> Bool {
    switch consume phase {
    case .idle:
      self = Self(asClient ? .asked : .listening)
      return true
    case .listening:
      self = Self(.listening)
      return false
    case .asked:
      self = Self(.asked)
      return false
    case .open:
      self = Self(.open)
      return false
    case .closed:
      self = Self(.closed)
      return false
    }
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
    switch consume phase {
    case .asked:
      self = Self(.open)
      return .open
    case .listening:
      self = Self(.open)
      return .open
    case .idle:
      self = Self(.idle)
      return .violation
    case .open:
      self = Self(.open)
      return .violation
    case .closed:
      self = Self(.closed)
      return .late
    }
  }
  /// False: it was closed already.
  mutating func closed() -> Bool {
    let wasOpen = !isClosed
    self = Self(.closed)
    return wasOpen
  }
  var isOpen: Bool {
    switch phase {
    case .open: true
    default: false
    }
  }
  var isClosed: Bool {
    switch phase {
    case .closed: true
    default: false
    }
  }
  var isWaiting: Bool {
    switch phase {
    case .asked: true
    case .listening: true
    default: false
    }
  }
}

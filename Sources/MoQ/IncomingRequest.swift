/// What the peer asks for, to be accepted or rejected.
public struct IncomingRequest: Sendable {
  public enum Kind: Sendable, Hashable {
    /// It wants to receive a track of ours.
    case subscribe(TrackName)
    /// It wants objects of the past.
    case fetch(TrackName)
    /// It wants to know of a track.
    case trackStatus(TrackName)
    /// It announces that it publishes below a namespace.
    case announce(TrackNamespace)
    /// It wants to hear of what is announced below a prefix.
    case announcements(under: TrackNamespace)
    /// It offers a track without being asked (PUBLISH).
    case publish(TrackName)
  }
  public let kind: Kind
  /// The tokens the peer sent with it.
  public let authorization: [AuthorizationToken]
  /// Yes: it is served from what is published on the session.
  public func accept() {}
  /// No, with a reason.
  public func reject(_ reason: Reason, _ phrase: String = "") {}
}

/// The requests of a peer. Those that nobody answers in time are refused.
public struct IncomingRequests: AsyncSequence, Sendable {
  public typealias Element = IncomingRequest
  public typealias Failure = Never
  public struct AsyncIterator: AsyncIteratorProtocol {
    public mutating func next(isolation actor: isolated (any Actor)?) async -> IncomingRequest? { nil }
    public mutating func next() async -> IncomingRequest? { nil }
  }
  let inbox: Inbox<IncomingRequest>
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}

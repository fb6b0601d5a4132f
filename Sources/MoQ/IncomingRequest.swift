import MoQKernel
import MoQNetwork

/// What the peer asks for, to be accepted or rejected.
///
/// A request that is neither is refused by the session when its time is up.
public struct IncomingRequest: Sendable {
  /// What may be asked for.
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
    /// It offers a track without being asked (PUBLISH). There is no way to take it so: `accept()` refuses it, too.
    /// Whoever wants the track subscribes to it.
    case publish(TrackName)
  }
  /// What is asked for.
  public let kind: Kind
  /// The tokens the peer sent with it, each as its value; what stood for one has been resolved.
  public let authorization: [AuthorizationToken]
  let loop: Loop
  let host: LoopBound<PublishingHost>
  let key: RequestKey

  /// Yes: it is served from what is published on the session, and refused if that has no such track.
  public func accept() { loop.post { [host, key] in host.value.accept(key) } }
  /// No, with a reason.
  public func reject(_ reason: Reason, _ phrase: String = "") {
    loop.post { [host, key] in host.value.reject(key, RequestFailure(reason, phrase)) }
  }
}

/// The requests of a peer, in the order in which they came.
public struct IncomingRequests: AsyncSequence, Sendable {
  public typealias Element = IncomingRequest
  public typealias Failure = Never
  let inbox: Inbox<IncomingRequest>

  /// Takes the requests one after the other.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let inbox: Inbox<IncomingRequest>
    /// The next request; nil: the session or the task has ended.
    public mutating func next(isolation actor: isolated (any Actor)?) async -> IncomingRequest? {
      (try? await inbox.next(isolation: actor)) ?? nil
    }
    public mutating func next() async -> IncomingRequest? { await next(isolation: nil) }
  }
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(inbox: inbox) }
}

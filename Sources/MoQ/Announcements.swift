import MoQKernel
import MoQNetwork

/// What is announced below a prefix: what there is, then every change. Ends when the session does.
///
/// Letting go of it takes the request back.
public final class Announcements: AsyncSequence, Sendable {
  public typealias Element = Announcement
  public typealias Failure = MoQError

  /// Takes the changes one after the other.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let announcements: Announcements
    /// The next change; nil: the session has ended, or this side took the request back. Throws `sessionClosed` or
    /// whatever else ended it, `limit` if 65,536 changes waited and nobody took them, and `cancelled` with the task.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> Announcement? {
      try await announcements.inbox.next(isolation: actor)
    }
    public mutating func next() async throws(MoQError) -> Announcement? { try await next(isolation: nil) }
  }
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(announcements: self) }

  private let session: Session
  private let inbox: Inbox<Announcement>
  private let feed: LoopBound<AnnouncementFeed>

  private init(_ session: Session, _ inbox: Inbox<Announcement>, _ feed: LoopBound<AnnouncementFeed>) {
    (self.session, self.inbox, self.feed) = (session, inbox, feed)
  }
  deinit { cancel() }

  static func begin(
    _ session: Session, _ prefix: TrackNamespace, _ authorization: [AuthorizationToken]
  ) async throws(MoQError) -> Announcements {
    let inbox = Inbox<Announcement>(), answer = Promise<Result<Void, MoQError>>()
    let feed = LoopBound(AnnouncementFeed(prefix, authorization, inbox: inbox, answer: answer), on: session.loop)
    let announcements = Announcements(session, inbox, feed)
    session.post { _ = $0.seek(feed.value) }
    try await session.answer(answer) { $0.cancelSeeking(feed.value) }
    return announcements
  }

  /// Takes the request back.
  public func cancel() {
    inbox.close(dropping: true)
    session.post { [feed] in $0.cancelSeeking(feed.value) }
  }
}

/// A broadcast that begins or ends.
public struct Announcement: Sendable, Hashable {
  /// The broadcast's namespace, whole: the prefix that was asked for is part of it.
  public var path: TrackNamespace
  /// True: it is there now; false: it is gone.
  public var isActive: Bool
}

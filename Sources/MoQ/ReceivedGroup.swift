import MoQKernel

/// A group of a track: whole objects, those of one stream in order, those of several the lowest first.
///
/// A group that the publisher gives up on ends early and says so in `ending`; the objects that came are
/// whole. A stream of a group that is said to have ended may still come late: it appears as another
/// group of the same number.
public final class ReceivedGroup: AsyncSequence, Sendable {
  public typealias Element = ReceivedObject
  public typealias Failure = MoQError

  /// Takes the objects one after the other.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let group: ReceivedGroup
    /// The next object; nil: the group has ended, see `ending`. Throws if the session ended within it.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> ReceivedObject? {
      try await group.next(isolation: actor)
    }
    public mutating func next() async throws(MoQError) -> ReceivedObject? { try await next(isolation: nil) }
  }
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(group: self) }

  /// How a group ended.
  public enum Ending: Sendable, Hashable {
    /// With its last object.
    case complete
    /// All that was begun has arrived; neither dialect nor publisher said whether it is all.
    case unmarked
    /// The publisher gave up on it, or on a part of it, with this code.
    case abandoned(code: UInt64)
  }

  /// Its number in the track.
  public let sequence: UInt64
  private let inbox: ObjectInbox

  init(sequence: UInt64, inbox: ObjectInbox) { (self.sequence, self.inbox) = (sequence, inbox) }
  deinit { inbox.abandon() }

  /// The next object; nil: the group has ended.
  public func next(isolation actor: isolated (any Actor)? = #isolation) async throws(MoQError) -> ReceivedObject? {
    do {
      return try await inbox.next(isolation: actor)
    } catch {
      if error.code == .cancelled { inbox.abandon() }
      throw error
    }
  }

  /// How it ended; nil: it has not, or not all of it has been taken.
  public var ending: Ending? { inbox.ending }

  /// Takes no more of it, and tells the publisher so.
  public func cancel() { inbox.abandon() }
}

/// A whole object.
public struct ReceivedObject: Sendable {
  /// The number of its group.
  public var group: UInt64
  /// 0 in dialects that have no subgroups.
  public var subgroup: UInt64
  /// Its number in the group.
  public var id: UInt64
  /// The publisher's: lower is sent first.
  public var priority: UInt8
  /// `.normal`, unless the subscription was made with `keepsStatus`: then also markers, which have no payload.
  public var status: ObjectStatus
  /// Extension headers, as key-value pairs (§1.4.2 of draft-14), just as the publisher wrote them; empty: none.
  public var extensions: Bytes
  /// All of its bytes; empty: a marker, or an object without any.
  public var payload: Bytes
  /// When its last byte arrived, on the clock of `Runtime.now`.
  public var receivedAt: Instant
  /// Whether it came in a datagram.
  public var isDatagram: Bool
  /// Its group and its number there.
  public var location: Location { Location(group, id) }
}

/// The answer to a fetch: objects in the order of the request.
///
/// Letting go of it takes the request back.
public final class FetchedObjects: AsyncSequence, Sendable {
  public typealias Element = ReceivedObject
  public typealias Failure = MoQError

  /// Takes the objects one after the other.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let fetched: FetchedObjects
    /// The next object; nil: that was all there is in the range. Throws if the publisher gave up before.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> ReceivedObject? {
      do {
        return try await fetched.inbox.next(isolation: actor)
      } catch {
        if error.code == .cancelled { fetched.cancel() }
        throw error
      }
    }
    public mutating func next() async throws(MoQError) -> ReceivedObject? { try await next(isolation: nil) }
  }
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(fetched: self) }

  private let session: Session
  private let inbox: ObjectInbox
  private let key: RequestKey
  /// What the publisher answered.
  private let answer: Promise<Result<FetchAnswer, MoQError>>

  init(_ session: Session, _ inbox: ObjectInbox, _ key: RequestKey, _ answer: Promise<Result<FetchAnswer, MoQError>>) {
    (self.session, self.inbox, self.key, self.answer) = (session, inbox, key, answer)
  }
  deinit { cancel() }

  /// `request` is made on the loop; nil: what it would join is over.
  static func begin(
    _ session: Session, what: String, _ request: @escaping @Sendable (SessionHost) -> FetchRequest?
  ) async throws(MoQError) -> FetchedObjects {
    let answer = Promise<Result<FetchAnswer, MoQError>>(), made = Promise<(ObjectInbox, RequestKey)>()
    session.post { host in
      guard let request = request(host) else {
        answer.fulfil(.failure(MoQError(.ended, "\(what): the subscription has ended")))
        return
      }
      let link = FeedLink(host), inbox = ObjectInbox(link: link, isSequential: true)
      let feed = ObjectFeed(inbox, sequence: 0, keepsStatus: false)
      link.ends.value.feed = feed
      if let key = host.fetch(request, FetchFeed(feed, what: what, answer: answer)) { made.fulfil((inbox, key)) }
    }
    do {
      _ = try await session.answer(answer) { host in
        if let (_, key) = made.value { host.cancelFetch(key) }
      }
    } catch {
      // A fetch of a range without objects is answered with "no objects" by some dialects, with none by others.
      guard let failure = error.cause as? RequestFailure, failure.reason == .noObjects, let (inbox, key) = made.value
      else { throw error }
      inbox.finish(.complete)
      return FetchedObjects(session, inbox, key, answer)
    }
    guard let (inbox, key) = made.value else { throw MoQError(.ended, "\(what): it is over") }
    return FetchedObjects(session, inbox, key, answer)
  }

  /// The last object that the publisher says it covers.
  public var end: Location? {
    guard case .success(let answer) = answer.value else { return nil }
    return answer.end
  }

  /// Takes the request back. Objects that were not taken are dropped.
  public func cancel() {
    inbox.abandon()
    session.post { [key] in $0.cancelFetch(key) }
  }
}

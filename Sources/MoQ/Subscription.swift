import MoQKernel
import MoQNetwork

/// A track's objects, group by group, as they come.
///
/// A sequence of groups in the order in which they began to arrive; each is a sequence of its objects.
/// What is not taken is not asked for: the peer gets credit for more as objects are consumed, so an
/// unread group takes up to the session's receive buffer and then holds the others up, but never
/// unbounded memory. A group that is let go unread is stopped on the wire.
///
/// Letting go of the subscription, `cancel()`, or cancelling the task that waits for its next group or
/// for `objects` ends it at the publisher too; cancelling a task that waits for an object of a group ends
/// that group. One task at a time may iterate.
public final class Subscription: AsyncSequence, Sendable {
  public typealias Element = ReceivedGroup
  public typealias Failure = MoQError

  /// Takes the groups one after the other.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let subscription: Subscription

    /// The next group that begins; nil: the publisher has ended the track, or the subscription was cancelled.
    ///
    /// Throws `sessionClosed`, `refused` or whatever else ended it, and `cancelled` with the task.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> ReceivedGroup? {
      do {
        return try await subscription.groups.next(isolation: actor)
      } catch {
        if error.code == .cancelled { subscription.cancel() }
        throw error
      }
    }
    public mutating func next() async throws(MoQError) -> ReceivedGroup? { try await next(isolation: nil) }
  }

  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: self) }

  let session: Session
  let groups: Inbox<ReceivedGroup>
  private let missed: Inbox<GroupGap>
  private let name: TrackName
  private let feed: LoopBound<SubscriptionFeed>
  private let answer: Promise<Result<SubscribeAnswer, MoQError>>

  init(_ session: Session, _ request: SubscribeRequest, keepsStatus: Bool) {
    (groups, missed) = (Inbox(), Inbox())
    answer = Promise()
    (self.session, name) = (session, request.track)
    feed = LoopBound(
      SubscriptionFeed(request, keepsStatus: keepsStatus, inbox: groups, gaps: missed, answer: answer),
      on: session.loop)
  }

  deinit { cancel() }

  func begin() async throws(MoQError) {
    session.post { [feed] in $0.subscribe(feed.value) }
    _ = try await session.answer(answer) { [feed] in $0.cancel(feed.value) }
  }

  /// Which track it is.
  public var track: TrackName { name }

  /// The largest object there was when the publisher answered; nil: none yet, or the dialect does not say.
  public var largest: Location? {
    guard case .success(let answer) = answer.value else { return nil }
    return answer.largest
  }

  /// The objects of one group after the other, the lowest of those that have begun first.
  public var objects: Objects { Objects(subscription: self) }

  /// Groups that will not come, or not whole, as the publisher says it and why. Ends with the subscription.
  ///
  /// Groups that never begin are told of by transfork (SUBSCRIBE_GAP) and, if they do not exist, by drafts 11 to 14 (the
  /// extension header Prior Group ID Gap); other dialects have no words for them. In every dialect a group that was begun
  /// and given up says so in its `ending`. Of reports that nobody takes the first 1,024 are kept.
  public var gaps: Gaps { Gaps(subscription: self) }

  /// Changes a running subscription; what is nil stays. A draft may allow only to narrow it.
  ///
  /// Throws `inexpressible` where the dialect has no words for it, and `ended` if it is over.
  public func update(
    start: Location? = nil, endGroup: UInt64? = nil, priority: UInt8? = nil, forward: Bool? = nil,
    authorization: [AuthorizationToken] = []
  ) async throws(MoQError) {
    let promise = Promise<Result<Void, MoQError>>()
    session.post { [feed] host in
      var update = feed.value.update
      if let start { update.start = start }
      if let endGroup { (update.endGroup, update.endObject) = (endGroup, nil) }
      if let priority { update.priority = priority }
      if let forward { update.forward = forward }
      update.authorization = authorization
      promise.fulfil(host.update(feed.value, update))
    }
    try await session.answer(promise) { _ in }
  }

  /// Objects from before the subscription: `groupsBefore` groups before the largest object there was when it was
  /// answered, and on through that object. What the subscription itself brings begins after it, if it began with the
  /// next object.
  ///
  /// Throws `inexpressible` where the dialect has no joining fetch (draft-07, moq-lite, transfork), `refused` if there was
  /// no object yet, `ended` if the subscription is over, `unauthorized`, `timeout`, `sessionClosed` or `cancelled`.
  public func fetch(
    groupsBefore: UInt64, priority: UInt8 = 128, order: GroupOrder = .publisher,
    authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> FetchedObjects {
    try await fetch(priority, order, authorization) { .joining($0, groupsBefore: groupsBefore) }
  }
  /// The same from the first object of a group, which is named; drafts before 11 cannot say that.
  public func fetch(
    fromGroup group: UInt64, priority: UInt8 = 128, order: GroupOrder = .publisher,
    authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> FetchedObjects {
    try await fetch(priority, order, authorization) { .joiningAbsolute($0, group: group) }
  }
  private func fetch(
    _ priority: UInt8, _ order: GroupOrder, _ authorization: [AuthorizationToken],
    _ range: @escaping @Sendable (RequestKey) -> FetchRequest.Range
  ) async throws(MoQError) -> FetchedObjects {
    try await FetchedObjects.begin(session, what: "fetching what came before in \(name)") { [feed] _ in
      guard let key = feed.value.key else { return nil }
      var request = FetchRequest(range(key))
      (request.priority, request.groupOrder, request.authorization) = (priority, order, authorization)
      return request
    }
  }

  /// Groups that were not read in time, and were stopped for it.
  public var skippedGroups: Int {
    get async { (try? await session.loop.run { [feed] in feed.value.skippedGroups }) ?? 0 }
  }

  /// Ends the subscription. Objects that were not taken are dropped.
  public func cancel() {
    groups.close(dropping: true)
    missed.close(dropping: true)
    session.post { [feed] in $0.cancel(feed.value) }
  }

  /// The groups of a subscription that will not come.
  public struct Gaps: AsyncSequence, Sendable {
    public typealias Element = GroupGap
    public typealias Failure = MoQError
    let subscription: Subscription

    /// Takes the reports one after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
      let subscription: Subscription
      /// The next report; nil: the subscription is over. Throws `cancelled` with the task.
      public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> GroupGap? {
        try await subscription.missed.next(isolation: actor)
      }
      public mutating func next() async throws(MoQError) -> GroupGap? { try await next(isolation: nil) }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: subscription) }
  }

  /// The objects of a subscription, without their groups.
  public struct Objects: AsyncSequence, Sendable {
    public typealias Element = ReceivedObject
    public typealias Failure = MoQError
    let subscription: Subscription

    /// Takes the objects one after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
      let subscription: Subscription
      var current: ReceivedGroup?
      /// Groups that have begun, the lowest first.
      var begun: [ReceivedGroup] = []

      /// The next object; nil: the track has ended, or the subscription was cancelled. Throws `sessionClosed`, `refused`
      /// or whatever else ended it, and `cancelled` with the task.
      public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> ReceivedObject? {
        while true {
          if let current {
            do {
              if let object = try await current.next(isolation: actor) { return object }
            } catch {
              if error.code == .cancelled { subscription.cancel() }
              throw error
            }
            self.current = nil
          }
          for group in subscription.groups.takeAll() {
            let place = begun.firstIndex { $0.sequence > group.sequence } ?? begun.endIndex
            begun.insert(group, at: place)
          }
          if begun.isEmpty {
            var groups = subscription.makeAsyncIterator()
            guard let group = try await groups.next(isolation: actor) else { return nil }
            current = group
          } else {
            current = begun.removeFirst()
          }
        }
      }
      public mutating func next() async throws(MoQError) -> ReceivedObject? { try await next(isolation: nil) }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(subscription: subscription) }
  }
}

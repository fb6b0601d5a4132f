/// A track's objects, group by group, as they come.
///
/// A sequence of groups in the order in which they began to arrive; each is a sequence of its objects.
/// What is not taken is not asked for: the peer gets credit for more as objects are consumed, so an
/// unread group takes up to the session's receive buffer and then holds the others up, but never
/// unbounded memory. A group that is let go unread is stopped on the wire.
///
/// Letting go of the subscription, `cancel()`, or cancelling the task that waits for it ends it at the
/// publisher too. One task at a time may iterate.
public final class Subscription: AsyncSequence, Sendable {
  public typealias Element = ReceivedGroup
  public typealias Failure = MoQError
  public struct AsyncIterator: AsyncIteratorProtocol {
    /// The next group that begins; nil: the publisher has ended the track.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> ReceivedGroup? { nil }
    public mutating func next() async throws(MoQError) -> ReceivedGroup? { try await next(isolation: nil) }
  }
  public func makeAsyncIterator() -> AsyncIterator { fatalError() }

  /// Which track it is.
  public var track: TrackName { fatalError() }
  /// The largest object there was when the publisher answered; nil: none yet, or the dialect does not say.
  public var largest: Location? { fatalError() }
  /// The objects of one group after the other, the lowest of those that have begun first.
  public var objects: Objects { fatalError() }
  /// Changes a running subscription; what is nil stays. A draft may allow only to narrow it.
  public func update(
    start: Location? = nil, endGroup: UInt64? = nil, priority: UInt8? = nil, forward: Bool? = nil
  ) async throws(MoQError) {}
  /// Ends the subscription. Objects that were not taken are dropped.
  public func cancel() {}

  public struct Objects: AsyncSequence, Sendable {
    public typealias Element = ReceivedObject
    public typealias Failure = MoQError
    public struct AsyncIterator: AsyncIteratorProtocol {
      public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> ReceivedObject? { nil }
      public mutating func next() async throws(MoQError) -> ReceivedObject? { try await next(isolation: nil) }
    }
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
  }
}

/// A group of a track: whole objects, those of one stream in order, those of several the lowest first.
public final class ReceivedGroup: AsyncSequence, Sendable {
  public typealias Element = ReceivedObject
  public typealias Failure = MoQError
  public struct AsyncIterator: AsyncIteratorProtocol {
    /// The next object; nil: the group has ended, see `ending`.
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> ReceivedObject? { nil }
    public mutating func next() async throws(MoQError) -> ReceivedObject? { try await next(isolation: nil) }
  }
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }

  /// How a group ended.
  public enum Ending: Sendable, Hashable {
    /// With its last object.
    case complete
    /// All that was begun has arrived; the dialect or the publisher did not say whether it is all.
    case unmarked
    /// The publisher gave up on it, or on a part of it, with this code.
    case abandoned(code: UInt64)
  }

  /// Its number in the track.
  public var sequence: UInt64 { fatalError() }
  /// How it ended; nil: it has not yet.
  public var ending: Ending? { fatalError() }
  /// Takes no more of it, and tells the publisher so.
  public func cancel() {}
}

/// A whole object.
public struct ReceivedObject: Sendable {
  public var group: UInt64
  /// 0 in dialects that have no subgroups.
  public var subgroup: UInt64
  public var id: UInt64
  /// The publisher's: lower is sent first.
  public var priority: UInt8
  public var status: ObjectStatus
  /// Extension headers, as key-value pairs.
  public var extensions: Bytes
  public var payload: Bytes
  /// When its last byte arrived, on the clock of `Runtime.now`.
  public var receivedAt: Instant
  /// Whether it came in a datagram.
  public var isDatagram: Bool
}

/// The answer to a fetch: objects in the order of the request.
public final class FetchedObjects: AsyncSequence, Sendable {
  public typealias Element = ReceivedObject
  public typealias Failure = MoQError
  public struct AsyncIterator: AsyncIteratorProtocol {
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> ReceivedObject? { nil }
    public mutating func next() async throws(MoQError) -> ReceivedObject? { try await next(isolation: nil) }
  }
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
  /// The last object that the publisher says it covers.
  public var end: Location? { fatalError() }
  public func cancel() {}
}

/// What is announced below a prefix. Ends when the session does.
public final class Announcements: AsyncSequence, Sendable {
  public typealias Element = Announcement
  public typealias Failure = MoQError
  public struct AsyncIterator: AsyncIteratorProtocol {
    public mutating func next(isolation actor: isolated (any Actor)?) async throws(MoQError) -> Announcement? { nil }
    public mutating func next() async throws(MoQError) -> Announcement? { try await next(isolation: nil) }
  }
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
}

/// A broadcast that begins or ends.
public struct Announcement: Sendable, Hashable {
  public var path: TrackNamespace
  /// True: it is there now; false: it is gone.
  public var isActive: Bool
}

/// Something that is published: tracks under one path.
public final class Broadcast: Sendable {
  static func begin(_ session: Session, _ path: TrackNamespace) async throws(MoQError) -> Broadcast {
    throw MoQError(.unsupported, "")
  }
  public var path: TrackNamespace { fatalError() }
  /// The track of that name, made the first time it is asked for.
  public func track(_ name: String, options: TrackOptions = TrackOptions()) async throws(MoQError) -> BroadcastTrack {
    throw MoQError(.unsupported, "")
  }
  /// Waits until everything written has arrived at everyone who is subscribed.
  public func drained() async throws(MoQError) {}
  /// Ends all tracks and takes the announcement back.
  public func finish() async {}
}

/// How a track is published.
public struct TrackOptions: Sendable {
  /// What happens to a publisher that writes faster than its subscribers take.
  public enum Backlog: Sendable, Equatable {
    /// The oldest groups in the cache go, and a subscriber that is behind them is moved on.
    case dropOldest
    /// `write` waits while the slowest subscriber is this many bytes behind.
    case wait(bytes: Int)
  }
  /// Lower is sent first.
  public var priority: UInt8 = 128
  public var order = GroupOrder.ascending
  public var backlog = Backlog.wait(bytes: 8 << 20)
  public init() {}
}

/// A track that is published. Groups are written one after the other or side by side.
public final class BroadcastTrack: Sendable {
  public var name: String { fatalError() }
  /// The number of subscriptions it has now.
  public var subscribers: Int { get async { 0 } }
  /// Waits until someone has subscribed.
  public func firstSubscriber() async throws(MoQError) {}
  /// Waits until everything written has arrived at everyone who is subscribed.
  public func drained() async throws(MoQError) {}

  /// Writes a group: it is complete when `body` returns and given up when it throws.
  ///
  /// - Parameter sequence: its number; nil: the next one.
  public func group<Value>(
    _ sequence: UInt64? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (GroupWriter) async throws -> Value
  ) async throws -> Value { throw MoQError(.unsupported, "") }
  /// Begins a group. `finish()` completes it.
  public func beginGroup(_ sequence: UInt64? = nil) async throws(MoQError) -> GroupWriter {
    throw MoQError(.unsupported, "")
  }
  /// Sends an object in a datagram, as the only one of a group of its own unless numbers are given: it may be lost.
  public func sendDatagram(
    _ payload: Bytes, group: UInt64? = nil, id: UInt64 = 0, extensions: Bytes = Bytes()
  ) async throws(MoQError) {}
  /// Ends the track: subscribers are told, after all that was written.
  public func finish() async {}
}

/// A group that is being written.
public final class GroupWriter: Sendable {
  public var sequence: UInt64 { fatalError() }
  /// Appends an object. Waits if the track's `backlog` says so.
  ///
  /// - Parameters:
  ///   - id: its number in the group; nil: the next one. Numbers must ascend.
  ///   - subgroup: objects of different subgroups go on different streams.
  public func write(
    _ payload: Bytes, id: UInt64? = nil, subgroup: UInt64 = 0, priority: UInt8? = nil, extensions: Bytes = Bytes(),
    status: ObjectStatus = .normal
  ) async throws(MoQError) {}
  public func write(_ payload: [UInt8]) async throws(MoQError) {}
  public func write(_ payload: String) async throws(MoQError) {}
  /// The group has all its objects.
  public func finish() async throws(MoQError) {}
  /// The group will not be completed: its streams are reset.
  public func abandon() async {}
}

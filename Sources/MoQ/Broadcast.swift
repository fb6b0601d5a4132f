import MoQKernel
import MoQNetwork
import MoQRelay
import Synchronization

/// Something that is published: tracks under one path.
///
/// A broadcast that is no longer referenced, by itself or by its tracks, is withdrawn.
public final class Broadcast: Sendable {
  /// The namespace of its tracks.
  public let path: TrackNamespace
  let outbox: Outbox
  /// What must live as long as the broadcast.
  private let session: Session?
  private let local: LoopBound<LocalBroadcast>
  private let tracks = Mutex<[String: BroadcastTrack.Core]>([:])
  private let isFinished = Atomic<Bool>(false)

  init(_ path: TrackNamespace, _ outbox: Outbox, _ local: LoopBound<LocalBroadcast>, session: Session?) {
    (self.path, self.outbox, self.local, self.session) = (path, outbox, local, session)
  }
  deinit { withdraw() }

  static func begin(
    _ session: Session, _ path: TrackNamespace, _ authorization: [AuthorizationToken]
  ) async throws(MoQError) -> Broadcast {
    let made = Promise<(Outbox, LoopBound<LocalBroadcast>)>(), answer = Promise<Result<Void, MoQError>>()
    session.post { host in
      guard let publishing = host.publishing else {
        answer.fulfil(.failure(MoQError(.sessionClosed, "publishing \(path): the session is over")))
        return
      }
      publishing.publish(path, authorization, answer) { made.fulfil(($0, $1)) }
    }
    do {
      try await session.answer(answer) { _ in made.value?.1.value.withdraw() }
    } catch {
      session.post { _ in made.value?.1.value.withdraw() }
      throw error
    }
    guard let (outbox, local) = made.value else {
      throw MoQError(.sessionClosed, "publishing \(path): the session is over")
    }
    return Broadcast(path, outbox, local, session: session)
  }

  /// One that the peer is not told of.
  static func unannounced(_ session: Session, _ path: TrackNamespace) async throws(MoQError) -> Broadcast {
    let made = Promise<(Outbox, LoopBound<LocalBroadcast>)?>()
    session.post { made.fulfil($0.publishing?.publishUnannounced(path)) }
    guard let result = await made.wait() else { throw .cancelledTask }
    guard let (outbox, local) = result else {
      throw MoQError(.sessionClosed, "publishing \(path): the session is over")
    }
    return Broadcast(path, outbox, local, session: session)
  }

  /// Makes a track, and offers it to the peer.
  func offer(
    _ name: String, options: TrackOptions, _ authorization: [AuthorizationToken]
  ) async throws(MoQError) -> BroadcastTrack {
    let track = try await track(name, options: options), answer = Promise<Result<Void, MoQError>>()
    guard let session else { return track }
    let request = Promise<RequestKey?>()
    session.post { [core = track.core] host in
      request.fulfil(host.publishing?.offer(core.feed.value.local, authorization, answer))
    }
    try await session.answer(answer) { host in
      if case .some(.some(let key)) = request.value { host.core.cancel(key) }
    }
    return track
  }

  /// The track of that name, made the first time it is asked for; `options` count only then.
  ///
  /// Throws `ended` if the broadcast is finished, `sessionClosed` or whatever else ended the session, and `cancelled`.
  public func track(_ name: String, options: TrackOptions = TrackOptions()) async throws(MoQError) -> BroadcastTrack {
    if let failure = outbox.failure { throw failure }
    guard !isFinished.load(ordering: .relaxed) else {
      throw MoQError(.ended, "the broadcast \(path) has been finished")
    }
    if let known = tracks.withLock({ $0[name] }), !known.isFinished { return BroadcastTrack(self, known) }
    let shared = TrackShared(), made = Promise<LoopBound<TrackFeed>>()
    try outbox.put(
      .body { [local, loop = outbox.loop] publisher in
        let feed = TrackFeed(
          local.value.track(name, priority: options.priority, order: options.order), options, shared)
        publisher.insert(feed)
        made.fulfil(LoopBound(feed, on: loop))
      })
    guard let feed = await made.wait() else { throw .cancelledTask }
    let core = tracks.withLock { tracks in
      if let known = tracks[name], !known.isFinished { return known }
      let core = BroadcastTrack.Core(name, TrackName(path, name), options, outbox, feed, shared)
      tracks[name] = core
      return core
    }
    return BroadcastTrack(self, core)
  }

  /// Waits until everything written has arrived at everyone who is subscribed. Groups that are still open do not count.
  ///
  /// Throws `sessionClosed` or whatever else ended the session before, and `cancelled` with the task.
  public func drained() async throws(MoQError) {
    for core in tracks.withLock({ Array($0.values) }) { try await core.drained() }
  }

  /// Ends all tracks and takes the announcement back.
  public func finish() async {
    withdraw()
    // What was posted before has run then.
    _ = try? await outbox.loop.run {}
  }

  private func withdraw() {
    guard !isFinished.exchange(true, ordering: .relaxed) else { return }
    try? outbox.put(.body { [local] _ in local.value.withdraw() })
  }
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
  /// Which of several groups is sent first to subscribers that leave it to the publisher.
  public var order = GroupOrder.ascending
  /// What a publisher does that is faster than its subscribers: `write` waits at 8 MiB, if nothing else is said.
  public var backlog = Backlog.wait(bytes: 8 << 20)
  /// How late objects may be sent (transfork: groups, once they are whole); nil: however late they are. A subscriber's own
  /// wish counts where it is smaller.
  public var deliveryTimeout: Duration?
  /// How long relays may keep an object and begin to pass it on; nil: for ever. Dialects with MAX_CACHE_DURATION say it.
  public var maximumCacheDuration: Duration?
  /// The number of the first group.
  public var firstGroup: UInt64 = 0
  /// Whether objects have extension headers (a byte an object where they are empty).
  public var usesExtensions = false
  /// Whether a group's objects are spread over several subgroups. If not, the end of subgroup 0 is the group's.
  public var usesSubgroups = false
  /// What each member says beside itself.
  public init() {}
}

/// A track that is published. Groups are written one after the other or side by side.
public final class BroadcastTrack: Sendable {
  /// What its handles share.
  final class Core: Sendable {
    let name: String
    let fullName: TrackName
    let options: TrackOptions
    let outbox: Outbox
    let feed: LoopBound<TrackFeed>
    let shared: TrackShared
    private let numbers: Mutex<(next: UInt64, isFinished: Bool)>

    init(
      _ name: String, _ fullName: TrackName, _ options: TrackOptions, _ outbox: Outbox, _ feed: LoopBound<TrackFeed>,
      _ shared: TrackShared
    ) {
      (self.name, self.fullName, self.options, self.outbox) = (name, fullName, options, outbox)
      (self.feed, self.shared) = (feed, shared)
      numbers = Mutex((options.firstGroup, false))
    }

    var isFinished: Bool { numbers.withLock { $0.isFinished } }

    func sequence(_ wanted: UInt64?) throws(MoQError) -> UInt64 {
      let sequence = numbers.withLock { numbers -> UInt64? in
        guard !numbers.isFinished else { return nil }
        let sequence = wanted ?? numbers.next
        if sequence >= numbers.next { numbers.next = sequence == .max ? .max : sequence + 1 }
        return sequence
      }
      guard let sequence else { throw MoQError(.ended, "the track \(fullName) has been finished") }
      return sequence
    }

    func drained() async throws(MoQError) {
      let promise = Promise<MoQError?>()
      try outbox.put(.body { [feed] _ in feed.value.whenDrained(promise) })
      guard let result = await promise.wait() else { throw .cancelledTask }
      if let failure = result { throw failure }
    }

    /// Waits as the track's backlog says.
    func room(isolation: isolated (any Actor)? = #isolation) async throws(MoQError) {
      try await outbox.room()
      if case .wait = options.backlog { try await shared.wait { !$1 } }
    }

    func finish() {
      let wasOpen = numbers.withLock { numbers in
        defer { numbers.isFinished = true }
        return !numbers.isFinished
      }
      guard wasOpen else { return }
      try? outbox.put(
        .body { [feed] publisher in
          publisher.remove(feed.value)
          feed.value.local.end()
        })
    }
  }

  private let broadcast: Broadcast
  let core: Core
  init(_ broadcast: Broadcast, _ core: Core) { (self.broadcast, self.core) = (broadcast, core) }

  /// Its name within the broadcast.
  public var name: String { core.name }
  /// The number of subscriptions it has now.
  public var subscribers: Int { get async { core.shared.subscribers } }
  /// Whether `write` waits now, since a subscriber is as far behind as the track's backlog allows.
  public var isBehind: Bool { core.shared.isBehind }
  /// Waits until someone has subscribed. Throws as `drained` does.
  public func firstSubscriber() async throws(MoQError) {
    try await core.shared.wait { subscribers, _ in subscribers > 0 }
  }
  /// Waits until nobody is subscribed. Throws as `drained` does.
  public func lastSubscriberGone() async throws(MoQError) {
    try await core.shared.wait { subscribers, _ in subscribers == 0 }
  }
  /// Waits until everything written has arrived at everyone who is subscribed. Groups that are still open do not count.
  ///
  /// Throws `sessionClosed` or whatever else ended the session before, and `cancelled` with the task.
  public func drained() async throws(MoQError) { try await core.drained() }

  /// Writes a group: it is complete when `body` returns and given up when it throws.
  ///
  /// - Parameter sequence: its number; nil: the next one.
  /// - Throws: as `beginGroup` and `GroupWriter.finish` do; else what `body` throws.
  public func group<Value>(
    _ sequence: UInt64? = nil, isolation: isolated (any Actor)? = #isolation,
    _ body: (GroupWriter) async throws -> Value
  ) async throws -> Value {
    let writer = try await beginGroup(sequence)
    do {
      let value = try await body(writer)
      try await writer.finish()
      return value
    } catch {
      await writer.abandon()
      throw error
    }
  }

  /// Begins a group. `finish()` completes it. Nothing is sent before its first object.
  ///
  /// Throws `ended` if the track is finished, and `sessionClosed` or whatever else ended the session.
  public func beginGroup(_ sequence: UInt64? = nil) async throws(MoQError) -> GroupWriter {
    if let failure = core.outbox.failure { throw failure }
    return GroupWriter(self, try core.sequence(sequence))
  }

  /// Sends an object in a datagram, as the only one of a group of its own unless numbers are given: it may be lost.
  ///
  /// Where the subscriber's dialect has no datagrams it goes on a stream of its group (drafts 07 to 14 have them). One
  /// that does not fit into a packet is dropped, and so is one that comes when too many wait. Throws `ended` if the
  /// track is finished, `sessionClosed` or whatever else ended the session, and `cancelled`.
  public func sendDatagram(
    _ payload: Bytes, group: UInt64? = nil, id: UInt64 = 0, extensions: Bytes = Bytes()
  ) async throws(MoQError) {
    let info = ObjectInfo(
      group: try core.sequence(group), id: id, priority: core.options.priority, extensions: extensions,
      payloadLength: UInt64(payload.count))
    try core.outbox.put(.datagram(core.feed, info, payload))
    try await core.outbox.room()
  }

  /// Says that groups will not come, so that nobody waits for them; the next group is numbered after them.
  ///
  /// Subscribers hear it where their dialect has words for it: transfork's SUBSCRIBE_GAP says it at once and why. That
  /// groups do not exist and never will (`.doesNotExist`), drafts 11 to 14 say with the next group's objects (Prior Group
  /// ID Gap), and older ones, for at most 64 groups at a time, with an empty group for each. Such a group takes no objects
  /// any more. Throws `ended` if the track is finished, and `badOption` if the numbers are too large.
  public func skip(
    _ groups: ClosedRange<UInt64>, because reason: StreamReason = .doesNotExist
  ) async throws(MoQError) {
    guard groups.upperBound <= WireLimits.varint else {
      throw MoQError(
        .badOption, "group \(groups.upperBound) of \(core.fullName): no dialect has numbers above 2^62 - 1")
    }
    _ = try core.sequence(groups.upperBound)
    try core.outbox.put(.body { [feed = core.feed] _ in feed.value.local.skip(groups, reason) })
    try await core.room()
  }

  /// Ends the track: subscribers are told, after all that was written.
  public func finish() async {
    core.finish()
    _ = try? await core.outbox.loop.run {}
  }
}

/// A group that is being written.
///
/// A writer that is let go before `finish()` gives the group up.
public final class GroupWriter: Sendable {
  private struct State {
    var next: UInt64 = 0
    var isOver = false
    var hasBegun = false
  }
  /// Its number in the track.
  public let sequence: UInt64
  private let track: BroadcastTrack
  private let state = Mutex(State())
  private let shared = GroupShared()
  private let feed: Mutex<LoopBound<GroupFeed>?> = Mutex(nil)

  init(_ track: BroadcastTrack, _ sequence: UInt64) { (self.track, self.sequence) = (track, sequence) }
  deinit { giveUp() }

  /// The loop's half. Making it needs the loop for nothing: it touches the track only there.
  private var bound: LoopBound<GroupFeed> {
    feed.withLock { feed in
      if let feed { return feed }
      let fresh = LoopBound(GroupFeed(track.core.feed, sequence, shared), on: track.core.outbox.loop)
      feed = fresh
      return fresh
    }
  }

  /// Appends an object. Waits if the track's `backlog` says so.
  ///
  /// - Parameters:
  ///   - id: its number in the group; nil: the next one. Numbers must ascend within a subgroup.
  ///   - subgroup: objects of different subgroups go on different streams; other than 0 only if the
  ///     track's options say `usesSubgroups`.
  ///   - priority: lower is sent first; nil: the track's. The first object's counts for its subgroup.
  ///   - extensions: key-value pairs (§1.4.2 of draft-14), 64 KiB at most; only if the track's options say
  ///     `usesExtensions`.
  ///   - status: other than `.normal`, the object is a marker and has no payload.
  /// - Throws: `ended` if the group is finished or was dropped from the cache, `badOption`, `sessionClosed`, `cancelled`.
  public func write(
    _ payload: Bytes, id: UInt64? = nil, subgroup: UInt64 = 0, priority: UInt8? = nil, extensions: Bytes = Bytes(),
    status: ObjectStatus = .normal
  ) async throws(MoQError) {
    let core = track.core
    guard subgroup == 0 || core.options.usesSubgroups else {
      throw MoQError(.badOption, "subgroup \(subgroup) of \(core.fullName): make the track with usesSubgroups")
    }
    guard extensions.isEmpty || core.options.usesExtensions else {
      throw MoQError(.badOption, "extension headers in \(core.fullName): make the track with usesExtensions")
    }
    guard !shared.isLost.load(ordering: .relaxed) else {
      throw MoQError(
        .ended,
        "group \(sequence) of \(core.fullName): an object was not taken, since the group left the cache or was skipped, or its number was not new"
      )
    }
    let number = state.withLock { state -> UInt64? in
      guard !state.isOver else { return nil }
      let number = id ?? state.next
      if number >= state.next { state.next = number == .max ? .max : number + 1 }
      return number
    }
    guard let number else { throw MoQError(.ended, "group \(sequence) of \(core.fullName) is finished") }
    let info = ObjectInfo(
      group: sequence, subgroup: subgroup, id: number, priority: priority ?? core.options.priority, status: status,
      extensions: extensions, payloadLength: UInt64(payload.count))
    try core.outbox.put(.object(bound, info, payload))
    try await core.room()
  }
  /// The same for an array, which is copied.
  public func write(_ payload: [UInt8]) async throws(MoQError) { try await write(Bytes(payload)) }
  /// The same for text, as UTF-8.
  public func write(_ payload: String) async throws(MoQError) { try await write(Bytes(payload)) }

  /// The group has all its objects: subscribers learn that it is complete. Again, or after `abandon()`, it does nothing.
  ///
  /// Throws `sessionClosed` or whatever else ended the session.
  public func finish() async throws(MoQError) {
    let next = state.withLock { state -> UInt64? in
      defer { state.isOver = true }
      return state.isOver ? nil : state.next
    }
    guard let next else { return }
    let options = track.core.options
    // Where a group is spread over subgroups no single stream's end is the group's: a marker says it.
    let end =
      options.usesSubgroups
      ? ObjectInfo(group: sequence, id: next, priority: options.priority, status: .endOfGroup) : nil
    try track.core.outbox.put(.finish(bound, end: end))
  }

  /// The group will not be completed: its streams are reset.
  public func abandon() async { giveUp() }

  private func giveUp() {
    let wasOpen = state.withLock { state in
      defer { state.isOver = true }
      return !state.isOver
    }
    if wasOpen, feed.withLock({ $0 != nil }) { try? track.core.outbox.put(.abandon(bound)) }
  }
}

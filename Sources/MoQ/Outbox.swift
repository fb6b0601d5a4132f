import MoQKernel
import MoQNetwork
import MoQRelay
import Synchronization

/// What writers hand to the loop: commands in order, taken in batches.
final class Outbox: Sendable {
  /// Bytes of payload that may wait for the loop before `write` waits.
  static let limit = 1 << 20
  /// What a command counts for beside its payload: a batch of small objects must not keep the loop from its sockets.
  static let overhead = 256

  enum Command: Sendable {
    case object(LoopBound<GroupFeed>, ObjectInfo, Bytes)
    case datagram(LoopBound<TrackFeed>, ObjectInfo, Bytes)
    case finish(LoopBound<GroupFeed>, end: ObjectInfo?)
    case abandon(LoopBound<GroupFeed>)
    case body(@Sendable (Publisher) -> Void)
  }

  private struct State {
    var commands: [Command] = []
    var bytes = 0
    var isPosted = false
    var failure: MoQError?
  }
  private let state = Mutex(State())
  private let gate = Gate()
  let loop: Loop
  private let publisher: LoopBound<Publisher>

  init(_ loop: Loop, _ publisher: LoopBound<Publisher>) { (self.loop, self.publisher) = (loop, publisher) }

  /// Hands a command over. Throws if what it would be sent on is over.
  func put(_ command: Command) throws(MoQError) {
    let (post, failure) = state.withLock { state -> (Bool, MoQError?) in
      if let failure = state.failure { return (false, failure) }
      switch command {
      case .object(_, _, let payload), .datagram(_, _, let payload): state.bytes += payload.count + Self.overhead
      case .finish, .abandon, .body: state.bytes += Self.overhead
      }
      state.commands.append(command)
      defer { state.isPosted = true }
      return (!state.isPosted, nil)
    }
    if let failure { throw failure }
    if post { loop.post { [self] in publisher.value.carryOut(self) } }
  }

  /// Exchanges what waits for the emptied `batch`. On the loop.
  func take(_ batch: inout [Command]) {
    state.withLock { state in
      swap(&state.commands, &batch)
      (state.bytes, state.isPosted) = (0, false)
    }
    gate.open()
  }

  /// Waits while more than the limit waits for the loop.
  func room(isolation: isolated (any Actor)? = #isolation) async throws(MoQError) {
    while true {
      let ticket = gate.ticket
      if state.withLock({ $0.bytes <= Self.limit || $0.failure != nil }) { return }
      if Task.isCancelled { throw .cancelledTask }
      await gate.wait(ticket)
    }
  }

  /// Nothing more can be sent.
  func close(_ failure: MoQError) {
    state.withLock { if $0.failure == nil { $0.failure = failure } }
    gate.open()
  }

  var failure: MoQError? { state.withLock { $0.failure } }
}

/// The loop's half of everything that is published at one origin.
final class Publisher {
  let origin: Origin
  let loop: Loop
  private(set) var tracks: [ObjectIdentifier: TrackFeed] = [:]
  private var batch: [Outbox.Command] = []
  /// Called before anything is done: tells sessions the time.
  var onBatch: () -> Void = {}

  init(_ origin: Origin, loop: Loop) { (self.origin, self.loop) = (origin, loop) }

  func insert(_ track: TrackFeed) { tracks[ObjectIdentifier(track)] = track }
  func remove(_ track: TrackFeed) { tracks[ObjectIdentifier(track)] = nil }

  /// Does what writers have handed over, in one go.
  func carryOut(_ outbox: Outbox) {
    outbox.take(&batch)
    guard !batch.isEmpty else { return }
    onBatch()
    origin.ticked(at: Instant(nanoseconds: loop.now))
    var touched: [TrackFeed] = []
    func touch(_ track: TrackFeed) {
      guard !track.isTouched else { return }
      track.isTouched = true
      touched.append(track)
    }
    origin.batch {
      for command in batch {
        switch command {
        case .object(let group, let info, let payload):
          group.value.write(info, payload)
          touch(group.value.track)
        case .datagram(let track, let info, let payload):
          track.value.local.send(datagram: info, payload: payload)
          touch(track.value)
        case .finish(let group, let end): group.value.finish(end)
        case .abandon(let group): group.value.abandon()
        case .body(let body): body(self)
        }
      }
    }
    batch.removeAll(keepingCapacity: true)
    for track in touched {
      track.isTouched = false
      track.progressed()
    }
  }

  /// The session is over.
  func over(_ failure: MoQError) {
    for track in tracks.values { track.over(failure) }
    tracks = [:]
  }
}

/// The loop's half of a published track.
final class TrackFeed {
  let local: LocalTrack
  let options: TrackOptions
  let shared: TrackShared
  var isTouched = false
  private var drained: [Promise<MoQError?>] = []

  init(_ local: LocalTrack, _ options: TrackOptions, _ shared: TrackShared) {
    (self.local, self.options, self.shared) = (local, options, shared)
    (local.deliveryTimeout, local.maximumCacheDuration) = (options.deliveryTimeout, options.maximumCacheDuration)
    local.onProgress = { [weak self] in self?.progressed() }
  }

  /// Something was written, or a subscriber has come, gone, or taken something.
  func progressed() {
    var isBehind = false
    if case .wait(let bytes) = options.backlog { isBehind = local.isBehind(by: bytes) }
    shared.set(subscribers: local.subscriberCount, isBehind: isBehind)
    guard !drained.isEmpty, local.isDrained else { return }
    for promise in drained { promise.fulfil(nil) }
    drained = []
  }

  func whenDrained(_ promise: Promise<MoQError?>) {
    if local.isDrained { promise.fulfil(nil) } else { drained.append(promise) }
  }

  func over(_ failure: MoQError) {
    local.onProgress = nil
    shared.close(failure)
    for promise in drained { promise.fulfil(failure) }
    drained = []
  }
}

/// What a published track's loop and its writers share.
final class TrackShared: Sendable {
  private struct State {
    var subscribers = 0
    var isBehind = false
    var failure: MoQError?
  }
  private let state = Mutex(State())
  private let gate = Gate()

  var subscribers: Int { state.withLock { $0.subscribers } }
  var isBehind: Bool { state.withLock { $0.isBehind } }

  func set(subscribers: Int, isBehind: Bool) {
    let wake = state.withLock { state in
      let wake = (state.subscribers == 0) != (subscribers == 0) || state.isBehind && !isBehind
      (state.subscribers, state.isBehind) = (subscribers, isBehind)
      return wake
    }
    if wake { gate.open() }
  }
  func close(_ failure: MoQError) {
    state.withLock { if $0.failure == nil { $0.failure = failure } }
    gate.open()
  }

  /// Waits until `condition` holds of the number of subscribers and of whether one of them is behind.
  func wait(
    isolation: isolated (any Actor)? = #isolation, _ condition: @Sendable (_ subscribers: Int, _ isBehind: Bool) -> Bool
  ) async throws(MoQError) {
    while true {
      let ticket = gate.ticket
      let (isMet, failure) = state.withLock { (condition($0.subscribers, $0.isBehind), $0.failure) }
      if isMet { return }
      if let failure { throw failure }
      if Task.isCancelled { throw .cancelledTask }
      await gate.wait(ticket)
    }
  }
}

/// The loop's half of a group that is being written.
final class GroupFeed {
  private let bound: LoopBound<TrackFeed>
  let sequence: UInt64
  private var subgroups: [(id: UInt64, writer: LocalSubgroup)] = []
  private let lost: GroupShared
  private var isOver = false

  init(_ track: LoopBound<TrackFeed>, _ sequence: UInt64, _ lost: GroupShared) {
    (self.bound, self.sequence, self.lost) = (track, sequence, lost)
  }

  var track: TrackFeed { bound.value }

  private func writer(_ info: ObjectInfo) -> LocalSubgroup {
    if let known = subgroups.first(where: { $0.id == info.subgroup }) { return known.writer }
    let options = track.options
    let writer = track.local.begin(
      SubgroupInfo(
        group: sequence, subgroup: info.subgroup, priority: info.priority, endsGroup: !options.usesSubgroups,
        hasExtensions: options.usesExtensions))
    subgroups.append((info.subgroup, writer))
    return writer
  }

  func write(_ info: ObjectInfo, _ payload: Bytes) {
    guard !isOver else { return }
    if !writer(info).write(info, payload: payload) { lost.isLost.store(true, ordering: .relaxed) }
  }

  func finish(_ end: ObjectInfo?) {
    guard !isOver else { return }
    if let end { writer(end).write(end, payload: Bytes()) }
    isOver = true
    for (_, writer) in subgroups { writer.finish() }
    subgroups = []
  }

  func abandon() {
    guard !isOver else { return }
    isOver = true
    for (_, writer) in subgroups { writer.reset() }
    subgroups = []
  }
}

/// What the loop tells a group's writers.
final class GroupShared: Sendable {
  /// The cache had to let the group go, or an object came out of order.
  let isLost = Atomic<Bool>(false)
}

import MoQKernel

/// The meeting place of publishers and subscribers: which namespaces there are and who publishes them,
/// the tracks that are read, and the one cached copy of each.
///
/// A relay is an origin with many sessions. A client that publishes is an origin with tracks of its own
/// and one session. Not `Sendable`: it belongs to one loop, with all its sessions.
public final class Origin {
  public let configuration: RelayConfiguration
  public let policy: RelayPolicy
  /// Each count is changed in a single step, many of them with every object, so access is not checked at run time.
  @exclusivity(unchecked) public internal(set) var counters = RelayCounters()
  let cache: Cache
  private(set) var tracks: [TrackName: CachedTrack] = [:]
  let routes = Routes()
  private(set) var attachments: [ObjectIdentifier: Attachment] = [:]
  private var pending: [ObjectIdentifier: [PendingSubscription]] = [:]
  private var dirty: [CachedSubgroup] = []
  private var dirtyTracks: [LocalTrack] = []
  private var isFlushing = false
  private var batches = 0

  /// The time, as the driver told it.
  private(set) var now = Instant(nanoseconds: 0)
  private(set) var milliseconds: UInt32 = 0
  private var lingering: [ObjectIdentifier: (track: CachedTrack, until: Instant)] = [:]
  /// Tracks that were asked for before the application made them.
  var early: [ObjectIdentifier: (track: CachedTrack, until: Instant)] = [:]
  private var timed = 0
  private var lastExpiry: UInt32 = 0

  public init(_ configuration: RelayConfiguration = RelayConfiguration(), policy: RelayPolicy = RelayPolicy()) {
    (self.configuration, self.policy) = (configuration, policy)
    cache = Cache(limit: configuration.cacheBytes)
    cache.onEvict = { [unowned self] _ in counters.groupsEvicted &+= 1 }
  }

  // MARK: Time

  /// The time is now `instant`. Call before a batch of events, and when `nextDeadline` is due.
  public func ticked(at instant: Instant) {
    guard instant > now else { return }
    now = instant
    milliseconds = UInt32(truncatingIfNeeded: instant.nanoseconds / 1_000_000)
    if !lingering.isEmpty {
      for (_, entry) in lingering where entry.until <= instant {
        lingering[ObjectIdentifier(entry.track)] = nil
        if !entry.track.isUsed { close(entry.track) }
      }
    }
    for (_, entry) in early where entry.until <= instant {
      early[ObjectIdentifier(entry.track)] = nil
      batch { refuseAll(entry.track, RequestFailure(.doesNotExist, "no track \(entry.track.name)")) }
    }
    if timed > 0, milliseconds &- lastExpiry >= 50 {
      lastExpiry = milliseconds
      batch {
        for track in tracks.values {
          for egress in track.subscribers { egress.expire() }
          if track.isPerishable { track.dropStale() }
        }
      }
    }
  }
  /// When `ticked` should be called at the latest.
  public var nextDeadline: Instant? {
    var next = timed > 0 ? now.advanced(by: .milliseconds(50)) : nil
    for (_, entry) in lingering { next = min(next ?? entry.until, entry.until) }
    for (_, entry) in early { next = min(next ?? entry.until, entry.until) }
    return next
  }
  func hasTimeout(_ delta: Int) { timed += delta }
  func age(of arrival: UInt32) -> UInt64 { UInt64(milliseconds &- arrival) }
  static func milliseconds(_ duration: Duration) -> UInt64 {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0, attoseconds >= 0, seconds < 1 << 32 else { return seconds < 0 ? 0 : .max }
    return UInt64(seconds) * 1000 + UInt64(attoseconds / 1_000_000_000_000_000)
  }

  // MARK: Bytes that are to go on

  func touched(_ subgroup: CachedSubgroup) {
    guard !subgroup.isDirty else { return }
    subgroup.isDirty = true
    dirty.append(subgroup)
  }
  func progressed(_ track: LocalTrack) {
    guard !track.isDirty else { return }
    track.isDirty = true
    dirtyTracks.append(track)
  }
  /// Does several things, then lets subscribers have what came of them, each in one go.
  public func batch<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    batches += 1
    defer {
      batches -= 1
      if batches == 0 { flush() }
    }
    return try body()
  }
  private func flush() {
    guard !isFlushing else { return }
    isFlushing = true
    defer { isFlushing = false }
    // What a flush touches is flushed by it, too: indices, since the list grows.
    var index = 0
    while index < dirty.count {
      let subgroup = dirty[index]
      index += 1
      subgroup.isDirty = false
      guard !subgroup.isDropped else { continue }
      let group = subgroup.group.watchers
      subgroup.watchers.pump()
      group.pump()
    }
    dirty.removeAll(keepingCapacity: true)
    while let track = dirtyTracks.popLast() {
      track.isDirty = false
      track.onProgress?()
    }
  }

  // MARK: Tracks

  func track(_ name: TrackName) -> CachedTrack? { tracks[name] }
  func makeTrack(_ name: TrackName) -> CachedTrack {
    let track = CachedTrack(name: name, origin: self)
    tracks[name] = track
    return track
  }

  /// A subscriber wants a track.
  func subscribe(_ attachment: Attachment, _ key: RequestKey, _ request: SubscribeRequest) {
    guard policy.allowSubscribe(request.track, attachment.session) else {
      return refuse(attachment, key, RequestFailure(.unauthorized, "not allowed to subscribe to \(request.track)"))
    }
    let track =
      tracks[request.track].flatMap { $0.end == nil ? $0 : nil }
      ?? writtenHere(request.track) ?? makeTrack(request.track)
    let waiting = PendingSubscription(attachment: attachment, key: key, request: request)
    switch track.source {
    case .local: serve(waiting, track)
    case .upstream(let all):
      // Nobody has read what was only offered so far.
      if all.allSatisfy(\.isOffer), !track.isUsed { _ = open(track, for: attachment) }
      if track.isLive { serve(waiting, track) } else { wait(waiting, track) }
    case .none:
      wait(waiting, track)
      if let failure = open(track, for: attachment) { refuseAll(track, failure) }
    }
  }
  private func wait(_ waiting: PendingSubscription, _ track: CachedTrack) {
    pending[ObjectIdentifier(track), default: []].append(waiting)
    waiting.attachment.use(waiting.key, for: .pending(track))
  }
  private func serve(_ waiting: PendingSubscription, _ track: CachedTrack) {
    let (attachment, key) = (waiting.attachment, waiting.key)
    lingering[ObjectIdentifier(track)] = nil
    guard let egress = Egress(attachment, key: key, request: waiting.request, track: track) else {
      refuse(
        attachment, key,
        RequestFailure(.invalidRange, "nothing of the range can be sent any more, or not from its start on"))
      return left(track)
    }
    var answer = SubscribeAnswer(largest: track.largest)
    (answer.groupOrder, answer.priority) = (track.groupOrder, track.priority)
    answer.maximumCacheDuration = track.maximumCacheDuration
    if let timeout = track.timeout(for: attachment.abilities.expiry), timeout.of == attachment.abilities.expiry {
      answer.deliveryTimeout = .milliseconds(Int64(clamping: timeout.milliseconds))
    }
    do {
      try attachment.session.accept(key, answer)
    } catch {
      // The subscriber left in the meantime; where it has not, it is owed an answer.
      attachment.session.reject(key, RequestFailure(.internalError, error.phrase))
      attachment.ended(key)
      return left(track)
    }
    attachment.use(key, for: .egress(egress))
    egress.begin()
    if case .local(let local) = track.source { local.changed() }
  }
  private func refuse(_ attachment: Attachment, _ key: RequestKey, _ failure: RequestFailure) {
    counters.subscriptionsRefused &+= 1
    attachment.ended(key)
    attachment.session.reject(key, failure)
  }
  func refuseAll(_ track: CachedTrack, _ failure: RequestFailure) {
    for waiting in pending.removeValue(forKey: ObjectIdentifier(track)) ?? [] {
      refuse(waiting.attachment, waiting.key, failure)
    }
    track.ended(failure)
    left(track)
  }
  func stopWaiting(_ track: CachedTrack, _ attachment: Attachment, _ key: RequestKey) {
    pending[ObjectIdentifier(track)]?.removeAll { $0.attachment === attachment && $0.key == key }
    left(track)
  }
  func isAwaited(_ track: CachedTrack) -> Bool { !(pending[ObjectIdentifier(track)]?.isEmpty ?? true) }

  /// The track, where the application publishes it.
  private func writtenHere(_ name: TrackName) -> CachedTrack? {
    for route in routes.publishers(of: name, askedBy: nil) {
      if case .local(let broadcast) = route.source, let track = broadcast.find(name) { return track.track }
    }
    return nil
  }
  func localTrack(_ name: TrackName) -> CachedTrack {
    if let track = tracks[name], early.removeValue(forKey: ObjectIdentifier(track)) != nil { return track }
    // One that others publish keeps its readers; the application's takes its name.
    return makeTrack(name)
  }
  /// The publisher has answered: whoever waits is served.
  func ready(_ track: CachedTrack) {
    let waiting = pending.removeValue(forKey: ObjectIdentifier(track)) ?? []
    for one in waiting { serve(one, track) }
    if waiting.isEmpty { left(track) }
  }

  /// A reader has left. The last one takes the upstream subscription along, at once or after a while.
  func left(_ track: CachedTrack) {
    if case .local(let local) = track.source {
      local.changed()
      guard track.end != nil else { return }
    }
    guard !track.isUsed, !isAwaited(track) else { return }
    if !track.upstreams.isEmpty {
      guard !keepsOffers(track) else { return }
      if configuration.linger > .zero, track.end == nil {
        lingering[ObjectIdentifier(track)] = (track, now.advanced(by: configuration.linger))
        return
      }
    }
    close(track)
  }
  func close(_ track: CachedTrack) {
    lingering[ObjectIdentifier(track)] = nil
    early[ObjectIdentifier(track)] = nil
    for ingress in track.upstreams { ingress.cancel() }
    track.successor?.cancel()
    (track.source, track.successor) = (.none, nil)
    track.backfilled(success: false)
    if tracks[track.name] === track { tracks[track.name] = nil }
    track.drop()
  }

  // MARK: Sessions

  private var lastNumber: UInt64 = 0
  func takeNumber() -> UInt64 {
    lastNumber += 1
    return lastNumber
  }
  func attach(_ attachment: Attachment) { attachments[ObjectIdentifier(attachment.session)] = attachment }
  func detach(_ attachment: Attachment) { attachments[ObjectIdentifier(attachment.session)] = nil }

  /// A namespace has one more publisher.
  func announced(_ route: Route) {
    routes.insert(route)
    var anyLeaves = false
    for attachment in attachments.values {
      attachment.tell(of: route.namespace)
      if attachment.isLeaving { anyLeaves = true }
    }
    let joining: Attachment? =
      if case .session(let owner, _) = route.source, owner.abilities.isAskedWithOthers, !route.isOffer { owner } else {
        nil
      }
    guard anyLeaves || joining != nil else { return }
    for track in Array(tracks.values) where track.name.namespace.hasPrefix(route.namespace) {
      if let joining { join(track, joining) }
      if anyLeaves { moveOn(track) }
    }
  }
  func withdrawn(_ route: Route) {
    guard routes.remove(route) else { return }
    for attachment in attachments.values { attachment.tell(of: route.namespace) }
  }

  /// The counts of this moment.
  public var snapshot: RelaySnapshot {
    var look = RelaySnapshot()
    look.sessions = attachments.count
    look.tracks = tracks.count
    look.namespaces = routes.count
    look.subscriptions = tracks.values.reduce(0) { $0 + $1.subscribers.count }
    (look.cachedGroups, look.cachedBytes) = (cache.count, cache.bytes)
    look.counters = counters
    return look
  }
}

struct PendingSubscription {
  let attachment: Attachment
  let key: RequestKey
  let request: SubscribeRequest
}

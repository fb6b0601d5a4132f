import MoQKernel

/// A fetch that is served from the cache: one stream, group after group.
final class FetchEgress {
  weak var attachment: Attachment?
  private let session: SessionCore
  private let key: RequestKey
  private let track: CachedTrack
  private let start: Location
  /// Inclusive.
  private let end: Location
  private let isDescending: Bool
  /// The type of the extension header that says which groups there are not, where the dialect has it.
  private let gapExtension: UInt64?
  private var stream: StreamKey?
  private var cursor: Cursor?
  private(set) var isOver = false

  init(
    _ attachment: Attachment, key: RequestKey, track: CachedTrack, start: Location, end: Location, descending: Bool
  ) {
    (self.attachment, session, self.key, self.track) = (attachment, attachment.session, key, track)
    (self.start, self.end, isDescending) = (start, end, descending)
    gapExtension = attachment.abilities.gapExtension
    track.fetches[ObjectIdentifier(self)] = self
  }

  /// Whether the cache has any object from `start` through `end`.
  static func hasObjects(_ track: CachedTrack, _ start: Location, _ end: Location) -> Bool {
    var group = track.group(from: start.group)
    while let here = group, here.id <= end.group {
      for subgroup in here.subgroups {
        for run in subgroup.runs {
          let index = run.index(from: here.id == start.group ? start.object : 0)
          if index < run.readable, run.objects[index].info.location <= end { return true }
        }
      }
      group = here.id < .max ? track.group(from: here.id + 1) : nil
    }
    return false
  }

  func begin(priority: UInt8) throws(CommandError) {
    var answer = FetchAnswer(end: end)
    answer.groupOrder = isDescending ? .descending : .ascending
    answer.maximumCacheDuration = track.maximumCacheDuration
    if let last = track.endLocation, end >= last || (end.group == last.group && end.object &+ 1 >= last.object) {
      answer.endOfTrack = true
    }
    try session.accept(key, answer)
    let stream = try session.openFetch(key, SendPriority(subscriber: UInt16(priority) + 1))
    self.stream = stream
    attachment?.use(stream, for: .fetch(self))
    cursor = cursor(at: isDescending ? track.group(through: end.group) : track.group(from: start.group))
    pump()
  }
  private func cursor(at first: CachedGroup?) -> Cursor? {
    var group = first
    // The next group's objects say that it does not exist, so nothing of it may come.
    while gapExtension != nil, let here = group, track.isSkipped(here.id) { group = following(here.id) }
    guard let group, group.id >= start.group, group.id <= end.group else { return nil }
    let from = group.id == start.group ? start.object : 0
    return Cursor(.fetch(self), group: group, subgroup: nil, scope: .fetch, from: from)
  }
  private func following(_ id: UInt64) -> CachedGroup? {
    if isDescending { return id > 0 ? track.group(through: id - 1) : nil }
    return id < .max ? track.group(from: id + 1) : nil
  }

  func pump() {
    while !isOver, let stream {
      guard let cursor else { return finish() }
      guard session.room(on: stream) > 0 else { return cursor.block() }
      switch cursor.walk.step() {
      case .object(var info, let arrived, _):
        guard info.location <= end else { next(after: cursor); continue }
        guard !cursor.walk.isStale(arrived) else {
          track.origin.counters.objectsStale &+= 1
          return abort(.tooFarBehind)
        }
        if cursor.group.priorGap > 0, let subgroup = cursor.group.subgroup(info.subgroup) {
          info.say(gap: subgroup.gap(before: info.id), as: gapExtension)
        }
        if info.subgroup == CachedSubgroup.datagrams { info.subgroup = info.id }
        do {
          try session.write(info, on: stream)
        } catch {
          guard case .inexpressible = error.kind else { return abort(.internalError) }
          track.origin.counters.objectsInexpressible &+= 1
          cursor.walk.skip(to: info.id &+ 1)
          continue
        }
        if info.payloadLength == 0 { track.origin.counters.objectsOut &+= 1 }
      case .payload(let part):
        session.write(payload: part, on: stream)
        track.origin.counters.bytesOut &+= UInt64(part.count)
        if !cursor.walk.isInObject { track.origin.counters.objectsOut &+= 1 }
      case .wait:
        let group = cursor.group
        // Objects of earlier groups that are on their way belong to the past that was asked for; the
        // current group's next objects do not.
        let isPast = group.isSuperseded && group.openRuns > 0 && group.id < end.group
        guard !cursor.walk.isInObject, !track.awaits(group.id, from: cursor.walk.next), !isPast else {
          return cursor.wait()
        }
        next(after: cursor)
      case .finish, .incomplete, .pause:
        next(after: cursor)
      case .broken(let reason):
        return abort(reason)
      }
    }
  }
  private func next(after done: Cursor) {
    done.leave()
    cursor = nil
    let id = done.group.id
    if let gone = track.evictedThrough, gone >= (isDescending ? start.group : id.addingSaturating(1)), gone <= end.group
    {
      // What is left of the range is not all here any more.
      if !isDescending || gone < id { return abort(.tooFarBehind) }
    }
    cursor = cursor(at: following(id))
  }

  private func finish() {
    if let stream {
      session.finish(stream: stream)
      attachment?.forget(stream)
    }
    stream = nil
    leave()
  }
  /// Breaks the stream off: cancelled, or the cache could not keep what was promised.
  func abort(_ reason: StreamReason) {
    guard !isOver else { return }
    if let stream {
      session.reset(stream: stream, reason)
      attachment?.forget(stream)
    }
    stream = nil
    leave()
  }
  func evicted() {
    guard !isOver else { return }
    track.origin.counters.groupsSkipped &+= 1
    cursor = nil
    abort(.tooFarBehind)
  }
  private func leave() {
    guard !isOver else { return }
    isOver = true
    cursor?.leave()
    cursor = nil
    track.fetches[ObjectIdentifier(self)] = nil
    attachment?.fetchEnded(key)
    track.origin.left(track)
  }
}

/// A fetch that the cache does not cover, passed through from the publisher to the subscriber.
final class FetchPipe {
  private enum Item { case object(ObjectInfo), payload(Bytes, from: StreamKey) }
  /// The most objects and parts that wait for room; payload bytes are bounded by the publisher's credit.
  static var maximumItems: Int { 65_536 }

  private let downstream: Attachment
  private let key: RequestKey
  private let upstream: Attachment
  private var request: RequestKey?
  private let priority: UInt8
  private unowned let origin: Origin
  private var source: StreamKey?
  private var sink: StreamKey?
  private var items: [Item] = []
  private var head = 0
  /// Everything has come.
  private var isComplete = false
  private var hasAnswer = false
  private var isOver = false
  /// The track that keeps what comes, since it is read here too, and the range that was asked for.
  private var copy: (inflow: FetchInflow, track: CachedTrack, start: Location, end: Location)?

  init(from upstream: Attachment, to downstream: Attachment, key: RequestKey, priority: UInt8) {
    (self.upstream, self.downstream, self.key, self.priority) = (upstream, downstream, key, priority)
    origin = downstream.origin
  }
  /// Keeps what comes in the cache of a track that is read here, for the next who asks.
  func keeps(in track: CachedTrack, _ start: Location, through end: Location) {
    let inflow = FetchInflow(track, isPast: true, mustAgree: upstream.abilities.endsMalformedTracks)
    copy = (inflow, track, start, end)
    track.pipes[ObjectIdentifier(self)] = self
  }
  func begin(_ request: FetchRequest) throws(CommandError) {
    let key = try upstream.session.fetch(request)
    self.request = key
    upstream.use(key, for: .pipe(self))
    downstream.use(self.key, for: .pipe(self))
  }

  // MARK: From the publisher

  func answered(_ answer: FetchAnswer) {
    guard !isOver, !hasAnswer else { return }
    hasAnswer = true
    if let end = copy?.end { copy?.end = min(end, answer.end) }
    copy?.inflow.lifetime = answer.maximumCacheDuration
    do {
      try downstream.session.accept(key, answer)
      let stream = try downstream.session.openFetch(key, SendPriority(subscriber: UInt16(priority) + 1))
      sink = stream
      downstream.use(stream, for: .pipe(self))
    } catch {
      return abort(.internalError)
    }
    pump()
  }
  func began(_ stream: StreamKey) {
    // Where groups are fetched one by one, each has its own.
    source = stream
    upstream.use(stream, for: .pipe(self))
  }
  func object(_ info: ObjectInfo) {
    if let inflow = copy?.inflow { inflow.object(info) }
    append(.object(info))
  }
  func payload(_ part: Bytes) {
    if let inflow = copy?.inflow { inflow.payload(part) }
    if let source { append(.payload(part, from: source)) }
  }
  private func append(_ item: Item) {
    guard !isOver else { return }
    guard items.count - head < Self.maximumItems else { return abort(.internalError) }
    items.append(item)
    pump()
  }
  /// A stream has ended. The fetch has when its request does, since it may have more of them.
  func ended(reset: UInt64?) {
    if reset != nil { abort(.internalError) }
  }
  /// The request has ended: with everything, by a refusal, or with the publisher's session.
  func ended(_ failure: RequestFailure) {
    guard !isOver else { return }
    guard hasAnswer else {
      downstream.session.reject(key, failure)
      return leave()
    }
    guard failure.reason == .subscriptionEnded else { return abort(.internalError) }
    isComplete = true
    if let copy {
      copy.inflow.end()
      if copy.inflow.isWhole, copy.track.isLive { copy.track.fetched(copy.start, through: copy.end) }
    }
    pump()
  }

  // MARK: To the subscriber

  func pump() {
    guard !isOver, let sink else { return }
    while head < items.count {
      guard downstream.session.room(on: sink) > 0 else { return }
      switch items[head] {
      case .object(let info):
        do { try downstream.session.write(info, on: sink) } catch { return abort(.internalError) }
        origin.counters.objectsOut &+= 1
      case .payload(let part, let source):
        downstream.session.write(payload: part, on: sink)
        origin.counters.bytesOut &+= UInt64(part.count)
        upstream.session.consumed(part.count, on: source)
      }
      head += 1
      if head == items.count {
        items.removeAll(keepingCapacity: true)
        head = 0
      }
    }
    guard isComplete else { return }
    downstream.session.finish(stream: sink)
    leave()
  }
  /// Either side leaves, or cannot go on.
  func abort(
    _ reason: StreamReason, _ failure: RequestFailure = RequestFailure(.internalError, "the fetch upstream broke off")
  ) {
    guard !isOver else { return }
    if let sink {
      downstream.session.reset(stream: sink, reason)
    } else {
      downstream.session.reject(key, failure)
    }
    if !isComplete {
      if let source { upstream.session.stop(stream: source, .cancelled) }
      if let request { upstream.session.cancel(request) }
    }
    leave()
  }
  /// A session is gone.
  func leave(_ gone: Attachment) {
    guard !isOver else { return }
    if gone === upstream {
      if hasAnswer, let sink {
        downstream.session.reset(stream: sink, .internalError)
      } else {
        downstream.session.reject(key, RequestFailure(.internalError, "the publisher has left"))
      }
    } else {
      if let source { upstream.session.stop(stream: source, .cancelled) }
      if let request { upstream.session.cancel(request) }
    }
    leave()
  }
  private func leave() {
    isOver = true
    copy?.track.pipes[ObjectIdentifier(self)] = nil
    copy?.inflow.end()
    copy = nil
    if let sink { downstream.forget(sink) }
    if let source { upstream.forget(source) }
    if let request { upstream.ended(request) }
    downstream.fetchEnded(key)
    items = []
    head = 0
  }
}

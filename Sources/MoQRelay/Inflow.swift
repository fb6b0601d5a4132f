import MoQKernel

/// What one incoming stream (or a local writer) brings into a track: the objects of one subgroup.
final class Inflow {
  let track: CachedTrack
  private var info: SubgroupInfo
  private var run: Run?
  /// The current object was there already.
  private var discards = false
  private(set) var isOver = false
  /// A fetch of the past brings it.
  private let isPast: Bool
  /// How long its objects may be passed on from the cache; nil: for ever.
  private let lifetime: Duration?

  init(_ track: CachedTrack, _ info: SubgroupInfo, isPast: Bool = false, lifetime: Duration? = nil) {
    (self.track, self.info, self.isPast, self.lifetime) = (track, info, isPast, lifetime)
  }

  /// An object begins. False: nothing of this stream is wanted any more.
  func object(_ object: ObjectInfo) -> Bool {
    guard !isOver else { return false }
    let origin = track.origin
    if run == nil {
      info.subgroup = object.subgroup
      run = track.openRun(info, lifetime: lifetime)
    }
    guard let run, !run.isDropped, run.objects.count < Run.maximumObjects else {
      origin.counters.objectsTooLate &+= 1
      isOver = true
      return false
    }
    discards =
      !(run.objects.last.map { object.id > $0.info.id } ?? true)
      || (run.subgroup.runs.count > 1 && run.subgroup.contains(object.id, except: run))
    guard !discards else {
      origin.counters.duplicates &+= 1
      return true
    }
    run.append(object, at: origin.milliseconds)
    track.noted(object, group: run.subgroup.group, isPast: isPast)
    origin.counters.objectsIn &+= 1
    if object.payloadLength == 0 { track.touched(run.subgroup) }
    track.cache.trim()
    return true
  }
  /// The next part of the current object's payload.
  func payload(_ part: Bytes) {
    guard !isOver, !discards, let run, !run.isDropped, run.append(part) else { return }
    track.origin.counters.bytesIn &+= UInt64(part.count)
    track.ingested(part.count)
    track.touched(run.subgroup)
    track.cache.trim()
  }
  func end(_ how: Run.State) {
    guard !isOver else { return }
    isOver = true
    guard let run, !run.isDropped else { return }
    if case .finished = how, !run.isWhole { run.close(.reset(.internalError)) } else { run.close(how) }
    if info.endsGroup, case .finished = run.state, let last = run.objects.last, last.info.id < .max {
      run.subgroup.group.ends(at: last.info.id + 1)
    }
    track.touched(run.subgroup.group)
  }
}

/// What a fetch brings into a track: objects of several groups and subgroups on one stream.
final class FetchInflow {
  private let track: CachedTrack
  private var group: UInt64?
  private var inflows: [(subgroup: UInt64, inflow: Inflow)] = []
  private var current: Inflow?
  private let isPast: Bool
  /// Whether the cache took everything.
  private(set) var isWhole = true
  /// How long what it brings may be passed on from the cache; nil: for ever.
  var lifetime: Duration?

  /// `isPast`: it is not the joining fetch of the track's own subscription.
  init(_ track: CachedTrack, isPast: Bool = false) { (self.track, self.isPast) = (track, isPast) }

  func object(_ object: ObjectInfo) {
    if group != object.group {
      end()
      group = object.group
    }
    if let known = inflows.first(where: { $0.subgroup == object.subgroup }) {
      current = known.inflow
    } else {
      // Whether the subgroup has extension headers is not known yet, so it may.
      let info = SubgroupInfo(
        group: object.group, subgroup: object.subgroup, priority: object.priority, hasExtensions: true)
      let fresh = Inflow(track, info, isPast: isPast, lifetime: lifetime)
      inflows.append((object.subgroup, fresh))
      current = fresh
    }
    if let current, !current.object(object) { (self.current, isWhole) = (nil, false) }
  }
  func payload(_ part: Bytes) { current?.payload(part) }
  func end() {
    for (_, inflow) in inflows { inflow.end(.ended) }
    inflows = []
    current = nil
  }
}

/// What datagrams bring into a track: they are passed on at once, and kept while they come in order.
struct DatagramInflow {
  private var run: Run?
  private var group: UInt64 = 0
  /// How long they may be passed on from the cache; nil: for ever.
  var lifetime: Duration?

  mutating func datagram(_ found: ObjectInfo, _ payload: Bytes, track: CachedTrack) {
    var object = found
    object.payloadLength = UInt64(payload.count)
    let origin = track.origin
    guard !track.isSkipped(object.group) else { origin.counters.objectsTooLate &+= 1; return }
    let gap = track.skipsGroups && track.group(object.group) == nil ? track.skipped(before: object.group) : 0
    for egress in track.subscribers where egress.wants(datagram: object.location) {
      guard gap > 0 else { egress.send(datagram: object, payload); continue }
      // The first of a group says which groups there are not before it.
      var first = object
      first.say(gap: gap, as: egress.abilities.gapExtension)
      egress.send(datagram: first, payload)
    }
    object.subgroup = CachedSubgroup.datagrams
    if run == nil || group != object.group || run?.isDropped == true {
      group = object.group
      run = track.openRun(
        SubgroupInfo(
          group: group, subgroup: CachedSubgroup.datagrams, priority: object.priority, hasExtensions: true),
        lifetime: lifetime)
    }
    guard let run, !run.isDropped else { origin.counters.objectsTooLate &+= 1; return }
    origin.counters.objectsIn &+= 1
    origin.counters.bytesIn &+= UInt64(payload.count)
    if run.state == .open, run.objects.last.map({ object.id > $0.info.id }) ?? true,
      !run.subgroup.contains(object.id, except: run)
    {
      run.append(object, at: origin.milliseconds)
      if !payload.isEmpty { _ = run.append(payload) }
    } else {
      origin.counters.objectsOutOfOrder &+= 1
    }
    let cached = run.subgroup.group
    track.noted(found, group: cached)
    // A group that has been overtaken gets no more turn to be closed.
    if cached.isSuperseded { run.subgroup.closeDatagrams() }
    track.touched(run.subgroup)
    track.cache.trim()
  }
  mutating func end() {
    if let run, !run.isDropped { run.close(.ended) }
    run = nil
  }
}

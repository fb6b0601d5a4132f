import MoQKernel

/// What one incoming stream (or a local writer) brings into a track: the objects of one subgroup.
final class Inflow {
  let track: CachedTrack
  private var info: SubgroupInfo
  private var run: Run?
  /// The current object was there already.
  private var discards = false
  /// What the rest of its payload is compared with, where it has to be the same.
  private var twin: Twin?
  private(set) var isOver = false
  /// A fetch of the past brings it.
  private let isPast: Bool
  /// How long its objects may be passed on from the cache; nil: for ever.
  private let lifetime: Duration?
  /// What comes twice has to be the same: else the track is over.
  private let mustAgree: Bool
  private let isFetched: Bool

  init(
    _ track: CachedTrack, _ info: SubgroupInfo, isPast: Bool = false, lifetime: Duration? = nil,
    mustAgree: Bool = false, isFetched: Bool = false
  ) {
    (self.track, self.info, self.isPast, self.lifetime) = (track, info, isPast, lifetime)
    (self.mustAgree, self.isFetched) = (mustAgree, isFetched)
  }

  /// An object begins. False: nothing of this stream is wanted any more.
  func object(_ object: ObjectInfo) -> Bool {
    guard !isOver else { return false }
    let origin = track.origin
    if run == nil {
      info.subgroup = object.subgroup
      run = track.openRun(info, lifetime: lifetime, mustAgree: mustAgree, isFetched: isFetched)
    }
    guard let run, !run.isDropped, run.objects.count < Run.maximumObjects else {
      origin.counters.objectsTooLate &+= 1
      isOver = true
      return false
    }
    discards = !(run.objects.last.map { object.id > $0.info.id } ?? true)
    if !run.isAlone, let difference = compare(object, run) { return contradicted(object, difference) }
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
    guard !isOver, let run, !run.isDropped else { return }
    guard !discards else {
      if twin?.goesOn(with: part) == false, let object = current { _ = contradicted(object, "payload") }
      return
    }
    guard run.append(part) else { return }
    track.origin.counters.bytesIn &+= UInt64(part.count)
    track.ingested(part.count)
    track.touched(run.subgroup)
    if !run.isAlone, run.isWhole {
      compareWhole(run)
      if !run.isDropped { run.subgroup.relieve(run) }
    }
    track.cache.trim()
  }

  // MARK: What comes twice

  /// The object that is compared.
  private var current: ObjectInfo?
  /// Notes whether the object is here already. In what it contradicts what is here; nil: in nothing.
  private func compare(_ object: ObjectInfo, _ run: Run) -> String? {
    (twin, current) = (nil, nil)
    guard let copy = run.subgroup.copy(of: object.id, except: run) else {
      guard !discards else { return nil }
      // Another publisher's stream has ended the subgroup.
      if run.state != .open { discards = true } else { run.join() }
      return run.subgroup.group.hasElsewhere(object.id, than: run) ? "subgroup" : nil
    }
    discards = true
    run.skip(object.id)
    run.subgroup.relieve(run)
    guard mustAgree, copy.run.mustAgree else { return nil }
    let first = copy.run.objects[copy.index].info
    if object.status == .normal, first.status == .normal { (twin, current) = (Twin(copy.run, copy.index), object) }
    return object.contradiction(of: first)
  }
  /// Two streams brought the object at the same time, and this one has it whole now; so has the other, perhaps.
  private func compareWhole(_ run: Run) {
    let last = run.objects.count - 1
    guard mustAgree, last >= 0, let copy = run.subgroup.copy(of: run.objects[last].info.id, except: run),
      copy.run.mustAgree, let difference = run.contradiction(at: last, of: copy.run, at: copy.index)
    else { return }
    _ = contradicted(run.objects[last].info, difference)
  }
  private func contradicted(_ object: ObjectInfo, _ difference: String) -> Bool {
    isOver = true
    track.origin.malformed(track, object, difference)
    return false
  }

  func end(_ how: Run.State) {
    guard !isOver else { return }
    isOver = true
    guard let run, !run.isDropped else { return }
    guard case .finished = how, !run.isWhole else {
      run.close(how)
      if info.endsGroup, case .finished = how, let last = run.lastID {
        run.subgroup.group.ends(at: last.addingSaturating(1))
      }
      return track.touched(run.subgroup.group)
    }
    run.close(.reset(.internalError))
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

  private let mustAgree: Bool

  /// `isPast`: it is not the joining fetch of the track's own subscription.
  init(_ track: CachedTrack, isPast: Bool = false, mustAgree: Bool = false) {
    (self.track, self.isPast, self.mustAgree) = (track, isPast, mustAgree)
  }

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
      let fresh = Inflow(
        track, info, isPast: isPast, lifetime: lifetime, mustAgree: mustAgree, isFetched: true)
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
final class DatagramInflow {
  private var run: Run?
  private var group: UInt64 = 0
  /// How long they may be passed on from the cache; nil: for ever.
  var lifetime: Duration?
  /// What comes twice has to be the same: else the track is over.
  var mustAgree = false

  func datagram(_ found: ObjectInfo, _ payload: Bytes, track: CachedTrack) {
    var object = found
    object.payloadLength = UInt64(payload.count)
    let origin = track.origin
    guard !track.isSkipped(object.group) else { origin.counters.objectsTooLate &+= 1; return }
    // The first of a group says which groups there are not before it.
    let gap = track.skipsGroups && track.group(object.group) == nil ? track.skipped(before: object.group) : 0
    let sent = object
    object.subgroup = CachedSubgroup.datagrams
    if run == nil || group != object.group || run?.isDropped == true {
      group = object.group
      run = track.openRun(
        SubgroupInfo(
          group: group, subgroup: CachedSubgroup.datagrams, priority: object.priority, hasExtensions: true),
        lifetime: lifetime, mustAgree: mustAgree, isFetched: false)
    }
    if let run, !run.isDropped, isKnown(object, payload, run) { return }
    for egress in track.subscribers where egress.wants(datagram: object.location) {
      guard gap > 0 else { egress.send(datagram: sent, payload); continue }
      var first = sent
      first.say(gap: gap, as: egress.abilities.gapExtension)
      egress.send(datagram: first, payload)
    }
    guard let run, !run.isDropped else { origin.counters.objectsTooLate &+= 1; return }
    origin.counters.objectsIn &+= 1
    origin.counters.bytesIn &+= UInt64(payload.count)
    if run.state == .open, run.objects.last.map({ object.id > $0.info.id }) ?? true {
      run.append(object, at: origin.milliseconds)
      if !payload.isEmpty { _ = run.append(payload) }
    } else {
      run.subgroup.strayed(object.id)
      origin.counters.objectsOutOfOrder &+= 1
    }
    let cached = run.subgroup.group
    track.noted(found, group: cached)
    // A group that has been overtaken gets no more turn to be closed.
    if cached.isSuperseded { run.subgroup.closeDatagrams() }
    track.touched(run.subgroup)
    track.cache.trim()
  }
  /// Whether the object has been passed on already. Ends the track if it contradicts what was.
  private func isKnown(_ object: ObjectInfo, _ payload: Bytes, _ run: Run) -> Bool {
    let origin = run.subgroup.group.track.origin, track = run.subgroup.group.track
    guard let copy = run.subgroup.copy(of: object.id, except: nil) else {
      if run.subgroup.strays.contains(object.id) {
        origin.counters.duplicates &+= 1
        return true
      }
      guard !run.isAlone, run.subgroup.group.hasElsewhere(object.id, than: run) else { return false }
      origin.malformed(track, object, "forwarding preference")
      return true
    }
    origin.counters.duplicates &+= 1
    guard mustAgree, copy.run.mustAgree else { return true }
    let first = copy.run.objects[copy.index].info
    var twin = Twin(copy.run, copy.index)
    if let difference = object.contradiction(of: first) {
      origin.malformed(track, object, difference)
    } else if object.status == .normal, first.status == .normal, !twin.goesOn(with: payload) {
      origin.malformed(track, object, "payload")
    }
    return true
  }
  func end() {
    if let run, !run.isDropped { run.close(.ended) }
    run = nil
  }
}

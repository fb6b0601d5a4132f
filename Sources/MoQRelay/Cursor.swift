import MoQKernel

/// A subscriber's place in a subgroup (or group), and the stream that carries it. It holds no bytes:
/// what the stream has room for is taken from the cache.
final class Cursor {
  enum Place { case nowhere, waiting(Int), other(Int) }
  enum Reader { case live(Egress), fetch(FetchEgress) }
  enum State {
    /// Leads to: dormant, finished, closed.
    case active
    /// Its stream was reset upstream, or ended without being the end; another may go on. Leads to: active, closed.
    case dormant
    /// Everything is written; some of it may not have arrived. Leads to: closed.
    case finished
    case closed
  }

  let reader: Reader
  let group: CachedGroup
  /// nil: the whole group.
  let subgroup: CachedSubgroup?
  // Touched by every object, and by nobody else meanwhile: a walk reads the cache, which knows of no cursor's walk. So the
  // run-time check of exclusive access, which costs more than the access, is left out.
  @exclusivity(unchecked) var walk: Walk
  @exclusivity(unchecked) private(set) var state = State.active
  @exclusivity(unchecked) private(set) var stream: StreamKey?
  /// Where the cursor is in its `Watchers`.
  var place = Place.nowhere
  /// Where it is in its egress's list.
  var index = 0
  @exclusivity(unchecked) private var objects: UInt64 = 0
  /// Whether the stream has said that its end is the group's.
  private var hasSaidEnd = false
  @exclusivity(unchecked) private(set) var bytes = 0

  init(_ reader: Reader, group: CachedGroup, subgroup: CachedSubgroup?, scope: Walk.Scope, from id: UInt64) {
    (self.reader, self.group, self.subgroup) = (reader, group, subgroup)
    walk = Walk(group: group, scope: scope, from: id)
    watchers.insert(self)
  }

  private var watchers: Watchers { subgroup?.watchers ?? group.watchers }
  func wait() { watchers.wait(self) }
  func block() { watchers.block(self) }
  func leave() { watchers.remove(self) }

  func pump() {
    switch reader {
    case .live(let egress): write(for: egress)
    case .fetch(let fetch): fetch.pump()
    }
  }

  /// Writes what there is, as long as there is room.
  private func write(for egress: Egress) {
    let session = egress.session, origin = egress.origin
    while state == .active || state == .dormant {
      if let stream, session.room(on: stream) <= 0 { return block() }
      switch walk.step() {
      case .object(let info, let arrived, let continuity):
        guard begin(info, arrived, continuity, egress) else { return }
      case .payload(let part):
        guard let stream else { return close(egress) }
        let count = part.count
        session.write(payload: part, on: stream)
        bytes += count
        origin.counters.bytesOut &+= UInt64(count)
        if !walk.isInObject { origin.counters.objectsOut &+= 1 }
      case .wait:
        return wait()
      case .pause:
        if let stream { session.finish(stream: stream) }
        release(egress)
        return sleep(egress)
      case .finish:
        return finish(egress)
      case .broken(let reason):
        let hadStream = stream != nil
        broken(reason, egress)
        guard hadStream, state == .active else { return }
      case .incomplete(let headless):
        if headless { origin.counters.groupsWithoutHead &+= 1 } else { origin.counters.groupsCut &+= 1 }
        return reset(.cancelled, egress)
      }
    }
  }

  /// Writes an object's header. False: the cursor is done, or stays where it is.
  private func begin(
    _ info: consuming ObjectInfo, _ arrived: UInt32, _ continuity: Walk.Continuity, _ egress: Egress
  ) -> Bool {
    let id = info.id
    guard !egress.isPast(info.location) else { finish(egress); return false }
    if walk.isStale(arrived) { return leaveOut(id, egress) }
    if egress.hasTimeout, egress.isLate(group, arrived) {
      egress.origin.counters.deliveryTimeouts &+= 1
      reset(.deliveryTimeout, egress)
      return false
    }
    let abilities = egress.abilities
    if info.status != .normal, !abilities.statuses {
      egress.origin.counters.statusesDropped &+= 1
      return true
    }
    if !abilities.extensions, !info.extensions.isEmpty {
      egress.origin.counters.extensionsDropped &+= 1
      info.extensions = Bytes()
    }
    if !abilities.subgroups {
      if id != objects { egress.origin.counters.objectsRenumbered &+= 1 }
      if subgroup == nil, info.subgroup == CachedSubgroup.datagrams {
        egress.origin.counters.datagramsOnStreams &+= 1
      }
      (info.id, info.subgroup) = (objects, 0)
    } else if continuity == .afterLoss, let stream {
      // Objects between were lost: what follows must not look as if it came next.
      egress.session.reset(stream: stream, .cancelled)
      release(egress)
    }
    do throws(CommandError) {
      let stream = if let stream { stream } else { try open(&info, egress) }
      try egress.session.write(info, on: stream)
    } catch {
      guard case .inexpressible = error.kind else { close(egress); return false }
      egress.origin.counters.objectsInexpressible &+= 1
      walk.skip(to: id &+ 1)
      return true
    }
    objects &+= 1
    if info.status == .endOfGroup || info.status.endsTrack { hasSaidEnd = true }
    if info.payloadLength == 0 { egress.origin.counters.objectsOut &+= 1 }
    return true
  }

  /// An object may not be passed on any more. True: others of the group may.
  private func leaveOut(_ id: UInt64, _ egress: Egress) -> Bool {
    egress.origin.counters.objectsStale &+= 1
    guard egress.abilities.subgroups else {
      reset(.tooFarBehind, egress)
      return false
    }
    if let stream {
      // What follows must not look as if it came next.
      egress.session.reset(stream: stream, .tooFarBehind)
      release(egress)
    }
    walk.skip(to: id &+ 1)
    return true
  }

  private func open(_ first: inout ObjectInfo, _ egress: Egress) throws(CommandError) -> StreamKey {
    let info: SubgroupInfo
    if let subgroup {
      let saysGap = first.say(gap: subgroup.gap(before: first.id), as: egress.abilities.gapExtension)
      info = SubgroupInfo(
        group: group.id, subgroup: subgroup.id, priority: subgroup.priority,
        endsGroup: subgroup.endsGroup && !egress.endsWithin(group.id),
        hasExtensions: subgroup.hasExtensions || saysGap)
    } else {
      info = SubgroupInfo(group: group.id, priority: first.priority, endsGroup: true)
    }
    let stream = try egress.session.openSubgroup(egress.key, info, egress.priority(of: info))
    self.stream = stream
    hasSaidEnd = info.endsGroup
    if state == .dormant {
      state = .active
      egress.cursorWoke()
    }
    egress.attachment?.use(stream, for: .cursor(self))
    return stream
  }

  private func finish(_ egress: Egress) {
    if subgroup == nil { countMissed(egress) }
    guard let stream else {
      if subgroup == nil { egress.missed(group.id, .doesNotExist) }
      return close(egress)
    }
    if let subgroup, subgroup.endsGroup, !hasSaidEnd, egress.abilities.statuses, !egress.endsWithin(group.id) {
      // The stream was begun by what a fetch brought, which knew of no end.
      let end = ObjectInfo(group: group.id, subgroup: subgroup.id, id: walk.next, status: .endOfGroup)
      try? egress.session.write(end, on: stream)
    }
    egress.session.finish(stream: stream)
    state = .finished
    block()
    egress.cursorFinished(self)
  }
  /// Counts what came too late for its place among a group's frames.
  private func countMissed(_ egress: Egress) {
    guard group.subgroups.count > 1 || (group.subgroups.first?.runs.count ?? 0) > 1 else { return }
    var ids = Set<UInt64>()
    for subgroup in group.subgroups {
      for run in subgroup.runs {
        for object in run.objects.prefix(run.readable) {
          let info = object.info
          if info.status == .normal, info.id >= walk.start, !egress.isPast(info.location) { ids.insert(info.id) }
        }
      }
    }
    egress.origin.counters.objectsOutOfOrder &+= UInt64(max(0, ids.count - Int(clamping: objects)))
  }
  /// What follows was lost. The stream ends here; another of the subgroup may go on.
  private func broken(_ reason: StreamReason, _ egress: Egress) {
    if let stream {
      egress.session.reset(stream: stream, reason)
      release(egress)
      // It may have come before this one broke: look again.
      if subgroup != nil { return }
    } else if subgroup == nil {
      egress.missed(group.id, reason)
    }
    guard subgroup != nil, track.end == nil else {
      if subgroup == nil { egress.origin.counters.groupsCut &+= 1 }
      return close(egress)
    }
    sleep(egress)
  }
  /// Waits without a stream.
  private func sleep(_ egress: Egress) {
    wait()
    guard state == .active else { return }
    state = .dormant
    egress.cursorSlept()
  }
  private var track: CachedTrack { group.track }

  /// Gives the stream up and is done with the subgroup.
  func reset(_ reason: StreamReason, _ egress: Egress) {
    guard state != .closed else { return }
    if let stream {
      egress.session.reset(stream: stream, reason)
    } else {
      egress.missed(group.id, reason)
    }
    close(egress)
  }
  private func release(_ egress: Egress) {
    if let stream { egress.attachment?.forget(stream) }
    stream = nil
  }
  func close(_ egress: Egress) {
    guard state != .closed else { return }
    let before = state
    state = .closed
    release(egress)
    leave()
    egress.cursorClosed(self, was: before)
  }

  // MARK: What happens to it

  /// The subscriber has everything.
  func delivered() {
    guard case .live(let egress) = reader else { return }
    close(egress)
  }
  /// The subscriber wants no more of the stream.
  func stopped() {
    switch reader {
    case .live(let egress): reset(.cancelled, egress)
    case .fetch(let fetch): fetch.abort(.cancelled)
    }
  }
  /// The group is gone from the cache.
  func evicted() {
    switch reader {
    case .live(let egress):
      guard state != .closed else { return }
      if state != .dormant { egress.origin.counters.groupsSkipped &+= 1 }
      if let stream {
        egress.session.reset(stream: stream, .tooFarBehind)
      } else {
        egress.missed(group.id, .tooFarBehind)
      }
      let before = state
      state = .closed
      release(egress)
      egress.cursorClosed(self, was: before)
    case .fetch(let fetch): fetch.evicted()
    }
  }
  /// Its session is gone.
  func abandon() {
    guard case .live(let egress) = reader else { return }
    close(egress)
  }
  func isLate(_ egress: Egress) -> Bool {
    switch state {
    case .active: walk.arrival.map { egress.isLate(group, $0) } ?? false
    // Written, but still on its way.
    case .finished: egress.isLate(group, nil)
    case .dormant, .closed: false
    }
  }
  func prioritize(_ egress: Egress) {
    guard let stream, state == .active || state == .finished else { return }
    let info = SubgroupInfo(group: group.id, subgroup: subgroup?.id ?? 0, priority: subgroup?.priority ?? 128)
    egress.session.prioritize(stream: stream, egress.priority(of: info))
  }
}

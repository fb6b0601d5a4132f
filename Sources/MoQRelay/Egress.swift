import MoQKernel

/// A subscription that the origin serves: where it begins and ends, and a cursor for each stream.
final class Egress {
  weak var attachment: Attachment?
  let session: SessionCore
  let abilities: Abilities
  let key: RequestKey
  let track: CachedTrack
  unowned let origin: Origin
  /// Where it is in the track's list.
  var index = 0

  private(set) var start = Location(0, 0)
  private var endGroup: UInt64?
  private var endObject: UInt64?
  private var subscriberPriority: UInt8
  private var order: GroupOrder
  private var forward: Bool
  /// What counts of the subscriber's delivery timeout and of the publisher's, in milliseconds: since an object came, and
  /// since its group was whole.
  private var objectTimeout: UInt64?, groupTimeout: UInt64?
  var hasTimeout: Bool { objectTimeout != nil || groupTimeout != nil }
  /// What the subscriber was told; a joining fetch refers to it.
  let answered: Location?

  private var cursors: [Cursor] = []
  /// Streams that have not wholly arrived.
  private var streams = 0
  /// Those of them that are not finished.
  private var unfinished = 0
  private var outstandingBytes = 0
  /// The first subgroup, as {group, subgroup}, that is not begun for want of room; all later ones wait too.
  private var behind: Location?
  private(set) var isOver = false

  /// nil: nothing of what was asked for can ever come. `told`: the largest object that the subscriber has been
  /// told, where that was before; its subscription begins there.
  init?(
    _ attachment: Attachment, key: RequestKey, request: SubscribeRequest, track: CachedTrack,
    told: Location?? = .none
  ) {
    (self.attachment, session, abilities) = (attachment, attachment.session, attachment.abilities)
    (self.key, self.track, origin) = (key, track, track.origin)
    subscriberPriority = request.priority
    order = request.groupOrder == .publisher ? track.groupOrder : request.groupOrder
    forward = request.forward
    let largest = told ?? track.largest
    answered = largest
    (objectTimeout, groupTimeout) = Self.timeouts(
      request.deliveryTimeout, abilities.expiry, track.timeout(for: abilities.expiry))

    let current = largest?.group ?? 0
    let following = largest.map { Location($0.group, $0.object &+ 1) } ?? Location(0, 0)
    let pastStart = attachment.abilities.pastStart
    /// Where it begins if it is asked for from `location` through `end`; nil: that is refused.
    func first(_ location: Location, through end: Location) -> Location? {
      switch pastStart {
      case .refused: location.group < current || max(location, following) > end ? nil : location
      case .skipped: max(location, following) > end ? nil : max(location, following)
      case .owed: location.group > end.group ? nil : Location(location.group, 0)
      }
    }
    switch request.filter {
    case .currentGroup: start = Location(current, 0)
    case .currentGroupThrough(let end):
      guard end >= current else { return nil }
      (start, endGroup) = (Location(current, 0), end)
    case .nextGroup: start = Location(largest == nil ? 0 : current &+ 1, 0)
    case .nextObject: start = following
    case .from(let location):
      guard let first = first(location, through: Location(.max, .max)) else { return nil }
      start = first
    case .range(let location, let group, let object):
      guard let first = first(location, through: Location(group, object ?? .max)) else { return nil }
      (start, endGroup, endObject) = (first, group, object)
    }
  }

  /// Of two that are counted alike the smaller counts (§9.2.1.2 of draft-14, §6.7 of transfork-03).
  private static func timeouts(
    _ wanted: Duration?, _ expiry: Rules.Expiry, _ publishers: (milliseconds: UInt64, of: Rules.Expiry)?
  ) -> (object: UInt64?, group: UInt64?) {
    var timeouts: (object: UInt64?, group: UInt64?) = (nil, nil)
    func note(_ milliseconds: UInt64, _ kind: Rules.Expiry) {
      switch kind {
      case .objects: timeouts.object = min(timeouts.object ?? .max, milliseconds)
      case .groups: timeouts.group = min(timeouts.group ?? .max, milliseconds)
      }
    }
    if let wanted { note(Origin.milliseconds(wanted), expiry) }
    if let publishers { note(publishers.milliseconds, publishers.of) }
    return timeouts
  }
  /// Whether an object is, or (nil) a group that is written whole, later than the subscriber or the publisher wants.
  func isLate(_ group: CachedGroup, _ arrived: UInt32?) -> Bool {
    if let objectTimeout, let arrived, origin.age(of: arrived) > objectTimeout { return true }
    if let groupTimeout, let finished = group.finishedAt, origin.age(of: finished) > groupTimeout { return true }
    return false
  }

  /// Begins with what is cached already. Call once the subscriber has its answer.
  func begin() {
    track.insert(self)
    if hasTimeout { origin.hasTimeout(1) }
    if case .owed = abilities.pastStart, let first = track.firstGroup, first > start.group {
      missed(GroupGap(start.group...(first - 1), .tooFarBehind))
    }
    rejoin()
    endIfDone()
  }
  private func rejoin() {
    guard forward else { return }
    behind = Location(start.group, 0)
    catchUp()
  }

  // MARK: Range

  func isPast(_ location: Location) -> Bool {
    guard let endGroup else { return false }
    return location > Location(endGroup, endObject ?? .max)
  }
  /// Whether the subscription ends within a group, so that the end of its stream is not the group's.
  func endsWithin(_ group: UInt64) -> Bool { endGroup == group && endObject != nil }
  private func wants(_ subgroup: CachedSubgroup) -> Bool {
    let group = subgroup.group.id
    // The next group's objects say that it does not exist, so nothing of it may come.
    if abilities.gapExtension != nil, track.isSkipped(group) { return false }
    return forward && !isOver && group >= start.group && group <= endGroup ?? .max
      && !(subgroup.isDatagrams && abilities.datagrams && abilities.subgroups)
  }
  func wants(datagram location: Location) -> Bool { forward && !isOver && location >= start && !isPast(location) }

  func priority(of info: SubgroupInfo) -> SendPriority {
    SendPriority(
      subscriber: UInt16(subscriberPriority) + 1, publisher: UInt16(info.priority),
      group: order == .descending ? .max - info.group : info.group, subgroup: info.subgroup)
  }

  /// Sends an object as a datagram, if the session can.
  func send(datagram object: ObjectInfo, _ payload: Bytes) {
    guard abilities.datagrams else {
      if abilities.subgroups { origin.counters.datagramsDropped &+= 1 }
      return
    }
    let isSent = (try? session.send(datagram: object, payload: payload, for: key)) ?? false
    if isSent {
      origin.counters.objectsOut &+= 1
      origin.counters.bytesOut &+= UInt64(payload.count)
    } else {
      origin.counters.datagramsDropped &+= 1
    }
  }

  // MARK: Which groups will not come

  func missed(_ gap: GroupGap) {
    guard !isOver else { return }
    guard abilities.gaps else {
      if gap.reason != .doesNotExist || !objectsTellGaps { origin.counters.gapsDropped &+= 1 }
      return
    }
    session.tell(gap, of: key)
  }
  /// Whether the subscriber reads in the track's objects which groups there are not.
  private var objectsTellGaps: Bool {
    guard let type = abilities.gapExtension else { return false }
    switch track.source {
    case .none: return false
    case .local: return true
    case .upstream(let all): return all.allSatisfy { type == $0.attachment.abilities.gapExtension }
    }
  }
  /// A group was given up before it had a stream, whose reset would say it.
  func missed(_ group: UInt64, _ reason: StreamReason) {
    guard abilities.gaps else { return }
    missed(GroupGap(group...group, reason))
  }

  // MARK: Which streams

  private var hasRoom: Bool {
    streams < origin.configuration.maximumStreams && outstandingBytes < origin.configuration.maximumOutstandingBytes
  }

  /// A subgroup has begun. `isFirst`: its group has, too.
  func appeared(_ subgroup: CachedSubgroup, isFirst: Bool) {
    // The first group after the range may be the first sign that the range is over.
    if let endGroup, subgroup.group.id > endGroup { return endIfDone() }
    guard wants(subgroup), isFirst || abilities.subgroups else { return }
    let place = Location(subgroup.group.id, abilities.subgroups ? subgroup.id : 0)
    if let behind, place >= behind { return }
    if !hasRoom {
      if order == .descending, let oldest = cursors.min(by: { $0.group.id < $1.group.id }),
        oldest.group.id < place.group
      {
        origin.counters.groupsSkipped &+= 1
        oldest.reset(.tooFarBehind, self)
      } else if behind == nil {
        behind = place
        return
      } else if streams >= 2 * origin.configuration.maximumStreams {
        // A late subgroup of a group that has had its turn.
        origin.counters.groupsSkipped &+= 1
        return
      }
    }
    open(subgroup)
  }
  private func open(_ subgroup: CachedSubgroup) {
    let group = subgroup.group
    let first = group.id == start.group ? start.object : 0
    let cursor =
      abilities.subgroups
      ? Cursor(.live(self), group: group, subgroup: subgroup, scope: .subgroup(subgroup), from: first)
      : Cursor(.live(self), group: group, subgroup: nil, scope: .merged, from: first)
    cursor.index = cursors.count
    cursors.append(cursor)
    streams += 1
    unfinished += 1
    track.streamsOut += 1
    // Its bytes go out when the subgroup is flushed, which is soon: it has just changed, or is made to.
    track.touched(subgroup)
  }

  /// Begins what was left behind, oldest first, as far as there is room.
  private func catchUp() {
    while hasRoom, let place = behind, !isOver {
      guard let group = track.group(from: place.group) else { behind = nil; return }
      let from = group.id == place.group ? place.object : 0
      let subgroup = abilities.subgroups ? group.subgroup(from: from) : from == 0 ? group.subgroups.first : nil
      guard let subgroup else {
        guard group.id < .max else { behind = nil; return }
        behind = Location(group.id + 1, 0)
        continue
      }
      behind = Location(group.id, (abilities.subgroups ? subgroup.id : 0).addingSaturating(1))
      if wants(subgroup) { open(subgroup) }
    }
  }

  // MARK: What cursors tell

  func cursorSlept() {
    (streams, unfinished) = (streams - 1, unfinished - 1)
    track.streamsOut -= 1
    endIfDone()
  }
  func cursorWoke() {
    (streams, unfinished) = (streams + 1, unfinished + 1)
    track.streamsOut += 1
  }
  func cursorFinished(_ cursor: Cursor) {
    unfinished -= 1
    outstandingBytes += cursor.bytes
    endIfDone()
  }
  func cursorClosed(_ cursor: Cursor, was state: Cursor.State) {
    switch state {
    case .active: (streams, unfinished) = (streams - 1, unfinished - 1)
    case .finished: (streams, outstandingBytes) = (streams - 1, outstandingBytes - cursor.bytes)
    case .dormant, .closed: break
    }
    if state == .active || state == .finished { track.streamsOut -= 1 }
    let last = cursors.removeLast()
    if last !== cursor {
      cursors[cursor.index] = last
      last.index = cursor.index
    }
    guard !isOver else { return origin.left(track) }
    if behind != nil { catchUp() }
    endIfDone()
  }
  /// Whether something is cached that no stream has been opened for.
  var isBehind: Bool { behind != nil }
  /// Up to which of the track's bytes everything has been handed to the transport, more or less.
  var position: Int {
    var position = track.ingested
    for cursor in cursors where cursor.state == .active { position = min(position, cursor.group.offset + cursor.bytes) }
    if let behind, let group = track.group(from: behind.group) { position = min(position, group.offset) }
    return position
  }
  func evicted(_ group: UInt64) {
    guard let behind, group >= behind.group, forward else { return }
    origin.counters.groupsSkipped &+= 1
    missed(group, .tooFarBehind)
  }

  // MARK: Changes and ends

  func update(_ update: SubscriptionUpdate) {
    subscriberPriority = update.priority
    if let timeout = update.deliveryTimeout {
      let before = hasTimeout
      (objectTimeout, groupTimeout) = Self.timeouts(timeout, abilities.expiry, track.timeout(for: abilities.expiry))
      if before != hasTimeout { origin.hasTimeout(hasTimeout ? 1 : -1) }
    }
    if let order = update.groupOrder { self.order = order == .publisher ? track.groupOrder : order }
    if let start = update.start, start > self.start { self.start = start }
    if let group = update.endGroup {
      let end = Location(group, update.endObject ?? .max)
      if endGroup.map({ end < Location($0, endObject ?? .max) }) ?? true {
        (endGroup, endObject) = (group, update.endObject)
      }
    }
    for cursor in cursors {
      if cursor.group.id < start.group || cursor.group.id > endGroup ?? .max {
        cursor.reset(.cancelled, self)
      } else {
        cursor.prioritize(self)
      }
    }
    if forward, !update.forward {
      forward = false
      behind = nil
      resetAll(.cancelled)
    } else if !forward, update.forward {
      forward = true
      let following = track.largest.map { Location($0.group, $0.object &+ 1) } ?? Location(0, 0)
      start = max(start, following)
      rejoin()
    }
    endIfDone()
  }
  private func resetAll(_ reason: StreamReason) {
    let all = cursors
    for cursor in all { cursor.reset(reason, self) }
  }
  /// Ends what is slower than its delivery timeout.
  func expire() {
    guard hasTimeout else { return }
    let all = cursors
    for cursor in all {
      guard case .other = cursor.place, cursor.isLate(self) else { continue }
      origin.counters.deliveryTimeouts &+= 1
      cursor.reset(.deliveryTimeout, self)
    }
  }

  private func over() {
    isOver = true
    track.remove(self)
    if hasTimeout { origin.hasTimeout(-1) }
  }
  /// The subscriber leaves, or its session does.
  func cancel() {
    guard !isOver else { return }
    over()
    resetAll(.cancelled)
    origin.left(track)
  }
  /// The track is malformed: what is on its way is broken off, too.
  func breakOff(_ failure: RequestFailure) {
    guard !isOver else { return }
    over()
    resetAll(.malformedTrack)
    session.finish(key, failure)
    attachment?.ended(key)
  }
  /// Tells the subscriber that this is all, once it is.
  func endIfDone() {
    guard !isOver, unfinished == 0, behind == nil else { return }
    // Whoever is not told how many streams there were has all of them when it hears of the end.
    guard abilities.countsStreams || streams == 0 else { return }
    let failure: RequestFailure
    if let end = track.end {
      failure = end
    } else if let endGroup, let latest = track.latest, latest.id > endGroup,
      track.group(endGroup).map({ $0.openRuns == 0 }) ?? true
    {
      failure = RequestFailure(.subscriptionEnded, "the end of the range is reached")
    } else {
      return
    }
    over()
    let asleep = cursors.filter { if case .dormant = $0.state { true } else { false } }
    for cursor in asleep { cursor.close(self) }
    session.finish(key, failure)
    attachment?.ended(key)
    origin.left(track)
  }
}

extension UInt64 {
  func addingSaturating(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

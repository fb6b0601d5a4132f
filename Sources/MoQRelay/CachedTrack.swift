import MoQKernel

/// A track at its origin: the cached copy that publishers write once and every subscriber reads.
public final class CachedTrack {
  public let name: TrackName
  let cache: Cache
  unowned let origin: Origin
  private var groups = GroupQueue()

  /// The largest object there has been, if any.
  public private(set) var largest: Location?
  /// Everything there is from here on has come to this cache, and has not been evicted. nil: nothing is known.
  private(set) var coverage: Location?
  /// Groups up to this one were evicted; what still comes for them is not kept.
  private(set) var evictedThrough: UInt64?
  /// Whether any subgroup but 0 has been seen.
  private(set) var usesSubgroups = false
  /// Whether a group has been seen from beginning to end, so that `usesSubgroups` tells how the track is made.
  private(set) var hasShape = false
  /// Joining fetches are on their way: objects of these groups, through these, may still come.
  private(set) var backfills: [Location] = []
  /// Why the track is over, once it is; cursors write what is cached, then their subscriptions end.
  private(set) var end: RequestFailure?
  /// The first location after which there is nothing, where the publisher said so.
  private(set) var endLocation: Location?

  public internal(set) var priority: UInt8 = 128
  public internal(set) var groupOrder = GroupOrder.ascending

  /// After how many milliseconds its publisher holds objects or groups for late; nil: never.
  private var timeout: (milliseconds: UInt64, of: Rules.Expiry)?
  /// The same where the application is the publisher, who means either.
  var ownTimeout: Duration?
  func timeout(for expiry: Rules.Expiry) -> (milliseconds: UInt64, of: Rules.Expiry)? {
    ownTimeout.map { (Origin.milliseconds($0), expiry) } ?? timeout
  }
  /// How long objects that come now may be passed on from the cache, as its publisher says; nil: for ever.
  var maximumCacheDuration: Duration?
  /// Whether some of what is cached may be passed on for a time only.
  private(set) var isPerishable = false {
    didSet { if isPerishable != oldValue { origin.hasTimeout(isPerishable ? 1 : -1) } }
  }

  private(set) var subscribers: [Egress] = []
  /// Fetches that are being served from here, and that are passed through and kept.
  var fetches: [ObjectIdentifier: FetchEgress] = [:], pipes: [ObjectIdentifier: FetchPipe] = [:]
  /// Fetches that wait for the backfill.
  var waitingFetches: [() -> Void] = []
  var source: TrackSource = .none
  /// Publishers that have refused it, or left, since it was last answered for.
  var refusers: Set<UInt64> = []
  /// How one of several publishers has ended it, while others have not.
  var conclusion: RequestFailure?
  /// Another publisher that has been asked, since the one there is goes away.
  var successor: Ingress?
  /// Whether sessions have been offered it (PUBLISH).
  var isOffered = false

  init(name: TrackName, origin: Origin) {
    (self.name, self.origin, self.cache) = (name, origin, origin.cache)
  }

  // MARK: Groups

  var latest: CachedGroup? { groups.last }
  func group(_ id: UInt64) -> CachedGroup? { groups.find(id) }
  func group(from id: UInt64) -> CachedGroup? { groups.first(from: id) }
  func group(through id: UInt64) -> CachedGroup? { groups.last(through: id) }
  var groupCount: Int { groups.count }

  private func openGroup(_ id: UInt64) -> CachedGroup? {
    if let last = groups.last, last.id == id { return last }
    if let group = groups.find(id) { return group }
    if let evictedThrough, id <= evictedThrough { return nil }
    let group = CachedGroup(id: id, track: self)
    let before = groups.last
    groups.insert(group)
    cache.insert(group)
    if let before, before.id < id {
      hasShape = true
      before.supersede()
      touched(before)
      abandonCuts(before: id)
    } else if before != nil {
      group.supersede()
    }
    return group
  }
  /// The run that a stream's objects go to; nil: the group was evicted, or has too many.
  /// `lifetime`: how long they may be passed on; nil: for ever.
  func openRun(
    _ info: SubgroupInfo, lifetime: Duration?, mustAgree: Bool = false, isFetched: Bool = false
  ) -> Run? {
    isSkipped(info.group)
      ? nil : makeRun(info, lifetime: lifetime, mustAgree: mustAgree, isFetched: isFetched)
  }
  private func makeRun(
    _ info: SubgroupInfo, lifetime: Duration?, mustAgree: Bool = false, isFetched: Bool = false
  ) -> Run? {
    let maximumAge = lifetime.map(Origin.milliseconds)
    if maximumAge != nil { isPerishable = true }
    if info.subgroup != 0, info.subgroup != CachedSubgroup.datagrams { usesSubgroups = true }
    guard let group = openGroup(info.group) else { return nil }
    if let subgroup = group.subgroup(info.subgroup) {
      guard subgroup.runs.count < CachedSubgroup.maximumRuns else { return nil }
      if info.endsGroup { subgroup.endsGroup = true }
      return subgroup.openRun(maximumAge, mustAgree: mustAgree, isFetched: isFetched)
    }
    guard group.subgroups.count < CachedSubgroup.maximumCount else { return nil }
    let isFirst = group.subgroups.isEmpty
    let subgroup = CachedSubgroup(id: info.subgroup, group: group, info: info)
    group.insert(subgroup)
    let run = subgroup.openRun(maximumAge, mustAgree: mustAgree, isFetched: isFetched)
    for egress in subscribers { egress.appeared(subgroup, isFirst: isFirst) }
    return run
  }

  func removed(_ group: CachedGroup) {
    groups.remove(group.id)
    evictedThrough = max(evictedThrough ?? 0, group.id)
    if let from = coverage {
      let next = group.id.addingReportingOverflow(1)
      coverage = next.overflow ? nil : max(from, Location(next.partialValue, 0))
    }
    fetched.removeAll { $0.start.group <= group.id && $0.end.group >= group.id }
    for egress in subscribers { egress.evicted(group.id) }
  }

  // MARK: What is here whole

  /// Ranges that fetches have brought, apart from what `coverage` says.
  private var fetched: [(start: Location, end: Location)] = []
  /// The most such ranges that are remembered.
  private static var maximumRanges: Int { 64 }

  /// Whether all there is from `start` through `end` is in the cache.
  func covers(_ start: Location, through end: Location) -> Bool {
    if let coverage, coverage <= start { return true }
    return fetched.contains { $0.start <= start && $0.end >= end }
  }
  /// Whether any of that is too old to be passed on.
  func isStale(_ start: Location, through end: Location) -> Bool {
    guard isPerishable else { return false }
    var group = group(from: start.group)
    while let here = group, here.id <= end.group {
      let first = here.id == start.group ? start.object : 0
      for subgroup in here.subgroups { for run in subgroup.runs where run.isStale(from: first) { return true } }
      group = here.id < .max ? self.group(from: here.id + 1) : nil
    }
    return false
  }
  /// Lets groups go of which nothing may be passed on any more and which nobody is at.
  func dropStale() {
    var stale: [CachedGroup] = []
    groups.forEach { if $0.isStale { stale.append($0) } }
    for group in stale { group.evict() }
  }
  /// A fetch has brought all there is from `start` through `end`.
  func fetched(_ start: Location, through end: Location) {
    guard end >= start, evictedThrough.map({ start.group > $0 }) ?? true else { return }
    let next = end.object == .max ? Location(end.group.addingSaturating(1), 0) : Location(end.group, end.object + 1)
    if let head = headless, start <= Location(head.group, 0), next >= head {
      headless = nil
      if let group = group(head.group) { touched(group) }
    }
    if let from = coverage, from <= next {
      coverage = min(from, start)
    } else if fetched.count < Self.maximumRanges {
      fetched.append((start, end))
    }
  }

  // MARK: What arrives

  /// Notes an object's location. Call when its description has been appended. `isPast`: a fetch brought it, so it
  /// tells nothing of what is around it.
  func noted(_ info: ObjectInfo, group: CachedGroup, isPast: Bool = false) {
    switch info.status {
    case .normal:
      if largest.map({ info.location > $0 }) ?? true { largest = info.location }
      guard !isPast else { return }
      // Streams overtake each other: the first groups may come in any order.
      if let from = coverage {
        if info.id == 0, info.location < from, evictedThrough.map({ info.group > $0 }) ?? true {
          coverage = info.location
        }
      } else {
        coverage = info.location
      }
    case .doesNotExist, .endOfSubgroup: break
    case .endOfGroup: group.ends(at: info.id)
    case .endOfTrack, .endOfTrackAndGroup:
      group.ends(at: info.id)
      endLocation = info.location
    }
  }
  /// Groups will not come, or not whole, as the publisher says: whoever reads the track is told. Of a group that has
  /// begun its own stream tells.
  func missed(_ gap: GroupGap) {
    // What there is of them is not known, unless it is nothing.
    if gap.reason != .doesNotExist {
      if let from = coverage, gap.groups.upperBound >= from.group {
        let next = gap.groups.upperBound.addingReportingOverflow(1)
        coverage = next.overflow ? nil : Location(next.partialValue, 0)
      }
      fetched.removeAll { $0.start.group <= gap.groups.upperBound && $0.end.group >= gap.groups.lowerBound }
    }
    for egress in subscribers { egress.missed(gap) }
    var group = group(from: gap.groups.lowerBound)
    while let here = group, here.id <= gap.groups.upperBound {
      here.giveUp()
      group = here.id < .max ? self.group(from: here.id + 1) : nil
    }
  }

  // MARK: Groups that the application skips

  /// Groups that the application, whose track it is, has said not to exist.
  private var skipped = GroupRanges()
  var skipsGroups: Bool { !skipped.ranges.isEmpty }
  func isSkipped(_ group: UInt64) -> Bool { skipsGroups && skipped.contains(group...group) }
  /// How many groups right before it have been skipped.
  func skipped(before group: UInt64) -> UInt64 {
    guard skipsGroups, group > 0, let range = skipped.range(around: group - 1) else { return 0 }
    return group - range.lowerBound
  }
  /// The most groups that are said one by one not to exist.
  private static var maximumEmptyGroups: Int { 64 }
  /// Groups do not exist: all of them that nothing has come of.
  ///
  /// Some dialects have a word for it, some have the objects of the next group say it. For the others each is an end of
  /// group that is its first object, unless they are too many, or unless the next group has begun without saying it.
  func skip(_ groups: ClosedRange<UInt64>) {
    var next = max(groups.lowerBound, evictedThrough?.addingSaturating(1) ?? 0), missing: [ClosedRange<UInt64>] = []
    while next <= groups.upperBound {
      let here = group(from: next)?.id
      if here != next { missing.append(next...min(here.map { $0 - 1 } ?? .max, groups.upperBound)) }
      guard let here, here < groups.upperBound else { break }
      next = here + 1
    }
    for range in missing {
      if group(range.upperBound.addingSaturating(1)) == nil { skipped.insert(forgettingTheLowest: range) }
      if range.upperBound - range.lowerBound < UInt64(Self.maximumEmptyGroups) {
        for group in range { makeEmpty(group) }
      } else {
        missed(GroupGap(range, .doesNotExist))
      }
    }
    cache.trim()
  }
  private func makeEmpty(_ group: UInt64) {
    guard let run = makeRun(SubgroupInfo(group: group, priority: priority), lifetime: nil) else { return }
    let end = ObjectInfo(group: group, id: 0, priority: priority, status: .endOfGroup)
    run.append(end, at: origin.milliseconds)
    noted(end, group: run.subgroup.group)
    run.close(.finished)
    touched(run.subgroup.group)
  }

  /// Groups below it will not come to this cache, or not again; nil: nothing is known.
  var firstGroup: UInt64? {
    let begun = evictedThrough.map { $0.addingSaturating(1) }
    guard let known = coverage?.group else { return begun }
    return max(known, begun ?? 0)
  }

  /// A subgroup has changed: its cursors go on at the next flush.
  func touched(_ subgroup: CachedSubgroup) { origin.touched(subgroup) }
  func touched(_ group: CachedGroup) { for subgroup in group.subgroups { origin.touched(subgroup) } }

  /// How the objects of the group that is current when a subscription begins come here.
  enum Beginning {
    /// All of them, by the subscription itself.
    case whole
    /// Those that there were by a joining fetch.
    case backfill
    /// Only those that are new.
    case missing
  }
  /// The publisher's answer: what there was before this subscription.
  func began(_ answer: SubscribeAnswer, _ beginning: Beginning, _ expiry: Rules.Expiry = .objects) {
    timeout = answer.deliveryTimeout.map { (Origin.milliseconds($0), expiry) }
    maximumCacheDuration = answer.maximumCacheDuration
    (priority, groupOrder) = (answer.priority, answer.groupOrder == .publisher ? .ascending : answer.groupOrder)
    guard let past = answer.largest else { return }
    if largest.map({ past > $0 }) ?? true { largest = past }
    let next = Location(past.group, past.object &+ 1)
    switch beginning {
    case .whole: break
    case .backfill: backfills.append(past)
    case .missing: if group(past.group) == nil { headless = next }
    }
    if coverage == nil { coverage = beginning == .whole ? Location(past.group, 0) : next }
  }
  private var headless: Location?
  /// The beginning of a group that was current when we came, and that nobody brings.
  func headID(of group: UInt64) -> UInt64 { headless.map { $0.group == group ? $0.object : 0 } ?? 0 }

  /// Another publisher has answered, beside one whose objects come already. Of what both bound the smaller counts.
  func joined(_ answer: SubscribeAnswer, _ expiry: Rules.Expiry) {
    if let other = answer.deliveryTimeout.map(Origin.milliseconds), timeout.map({ other < $0.milliseconds }) ?? true {
      timeout = (other, expiry)
    }
    maximumCacheDuration = [maximumCacheDuration, answer.maximumCacheDuration].compactMap { $0 }.min()
  }
  /// What there was through `past` is on its way, by the joining fetch of one of several publishers.
  func awaits(_ past: Location) {
    backfills.append(past)
    let known = largest
    guard known.map({ past > $0 }) ?? true else { return }
    largest = past
    // Whether all between is on its way is not known.
    if past.group > known?.group ?? 0 || coverage == nil { coverage = Location(past.group, past.object &+ 1) }
  }
  /// The beginning that was to come through `past` has, or will not; nil: none will.
  func backfilled(_ past: Location? = nil, success: Bool) {
    guard !backfills.isEmpty else { return }
    let done = backfills.filter { $0 == past ?? $0 }
    if let past, let index = backfills.firstIndex(of: past) { backfills.remove(at: index) } else { backfills = [] }
    for past in done {
      if success {
        let head = Location(past.group, 0)
        coverage = coverage.map { min($0, head) } ?? head
      } else {
        headless = Location(past.group, past.object &+ 1)
      }
      if let group = group(past.group) { touched(group) }
    }
    let waiting = waitingFetches
    waitingFetches = []
    for go in waiting { go() }
  }
  /// Whether an object of `group` from `id` on may still come by a joining fetch.
  @inline(__always) func awaits(_ group: UInt64, from id: UInt64) -> Bool {
    guard !backfills.isEmpty else { return false }
    return backfills.contains { $0.group == group && id <= $0.object }
  }
  /// Everything from `location` on was published here.
  func covers(from location: Location) { coverage = location }

  /// The publisher left and nobody took over.
  func ended(_ failure: RequestFailure) {
    guard end == nil else { return }
    end = failure
    if isOffered { origin.offersEnded(self, failure) }
    backfilled(success: false)
    let all = groups
    all.forEach { group in
      for subgroup in group.subgroups {
        subgroup.abandon()
        subgroup.closeDatagrams()
      }
      touched(group)
    }
    for egress in subscribers { egress.endIfDone() }
  }
  /// Its objects contradict each other: nothing of it is sent any more.
  func malformed(_ failure: RequestFailure) {
    guard end == nil else { return }
    end = failure
    if isOffered { origin.offersEnded(self, failure) }
    backfilled(success: false)
    let (fetches, pipes, subscribers) = (fetches, pipes, subscribers)
    for fetch in fetches.values { fetch.abort(.malformedTrack) }
    for pipe in pipes.values { pipe.abort(.malformedTrack, failure) }
    for egress in subscribers { egress.breakOff(failure) }
  }
  private func abandonCuts(before id: UInt64) {
    guard cuts else { return }
    cuts = false
    let all = groups
    all.forEach { group in
      guard group.id < id, group.awaitsTakeover else { return }
      for subgroup in group.subgroups { subgroup.abandon() }
      touched(group)
    }
  }

  /// The publisher left, and another is asked: what it left open may be gone on with.
  func wasCut() { cuts = true }
  private var cuts = false

  // MARK: Who brings it

  /// The publishers that have been asked for it, or have offered it.
  var upstreams: [Ingress] {
    get { if case .upstream(let all) = source { all } else { [] } }
    set { source = newValue.isEmpty ? .none : .upstream(newValue) }
  }

  // MARK: Who reads

  /// Streams of subscriptions, those that are over included, that have not wholly arrived.
  var streamsOut = 0
  /// Payload bytes that ever came.
  private(set) var ingested = 0
  private var floor = 0

  var isUsed: Bool { !subscribers.isEmpty || !fetches.isEmpty || streamsOut > 0 }
  var isDrained: Bool { streamsOut == 0 && !subscribers.contains { $0.isBehind } }
  var isLive: Bool {
    guard end == nil else { return false }
    switch source {
    case .none: return false
    case .local: return true
    case .upstream(let all): return all.contains(where: \.isLive)
    }
  }
  func ingested(_ count: Int) { ingested &+= count }
  func isBehind(by bytes: Int) -> Bool {
    guard ingested &- floor > bytes else { return false }
    // A lower bound is kept, so that not every write asks every subscriber.
    floor = subscribers.reduce(ingested) { min($0, $1.position) }
    return ingested &- floor > bytes
  }
  func insert(_ egress: Egress) {
    egress.index = subscribers.count
    subscribers.append(egress)
  }
  func remove(_ egress: Egress) {
    guard egress.index < subscribers.count, subscribers[egress.index] === egress else { return }
    let last = subscribers.removeLast()
    if last !== egress {
      subscribers[egress.index] = last
      last.index = egress.index
    }
  }
  /// Nobody needs the track any more: everything cached goes.
  func drop() {
    let all = groups
    all.forEach { $0.evict() }
    isPerishable = false
  }
}

/// A track's groups, ascending; cheap at both ends.
struct GroupQueue {
  private var storage: [CachedGroup?] = []
  private var head = 0

  var count: Int { storage.count - head }
  var last: CachedGroup? { count > 0 ? storage[storage.count - 1] : nil }

  private func position(_ id: UInt64) -> Int {
    if let last, last.id < id { return storage.count }
    var low = head, high = storage.count
    while low < high {
      let middle = (low + high) / 2
      if let group = storage[middle], group.id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
  func first(from id: UInt64) -> CachedGroup? {
    let index = position(id)
    return index < storage.count ? storage[index] : nil
  }
  func last(through id: UInt64) -> CachedGroup? {
    if let group = find(id) { return group }
    let index = position(id) - 1
    return index >= head ? storage[index] : nil
  }
  func find(_ id: UInt64) -> CachedGroup? {
    guard let group = first(from: id), group.id == id else { return nil }
    return group
  }
  mutating func insert(_ group: CachedGroup) { storage.insert(group, at: position(group.id)) }
  mutating func remove(_ id: UInt64) {
    let index = position(id)
    guard index < storage.count, storage[index]?.id == id else { return }
    guard index == head else { storage.remove(at: index); return }
    storage[index] = nil
    head += 1
    guard head > 32, head * 2 > storage.count else { return }
    storage.removeFirst(head)
    head = 0
  }
  func forEach(_ body: (CachedGroup) -> Void) {
    for index in head..<max(head, storage.count) where index < storage.count {
      if let group = storage[index] { body(group) }
    }
  }
}

import MoQKernel

/// A group of a track: its subgroups, and what is known of its end.
public final class CachedGroup {
  /// What a group costs beside what is in it, in bytes: this object, its lists, its place in the track.
  static var overhead: Int { 512 }

  let id: UInt64
  unowned let track: CachedTrack
  /// Ascending by id; datagrams, if there are any, come last.
  private(set) var subgroups: [CachedSubgroup] = []
  /// One more than the last object's id, where that is known.
  private(set) var endID: UInt64?
  private(set) var isSuperseded = false
  private(set) var isEvicted = false
  /// The publisher has said that it will not come whole.
  private var isGivenUp = false
  private(set) var openRuns = 0
  /// Whether an object was lost on its way here and has not come by another.
  private(set) var hasLoss = false
  /// Cursors over the whole group.
  let watchers = Watchers()
  /// When its last stream so far ended: milliseconds of the origin's time, wrapping.
  private var closedAt: UInt32 = 0
  /// When it was whole; nil: it is not.
  var finishedAt: UInt32? { isComplete ? closedAt : nil }
  /// Whether it is over, nobody is at it, and nothing of it may be passed on any more.
  var isStale: Bool {
    isSuperseded && openRuns == 0 && watchers.isEmpty
      && subgroups.allSatisfy { $0.watchers.isEmpty && $0.runs.allSatisfy(\.isStale) }
  }

  // The cache's account.
  var bytes = 0
  /// The cache's count of bytes when it last grew, and whether it has been packed since.
  var chargedAt = 0 { didSet { isPacked = false } }
  private(set) var isPacked = false
  var rank = Cache.Rank.current
  unowned var older: CachedGroup?
  unowned var newer: CachedGroup?

  /// The track's count of payload bytes when the group began.
  let offset: Int
  /// How many groups right before it the application had said not to exist when it began.
  let priorGap: UInt64

  init(id: UInt64, track: CachedTrack) {
    (self.id, self.track, offset) = (id, track, track.ingested)
    priorGap = track.skipped(before: id)
  }

  var cache: Cache { track.cache }

  /// Whether nothing more is expected of this group.
  var isComplete: Bool {
    guard openRuns == 0, !awaitsTakeover else { return false }
    if isSuperseded || isGivenUp || track.end != nil { return true }
    guard let last = subgroups.last else { return false }
    if endID != nil { return true }
    return !track.usesSubgroups && subgroups.count == 1 && last.isFinished
  }
  /// Whether a publisher left in the middle of the group and another may go on with it.
  var awaitsTakeover: Bool { subgroups.contains { $0.awaitsTakeover } }

  func subgroup(_ id: UInt64) -> CachedSubgroup? {
    let index = position(id)
    return index < subgroups.count && subgroups[index].id == id ? subgroups[index] : nil
  }
  private func position(_ id: UInt64) -> Int {
    if let last = subgroups.last, last.id < id { return subgroups.count }
    var low = 0, high = subgroups.count
    while low < high {
      let middle = (low + high) / 2
      if subgroups[middle].id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
  /// The first subgroup whose id is at least `id`.
  func subgroup(from id: UInt64) -> CachedSubgroup? {
    let index = position(id)
    return index < subgroups.count ? subgroups[index] : nil
  }
  func insert(_ subgroup: CachedSubgroup) {
    subgroups.insert(subgroup, at: position(subgroup.id))
    cache.charge(CachedSubgroup.overhead, to: self)
    guard subgroups.count == 2 else { return }
    for other in subgroups {
      for run in other.runs {
        run.isAlone = false
        if run.tellsSubgroups { for object in run.objects { note(object.info.id) } }
      }
    }
  }

  /// Ids of what has come as its publisher sent it, once there are several subgroups.
  private var ids = ObjectIDs()
  /// Notes an object's id. False: an object of that id may be here.
  @discardableResult private func note(_ id: UInt64) -> Bool {
    let before = ids.size, isNew = ids.insert(id)
    if ids.size != before { cache.charge(ids.size - before, to: self) }
    return isNew
  }
  /// Whether an object that comes by `run` has come in another subgroup, or both by a stream and as a datagram.
  func hasElsewhere(_ id: UInt64, than run: Run) -> Bool {
    guard subgroups.count > 1, run.tellsSubgroups, !note(id) else { return false }
    return subgroups.contains { subgroup in
      subgroup !== run.subgroup && subgroup.runs.contains { $0.tellsSubgroups && $0.position(of: id) != nil }
    }
  }

  func runOpened() {
    openRuns += 1
    if rank == .settled { cache.move(self, to: .superseded) }
  }
  func runClosed(lost: Bool) {
    openRuns -= 1
    closedAt = track.origin.milliseconds
    if lost { hasLoss = true }
    settle()
  }
  func ends(at id: UInt64) {
    endID = max(endID ?? 0, id)
    settle()
  }
  /// A newer group of the track is there.
  func supersede() {
    guard !isSuperseded else { return }
    isSuperseded = true
    subgroups.last?.closeDatagrams()
    settle()
  }
  func giveUp() {
    isGivenUp = true
    track.touched(self)
  }
  private func settle() {
    guard !isEvicted, isSuperseded else { return }
    cache.move(self, to: openRuns == 0 ? .settled : .superseded)
  }

  /// Copies what is cached into memory that nobody shares.
  func pack() {
    guard !isPacked else { return }
    isPacked = true
    for subgroup in subgroups { for run in subgroup.runs { run.pack() } }
  }
  /// Lets everything go: the bytes, the account, the place in the track; streams that were at it are reset.
  func evict() {
    guard !isEvicted else { return }
    isEvicted = true
    cache.remove(self)
    track.removed(self)
    for subgroup in subgroups { subgroup.drop() }
    watchers.evicted()
    subgroups = []
  }
}

/// A subgroup: objects that were sent on one stream, in order. Usually one run; more when a stream broke
/// and another went on, or when a joining fetch brings the beginning.
public final class CachedSubgroup {
  static var overhead: Int { 384 }
  /// The most streams of one subgroup, and of subgroups in a group, that are kept: a reader looks at all of them.
  static var maximumRuns: Int { 64 }
  static var maximumCount: Int { 4_096 }
  /// The place of a group's datagram objects among its subgroups.
  static var datagrams: UInt64 { .max }

  let id: UInt64
  unowned let group: CachedGroup
  let priority: UInt8
  /// A fetch that brings the beginning of a subgroup does not say it; the subgroup's own stream does.
  var endsGroup: Bool
  let hasExtensions: Bool
  private(set) var runs: [Run] = []
  /// Whether its end is known and all before it has come or was lost: the stream ended with FIN.
  private(set) var isFinished = false
  /// One more than the last id of a stream that ended with FIN, where there was one.
  private(set) var end: UInt64?
  private(set) var lastReset = StreamReason.cancelled
  var isDirty = false
  let watchers = Watchers()

  init(id: UInt64, group: CachedGroup, info: SubgroupInfo) {
    (self.id, self.group, self.priority) = (id, group, info.priority)
    (self.endsGroup, self.hasExtensions) = (info.endsGroup, info.hasExtensions)
  }

  var isDatagrams: Bool { id == Self.datagrams }
  var awaitsTakeover: Bool { !isFinished && runs.contains { $0.state == .cut } }
  var isOpen: Bool { runs.contains { $0.state == .open } }

  func openRun(_ maximumAge: UInt64?, mustAgree: Bool, isFetched: Bool) -> Run {
    let run = Run(subgroup: self, maximumAge: maximumAge, mustAgree: mustAgree, isFetched: isFetched)
    runs.append(run)
    if runs.count > 1 || group.subgroups.count > 1 { for run in runs { run.isAlone = false } }
    group.cache.charge(Run.overhead, to: group)
    group.runOpened()
    return run
  }
  func closed(_ run: Run) {
    if run.state == .finished {
      isFinished = true
      if let last = run.lastID { end = max(end ?? 0, last.addingSaturating(1)) }
      for other in runs { relieve(other) }
    }
    if case .reset(let reason) = run.state { lastReset = reason }
    var lost = false
    if case .reset = run.state { lost = true }
    if run.state == .cut { lost = true }
    group.runClosed(lost: lost)
  }
  /// Closes a stream that can bring nothing more, since another publisher's has brought all that follows, FIN included.
  func relieve(_ run: Run) {
    guard isFinished, run.state == .open, run.isWhole, let last = run.lastID else { return }
    let next = last.addingSaturating(1)
    if runs.contains(where: { $0.state == .finished && $0.firstID.map { $0 <= next } ?? false }) { run.close(.ended) }
  }
  /// Nobody goes on with what a lost publisher left.
  func abandon() {
    for run in runs where run.state == .cut { run.abandon() }
    lastReset = .cancelled
  }
  /// Where an object is that another stream has brought whole. One that is still arriving may yet be torn.
  func copy(of id: UInt64, except: Run?) -> (run: Run, index: Int)? {
    for run in runs where run !== except {
      if let index = run.position(of: id), run.isWhole || index < run.objects.count - 1 { return (run, index) }
    }
    return nil
  }
  /// How many groups right before this one an object has to say there are not: 0, unless it is the subgroup's first.
  func gap(before id: UInt64) -> UInt64 {
    group.priorGap > 0 && runs.first?.objects.first?.info.id == id ? group.priorGap : 0
  }
  /// Ids of datagrams that were passed on and not kept, since they were overtaken.
  private(set) var strays: [UInt64] = []
  /// The most of them that are remembered.
  private static var maximumStrays: Int { 64 }
  func strayed(_ id: UInt64) { if strays.count < Self.maximumStrays { strays.append(id) } }
  func closeDatagrams() {
    guard isDatagrams else { return }
    for run in runs where run.state == .open { run.close(.ended) }
    group.track.touched(self)
  }
  private(set) var isDropped = false
  func drop() {
    isDropped = true
    for run in runs { run.drop() }
    watchers.evicted()
  }
}

/// Objects as one stream brought them: each one's description, and the parts of all payloads.
final class Run {
  static var overhead: Int { 192 }
  /// The most objects of one run; a stream that goes on is stopped.
  static var maximumObjects: Int { 1 << 24 }

  enum State: Hashable {
    /// More may come. Leads to all others.
    case open
    /// FIN: the subgroup ends here.
    case finished
    /// Nothing more comes by this way, but the subgroup may go on by another: a fetch, datagrams.
    case ended
    /// The publisher broke it off.
    case reset(StreamReason)
    /// The publisher is gone, and another may take over. Leads to: reset.
    case cut
  }

  unowned let subgroup: CachedSubgroup
  // Read for every object of every subscriber, and changed in single steps: see `Cursor`.
  @exclusivity(unchecked) private(set) var objects: [CachedObject] = []
  @exclusivity(unchecked) private(set) var parts: [Bytes] = []
  @exclusivity(unchecked) private(set) var state = State.open
  /// Bytes of the last object's payload that have come.
  @exclusivity(unchecked) private(set) var received: UInt64 = 0

  /// How many milliseconds after its coming an object may still begin to be passed on (MAX_CACHE_DURATION, §9.2.1.3 of
  /// draft-14); nil: for ever.
  private let maximumAge: UInt64?
  /// Whether the dialect that brings it wants what comes twice to be the same.
  let mustAgree: Bool
  /// Whether a fetch brings it: datagrams come so in subgroups of their own.
  private let isFetched: Bool
  var tellsSubgroups: Bool { mustAgree && !isFetched }
  /// Whether nothing else of its group has come: no object can be here already.
  var isAlone = true

  init(subgroup: CachedSubgroup, maximumAge: UInt64? = nil, mustAgree: Bool = false, isFetched: Bool = false) {
    (self.subgroup, self.maximumAge) = (subgroup, maximumAge)
    (self.mustAgree, self.isFetched) = (mustAgree, isFetched)
  }

  /// Whether an object that came then may not be passed on any more.
  @inline(__always) func isStale(_ arrived: UInt32) -> Bool {
    guard let maximumAge else { return false }
    return subgroup.group.track.origin.age(of: arrived) > maximumAge
  }
  /// Whether all of its objects are; where there is none, it keeps nothing.
  var isStale: Bool { objects.last.map { isStale($0.arrived) } ?? true }
  /// Whether any is whose id is at least `id`.
  func isStale(from id: UInt64) -> Bool {
    let index = index(from: id)
    return index < objects.count && isStale(objects[index].arrived)
  }

  /// Whether the last object, if there is one, is whole.
  var isWhole: Bool { objects.last.map { $0.info.payloadLength == received } ?? true }
  /// How many objects a reader may count on: in a closed run a torn last one is none.
  var readable: Int { state == .open || isWhole ? objects.count : objects.count - 1 }

  func append(_ info: ObjectInfo, at milliseconds: UInt32) {
    let before = objects.capacity
    objects.append(CachedObject(info: info, firstPart: Int32(truncatingIfNeeded: parts.count), arrived: milliseconds))
    received = 0
    let group = subgroup.group
    var cost = info.extensions.count
    if objects.capacity != before { cost += (objects.capacity - before) * MemoryLayout<CachedObject>.stride }
    if cost > 0 { group.cache.charge(cost, to: group) }
  }
  /// The next part of the last object's payload. False: more than was announced, and not kept.
  func append(_ part: Bytes) -> Bool {
    guard let length = objects.last?.info.payloadLength, UInt64(part.count) <= length &- received else { return false }
    received &+= UInt64(part.count)
    var cost = part.count
    let last = objects[objects.count - 1]
    if parts.count > last.firstPart, let joined = parts[parts.count - 1].joined(with: part) {
      parts[parts.count - 1] = joined
    } else {
      let before = parts.capacity
      parts.append(part)
      if parts.capacity != before { cost += (parts.capacity - before) * MemoryLayout<Bytes>.stride }
    }
    let group = subgroup.group
    group.cache.charge(cost, to: group)
    return true
  }
  /// The parts of an object's payload: those that have come.
  @inline(__always) func partEnd(of index: Int) -> Int {
    index + 1 < objects.count ? Int(objects[index + 1].firstPart) : parts.count
  }
  /// The index of the first object whose id is at least `id`.
  func index(from id: UInt64) -> Int {
    guard let last = objects.last, last.info.id >= id else { return objects.count }
    var low = 0, high = objects.count
    while low < high {
      let middle = (low + high) / 2
      if objects[middle].info.id < id { low = middle + 1 } else { high = middle }
    }
    return low
  }
  /// The index of an object; nil: it has not come.
  func position(of id: UInt64) -> Int? {
    let index = index(from: id)
    return index < objects.count && objects[index].info.id == id ? index : nil
  }

  // MARK: What others have brought

  /// The ids that its stream had and that were here whole by another: the first and the last of them.
  private var skipped: (first: UInt64, last: UInt64)?
  /// After which of them objects came that were kept: their indices, ascending.
  private var joints: [(index: Int, after: UInt64)] = []
  /// The first and the last id that its stream has had.
  var firstID: UInt64? {
    guard let skipped else { return objects.first?.info.id }
    return objects.first.map { min($0.info.id, skipped.first) } ?? skipped.first
  }
  var lastID: UInt64? {
    guard let skipped else { return objects.last?.info.id }
    return objects.last.map { max($0.info.id, skipped.last) } ?? skipped.last
  }
  /// Its stream has an object that is here whole by another.
  func skip(_ id: UInt64) { skipped = (skipped?.first ?? id, id) }
  /// An object comes that is kept.
  func join() {
    guard let skipped, objects.last.map({ skipped.last > $0.info.id }) ?? true else { return }
    joints.append((objects.count, skipped.last))
    subgroup.group.cache.charge(MemoryLayout<(Int, UInt64)>.stride, to: subgroup.group)
  }
  /// The id that its stream had right before the object at `index`; nil: that was the first.
  func predecessor(of index: Int) -> UInt64? {
    var low = 0, high = joints.count
    while low < high {
      let middle = (low + high) / 2
      if joints[middle].index < index { low = middle + 1 } else { high = middle }
    }
    if low < joints.count, joints[low].index == index { return joints[low].after }
    return index > 0 ? objects[index - 1].info.id : nil
  }

  func pack() {
    let size = parts.reduce(0) { $0 + $1.count } + objects.reduce(0) { $0 + $1.info.extensions.count }
    var writer = SlabWriter(capacity: max(size, 1))
    for index in parts.indices { parts[index] = parts[index].withUnsafeBytes { writer.write($0) } }
    for index in objects.indices where !objects[index].info.extensions.isEmpty {
      objects[index].info.extensions = objects[index].info.extensions.withUnsafeBytes { writer.write($0) }
    }
  }

  /// Whether its stream did not come to its end.
  var isBroken: Bool {
    if case .reset = state { return true }
    return state == .cut
  }
  func close(_ how: State) {
    guard state == .open else { return }
    state = how
    subgroup.closed(self)
  }
  func abandon() {
    if state == .cut { state = .reset(.cancelled) }
  }
  /// Its group was evicted: nothing more is kept, and the subgroup must not be asked.
  private(set) var isDropped = false
  func drop() {
    isDropped = true
    if state == .open { state = .reset(.tooFarBehind) }
    (objects, parts) = ([], [])
  }
}

struct CachedObject {
  var info: ObjectInfo
  var firstPart: Int32
  /// When its description came: milliseconds of the origin's time, wrapping.
  var arrived: UInt32
}

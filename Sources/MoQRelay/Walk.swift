import MoQKernel

/// A reader's place in a group, or in one subgroup of it: which object is next, and how much of it is read.
///
/// Pure: it reads the cache and says what is to be done; a `Cursor` does it.
struct Walk {
  enum Step {
    /// The next object begins; its payload follows, unless it has none.
    case object(ObjectInfo, arrived: UInt32, Continuity)
    case payload(Bytes)
    /// Nothing to read now; more may come.
    case wait
    /// A fetch brought the beginning, and its group has been overtaken: more may come, but need not.
    case pause
    /// All of it has been read.
    case finish
    /// What follows was lost; it may come yet by another way (the walk goes on), or not.
    case broken(StreamReason)
    /// The group's beginning is not known, or objects of it were lost, and the reader needs them all.
    case incomplete(headless: Bool)
  }
  /// How an object follows the one read before.
  enum Continuity {
    /// On the same stream, or nothing between them is missing.
    case following
    /// Objects between them were lost: they may not share a stream.
    case afterLoss
    /// Ids are missing, as far as anyone knows no objects.
    case afterGap
  }
  enum Scope {
    /// One subgroup, as its stream brought it.
    case subgroup(CachedSubgroup)
    /// All subgroups in order of object ids, nothing left out, for a reader without object ids.
    case merged
    /// All subgroups in order of object ids, whatever is there, for a fetch.
    case fetch
  }

  let group: CachedGroup
  let scope: Scope
  /// The smallest object id that is wanted.
  private(set) var next: UInt64
  private(set) var isInObject = false
  private var run: Run?
  private var object = 0
  private var part = 0
  private var offset = 0
  private var remaining: UInt64 = 0
  private var hasRead = false
  let start: UInt64

  init(group: CachedGroup, scope: Scope, from id: UInt64) {
    (self.group, self.scope, self.next, self.start) = (group, scope, id, id)
  }

  mutating func step() -> Step {
    if isInObject { return stepInObject() }
    // The usual case: one stream, one object after the other.
    if let run, case .subgroup(let subgroup) = scope, subgroup.runs.count == 1 {
      return object < run.readable ? begin(run, .following) : atEnd(subgroup)
    }
    return find()
  }

  private mutating func stepInObject() -> Step {
    guard let run, !run.isDropped else {
      skip(to: next)
      return .broken(.tooFarBehind)
    }
    while part < run.partEnd(of: object) {
      let whole = run.parts[part]
      if offset < whole.count {
        let rest = offset == 0 ? whole : whole.dropFirst(offset)
        offset = whole.count
        remaining &-= UInt64(rest.count)
        if remaining == 0 { ended() }
        return .payload(rest)
      }
      // A part may still grow while it is the last one.
      guard part + 1 < run.partEnd(of: object) else { break }
      part += 1
      offset = 0
    }
    if run.state == .open { return .wait }
    // Torn: this object has to come again, whole, by another run.
    rewind()
    if case .reset(let reason) = run.state { return .broken(reason) }
    return .broken(.cancelled)
  }
  private mutating func ended() {
    isInObject = false
    object += 1
  }

  private mutating func begin(_ run: Run, _ continuity: Continuity) -> Step {
    let found = run.objects[object]
    hasRead = true
    next = found.info.id &+ 1
    remaining = found.info.payloadLength
    isInObject = remaining > 0
    (part, offset) = (Int(found.firstPart), 0)
    if !isInObject { object += 1 }
    return .object(found.info, arrived: found.arrived, continuity)
  }

  /// Gives up the object that is being read, and those before `id`.
  mutating func skip(to id: UInt64) {
    next = max(next, id)
    (isInObject, run) = (false, nil)
  }
  /// Begins the object that is being read anew.
  mutating func rewind() {
    guard isInObject else { return }
    (isInObject, run) = (false, nil)
    next = next &- 1
  }

  /// Whether the object that was begun last, which came then, may not be passed on any more.
  func isStale(_ arrived: UInt32) -> Bool { run?.isStale(arrived) ?? false }
  /// When the object came that is being read or is next in the same run.
  var arrival: UInt32? {
    guard let run, object < run.objects.count else { return nil }
    return run.objects[object].arrived
  }

  // MARK: Several runs

  /// Finds the run with the next object, and whether its turn has come.
  private mutating func find() -> Step {
    var best: (run: Run, index: Int, id: UInt64)?
    var mayFill = false, lost = false, anyOpen = false
    var isMerged = true
    if case .subgroup = scope { isMerged = false }
    func look(at run: Run) {
      let isHere = run === self.run && object < run.objects.count && run.objects[object].info.id >= next
      let index = isHere ? object : run.index(from: next)
      if run.state == .open {
        anyOpen = true
        if index >= run.objects.count, run.lastID.map({ $0 < next }) ?? true { mayFill = true }
      } else if run.state == .cut, !run.subgroup.isFinished {
        mayFill = true
      } else if run.isBroken, index >= run.readable, !isMerged || !run.subgroup.isFinished {
        lost = true
      }
      guard index < run.readable else { return }
      let id = run.objects[index].info.id
      if best.map({ id < $0.id }) ?? true { best = (run, index, id) }
    }
    switch scope {
    case .subgroup(let subgroup): for run in subgroup.runs { look(at: run) }
    case .merged, .fetch: for subgroup in group.subgroups { for run in subgroup.runs { look(at: run) } }
    }

    guard let best else {
      if group.track.awaits(group.id, from: next) { return .wait }
      switch scope {
      case .subgroup(let subgroup): return atEnd(subgroup)
      case .merged:
        guard group.isComplete else { return .wait }
        return group.hasLoss && lost && group.endID.map({ next < $0 }) ?? true ? .incomplete(headless: false) : .finish
      case .fetch: return anyOpen ? .wait : .finish
      }
    }
    // Or its stream had it right after one that has been read, or is not wanted.
    let isNext = best.id == next || (!isMerged && best.run.predecessor(of: best.index).map { $0 < next } ?? false)
    if !isNext {
      if group.track.awaits(group.id, from: next) { return .wait }
      switch scope {
      case .subgroup:
        // An older stream of this subgroup may still bring what is before.
        if mayFill { return .wait }
      case .fetch: break
      case .merged:
        let head = group.track.headID(of: group.id)
        if next < head, best.id >= head { return .incomplete(headless: true) }
        // A missing id may be on a subgroup that has not come yet, in a track that has them or is not known.
        if group.track.usesSubgroups || !group.track.hasShape || mayFill {
          guard group.isComplete else { return .wait }
          if lost { return .incomplete(headless: false) }
        }
      }
    }
    let continuity: Continuity =
      best.id == next || !hasRead && next == start && !lost
      ? .following : (lost && run !== best.run && !isNext ? .afterLoss : .afterGap)
    (run, object) = (best.run, best.index)
    return begin(best.run, continuity)
  }

  private mutating func atEnd(_ subgroup: CachedSubgroup) -> Step {
    if let end = subgroup.end, next >= end { return .finish }
    if subgroup.isOpen || subgroup.awaitsTakeover { return .wait }
    if subgroup.isFinished { return .finish }
    if subgroup.isDatagrams { return .finish }
    // Ended by a fetch only: the subgroup's own stream may come, unless the group is over.
    guard subgroup.runs.contains(where: { if case .reset = $0.state { true } else { false } }) else {
      if group.track.end != nil { return .finish }
      return group.isComplete ? .pause : .wait
    }
    return .broken(subgroup.lastReset)
  }
}

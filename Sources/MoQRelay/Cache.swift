/// The one byte bound of everything an origin has cached.
///
/// Groups are on one of three lists, oldest first, and leave in this order: settled ones (complete, and
/// a newer group of their track is there), superseded ones (a newer group is there, but some stream of
/// theirs is still open), current ones. So a track that is written once and then silent, as a catalog
/// is, outlives the groups of busy tracks.
final class Cache {
  /// The most bytes, overheads included.
  let limit: Int
  private(set) var bytes = 0
  private(set) var count = 0
  private let lists = (GroupList(), GroupList(), GroupList())
  /// Bytes that ever came in, and how many had when idle groups were last packed.
  private(set) var total = 0
  private var packedAt = 0
  /// Told of each group that goes to keep the bound, while it is still whole.
  var onEvict: (CachedGroup) -> Void = { _ in }

  enum Rank: UInt8 { case settled, superseded, current }

  init(limit: Int) { self.limit = max(limit, 0) }

  /// Puts a new group on the list of current ones.
  func insert(_ group: CachedGroup) {
    count += 1
    group.rank = .current
    lists.2.append(group)
    charge(CachedGroup.overhead, to: group)
  }

  func move(_ group: CachedGroup, to rank: Rank) {
    guard !group.isEvicted, group.rank != rank else { return }
    unlink(group)
    group.rank = rank
    switch rank {
    case .settled: lists.0.append(group)
    case .superseded: lists.1.append(group)
    case .current: lists.2.append(group)
    }
  }

  func charge(_ amount: Int, to group: CachedGroup) {
    group.bytes += amount
    bytes += amount
    total &+= amount
    group.chargedAt = total
  }

  /// Takes a group out of the account; its memory is the caller's business.
  func remove(_ group: CachedGroup) {
    unlink(group)
    bytes -= group.bytes
    group.bytes = 0
    count -= 1
  }

  /// Lets groups go until the bound holds.
  func trim() {
    guard bytes > limit else { return }
    if total &- packedAt > limit / 4 { packIdle() }
    while bytes > limit, let oldest = lists.0.first ?? lists.1.first ?? lists.2.first {
      onEvict(oldest)
      if !oldest.isEvicted { oldest.evict() }
    }
  }

  /// Arriving bytes of many tracks share slabs. A group that stays behind when all others of its time have
  /// gone, a catalog's say, would keep whole slabs for a few bytes: it gets memory of its own.
  private func packIdle() {
    packedAt = total
    for list in [lists.1, lists.2] {
      var next = list.first
      while let group = next {
        next = group.newer
        if total &- group.chargedAt > limit / 4 { group.pack() }
      }
    }
  }

  private func unlink(_ group: CachedGroup) {
    switch group.rank {
    case .settled: lists.0.remove(group)
    case .superseded: lists.1.remove(group)
    case .current: lists.2.remove(group)
    }
  }
}

/// Groups in order of arrival, linked through themselves. Their tracks own them.
private final class GroupList {
  private(set) unowned var first: CachedGroup?
  private unowned var last: CachedGroup?

  func append(_ group: CachedGroup) {
    (group.older, group.newer) = (last, nil)
    if let last { last.newer = group } else { first = group }
    last = group
  }
  func remove(_ group: CachedGroup) {
    if let older = group.older { older.newer = group.newer } else { first = group.newer }
    if let newer = group.newer { newer.older = group.older } else { last = group.older }
    (group.older, group.newer) = (nil, nil)
  }
}

import MoQKernel

/// Parts of transfork, where a track is a path, and a subscription a range of groups.
extension WireWalk where Self: ~Copyable & ~Escapable {
  /// A track's path: the namespace's fields, and the name as the last part.
  mutating func trackPath(
    _ namespace: inout TrackNamespace, _ name: inout [UInt8], _ hand: TransforkHand
  ) throws(WireError) {
    if case .parts = hand.paths {
      return try parts("Track Path Parts", "Track Path Part", &namespace, last: &name, .trackPath)
    }
    let form: PathForm = if case .rooted = hand.paths { .rooted } else { .plain }
    try joined(&namespace, &name) { wire, path throws(WireError) in try wire.path("Track Path", &path, form) }
  }
  mutating func trackPriority(_ priority: inout UInt8, _ hand: TransforkHand) throws(WireError) {
    if hand.hasRawPriority {
      try higherFirstByte("Track Priority", &priority)
    } else {
      try higherFirst("Track Priority", &priority)
    }
  }
  mutating func announceStatus(_ status: inout Announce.Status) throws(WireError) {
    var number = status.rawValue
    try varint("Announce Status", &number)
    guard let known = Announce.Status(rawValue: number) else {
      throw .invalid("Announce Status", number, wanted: "0 to 2")
    }
    status = known
  }
  mutating func groupOrder(_ order: inout GroupOrder, _ hand: TransforkHand) throws(WireError) {
    try expressible("Group Order", !hand.hasDecidedOrder || order != .publisher)
    // The text has 0 for an order that is left open, then 1 and 2.
    let first: UInt64 = hand.hasDecidedOrder ? 1 : 0
    var number = max(UInt64(order.rawValue), first) - first
    try varint("Group Order", &number)
    guard number <= 2 - first, let known = GroupOrder(rawValue: UInt8(number + first)) else {
      throw .invalid("Group Order", number, wanted: hand.hasDecidedOrder ? "0 or 1" : "0 to 2")
    }
    order = known
  }
  /// How long a group is of use after its end, in milliseconds, 0 for ever: a delivery timeout, the one parameter
  /// for which there is a place.
  mutating func groupExpires(_ parameters: inout [Parameter], _ hand: TransforkHand) throws(WireError) {
    guard hand.hasExpires else { return try implied("Group Expires", &parameters, []) }
    var milliseconds: UInt64 = 0
    if !Self.fills, let only = parameters.first {
      guard parameters.count == 1, case (.deliveryTimeout, .number(let number)) = (only.key, only.value), number > 0
      else { throw .inexpressible("Parameters") }
      milliseconds = number
    }
    try varint("Group Expires", &milliseconds)
    if Self.fills { parameters = milliseconds == 0 ? [] : [Parameter(.deliveryTimeout, .number(milliseconds))] }
  }
  /// The first and the last group: plus one, and 0 for the latest and for no end.
  mutating func groups(_ filter: inout Filter) throws(WireError) {
    var (first, last): (UInt64?, UInt64?) = (nil, nil)
    switch filter {
    case .currentGroup: break
    case .currentGroupThrough(let end): last = end
    case .from(let start) where start.object == 0: first = start.group
    case .range(let start, let end, nil) where start.object == 0: (first, last) = (start.group, end)
    default: try expressible("Group Min", false)
    }
    try orOpen("Group Min", &first)
    try orOpen("Group Max", &last)
    switch (first, last) {
    case (nil, nil): filter = .currentGroup
    case (nil, let last?): filter = .currentGroupThrough(last)
    case (let first?, nil): filter = .from(Location(first, 0))
    case (let first?, let last?): filter = .range(Location(first, 0), endGroup: last, endObject: nil)
    }
  }
  /// The first and the last group of a gap.
  mutating func gapEnds(_ m: inout SubscribeGap) throws(WireError) {
    var (last, overflow) = m.firstGroup.addingReportingOverflow(m.more)
    guard !overflow else { throw .inexpressible("Max Gap Sequence") }
    try varint("Min Gap Sequence", &m.firstGroup)
    try varint("Max Gap Sequence", &last)
    guard last >= m.firstGroup else { throw .invalid("Max Gap Sequence", last, wanted: "no less than the first") }
    m.more = last - m.firstGroup
  }
  /// The latest group. 0 is read as none: group 0 and no group look the same.
  mutating func latestGroup(_ largest: inout Location?) throws(WireError) {
    try expressible("Group Latest", largest.map { $0.object == 0 && $0.group > 0 } ?? true)
    var group = largest?.group ?? 0
    try varint("Group Latest", &group)
    largest = group == 0 ? nil : Location(group, 0)
  }
}

extension NamespaceForm {
  /// A prefix or a suffix of a path (§6.5, §6.6 of transfork-03).
  static let path = Self(fewest: 0, maximumBytes: WireLimits.transforkPath)
  /// A track's path (§6.7 of transfork-03).
  static let trackPath = Self(fewest: 1, maximumBytes: WireLimits.transforkPath)
}

/// A fetch of one group, from one of its frames to its end: all that transfork's FETCH can say.
struct GroupFetch {
  var namespace = TrackNamespace(), name: [UInt8] = [], start = Location(0, 0)
  /// Whether it is such a fetch, and nothing is lost.
  private(set) var isWhole = false

  init(_ m: Fetch) {
    guard case .standalone(let namespace, let name, let start, let endGroup, nil) = m.range else { return }
    (self.namespace, self.name, self.start) = (namespace, name, start)
    isWhole = endGroup == start.group
  }
  /// Puts the message together again.
  func close(_ m: inout Fetch, _ wire: inout some Wire) throws(WireError) {
    try wire.implied("Group Order", &m.groupOrder, .publisher)
    try wire.implied("Parameters", &m.parameters, [])
    m.range = .standalone(namespace, name: name, start: start, endGroup: start.group, endObject: nil)
  }
}

import MoQKernel

/// Parts of transfork, where a track is a path, and a subscription a range of groups.
extension WireWalk where Self: ~Copyable & ~Escapable {
  /// A track's path: the namespace's fields, and the name as the last part.
  mutating func trackPath(_ namespace: inout TrackNamespace, _ name: inout [UInt8]) throws(WireError) {
    try wholePath(&namespace, &name) { path, wire throws(WireError) in
      try wire.parts("Track Path Parts", "Track Path Part", &path, .trackPath)
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
  mutating func order(_ name: StaticString, _ order: inout GroupOrder) throws(WireError) {
    var number = UInt64(order.rawValue)
    try varint(name, &number)
    guard let known = UInt8(exactly: number).flatMap(GroupOrder.init(rawValue:)) else {
      throw .invalid(.init(name), number, wanted: "0 to 2")
    }
    order = known
  }
  /// How long a group is of use after its end, in milliseconds, 0 for ever: a delivery timeout, the one parameter
  /// for which there is a place.
  mutating func groupExpires(_ parameters: inout [Parameter]) throws(WireError) {
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
  /// An order that is ascending or descending, as 0 and 1.
  mutating func decidedOrder(_ name: StaticString, _ order: inout GroupOrder) throws(WireError) {
    try expressible(name, order != .publisher)
    var number: UInt64 = order == .descending ? 1 : 0
    try varint(name, &number)
    guard number <= 1 else { throw .invalid(.init(name), number, wanted: "0 or 1") }
    order = number == 1 ? .descending : .ascending
  }
  /// SUBSCRIBE_UPDATE: what is new; 0 where a range stays as it was.
  mutating func groupUpdate(
    _ m: inout SubscribeUpdate, expires: Bool = true,
    _ order: (inout GroupOrder, inout Self) throws(WireError) -> Void
  ) throws(WireError) {
    try implied("Request ID", &m.id, 0)
    try implied("Subscription Request ID", &m.subscription, 0)
    try implied("Forward", &m.forward, true)
    try implied("End Object", &m.endObject, nil)
    try expressible("Group Order", m.groupOrder != nil)
    try expressible("Group Min", m.start?.object ?? 0 == 0)
    var (chosen, first) = (m.groupOrder ?? .publisher, m.start?.group)
    try higherFirst("Track Priority", &m.priority)
    try order(&chosen, &self)
    if expires { try groupExpires(&m.parameters) } else { try implied("Group Expires", &m.parameters, []) }
    try orOpen("Group Min", &first)
    try orOpen("Group Max", &m.endGroup)
    (m.groupOrder, m.start) = (chosen, first.map { Location($0, 0) })
  }
  /// A track's path as one string: its parts between slashes.
  mutating func trackPathString(_ namespace: inout TrackNamespace, _ name: inout [UInt8]) throws(WireError) {
    try self.wholePath(&namespace, &name) { path, wire throws(WireError) in try wire.path("Track Path", &path) }
  }
  /// The same, beginning with a slash.
  mutating func rootedTrackPath(_ namespace: inout TrackNamespace, _ name: inout [UInt8]) throws(WireError) {
    try self.wholePath(&namespace, &name) { path, wire throws(WireError) in try wire.path("Track Path", &path, .rooted)
    }
  }
  private mutating func wholePath(
    _ namespace: inout TrackNamespace, _ name: inout [UInt8],
    _ walk: (inout TrackNamespace, inout Self) throws(WireError) -> Void
  ) throws(WireError) {
    var path = namespace
    if !Self.fills { path.append(name) }
    try walk(&path, &self)
    guard let last = path.removeLast() else { throw .invalid("Track Path", 0, wanted: "a part at least") }
    (namespace, name) = (path, last)
  }
  /// The latest group. 0 is read as none: group 0 and no group look the same.
  mutating func latestGroup(_ largest: inout Location?) throws(WireError) {
    try expressible("Group Latest", largest.map { $0.object == 0 && $0.group > 0 } ?? true)
    var group = largest?.group ?? 0
    try varint("Group Latest", &group)
    largest = group == 0 ? nil : Location(group, 0)
  }
  /// What INFO has no words for.
  mutating func onlyInfo(_ m: inout SubscribeOK) throws(WireError) {
    try implied("Request ID", &m.id, 0)
    try implied("Track Alias", &m.trackAlias, 0)
    try implied("Expires", &m.expiresMilliseconds, 0)
  }
  mutating func onlyInfo(_ m: inout TrackStatusOK) throws(WireError) {
    try implied("Status Code", &m.status, 0)
    try implied("Track Namespace", &m.namespace, TrackNamespace())
    try implied("Track Name", &m.name, [])
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

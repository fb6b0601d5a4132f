import MoQKernel

/// What a draft's filters can say.
struct Filters {
  /// What filter 0x1 means, where it means anything.
  var one: Filter?
  /// Whether an absolute range names its last object as well as its last group.
  var endObject = false
  /// What the draft calls a start that is one Location; nil: it is two loose numbers.
  var start: StaticString?
  /// What the draft calls the last group.
  var end: StaticString = "EndGroup"

  static var draft07: Filters { Filters(one: .currentGroup, endObject: true) }
  /// A range ends with a group.
  static var draft08: Filters { Filters(one: .currentGroup) }
  /// Filter 0x1 is gone.
  static var draft09: Filters { Filters(one: nil) }
  /// Since 11, filter 0x1 is Next Group Start.
  static var draft11: Filters { Filters(one: .nextGroup, start: "Start Location", end: "End Group") }
  /// The same, as PUBLISH_OK prints it in 12 and 13.
  static var publish12: Filters { Filters(one: .nextGroup, start: "Start", end: "EndGroup") }
}

extension WireWalk where Self: ~Copyable & ~Escapable {
  mutating func filter(_ value: inout Filter, _ filters: Filters) throws(WireError) {
    var (type, start, endGroup, endObject) = (UInt64(2), Location(0, 0), UInt64(0), UInt64(0))
    switch value {
    case .nextObject: type = 2
    case .from(let from): (type, start) = (3, from)
    case .range(let from, let group, let object):
      // "+ 1", and 0 for the whole group, wherever an end names an object.
      guard object != .max else { throw .inexpressible("EndObject") }
      (type, start, endGroup, endObject) = (4, from, group, object.map { $0 &+ 1 } ?? 0)
      try expressible("EndObject", object == nil || filters.endObject)
    case .currentGroupThrough: throw .inexpressible("Filter Type")
    case .currentGroup, .nextGroup:
      type = 1
      try expressible("Filter Type", filters.one == value)
    }
    try varint("Filter Type", &type)
    guard (2...4).contains(type) || type == 1 && filters.one != nil else {
      throw .invalid("Filter Type", type, wanted: filters.one == nil ? "2 to 4" : "1 to 4")
    }
    if includes(type == 3 || type == 4) {
      if let name = filters.start {
        try location(name, &start)
      } else {
        try varint("StartGroup", &start.group)
        try varint("StartObject", &start.object)
      }
    }
    if includes(type == 4) {
      try varint(filters.end, &endGroup)
      if filters.endObject { try varint("EndObject", &endObject) }
    }
    switch type {
    case 1: value = filters.one ?? value
    case 3: value = .from(start)
    case 4: value = .range(start, endGroup: endGroup, endObject: endObject == 0 ? nil : endObject &- 1)
    default: value = .nextObject
    }
  }
}

import MoQKernel

/// A fetch's range laid flat, as the drafts do: a type, and the fields of every type.
///
/// A walk over an enum takes it apart into locals, walks those, and puts it together again. So every
/// branch can be entered, whatever the value is, and a case is never half built.
struct FetchFields {
  var type: UInt64 = 1
  var namespace = TrackNamespace()
  var name: [UInt8] = []
  var start = Location(0, 0), end = Location(0, 0)
  var joiningID: UInt64 = 0, joiningStart: UInt64 = 0

  init(_ range: Fetch.Range) throws(WireError) {
    switch range {
    case .standalone(let namespace, let name, let start, let endGroup, let endObject):
      (self.namespace, self.name, self.start) = (namespace, name, start)
      guard endObject != .max else { throw .inexpressible("End Location") }
      end = Location(endGroup, endObject.map { $0 &+ 1 } ?? 0)
    case .relative(let id, let groups): (type, joiningID, joiningStart) = (2, id, groups)
    case .absolute(let id, let group): (type, joiningID, joiningStart) = (3, id, group)
    }
  }

  var isStandalone: Bool { type == 1 }
  var isJoining: Bool { type == 2 || type == 3 }

  /// The range, of a type that the layout has checked.
  var range: Fetch.Range {
    switch type {
    case 2: .relative(subscription: joiningID, groupsBefore: joiningStart)
    case 3: .absolute(subscription: joiningID, group: joiningStart)
    default:
      .standalone(
        namespace, name: name, start: start, endGroup: end.group, endObject: end.object == 0 ? nil : end.object &- 1)
    }
  }
}

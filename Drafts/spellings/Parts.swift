import MoQKernel

/// Parts of messages that several drafts share.
extension WireWalk where Self: ~Copyable & ~Escapable {
  /// A truth value, and a location only where it is true.
  mutating func largest(_ exists: StaticString, _ name: StaticString, _ value: inout Location?) throws(WireError) {
    var (there, location) = (value != nil, value ?? Location(0, 0))
    try flag(exists, &there)
    if includes(there) { try self.location(name, &location) }
    value = there ? location : nil
  }
  /// A location that must be said.
  mutating func location(_ name: StaticString, _ value: inout Location?) throws(WireError) {
    try expressible(name, value != nil)
    var location = value ?? Location(0, 0)
    try self.location(name, &location)
    value = location
  }
  /// The same, as two loose numbers.
  mutating func location(
    _ group: StaticString, _ object: StaticString, _ value: inout Location?
  ) throws(WireError) {
    try expressible(group, value != nil)
    var location = value ?? Location(0, 0)
    try varint(group, &location.group)
    try varint(object, &location.object)
    value = location
  }
  /// A number plus one; 0 stands for none.
  mutating func orOpen(_ name: StaticString, _ value: inout UInt64?) throws(WireError) {
    guard value != .max else { throw .inexpressible(.init(name)) }
    var number = value.map { $0 &+ 1 } ?? 0
    try varint(name, &number)
    value = number == 0 ? nil : number &- 1
  }
  /// A group order that is decided: 1 or 2. 0 would leave it to somebody else.
  mutating func chosenOrder(_ order: inout GroupOrder) throws(WireError) {
    try code("Group Order", &order, wanted: "1 or 2")
    guard order != .publisher else { throw .invalid("Group Order", 0, wanted: "1 or 2") }
  }
  /// What a track's state has no words for where it is written as the answer to a subscription is.
  mutating func onlyAnswer(_ m: inout TrackStatusOK) throws(WireError) {
    try implied("Status Code", &m.status, 0)
    try implied("Track Namespace", &m.namespace, TrackNamespace())
    try implied("Track Name", &m.name, [])
  }
  /// A request id and nothing else, since 11.
  mutating func requestID(_ m: inout RequestReference) throws(WireError) {
    try varint("Request ID", &m.id)
    try implied("Track Namespace", &m.namespace, TrackNamespace())
  }
  /// A refusal as 12 to 14 write all of them.
  mutating func requestError(_ m: inout RequestError) throws(WireError) {
    try varint("Request ID", &m.id)
    try varint("Error Code", &m.code)
    try reason("Error Reason", &m.reason)
    try implied("Track Namespace", &m.namespace, TrackNamespace())
    try implied("Track Alias", &m.trackAlias, 0)
  }
}

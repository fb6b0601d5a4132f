import MoQKernel

/// Parts of drafts 07 to 10, where a subscription has an id and an announcement only its name, where a
/// location is two loose numbers, and where a reason has no bound but its message's.
extension WireWalk where Self: ~Copyable & ~Escapable {
  /// A subscription's id and nothing else.
  mutating func subscribeID(_ m: inout RequestReference) throws(WireError) {
    try varint("Subscribe ID", &m.id)
    try implied("Track Namespace", &m.namespace, TrackNamespace())
  }
  /// A namespace and nothing else.
  mutating func named(
    _ name: StaticString, _ m: inout RequestReference, _ form: NamespaceForm = NamespaceForm()
  ) throws(WireError) {
    try implied("Request ID", &m.id, 0)
    try tuple(name, &m.namespace, form)
  }
  /// A refusal of what has only a name.
  mutating func namedError(_ name: StaticString, _ m: inout RequestError) throws(WireError) {
    try implied("Request ID", &m.id, 0)
    try implied("Track Alias", &m.trackAlias, 0)
    try tuple(name, &m.namespace)
    try varint("Error Code", &m.code)
    try bytes("Reason Phrase", &m.reason)
  }
  /// A truth value, and two numbers only where it is true.
  mutating func loose(
    _ exists: StaticString, _ group: StaticString, _ object: StaticString, _ value: inout Location?
  ) throws(WireError) {
    var (there, location) = (value != nil, value ?? Location(0, 0))
    try flag(exists, &there)
    if includes(there) { try varint(group, &location.group) }
    if includes(there) { try varint(object, &location.object) }
    value = there ? location : nil
  }
  /// What a request for a track's state has no words for, through 12.
  mutating func onlyTrack(_ m: inout Subscribe) throws(WireError) {
    try implied("Track Alias", &m.trackAlias, 0)
    try implied("Subscriber Priority", &m.priority, 128)
    try implied("Group Order", &m.groupOrder, .publisher)
    try implied("Forward", &m.forward, true)
    try implied("Filter Type", &m.filter, .nextObject)
  }
  /// TRACK_STATUS of 11 and 12.
  mutating func trackState(_ m: inout TrackStatusOK, _ spelling: ParameterSpelling) throws(WireError) {
    var largest = m.ok.largest ?? Location(0, 0)
    try expressible("Status Code", StatusCode.hasLocation(m.status) == (m.ok.largest != nil))
    try implied("Track Namespace", &m.namespace, TrackNamespace())
    try implied("Track Name", &m.name, [])
    try onlyState(&m.ok)
    try varint("Request ID", &m.ok.id)
    try varint("Status Code", &m.status)
    try StatusCode.check(m.status)
    try location("Largest Location", &largest)
    m.ok.largest = try StatusCode.location(largest, beside: m.status)
    try parameters("Number of Parameters", "Parameters", &m.ok.parameters, spelling)
  }
  /// What a track's state has no words for, through 12.
  mutating func onlyState(_ m: inout SubscribeOK) throws(WireError) {
    try implied("Track Alias", &m.trackAlias, 0)
    try implied("Expires", &m.expiresMilliseconds, 0)
    try implied("Group Order", &m.groupOrder, .ascending)
    try implied("Publisher Priority", &m.priority, 128)
  }
}

/// The code of a track's state, through 12, and the location that goes with it.
enum StatusCode {
  /// Whether a location means something beside this code. 1: there is no such track; 2: it has not begun.
  static func hasLocation(_ code: UInt64) -> Bool { code != 1 && code != 2 }

  static func check(_ code: UInt64) throws(WireError) {
    guard code <= 4 else { throw .invalid("Status Code", code, wanted: "0 to 4") }
  }
  /// What was read beside a code: none where the code says that there is nothing.
  static func location(_ read: Location, beside code: UInt64) throws(WireError) -> Location? {
    guard hasLocation(code) || read == Location(0, 0) else {
      throw .invalid("Status Code", code, wanted: "a location of zeroes beside it")
    }
    return hasLocation(code) ? read : nil
  }
}

extension FetchOK {
  /// The end as through 11: the last object itself. Where the last object of a whole group is not known, an id
  /// stands for it that no object has.
  var lastObject: Location {
    get { Location(end.group, end.object == 0 ? WireLimits.varint : end.object &- 1) }
    set { end = Location(newValue.group, newValue.object == WireLimits.varint ? 0 : newValue.object &+ 1) }
  }
}

extension GroupOrder {
  /// Refuses an answer that leaves the order open. It can be read all the same: peers send it, and public
  /// vectors hold it to be readable.
  ///
  /// Inlined, as those that call it are: a call would be given a copy of the whole message.
  @inline(__always) static func check(in message: Message) throws(WireError) {
    let order: GroupOrder
    switch message {
    case .subscribeOK(let m): order = m.groupOrder
    case .trackStatusOK(let m): order = m.ok.groupOrder
    default: return
    }
    guard order != .publisher else { throw .invalid("Group Order", 0, wanted: "1 or 2") }
  }
}

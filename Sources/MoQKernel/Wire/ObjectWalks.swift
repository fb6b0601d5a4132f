/// All that is known of an object before its payload, borrowed. The payload itself stays where it is.
public struct ObjectHeader: ~Escapable, BitwiseCopyable {
  public var group: UInt64 = 0
  public var subgroup: UInt64 = 0
  public var id: UInt64 = 0
  /// nil: the track's default, since draft-15, and in dialects without a priority here.
  public var priority: UInt8? = 128
  public var status = ObjectStatus.normal
  /// The extension headers as they came, without a count or length in front.
  public var extensions: RawSpan
  public var payloadLength: UInt64 = 0

  @_lifetime(immortal)
  @inlinable public init() { extensions = RawSpan() }
}

/// What an open subgroup stream remembers between objects, in either direction.
public struct SubgroupStream: Sendable {
  public let form: SubgroupFields
  public let statuses: StatusForm
  /// The largest object id there can be: what the dialect's integers can write.
  @usableFromInline let largestID: UInt64
  /// Whether an object is an integer and nothing else: of all that there is to ask of a form, the first.
  @usableFromInline let isFramed: Bool
  public var flags: SubgroupFlags
  /// The request's id, in the few forms that have it beside the alias.
  public var requestID: UInt64 = 0
  /// The track's alias; in moq-lite the subscription's id.
  public var trackAlias: UInt64 = 0
  public var group: UInt64 = 0
  /// nil until the first object, where that names it.
  public var subgroup: UInt64? = 0
  /// nil: the track's default.
  public var priority: UInt8? = 128
  @usableFromInline var next: UInt64 = 0
  /// The least id that the next object can have.
  @inlinable public var nextID: UInt64 { next }

  // No `[]`, which is an array that is made and let go.
  @_transparent public init(_ forms: ObjectForms, flags: SubgroupFlags = SubgroupFlags(rawValue: 0)) {
    (form, statuses) = (forms.subgroup.fields, forms.statuses)
    largestID = forms.integers == .quic ? WireLimits.varint : .max &- 1
    isFramed = forms.subgroup.fields.content.isFramedByIntegers
    self.flags = flags.union(form.always)
  }

  /// A group that has no header of its own, since its request says which it is, from one of its objects on.
  public init(_ forms: ObjectForms, group: UInt64, from id: UInt64) {
    self.init(forms)
    (self.group, priority, next) = (group, nil, id)
  }

  /// The header, its type included.
  @_transparent public mutating func walkHeader(_ wire: inout some PlainWire) throws(WireError) {
    guard var type = form.type(for: flags) else { throw .inexpressible("Type") }
    try wire.varint("Type", &type)
    guard let found = form.flags(of: type) else { throw .invalid("Type", type, wanted: "a subgroup's stream type") }
    flags = found
    if case .frames(let length) = form.content { return try walkGroup(&wire, length) }
    if form.leadingRequestID { try wire.varint("Subscribe ID", &requestID) }
    try wire.varint("Track Alias", &trackAlias)
    try wire.varint("Group ID", &group)
    if flags.contains(.firstIDIsSubgroup) { subgroup = nil }
    if wire.includes(flags.contains(.subgroupID)) {
      var id = subgroup ?? 0
      try wire.varint("Subgroup ID", &id)
      subgroup = id
    } else if !flags.contains(.firstIDIsSubgroup), subgroup ?? 0 != 0 {
      throw .inexpressible("Subgroup ID")
    }
    if wire.includes(!flags.contains(.defaultPriority)) {
      var byte = priority ?? 128
      try wire.byte("Publisher Priority", &byte)
      priority = byte
    } else {
      priority = nil
    }
  }
  @usableFromInline @_transparent mutating func walkGroup(
    _ wire: inout some PlainWire, _ length: Framing.Length?
  ) throws(WireError) {
    try wire.implied("Subgroup ID", &subgroup, 0)
    priority = nil
    let body = if let length { try wire.enter("Message Length", length) } else { 0 }
    try wire.varint("Subscribe ID", &trackAlias)
    try wire.varint("Group Sequence", &group)
    if let length { try wire.leave(length, body) }
  }

  /// The header, read; on `.truncated` more bytes are to be waited for.
  @_transparent public mutating func walkHeader(_ wire: inout WireReader) throws(WireError) {
    var quick = QuickReader(wire)
    do throws(WireError) { try walkHeader(&quick) } catch { quick.lose() }
    if !quick.isLost { return wire.offset = quick.offset }
    var (stream, careful) = (self, wire)
    try stream.walkCarefully(&careful)
    take(stream)
    wire.follow(careful)
  }
  /// The header, written. On an error the writer may hold a part of it.
  @_transparent public mutating func walkHeader(_ wire: inout WireWriter) throws(WireError) {
    var quick = QuickWriter(&wire)
    do throws(WireError) { try walkHeader(&quick) } catch { quick.lose() }
    if !quick.isLost { return wire.used = quick.used }
    var stream = self
    try stream.walkCarefully(&wire)
    take(stream)
  }
  /// Takes over what a header can change, field by field: what it cannot stays where it is, in a register.
  @usableFromInline @_transparent mutating func take(_ other: SubgroupStream) {
    (flags, requestID, trackAlias) = (other.flags, other.requestID, other.trackAlias)
    (group, subgroup, priority) = (other.group, other.subgroup, other.priority)
  }
  @usableFromInline @inline(never) mutating func walkCarefully(_ wire: inout WireReader) throws(WireError) {
    try Self.walkHeader(of: &self, &wire)
  }
  @usableFromInline @inline(never) mutating func walkCarefully(_ wire: inout WireWriter) throws(WireError) {
    try Self.walkHeader(of: &self, &wire)
  }
  /// The walk for any wire: with the wire's own type in hand, the name alone would mean the functions above.
  @inline(__always) private static func walkHeader(
    of stream: inout SubgroupStream, _ wire: inout some PlainWire
  ) throws(WireError) {
    try stream.walkHeader(&wire)
  }

  /// One object, up to its payload.
  @_transparent @_lifetime(o: copy wire, copy o)
  public mutating func walk(_ o: inout ObjectHeader, _ wire: inout some PlainWire) throws(WireError) {
    try walk(&o.id, &o.extensions, &o.status, &o.payloadLength, &wire)
    advance(past: o.id)
  }
  /// Field by field, so that a writer needs no copy of the header; the stream is as it was.
  @usableFromInline @_transparent @_lifetime(extensions: copy wire, copy extensions)
  func walk(
    _ id: inout UInt64, _ extensions: inout RawSpan, _ status: inout ObjectStatus, _ length: inout UInt64,
    _ wire: inout some PlainWire
  ) throws(WireError) {
    if case .frames(let form) = form.content {
      return try walkFrame(&id, extensions.byteCount, &status, &length, form, &wire)
    }
    try walkObject(&id, &extensions, &status, &length, &wire)
  }
  /// An object of a subgroup.
  @usableFromInline @_transparent @_lifetime(extensions: copy wire, copy extensions)
  func walkObject(
    _ id: inout UInt64, _ extensions: inout RawSpan, _ status: inout ObjectStatus, _ length: inout UInt64,
    _ wire: inout some PlainWire
  ) throws(WireError) {
    let least = nextID
    guard least <= largestID else { throw .invalid("Object ID", largestID, wanted: "an end before it") }
    switch form.ids {
    case .deltas:
      guard id >= least else { throw .inexpressible("Object ID") }
      var delta = id &- least
      try wire.varint("Object ID Delta", &delta)
      guard delta <= largestID &- least else {
        throw .invalid("Object ID Delta", delta, wanted: "an object id below 2^62")
      }
      id = least &+ delta
    case .absolute:
      try wire.varint("Object ID", &id)
      guard id >= least else { throw .invalid("Object ID", id, wanted: "more than the one before") }
    }
    if wire.includes(flags.contains(.extensions)) {
      try wire.extensions(form.extensions, &extensions)
    } else {
      try wire.expressible("Extension headers", extensions.byteCount == 0)
    }
    try wire.varint("Object Payload Length", &length)
    if wire.includes(length == 0) {
      try statuses.walk(&status, &wire)
    } else {
      try wire.implied("Object Status", &status, .normal)
    }
  }
  /// A frame, which implies all but its length.
  @usableFromInline @_transparent func walkFrame(
    _ id: inout UInt64, _ extensions: Int, _ status: inout ObjectStatus, _ length: inout UInt64,
    _ form: Framing.Length?, _ wire: inout some PlainWire
  ) throws(WireError) {
    let least = nextID
    guard least <= largestID else { throw .invalid("Object ID", largestID, wanted: "an end before it") }
    try wire.implied("Object ID", &id, least)
    try wire.expressible("Extension headers", extensions == 0)
    try wire.implied("Object Status", &status, .normal)
    if form == .uint16 { return try wire.uint16("Message Length", &length) }
    try wire.varint(form == nil ? "Payload Length" : "Message Length", &length)
  }
  /// An object's header is whole.
  @usableFromInline @_transparent mutating func advance(past id: UInt64) {
    // An id of the largest number leaves none: the next object is refused.
    next = id &+ 1
    if _slowPath(subgroup == nil) { subgroup = id }
  }

  /// Reads an object's header; on `.truncated` nothing has happened, and more bytes are to be waited for.
  @_transparent @_lifetime(o: copy wire, copy o)
  public mutating func read(_ o: inout ObjectHeader, from wire: inout WireReader) throws(WireError) {
    if isFramed {
      if readFrame(&o, &wire) { return }
    } else if form.content.isSubgroup, readObject(&o, &wire) {
      return
    }
    var (header, careful) = (o, wire)
    try readCarefully(&header, &careful)
    o = header
    wire.follow(careful)
    advance(past: o.id)
    finish(&o)
  }
  /// A frame in a hurry; false where that is lost, and then it is to be read from the start.
  @usableFromInline @_transparent @_lifetime(o: copy wire, copy o)
  mutating func readFrame(_ o: inout ObjectHeader, _ wire: inout WireReader) -> Bool {
    guard _fastPath(subgroup != nil) else { return false }
    var quick = QuickReader(wire)
    do throws(WireError) { try walkFrame(&o.id, 0, &o.status, &o.payloadLength, nil, &quick) } catch { quick.lose() }
    guard _fastPath(!quick.isLost) else { return false }
    wire.offset = quick.offset
    next = o.id &+ 1
    o.extensions = RawSpan()
    finish(&o)
    return true
  }
  /// The same for an object of a subgroup.
  @usableFromInline @_transparent @_lifetime(o: copy wire, copy o)
  mutating func readObject(_ o: inout ObjectHeader, _ wire: inout WireReader) -> Bool {
    var quick = QuickReader(wire)
    begin(&o)
    do throws(WireError) {
      try walkObject(&o.id, &o.extensions, &o.status, &o.payloadLength, &quick)
      try statuses.check(o.status, o.extensions.byteCount)
    } catch { quick.lose() }
    guard _fastPath(!quick.isLost) else { return false }
    wire.offset = quick.offset
    advance(past: o.id)
    finish(&o)
    return true
  }
  /// Anything but the common form, and errors.
  @usableFromInline @inline(never) @_lifetime(o: copy wire, copy o)
  func readCarefully(_ o: inout ObjectHeader, _ wire: inout WireReader) throws(WireError) {
    let mark = wire.position
    begin(&o)
    do throws(WireError) {
      try walk(&o.id, &o.extensions, &o.status, &o.payloadLength, &wire)
      try statuses.check(o.status, o.extensions.byteCount)
    } catch {
      throw wire.failed(error, rewindingTo: mark)
    }
  }
  /// Makes a header ready to be read into.
  @_transparent @_lifetime(o: copy o)
  public func begin(_ o: inout ObjectHeader) {
    o.id = nextID
    o.status = .normal
    o.extensions = RawSpan()
  }
  /// Completes a header that was read with what the stream says for all objects.
  @_transparent @_lifetime(o: copy o)
  public func finish(_ o: inout ObjectHeader) {
    (o.group, o.subgroup, o.priority) = (group, subgroup ?? 0, priority)
  }
  /// Writes an object's header; the payload goes after it, uncopied. On an error the writer may hold a part of it.
  @_transparent
  public mutating func write(_ o: borrowing ObjectHeader, to wire: inout WireWriter) throws(WireError) {
    if isFramed {
      if writeFrame(o, &wire) { return }
    } else if form.content.isSubgroup, writeObject(o, &wire) {
      return
    }
    try writeCarefully(o.id, o.extensions, o.status, o.payloadLength, &wire)
    advance(past: o.id)
  }
  /// A frame in a hurry; false where that is lost, and then it is to be written from the start.
  @usableFromInline @_transparent
  mutating func writeFrame(_ o: borrowing ObjectHeader, _ wire: inout WireWriter) -> Bool {
    guard _fastPath(subgroup != nil) else { return false }
    var quick = QuickWriter(&wire)
    var (id, status, length) = (o.id, o.status, o.payloadLength)
    let extensions = o.extensions.byteCount
    do throws(WireError) { try walkFrame(&id, extensions, &status, &length, nil, &quick) } catch { quick.lose() }
    guard _fastPath(!quick.isLost) else { return false }
    wire.used = quick.used
    next = id &+ 1
    return true
  }
  /// The same for an object of a subgroup.
  @usableFromInline @_transparent
  mutating func writeObject(_ o: borrowing ObjectHeader, _ wire: inout WireWriter) -> Bool {
    var quick = QuickWriter(&wire)
    // By field: a copy of the header costs more than writing it.
    var (id, status, length) = (o.id, o.status, o.payloadLength), extensions = o.extensions
    do throws(WireError) {
      try statuses.check(status, extensions.byteCount)
      try walkObject(&id, &extensions, &status, &length, &quick)
    } catch { quick.lose() }
    guard _fastPath(!quick.isLost) else { return false }
    wire.used = quick.used
    advance(past: o.id)
    return true
  }
  @usableFromInline @inline(never) func writeCarefully(
    _ id: UInt64, _ extensions: RawSpan, _ status: ObjectStatus, _ length: UInt64, _ wire: inout WireWriter
  ) throws(WireError) {
    try statuses.check(status, extensions.byteCount)
    var (id, status, length) = (id, status, length), extensions = extensions
    try walk(&id, &extensions, &status, &length, &wire)
  }
}

extension StatusForm {
  @usableFromInline @_transparent func walk(_ status: inout ObjectStatus, _ wire: inout some PlainWire)
    throws(WireError)
  {
    var number = try number(of: status)
    try wire.varint("Object Status", &number)
    status = try self.status(number)
  }
}

extension WireReader {
  /// Goes back to where the object began, and says in the error where its field is.
  @usableFromInline mutating func failed(_ error: WireError, rewindingTo mark: Int) -> WireError {
    var error = error
    if error.offset < 0 { error.offset = fieldStart }
    rewind(to: mark)
    return error
  }
}

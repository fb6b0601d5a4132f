/// What an open fetch stream remembers between objects, in either direction.
public struct FetchStream: Sendable {
  public let form: FetchForm
  public let statuses: StatusForm
  public var requestID: UInt64 = 0
  /// Whether groups come in descending order, which turns the sign of group differences.
  public var descending = false
  @usableFromInline var isFirst = true
  @usableFromInline var group: UInt64 = 0, subgroup: UInt64 = 0, id: UInt64 = 0
  @usableFromInline var priority: UInt8 = 128

  /// nil: the dialect has no fetch streams.
  @inlinable public init?(_ forms: ObjectForms) {
    guard let form = forms.fetch else { return nil }
    (self.form, statuses) = (form, forms.statuses)
  }
  /// The header, its type included.
  @inlinable public mutating func walkHeader(_ wire: inout some Wire) throws(WireError) {
    var type = form.type
    try wire.varint("Type", &type)
    guard type == form.type else { throw .invalid("Type", type, wanted: "a fetch's stream type") }
    try wire.varint(form.requestID, &requestID)
  }
  /// One object, up to its payload.
  @inlinable @_lifetime(o: copy wire, copy o)
  public mutating func walk(_ o: inout ObjectHeader, _ wire: inout some Wire) throws(WireError) {
    switch form.objects {
    case .full(let extensions):
      try wire.varint("Group ID", &o.group)
      try wire.varint("Subgroup ID", &o.subgroup)
      try wire.varint("Object ID", &o.id)
      var byte = o.priority ?? 128
      try wire.byte("Publisher Priority", &byte)
      o.priority = byte
      if let extensions {
        try wire.extensions(extensions, &o.extensions)
      } else {
        try wire.expressible("Extension headers", o.extensions.byteCount == 0)
      }
      try wire.varint("Object Payload Length", &o.payloadLength)
      if wire.includes(o.payloadLength == 0) {
        try statuses.walk(&o.status, &wire)
      } else {
        try wire.implied("Object Status", &o.status, .normal)
      }
    case .flagged(let byte, let status, let deltas):
      try walkFlagged(&o, &wire, byte: byte, status: status, deltas: deltas)
    }
    (isFirst, group, subgroup, id, priority) = (false, o.group, o.subgroup, o.id, o.priority ?? priority)
  }
  /// Since 15. A writer leaves out what can be left out; a reader fills it in from the object before.
  @inlinable @_lifetime(o: copy wire, copy o)
  mutating func walkFlagged(
    _ o: inout ObjectHeader, _ wire: inout some Wire, byte: Bool, status: Bool, deltas: Bool
  ) throws(WireError) {
    var flags: UInt64 = o.extensions.byteCount > 0 ? 0x20 : 0
    if o.subgroup != 0 {
      flags |= !isFirst && o.subgroup == subgroup ? 1 : !isFirst && o.subgroup == subgroup &+ 1 ? 2 : 3
    }
    if isFirst || o.group != group { flags |= 0x08 }
    if isFirst || o.id != id &+ 1 { flags |= 0x04 }
    if isFirst || o.priority ?? 128 != priority { flags |= 0x10 }
    if byte {
      var narrow = UInt8(flags)
      try wire.byte("Serialization Flags", &narrow)
      flags = UInt64(narrow)
    } else {
      try wire.varint("Serialization Flags", &flags)
    }
    // Datagram objects (0x40) and end-of-range markers (0x8C, 0x10C) come with the dialects that have them.
    guard flags < 0x40, !isFirst || flags & 0x1c == 0x1c && (flags & 3 == 0 || flags & 3 == 3) else {
      throw .invalid("Serialization Flags", flags, wanted: "flags that the object before allows")
    }
    let newGroup = flags & 0x08 != 0, newID = flags & 0x04 != 0
    if wire.includes(newGroup) {
      // "+ 1", because a difference of nothing would need no field.
      var value = !deltas || isFirst ? o.group : (descending ? group &- o.group : o.group &- group) &- 1
      try wire.varint("Group ID", &value)
      o.group = !deltas || isFirst ? value : descending ? group &- value &- 1 : group &+ value &+ 1
      guard !deltas || isFirst || (descending ? o.group < group : o.group > group) else {
        throw .invalid("Group ID", value, wanted: "a group that there is")
      }
    } else {
      o.group = group
    }
    switch flags & 3 {
    case 0: o.subgroup = 0
    case 1: o.subgroup = subgroup
    case 2: o.subgroup = subgroup &+ 1
    default: break
    }
    if wire.includes(flags & 3 == 3) { try wire.varint("Subgroup ID", &o.subgroup) }
    if wire.includes(newID) {
      // In the same group a difference to the id before, *without* "+ 1"; in another group the id.
      let base = deltas && !isFirst && !newGroup ? id : 0
      var value = o.id &- base
      try wire.varint("Object ID", &value)
      o.id = base &+ value
      guard o.id >= base else { throw .invalid("Object ID", value, wanted: "an id that there is") }
    } else {
      o.id = id &+ 1
    }
    var narrow = o.priority ?? priority
    if flags & 0x10 == 0 { narrow = priority }
    if wire.includes(flags & 0x10 != 0) { try wire.byte("Publisher Priority", &narrow) }
    o.priority = narrow
    if wire.includes(flags & 0x20 != 0) { try wire.extensions(.length, &o.extensions) }
    try wire.varint("Object Payload Length", &o.payloadLength)
    if status, wire.includes(o.payloadLength == 0) { try statuses.walk(&o.status, &wire) }
  }
  /// Reads an object's header; on `.truncated` nothing has happened, and more bytes are to be waited for.
  @inlinable @_lifetime(o: copy wire, copy o)
  public mutating func read(_ o: inout ObjectHeader, from wire: inout WireReader) throws(WireError) {
    let mark = wire.position
    o.status = .normal
    o.extensions = RawSpan()
    do throws(WireError) {
      try walk(&o, &wire)
      try statuses.check(o.status, o.extensions.byteCount)
    } catch {
      throw wire.failed(error, rewindingTo: mark)
    }
  }
  /// Writes an object's header; the payload goes after it, uncopied. On an error the writer may hold a part of it.
  @inlinable public mutating func write(_ o: borrowing ObjectHeader, to wire: inout WireWriter) throws(WireError) {
    try statuses.check(o.status, o.extensions.byteCount)
    var o = copy o
    try walk(&o, &wire)
  }
}

/// A datagram, up to its payload, which is all that is left.
public struct ObjectDatagram: Sendable {
  public let form: DatagramForm
  public let statuses: StatusForm
  /// The request's id, in the few forms that have it beside the alias.
  public var requestID: UInt64 = 0
  public var trackAlias: UInt64 = 0
  /// Whether the object is its group's last.
  public var endOfGroup = false
  /// Whether there is a status instead of a payload.
  public var isStatus = false

  /// nil: the dialect has no objects in datagrams.
  @inlinable public init?(_ forms: ObjectForms) {
    guard let form = forms.datagram else { return nil }
    (self.form, statuses) = (form, forms.statuses)
  }
  @inlinable @_lifetime(o: copy wire, copy o)
  public mutating func walk<W: PlainWalk & ~Copyable & ~Escapable>(
    _ o: inout ObjectHeader, _ wire: inout W
  ) throws(WireError) {
    // A reader reads it; a tracer, which fills too, is shown one that there is.
    let type =
      W.fills
      ? UInt64(form.types.trailingZeroBitCount)
      : type(for: o.id, hasExtensions: o.extensions.byteCount > 0, hasPriority: o.priority != nil)
    try walk(&o, &wire, type: type)
  }
  /// The same, with a type that the writer has chosen.
  @inlinable @_lifetime(o: copy wire, copy o)
  public mutating func walk(_ o: inout ObjectHeader, _ wire: inout some PlainWire, type: UInt64) throws(WireError) {
    try walk(&o.group, &o.id, &o.priority, &o.extensions, &o.status, &o.payloadLength, type, &wire)
  }
  /// The type of an object's datagram, in the shortest form there is.
  @usableFromInline @_transparent func type(for id: UInt64, hasExtensions: Bool, hasPriority: Bool) -> UInt64 {
    var type: UInt64 = hasExtensions ? form.extensionBit : 0
    if endOfGroup { type |= form.endOfGroupBit }
    if isStatus { type |= form.statusBit }
    if !hasPriority { type |= form.noPriorityBit }
    if id == 0 { type |= form.noObjectIDBit }
    // A combination that has no type, as 14's status without an object id, is said in the longer way.
    if !form.has(type) { type &= ~form.noObjectIDBit }
    if !form.has(type), form.has(type | 1) { type |= 1 }
    return type
  }
  /// Field by field, so that a writer needs no copy of the header.
  @usableFromInline @_transparent @_lifetime(extensions: copy wire, copy extensions)
  mutating func walk(
    _ group: inout UInt64, _ id: inout UInt64, _ priority: inout UInt8?, _ extensions: inout RawSpan,
    _ status: inout ObjectStatus, _ length: inout UInt64, _ chosen: UInt64, _ wire: inout some PlainWire
  ) throws(WireError) {
    var type = chosen
    try wire.varint("Type", &type)
    guard form.has(type) else { throw .invalid("Type", type, wanted: "a datagram's type") }
    endOfGroup = type & form.endOfGroupBit != 0
    isStatus = type & form.statusBit != 0
    if form.leadingRequestID { try wire.varint("Subscribe ID", &requestID) }
    try wire.varint("Track Alias", &trackAlias)
    try wire.varint("Group ID", &group)
    if type & form.noObjectIDBit != 0 { id = 0 }
    if wire.includes(type & form.noObjectIDBit == 0) { try wire.varint("Object ID", &id) }
    if wire.includes(type & form.noPriorityBit == 0) {
      var byte = priority ?? 128
      try wire.byte("Publisher Priority", &byte)
      priority = byte
    } else {
      priority = nil
    }
    if let form = isStatus ? form.always.statuses : form.always.objects {
      try wire.extensions(form, &extensions)
    } else if wire.includes(type & form.extensionBit != 0) {
      try wire.extensions(.length, &extensions)
      guard wire.includes(extensions.byteCount > 0) else {
        throw .invalid("Extension Headers Length", 0, wanted: "extension headers, as the type says")
      }
    } else {
      try wire.expressible("Extension headers", extensions.byteCount == 0)
    }
    if form.payload == .counted { try wire.varint("Object Payload Length", &length) }
    let hasStatus =
      switch form.payload {
      case .rest: wire.includes(isStatus)
      case .counted: wire.includes(length == 0)
      case .status, .statusAndLength: true
      }
    if hasStatus {
      try statuses.walk(&status, &wire)
    } else {
      try wire.implied("Object Status", &status, .normal)
    }
    if form.payload == .statusAndLength { try wire.varint("Object Payload Length", &length) }
  }
  /// Reads a datagram's header; what is left is its payload. A datagram that ends too early is malformed:
  /// nothing more of it will come.
  @_transparent @_lifetime(o: copy wire, copy o)
  public mutating func read(_ o: inout ObjectHeader, from wire: inout WireReader) throws(WireError) {
    var quick = QuickReader(wire)
    o.status = .normal
    o.extensions = RawSpan()
    do throws(WireError) {
      let type = UInt64(form.types.trailingZeroBitCount)
      try walk(&o.group, &o.id, &o.priority, &o.extensions, &o.status, &o.payloadLength, type, &quick)
      try statuses.check(o.status, o.extensions.byteCount)
      try measure(&o, wire.end &- quick.offset)
    } catch { quick.lose() }
    if quick.isLost {
      var (datagram, header, careful) = (self, o, wire)
      try datagram.readCarefully(&header, &careful)
      (self, o, wire) = (datagram, header, careful)
    } else {
      wire.offset = quick.offset
    }
    o.subgroup = 0
  }
  @usableFromInline @inline(never) @_lifetime(o: copy wire, copy o)
  mutating func readCarefully(_ o: inout ObjectHeader, _ wire: inout WireReader) throws(WireError) {
    let mark = wire.position
    o.status = .normal
    o.extensions = RawSpan()
    do throws(WireError) {
      try walk(&o, &wire)
      try statuses.check(o.status, o.extensions.byteCount)
      try measure(&o, wire.remaining)
    } catch {
      throw wire.failed(error, rewindingTo: mark)
    }
  }
  /// The payload is all that is left, which must agree with a length and a status where they are written.
  @usableFromInline @_transparent @_lifetime(o: copy o)
  func measure(_ o: inout ObjectHeader, _ remaining: Int) throws(WireError) {
    if form.hasLength {
      guard o.payloadLength <= UInt64(remaining) else { throw .truncated("Object Payload") }
    } else {
      o.payloadLength = UInt64(remaining)
    }
    let left = remaining - (isStatus || o.status != .normal ? 0 : Int(o.payloadLength))
    guard left == 0 else { throw .trailing(left) }
  }
  /// Writes a datagram's header; the payload goes after it.
  @_transparent
  public mutating func write(_ o: borrowing ObjectHeader, to wire: inout WireWriter) throws(WireError) {
    var quick = QuickWriter(&wire)
    let meant = (endOfGroup, isStatus)
    do throws(WireError) {
      try write(o.group, o.id, o.priority, o.extensions, o.status, o.payloadLength, &quick)
    } catch { quick.lose() }
    if !quick.isLost { return wire.used = quick.used }
    // The walk says what the type it chose says.
    (endOfGroup, isStatus) = meant
    var datagram = self
    try datagram.writeCarefully(o.group, o.id, o.priority, o.extensions, o.status, o.payloadLength, &wire)
    self = datagram
  }
  @usableFromInline @inline(never) mutating func writeCarefully(
    _ group: UInt64, _ id: UInt64, _ priority: UInt8?, _ extensions: RawSpan, _ status: ObjectStatus,
    _ length: UInt64, _ wire: inout WireWriter
  ) throws(WireError) {
    try write(group, id, priority, extensions, status, length, &wire)
  }
  @usableFromInline @_transparent mutating func write(
    _ group: UInt64, _ id: UInt64, _ priority: UInt8?, _ extensions: RawSpan, _ status: ObjectStatus,
    _ length: UInt64, _ wire: inout some PlainWire
  ) throws(WireError) {
    try statuses.check(status, extensions.byteCount)
    guard status == .normal || isStatus || form.hasStatus else { throw .inexpressible("Object Status") }
    let type = type(for: id, hasExtensions: extensions.byteCount > 0, hasPriority: priority != nil)
    var (group, id, priority, status, length) = (group, id, priority, status, length), extensions = extensions
    try walk(&group, &id, &priority, &extensions, &status, &length, type, &wire)
  }
}

import MoQKernel

/// transfork-03 by hand.
enum TransforkTwin: Twin {
  static var number: Int { 0 }
  static var hasLength: Bool { false }

  @inline(never) static func encode(_ message: Message, _ out: inout TwinWriter) throws(WireError) {
    switch message {
    case .subscribe(let m):
      guard m.trackAlias == 0, m.forward else { throw .inexpressible("SUBSCRIBE") }
      try out.varint(m.id, "Subscribe ID")
      try path(m.namespace, m.name, &out)
      try out.varint(UInt64(255 - m.priority), "Track Priority")
      try out.varint(UInt64(m.groupOrder.rawValue), "Group Order")
      try expires(m.parameters, &out)
      let first: UInt64?, last: UInt64?
      switch m.filter {
      case .currentGroup: (first, last) = (nil, nil)
      case .currentGroupThrough(let end): (first, last) = (nil, end)
      case .from(let start) where start.object == 0: (first, last) = (start.group, nil)
      case .range(let start, let end, nil) where start.object == 0: (first, last) = (start.group, end)
      default: throw .inexpressible("Group Min")
      }
      guard first != .max, last != .max else { throw .inexpressible("Group Min") }
      try out.varint(first.map { $0 &+ 1 } ?? 0, "Group Min")
      try out.varint(last.map { $0 &+ 1 } ?? 0, "Group Max")
    case .subscribeOK(let m):
      guard m.id == 0, m.trackAlias == 0, m.expiresMilliseconds == 0 else { throw .inexpressible("INFO") }
      try out.varint(UInt64(255 - m.priority), "Track Priority")
      if let largest = m.largest {
        guard largest.object == 0, largest.group > 0 else { throw .inexpressible("Group Latest") }
        try out.varint(largest.group, "Group Latest")
      } else {
        out.byte(0)
      }
      try out.varint(UInt64(m.groupOrder.rawValue), "Group Order")
      try expires(m.parameters, &out)
    default: throw WireError(.inexpressible, "message")
    }
  }

  @inline(never)
  static func decode(_ kind: MessageKind, _ bytes: UnsafeRawBufferPointer) throws(WireError) -> Message {
    var reader = TwinReader(bytes)
    switch kind {
    case .subscribe:
      var m = Subscribe()
      m.id = try reader.varint("Subscribe ID")
      (m.namespace, m.name) = try path(&reader)
      m.priority = 255 - UInt8(min(try reader.varint("Track Priority"), 255))
      m.groupOrder = try order(&reader)
      m.parameters = try expires(&reader)
      let first = try reader.varint("Group Min"), last = try reader.varint("Group Max")
      m.filter =
        switch (first, last) {
        case (0, 0): .currentGroup
        case (0, _): .currentGroupThrough(last &- 1)
        case (_, 0): .from(Location(first &- 1, 0))
        default: .range(Location(first &- 1, 0), endGroup: last &- 1, endObject: nil)
        }
      return .subscribe(m)
    case .subscribeOK:
      var m = SubscribeOK()
      m.priority = 255 - UInt8(min(try reader.varint("Track Priority"), 255))
      let group = try reader.varint("Group Latest")
      m.largest = group == 0 ? nil : Location(group, 0)
      m.groupOrder = try order(&reader)
      m.parameters = try expires(&reader)
      return .subscribeOK(m)
    default: throw WireError(.inexpressible, "message")
    }
  }

  private static func order(_ reader: inout TwinReader) throws(WireError) -> GroupOrder {
    let place = reader.offset, number = try reader.varint("Group Order")
    guard number <= 2, let order = GroupOrder(rawValue: UInt8(number)) else {
      throw WireError(.invalid, "Group Order", found: number, wanted: "0 to 2", offset: place)
    }
    return order
  }

  // MARK: Group Expires, the kernel's delivery timeout

  private static func expires(_ list: [Parameter], _ out: inout TwinWriter) throws(WireError) {
    guard let only = list.first else { return out.byte(0) }
    guard list.count == 1, case (.deliveryTimeout, .number(let number)) = (only.key, only.value), number > 0 else {
      throw .inexpressible("Parameters")
    }
    try out.varint(number, "Group Expires")
  }
  private static func expires(_ reader: inout TwinReader) throws(WireError) -> [Parameter] {
    let number = try reader.varint("Group Expires")
    return number == 0 ? [] : [Parameter(.deliveryTimeout, .number(number))]
  }

  // MARK: Paths

  /// The parts of a path, the last of which is the track's name.
  private static func path(_ reader: inout TwinReader) throws(WireError) -> (TrackNamespace, [UInt8]) {
    let begin = reader.offset, count = try reader.varint("Track Path Parts")
    guard count >= 1, count <= 32 else {
      throw WireError(.invalid, "Track Path Parts", found: count, wanted: "1 to 32 parts", offset: begin)
    }
    let start = reader.offset
    var size = 0, isShortest = true, last = start, name = UnsafeRawBufferPointer(start: nil, count: 0)
    for index in 0..<count {
      last = reader.offset
      name = try reader.bytes("Track Path Part", maximum: 1_023)
      size += name.count
      if index < count - 1 {
        isShortest = isShortest && reader.offset &- last &- name.count == (name.count < 0x40 ? 1 : 2)
      }
    }
    guard size <= 1_023 else {
      throw WireError(.tooLong, "Track Path Part", found: UInt64(size), wanted: "fewer than 1024 bytes", offset: begin)
    }
    if isShortest {
      let parts = UnsafeRawBufferPointer(start: reader.base + start, count: last &- start)
      return (TrackNamespace(count: Int(count) - 1, encoded: [UInt8](parts)), [UInt8](name))
    }
    var namespace = TrackNamespace(), again = reader
    again.offset = start
    for _ in 0..<(count - 1) { namespace.append([UInt8](try again.bytes("Track Path Part"))) }
    return (namespace, [UInt8](name))
  }
  private static func path(
    _ namespace: TrackNamespace, _ name: [UInt8], _ out: inout TwinWriter
  ) throws(WireError) {
    // Lengths are counted too, as the parts are kept with them: what is short enough with them is so without.
    guard namespace.count <= 31,
      namespace.encoded.count + name.count <= 1_023
        || namespace.byteCount + name.count <= 1_023
    else { throw .inexpressible("Track Path Part") }
    try out.varint(UInt64(namespace.count + 1), "Track Path Parts")
    out.raw(namespace.encoded)
    try out.bytes(name, "Track Path Part")
  }
}

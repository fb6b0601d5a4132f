import MoQKernel

/// The codec of one draft of moq-transport by hand: `number` is a constant of each conforming type, so each has
/// code of its own.
protocol DraftTwin: Twin {}

enum Twin07: DraftTwin { static var number: Int { 7 } }
enum Twin08: DraftTwin { static var number: Int { 8 } }
enum Twin09: DraftTwin { static var number: Int { 9 } }
enum Twin10: DraftTwin { static var number: Int { 10 } }
enum Twin11: DraftTwin { static var number: Int { 11 } }
enum Twin12: DraftTwin { static var number: Int { 12 } }
enum Twin13: DraftTwin { static var number: Int { 13 } }
enum Twin14: DraftTwin { static var number: Int { 14 } }

extension DraftTwin {
  static var hasLength: Bool { false }

  @inline(never) static func encode(_ message: Message, _ out: inout TwinWriter) throws(WireError) {
    switch message {
    case .subscribe(let m): try encode(m, &out)
    case .subscribeOK(let m): try encode(m, &out)
    default: throw WireError(.inexpressible, "message")
    }
  }
  @inline(never)
  static func decode(_: MessageKind, _ bytes: UnsafeRawBufferPointer) throws(WireError) -> Message {
    var reader = TwinReader(bytes)
    let type = try reader.varint("Type")
    if number >= 11 {
      let high = try reader.byte("Length"), low = try reader.byte("Length")
      try reader.body(UInt64(high) << 8 | UInt64(low))
    } else {
      try reader.body(try reader.varint("Length"))
    }
    switch type {
    case 0x3: return .subscribe(try subscribe(&reader))
    case 0x4: return .subscribeOK(try subscribeOK(&reader))
    default: throw WireError(.unknownMessage, "Type", found: type, offset: 0)
    }
  }

  // MARK: SUBSCRIBE

  private static func encode(_ m: Subscribe, _ out: inout TwinWriter) throws(WireError) {
    try out.varint(0x3, "Type")
    let start = out.mark(wide: number >= 11)
    try out.varint(m.id, "Request ID")
    if number <= 11 {
      try out.varint(m.trackAlias, "Track Alias")
    } else if m.trackAlias != 0 {
      throw .inexpressible("Track Alias")
    }
    guard m.namespace.count >= 1, m.namespace.count <= 32, m.namespace.encoded.count + m.name.count <= 4_096 else {
      throw .inexpressible("Track Namespace")
    }
    try out.varint(UInt64(m.namespace.count), "Track Namespace")
    out.raw(m.namespace.encoded)
    try out.bytes(m.name, "Track Name")
    out.byte(m.priority)
    out.byte(m.groupOrder.rawValue)
    if number >= 11 {
      out.byte(m.forward ? 1 : 0)
    } else if !m.forward {
      throw .inexpressible("Forward")
    }
    switch m.filter {
    case .nextObject: out.byte(2)
    case .from(let start):
      out.byte(3)
      try out.varint(start.group, "Start")
      try out.varint(start.object, "Start")
    case .range(let start, let group, let object):
      guard object != .max, number == 7 || object == nil else { throw .inexpressible("EndObject") }
      out.byte(4)
      try out.varint(start.group, "Start")
      try out.varint(start.object, "Start")
      try out.varint(group, "EndGroup")
      if number == 7 { try out.varint(object.map { $0 &+ 1 } ?? 0, "EndObject") }
    case .currentGroup:
      guard number <= 8 else { throw .inexpressible("Filter Type") }
      out.byte(1)
    case .nextGroup:
      guard number >= 11 else { throw .inexpressible("Filter Type") }
      out.byte(1)
    case .currentGroupThrough: throw .inexpressible("Filter Type")
    }
    try encode(m.parameters, &out)
    try out.close(start, wide: number >= 11)
  }

  private static func subscribe(_ reader: inout TwinReader) throws(WireError) -> Subscribe {
    var m = Subscribe()
    m.id = try reader.varint("Request ID")
    if number <= 11 { m.trackAlias = try reader.varint("Track Alias") }
    m.namespace = try reader.tuple("Track Namespace")
    let start = reader.offset
    m.name = [UInt8](try reader.bytes("Track Name", maximum: 4_096))
    guard m.namespace.encoded.count + m.name.count <= 4_096 || m.namespace.byteCount + m.name.count <= 4_096 else {
      throw WireError(.tooLong, "Track Name", found: UInt64(m.name.count), offset: start)
    }
    m.priority = try reader.byte("Subscriber Priority")
    let order = try reader.byte("Group Order")
    guard let known = GroupOrder(rawValue: order) else {
      throw WireError(.invalid, "Group Order", found: UInt64(order), wanted: "0 to 2", offset: reader.offset &- 1)
    }
    m.groupOrder = known
    if number >= 11 { m.forward = try flag(&reader, "Forward") }
    let place = reader.offset, filter = try reader.varint("Filter Type")
    switch filter {
    case 1 where number <= 8: m.filter = .currentGroup
    case 1 where number >= 11: m.filter = .nextGroup
    case 2: m.filter = .nextObject
    case 3: m.filter = .from(Location(try reader.varint("Start"), try reader.varint("Start")))
    case 4:
      let start = Location(try reader.varint("Start"), try reader.varint("Start")), end = try reader.varint("EndGroup")
      let object = number == 7 ? try reader.varint("EndObject") : 0
      m.filter = .range(start, endGroup: end, endObject: object == 0 ? nil : object &- 1)
    default: throw WireError(.invalid, "Filter Type", found: filter, wanted: "1 to 4", offset: place)
    }
    m.parameters = try parameters(&reader)
    try reader.finish()
    return m
  }

  // MARK: SUBSCRIBE_OK

  private static func encode(_ m: SubscribeOK, _ out: inout TwinWriter) throws(WireError) {
    guard m.groupOrder != .publisher else { throw WireError(.invalid, "Group Order", wanted: "1 or 2") }
    guard m.priority == 128 else { throw .inexpressible("Publisher Priority") }
    try out.varint(0x4, "Type")
    let start = out.mark(wide: number >= 11)
    try out.varint(m.id, "Request ID")
    if number >= 12 {
      try out.varint(m.trackAlias, "Track Alias")
    } else if m.trackAlias != 0 {
      throw .inexpressible("Track Alias")
    }
    try out.varint(m.expiresMilliseconds, "Expires")
    out.byte(m.groupOrder.rawValue)
    if let largest = m.largest {
      out.byte(1)
      try out.varint(largest.group, "Largest Location")
      try out.varint(largest.object, "Largest Location")
    } else {
      out.byte(0)
    }
    try encode(m.parameters, &out)
    try out.close(start, wide: number >= 11)
  }

  private static func subscribeOK(_ reader: inout TwinReader) throws(WireError) -> SubscribeOK {
    var m = SubscribeOK()
    m.id = try reader.varint("Request ID")
    if number >= 12 { m.trackAlias = try reader.varint("Track Alias") }
    m.expiresMilliseconds = try reader.varint("Expires")
    let order = try reader.byte("Group Order")
    guard let known = GroupOrder(rawValue: order), known != .publisher else {
      throw WireError(.invalid, "Group Order", found: UInt64(order), wanted: "1 or 2", offset: reader.offset &- 1)
    }
    m.groupOrder = known
    if try flag(&reader, "Content Exists") {
      m.largest = Location(try reader.varint("Largest Location"), try reader.varint("Largest Location"))
    }
    m.parameters = try parameters(&reader)
    try reader.finish()
    return m
  }

  // MARK: Parts

  @inline(__always)
  private static func flag(_ reader: inout TwinReader, _ field: StaticString) throws(WireError) -> Bool {
    let raw = try reader.byte(field)
    guard raw <= 1 else {
      throw WireError(.invalid, .init(field), found: UInt64(raw), wanted: "0 or 1", offset: reader.offset &- 1)
    }
    return raw == 1
  }

  @inline(__always)
  private static func encode(_ list: [Parameter], _ out: inout TwinWriter) throws(WireError) {
    guard list.count <= 64 else { throw .tooLong("Number of Parameters", UInt64(list.count)) }
    try out.varint(UInt64(list.count), "Number of Parameters")
    var seen = 0
    for parameter in list {
      let type: UInt64
      switch parameter.key {
      case .deliveryTimeout:
        guard seen & 1 == 0 else { throw WireError(.duplicate, "Type") }
        (type, seen) = (number >= 11 ? 2 : 3, seen | 1)
      case .maxCacheDuration:
        guard seen & 2 == 0 else { throw WireError(.duplicate, "Type") }
        (type, seen) = (4, seen | 2)
      case .unknown(let code): type = code
      default: throw .inexpressible("Parameter Type")
      }
      try out.varint(type, "Type")
      switch parameter.value {
      case .bytes(let bytes):
        guard bytes.count <= 65_535, number <= 10 || type & 1 == 1 else { throw .inexpressible("Parameter") }
        try out.bytes(bytes, "Value")
      case .number(let value):
        guard number <= 10 || type & 1 == 0 else { throw .inexpressible("Parameter") }
        let start = number <= 10 ? out.mark(wide: false) : 0
        try out.varint(value, "Value")
        if number <= 10 { try out.close(start, wide: false) }
      case .token: throw .inexpressible("Parameter")
      }
    }
  }

  @inline(__always)
  private static func parameters(_ reader: inout TwinReader) throws(WireError) -> [Parameter] {
    let place = reader.offset, count = try reader.varint("Number of Parameters")
    guard count <= 64 else { throw WireError(.tooLong, "Number of Parameters", found: count, offset: place) }
    var list: [Parameter] = [], seen = 0
    for _ in 0..<count {
      let place = reader.offset, type = try reader.varint("Type")
      let key: Parameter.Key, isNumber: Bool
      switch type {
      case number >= 11 ? 2 : 3:
        guard seen & 1 == 0 else { throw WireError(.duplicate, "Type", found: type, offset: place) }
        (key, isNumber, seen) = (.deliveryTimeout, true, seen | 1)
      case 4:
        guard seen & 2 == 0 else { throw WireError(.duplicate, "Type", found: type, offset: place) }
        (key, isNumber, seen) = (.maxCacheDuration, true, seen | 2)
      default: (key, isNumber) = (.unknown(type), number >= 11 && type & 1 == 0)
      }
      if !isNumber {
        list.append(Parameter(key, .bytes([UInt8](try reader.bytes("Value", maximum: 65_535)))))
      } else if number <= 10 {
        let length = try reader.varint("Length"), end = reader.end
        try reader.body(length)
        list.append(Parameter(key, .number(try reader.varint("Value"))))
        try reader.finish()
        reader.end = end
      } else {
        list.append(Parameter(key, .number(try reader.varint("Value"))))
      }
    }
    return list
  }
}

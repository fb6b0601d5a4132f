import MoQKernel

/// What somebody writes by hand who needs one message of one draft and nothing else: no walk, no errors with
/// names, no limits beyond the bytes that are there.
struct TwinReader {
  let bytes: UnsafeRawBufferPointer
  var offset = 0
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func byte() -> UInt8? {
    guard offset < bytes.count else { return nil }
    defer { offset &+= 1 }
    return bytes[offset]
  }
  mutating func varint() -> UInt64? {
    guard offset < bytes.count else { return nil }
    let first = bytes[offset], size = 1 << Int(first >> 6)
    guard bytes.count &- offset >= size else { return nil }
    defer { offset &+= size }
    switch size {
    case 1: return UInt64(first)
    case 2: return UInt64(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self)) & 0x3fff)
    case 4: return UInt64(UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)) & 0x3fff_ffff)
    default:
      return UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)) & 0x3fff_ffff_ffff_ffff
    }
  }
  mutating func array() -> [UInt8]? {
    guard let count = varint(), count <= UInt64(bytes.count &- offset) else { return nil }
    defer { offset &+= Int(count) }
    return [UInt8](UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset &+ Int(count))]))
  }
  /// A tuple, kept as it is on the wire.
  mutating func tuple() -> (count: Int, encoded: [UInt8])? {
    guard let count = varint(), count <= 32 else { return nil }
    let start = offset
    for _ in 0..<count {
      guard let length = varint(), length <= UInt64(bytes.count &- offset) else { return nil }
      offset &+= Int(length)
    }
    return (Int(count), [UInt8](UnsafeRawBufferPointer(rebasing: bytes[start..<offset])))
  }
}

extension [UInt8] {
  mutating func put(_ value: UInt64) {
    switch value {
    case ..<0x40: append(UInt8(value))
    case ..<0x4000:
      append(0x40 | UInt8(value >> 8))
      append(UInt8(truncatingIfNeeded: value))
    case ..<0x4000_0000:
      for shift in [24, 16, 8, 0] as [UInt64] { append(UInt8(truncatingIfNeeded: (value | 0x8000_0000) >> shift)) }
    default:
      for shift in stride(from: 56, through: 0, by: -8) {
        append(UInt8(truncatingIfNeeded: (value | 0xc0 << 56) >> UInt64(shift)))
      }
    }
  }
  mutating func put(_ bytes: [UInt8]) {
    put(UInt64(bytes.count))
    append(contentsOf: bytes)
  }
}

struct TwinSubscribe {
  var id: UInt64
  var namespace: (count: Int, encoded: [UInt8])
  var path: [UInt8]
  var name = Array("video-1080p".utf8)
  var priority: UInt8 = 100, order: UInt8 = 0, forward = true
  var filter: UInt64 = 4, start = Location(1000, 3), endGroup: UInt64 = 4000
  var parameters: [(type: UInt64, value: [UInt8])] = [(0x21, Array("token-0123456789".utf8))]

  init(id: UInt64, namespace: TrackNamespace) {
    self.id = id
    var encoded: [UInt8] = []
    for field in namespace.fields { encoded.put(field) }
    self.namespace = (namespace.count, encoded)
    path = Array(namespace.path.utf8)
  }

  func encode14(_ out: inout [UInt8]) {
    out.append(3)
    let mark = out.count
    out.append(0)
    out.append(0)
    out.put(id)
    out.put(UInt64(namespace.count))
    out.append(contentsOf: namespace.encoded)
    out.put(name)
    out.append(priority)
    out.append(order)
    out.append(forward ? 1 : 0)
    out.put(filter)
    if filter >= 3 {
      out.put(start.group)
      out.put(start.object)
    }
    if filter == 4 { out.put(endGroup) }
    out.put(UInt64(parameters.count))
    for parameter in parameters {
      out.put(parameter.type)
      out.put(parameter.value)
    }
    let count = out.count - mark - 2
    out[mark] = UInt8(count >> 8)
    out[mark + 1] = UInt8(truncatingIfNeeded: count)
  }
  init?(decoding14 bytes: UnsafeRawBufferPointer) {
    var reader = TwinReader(bytes)
    guard reader.varint() == 3, reader.byte() != nil, reader.byte() != nil, let id = reader.varint(),
      let namespace = reader.tuple(), let name = reader.array(), let priority = reader.byte(),
      let order = reader.byte(),
      order <= 2, let forward = reader.byte(), forward <= 1, let filter = reader.varint(), filter >= 1, filter <= 4
    else { return nil }
    (self.id, self.namespace, self.name, self.priority) = (id, namespace, name, priority)
    (self.order, self.forward, self.filter, path) = (order, forward == 1, filter, [])
    if filter >= 3 {
      guard let group = reader.varint(), let object = reader.varint() else { return nil }
      start = Location(group, object)
    }
    if filter == 4 {
      guard let group = reader.varint() else { return nil }
      endGroup = group
    }
    guard let count = reader.varint(), count <= 64 else { return nil }
    parameters = []
    for _ in 0..<count {
      guard let type = reader.varint() else { return nil }
      if type & 1 == 0 {
        guard reader.varint() != nil else { return nil }
      } else {
        guard let value = reader.array() else { return nil }
        parameters.append((type, value))
      }
    }
    guard reader.offset == bytes.count else { return nil }
  }

  func encodeLite(_ out: inout [UInt8]) {
    let mark = out.count
    out.append(0)
    out.put(id)
    out.put(path)
    out.put(name)
    out.put(UInt64(priority))
    out[mark] = UInt8(out.count - mark - 1)
  }
  init?(decodingLite bytes: UnsafeRawBufferPointer) {
    var reader = TwinReader(bytes)
    guard reader.varint() != nil, let id = reader.varint(), let path = reader.array(), let name = reader.array(),
      let priority = reader.varint(), reader.offset == bytes.count,
      String(validating: path, as: UTF8.self) != nil, String(validating: name, as: UTF8.self) != nil
    else { return nil }
    (self.id, self.path, self.name, self.priority) = (id, path, name, UInt8(min(priority, 255)))
    var encoded: [UInt8] = [], count = 0
    for part in path.split(separator: UInt8(ascii: "/")) {
      encoded.put(UInt64(part.count))
      encoded.append(contentsOf: part)
      count += 1
    }
    namespace = (count, encoded)
  }
}

struct TwinSubscribeOK {
  var id: UInt64 = 0, alias: UInt64 = 0, expires: UInt64 = 60_000, order: UInt8 = 1, priority: UInt8 = 127
  var largest: Location? = Location(1000, 3)
  init() {}
  init(id: UInt64, alias: UInt64) { (self.id, self.alias) = (id, alias) }

  func encode14(_ out: inout [UInt8]) {
    out.append(4)
    let mark = out.count
    out.append(0)
    out.append(0)
    out.put(id)
    out.put(alias)
    out.put(expires)
    out.append(order)
    out.append(largest == nil ? 0 : 1)
    if let largest {
      out.put(largest.group)
      out.put(largest.object)
    }
    out.append(0)
    let count = out.count - mark - 2
    out[mark] = UInt8(count >> 8)
    out[mark + 1] = UInt8(truncatingIfNeeded: count)
  }
  init?(decoding14 bytes: UnsafeRawBufferPointer) {
    var reader = TwinReader(bytes)
    guard reader.varint() == 4, reader.byte() != nil, reader.byte() != nil, let id = reader.varint(),
      let alias = reader.varint(), let expires = reader.varint(), let order = reader.byte(), order == 1 || order == 2,
      let exists = reader.byte(), exists <= 1
    else { return nil }
    (self.id, self.alias, self.expires, self.order) = (id, alias, expires, order)
    largest = nil
    if exists == 1 {
      guard let group = reader.varint(), let object = reader.varint() else { return nil }
      largest = Location(group, object)
    }
    guard reader.varint() == 0, reader.offset == bytes.count else { return nil }
  }
  func encodeLite(_ out: inout [UInt8]) {
    out.append(priority < 64 ? 1 : 2)
    out.put(UInt64(priority))
  }
  init?(decodingLite bytes: UnsafeRawBufferPointer) {
    var reader = TwinReader(bytes)
    guard reader.varint() != nil, let priority = reader.varint(), reader.offset == bytes.count else { return nil }
    self.priority = UInt8(min(priority, 255))
  }
}

enum Twin {
  @inline(never) static func trip<M>(
    _ n: Int, _ message: M, _ encode: (M, inout [UInt8]) -> Void, _ decode: (UnsafeRawBufferPointer) -> M?
  ) {
    var out: [UInt8] = [], good = 0
    out.reserveCapacity(512)
    for _ in 0..<n {
      out.removeAll(keepingCapacity: true)
      encode(message, &out)
      if out.withUnsafeBytes({ decode($0) }) != nil { good += 1 }
    }
    precondition(good == n)
  }

  enum Form { case draft, lite }

  /// A stream of objects: subgroup 0 without extension headers, or a group of frames.
  struct Stream {
    let form: Form
    let bytes: [UInt8]
    init(_ form: Form) {
      self.form = form
      var out: [UInt8] = form == .draft ? [0x10, 1, 2, 128] : [0, 2, 1, 2]
      for _ in 0..<Codec.count {
        if form == .draft { out.append(0) }
        out.put([UInt8](repeating: 1, count: Codec.payload))
      }
      bytes = out
    }
    @inline(never) func read(_ n: Int) {
      var left = n, sum: UInt64 = 0
      bytes.withUnsafeBytes { bytes in
        while left > 0 {
          var reader = TwinReader(bytes), next: UInt64 = 0
          reader.offset = 4
          while reader.offset < bytes.count, left > 0 {
            if form == .draft {
              guard let delta = reader.varint() else { return }
              next &+= delta
            }
            guard let count = reader.varint(), count > 0, count <= UInt64(bytes.count &- reader.offset) else { return }
            sum &+= next &+ UInt64(bytes[reader.offset])
            reader.offset &+= Int(count)
            next &+= 1
            left -= 1
          }
        }
      }
      precondition(sum > 0)
    }
  }
  @inline(never) static func write(_ form: Form, _ n: Int) {
    var out: [UInt8] = [], left = n
    out.reserveCapacity(16 * Codec.count)
    while left > 0 {
      out.removeAll(keepingCapacity: true)
      out += form == .draft ? [0x10, 1, 2, 128] : [0, 2, 1, 2]
      var previous: UInt64?
      for id in 0..<UInt64(min(Codec.count, left)) {
        if form == .draft { out.put(id &- (previous.map { $0 &+ 1 } ?? 0)) }
        out.put(UInt64(Codec.payload))
        previous = id
      }
      left -= Codec.count
    }
    precondition(out.count > 0)
  }

  static func datagram() -> [UInt8] {
    var out: [UInt8] = [0]
    for number in [70_000, 1_000, 3] as [UInt64] { out.put(number) }
    return out + [128] + [UInt8](repeating: 1, count: 1_000)
  }
  @inline(never) static func read(datagram: [UInt8], _ n: Int) {
    var sum: UInt64 = 0
    for _ in 0..<n {
      datagram.withUnsafeBytes { bytes in
        var reader = TwinReader(bytes)
        guard let type = reader.varint(), type < 8, let alias = reader.varint(), let group = reader.varint(),
          let object = reader.varint(), let priority = reader.byte(), reader.offset < bytes.count
        else { return }
        sum &+= alias &+ group &+ object &+ UInt64(priority) &+ UInt64(bytes[reader.offset])
      }
    }
    precondition(sum > 0)
  }
}

import MoQKernel

/// Streams and datagrams of objects.
extension Twin {
  private static var base: UInt64 { number <= 10 ? 0x4 : number == 11 ? 0x8 : 0x10 }
  private static var allowed: UInt64 { number <= 10 ? 0 : number == 11 ? 7 : 0xf }
  /// Bits of what is there in every stream.
  private static var always: UInt8 { number == 7 ? 4 : number <= 10 ? 5 : 0 }

  static func subgroup(_ bytes: [UInt8], _ n: Int) {
    var writer = TwinWriter(capacity: 512), sum: UInt64 = 0
    bytes.withUnsafeBytes { bytes in
      for _ in 0..<n {
        writer.clear()
        var reader = TwinReader(bytes), object = TwinObject(), out = TwinStream(), stream = TwinStream()
        object.payloadLength = UInt64(Codec.payload)
        do throws(WireError) {
          try header(&out, &writer)
          try write(object, &out, &writer)
          try header(&stream, &reader)
          try read(&object, &stream, &reader)
        } catch { return }
        guard object.payloadLength <= UInt64(reader.remaining) else { return }
        sum &+= UInt64(bytes[reader.offset]) &+ Codec.seen(object)
      }
    }
    precondition(sum >= UInt64(n) && writer.used > 0)
  }
  static func objects(_ bytes: [UInt8], _ n: Int) {
    var writer = TwinWriter(capacity: 16 * Codec.count), sum: UInt64 = 0, left = n
    bytes.withUnsafeBytes { bytes in
      while left > 0 {
        writer.clear()
        var reader = TwinReader(bytes), object = TwinObject(), out = TwinStream(), stream = TwinStream()
        do throws(WireError) {
          try header(&out, &writer)
          try header(&stream, &reader)
          while reader.remaining > 0, left > 0 {
            try read(&object, &stream, &reader)
            guard object.payloadLength <= UInt64(reader.remaining) else { return }
            sum &+= UInt64(bytes[reader.offset]) &+ Codec.seen(object)
            reader.offset &+= Int(object.payloadLength)
            try write(object, &out, &writer)
            left -= 1
          }
        } catch { return }
      }
    }
    precondition(sum >= UInt64(n) && writer.used > 0)
  }
  static func datagram(_ bytes: [UInt8], _ n: Int) {
    var writer = TwinWriter(capacity: 512), sum: UInt64 = 0
    bytes.withUnsafeBytes { bytes in
      for _ in 0..<n {
        writer.clear()
        var reader = TwinReader(bytes), object = TwinObject()
        do throws(WireError) {
          let alias = try datagram(&object, &reader)
          try datagram(object, alias, &writer)
        } catch { return }
        sum &+= UInt64(bytes[reader.offset]) &+ Codec.seen(object)
      }
    }
    precondition(sum >= UInt64(n) && writer.used > 0)
  }

  // MARK: Streams

  private static func header(_ stream: inout TwinStream, _ out: inout TwinWriter) throws(WireError) {
    if number == 0 { return try groupHeader(&stream, &out) }
    try out.varint(base | UInt64(stream.flags), "Type")
    try out.varint(stream.alias, "Track Alias")
    try out.varint(stream.group, "Group ID")
    stream.flags |= always
    if stream.flags & 4 != 0 {
      try out.varint(stream.subgroup ?? 0, "Subgroup ID")
    } else if stream.flags & 2 == 0, stream.subgroup != 0 {
      throw .inexpressible("Subgroup ID")
    }
    out.byte(stream.priority)
  }
  private static func header(_ stream: inout TwinStream, _ reader: inout TwinReader) throws(WireError) {
    if number == 0 { return try groupHeader(&stream, &reader) }
    let type = try reader.varint("Type"), flags = type & allowed
    // 12 and 13 print an older list of types beside the one that is meant.
    let isOlder = (number == 12 || number == 13) && type & ~7 == 8
    guard type & ~allowed == base || isOlder, flags & 6 != 6 else {
      throw WireError(.invalid, "Type", found: type, wanted: "a subgroup's stream type", offset: 0)
    }
    stream.flags = UInt8(truncatingIfNeeded: isOlder ? flags & 7 : flags) | always
    stream.alias = try reader.varint("Track Alias")
    stream.group = try reader.varint("Group ID")
    stream.subgroup = stream.flags & 2 != 0 ? nil : 0
    if stream.flags & 4 != 0 { stream.subgroup = try reader.varint("Subgroup ID") }
    stream.priority = try reader.byte("Publisher Priority")
  }

  @inline(__always)
  private static func read(
    _ o: inout TwinObject, _ stream: inout TwinStream, _ reader: inout TwinReader
  ) throws(WireError) {
    if number == 0 { return try readFrame(&o, &stream, &reader) }
    let mark = reader.offset
    do throws(WireError) {
      let id = try reader.varint("Object ID")
      if number == 14 {
        guard stream.next <= 0x3fff_ffff_ffff_ffff, id <= 0x3fff_ffff_ffff_ffff &- stream.next else {
          throw WireError(.invalid, "Object ID Delta", found: id, wanted: "an object id below 2^62", offset: mark)
        }
        o.id = stream.next &+ id
      } else {
        guard id >= stream.next else {
          throw WireError(.invalid, "Object ID", found: id, wanted: "more than the one before", offset: mark)
        }
        o.id = id
      }
      if stream.flags & 1 != 0 {
        o.extensions = try extensions(&reader)
      } else {
        o.extensions = UnsafeRawBufferPointer(start: nil, count: 0)
      }
      o.payloadLength = try reader.varint("Object Payload Length")
      o.status = o.payloadLength == 0 ? try status(&reader) : .normal
      guard number < 11 || o.extensions.count == 0 || o.status != .doesNotExist else {
        throw WireError(.invalid, "Object Status", found: 1, wanted: "no extension headers beside it", offset: mark)
      }
    } catch {
      reader.offset = mark
      throw error
    }
    stream.next = o.id &+ 1
    if stream.subgroup == nil { stream.subgroup = o.id }
    (o.group, o.subgroup, o.priority) = (stream.group, stream.subgroup ?? 0, stream.priority)
  }
  @inline(__always)
  private static func write(
    _ o: TwinObject, _ stream: inout TwinStream, _ out: inout TwinWriter
  ) throws(WireError) {
    if number == 0 { return try writeFrame(o, &stream, &out) }
    guard o.id >= stream.next else { throw .inexpressible("Object ID") }
    try out.varint(number == 14 ? o.id &- stream.next : o.id, "Object ID")
    if stream.flags & 1 != 0 {
      try extensions(o.extensions, &out)
    } else if o.extensions.count > 0 {
      throw .inexpressible("Extension headers")
    }
    try out.varint(o.payloadLength, "Object Payload Length")
    if o.payloadLength == 0 {
      try out.varint(UInt64(o.status.rawValue), "Object Status")
    } else if o.status != .normal {
      throw .inexpressible("Object Status")
    }
    stream.next = o.id &+ 1
    if stream.subgroup == nil { stream.subgroup = o.id }
  }

  // MARK: Datagrams

  /// The bits that say that there are extension headers, a status.
  private static var extensionBit: UInt64 { number >= 11 ? 1 : 0 }
  private static var statusBit: UInt64 { number == 14 ? 0x20 : number >= 12 ? 4 : number >= 8 ? 2 : 0 }
  private static func isDatagram(_ type: UInt64) -> Bool {
    switch number {
    case 7: type == 1
    case 8...10: type == 1 || type == 2
    case 11: type < 4
    case 12, 13: type < 6
    default: type < 8 || type == 0x20 || type == 0x21
    }
  }

  private static func datagram(_ o: inout TwinObject, _ reader: inout TwinReader) throws(WireError) -> UInt64 {
    let type = try reader.varint("Type")
    guard isDatagram(type) else {
      throw WireError(.invalid, "Type", found: type, wanted: "a datagram's type", offset: 0)
    }
    let hasStatus = statusBit != 0 && type & statusBit != 0
    let alias = try reader.varint("Track Alias")
    o.group = try reader.varint("Group ID")
    o.id = number == 14 && type & 4 != 0 ? 0 : try reader.varint("Object ID")
    o.priority = try reader.byte("Publisher Priority")
    if number == 9 || number == 10 || number == 8 && !hasStatus {
      o.extensions = try extensions(&reader)
    } else if extensionBit != 0, type & extensionBit != 0 {
      let place = reader.offset
      o.extensions = try extensions(&reader)
      guard o.extensions.count > 0 else {
        throw WireError(.invalid, "Extension Headers Length", wanted: "extension headers", offset: place)
      }
    }
    if number == 7 {
      let place = reader.offset
      o.payloadLength = try reader.varint("Object Payload Length")
      o.status = o.payloadLength == 0 ? try status(&reader) : .normal
      guard o.payloadLength == UInt64(reader.remaining) else {
        throw WireError(.truncated, "Object Payload", found: o.payloadLength, offset: place)
      }
    } else {
      o.status = hasStatus ? try status(&reader) : .normal
      guard !hasStatus || reader.remaining == 0 else {
        throw WireError(.trailing, "Message Length", found: UInt64(reader.remaining), offset: reader.offset)
      }
      o.payloadLength = UInt64(reader.remaining)
    }
    return alias
  }
  private static func datagram(_ o: TwinObject, _ alias: UInt64, _ out: inout TwinWriter) throws(WireError) {
    guard o.status == .normal || number == 7 else { throw .inexpressible("Object Status") }
    var type: UInt64 = number >= 11 ? 0 : 1
    if number >= 11, o.extensions.count > 0 { type |= 1 }
    if number == 14, o.id == 0 { type |= 4 }
    try out.varint(type, "Type")
    try out.varint(alias, "Track Alias")
    try out.varint(o.group, "Group ID")
    if type & 4 == 0 { try out.varint(o.id, "Object ID") }
    out.byte(o.priority ?? 128)
    if (8...10).contains(number) || number >= 11 && type & 1 != 0 { try extensions(o.extensions, &out) }
    if number == 7 {
      try out.varint(o.payloadLength, "Object Payload Length")
      if o.payloadLength == 0 { try out.varint(UInt64(o.status.rawValue), "Object Status") }
    }
  }

  // MARK: Parts

  private static func status(_ reader: inout TwinReader) throws(WireError) -> ObjectStatus {
    let place = reader.offset, found = try reader.varint("Object Status")
    switch found {
    case 0: return .normal
    case 1: return .doesNotExist
    case 3: return .endOfGroup
    case 4: return number <= 10 ? .endOfTrackAndGroup : .endOfTrack
    case 5 where number == 7: return .endOfSubgroup
    case 5 where number <= 10: return .endOfTrack
    default: throw WireError(.invalid, "Object Status", found: found, wanted: "a status of this draft", offset: place)
    }
  }
  /// Extension headers: counted in 08, with their length since 09.
  @inline(__always)
  private static func extensions(_ reader: inout TwinReader) throws(WireError) -> UnsafeRawBufferPointer {
    guard number == 8 else { return try reader.bytes("Extension headers", maximum: 65_536) }
    let count = try reader.varint("Extension Count"), start = reader.offset
    for _ in 0..<count {
      if try reader.varint("Extension headers") & 1 == 0 {
        _ = try reader.varint("Extension headers")
      } else {
        _ = try reader.bytes("Extension headers", maximum: 65_536)
      }
      guard reader.offset &- start <= 65_536 else { throw .tooLong("Extension headers", count) }
    }
    return UnsafeRawBufferPointer(start: reader.base + start, count: reader.offset &- start)
  }
  @inline(__always)
  private static func extensions(_ bytes: UnsafeRawBufferPointer, _ out: inout TwinWriter) throws(WireError) {
    guard bytes.count <= 65_536 else { throw .tooLong("Extension headers", UInt64(bytes.count)) }
    var count = UInt64(bytes.count)
    if number == 8 {
      var reader = TwinReader(bytes)
      count = 0
      while reader.remaining > 0 {
        if try reader.varint("Extension headers") & 1 == 0 {
          _ = try reader.varint("Extension headers")
        } else {
          _ = try reader.bytes("Extension headers")
        }
        count &+= 1
      }
    }
    try out.varint(count, "Extension headers")
    if bytes.count > 0 { out.raw([UInt8](bytes)) }
  }
}

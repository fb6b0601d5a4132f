import MoQKernel

/// moq-lite-01 by hand.
enum LiteTwin: Twin {
  static var number: Int { 0 }
  static var hasLength: Bool { true }

  @inline(never) static func encode(_ message: Message, _ out: inout TwinWriter) throws(WireError) {
    let start = out.mark(wide: false)
    switch message {
    case .subscribe(let m):
      guard m.trackAlias == 0, m.groupOrder == .publisher, m.forward, m.filter == .currentGroup, m.parameters.isEmpty
      else { throw .inexpressible("SUBSCRIBE") }
      try out.varint(m.id, "Subscribe ID")
      try path(m.namespace, &out)
      guard isText(m.name) else { throw .inexpressible("Track Name") }
      try out.bytes(m.name, "Track Name")
      try out.varint(UInt64(255 - m.priority), "Subscriber Priority")
    case .subscribeOK(let m):
      guard m.id == 0, m.trackAlias == 0, m.expiresMilliseconds == 0, m.groupOrder == .ascending, m.largest == nil,
        m.parameters.isEmpty
      else { throw .inexpressible("SUBSCRIBE_OK") }
      try out.varint(UInt64(255 - m.priority), "Publisher Priority")
    default: throw WireError(.inexpressible, "message")
    }
    try out.close(start, wide: false)
  }

  @inline(never)
  static func decode(_ kind: MessageKind, _ bytes: UnsafeRawBufferPointer) throws(WireError) -> Message {
    var reader = TwinReader(bytes)
    try reader.body(try reader.varint("Length"))
    switch kind {
    case .subscribe:
      var m = Subscribe()
      m.filter = .currentGroup
      m.id = try reader.varint("Subscribe ID")
      m.namespace = try path(&reader)
      let start = reader.offset, name = try reader.bytes("Track Name")
      m.name = [UInt8](name)
      guard isText(m.name) else {
        throw WireError(.invalid, "Track Name", found: UInt64(name.count), wanted: "UTF-8", offset: start)
      }
      m.priority = 255 - UInt8(min(try reader.varint("Subscriber Priority"), 255))
      try reader.finish()
      return .subscribe(m)
    case .subscribeOK:
      var m = SubscribeOK()
      m.priority = 255 - UInt8(min(try reader.varint("Publisher Priority"), 255))
      try reader.finish()
      return .subscribeOK(m)
    default: throw WireError(.inexpressible, "message")
    }
  }

  // MARK: Paths

  static func isText(_ bytes: [UInt8]) -> Bool {
    bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
  }
  /// The parts between slashes, each behind its length.
  private static func path(_ reader: inout TwinReader) throws(WireError) -> TrackNamespace {
    let place = reader.offset, text = try reader.bytes("Broadcast Path", maximum: 4_128)
    var isASCII = true, count = 0
    // A part of 64 bytes or more has a length of two bytes, in the place of one slash.
    let encoded = [UInt8](unsafeUninitializedCapacity: text.count + text.count / 64 + 1) { out, used in
      var index = 0
      while index < text.count {
        let start = index
        while index < text.count, text[index] != UInt8(ascii: "/") {
          isASCII = isASCII && text[index] < 0x80
          index &+= 1
        }
        let size = index &- start
        if size > 0 {
          if size < 0x40 {
            out[used] = UInt8(truncatingIfNeeded: size)
            used &+= 1
          } else {
            out[used] = 0x40 | UInt8(truncatingIfNeeded: size >> 8)
            out[used &+ 1] = UInt8(truncatingIfNeeded: size)
            used &+= 2
          }
          for offset in start..<index { out[used &+ offset &- start] = text[offset] }
          used &+= size
          count &+= 1
        }
        index &+= 1
      }
    }
    guard isASCII || String(validating: text, as: UTF8.self) != nil else {
      throw WireError(.invalid, "Broadcast Path", found: UInt64(text.count), wanted: "UTF-8", offset: place)
    }
    guard count <= 32 else {
      throw WireError(.tooLong, "Broadcast Path", found: UInt64(count), wanted: "at most 32 parts", offset: place)
    }
    return TrackNamespace(count: count, encoded: encoded)
  }
  private static func path(_ namespace: TrackNamespace, _ out: inout TwinWriter) throws(WireError) {
    let encoded = namespace.encoded
    var text: [UInt8] = [], index = 0, isASCII = true
    text.reserveCapacity(encoded.count)
    while index < encoded.count {
      var size = Int(encoded[index] & 0x3f)
      if encoded[index] >= 0x40 {
        guard encoded[index] < 0x80, index + 1 < encoded.count else { throw .inexpressible("Broadcast Path") }
        size = size << 8 | Int(encoded[index + 1])
        index += 1
      }
      index += 1
      guard size > 0, size <= encoded.count - index else { throw .inexpressible("Broadcast Path") }
      if !text.isEmpty { text.append(UInt8(ascii: "/")) }
      for offset in index..<(index + size) {
        let byte = encoded[offset]
        guard byte != UInt8(ascii: "/") else { throw .inexpressible("Broadcast Path") }
        isASCII = isASCII && byte < 0x80
        text.append(byte)
      }
      index += size
    }
    guard namespace.count <= 32, isASCII || isText(text) else { throw .inexpressible("Broadcast Path") }
    try out.bytes(text, "Broadcast Path")
  }
}

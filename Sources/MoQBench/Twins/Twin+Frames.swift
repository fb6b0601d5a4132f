import MoQKernel

/// Groups of frames, as moq-lite and transfork have them: a message, then a length before each payload.
extension Twin {
  static func groupHeader(_ stream: inout TwinStream, _ out: inout TwinWriter) throws(WireError) {
    guard stream.subgroup == 0 else { throw .inexpressible("Subgroup ID") }
    try out.varint(0, "Type")
    let start = hasLength ? out.mark(wide: false) : 0
    try out.varint(stream.alias, "Subscribe ID")
    try out.varint(stream.group, "Group Sequence")
    if hasLength { try out.close(start, wide: false) }
  }
  static func groupHeader(_ stream: inout TwinStream, _ reader: inout TwinReader) throws(WireError) {
    let type = try reader.varint("Type")
    guard type == 0 else { throw WireError(.invalid, "Type", found: type, wanted: "a group's stream type", offset: 0) }
    let end = reader.end
    if hasLength { try reader.body(try reader.varint("Message Length")) }
    stream.alias = try reader.varint("Subscribe ID")
    stream.group = try reader.varint("Group Sequence")
    if hasLength {
      try reader.finish()
      reader.end = end
    }
  }
  @inline(__always)
  static func readFrame(_ o: inout TwinObject, _ stream: inout TwinStream, _ reader: inout TwinReader)
    throws(WireError)
  {
    guard stream.next <= 0x3fff_ffff_ffff_ffff else {
      throw WireError(.invalid, "Object ID", found: stream.next, wanted: "an end before it", offset: reader.offset)
    }
    o.payloadLength = try reader.varint("Message Length")
    (o.group, o.subgroup, o.id, o.priority, o.status) = (stream.group, 0, stream.next, nil, .normal)
    o.extensions = UnsafeRawBufferPointer(start: nil, count: 0)
    stream.next &+= 1
  }
  @inline(__always)
  static func writeFrame(_ o: TwinObject, _ stream: inout TwinStream, _ out: inout TwinWriter) throws(WireError) {
    guard stream.next <= 0x3fff_ffff_ffff_ffff else { throw WireError(.invalid, "Object ID", found: stream.next) }
    guard o.id == stream.next else { throw .inexpressible("Object ID") }
    guard o.extensions.count == 0 else { throw .inexpressible("Extension headers") }
    guard o.status == .normal else { throw .inexpressible("Object Status") }
    try out.varint(o.payloadLength, "Message Length")
    stream.next &+= 1
  }
}

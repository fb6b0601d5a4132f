/// What bytes mean under a dialect: every byte named, as far as they can be read.
public struct Explanation: Sendable {
  /// What the dialect calls it: a message's name, `SUBGROUP_HEADER`, `FETCH_HEADER`, `OBJECT_DATAGRAM`, `GROUP`.
  public var name: String
  /// Which message it is, where it is one.
  public var kind: MessageKind?
  /// The message, where it was read whole.
  public var message: Message?
  /// The fields, from the first byte to the last one that could be read.
  public var notes: [Note]
  /// The same as the public vectors write it.
  public var json: JSON
  /// How many bytes were explained.
  public var count: Int
  /// Where and why reading ended early.
  public var error: MessageError?

  /// The notes, one line each.
  public var description: String { notes.map(\.description).joined(separator: "\n") }
}

extension Dialect {
  /// Explains the control message at the start of `bytes`. `kind` nil: as its type says.
  ///
  /// What the text forbids but a tool can show is shown.
  public static func explain(_ bytes: [UInt8], as kind: MessageKind? = nil) -> Explanation {
    let reader = WireReader(bytes.span.bytes, integers: objects.integers)
    guard let kind = kind ?? typeOf(bytes).flatMap({ self.kind(ofType: $0) }) else {
      let type = typeOf(bytes)
      let error = type.map { WireError(.unknownMessage, "Type", found: $0, offset: 0) } ?? .truncated("Type")
      return Explanation(
        name: "unknown", notes: [], json: .object([]), count: 0,
        error: MessageError(dialect: name, message: "message", section: "", error: error))
    }
    var explainer = Explainer(reader, message: name(of: kind)), message = Message(blank: kind), failure: MessageError?
    do throws(WireError) {
      let outer = try explainer.open(type(of: kind), framing(of: kind))
      try walk(&message, &explainer)
      if let outer { try explainer.wire.finish(outer) }
    } catch {
      failure = explain(explainer.located(error), in: kind)
    }
    return Explanation(
      name: name(of: kind), kind: kind, message: failure == nil ? message : nil, notes: explainer.notes,
      json: explainer.json, count: explainer.wire.position, error: failure)
  }

  private static func typeOf(_ bytes: [UInt8]) -> UInt64? {
    guard case .typed = framing else { return nil }
    var reader = WireReader(bytes.span.bytes, integers: objects.integers)
    return reader.varint()
  }

  /// Explains a unidirectional stream from its type on: a header, then objects with their payloads.
  public static func explain(stream bytes: [UInt8]) -> Explanation {
    let forms = objects
    var reader = WireReader(bytes.span.bytes, integers: forms.integers)
    let type = reader.varint()
    if let type, let fetch = FetchStream(forms), type == fetch.form.type { return explain(fetch: bytes, fetch) }
    var stream = SubgroupStream(forms), objects: [JSON] = [], failure: WireError?
    let message = forms.subgroup.name.description
    var explainer = Explainer(WireReader(bytes.span.bytes, integers: forms.integers), message: message)
    do throws(WireError) {
      try stream.walkHeader(&explainer)
      if forms.subgroup.flags.contains(.endOfGroup) {
        explainer.set("contains_end_of_group", .bool(stream.flags.contains(.endOfGroup)))
      }
      while explainer.wire.remaining > 0 {
        objects.append(try explainer.object(of: &stream))
      }
    } catch {
      failure = explainer.located(error)
    }
    if stream.form.content.isSubgroup, stream.subgroup != nil, !stream.flags.contains(.subgroupID) {
      explainer.set("subgroup_id", .integer(stream.subgroup ?? 0))
    }
    return explainer.data(
      message.lowercased(), objects, failure, dialect: name, message, section: forms.subgroup.section)
  }

  private static func explain(fetch bytes: [UInt8], _ stream: FetchStream) -> Explanation {
    var stream = stream, objects: [JSON] = [], failure: WireError?
    var explainer = Explainer(WireReader(bytes.span.bytes, integers: self.objects.integers), message: "FETCH_HEADER")
    do throws(WireError) {
      try stream.walkHeader(&explainer)
      while explainer.wire.remaining > 0 {
        objects.append(try explainer.object(of: &stream))
      }
    } catch {
      failure = explainer.located(error)
    }
    return explainer.data(
      "fetch_header", objects, failure, dialect: name, "FETCH_HEADER", section: stream.form.section)
  }

  /// Explains a datagram.
  public static func explain(datagram bytes: [UInt8]) -> Explanation {
    var explainer = Explainer(
      WireReader(bytes.span.bytes, integers: objects.integers), message: "OBJECT_DATAGRAM")
    guard var datagram = ObjectDatagram(objects) else {
      return explainer.data(
        "object_datagram", nil, .inexpressible("message"), dialect: name, "OBJECT_DATAGRAM", section: "")
    }
    var failure: WireError?, header = ObjectHeader()
    do throws(WireError) {
      try datagram.walk(&header, &explainer)
      if datagram.form.endOfGroupBit != 0 { explainer.set("end_of_group", .bool(datagram.endOfGroup)) }
      try datagram.measure(&header, explainer.wire.remaining)
      if !datagram.isStatus { explainer.payload(explainer.wire.remaining) }
    } catch {
      failure = explainer.located(error)
    }
    return explainer.data(
      datagram.isStatus ? "object_datagram_status" : "object_datagram", nil, failure, dialect: name, "OBJECT_DATAGRAM",
      section: datagram.form.section)
  }
}

extension Explainer {
  /// Reads a message's type and length, and notes them; returns the bound to restore.
  mutating func open(_ type: UInt64?, _ framing: Framing) throws(WireError) -> Int? {
    switch framing {
    case .typed(let length):
      let start = wire.position
      var found: UInt64 = 0
      try wire.varint("Type", &found)
      note("Type", from: start, "0x" + String(found, radix: 16))
      guard found == type else { throw .invalid("Type", found, wanted: "the message's type") }
      return try openBody(length)
    case .length(let length): return try openBody(length)
    case .bare: return nil
    }
  }
  private mutating func openBody(_ length: Framing.Length) throws(WireError) -> Int {
    let start = wire.position, outer = try wire.beginBody(length)
    note("Length", from: start, "\(wire.remaining)")
    return outer
  }
  /// One object with its payload, as a note with parts and as JSON of its own.
  mutating func object(of stream: inout SubgroupStream) throws(WireError) -> JSON {
    let start = wire.position, outer = begin()
    var header = ObjectHeader(), failure: WireError?
    stream.begin(&header)
    do throws(WireError) {
      try stream.walk(&header, &self)
      if stream.form.content.isFrames || stream.form.ids == .deltas { set("object_id", .integer(header.id)) }
      try payload(of: header.payloadLength)
    } catch {
      failure = located(error)
    }
    let json = end(outer, "Object", from: start)
    if let failure { throw failure }
    return json
  }
  mutating func object(of stream: inout FetchStream) throws(WireError) -> JSON {
    let start = wire.position, outer = begin()
    var header = ObjectHeader(), failure: WireError?
    do throws(WireError) {
      try stream.walk(&header, &self)
      try payload(of: header.payloadLength)
    } catch {
      failure = located(error)
    }
    let json = end(outer, "Object", from: start)
    if let failure { throw failure }
    return json
  }
  private mutating func payload(of length: UInt64) throws(WireError) {
    guard length <= UInt64(wire.remaining) else {
      throw WireError(.truncated, "Object Payload", found: length, offset: wire.position)
    }
    payload(Int(length))
  }
  mutating func payload(_ count: Int) {
    let start = wire.position
    guard count <= wire.remaining else { return }
    let bytes = wire.copy(count)
    if count > 0 { note("Object Payload", from: start, Self.shown(bytes)) }
    set("payload_hex", .string(JSON.hex(bytes)))
  }
  /// Where in the bytes an error's field is.
  func located(_ error: WireError) -> WireError {
    var error = error
    if error.offset < 0 { error.offset = wire.lastField }
    return error
  }
  /// What was noted of a stream or datagram.
  mutating func data(
    _ type: String, _ objects: [JSON]?, _ failure: WireError?, dialect: String, _ message: String,
    section: StaticString
  ) -> Explanation {
    set("stream_type", .string(type))
    if let objects { set("objects", .array(objects)) }
    return Explanation(
      name: message, notes: notes, json: json.renamingType, count: wire.position,
      error: failure.map {
        MessageError(dialect: dialect, message: message, section: section.description, error: $0)
      })
  }
}

extension JSON {
  /// The vectors call a stream's type `stream_type_id`, and a payload's length `payload_length`.
  fileprivate var renamingType: JSON {
    guard case .object(let members) = self else { return self }
    return .object(
      members.map { member in
        switch (member.key, member.value) {
        case ("type", _): Member("stream_type_id", member.value)
        case ("objects", .array(let objects)): Member("objects", .array(objects.map(\.renamingType)))
        case ("object_payload_length", _): Member("payload_length", member.value)
        case ("message_length", _): Member("payload_length", member.value)
        default: member
        }
      })
  }
}

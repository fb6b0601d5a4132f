/// Decodes what each side of a recording sent, writes it again and compares.
struct RecordingDecoder {
  typealias Problem = RecordingRunner.Problem
  let dialect: any Dialect.Type
  let forms: ObjectForms
  /// The messages of the client (true) and of the server.
  private(set) var names: [Bool: Set<String>] = [:]
  private var messages = 0, streams = 0, objects = 0, datagrams = 0
  var summary: String { "\(messages) messages, \(streams) data streams, \(objects) objects, \(datagrams) datagrams" }

  init(_ dialect: any Dialect.Type) { (self.dialect, forms) = (dialect, dialect.objects) }

  mutating func decode(_ stream: RecordingRunner.Stream) throws(Problem) {
    if !stream.isBidirectional { return try decode(data: stream) }
    guard !dialect.requestStreams.isEmpty else { return try decodeControl(stream) }
    try decodeRequest(stream)
  }

  // MARK: Control messages

  private mutating func decodeControl(_ stream: RecordingRunner.Stream) throws(Problem) {
    guard stream.id == 0 else { throw Problem("a bidirectional stream beside the control stream") }
    var rest = stream.bytes[...]
    while !rest.isEmpty {
      let bytes = Array(rest), frame: ControlFrame?
      do throws(WireError) { frame = try dialect.frame(bytes.span.bytes) } catch { throw Problem("\(error)") }
      guard let type = frame?.type, let kind = dialect.kind(ofType: type) else {
        throw Problem("no message begins with \(VectorRunner.around(bytes, 0))")
      }
      rest = rest.dropFirst(try decode(kind, bytes, stream))
    }
  }
  /// Streams that carry one request each: a type, then messages that their place names. The type of a stream is
  /// known from what its opener sent, so an acceptor's part is tried with each kind of stream.
  private mutating func decodeRequest(_ stream: RecordingRunner.Stream) throws(Problem) {
    if stream.isOpener {
      var reader = WireReader(stream.bytes.span.bytes, integers: forms.integers)
      guard let type = reader.varint(), let form = dialect.requestStreams.first(where: { $0.type == type }) else {
        throw Problem("no stream begins with \(VectorRunner.around(stream.bytes, 0))")
      }
      opened[stream.id] = form
      return try decode(form.opener, stream.bytes[(form.isMessageType ? 0 : reader.position)...], stream)
    }
    guard let form = opened[stream.id] else { throw Problem("answered before it was opened") }
    // A fetched group: frames, which are a length and a payload each.
    guard form.acceptor.first != nil else { return try decodeFrames(stream) }
    try decode(form.acceptor, stream.bytes[...], stream)
  }
  private var opened: [UInt64: RequestStream] = [:]

  private mutating func decode(
    _ side: RequestStream.Side, _ bytes: ArraySlice<UInt8>, _ stream: RecordingRunner.Stream
  ) throws(Problem) {
    var rest = bytes, kind: MessageKind? = side.first
    while !rest.isEmpty {
      guard let next = kind else { throw Problem("\(rest.count) bytes after the last message") }
      rest = rest.dropFirst(try decode(next, Array(rest), stream))
      kind = side.then
    }
  }
  /// One message; returns how many bytes it has.
  private mutating func decode(
    _ kind: MessageKind, _ bytes: [UInt8], _ stream: RecordingRunner.Stream
  ) throws(Problem) -> Int {
    var reader = WireReader(bytes.span.bytes, integers: forms.integers)
    let message: Message
    do throws(WireError) { message = try dialect.decode(kind, from: &reader) } catch {
      throw Problem("\(dialect.explain(error, in: kind)): \(VectorRunner.around(bytes, error.offset))")
    }
    var writer = WireWriter(integers: forms.integers)
    do throws(WireError) { try dialect.encode(message, into: &writer) } catch {
      throw Problem("cannot be written again: \(dialect.explain(error, in: kind))")
    }
    let theirs = Array(bytes[..<reader.position])
    try compare(writer.bytes, theirs, dialect.name(of: kind)) {
      dialect.explain($0, as: kind).message == dialect.explain($1, as: kind).message
    }
    messages += 1
    names[stream.fromClient, default: []].insert(dialect.name(of: kind))
    return reader.position
  }

  // MARK: Data

  private mutating func decodeFrames(_ stream: RecordingRunner.Stream) throws(Problem) {
    var reader = WireReader(stream.bytes.span.bytes, integers: forms.integers)
    var writer = WireWriter(capacity: stream.bytes.count, integers: forms.integers)
    var group = SubgroupStream(forms, group: 0, from: 0), again = group
    do throws(WireError) {
      while reader.remaining > 0 {
        var header = ObjectHeader()
        try group.read(&header, from: &reader)
        try again.write(header, to: &writer)
        try copyPayload(header.payloadLength, &reader, &writer)
      }
    } catch {
      throw Problem("\(error): \(VectorRunner.around(stream.bytes, max(error.offset, 0)))")
    }
    try compare(writer.bytes, stream.bytes, "stream") { _, _ in false }
  }
  private mutating func decode(data stream: RecordingRunner.Stream) throws(Problem) {
    streams += 1
    var reader = WireReader(stream.bytes.span.bytes, integers: forms.integers)
    var writer = WireWriter(capacity: stream.bytes.count, integers: forms.integers)
    let type = reader.varint()
    reader.rewind(to: 0)
    do throws(WireError) {
      if var fetch = FetchStream(forms), type == fetch.form.type {
        try fetch.walkHeader(&reader)
        var again = fetch
        try again.walkHeader(&writer)
        while reader.remaining > 0 {
          var header = ObjectHeader()
          try fetch.read(&header, from: &reader)
          try again.write(header, to: &writer)
          try copyPayload(header.payloadLength, &reader, &writer)
        }
      } else {
        var subgroup = SubgroupStream(forms)
        try subgroup.walkHeader(&reader)
        var again = subgroup
        try again.walkHeader(&writer)
        while reader.remaining > 0 {
          var header = ObjectHeader()
          try subgroup.read(&header, from: &reader)
          try again.write(header, to: &writer)
          try copyPayload(header.payloadLength, &reader, &writer)
        }
      }
    } catch {
      throw Problem("\(error): \(VectorRunner.around(stream.bytes, max(error.offset, 0)))")
    }
    try compare(writer.bytes, stream.bytes, "stream") {
      dialect.explain(stream: $0).json == dialect.explain(stream: $1).json
    }
  }
  private mutating func copyPayload(
    _ length: UInt64, _ reader: inout WireReader, _ writer: inout WireWriter
  ) throws(WireError) {
    guard length <= UInt64(reader.remaining), let payload = reader.slice(Int(length)) else {
      throw WireError(.truncated, "Object Payload", found: length, offset: reader.position)
    }
    writer.append(payload)
    objects += 1
  }

  mutating func decode(datagram bytes: [UInt8]) throws(Problem) {
    guard var datagram = ObjectDatagram(forms) else { throw Problem("\(dialect.name) has no datagrams") }
    datagrams += 1
    var reader = WireReader(bytes.span.bytes, integers: forms.integers)
    var writer = WireWriter(capacity: bytes.count, integers: forms.integers)
    var header = ObjectHeader()
    do throws(WireError) {
      try datagram.read(&header, from: &reader)
      try datagram.write(header, to: &writer)
    } catch {
      throw Problem("\(error): \(VectorRunner.around(bytes, max(error.offset, 0)))")
    }
    if let payload = reader.slice(reader.remaining) { writer.append(payload) }
    try compare(writer.bytes, bytes, "datagram") {
      let keys = ["track_alias", "group_id", "publisher_priority", "extension_headers_hex", "payload_hex"]
      let (a, b) = (dialect.explain(datagram: $0).json, dialect.explain(datagram: $1).json)
      return keys.allSatisfy { a[$0] == b[$0] } && (a["object_id"] ?? .integer(0)) == (b["object_id"] ?? .integer(0))
    }
  }

  /// The same bytes, or, where theirs could have been shorter, bytes of the same meaning.
  private func compare(
    _ ours: [UInt8], _ theirs: [UInt8], _ what: String, _ sameMeaning: ([UInt8], [UInt8]) -> Bool
  ) throws(Problem) {
    guard ours != theirs else { return }
    let place =
      zip(ours, theirs).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(ours.count, theirs.count)
    guard ours.count < theirs.count, sameMeaning(ours, theirs) else {
      throw Problem(
        "\(what) is written as \(VectorRunner.around(ours, place)), it was \(VectorRunner.around(theirs, place))")
    }
  }
}

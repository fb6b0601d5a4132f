extension VectorRunner {
  /// The JSON of a stream or datagram makes the bytes.
  func runEncoding(ofData expected: JSON, _ bytes: [UInt8], isCanonical: Bool) -> VectorResult.Outcome {
    var writer = WireWriter(integers: dialect.objects.integers)
    let isDatagram = expected["stream_type"]?.text?.hasPrefix("object_datagram") ?? false
    do throws(WireError) {
      switch expected["stream_type"]?.text {
      case "fetch_header"?: try compose(fetch: expected, into: &writer)
      case dialect.objects.subgroup.name.description.lowercased()?: try compose(subgroup: expected, into: &writer)
      case "object_datagram"?, "object_datagram_status"?: try compose(datagram: expected, into: &writer)
      default: return .skipped(reason: "no stream type that \(dialect.name) has")
      }
    } catch {
      return .failed("cannot be written: \(error)", detail: "")
    }
    return compare(writer.bytes, bytes, isCanonical: isCanonical) {
      isDatagram
        ? dialect.explain(datagram: $0).json == dialect.explain(datagram: bytes).json
        : dialect.explain(stream: $0).json == dialect.explain(stream: bytes).json
    }
  }

  /// Reads a stream as a session does.
  func readStream(_ bytes: [UInt8]) throws(WireError) {
    let forms = dialect.objects
    var reader = WireReader(bytes.span.bytes, integers: forms.integers), stream = SubgroupStream(forms)
    if var fetch = FetchStream(forms), bytes.first.map({ UInt64($0) }) == fetch.form.type {
      try fetch.walkHeader(&reader)
      while reader.remaining > 0 {
        var header = ObjectHeader()
        try fetch.read(&header, from: &reader)
        guard reader.skip(header.payloadLength) else { throw .truncated("Object Payload") }
      }
      return
    }
    try stream.walkHeader(&reader)
    while reader.remaining > 0 {
      var header = ObjectHeader()
      try stream.read(&header, from: &reader)
      guard reader.skip(header.payloadLength) else { throw .truncated("Object Payload") }
    }
  }
  func readDatagram(_ bytes: [UInt8]) throws(WireError) {
    guard var datagram = ObjectDatagram(dialect.objects) else { throw .inexpressible("Type") }
    var reader = WireReader(bytes.span.bytes, integers: dialect.objects.integers), header = ObjectHeader()
    try datagram.read(&header, from: &reader)
  }

  private func compose(subgroup json: JSON, into wire: inout WireWriter) throws(WireError) {
    let forms = dialect.objects
    // Where there is one type, vectors do not say it.
    guard let type = json["stream_type_id"]?.integer ?? (forms.subgroup.flags.isEmpty ? forms.subgroup.base : nil),
      let flags = forms.subgroup.flags(of: type)
    else { throw .truncated("Type") }
    var stream = SubgroupStream(forms, flags: flags)
    stream.trackAlias = try number(json, "track_alias", "subscribe_id")
    stream.group = try number(json, "group_id", "group_sequence")
    if flags.contains(.subgroupID) { stream.subgroup = try number(json, "subgroup_id") }
    if let priority = json["publisher_priority"]?.integer { stream.priority = UInt8(truncatingIfNeeded: priority) }
    try stream.walkHeader(&wire)
    for object in json["objects"]?.elements ?? [] {
      let extensions = Self.extensions(object), payload = Self.payload(object)
      var header = ObjectHeader()
      stream.begin(&header)
      if let id = object["object_id"]?.integer {
        header.id = id
      } else if let delta = object["object_id_delta"]?.integer {
        header.id += min(delta, WireLimits.varint)
      }
      header.extensions = extensions.span.bytes
      header.payloadLength = UInt64(payload.count)
      header.status = try status(object)
      try stream.walk(&header, &wire)
      wire.append(payload.span.bytes)
    }
  }

  private func compose(fetch json: JSON, into wire: inout WireWriter) throws(WireError) {
    guard var stream = FetchStream(dialect.objects) else { throw .inexpressible("Type") }
    stream.requestID = try number(json, "request_id", "subscribe_id")
    try stream.walkHeader(&wire)
    for object in json["objects"]?.elements ?? [] {
      let extensions = Self.extensions(object), payload = Self.payload(object)
      var header = ObjectHeader()
      header.group = try number(object, "group_id")
      header.subgroup = try number(object, "subgroup_id")
      header.id = try number(object, "object_id")
      header.priority = UInt8(truncatingIfNeeded: try number(object, "publisher_priority"))
      header.extensions = extensions.span.bytes
      header.payloadLength = UInt64(payload.count)
      header.status = try status(object)
      try stream.walk(&header, &wire)
      wire.append(payload.span.bytes)
    }
  }

  private func compose(datagram json: JSON, into wire: inout WireWriter) throws(WireError) {
    guard var datagram = ObjectDatagram(dialect.objects) else { throw .inexpressible("Type") }
    let extensions = Self.extensions(json), payload = Self.payload(json)
    var header = ObjectHeader()
    datagram.trackAlias = try number(json, "track_alias")
    header.group = try number(json, "group_id")
    header.id = json["object_id"]?.integer ?? 0
    header.priority = (json["publisher_priority"]?.integer).map { UInt8(truncatingIfNeeded: $0) }
    header.extensions = extensions.span.bytes
    header.payloadLength = UInt64(payload.count)
    header.status = try status(json)
    if let type = json["stream_type_id"]?.integer {
      try datagram.walk(&header, &wire, type: type)
    } else {
      datagram.isStatus = json["stream_type"]?.text == "object_datagram_status"
      try datagram.walk(&header, &wire)
    }
    wire.append(payload.span.bytes)
  }

  private func number(_ json: JSON, _ keys: String...) throws(WireError) -> UInt64 {
    for key in keys { if let number = json[key]?.integer { return number } }
    throw WireError(.truncated, "Value", wanted: "a number in the JSON")
  }
  private func status(_ json: JSON) throws(WireError) -> ObjectStatus {
    try dialect.objects.statuses.status(json["object_status"]?.integer ?? 0)
  }
  private static func payload(_ json: JSON) -> [UInt8] {
    json["payload_hex"]?.text.flatMap { JSON.bytes(hex: $0) } ?? []
  }
  private static func extensions(_ json: JSON) -> [UInt8] {
    if let hex = json["extension_headers_hex"]?.text { return JSON.bytes(hex: hex) ?? [] }
    var writer = WireWriter(capacity: 64)
    for pair in json["extension_headers"]?.elements ?? [] {
      guard let type = pair["type"]?.integer else { continue }
      try? writer.varint(type)
      if let value = pair["value"]?.integer, type.isMultiple(of: 2) {
        try? writer.varint(value)
      } else if var bytes = (pair["value_hex"] ?? pair["value"])?.text.flatMap({ JSON.bytes(hex: $0) }) {
        try? writer.bytes("Value", &bytes, maximum: .max)
      }
    }
    return writer.bytes
  }
}

import MoQDrafts
import MoQKernel

extension Suite {
  /// Encoding and decoding, against code written by hand for the one dialect in question.
  static let codec = Suite(
    name: "codec", summary: "messages and objects of every dialect, encoded and decoded, against hand-written twins",
    cases: dialects.flatMap { Codec.cases(of: $0) })
}

/// The subject and what is said; `Twins/` has what it is compared with.
///
/// A twin does the same by hand for one dialect: the same checks, the same `Message` and object header at the
/// end, errors with field, value and offset. It knows its draft when it is compiled; ours is called as a session
/// does it, through `any Dialect.Type`.
enum Codec {
  /// How much more than its twin a case may cost.
  static let limit = 1.4
  /// An object's header alone, measured at 0.7 to 1.75: ours asks the dialect's forms, which are values in memory, at
  /// each; the twin has constants. Of a frame, which is a length and no more, the asking is the greater part.
  static let objectLimit = 2.0
  /// Objects of a stream, and bytes of each one's payload.
  static let count = 1_000, payload = 100

  static func cases(of dialect: any Dialect.Type) -> [Case] {
    guard let twin = twin(of: dialect) else { return [] }
    let name = dialect.name, bytes = stream(dialect), datagram = datagram(dialect)
    let (subscribe, ok) = (subscribe(dialect), subscribeOK(dialect))
    func versus(
      _ column: String, _ limit: Double, _ ours: @escaping @Sendable (Int) -> Void,
      _ twin: @escaping @Sendable (Int) -> Void
    ) -> Case {
      Case(name, column, limit: limit) { race(ours: ours, twin: twin) }
    }
    var cases = [
      versus("SUBSCRIBE", limit, { trip(subscribe, dialect, $0) }, { twin.trip(subscribe, $0) }),
      versus("SUBSCRIBE_OK", limit, { trip(ok, dialect, $0) }, { twin.trip(ok, $0) }),
      versus("subgroup, 1 object", limit, { subgroup(bytes, dialect, $0) }, { twin.subgroup(bytes, $0) }),
      versus("each further object", objectLimit, { objects(bytes, dialect, $0) }, { twin.objects(bytes, $0) }),
    ]
    if !datagram.isEmpty {
      cases.append(
        versus("datagram", limit, { Self.datagram(datagram, dialect, $0) }, { twin.datagram(datagram, $0) }))
    }
    return cases
  }

  private static func twin(of dialect: any Dialect.Type) -> (any Twin.Type)? {
    switch dialect.name {
    case "draft-07": Twin07.self
    case "draft-08": Twin08.self
    case "draft-09": Twin09.self
    case "draft-10": Twin10.self
    case "draft-11": Twin11.self
    case "draft-12": Twin12.self
    case "draft-13": Twin13.self
    case "draft-14": Twin14.self
    case "moq-lite-01": LiteTwin.self
    case "transfork-03": TransforkTwin.self
    default: nil
    }
  }

  // MARK: What is said

  /// As much as the dialect can say of a subscription.
  static func subscribe(_ dialect: any Dialect.Type) -> Message {
    var m = Subscribe()
    (m.id, m.namespace, m.name, m.priority) = (4, "conference/room42/alice", Array("video-1080p".utf8), 100)
    let ranges: [Filter] = [3, 0].map { .range(Location(1000, $0), endGroup: 4000, endObject: nil) }
    for filter in ranges + [.currentGroup] {
      for parameter in [
        Parameter(.unknown(0x21), .bytes(Array("token-0123456789".utf8))), Parameter(.deliveryTimeout, .number(5_000)),
      ] {
        (m.filter, m.parameters) = (filter, [parameter])
        if says(.subscribe(m), dialect) { return .subscribe(m) }
      }
    }
    m.parameters = []
    return .subscribe(m)
  }
  static func subscribeOK(_ dialect: any Dialect.Type) -> Message {
    var m = SubscribeOK()
    func tries(_ change: (inout SubscribeOK) -> Void) {
      var changed = m
      change(&changed)
      if says(.subscribeOK(changed), dialect) { m = changed }
    }
    tries { $0.id = 4 }
    tries { $0.trackAlias = 70_000 }
    tries { $0.expiresMilliseconds = 60_000 }
    tries { $0.largest = Location(1000, 0) }
    tries { $0.largest = Location(1000, 3) }
    return .subscribeOK(m)
  }
  private static func says(_ message: Message, _ dialect: any Dialect.Type) -> Bool {
    var writer = WireWriter()
    return (try? dialect.encode(message, into: &writer)) != nil
  }
  /// A stream of one subgroup with `count` objects.
  static func stream(_ dialect: any Dialect.Type) -> [UInt8] {
    var writer = WireWriter(), stream = SubgroupStream(dialect.objects), header = ObjectHeader()
    let body = [UInt8](repeating: 1, count: payload)
    header.payloadLength = UInt64(payload)
    try? stream.walkHeader(&writer)
    for id in 0..<UInt64(count) {
      header.id = id
      try? stream.write(header, to: &writer)
      writer.append(body.span.bytes)
    }
    return writer.bytes
  }
  /// A datagram of 1,000 bytes of payload; none where the dialect has no objects in datagrams.
  static func datagram(_ dialect: any Dialect.Type) -> [UInt8] {
    guard var datagram = ObjectDatagram(dialect.objects) else { return [] }
    var writer = WireWriter(capacity: 2_000), header = ObjectHeader()
    (datagram.trackAlias, header.group, header.id, header.payloadLength) = (70_000, 1_000, 3, 1_000)
    try? datagram.write(header, to: &writer)
    writer.append([UInt8](repeating: 1, count: 1_000).span.bytes)
    return writer.bytes
  }

  // MARK: What is read

  /// Takes all of a header that was read, as whoever wants the object does. Not inlined: what nobody looks at would
  /// not be made at all.
  @inline(never) static func seen(
    _ group: UInt64, _ subgroup: UInt64, _ id: UInt64, _ priority: UInt8?, _ status: ObjectStatus, _ extensions: Int,
    _ length: UInt64
  ) -> UInt64 {
    group &+ subgroup &+ id &+ UInt64(priority ?? 0) &+ UInt64(status.rawValue) &+ UInt64(extensions) &+ length
  }
  @inline(__always) static func seen(_ o: borrowing ObjectHeader) -> UInt64 {
    seen(o.group, o.subgroup, o.id, o.priority, o.status, o.extensions.byteCount, o.payloadLength)
  }
  @inline(__always) static func seen(_ o: TwinObject) -> UInt64 {
    seen(o.group, o.subgroup, o.id, o.priority, o.status, o.extensions.count, o.payloadLength)
  }

  // MARK: Ours, as a session does it: through `any Dialect.Type`

  @inline(never) static func trip(_ message: Message, _ dialect: any Dialect.Type, _ n: Int) {
    let kind = message.kind
    var writer = WireWriter(capacity: 512), good = 0
    for _ in 0..<n {
      writer.clear()
      do throws(WireError) {
        try dialect.encode(message, into: &writer)
        var reader = WireReader(writer.span)
        if case let back = try dialect.decode(kind, from: &reader), back.kind == kind { good += 1 }
      } catch {}
    }
    precondition(good == n)
  }

  @inline(never) static func subgroup(_ bytes: [UInt8], _ dialect: any Dialect.Type, _ n: Int) {
    let forms = dialect.objects
    var writer = WireWriter(capacity: 512), sum: UInt64 = 0
    for _ in 0..<n {
      writer.clear()
      var reader = WireReader(bytes.span.bytes), header = ObjectHeader()
      var out = SubgroupStream(forms), stream = SubgroupStream(forms)
      header.payloadLength = UInt64(payload)
      do throws(WireError) {
        try out.walkHeader(&writer)
        try out.write(header, to: &writer)
        try stream.walkHeader(&reader)
        try stream.read(&header, from: &reader)
      } catch { return }
      guard let payload = reader.slice(Int(header.payloadLength)) else { return }
      sum &+= UInt64(payload.unsafeLoad(fromUncheckedByteOffset: 0, as: UInt8.self)) &+ seen(header)
    }
    precondition(sum >= UInt64(n) && writer.count > 0)
  }

  @inline(never) static func objects(_ bytes: [UInt8], _ dialect: any Dialect.Type, _ n: Int) {
    let forms = dialect.objects
    var writer = WireWriter(capacity: 16 * count), sum: UInt64 = 0, left = n
    while left > 0 {
      writer.clear()
      var reader = WireReader(bytes.span.bytes), header = ObjectHeader()
      var out = SubgroupStream(forms), stream = SubgroupStream(forms)
      do throws(WireError) {
        try out.walkHeader(&writer)
        try stream.walkHeader(&reader)
        while reader.remaining > 0, left > 0 {
          try stream.read(&header, from: &reader)
          guard let payload = reader.slice(Int(header.payloadLength)) else { return }
          sum &+= UInt64(payload.unsafeLoad(fromUncheckedByteOffset: 0, as: UInt8.self)) &+ seen(header)
          try out.write(header, to: &writer)
          left -= 1
        }
      } catch { return }
    }
    precondition(sum >= UInt64(n) && writer.count > 0)
  }

  @inline(never) static func datagram(_ bytes: [UInt8], _ dialect: any Dialect.Type, _ n: Int) {
    guard var datagram = ObjectDatagram(dialect.objects) else { return }
    var writer = WireWriter(capacity: 512), sum: UInt64 = 0
    for _ in 0..<n {
      writer.clear()
      var reader = WireReader(bytes.span.bytes), header = ObjectHeader()
      do throws(WireError) {
        try datagram.read(&header, from: &reader)
        try datagram.write(header, to: &writer)
      } catch { return }
      guard let payload = reader.slice(reader.remaining) else { return }
      sum &+= UInt64(payload.unsafeLoad(fromUncheckedByteOffset: 0, as: UInt8.self)) &+ seen(header)
    }
    precondition(sum >= UInt64(n) && writer.count > 0)
  }
}

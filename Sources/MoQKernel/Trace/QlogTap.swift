/// Turns what a session says and hears into the records of a qlog file: draft-pardue-moq-qlog-moq-events, as JSON text
/// sequences (RFC 7464), in every dialect.
///
/// No file is written here. Records wait until `flush`, which knows by then which number each stream has. Their number is
/// bounded: what comes when too many wait is dropped, counted, and told in the trace.
public final class QlogTap: SessionTap {
  /// The schema of the events: the draft's last published number.
  public static let eventSchema = "urn:ietf:params:qlog:events:moqt-07"
  static let logSchema = "urn:ietf:params:qlog:events:loglevel-13"
  /// The most records that wait.
  public static let maximumWaiting = 8_192
  /// The most bytes of a message that are repeated in its record.
  public static let maximumRaw = 65_536

  /// Records dropped because too many waited, or because their stream was never opened.
  public private(set) var dropped: UInt64 = 0

  private struct Record {
    /// Up to where the stream's number stands, where it has one.
    var head: String
    var stream: StreamKey?
    var tail: String
  }
  private struct StreamState {
    var isTyped = false
    /// The least id that the next object can have.
    var nextID: UInt64 = 0
  }
  private let start: Instant
  private var records: [Record] = []
  private var streams: [StreamKey: StreamState] = [:]
  private var droppedAndTold: UInt64 = 0

  /// `start`: the time that the records count from.
  public init(start: Instant) { self.start = start }

  /// The first record of a file: what the rest is, and whose.
  ///
  /// - Parameters:
  ///   - name: the connection's id, as both sides know it.
  ///   - wallClock: the time of day at `start`, as RFC 3339 has it.
  public static func header(name: String, isServer: Bool, wallClock: String) -> [UInt8] {
    func text(_ key: String, _ value: String) -> JSON.Member { JSON.Member(key, .string(value)) }
    let reference: [JSON.Member] = [
      text("clock_type", "monotonic"), text("epoch", "unknown"), text("wall_clock_time", wallClock),
    ]
    let common: [JSON.Member] = [
      text("group_id", name), text("time_format", "relative_to_epoch"),
      JSON.Member("reference_time", .object(reference)),
    ]
    let trace: [JSON.Member] = [
      JSON.Member("common_fields", .object(common)),
      JSON.Member("vantage_point", .object([text("type", isServer ? "server" : "client")])),
      JSON.Member("event_schemas", .array([.string(eventSchema), .string(logSchema)])),
    ]
    return sequence(
      JSON.object([
        text("file_schema", "urn:ietf:params:qlog:file:sequential"),
        text("serialization_format", "application/qlog+json-seq"), text("title", "moqt \(name)"),
        JSON.Member("trace", .object(trace)),
      ]).description)
  }
  /// A text of a JSON text sequence.
  private static func sequence(_ text: String) -> [UInt8] { [0x1e] + Array(text.utf8) + [0x0a] }

  /// Hands over what waits, in order, as bytes for the file's end.
  ///
  /// - Parameters:
  ///   - number: the number of a stream on the wire; nil: it has none yet. Records of such streams, and those after
  ///     them, wait on, unless `isLast`.
  ///   - write: false: the bytes are not taken, and are lost.
  public func flush(isLast: Bool = false, number: (StreamKey) -> UInt64?, write: ([UInt8]) -> Bool) {
    guard !records.isEmpty || dropped > droppedAndTold else { return }
    var bytes: [UInt8] = [], done = 0
    for record in records {
      var text = record.head
      if let stream = record.stream {
        let gone = numbers[stream]
        if let number = gone ?? number(stream) {
          text += "\(number)\(record.tail)"
        } else if isLast || gone != nil {
          dropped += 1
          done += 1
          continue
        } else {
          break
        }
      }
      bytes += Self.sequence(text)
      done += 1
    }
    records.removeFirst(done)
    if records.isEmpty { numbers = [:] }
    let told = dropped
    if told > droppedAndTold, records.isEmpty {
      let sentence = "\(told - droppedAndTold) events were left out of this trace"
      bytes += Self.sequence(line("loglevel:warning", [JSON.Member("message", .string(sentence))], at: last))
    }
    guard !bytes.isEmpty else { return }
    if write(bytes) {
      if records.isEmpty { droppedAndTold = told }
    } else {
      dropped += UInt64(done)
    }
  }
  /// The transport forgets a stream that had this number; nil: it never had one.
  public func forgetting(_ stream: StreamKey, number: UInt64?) {
    guard !records.isEmpty else { return }
    if numbers.count >= Self.maximumWaiting, !records.contains(where: { $0.stream == stream }) { return }
    numbers[stream] = .some(number)
  }
  /// Of streams that the transport has forgotten, and that records are still to be named by.
  private var numbers: [StreamKey: UInt64?] = [:]
  private var last = Instant(nanoseconds: 0)

  // MARK: What is told

  public override func control(
    _ direction: Direction, _ kind: MessageKind?, _ bytes: RawSpan, in dialect: any Dialect.Type, on place: Place,
    at time: Instant
  ) {
    let shown = bytes.extracting(0..<min(bytes.byteCount, Self.maximumRaw)).withUnsafeBytes { [UInt8]($0) }
    let message = kind.map { dialect.qlog(shown, as: $0) } ?? .object([JSON.Member("type", .string("unknown"))])
    if !(streams[place.stream]?.isTyped ?? false) {
      // A stream of one request is called after its first message; draft-16's `subscribe_namespace` is one.
      let form = dialect.requestStreams.first { $0.opener.first == kind && kind != .clientSetup }
      typed(place, form == nil ? "control" : message["type"]?.text ?? "control", at: time)
    }
    var members: [JSON.Member] = []
    if let kind {
      let frame = try? ControlFrame.find(
        in: bytes, dialect.framing(of: kind), integers: dialect.objects.integers, maximum: .max)
      if let body = frame?.body { members.append(JSON.Member("length", .qlog(body))) }
    }
    members += [
      JSON.Member("message", message), JSON.Member("raw", .rawInfo(bytes.byteCount, message.hasToken ? nil : shown)),
    ]
    add("control_message", direction, members, on: place.stream, at: time)
  }

  public override func subgroup(
    _ direction: Direction, _ header: SubgroupStream, _ bytes: RawSpan, on place: Place, at time: Instant
  ) {
    typed(place, "subgroup_header", at: time)
    var members = [JSON.Member("track_alias", .qlog(header.trackAlias)), JSON.Member("group_id", .qlog(header.group))]
    // 0: it is 0; 1: it is the first object's id; 2: it is there.
    let mode = header.flags.contains(.subgroupID) ? 2 : header.flags.contains(.firstIDIsSubgroup) ? 1 : 0
    members.append(JSON.Member("subgroup_id_mode", .qlog(mode)))
    if mode == 2, let id = header.subgroup { members.append(JSON.Member("subgroup_id", .qlog(id))) }
    if let priority = header.priority { members.append(JSON.Member("publisher_priority", .qlog(priority))) }
    members += [
      JSON.Member("contains_end_of_group", .bool(header.flags.contains(.endOfGroup))),
      JSON.Member("properties_present", .bool(header.flags.contains(.extensions))),
      JSON.Member("raw", .rawInfo(bytes.byteCount, bytes.withUnsafeBytes { [UInt8]($0) })),
    ]
    add("subgroup_header", direction, members, on: place.stream, at: time)
  }

  public override func fetch(
    _ direction: Direction, _ header: FetchStream, _ bytes: RawSpan, on place: Place, at time: Instant
  ) {
    typed(place, "fetch_header", at: time)
    add(
      "fetch_header", direction,
      [
        JSON.Member("request_id", .qlog(header.requestID)),
        JSON.Member("raw", .rawInfo(bytes.byteCount, bytes.withUnsafeBytes { [UInt8]($0) })),
      ], on: place.stream, at: time)
  }

  public override func object(
    _ direction: Direction, _ info: ObjectInfo, isFetched: Bool, on place: Place, at time: Instant
  ) {
    // As text at once: this is the one record that there are many of.
    var text = isFetched ? Self.fetched(info) : ""
    if !isFetched {
      let least = streams[place.stream]?.nextID ?? 0
      // Dialects that write the id itself are told by the same difference; the id is beside it.
      text = ", \"object_id_delta\": \(info.id >= least ? info.id - least : 0), \"object_id\": \(info.id)"
      streams[place.stream, default: StreamState(isTyped: true)].nextID = info.id < .max ? info.id + 1 : .max
      if !info.extensions.isEmpty { text += ", \"properties_length\": \(info.extensions.count)" }
      text += ", \"object_payload_length\": \(info.payloadLength)"
      if info.status != .normal { text += ", \"object_status\": \(info.status.qlog)" }
    }
    if info.payloadLength > 0 { text += ", \"object_payload\": {\"length\": \(info.payloadLength)}" }
    let name = isFetched ? "fetch_object" : "subgroup_object"
    add(Record(head: head("moqt:\(name)_\(direction)", time), stream: place.stream, tail: text + "}}"), at: time)
  }
  private static func fetched(_ info: ObjectInfo) -> String {
    let isGap = info.status == .doesNotExist
    return ", \"datagram\": false, \"end_of_nonexistent_range\": \(isGap), \"end_of_unknown_range\": false"
      + ", \"group_id\": \(info.group), \"subgroup_id\": \(info.subgroup), \"object_id\": \(info.id)"
      + ", \"publisher_priority\": \(info.priority)"
      + (info.extensions.isEmpty ? "" : ", \"properties_length\": \(info.extensions.count)")
      + ", \"object_payload_length\": \(info.payloadLength)"
  }

  public override func datagram(_ direction: Direction, _ info: ObjectInfo, trackAlias: UInt64, at time: Instant) {
    var members = [
      JSON.Member("track_alias", .qlog(trackAlias)), JSON.Member("group_id", .qlog(info.group)),
      JSON.Member("object_id", .qlog(info.id)), JSON.Member("publisher_priority", .qlog(info.priority)),
    ]
    if !info.extensions.isEmpty { members.append(JSON.Member("properties_length", .qlog(info.extensions.count))) }
    if info.status == .normal {
      members.append(JSON.Member("object_payload", .rawInfo(Int(clamping: info.payloadLength))))
    } else {
      members.append(JSON.Member("object_status", .qlog(info.status.qlog)))
    }
    members.append(JSON.Member("end_of_group", .bool(info.status == .endOfGroup)))
    add("object_datagram", direction, members, on: nil, at: time)
  }

  public override func forgot(_ stream: StreamKey) { streams[stream] = nil }

  public override func established(_ dialect: any Dialect.Type, profile: String?, at time: Instant) {
    let name = dialect.name + (profile.map { " (\($0))" } ?? "")
    note("loglevel:info", "the session speaks \(name)", [JSON.Member("dialect", .string(dialect.name))], at: time)
  }

  public override func ended(_ end: SessionEnd, at time: Instant) {
    let said = end.phrase.isEmpty ? "" : ": \(end.phrase)"
    let who = end.cause == .local ? "this side" : end.cause == .peer ? "the peer" : "the transport"
    note(
      end.reason == .noError && end.cause != .transport ? "loglevel:info" : "loglevel:error",
      "\(who) ended the session\(said)", [JSON.Member("code", .qlog(end.code))], at: time)
  }

  // MARK: Records

  private func typed(_ place: Place, _ type: String, at time: Instant) {
    streams[place.stream, default: StreamState()].isTyped = true
    let tail = ", \"owner\": \"\(place.isOurs ? "local" : "remote")\", \"stream_type\": \"\(type)\"}}"
    add(Record(head: head("moqt:stream_type_set", time), stream: place.stream, tail: tail), at: time)
  }
  private func add(
    _ name: String, _ direction: Direction, _ members: [JSON.Member], on stream: StreamKey?, at time: Instant
  ) {
    let event = "moqt:\(name)_\(direction)"
    guard let stream else {
      return add(Record(head: line(event, members, at: time), stream: nil, tail: ""), at: time)
    }
    let text = JSON.object(members).description.dropFirst()
    add(Record(head: head(event, time), stream: stream, tail: ", \(text)}"), at: time)
  }
  private func note(_ level: String, _ message: String, _ more: [JSON.Member], at time: Instant) {
    let members = [JSON.Member("message", .string(message))] + more
    add(Record(head: line(level, members, at: time), stream: nil, tail: ""), at: time)
  }
  private func add(_ record: Record, at time: Instant) {
    last = time
    guard records.count < Self.maximumWaiting else {
      dropped += 1
      return
    }
    records.append(record)
  }
  /// A record up to the number of its stream.
  private func head(_ name: String, _ time: Instant) -> String {
    "{\"time\": \(milliseconds(time)), \"name\": \"\(name)\", \"data\": {\"stream_id\": "
  }
  private func line(_ name: String, _ members: [JSON.Member], at time: Instant) -> String {
    "{\"time\": \(milliseconds(time)), \"name\": \"\(name)\", \"data\": \(JSON.object(members))}"
  }
  private func milliseconds(_ time: Instant) -> String {
    let micros = (time.nanoseconds >= start.nanoseconds ? time.nanoseconds - start.nanoseconds : 0) / 1_000
    let rest = "\(micros % 1_000)"
    return "\(micros / 1_000).\(String(repeating: "0", count: 3 - rest.count))\(rest)"
  }
}

extension ObjectStatus {
  /// The number of draft-14 (§10.2.1.1), whatever the dialect writes.
  fileprivate var qlog: Int {
    switch self {
    case .normal: 0
    case .doesNotExist: 1
    case .endOfGroup: 3
    case .endOfTrack, .endOfTrackAndGroup: 4
    case .endOfSubgroup: 5
    }
  }
}

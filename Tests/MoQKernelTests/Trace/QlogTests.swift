import MoQDrafts
import MoQKernel
import Testing

/// What a session leaves in a qlog trace, in every dialect that sessions speak.
@Suite struct QlogTests {
  /// Two sessions that agree on a dialect, both watched from their first message on.
  final class Watched {
    let pair: Pair
    let taps: [QlogTap]
    private(set) var records: [[JSON]] = [[], []]
    var rules: Rules? { pair.client.dialect?.rules }

    init(_ dialect: String, seed: UInt64 = 3, adjust: (inout SessionConfiguration) -> Void = { _ in }) {
      var configuration = SessionConfiguration()
      configuration.dialects = .exactly(dialect)
      adjust(&configuration)
      pair = Pair(seed: seed, client: configuration, server: configuration, registry: dialects)
      taps = pair.cores.map { _ in QlogTap(start: Instant(nanoseconds: 1_000_000)) }
      for (core, tap) in zip(pair.cores.both, taps) { core.tap = tap }
      pair.connect(alpn: SessionCore.alpns(for: configuration, registry: dialects).first)
      pair.settle()
    }

    /// All that was traced so far, by side. Streams have their place in the pair's list of keys as their number.
    func flush() throws -> [[JSON]] {
      for (side, tap) in taps.enumerated() {
        var bytes: [UInt8] = []
        tap.flush(number: { UInt64($0.slot) << 32 | UInt64($0.generation) }) {
          bytes += $0
          return true
        }
        records[side] += try Self.texts(bytes)
      }
      return records
    }
    /// The texts of a JSON text sequence (RFC 7464): each begins with RS and ends with LF.
    static func texts(_ bytes: [UInt8]) throws -> [JSON] {
      let texts = bytes.split(separator: 0x1e, omittingEmptySubsequences: false)
      #expect(texts.first?.isEmpty ?? true && texts.dropFirst().allSatisfy { $0.last == 0x0a })
      return try texts.dropFirst().map { try JSON(parsing: Array($0)) }
    }
  }

  static func names(_ records: [JSON]) -> [String] { records.compactMap { $0["name"]?.text } }
  /// The events of that name, without what the two sides see differently: the time, and the streams' numbers.
  static func told(_ records: [JSON], _ name: String) -> [String] {
    records.filter { $0["name"]?.text == name }.compactMap { record in
      record["data"]?.members.map { members in JSON.object(members.filter { $0.key != "stream_id" }).description }
    }
  }

  /// An announcement, a subscription with objects of every kind, a fetch where there is one, and the end.
  func talk(_ watched: Watched) throws {
    let pair = watched.pair, track = TrackName("live/room", "video")
    guard let rules = watched.rules, let forms = pair.client.dialect?.objects else {
      Issue.record("no session: \(pair.checkers.map(\.end))")
      return
    }
    let recorder = Recorder(pair)
    _ = try pair.server.announce("live/room")
    let interest = try pair.client.seekAnnouncements(prefix: "live")
    pair.settle()
    for (key, _) in recorder.interested(.server) { pair.server.accept(key) }
    for (key, _) in recorder.announced(.client) { pair.client.accept(key) }
    pair.settle()
    let filter = rules.filters.contains(.nextObject) ? Filter.nextObject : .currentGroup
    _ = try pair.client.subscribe(SubscribeRequest(track, filter: filter))
    pair.settle()
    let served = try #require(recorder.subscribeRequested(.server).first?.0)
    try pair.server.accept(served, SubscribeAnswer())
    for group in 0..<2 as Range<UInt64> {
      let stream = try pair.server.openSubgroup(served, SubgroupInfo(group: group, hasExtensions: true))
      for id in 0..<3 as Range<UInt64> {
        var object = ObjectInfo(group: group, id: id)
        if forms.hasExtensions, id == 1 { object.extensions = Bytes([0x02, 0x05]) }
        try pair.server.send(object, payload(group, id, Int(id * 100)), on: stream)
      }
      pair.server.finish(stream: stream)
    }
    if case .exists = rules.datagrams {
      pair.datagramLoss = 0
      let info = ObjectInfo(group: 7, id: 0, payloadLength: 4)
      #expect(try pair.server.send(datagram: info, payload: Bytes([1, 2, 3, 4]), for: served))
    }
    pair.settle()
    if case .missing = rules.fetching {
    } else {
      let range = FetchRequest.Range.standalone(track, start: Location(0, 0), endGroup: 0, endObject: nil)
      _ = try pair.client.fetch(FetchRequest(range))
      pair.settle()
      let key = recorder.first(.server) { if case .fetchRequested(let key, _) = $0 { key } else { nil } }
      let fetch = try #require(key)
      try pair.server.accept(fetch, FetchAnswer(end: Location(0, 1)))
      let stream = try pair.server.openFetch(fetch)
      for id in 0..<2 as Range<UInt64> { try pair.server.send(ObjectInfo(group: 0, id: id), [1, 2], on: stream) }
      pair.server.finish(stream: stream)
      pair.settle()
    }
    pair.server.finish(served)
    pair.client.cancel(interest)
    pair.settle()
    pair.client.close(SessionFailure(.noError, "that is all"))
    pair.settle()
    #expect(pair.allFaults == [])
  }

  @Test(arguments: dialects.map { $0.name })
  func `what one side makes the other reads`(_ dialect: String) throws {
    let watched = Watched(dialect)
    try talk(watched)
    let records = try watched.flush()
    #expect(watched.taps.allSatisfy { $0.dropped == 0 })
    let rules = try #require(dialects.named(dialect)?.rules)
    var kinds = ["control_message", "subgroup_header", "subgroup_object"]
    if case .exists = rules.datagrams { kinds.append("object_datagram") }
    switch rules.fetching {
    case .missing: break
    // Its objects come on the request's own stream.
    case .group: kinds.append("fetch_object")
    case .standalone, .joiningRelative, .joining: kinds += ["fetch_header", "fetch_object"]
    }
    for kind in kinds {
      for (maker, reader) in [(0, 1), (1, 0)] {
        let made = Self.told(records[maker], "moqt:\(kind)_created")
        let read = Self.told(records[reader], "moqt:\(kind)_parsed")
        #expect(made.sorted() == read.sorted(), "\(dialect) \(kind)")
        if maker == 1 || kind == "control_message" { #expect(!made.isEmpty, "\(dialect) \(kind)") }
      }
    }
    for side in 0...1 {
      let names = Self.names(records[side])
      #expect(names.contains("moqt:stream_type_set"))
      let info = records[side].filter { $0["name"]?.text == "loglevel:info" }
      #expect(info.first?["data"]?["dialect"]?.text == dialect)
      #expect(info.last?["data"]?["message"]?.text?.contains("ended the session: that is all") == true)
      #expect(names.last == "loglevel:info")
    }
  }

  @Test(arguments: dialects.map { $0.name })
  func `each event has what the events' text asks for`(_ dialect: String) throws {
    let watched = Watched(dialect)
    try talk(watched)
    let required: [String: [String]] = [
      "control_message": ["stream_id", "message"],
      "subgroup_header": [
        "stream_id", "track_alias", "group_id", "subgroup_id_mode", "contains_end_of_group", "properties_present",
      ],
      "subgroup_object": ["stream_id", "object_id_delta", "object_payload_length"],
      "fetch_header": ["stream_id", "request_id"],
      "fetch_object": [
        "stream_id", "datagram", "end_of_nonexistent_range", "end_of_unknown_range", "object_payload_length",
      ],
      "object_datagram": ["track_alias", "group_id", "end_of_group"],
      "stream_type_set": ["stream_id", "stream_type"],
    ]
    for record in try watched.flush().joined() {
      let name = try #require(record["name"]?.text)
      guard case .number(let time)? = record["time"], Double(time) != nil else {
        Issue.record("no time in \(record)")
        continue
      }
      guard name.hasPrefix("moqt:") else { continue }
      let kind = name.dropFirst(5).replacing("_created", with: "").replacing("_parsed", with: "")
      let fields = try #require(required[String(kind)], "\(name)")
      for field in fields {
        let value = try #require(record["data"]?[field], "\(dialect) \(name) has no \(field)")
        // Numbers are numbers here, not the texts of the vectors.
        if ["stream_id", "track_alias", "group_id", "object_id_delta", "request_id"].contains(field) {
          guard case .number = value else { Issue.record("\(name) \(field) is \(value)"); continue }
        }
      }
      if kind == "control_message" { #expect(record["data"]?["message"]?["type"]?.text != nil) }
    }
  }

  @Test(arguments: dialects.map { $0.name })
  func `a message's bytes can be decoded again`(_ dialect: String) throws {
    let watched = Watched(dialect)
    // A session may speak a peer's profile.
    let spoken = (dialects + profiles).filter { $0.name == dialect }
    try talk(watched)
    var decoded = 0
    for record in try watched.flush()[0] where record["name"]?.text?.hasPrefix("moqt:control_message") == true {
      let raw = try #require(record["data"]?["raw"]), hex = try #require(raw["data"]?.text)
      let bytes = try #require(JSON.bytes(hex: hex))
      #expect(raw["length"]?.integer == UInt64(bytes.count))
      let type = record["data"]?["message"]?["type"]?.text
      let isWhole = spoken.contains { codec in
        MessageKind.allCases.contains { kind in
          codec.speaks(kind) && codec.name(of: kind).lowercased().filter(\.isLetter) == type?.filter(\.isLetter)
            && codec.explain(bytes, as: kind).count == bytes.count
        }
      }
      // Setup messages may be those of another dialect's layouts.
      if type?.contains("setup") != true { #expect(isWhole, "\(dialect) \(type ?? "?") \(hex)") }
      if isWhole { decoded += 1 }
    }
    #expect(decoded > 2)
  }

  @Test func `a request in full`() throws {
    let watched = Watched("draft-14")
    _ = try watched.pair.client.subscribe(SubscribeRequest(TrackName("live/room", "video"), filter: .nextObject))
    watched.pair.settle()
    let parsed = try watched.flush()[1].first { $0["data"]?["message"]?["type"]?.text == "subscribe" }
    let message = try #require(parsed?["data"]?["message"])
    #expect(
      message.description
        == #"{"type": "subscribe", "request_id": 0, "track_namespace": [{"value": "live"}, {"value": "room"}], "#
        + #""track_name": {"value": "video"}, "subscriber_priority": 128, "group_order": 0, "forward": 1, "#
        + #""filter_type": 2, "number_of_parameters": 0, "parameters": []}"#)
  }

  @Test func `no token is in a trace`() throws {
    let watched = Watched("draft-14") {
      $0.authorization = [.value(type: 5, Array("a secret".utf8))]
    }
    let all = try watched.flush().joined().map(\.description).joined()
    #expect(all.contains("\"token_type\": 5") && all.contains("\"token_value\": {\"length\": 8}"))
    #expect(!all.contains("a secret") && !all.contains(JSON.hex(Array("a secret".utf8))))
  }

  @Test func `what cannot be read is there as it came`() throws {
    let watched = Watched("draft-14")
    let core = watched.pair.server
    // A SUBSCRIBE whose namespace has more fields than bytes.
    let key = try #require(watched.pair.byKey.server.keys.first)
    let bytes: [UInt8] = [0x03, 0x00, 0x02, 0x00, 0x20]
    bytes.withUnsafeBytes { core.received($0, fin: false, on: key) }
    let records = try watched.flush()[1]
    let last = try #require(records.last { $0["name"]?.text == "moqt:control_message_parsed" })
    #expect(last["data"]?["message"]?["type"]?.text == "unknown")
    #expect(last["data"]?["raw"]?["data"]?.text == "0300020020")
    #expect(records.last?["name"]?.text == "loglevel:error")
  }

  @Test func `a file's first record`() throws {
    let bytes = QlogTap.header(name: "00ff", isServer: true, wallClock: "2026-11-21T10:40:00.000000Z")
    let header = try #require(try Watched.texts(bytes).first)
    #expect(header["file_schema"]?.text == "urn:ietf:params:qlog:file:sequential")
    #expect(header["serialization_format"]?.text == "application/qlog+json-seq")
    let trace = try #require(header["trace"])
    #expect(trace["vantage_point"]?["type"]?.text == "server")
    #expect(trace["common_fields"]?["group_id"]?.text == "00ff")
    // A draft's number must be in the schema's name (§3.1 of the events' text).
    let schema = try #require(trace["event_schemas"]?.elements?.first?.text)
    #expect(schema.wholeMatch(of: /urn:ietf:params:qlog:events:moqt-\d\d/) != nil)
  }

  // MARK: Bounds

  func object(_ tap: QlogTap, _ stream: UInt32, _ id: UInt64) {
    let place = SessionTap.Place(stream: StreamKey(slot: stream, generation: 1), isOurs: true)
    tap.object(.created, ObjectInfo(group: 0, id: id), isFetched: false, on: place, at: Instant(nanoseconds: id))
  }
  func flush(_ tap: QlogTap, isLast: Bool = false, takes: Bool = true, number: (StreamKey) -> UInt64?) throws -> [JSON]
  {
    var bytes: [UInt8] = []
    tap.flush(isLast: isLast, number: number) {
      if takes { bytes += $0 }
      return takes
    }
    return try Watched.texts(bytes)
  }

  @Test func `too many records are dropped, counted and told`() throws {
    let tap = QlogTap(start: Instant(nanoseconds: 0)), extra = 10
    for id in 0..<UInt64(QlogTap.maximumWaiting + extra) { object(tap, 0, id) }
    #expect(tap.dropped == UInt64(extra))
    let records = try flush(tap) { _ in 4 }
    #expect(records.count == QlogTap.maximumWaiting + 1)
    #expect(records.last?["name"]?.text == "loglevel:warning")
    #expect(records.last?["data"]?["message"]?.text == "\(extra) events were left out of this trace")
    #expect(try flush(tap) { _ in 4 }.isEmpty)
  }

  @Test func `what nobody takes is dropped, counted and told later`() throws {
    let tap = QlogTap(start: Instant(nanoseconds: 0))
    for id in 0..<3 as Range<UInt64> { object(tap, 0, id) }
    #expect(try flush(tap, takes: false) { _ in 4 }.isEmpty && tap.dropped == 3)
    object(tap, 0, 3)
    let records = try flush(tap) { _ in 4 }
    #expect(Self.names(records) == ["moqt:subgroup_object_created", "loglevel:warning"])
    #expect(records.last?["data"]?["message"]?.text?.hasPrefix("3 events ") == true)
  }

  @Test func `a stream's records wait for its number`() throws {
    let tap = QlogTap(start: Instant(nanoseconds: 0))
    object(tap, 0, 0)
    object(tap, 1, 0)
    #expect(try flush(tap) { $0.slot == 1 ? 6 : nil }.isEmpty)
    // The one is opened, the other forgotten before its records were written.
    tap.forgetting(StreamKey(slot: 1, generation: 1), number: 6)
    let records = try flush(tap) { $0.slot == 0 ? 2 : nil }
    #expect(records.compactMap { $0["data"]?["stream_id"]?.integer } == [2, 6])
    object(tap, 2, 0)
    tap.forgetting(StreamKey(slot: 2, generation: 1), number: nil)
    #expect(Self.names(try flush(tap) { _ in nil }) == ["loglevel:warning"] && tap.dropped == 1)
    object(tap, 3, 0)
    #expect(try flush(tap, isLast: true) { _ in nil }.count == 1 && tap.dropped == 2)
  }
}

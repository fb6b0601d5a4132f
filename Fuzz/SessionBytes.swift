import MoQDrafts
import MoQKernel

// The bytes are operations on one session: the first chooses dialect, handshake and side, then each
// operation is a number and what it needs. Whatever comes, the session must not trap, hang or grow.

struct Operations {
  var rest: UnsafeRawBufferPointer
  mutating func byte() -> Int? {
    guard let first = rest.first else { return nil }
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst())
    return Int(first)
  }
  mutating func bytes(_ count: Int) -> UnsafeRawBufferPointer {
    let taken = UnsafeRawBufferPointer(rebasing: rest.prefix(count))
    rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    return taken
  }
}

struct Target {
  let core: SessionCore
  var streams: [StreamKey] = [], requests: [RequestKey] = [], sending: [StreamKey] = []
  var isOver = false

  init(_ choice: Int) {
    var options = SessionConfiguration()
    options.dialects = .exactly(choice & 1 == 0 ? "draft-14" : "moq-lite-01")
    if choice & 2 != 0 { options.profiles = ["text"] }
    (options.maximumOpenRequests, options.maximumIncomingStreams, options.maximumQueue) = (64, 64, 100_000)
    (options.maximumHeldStreams, options.maximumHeldBytes) = (8, 4_096)
    core = SessionCore(role: choice & 4 == 0 ? .server : .client, options: options, registry: dialects)
    core.ticked(at: Instant(nanoseconds: 1))
    core.connected(alpn: choice & 1 == 0 ? "moq-00" : "moql", subprotocol: nil, transport: .quic)
    drain()
    guard choice & 8 == 0 else { return }
    begin(choice)
  }
  /// The peer's part of the handshake, so that the bytes get beyond it.
  mutating func begin(_ choice: Int) {
    var writer = WireWriter()
    let version: UInt64 = choice & 1 == 0 ? 0xff00_000e : 0xff0d_ad01
    let dialect: any Dialect.Type = choice & 1 == 1 && choice & 2 != 0 ? Lite01.self : Draft14.self
    var client = ClientSetup(), server = ServerSetup()
    (client.versions, server.version) = ([version], version)
    if choice & 1 == 0 { client.parameters = [Parameter(.maxRequestID, .number(1_000))] }
    server.parameters = client.parameters
    if core.role == .server, choice & 1 == 1, choice & 2 != 0 { writer.append(([0] as [UInt8]).span.bytes) }
    try? dialect.encode(core.role == .server ? .clientSetup(client) : .serverSetup(server), into: &writer)
    guard let key = core.role == .server ? core.opened(.bidirectional) : streams.first else { return }
    if !streams.contains(key) { streams.append(key) }
    writer.withBytes { core.received($0, fin: false, on: key) }
    drain()
  }
  mutating func drain() {
    var opened: [StreamKey] = [], events: [Event] = []
    core.drainEffects { if case .open(let key, .bidirectional, _) = $0 { opened.append(key) } }
    core.drainEvents { events.append($0) }
    streams += opened
    for event in events {
      precondition(!isOver, "an event after the end")
      switch event {
      case .closed: isOver = true
      case .payload(let key, let part): core.consumed(part.count, on: key)
      case .subscribeRequested(let key, _), .fetchRequested(let key, _), .trackStatusRequested(let key, _),
        .announced(let key, _), .interested(let key, _), .publishRequested(let key, _, _):
        requests.append(key)
      default: break
      }
    }
  }
  mutating func perform(_ operations: inout Operations) {
    while let operation = operations.byte(), !isOver {
      let which = operations.byte() ?? 0
      let stream = streams.isEmpty ? nil : streams[which % streams.count]
      let request = requests.isEmpty ? nil : requests[which % requests.count]
      let track = TrackName("a/b", "c")
      switch operation % 16 {
      case 0: if let key = core.opened(which & 1 == 0 ? .unidirectional : .bidirectional) { streams.append(key) }
      case 1, 2, 3:
        let count = operations.byte() ?? 0
        if let stream { core.received(operations.bytes(count), fin: false, on: stream) }
      case 4: if let stream { core.received(operations.bytes(0), fin: true, on: stream) }
      case 5: if let stream { core.wasReset(stream, code: UInt64(operation)) }
      case 6: if let stream { core.wasStopped(stream, code: UInt64(operation)) }
      case 7: if let stream { core.acknowledged(stream) }
      case 8: core.received(datagram: operations.bytes(operations.byte() ?? 0))
      case 9: if let next = core.nextDeadline { core.ticked(at: next) }
      case 10: if let key = try? core.subscribe(SubscribeRequest(track)) { requests.append(key) }
      case 11:
        if let key = try? core.announce(track.namespace) { requests.append(key) }
        if let key = try? core.seekAnnouncements(prefix: track.namespace) { requests.append(key) }
      case 12:
        guard let request else { continue }
        core.accept(request)
        try? core.accept(request, SubscribeAnswer())
        try? core.accept(request, FetchAnswer(end: Location(1, 1)))
      case 13: if let request { which & 1 == 0 ? core.cancel(request) : core.reject(request, RequestFailure(.timeout)) }
      case 14:
        guard let request else { continue }
        let opened = try? core.openSubgroup(request, SubgroupInfo(group: UInt64(which)))
        guard let key = opened ?? (try? core.openFetch(request)) else { continue }
        try? core.write(ObjectInfo(group: UInt64(which), id: 0, payloadLength: 2), on: key)
        core.write(payload: [1, 2], on: key)
        core.finish(stream: key)
        streams.append(key)
      default: if let request { core.finish(request) }
      }
      drain()
      precondition(core.heldByteCount <= 4_096 && core.heldStreams <= 8, "more is held than may be")
    }
    core.transportClosed(SessionEnd(.transport, .noError, code: 0, phrase: ""))
    drain()
    precondition(isOver, "no end")
  }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  var operations = Operations(rest: UnsafeRawBufferPointer(start: start, count: count))
  guard let choice = operations.byte() else { return 0 }
  var target = Target(choice)
  target.perform(&operations)
  return 0
}

import MoQDrafts
import MoQKernel

// The bytes are operations on one session: the first chooses the side and how far the handshake is, then each
// operation is a number and what it needs. Whatever comes, the session must not trap, hang or grow.

func session(_ dialect: any Dialect.Type, _ input: UnsafeRawBufferPointer) {
  var operations = Operations(rest: input)
  guard let choice = operations.byte() else { return }
  var subject = Subject(dialect, choice)
  subject.perform(&operations)
}

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

/// A session, and what its owner knows of it.
struct Subject {
  static let heldBytes = 4_096, heldStreams = 8
  let core: SessionCore
  var streams: [StreamKey] = [], requests: [RequestKey] = []
  var isOver = false

  init(_ dialect: any Dialect.Type, _ choice: Int) {
    var options = SessionConfiguration()
    options.dialects = .exactly(dialect.name)
    if choice & 2 != 0 { options.profiles = ["text"] }
    (options.maximumOpenRequests, options.maximumIncomingStreams, options.maximumQueue) = (64, 64, 100_000)
    (options.maximumHeldStreams, options.maximumHeldBytes) = (Self.heldStreams, Self.heldBytes)
    let role: SessionCore.Role = choice & 4 == 0 ? .server : .client
    core = SessionCore(role: role, options: options, registry: dialects)
    let alpn = SessionCore.alpns(for: options, registry: dialects).first
    core.ticked(at: Instant(nanoseconds: 1))
    core.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    if choice & 8 == 0 {
      let peer = SessionCore(role: role == .server ? .client : .server, options: options, registry: dialects)
      peer.ticked(at: Instant(nanoseconds: 1))
      peer.connected(alpn: alpn, subprotocol: nil, transport: .quic)
      shakeHands(with: peer)
    }
    drain()
  }

  /// Carries the handshake over, so that the bytes get beyond it; the peer is then forgotten.
  private mutating func shakeHands(with peer: SessionCore) {
    var ours: [StreamKey: StreamKey] = [:], theirs: [StreamKey: StreamKey] = [:]
    for _ in 0..<16 where !core.isEstablished || !peer.isEstablished {
      var mine: [Effect] = [], other: [Effect] = []
      core.drainEffects { mine.append($0) }
      peer.drainEffects { other.append($0) }
      carry(mine, from: core, to: peer, &ours, &theirs)
      carry(other, from: peer, to: core, &theirs, &ours)
      peer.drainEvents { _ in }
    }
    streams += ours.keys
    precondition(core.isEstablished, "no session in \(core.dialect?.name ?? "any dialect")")
  }
  private func carry(
    _ effects: [Effect], from sender: SessionCore, to receiver: SessionCore, _ keys: inout [StreamKey: StreamKey],
    _ back: inout [StreamKey: StreamKey]
  ) {
    for effect in effects {
      switch effect {
      case .open(let key, let kind, _):
        guard let other = receiver.opened(kind) else { return }
        (keys[key], back[other]) = (other, key)
      case .send(let key, let bytes):
        guard let other = keys[key] else { continue }
        bytes.withUnsafeBytes { receiver.received($0, fin: false, on: other) }
        sender.drained(key, bytes.count)
      default: break
      }
    }
  }

  private mutating func drain() {
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
      if operation & 0x80 == 0 {
        happen(operation % 10, which, stream, &operations)
      } else {
        command(operation & 0x7f, which, stream, request)
      }
      drain()
      precondition(
        core.heldByteCount <= Self.heldBytes && core.heldStreams <= Self.heldStreams, "more is held than may be")
    }
    core.transportClosed(SessionEnd(.transport, .noError, code: 0, phrase: ""))
    drain()
    precondition(isOver, "no end")
  }

  /// What the transport tells.
  private mutating func happen(_ what: Int, _ which: Int, _ stream: StreamKey?, _ operations: inout Operations) {
    switch what {
    case 0: if let key = core.opened(which & 1 == 0 ? .unidirectional : .bidirectional) { streams.append(key) }
    case 1, 2, 3:
      let count = operations.byte() ?? 0
      if let stream { core.received(operations.bytes(count), fin: what == 3, on: stream) }
    case 4: if let stream { core.wasReset(stream, code: UInt64(which)) }
    case 5: if let stream { core.wasStopped(stream, code: UInt64(which)) }
    case 6: if let stream { core.acknowledged(stream) }
    case 7: core.received(datagram: operations.bytes(operations.byte() ?? 0))
    case 8: if let next = core.nextDeadline { core.ticked(at: next) }
    default: if let stream { core.drained(stream, which) }
    }
  }

  /// What the application asks for; a refusal is an answer.
  private mutating func command(_ what: Int, _ which: Int, _ stream: StreamKey?, _ request: RequestKey?) {
    let track = TrackName("a/b", "c")
    func made(_ key: RequestKey?) { if let key { requests.append(key) } }
    switch what % 18 {
    case 0: made(try? core.subscribe(SubscribeRequest(track)))
    case 1: made(try? core.announce(track.namespace))
    case 2: made(try? core.seekAnnouncements(prefix: track.namespace))
    case 3: made(try? core.publish(track, SubscribeAnswer(largest: Location(1, 1))))
    case 4: made(try? core.trackStatus(track))
    case 5: try? core.goAway()
    case 6: core.report(bitrate: UInt64(which) << 10)
    case 7:
      guard let request else { return }
      core.accept(request)
      try? core.accept(request, SubscribeAnswer())
      try? core.accept(request, FetchAnswer(end: Location(1, 1)))
    case 8: if let request { core.cancel(request) }
    case 9: if let request { core.reject(request, RequestFailure(.timeout)) }
    case 10: if let request { core.finish(request) }
    case 11, 12:
      guard let request else { return }
      let opened = try? core.openSubgroup(request, SubgroupInfo(group: UInt64(which)))
      guard let key = opened ?? (try? core.openFetch(request)) else { return }
      try? core.write(ObjectInfo(group: UInt64(which), id: 0, payloadLength: 2), on: key)
      core.write(payload: [1, 2], on: key)
      if what % 18 == 11 { core.finish(stream: key) }
      streams.append(key)
    case 13:
      guard let request else { return }
      _ = try? core.send(
        datagram: ObjectInfo(group: UInt64(which), id: 1, payloadLength: 1), payload: [1], for: request)
    case 14: if let stream { core.stop(stream: stream, .cancelled) }
    case 15: if let stream { core.reset(stream: stream, .cancelled) }
    case 16:
      let whole = FetchRequest.Range.standalone(track, start: Location(0, 0), endGroup: UInt64(which), endObject: nil)
      made(try? core.fetch(FetchRequest(request.map { .joining($0, groupsBefore: UInt64(which)) } ?? whole)))
    default:
      var update = SubscriptionUpdate()
      (update.start, update.priority) = (Location(UInt64(which), 0), UInt8(which))
      if let request { try? core.update(request, update) }
    }
  }
}

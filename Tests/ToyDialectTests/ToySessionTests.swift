import MoQKernel
import Testing

/// A dialect from outside is registered, negotiated, and carries objects.
@Suite struct ToySessionTests {
  @Test func carriesObjects() throws {
    let pair = Shuttle(registry: [Toy.self])
    #expect(SessionCore.alpns(for: SessionConfiguration(), registry: [Toy.self]) == ["toy"])
    pair.connect(alpn: "toy")
    #expect(pair.client.dialect?.name == "toy-1" && pair.server.dialect?.name == "toy-1")

    let track = TrackName("here/there", "thing")
    let ours = try pair.client.subscribe(SubscribeRequest(track, filter: .nextObject))
    pair.run()
    let theirs = try #require(pair.requested)
    try pair.server.accept(theirs, SubscribeAnswer())
    let stream = try pair.server.openSubgroup(theirs, SubgroupInfo(group: 4, subgroup: 2, priority: 9))
    for id in [0, 3, 7] as [UInt64] {
      try pair.server.write(ObjectInfo(group: 4, id: id, payloadLength: 3), on: stream)
      pair.server.write(payload: [UInt8(id), 1, 2], on: stream)
    }
    try pair.server.write(ObjectInfo(group: 4, id: 8, status: .endOfGroup), on: stream)
    pair.server.finish(stream: stream)
    pair.server.finish(theirs)
    pair.run()
    #expect(pair.objects.map(\.0.id) == [0, 3, 7, 8] && pair.objects.map(\.0.subgroup) == [2, 2, 2, 2])
    #expect(pair.objects.map(\.1) == [[0, 1, 2], [3, 1, 2], [7, 1, 2], []])
    #expect(pair.ended?.0 == ours && pair.ended?.1.reason == .trackEnded && pair.ended?.1.code == 2)
  }

  @Test func saysWhatItCannotSay() throws {
    let pair = Shuttle(registry: [Toy.self])
    pair.connect(alpn: "toy")
    for command in [
      { _ = try pair.client.trackStatus(TrackName("a", "b")) },
      { _ = try pair.client.announce("a") },
      { try pair.client.goAway() },
    ] as [() throws -> Void] {
      #expect { try command() } throws: { ($0 as? CommandError)?.kind == .inexpressible }
    }
  }

  @Test func nobodyElseSpeaksIt() {
    let pair = Shuttle(registry: [Toy.self], serverRegistry: [])
    pair.connect(alpn: nil)
    #expect(pair.end?.phrase.contains("toy-1 (0x746f7931)") == true, "\(pair.end?.phrase ?? "")")
  }
}

/// Two sessions in one process, and everything that one sends handed to the other at once.
final class Shuttle {
  let client: SessionCore, server: SessionCore
  private(set) var requested: RequestKey?
  private(set) var objects: [(ObjectInfo, [UInt8])] = []
  private(set) var ended: (RequestKey, RequestFailure)?
  private(set) var end: SessionEnd?
  /// The other side's key, by ours.
  private var keys: [[StreamKey: StreamKey]] = [[:], [:]]
  private var kinds: [StreamKey: StreamKind] = [:]

  init(registry: [any Dialect.Type], serverRegistry: [any Dialect.Type]? = nil) {
    client = SessionCore(role: .client, options: SessionConfiguration(), registry: registry)
    server = SessionCore(role: .server, options: SessionConfiguration(), registry: serverRegistry ?? registry)
  }
  func connect(alpn: String?) {
    client.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    server.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    run()
  }
  func run() {
    while client.hasWork || server.hasWork {
      client.drainEffects { carry($0, 0, server) }
      server.drainEffects { carry($0, 1, client) }
      client.drainEvents {
        if case .closed(let end) = $0 { self.end = end }
        note($0)
      }
      server.drainEvents(note)
    }
  }
  private func carry(_ effect: Effect, _ side: Int, _ other: SessionCore) {
    switch effect {
    case .open(let key, let kind, _):
      guard let theirs = other.opened(kind) else { return }
      keys[side][key] = theirs
      keys[1 - side][theirs] = key
    case .send(let key, let bytes):
      guard let theirs = keys[side][key] else { return }
      bytes.withUnsafeBytes { other.received($0, fin: false, on: theirs) }
    case .finish(let key):
      guard let theirs = keys[side][key] else { return }
      other.received(UnsafeRawBufferPointer(start: nil, count: 0), fin: true, on: theirs)
    case .reset(let key, let code): if let theirs = keys[side][key] { other.wasReset(theirs, code: code) }
    case .stop(let key, let code): if let theirs = keys[side][key] { other.wasStopped(theirs, code: code) }
    case .close(let code, let reason):
      other.transportClosed(SessionEnd(.peer, .noError, code: code, phrase: reason))
    default: break
    }
  }
  private func note(_ event: Event) {
    switch event {
    case .subscribeRequested(let key, _): requested = key
    case .object(_, let info): objects.append((info, []))
    case .payload(_, let part): objects[objects.count - 1].1 += part.array
    case .ended(let key, let failure): ended = (key, failure)
    default: break
    }
  }
}

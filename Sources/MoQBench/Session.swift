import MoQDrafts
import MoQKernel

extension Suite {
  /// Two session kernels in one thread, with nothing between them: what a session costs without its transport.
  static let session = Suite(
    name: "session", summary: "two session kernels in memory: objects and subscriptions, CPU of both sides",
    cases: dialects.flatMap { dialect in
      [
        Case("object of 100 bytes, \(dialect.name)") { try sessionObjects(dialect, size: 100) },
        Case("object of 10 kB, \(dialect.name)") { try sessionObjects(dialect, size: 10_000) },
        Case("subscription, its answer and its end, \(dialect.name)") { try sessionSubscriptions(dialect) },
      ]
    })
}

private func sessionObjects(_ dialect: any Dialect.Type, size: Int) throws -> Measurement {
  let couple = try Couple(dialect), groupSize = 100
  let request = try couple.subscribe()
  let payload = Bytes([UInt8](repeating: 7, count: size))
  var group: UInt64 = 0, best = Double.infinity
  for _ in 0..<15 {
    let start = threadCPU(), before = couple.objects
    for _ in 0..<20 {
      let stream = try couple.server.openSubgroup(request, SubgroupInfo(group: group, endsGroup: true))
      for id in 0..<UInt64(groupSize) {
        try couple.server.write(ObjectInfo(group: group, id: id, payloadLength: UInt64(size)), on: stream)
        couple.server.write(payload: payload, on: stream)
      }
      couple.server.finish(stream: stream)
      couple.exchange()
      group += 1
    }
    let arrived = couple.objects - before
    guard arrived == 20 * groupSize else { throw BenchFailure("\(arrived) of \(20 * groupSize) objects arrived") }
    best = min(best, Double(threadCPU() - start) / Double(arrived))
  }
  return Measurement(best, unit: "ns")
}

private func sessionSubscriptions(_ dialect: any Dialect.Type) throws -> Measurement {
  let couple = try Couple(dialect)
  var best = Double.infinity
  for _ in 0..<15 {
    let start = threadCPU(), count = 500
    for _ in 0..<count {
      _ = try couple.subscribe()
      couple.client.cancel(couple.lastSubscription)
      couple.exchange()
    }
    best = min(best, Double(threadCPU() - start) / Double(count))
  }
  return Measurement(best, unit: "ns")
}

struct BenchFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A client and a server, and the streams between them.
private final class Couple {
  let client: SessionCore, server: SessionCore
  private(set) var objects = 0
  private(set) var lastSubscription = RequestKey(0)
  private var asked: RequestKey?
  private var clientKeys: [StreamKey: StreamKey] = [:], serverKeys: [StreamKey: StreamKey] = [:]
  private var now = Instant(nanoseconds: 1_000_000_000)

  init(_ dialect: any Dialect.Type) throws {
    var configuration = SessionConfiguration()
    configuration.dialects = .exactly(dialect.name)
    client = SessionCore(role: .client, options: configuration, registry: dialects)
    server = SessionCore(role: .server, options: configuration, registry: dialects)
    let alpn = SessionCore.alpns(for: configuration, registry: dialects).first
    for side in [client, server] {
      side.ticked(at: now)
      side.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    }
    exchange()
    guard client.isEstablished, server.isEstablished else { throw BenchFailure("no session in \(dialect.name)") }
  }

  /// A subscription that the server has accepted, by the server's key.
  func subscribe() throws -> RequestKey {
    asked = nil
    lastSubscription = try client.subscribe(SubscribeRequest(TrackName("bench", "track"), filter: .currentGroup))
    exchange()
    guard let asked else { throw BenchFailure("the subscription did not arrive") }
    try server.accept(asked, SubscribeAnswer())
    exchange()
    return asked
  }

  /// Carries everything over, until neither side has more to do.
  func exchange() {
    now = Instant(nanoseconds: now.nanoseconds + 1_000)
    client.ticked(at: now)
    server.ticked(at: now)
    while client.hasWork || server.hasWork {
      client.drainEffects { carry($0, from: client, to: server, &clientKeys, &serverKeys) }
      server.drainEffects { carry($0, from: server, to: client, &serverKeys, &clientKeys) }
      client.drainEvents { event in
        switch event {
        case .object(let stream, let info):
          if info.payloadLength == 0 { objects += 1 }
          left[stream] = info.payloadLength
        case .payload(let stream, let part):
          client.consumed(part.count, on: stream)
          let rest = (left[stream] ?? 0) - UInt64(part.count)
          left[stream] = rest
          if rest == 0 { objects += 1 }
        case .streamEnded(let stream, _): left[stream] = nil
        default: break
        }
      }
      server.drainEvents { if case .subscribeRequested(let key, _) = $0 { asked = key } }
    }
  }
  private var left: [StreamKey: UInt64] = [:]

  private func carry(
    _ effect: Effect, from sender: SessionCore, to receiver: SessionCore, _ keys: inout [StreamKey: StreamKey],
    _ back: inout [StreamKey: StreamKey]
  ) {
    switch effect {
    case .open(let key, let kind, _):
      guard let theirs = receiver.opened(kind) else { return }
      (keys[key], back[theirs]) = (theirs, key)
    case .send(let key, let bytes):
      guard let theirs = keys[key] else { return }
      bytes.withUnsafeBytes { receiver.received($0, fin: false, on: theirs) }
      sender.drained(key, bytes.count)
    case .finish(let key):
      guard let theirs = keys[key] else { return }
      receiver.received(UnsafeRawBufferPointer(start: nil, count: 0), fin: true, on: theirs)
      sender.acknowledged(key)
    case .reset(let key, let code): if let theirs = keys[key] { receiver.wasReset(theirs, code: code) }
    case .stop(let key, let code): if let theirs = keys[key] { receiver.wasStopped(theirs, code: code) }
    case .forget(let key): keys[key] = nil
    case .datagram(let bytes): bytes.withUnsafeBytes { receiver.received(datagram: $0) }
    case .prioritize, .consumed, .close: break
    }
  }
}

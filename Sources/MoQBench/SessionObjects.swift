import MoQDrafts
import MoQKernel

extension Suite {
  /// Objects through a session, without a network: headers, credit and events, against the bare walk and copy.
  static let session = Suite(
    name: "session", summary: "objects in and out of a session, against the bare walk",
    cases: [100, 1_200].flatMap { size in
      [("draft-14", false), ("moq-lite-01", true)].flatMap { name, isLite in
        [
          Case("receive \(name) \(size) B") { try receive(size, isLite: isLite) },
          Case("send \(name) \(size) B") { try send(size, isLite: isLite) },
        ]
      }
    })

  /// What the transport hands over at a time: the payload of a packet.
  private static let chunk = 1_200

  private static func receive(_ size: Int, isLite: Bool) throws -> Measurement {
    let bytes = try stream(size, count: 1_000, isLite: isLite), pair = try SessionPairForBench(isLite: isLite)
    return race(rounds: 9, operations: 100_000) { count in
      var left = count
      while left > 0 {
        pair.receive(bytes, chunk)
        left -= 1_000
      }
    } twin: { count in
      var left = count, slabs = SlabWriter(), total = 0
      let forms = isLite ? Lite01.objects : Draft14.objects
      while left > 0 {
        var reader = WireReader(bytes.span.bytes), state = SubgroupStream(forms)
        try? state.walkHeader(&reader)
        while reader.remaining > 0 {
          var header = ObjectHeader()
          guard (try? state.read(&header, from: &reader)) != nil, let part = reader.slice(Int(header.payloadLength))
          else { break }
          total &+= slabs.write(part).count
        }
        left -= 1_000
      }
      precondition(total > 0)
    }
  }
  private static func send(_ size: Int, isLite: Bool) throws -> Measurement {
    let payload = Bytes([UInt8](repeating: 7, count: size)), pair = try SessionPairForBench(isLite: isLite)
    return race(rounds: 9, operations: 100_000) { count in
      pair.send(payload, count)
    } twin: { count in
      var state = SubgroupStream(isLite ? Lite01.objects : Draft14.objects), wire = WireWriter(), slabs = SlabWriter()
      var effects: [Effect] = []
      let key = StreamKey(slot: 0, generation: 0)
      for id in 0..<UInt64(count) {
        wire.clear()
        var header = ObjectHeader()
        (header.id, header.payloadLength) = (id, UInt64(size))
        try? state.write(header, to: &wire)
        effects.append(.send(key, slabs.write(wire.span)))
        effects.append(.send(key, payload))
        if effects.count >= 64 { effects.removeAll(keepingCapacity: true) }
      }
    }
  }
  private static func stream(_ size: Int, count: UInt64, isLite: Bool) throws -> [UInt8] {
    var wire = WireWriter(), state = SubgroupStream(isLite ? Lite01.objects : Draft14.objects)
    state.trackAlias = 0
    try state.walkHeader(&wire)
    let payload = [UInt8](repeating: 7, count: size)
    for id in 0..<count {
      var header = ObjectHeader()
      (header.id, header.payloadLength) = (id, UInt64(size))
      try state.write(header, to: &wire)
      wire.append(payload.span.bytes)
    }
    return wire.bytes
  }
}

/// A client that subscribes and a server that serves it, joined by hand until the subscription is live.
private final class SessionPairForBench: @unchecked Sendable {
  let client: SessionCore, server: SessionCore
  private var served: RequestKey?, live = false

  init(isLite: Bool) throws {
    var options = SessionConfiguration()
    options.dialects = .exactly(isLite ? "moq-lite-01" : "draft-14")
    client = SessionCore(role: .client, options: options, registry: dialects)
    server = SessionCore(role: .server, options: options, registry: dialects)
    for core in [client, server] {
      core.connected(alpn: isLite ? "moql" : "moq-00", subprotocol: nil, transport: .quic)
    }
    join()
    _ = try client.subscribe(
      SubscribeRequest(TrackName("bench", "track"), filter: isLite ? .currentGroup : .nextObject))
    join()
    guard let served else { return }
    try server.accept(served, SubscribeAnswer())
    join()
  }
  private var streams: [[StreamKey: StreamKey]] = [[:], [:]]
  private func join() {
    while client.hasWork || server.hasWork {
      for (side, (core, other)) in [(client, server), (server, client)].enumerated() {
        core.drainEffects { effect in
          switch effect {
          case .open(let key, let kind, _):
            guard let theirs = other.opened(kind) else { return }
            streams[side][key] = theirs
            streams[1 - side][theirs] = key
          case .send(let key, let bytes):
            guard let theirs = streams[side][key] else { return }
            bytes.withUnsafeBytes { other.received($0, fin: false, on: theirs) }
          default: break
          }
        }
        core.drainEvents { if case .subscribeRequested(let key, _) = $0 { served = key } }
      }
    }
  }
  /// One stream into the client, in packets; its owner uses what it gets.
  func receive(_ bytes: [UInt8], _ chunk: Int) {
    guard let stream = client.opened(.unidirectional) else { return }
    bytes.withUnsafeBytes { all in
      var offset = 0
      while offset < all.count {
        let end = min(offset + chunk, all.count)
        client.received(UnsafeRawBufferPointer(rebasing: all[offset..<end]), fin: end == all.count, on: stream)
        client.drainEvents { if case .payload(let key, let part) = $0 { client.consumed(part.count, on: key) } }
        client.drainEffects { _ in }
        offset = end
      }
    }
  }
  func send(_ payload: Bytes, _ count: Int) {
    guard let served, let stream = try? server.openSubgroup(served, SubgroupInfo(group: 0)) else { return }
    for id in 0..<UInt64(count) {
      try? server.write(ObjectInfo(group: 0, id: id, payloadLength: UInt64(payload.count)), on: stream)
      server.write(payload: payload, on: stream)
      if id % 32 == 31 {
        var sent = 0
        server.drainEffects { if case .send(_, let bytes) = $0 { sent += bytes.count } }
        server.drained(stream, sent)
        server.drainEvents { _ in }
      }
    }
    server.reset(stream: stream, .cancelled)
    server.drainEffects { _ in }
  }
}

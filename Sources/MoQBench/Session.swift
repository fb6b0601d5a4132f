import MoQDrafts
import MoQKernel

extension Suite {
  /// Two session kernels in one thread, with nothing between them: what a session costs without its transport.
  static let session = Suite(
    name: "session", summary: "two session kernels in memory: objects and subscriptions, CPU of both sides",
    cases: dialects.flatMap { dialect in
      [
        Case("object of 100 bytes, \(dialect.name)", limit: smallObjectLimit) {
          try sessionObjects(dialect, size: 100)
        },
        Case("object of 10 kB, \(dialect.name)") { try sessionObjects(dialect, size: 10_000) },
        Case("subscription, its answer and its end, \(dialect.name)") { try sessionSubscriptions(dialect) },
      ]
    })

  /// How much dearer than the bare wire a small object may be, in and out of two sessions: 2.7 where nothing else runs, 3.1
  /// beside much else.
  private static let smallObjectLimit = 3.5
}

/// What an object costs both sessions, and of that: what the publisher's commands cost, what carrying the effects
/// over (the transports' part: bytes handed from one to the other, read on arrival), and what handing over the events.
/// The twin is the wire alone: the same objects written and read by the codec, each copied once, without a session.
private func sessionObjects(_ dialect: any Dialect.Type, size: Int) throws -> Measurement {
  let couple = try Couple(dialect), groupSize = 100, groups = 20
  let request = try couple.subscribe()
  let payload = Bytes([UInt8](repeating: 7, count: size))
  var group: UInt64 = 0, best = Double.infinity, bestTwin = Double.infinity, parts: [Double] = []
  var bestParts = Double.infinity
  for round in 0..<60 {
    // Reading the clock for the parts costs as much as some objects: it has rounds of its own.
    let isTimed = !round.isMultiple(of: 2)
    couple.isTimed = isTimed
    let begin = threadCPU(), before = couple.objects
    var commands: UInt64 = 0
    (couple.carrying, couple.telling) = (0, 0)
    for _ in 0..<groups {
      let start = isTimed ? threadCPU() : 0
      let stream = try couple.server.openSubgroup(request, SubgroupInfo(group: group, endsGroup: true))
      for id in 0..<UInt64(groupSize) {
        try couple.server.write(ObjectInfo(group: group, id: id, payloadLength: UInt64(size)), on: stream)
        couple.server.write(payload: payload, on: stream)
      }
      couple.server.finish(stream: stream)
      if isTimed { commands += threadCPU() - start }
      couple.exchange()
      group += 1
    }
    let arrived = Double(couple.objects - before), cost = Double(threadCPU() - begin) / arrived
    guard arrived == Double(groups * groupSize) else { throw BenchFailure("\(arrived) objects arrived") }
    if isTimed, cost < bestParts {
      bestParts = cost
      parts = [commands, couple.carrying, couple.telling].map { Double($0) / arrived }
    }
    if !isTimed { best = min(best, cost) }
    let twin = threadCPU()
    for _ in 0..<groups { try wireAlone(dialect.objects, payload, groupSize) }
    bestTwin = min(bestTwin, Double(threadCPU() - twin) / Double(groups * groupSize))
  }
  let names = ["commands", "carrying", "events"]
  return Measurement(
    best, twin: bestTwin, unit: "ns", details: zip(names, parts).map { (name: $0, value: $1, unit: "ns") })
}

/// A group's objects, written and read, each payload copied once.
private func wireAlone(_ forms: ObjectForms, _ payload: Bytes, _ count: Int) throws(WireError) {
  var writer = WireWriter(), slabs = SlabWriter(), pieces: [Bytes] = [], arrived: [Bytes] = []
  var out = SubgroupStream(forms), stream = SubgroupStream(forms), header = ObjectHeader()
  header.payloadLength = UInt64(payload.count)
  try out.walkHeader(&writer)
  pieces.append(writer.withBytes { slabs.write($0) })
  for id in 0..<UInt64(count) {
    writer.clear()
    header.id = id
    try out.write(header, to: &writer)
    pieces.append(writer.withBytes { slabs.write($0) })
    pieces.append(payload)
  }
  for (index, piece) in pieces.enumerated() {
    if index > 0, index.isMultiple(of: 2) {
      arrived.append(slabs.write(piece.span))
    } else {
      var reader = WireReader(piece.span), header = ObjectHeader()
      if index == 0 { try stream.walkHeader(&reader) } else { try stream.read(&header, from: &reader) }
    }
  }
  precondition(arrived.count == count)
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
  // Looked at for every object: as cheap as a transport's own table, so that the sessions are what is measured.
  @exclusivity(unchecked) private(set) var objects = 0
  /// Nanoseconds spent on carrying effects over, and on handing over events.
  @exclusivity(unchecked) var carrying: UInt64 = 0, telling: UInt64 = 0
  /// Whether that is measured: reading the clock costs as much as an object.
  var isTimed = false
  private(set) var lastSubscription = RequestKey(0)
  private var asked: RequestKey?
  /// The other side's key of a stream, by the slot of this side's.
  @exclusivity(unchecked) private var clientKeys: [StreamKey?] = [], serverKeys: [StreamKey?] = []
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
      let start = isTimed ? threadCPU() : 0
      client.drainEffects { carry($0, from: client, to: server, &clientKeys, &serverKeys) }
      server.drainEffects { carry($0, from: server, to: client, &serverKeys, &clientKeys) }
      let middle = isTimed ? threadCPU() : 0
      client.drainEvents { event in
        switch event {
        case .object(_, let info):
          left = info.payloadLength
          // A group's end is an object of its own in some drafts; it is no object that was asked for.
          if left == 0, info.status == .normal { objects += 1 }
        case .payload(let stream, let part):
          client.consumed(part.count, on: stream)
          left -= UInt64(part.count)
          if left == 0 { objects += 1 }
        default: break
        }
      }
      server.drainEvents { if case .subscribeRequested(let key, _) = $0 { asked = key } }
      if isTimed {
        carrying += middle - start
        telling += threadCPU() - middle
      }
    }
  }
  /// Bytes of the current object that are to come: streams come one after the other.
  @exclusivity(unchecked) private var left: UInt64 = 0

  private func carry(
    _ effect: Effect, from sender: SessionCore, to receiver: SessionCore, _ keys: inout [StreamKey?],
    _ back: inout [StreamKey?]
  ) {
    func other(_ key: StreamKey) -> StreamKey? { Int(key.slot) < keys.count ? keys[Int(key.slot)] : nil }
    func link(_ table: inout [StreamKey?], _ key: StreamKey, _ value: StreamKey?) {
      while table.count <= Int(key.slot) { table.append(nil) }
      table[Int(key.slot)] = value
    }
    switch effect {
    case .open(let key, let kind, _):
      guard let theirs = receiver.opened(kind) else { return }
      link(&keys, key, theirs)
      link(&back, theirs, key)
    case .send(let key, let bytes):
      guard let theirs = other(key) else { return }
      bytes.withUnsafeBytes { receiver.received($0, fin: false, on: theirs) }
      sender.drained(key, bytes.count)
    case .finish(let key):
      guard let theirs = other(key) else { return }
      receiver.received(UnsafeRawBufferPointer(start: nil, count: 0), fin: true, on: theirs)
      sender.acknowledged(key)
    case .reset(let key, let code): if let theirs = other(key) { receiver.wasReset(theirs, code: code) }
    case .stop(let key, let code): if let theirs = other(key) { receiver.wasStopped(theirs, code: code) }
    case .forget(let key): link(&keys, key, nil)
    case .datagram(let bytes): bytes.withUnsafeBytes { receiver.received(datagram: $0) }
    case .prioritize, .consumed, .close: break
    }
  }
}

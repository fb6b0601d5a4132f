import MoQKernel
import Testing

@testable import MoQNetwork

/// Bad networks and bad peers.
@Suite(.timeLimit(.minutes(1)))
struct NetworkTests {
  /// Loss and reordering: all content arrives intact, on one long stream, on many short ones, both ways.
  @Test(arguments: [(1, 0x5eed_0001 as UInt64), (5, 0x5eed_0002), (5, UInt64.random(in: 1 ... .max))])
  func lossAndReordering(_ percent: Int, _ seed: UInt64) async throws {
    let server = try await Side.server(.echo)
    let hop = try await LossyHop(to: server.port, seed: seed, lossPercent: percent)
    let client = try await Side.client(to: hop.port)
    let long = content(77, 600_000)
    try await client.withConnection { connection in
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes(long))
      stream.finish()
      for i in 0..<200 {
        let stream = connection.open(bidirectional: i % 2 == 0)
        stream.write(Bytes(content(i, 10 * i)))
        stream.finish()
      }
    }
    var echoes = 0, arrived = 0
    while echoes < 101 {
      let event = try await client.events.first { if case .ended = $0 { true } else { false } }
      guard case .ended(let id, let bytes) = event else { continue }
      echoes += 1
      #expect(bytes == (id == 0 ? long : content((Int(id) / 4 - 1) * 2, 20 * (Int(id) / 4 - 1))), "seed \(seed)")
    }
    while arrived < 201 {
      let event = try await server.events.first { if case .ended = $0 { true } else { false } }
      guard case .ended(let id, let bytes) = event else { continue }
      arrived += 1
      if id & 2 != 0 { #expect(bytes == content(Int(id >> 2) * 2 + 1, 10 * (Int(id >> 2) * 2 + 1)), "seed \(seed)") }
    }
    let counts = try await hop.counts
    #expect(counts.dropped > 0 && counts.delayed > 0, "seed \(seed)")
  }

  /// Lost packets are counted.
  @Test func lossIsCounted() async throws {
    let server = try await Side.server(.discard)
    let hop = try await LossyHop(to: server.port, seed: 3, lossPercent: 5, delayedPercent: 0)
    let client = try await Side.client(to: hop.port)
    try await client.withConnection { connection in
      let stream = connection.open(bidirectional: false)
      stream.write(Bytes(content(1, 1_000_000)))
      stream.finish()
    }
    try await client.events.next(.streamClosed(2))
    #expect(try await client.withConnection { $0.statistics.packetsLost } > 5)
  }

  /// Rubbish at the port disturbs nobody: random bytes, cut Initials, false versions, forged short packets.
  @Test func rubbishDisturbsNobody() async throws {
    let seed = UInt64.random(in: 1 ... .max)
    let server = try await Side.server(.echo)
    let client = try await Side.client(to: server.port)
    _ = try await client.events.connected()
    // A real Initial, to be cut and changed.
    let trap = try await Recorder()
    let lure = try await Side.client(to: trap.port)
    let initial = await trap.first
    #expect(initial.count >= 1200)
    _ = lure
    let port = server.port
    let sent = try await trap.loop.run {
      var generator = Xorshift(seed)
      let to = LossyHop.Core.loopback(port)
      var sent = 0
      for round in 0..<3000 {
        var bytes: [UInt8]
        switch round % 5 {
        case 0: bytes = (0..<Int(generator.next() % 1400)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        case 1: bytes = Array(initial.prefix(Int(generator.next() % UInt64(initial.count))))
        case 2:
          bytes = initial
          for _ in 0..<3 {
            bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
          }
        case 3:
          bytes = initial
          bytes[1] = 0xba
        default:
          bytes = (0..<Int(20 + generator.next() % 100)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
          bytes[0] = 0x40 | bytes[0] & 0x3f
        }
        trap.wire.value.send(bytes, to: to)
        sent += 1
      }
      return sent
    }
    #expect(sent == 3000)
    // The connection that was there works, and a new one begins.
    let bytes = content(4, 300_000)
    try await client.withConnection { connection in
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes(bytes))
      stream.finish()
    }
    try await client.events.next(.ended(0, bytes))
    let other = try await Side.client(to: server.port)
    #expect(try await other.events.connected() == "moq-00", "seed \(seed)")
    let counters = try await server.run { $0.endpoint.counters }
    #expect(counters.versionNegotiations > 0 && counters.ignored > 0 && counters.statelessResets > 0)
  }

  /// A client that is offered other versions than 1 says which.
  @Test func versionNegotiation() async throws {
    let trap = try await Recorder()
    let client = try await Side.client(to: trap.port)
    let initial = await trap.first
    try await trap.loop.run {
      // Version 0, the ids exchanged, one version.
      let d = Int(initial[5]), s = Int(initial[6 + d])
      let destination = initial[6..<6 + d], source = initial[7 + d..<7 + d + s]
      var packet: [UInt8] = [0xc0, 0, 0, 0, 0, UInt8(s)] + source + [UInt8(d)] + destination
      packet += [0xfa, 0xce, 0xb0, 0x02]
      if let from = trap.sender.value.address { trap.wire.value.send(packet, to: from) }
    }
    #expect(try await client.events.close() == .version(offered: [0xface_b002]))
  }

  /// The same transfer without segmentation and coalescing in the kernel, and after the kernel refuses it.
  @Test(arguments: [false, true]) func withoutOffload(refusedLate: Bool) async throws {
    var options = QUICOptions()
    options.usesOffload = refusedLate
    let server = try await Side.server(.echo, options: options)
    let client = try await Side.client(to: server.port, options: options)
    _ = try await client.events.connected()
    if refusedLate {
      try await client.withConnection { for socket in $0.sockets { socket.raw.pointee.gso = 0 } }
      try await server.run { for socket in $0.endpoint.listeners { socket.raw.pointee.gso = 0 } }
    }
    let bytes = content(8, 800_000)
    try await client.withConnection { connection in
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes(bytes))
      stream.finish()
    }
    try await client.events.next(.ended(0, bytes))
  }

  /// A port that keeps the first packet it gets.
  final class Recorder: Sendable {
    let loop = Loop(name: "trap")
    let port: UInt16
    let wire: LoopBound<LossyHop.Wire>
    let sender: LoopBound<Sender>
    private let packets: AsyncStream<[UInt8]>
    final class Sender { var address: LossyHopAddress? }

    init() async throws {
      let (packets, sink) = AsyncStream<[UInt8]>.makeStream()
      self.packets = packets
      let loop = loop
      (wire, sender, port) = try await loop.run {
        let wire = LossyHop.Wire(loop), sender = Sender()
        wire.received = { bytes, from in
          sender.address = from
          sink.yield(bytes)
        }
        return (LoopBound(wire, on: loop), LoopBound(sender, on: loop), wire.port)
      }
    }
    deinit {
      loop.post { [wire] in wire.value.close() }
      loop.shutdown()
    }
    var first: [UInt8] {
      get async {
        for await packet in packets { return packet }
        return []
      }
    }
  }
}

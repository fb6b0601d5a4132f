import MoQKernel
import Testing

@testable import MoQNetwork

@Suite(.timeLimit(.minutes(1)))
struct LifecycleTests {
  @Test func closeCodeAndReason() async throws {
    let server = try await Side.server()
    let client = try await Side.client(to: server.port)
    _ = try await server.events.connected()
    _ = try await client.events.connected()
    try await client.withConnection { $0.close(code: 42, reason: "bye – ✓") }
    #expect(try await client.events.close() == .application(code: 42, reason: "bye – ✓", byPeer: false))
    #expect(try await server.events.close() == .application(code: 42, reason: "bye – ✓", byPeer: true))
    #expect(try await server.run { $0.endpoint.connections.count } == 0)
  }

  @Test func serverClosesAll() async throws {
    let server = try await Side.server()
    let client = try await Side.client(to: server.port)
    _ = try await client.events.connected()
    _ = try await server.events.connected()
    try await server.run { $0.endpoint.close(code: 7, reason: "maintenance") }
    #expect(try await client.events.close() == .application(code: 7, reason: "maintenance", byPeer: true))
  }

  /// What was queued before the close arrives before it.
  @Test func closeAfterSending() async throws {
    let server = try await Side.server()
    let client = try await Side.client(to: server.port)
    let bytes = content(3, 1_500_000)
    _ = try await client.events.connected()
    try await client.withConnection { connection in
      let stream = connection.open(bidirectional: false)
      stream.write(Bytes(bytes))
      stream.finish()
      connection.close(code: 5, reason: "done")
    }
    try await server.events.next(.ended(2, bytes))
    #expect(try await server.events.close() == .application(code: 5, reason: "done", byPeer: true))
  }

  /// A loop without memory for packets opens no socket, and says why.
  @Test func noMemoryForPackets() async throws {
    let (stream, sink) = AsyncStream<Event>.makeStream()
    let loop = Loop(name: "poor"), identity = try Side.identity.get()
    defer { loop.shutdown() }
    let endpoint = try await loop.run {
      loop.core.packets = PacketBuffers(nil)
      let endpoint = QUICEndpoint(loop: loop)
      #expect(throws: NetworkError.noMemory) {
        try endpoint.listen(on: Resolver.known("127.0.0.1", port: 0) ?? [], identity: identity, alpns: ["moq-00"]) {
          _ in Witness(.silent, sink)
        }
      }
      _ = endpoint.connect(
        host: "127.0.0.1", port: 1, alpns: ["moq-00"], trust: .none, handler: Witness(.silent, sink))
      return LoopBound(endpoint, on: loop)
    }
    #expect(try await Events(stream).close() == .failed(NetworkError.noMemory.description))
    #expect(try await loop.run { endpoint.value.connections.isEmpty })
  }

  @Test func datagrams() async throws {
    let server = try await Side.server(.echo)
    let client = try await Side.client(to: server.port)
    _ = try await client.events.connected()
    let size = try await client.withConnection { $0.maximumDatagramSize }
    #expect(size >= 1100)
    let bytes = content(5, size)
    let accepted = try await client.withConnection { connection in
      [
        connection.send(datagram: Bytes(bytes)), connection.send(datagram: Bytes("small")),
        connection.send(datagram: Bytes()), connection.send(datagram: Bytes(content(6, size + 2000))),
      ]
    }
    #expect(accepted == [true, true, true, false])
    try await client.events.next(.datagram(bytes))
    try await client.events.next(.datagram(Array("small".utf8)))
    try await client.events.next(.datagram([]))
    #expect(try await client.withConnection { $0.statistics.datagramsSent } == 3)
  }

  @Test func noDatagramsForWhoTakesNone() async throws {
    var options = QUICOptions()
    options.datagramQueue = 0
    let server = try await Side.server(options: options)
    let client = try await Side.client(to: server.port)
    _ = try await client.events.connected()
    #expect(try await client.withConnection { $0.maximumDatagramSize } == 0)
    #expect(try await client.withConnection { $0.send(datagram: Bytes("x")) } == false)
  }

  /// A full queue drops its oldest datagram and counts it.
  @Test func datagramQueueIsBounded() async throws {
    var options = QUICOptions()
    options.datagramQueue = 10
    let server = try await Side.server()
    let client = try await Side.client(to: server.port, options: options)
    _ = try await client.events.connected()
    let (queued, dropped) = try await client.withConnection { connection in
      for i in 0..<30 { connection.send(datagram: Bytes([UInt8(i)])) }
      return (connection.queuedDatagrams, connection.statistics.datagramsDropped)
    }
    #expect(queued == 10 && dropped == 20)
    try await server.events.next(.datagram([20]))
    try await server.events.next(.datagram([29]))
  }

  @Test func idleTimeout() async throws {
    var options = QUICOptions()
    options.idleTimeout = .milliseconds(300)
    let server = try await Side.server(options: options)
    let client = try await Side.client(to: server.port)
    _ = try await client.events.connected()
    #expect(try await client.events.close() == .idleTimeout)
    #expect(try await server.events.close() == .idleTimeout)
  }

  @Test func keepAlive() async throws {
    var options = QUICOptions()
    options.idleTimeout = .milliseconds(400)
    let server = try await Side.server(.echo, options: options)
    options.keepAlive = .milliseconds(100)
    let client = try await Side.client(to: server.port, options: options)
    _ = try await client.events.connected()
    // Three times the idle timeout later it is still there.
    try await client.run { state in
      guard let connection = state.last else { return }
      connection.loop.schedule(at: connection.loop.now + 1_200_000_000) {
        connection.open(bidirectional: true).finish()
      }
    }
    try await client.events.next(.ended(0, []))
  }

  /// A restarted server with the same secret tells its old clients that it knows them no more.
  @Test func statelessReset() async throws {
    var options = QUICOptions()
    options.secret = Array("the same".utf8)
    let first = try await Side.server(options: options)
    let client = try await Side.client(to: first.port)
    _ = try await client.events.connected()
    _ = try await first.events.connected()
    try await first.run { state in for socket in state.endpoint.listeners { socket.close() } }
    let second = try await Side.server(port: first.port, options: options)
    try await client.withConnection { $0.open(bidirectional: true).write(Bytes("anyone?")) }
    #expect(try await client.events.close() == .statelessReset)
    #expect(try await second.run { $0.endpoint.counters.statelessResets } >= 1)
  }

  @Test func migration() async throws {
    let server = try await Side.server(.echo)
    let client = try await Side.client(to: server.port)
    _ = try await client.events.connected()
    _ = try await server.events.connected()
    let before = try await server.withConnection { $0.peerAddress }
    for round in 1...2 {
      try await client.withConnection { connection in
        connection.migrate()
        let stream = connection.open(bidirectional: true)
        stream.write(Bytes("round \(round)"))
        stream.finish()
      }
      try await client.events.next(.ended(Int64(round - 1) * 4, Array("round \(round)".utf8)))
    }
    // The new path is validated by an exchange of its own; then the server's view follows.
    var after = try await server.withConnection { $0.peerAddress }
    var id: Int64 = 8
    while after == before {
      try await client.withConnection { $0.open(bidirectional: true).finish() }
      try await client.events.next(.ended(id, []))
      id += 4
      after = try await server.withConnection { $0.peerAddress }
    }
    #expect(after?.host == "127.0.0.1" && after != before)
  }

  @Test func statistics() async throws {
    let server = try await Side.server(.echo)
    let client = try await Side.client(to: server.port)
    _ = try await client.events.connected()
    try await client.withConnection { connection in
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes(content(1, 200_000)))
      stream.finish()
    }
    try await client.events.next(.streamClosed(0))
    let numbers = try await client.withConnection { $0.statistics }
    #expect(numbers.bytesSent > 200_000 && numbers.bytesReceived > 200_000)
    #expect(numbers.packetsSent > 100 && numbers.packetsReceived > 100)
    #expect(numbers.smoothedRTT > .zero && numbers.minimumRTT > .zero && numbers.congestionWindow > 0)
    #expect(numbers.sendBitrate > 0)
  }

  /// A connection that ends takes its streams with it, queued ones too, and they are harmless afterwards.
  @Test func streamsDieWithTheConnection() async throws {
    let server = try await Side.server()
    let client = try await Side.client(to: server.port)
    _ = try await client.events.connected()
    try await client.run { state in
      guard let connection = state.last else { return }
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes(content(1, 10_000_000)))
      state.witnesses[0].held = [stream]
      connection.close(code: 1, reason: "", afterSending: false)
    }
    #expect(try await client.events.close() == .application(code: 1, reason: "", byPeer: false))
    try await client.run { state in
      let stream = state.witnesses[0].held[0]
      #expect(stream.isClosed && stream.unsent == 0)
      stream.write(Bytes("x"))
      stream.finish()
      stream.reset(1)
      stream.stop(1)
      stream.consumed(10)
      let late = stream.connection.open(bidirectional: false)
      #expect(late.isClosed)
    }
  }
}

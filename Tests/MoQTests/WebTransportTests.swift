import MoQ
import MoQNetwork
import Testing

/// Sessions over WebTransport, through the same public face as over raw QUIC.
@Suite(.serialized) struct WebTransportTests {
  @Test("1,000 objects of 0 to 100 kB, each once, in order, with their content", arguments: Bridge.all)
  func carries(bridge: Bridge) async throws {
    let work = Workload(objects: 1_000, perGroup: 25, maximum: 100_000, seed: 21)
    try await within(.seconds(120)) {
      let relay = try await TestRelay.start(over: .https)
      try await carry(work, bridge, through: relay)
      #expect(await relay.server.statistics.objectsSent == 1_000)
      await relay.server.close()
    }
  }

  @Test("the same through loss and reordering", arguments: [1, 5])
  func lossy(loss: Int) async throws {
    let work = Workload(objects: 500, perGroup: 25, maximum: 100_000, seed: 6)
    try await within(.seconds(240)) {
      let relay = try await TestRelay.start(over: .https)
      let hop = try LossyHop(to: relay.server.port, loss: loss, reordering: 5, seed: UInt64(loss))
      defer { hop.stop() }
      try await carry(work, Bridge(publisher: "draft-14", subscriber: "moq-lite-01"), through: relay, port: hop.port)
      #expect(hop.lost > 0)
      await relay.server.close()
    }
  }

  @Test("a publisher over raw QUIC, a subscriber over WebTransport, and the other way round", arguments: Bridge.all)
  func mixed(bridge: Bridge) async throws {
    try await within {
      var relay = try await TestRelay.start()
      for (upstream, downstream) in [(SessionURL.Scheme.moqt, SessionURL.Scheme.https), (.https, .moqt)] {
        relay.scheme = upstream
        let publisher = try await relay.connect(bridge.publisher)
        relay.scheme = downstream
        let subscriber = try await relay.connect(bridge.subscriber)
        #expect((publisher.transport == .webTransport) == (upstream == .https))
        #expect((subscriber.transport == .webTransport) == (downstream == .https))
        let path = TrackNamespace(path: "mixed/\(upstream)")
        let track = try await publisher.publish(path).track("data")
        try await untilAnnounced(path, to: subscriber)
        let subscription = try await subscriber.subscribe(to: path, track: "data")
        try await track.firstSubscriber()
        try await track.group { try await $0.write("over \(downstream)") }
        var objects = subscription.objects.makeAsyncIterator()
        #expect(try await objects.next()?.payload == Bytes("over \(downstream)"))
        await subscriber.close()
        await publisher.close()
      }
      await relay.server.close()
    }
  }

  @Test("both sides see path, subprotocol and dialect", arguments: dialectNames)
  func facts(dialect: String) async throws {
    try await within {
      let server = try await Server.listen(on: "127.0.0.1:0")
      let (client, peer) = try await pair(server, "/a/b?c=d", .test(server.fingerprint, dialect))
      #expect((client.transport, peer.transport) == (.webTransport, .webTransport))
      #expect((client.dialect.name, peer.dialect.name) == (dialect, dialect))
      #expect((client.dialect.alpn, peer.dialect.alpn) == ("h3", "h3"))
      #expect(client.dialect.subprotocol == (dialect == "draft-14" ? "moq-00" : "moql"))
      #expect(peer.dialect.subprotocol == client.dialect.subprotocol)
      #expect(peer.peerPath == "/a/b?c=d")
      await server.close()
    }
  }

  @Test("a close reaches the other side with its code and its reason", arguments: dialectNames)
  func closes(dialect: String) async throws {
    try await within {
      let server = try await Server.listen(on: "127.0.0.1:0")
      for closesAtServer in [false, true] {
        let (client, peer) = try await pair(server, "/", .test(server.fingerprint, dialect))
        let (closing, other) = closesAtServer ? (peer, client) : (client, peer)
        await closing.close(reason: "für heute genug")
        let end = await other.closed
        #expect(end.by == .peer)
        #expect(end.reason == .noError)
        #expect(end.code == 0)
        #expect(end.phrase.contains("für heute genug"), "\(end)")
      }
      await server.close()
    }
  }

  @Test("datagrams arrive, in both directions")
  func datagrams() async throws {
    try await within {
      let server = try await Server.listen(on: "127.0.0.1:0")
      let (client, peer) = try await pair(server, "/", .test(server.fingerprint, "draft-14"))
      for (from, to) in [(client, peer), (peer, client)] {
        let track = try await from.publish("datagrams").track("data")
        let subscription = try await to.subscribe(to: "datagrams", track: "data")
        try await track.firstSubscriber()
        for number in 0..<20 {
          try await track.sendDatagram(Bytes("number \(number) " + String(repeating: "x", count: number * 50)))
        }
        var seen = 0
        for try await object in subscription.objects {
          #expect(object.isDatagram)
          let text = String(decoding: object.payload.array, as: UTF8.self)
          #expect(text == "number \(seen) " + String(repeating: "x", count: seen * 50))
          seen += 1
          if seen == 20 { break }
        }
        #expect(seen == 20)
      }
      await server.close()
    }
  }

  @Test("a server that ends says so to its sessions")
  func serverEnds() async throws {
    try await within {
      let server = try await Server.listen(on: "127.0.0.1:0")
      let (client, peer) = try await pair(server, "/", .test(server.fingerprint))
      await server.close()
      #expect(await peer.closed.by == .local)
      let end = await client.closed
      #expect(end.by == .peer)
      #expect(end.phrase.contains("the server ends"), "\(end)")
    }
  }

  @Test("unknown path, foreign origin, too many sessions, no WebTransport: each is said")
  func refusals() async throws {
    try await within {
      var options = ServerOptions()
      options.webTransport?.paths = ["/moq"]
      let server = try await Server.listen(on: "127.0.0.1:0", options: options)
      let admitted = try await pair(server, "/moq?token=1", .test(server.fingerprint))
      #expect(admitted.1.peerPath == "/moq?token=1")
      await expectError(.refused, naming: "404") {
        _ = try await Session.connect(to: "https://127.0.0.1:\(server.port)/", options: .test(server.fingerprint))
      }
      await server.close()

      options.webTransport = WebTransportPolicy()
      options.webTransport?.origins = .list(["https://moq.example"])
      let strict = try await Server.listen(on: "127.0.0.1:0", options: options)
      // Who is no browser has no origin.
      let native = try await pair(strict, "/", .test(strict.fingerprint))
      #expect(native.1.transport == .webTransport)
      var page = SessionOptions.test(strict.fingerprint)
      page.origin = "https://moq.example"
      #expect(try await pair(strict, "/page", page).1.peerPath == "/page")
      page.origin = "https://other.example"
      await expectError(.unauthorized, naming: "403") { [page] in
        _ = try await Session.connect(to: "https://127.0.0.1:\(strict.port)/", options: page)
      }
      await strict.close()

      options.webTransport = WebTransportPolicy()
      options.webTransport?.maximumSessions = 0
      let full = try await Server.listen(on: "127.0.0.1:0", options: options)
      await expectError(.refused, naming: "429") {
        _ = try await Session.connect(to: "https://127.0.0.1:\(full.port)/", options: .test(full.fingerprint))
      }
      await full.close()

      options.webTransport = nil
      let raw = try await Server.listen(on: "127.0.0.1:0", options: options)
      await expectError(.noWebTransport, naming: "127.0.0.1:\(raw.port): it is a QUIC server without HTTP/3") {
        _ = try await Session.connect(to: "https://127.0.0.1:\(raw.port)/", options: .test(raw.fingerprint))
      }
      await raw.close()
    }
  }

  /// A client's session over WebTransport, and the server's end of it.
  private func pair(_ server: Server, _ path: String, _ options: SessionOptions) async throws -> (Session, Session) {
    async let accepted = { () async -> Session? in
      var sessions = server.sessions.makeAsyncIterator()
      return await sessions.next()
    }()
    let client = try await Session.connect(to: "https://127.0.0.1:\(server.port)\(path)", options: options)
    return (client, try #require(await accepted))
  }
}

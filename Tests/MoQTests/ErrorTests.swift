import MoQ
import MoQNetwork
import Testing

/// What a user meets: each failure has its code, and a sentence that names the place.
@Suite struct ErrorTests {
  @Test(
    "bad URL",
    arguments: [
      "", "localhost:4443", "moqt://", "moqt://:4443", "moqt://host:0", "moqt://host:65536", "moqt://host:port",
      "moqt://::1:4443", "moqt://[::1", "moqt://[::1]x", "moqt://user@host", "moqt://ho st", "http://host",
      "moqt://host/#x",
    ])
  func badURL(text: String) async {
    await expectError(.badURL, naming: "\"\(text)\"") { _ = try await Session.connect(to: text) }
  }

  @Test("good URLs")
  func goodURL() throws {
    let plain = try SessionURL("moqt://example.org")
    #expect((plain.host, plain.port, plain.path) == ("example.org", 443, ""))
    let full = try SessionURL("MOQT://[::1]:4443/a/b?c=d")
    #expect((full.host, full.port, full.path) == ("::1", 4443, "/a/b?c=d"))
    #expect(full.description == "moqt://[::1]:4443/a/b?c=d")
    #expect(try SessionURL("moqt://h?q").path == "/?q")
    let web = try SessionURL("https://example.org/moq")
    #expect((web.scheme, web.port, web.path) == (.https, 443, "/moq"))
    #expect(web.description == "https://example.org:443/moq")
  }

  @Test("an unknown dialect or profile, a bad fingerprint")
  func badOptions() async {
    await expectError(.badOption, naming: "draft-99") {
      _ = try await Session.connect(to: "moqt://127.0.0.1:1", options: SessionOptions(dialects: .exactly("draft-99")))
    }
    await expectError(.badOption, naming: "\"moqtransprt\"") {
      var options = SessionOptions()
      options.profiles = ["cloudflare", "moqtransprt"]
      _ = try await Session.connect(to: "moqt://127.0.0.1:1", options: options)
    }
    await expectError(.badOption, naming: "\"abc\"") {
      _ = try await Session.connect(to: "moqt://127.0.0.1:1", options: SessionOptions(trust: .fingerprint("abc")))
    }
  }

  @Test("nothing listens")
  func nothingListens() async throws {
    // A port that was free a moment ago.
    let server = try await Server.listen(on: "127.0.0.1:0")
    let port = server.port
    await server.close()
    try await within {
      await expectError(.nothingListens, naming: "127.0.0.1:\(port)") {
        _ = try await Session.connect(to: "moqt://127.0.0.1:\(port)", options: .test(server.fingerprint))
      }
    }
  }

  @Test("an unknown host")
  func unknownHost() async throws {
    try await within {
      await expectError(.unknownHost, naming: "no-such-host.invalid") {
        _ = try await Session.connect(to: "moqt://no-such-host.invalid:4443")
      }
    }
  }

  @Test("the wrong certificate: pinned, and by the system's authorities")
  func wrongCertificate() async throws {
    let server = try await Server.listen(on: "127.0.0.1:0")
    let url = "moqt://127.0.0.1:\(server.port)"
    try await within {
      // The sentence gives the fingerprint that was found, ready to be pinned.
      await expectError(.untrusted, naming: server.fingerprint) {
        _ = try await Session.connect(
          to: url, options: SessionOptions(trust: .fingerprint(String(repeating: "ab", count: 32))))
      }
      await expectError(.untrusted, naming: "127.0.0.1:\(server.port)") { _ = try await Session.connect(to: url) }
    }
    await server.close()
  }

  @Test("no dialect in common: what was offered, and what the peer has, where it says so")
  func noCommonDialect() async throws {
    var options = ServerOptions()
    options.session.dialects = .exactly("moq-lite-01")
    let server = try await Server.listen(on: "127.0.0.1:0", options: options)
    try await within {
      await expectError(.noCommonDialect, naming: "127.0.0.1:\(server.port)") {
        _ = try await Session.connect(
          to: "moqt://127.0.0.1:\(server.port)", options: .test(server.fingerprint, "draft-14"))
      }
    }
    await server.close()
  }

  @Test("an unknown track, in every dialect", arguments: dialectNames)
  func unknownTrack(dialect: String) async throws {
    try await within {
      let relay = try await TestRelay.start()
      let session = try await relay.connect(dialect)
      await expectError(.unknownTrack, naming: "no/such/track") {
        _ = try await session.subscribe(to: "no/such", track: "track")
      }
      await relay.server.close()
    }
  }

  @Test("a second subscription of a track, where a session has one at a time", arguments: dialectNames)
  func subscribedTwice(dialect: String) async throws {
    try await within {
      let direct = try await Direct.connect(dialect)
      let track = try await direct.peer.publish("twice").track("data")
      let first = try await direct.client.subscribe(to: "twice", track: "data")
      if dialect == "draft-14" {
        await expectError(.inexpressible, naming: "subscribing to twice") {
          _ = try await direct.client.subscribe(to: "twice", track: "data")
        }
        await expectError(.inexpressible, naming: "cancel it before, or subscribe in another session") {
          _ = try await direct.client.subscribe(to: "twice", track: "data")
        }
        first.cancel()
      }
      let second = try await direct.client.subscribe(to: "twice", track: "data")
      try await track.firstSubscriber()
      try await track.group { try await $0.write("x") }
      #expect(try await second.objects.first(1).map(\.text) == ["x"])
      await direct.close()
    }
  }

  @Test("a refused namespace, in dialects that can refuse", arguments: ["draft-14"])
  func refusedNamespace(dialect: String) async throws {
    try await within {
      var options = ServerOptions()
      options.session.requests = .ask
      let server = try await Server.listen(on: "127.0.0.1:0", options: options)
      async let refusing: Void = {
        var sessions = server.sessions.makeAsyncIterator()
        guard let session = await sessions.next() else { return }
        for await request in session.requests {
          guard case .announce = request.kind else { continue }
          request.reject(.unauthorized, "members only")
        }
      }()
      let session = try await Session.connect(
        to: "moqt://127.0.0.1:\(server.port)", options: .test(server.fingerprint, dialect))
      await expectError(.unauthorized, naming: "members only") { _ = try await session.publish("private") }
      await session.close()
      await server.close()
      await refusing
    }
  }

  @Test("a request that nobody answers", arguments: ["draft-14", "moq-lite-01"])
  func neverAnswered(dialect: String) async throws {
    try await within {
      var serverOptions = ServerOptions()
      serverOptions.session.requests = .ask
      serverOptions.session.requestTimeout = .seconds(30)
      let server = try await Server.listen(on: "127.0.0.1:0", options: serverOptions)
      var options = SessionOptions.test(server.fingerprint, dialect)
      options.requestTimeout = .milliseconds(300)
      let session = try await Session.connect(to: "moqt://127.0.0.1:\(server.port)", options: options)
      await expectError(.timeout, naming: "silent/track") {
        _ = try await session.subscribe(to: "silent", track: "track")
      }
      // The session itself goes on.
      #expect(!session.isClosed)
      await session.close()
      await server.close()
    }
  }

  @Test("the peer closes in the middle of a group", arguments: dialectNames)
  func closesMidGroup(dialect: String) async throws {
    try await within {
      let server = try await Server.listen(on: "127.0.0.1:0")
      let url = "moqt://127.0.0.1:\(server.port)"
      async let accepted = { () async -> Session? in
        var sessions = server.sessions.makeAsyncIterator()
        return await sessions.next()
      }()
      let session = try await Session.connect(to: url, options: .test(server.fingerprint, dialect))
      let peer = try #require(await accepted)
      let track = try await peer.publish("half").track("group")
      let writer = try await track.beginGroup()
      try await writer.write("first")
      let subscription = try await session.subscribe(to: "half", track: "group")
      var groups = subscription.makeAsyncIterator()
      let group = try #require(try await groups.next())
      var objects = group.makeAsyncIterator()
      #expect(try await objects.next()?.payload == Bytes("first"))
      await peer.close(reason: "enough")
      await expectError(.sessionClosed, naming: "enough") { while try await objects.next() != nil {} }
      await expectError(.sessionClosed, naming: "enough") { while try await groups.next() != nil {} }
      let closure = await session.closed
      #expect(closure.by == .peer)
      await server.close()
    }
  }

  @Test("the port is in use")
  func portInUse() async throws {
    let server = try await Server.listen(on: "127.0.0.1:0")
    await expectError(.addressInUse, naming: "127.0.0.1:\(server.port)") {
      _ = try await Server.listen(on: "127.0.0.1:\(server.port)")
    }
    await expectError(.badOption, naming: "\"here\"") { _ = try await Server.listen(on: "here") }
    await server.close()
  }
}

import MoQ
import Testing

/// A dialect from outside, registered through the public API, carried over real sockets.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ToyEndToEndTests {
  private func options(_ fingerprint: String, _ dialect: String) -> SessionOptions {
    var options = SessionOptions(dialects: .exactly(dialect), trust: .fingerprint(fingerprint))
    options.extraDialects = [Toy.self]
    return options
  }

  @Test("a relay bridges draft-14 to a toy that it was given")
  func bridged() async throws {
    var relayOptions = RelayOptions()
    relayOptions.server.session.extraDialects = [Toy.self]
    let relay = try await RelayServer.start(on: "127.0.0.1:0", options: relayOptions)
    let url = "moqt://127.0.0.1:\(relay.port)"
    let publisher = try await Session.connect(to: url, options: options(relay.fingerprint, "draft-14"))
    let track = try await publisher.publish("here/there").track("thing")

    let subscriber = try await Session.connect(to: url, options: options(relay.fingerprint, "toy-1"))
    #expect(subscriber.dialect.name == "toy-1")
    #expect(subscriber.dialect.alpn == "toy")
    let subscription = try await subscriber.subscribe(to: "here/there", track: "thing", from: .nextObject)
    try await track.firstSubscriber()
    try await track.group { group in
      for number in 0..<5 { try await group.write("toy \(number)") }
    }
    await track.finish()
    var received: [Bytes] = []
    for try await object in subscription.objects { received.append(object.payload) }
    #expect(received == (0..<5).map { Bytes("toy \($0)") })
    await subscriber.close()
    await publisher.close()
    await relay.close()
  }

  @Test("a toy publisher without announcements is subscribed to by whoever knows the path")
  func direct() async throws {
    var serverOptions = ServerOptions()
    serverOptions.session.extraDialects = [Toy.self]
    let server = try await Server.listen(on: "127.0.0.1:0", options: serverOptions)
    async let accepted = { () async -> Session? in
      var sessions = server.sessions.makeAsyncIterator()
      return await sessions.next()
    }()
    let session = try await Session.connect(
      to: "moqt://127.0.0.1:\(server.port)", options: options(server.fingerprint, "toy-1"))
    let peer = try #require(await accepted)
    #expect(peer.dialect.name == "toy-1")
    let track = try await peer.publish("toys").track("bear")
    let subscription = try await session.subscribe(to: "toys", track: "bear", from: .nextObject)
    try await track.firstSubscriber()
    try await track.group { try await $0.write("growl") }
    var objects = subscription.objects.makeAsyncIterator()
    #expect(try await objects.next()?.payload == Bytes("growl"))
    await session.close()
    await server.close()
  }
}

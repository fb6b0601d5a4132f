import MoQKernel
import Testing

@testable import MoQNetwork

/// How long a server that closes its sessions waits before it closes their connection.
@Suite(.timeLimit(.minutes(1)))
struct SessionFarewellTests {
  enum Answer: CaseIterable { case end, reset }

  /// Chromium ends its request at once, but acts upon the close a moment later: a connection that ends in between is
  /// lost to the page, and so are the code and the reason.
  @Test("a client that has confirmed the close has time to leave by itself", arguments: Answer.allCases)
  func confirmed(answer: Answer) async throws {
    let host = try await Host.start()
    defer { host.loop.shutdown() }
    let client = try await host.closedSession()
    #expect(try await host.loop.run { host.state.value.http?.awaitsPeer } == true)
    try await client.withConnection { connection in
      guard let request = connection.stream(0) else { return }
      switch answer {
      case .end: request.finish()
      case .reset: request.reset(HTTP3Code.requestCancelled.rawValue)
      }
    }
    #expect(await host.ended() == true)
    // It makes no use of it.
    #expect(await host.awaitsPeer(after: QUICConnection.closingPatience) == false)
    #expect(try await host.loop.run { host.state.value.endpoint.connections.count } == 1)
  }

  @Test("a client that does not confirm the close has had its time")
  func unconfirmed() async throws {
    let host = try await Host.start()
    defer { host.loop.shutdown() }
    let client = try await host.closedSession()
    #expect(await host.ended() == false)
    try await client.withConnection { #expect($0.isOpen) }
  }
}

/// A server with at most one WebTransport session.
private final class Host: Sendable {
  final class State {
    let endpoint: QUICEndpoint
    var http: HTTP3Connection?
    var driver: SessionDriver?
    init(_ loop: Loop) { endpoint = QUICEndpoint(loop: loop) }
  }
  /// Tells, when the session is over, whether the server still waits.
  private final class Owner: SessionOwner {
    let tell: () -> Void
    init(tell: @escaping () -> Void) { self.tell = tell }
    override func eventsWait(_ driver: SessionDriver) { driver.core.drainEvents { _ in } }
    override func ended(_ driver: SessionDriver) { tell() }
  }

  let loop: Loop
  let state: LoopBound<State>
  private let port: UInt16
  private let begun: AsyncStream<Void>, over: AsyncStream<Bool>

  private init(
    _ loop: Loop, _ state: LoopBound<State>, _ port: UInt16, _ begun: AsyncStream<Void>, _ over: AsyncStream<Bool>
  ) {
    (self.loop, self.state, self.port, self.begun, self.over) = (loop, state, port, begun, over)
  }

  static func start() async throws -> Host {
    let loop = Loop(name: "host"), identity = try Side.identity.get()
    let (begun, begins) = AsyncStream<Void>.makeStream(), (over, ends) = AsyncStream<Bool>.makeStream()
    let (state, port) = try await loop.run { () throws -> (LoopBound<State>, UInt16) in
      let state = LoopBound(State(loop), on: loop)
      let owner = Owner { ends.yield(state.value.http?.awaitsPeer ?? false) }
      let addresses = try state.value.endpoint.listen(
        on: Resolver.known("127.0.0.1", port: 0) ?? [], identity: identity, alpns: [HTTP3Connection.alpn]
      ) { _ in
        let http = HTTP3Connection(loop: loop, policy: WebTransportPolicy(), protocols: []) { _ in
          let driver = SessionDriver(
            SessionCore(role: .server, options: SessionConfiguration(), registry: []), loop: loop)
          driver.owner = owner
          state.value.driver = driver
          begins.yield()
          return driver
        }
        state.value.http = http
        return http
      }
      return (state, addresses.first?.port ?? 0)
    }
    return Host(loop, state, port, begun, over)
  }

  /// A session that the server has closed, and whose client has read that and says nothing.
  func closedSession() async throws -> Side {
    let client = try await Side.client(to: port, alpns: [HTTP3Connection.alpn])
    _ = try await client.events.connected()
    try await client.withConnection { connection in
      let peer = HTTP3Peer(isServer: true, begins: false)
      let control = connection.open(bidirectional: false)
      control.write(Bytes([0x00] + HTTP3Peer.frame(0x04, HTTP3Settings.ours(maximumSessions: 1).encoded())))
      connection.open(bidirectional: true).write(Bytes(peer.request()))
    }
    for await _ in begun { break }
    try await loop.run { [state] in state.value.driver?.carrier?.close(code: 7, reason: "over") }
    let capsule = HTTP3Peer.capsule(0x2843, [0, 0, 0, 7] + Array("over".utf8))
    _ = try await client.events.first {
      if case .ended(0, let bytes) = $0 { bytes.suffix(capsule.count) == capsule[...] } else { false }
    }
    return client
  }

  /// Waits for the session's end: whether the server still waits then.
  func ended() async -> Bool? {
    for await value in over { return value }
    return nil
  }

  /// Whether the server waits in so many nanoseconds.
  func awaitsPeer(after time: UInt64) async -> Bool? {
    await withCheckedContinuation { continuation in
      let isPosted = loop.post { [self] in
        loop.schedule(at: loop.now &+ time) { continuation.resume(returning: self.state.value.http?.awaitsPeer) }
      }
      if !isPosted { continuation.resume(returning: nil) }
    }
  }
}

import MoQ
import MoQNetwork
import Synchronization
import Testing

/// A client that offers everything finds what a server has, however old the way in which that begins.
@Suite struct OpeningTests {
  struct Place: Sendable, CustomTestStringConvertible {
    let dialect: String, scheme: SessionURL.Scheme
    var testDescription: String { "\(dialect) over \(scheme)" }
    static let all = ["draft-07", "draft-08", "draft-10", "draft-11", "draft-14", "moq-lite-01", "transfork-03"]
      .flatMap { dialect in SessionURL.Scheme.allCases.map { Place(dialect: dialect, scheme: $0) } }
  }

  @Test("automatic, where the relay has one dialect", arguments: Place.all)
  func finds(place: Place) async throws {
    try await within {
      var options = RelayOptions()
      options.server.session.dialects = .exactly(place.dialect)
      let relay = TestRelay(
        server: try await RelayServer.start(on: "127.0.0.1:0", options: options), scheme: place.scheme)
      let publisher = try await relay.connect(), subscriber = try await relay.connect()
      #expect(publisher.dialect.name == place.dialect && subscriber.dialect.name == place.dialect)
      let track = try await publisher.publish("live").track("data")
      try await untilAnnounced("live", to: subscriber)
      let subscription = try await subscriber.subscribe(to: "live", track: "data")
      try await track.firstSubscriber()
      try await track.group { try await $0.write("hello") }
      #expect(try await subscription.group().all().map(\.text) == ["hello"])
      await relay.server.close()
    }
  }

  @Test("further attempts are told, and few")
  func told() async throws {
    try await within {
      let peer = try await Refuser(says: [0x3, 0x15, 0x0, 0x1])
      let attempts = Mutex<[FurtherAttempt]>([])
      var options = SessionOptions.test(peer.fingerprint)
      options.onFurtherAttempt = { attempt in attempts.withLock { $0.append(attempt) } }
      await expectError(.sessionClosed, naming: "protocol violation") {
        _ = try await Session.connect(to: peer.url, options: options)
      }
      let found = attempts.withLock { $0 }
      #expect(found.map(\.number) == [2, 3, 4])
      #expect(
        found.map(\.dialects) == [["draft-10", "draft-09", "draft-08", "draft-07"], ["transfork-03"], ["moq-lite-01"]])
      #expect(zip(found, found.dropFirst()).allSatisfy { $0.timeLeft > $1.timeLeft })
      #expect(found.allSatisfy { $0.timeLeft < options.connectTimeout })
      #expect(peer.firsts == [0x20, 0x40, 0x0, 0x0])
      await peer.close()
    }
  }
  @Test("a token that is missing is not another dialect")
  func unauthorized() async throws {
    try await within {
      let peer = try await Refuser(says: [0x3, 0x2])
      await expectError(.unauthorized, naming: "token") {
        _ = try await Session.connect(to: peer.url, options: .test(peer.fingerprint))
      }
      #expect(peer.firsts == [0x20, 0x40])
      await peer.close()
    }
  }
  @Test("one dialect, one attempt")
  func exactly() async throws {
    try await within {
      let peer = try await Refuser(says: [0x3, 0x3])
      await #expect(throws: MoQError.self) {
        _ = try await Session.connect(to: peer.url, options: .test(peer.fingerprint, "draft-08"))
      }
      #expect(peer.firsts == [0x40])
      await peer.close()
    }
  }
  @Test("the time to connect is that of all attempts")
  func deadline() async throws {
    try await within {
      // The others are never answered.
      let peer = try await Refuser(says: [0x3])
      var options = SessionOptions.test(peer.fingerprint)
      options.connectTimeout = .seconds(5)
      await expectError(.sessionClosed, naming: "protocol violation") {
        _ = try await Session.connect(to: peer.url, options: options)
      }
      #expect(peer.firsts.starts(with: [0x20, 0x40]))
      await peer.close()
    }
  }
  @Test("silence is no answer, either")
  func silence() async throws {
    try await within {
      let peer = try await Refuser(says: [])
      var options = SessionOptions.test(peer.fingerprint)
      options.connectTimeout = .seconds(3)
      await expectError(.timeout, naming: "no setup within 1.5 seconds") {
        _ = try await Session.connect(to: peer.url, options: options)
      }
      #expect(peer.firsts.starts(with: [0x20, 0x40]))
      await peer.close()
    }
  }
  @Test("cancelling ends a further attempt")
  func cancelled() async throws {
    try await within {
      let peer = try await Refuser(says: [0x15])
      var options = SessionOptions.test(peer.fingerprint)
      options.connectTimeout = .seconds(600)
      let connecting = Task { [options] in
        await code { _ = try await Session.connect(to: peer.url, options: options) }
      }
      // The second attempt's setup is there, and nobody answers it.
      await peer.heard(2)
      connecting.cancel()
      #expect(await connecting.value == .cancelled)
      await peer.ended(2)
      await peer.close()
    }
  }
}

/// A QUIC server that closes one connection after the other with a code each, once it has heard something; when there
/// are no more codes it stays silent.
private final class Refuser: Sendable {
  private struct State {
    var codes: [UInt64]
    var firsts: [UInt8] = [], ends = 0
  }
  private final class Handler: ConnectionHandler {
    let peer: Refuser
    private var hasHeard = false
    init(_ peer: Refuser) { self.peer = peer }
    override func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, fin: Bool) {
      stream.consumed(bytes.count)
      guard !hasHeard, let first = bytes.first else { return }
      hasHeard = true
      let code = peer.state.withLock { state in
        // Two bits of it are the number's length.
        state.firsts.append(first == 0x40 ? bytes.dropFirst().first ?? 0 : first)
        return state.codes.isEmpty ? nil : state.codes.removeFirst()
      }
      if let code { stream.connection.close(code: code) }
      peer.changed.yield()
    }
    override func closed(_ connection: QUICConnection, _ reason: ConnectionClose) {
      peer.state.withLock { $0.ends += 1 }
      peer.changed.yield()
    }
  }
  private let state: Mutex<State>
  private let loop = Loop(name: "refuser")
  private let changes: AsyncStream<Void>
  private let changed: AsyncStream<Void>.Continuation
  private let endpoint = Mutex<LoopBound<QUICEndpoint>?>(nil)
  private let port = Mutex<UInt16>(0)
  let fingerprint: String

  init(says codes: [UInt64]) async throws {
    state = Mutex(State(codes: codes))
    (changes, changed) = AsyncStream.makeStream()
    let identity = try TLSIdentity.selfSigned(names: [])
    fingerprint = identity.fingerprint
    let addresses = try await QUICEndpoint.resolve(host: "127.0.0.1", port: 0, toListen: true)
    let loop = self.loop
    let (endpoint, port) = try await loop.run {
      let endpoint = QUICEndpoint(loop: loop)
      let bound = try endpoint.listen(on: addresses, identity: identity, alpns: ["moq-00"]) { [unowned self] _ in
        Handler(self)
      }
      return (LoopBound(endpoint, on: loop), bound.first?.port ?? 0)
    }
    self.endpoint.withLock { $0 = endpoint }
    self.port.withLock { $0 = port }
  }
  var url: String { "moqt://127.0.0.1:\(port.withLock { $0 })" }
  /// What each connection began with.
  var firsts: [UInt8] { state.withLock { $0.firsts } }
  func heard(_ count: Int) async { await until { $0.firsts.count >= count } }
  func ended(_ count: Int) async { await until { $0.ends >= count } }
  private func until(_ condition: (State) -> Bool) async {
    if state.withLock({ condition($0) }) { return }
    for await _ in changes where state.withLock({ condition($0) }) { return }
  }
  func close() async {
    let endpoint = endpoint.withLock { $0 }
    _ = try? await loop.run { endpoint?.value.close() }
  }
}

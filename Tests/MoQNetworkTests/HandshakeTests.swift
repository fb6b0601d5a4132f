import Glibc
import MoQKernel
import Testing

@testable import MoQNetwork

@Suite(.timeLimit(.minutes(1)))
struct HandshakeTests {
  static func close(_ side: Side) async throws -> ConnectionClose { try await side.events.close() }

  @Test(arguments: [
    (["a", "b", "c"], ["c", "b"], "b"), (["c", "b"], ["a", "b", "c"], "c"), (["moq-00"], ["x", "moq-00"], "moq-00"),
    // GnuTLS takes lists of 8.
    ((0..<20).map { "server-\($0)" } + ["both"], ["client", "both"], "both"),
    (["both"], (0..<7).map { "client-\($0)" } + ["both"] + (0..<9).map { "more-\($0)" }, "both"),
  ])
  func serverPreferenceChoosesTheProtocol(_ serverHas: [String], _ clientOffers: [String], _ chosen: String)
    async throws
  {
    let server = try await Side.server(alpns: serverHas)
    let client = try await Side.client(to: server.port, alpns: clientOffers)
    #expect(try await client.events.connected() == chosen)
    #expect(try await server.events.connected() == chosen)
  }

  @Test func noCommonProtocol() async throws {
    let server = try await Side.server(alpns: ["moq-00"])
    let client = try await Side.client(to: server.port, alpns: ["other", "another"])
    #expect(try await client.events.close() == .tls(.noCommonProtocol(offered: ["other", "another"]), byPeer: true))
  }

  @Test func pinnedFingerprint() async throws {
    let server = try await Side.server()
    let identity = try Side.identity.get()
    let good = try await Side.client(
      to: server.port, trust: .fingerprints([[UInt8](repeating: 0, count: 32), identity.sha256]))
    #expect(try await good.events.connected() == "moq-00")
    let bad = try await Side.client(to: server.port, trust: .fingerprints([[UInt8](repeating: 1, count: 32)]))
    #expect(try await bad.events.close() == .tls(.fingerprintMismatch(found: identity.sha256), byPeer: false))
  }

  @Test func unknownAuthority() async throws {
    let server = try await Side.server()
    let client = try await Side.client(to: server.port, host: "localhost", trust: .system)
    #expect(try await client.events.close() == .tls(.unknownAuthority, byPeer: false))
  }

  @Test func authorityFile() async throws {
    let server = try await Side.server()
    let path = "/tmp/swift-moq-test-\(getpid())-\(UInt64.random(in: 0 ... .max)).pem"
    let pem = try Side.identity.get().certificate
    let file = try #require(fopen(path, "w"))
    fwrite(pem, 1, pem.count, file)
    fclose(file)
    defer { unlink(path) }
    for host in ["localhost", "127.0.0.1"] {
      let good = try await Side.client(to: server.port, host: host, trust: .file(path))
      #expect(try await good.events.connected() == "moq-00")
    }
    let wrongName = try await Side.client(to: server.port, serverName: "example.org", trust: .file(path))
    #expect(try await wrongName.events.close() == .tls(.wrongName(expected: "example.org"), byPeer: false))
    let noFile = try await Side.client(to: server.port, trust: .file("/no/such/file.pem"))
    guard case .failed(let text) = try await noFile.events.close() else {
      Issue.record("a missing file of authorities must be said")
      return
    }
    #expect(text.contains("/no/such/file.pem"))
  }

  @Test func nothingListens() async throws {
    // A port that was free a moment ago.
    let port: UInt16 = try await {
      let server = try await Side.server()
      try await server.run { $0.endpoint.close() }
      await {
        server.loop.shutdown(); await server.loop.join()
      }()
      return server.port
    }()
    let client = try await Side.client(to: port)
    #expect(try await client.events.close() == .refused(address: "127.0.0.1:\(port)"))
    // A name with several addresses: the one that answers is found.
    let server = try await Side.server(at: "::1")
    let second = try await Side.client(to: server.port, host: "localhost")
    #expect(try await second.events.connected() == "moq-00")
  }

  @Test func noAnswer() async throws {
    // A socket that never answers.
    let silent = try await Side.server()
    let port = try await silent.run { state -> UInt16 in
      let socket = try UDPSocket(
        core: state.endpoint.core, bind: SocketAddress("127.0.0.1", port: 0) ?? SocketAddress(.init()), offload: false)
      let port = socket.address.port
      withExtendedLifetime(socket) {}
      return port
    }
    var options = QUICOptions()
    options.handshakeTimeout = .milliseconds(400)
    let client = try await Side.client(to: port, options: options)
    let reason = try await client.events.close()
    #expect(
      reason == .handshakeTimeout(address: "127.0.0.1:\(port)") || reason == .refused(address: "127.0.0.1:\(port)"))
  }

  @Test func unknownHost() async throws {
    let client = try await Side.client(to: 1, host: "no-such-host.invalid")
    guard case .unresolved(let host, _) = try await client.events.close() else {
      Issue.record("a name without address must be said")
      return
    }
    #expect(host == "no-such-host.invalid")
  }

  @Test func portInUse() async throws {
    let server = try await Side.server()
    await #expect(throws: NetworkError.portInUse("127.0.0.1:\(server.port)")) {
      _ = try await Side.server(port: server.port)
    }
    await #expect(throws: NetworkError.addressNotAvailable("192.0.2.1:0")) {
      _ = try await Side.server(at: "192.0.2.1")
    }
  }

  @Test(arguments: ["127.0.0.1", "::1", "localhost", ""])
  func addresses(host: String) async throws {
    let server = try await Side.server(.echo, at: host)
    for target in ["127.0.0.1", "::1", "[::1]", "localhost"] {
      if host == "127.0.0.1", target.contains(":") { continue }
      if host == "::1", target == "127.0.0.1" { continue }
      let client = try await Side.client(to: server.port, host: target)
      #expect(try await client.events.connected() == "moq-00")
      let isIPv6 = try await client.withConnection { $0.peerAddress?.isIPv6 }
      #expect(isIPv6 == (target.contains(":") || (host == "::1")))
      try await client.withConnection {
        let stream = $0.open(bidirectional: true)
        stream.write(Bytes("to \(target)"))
        stream.finish()
      }
      try await client.events.next(.ended(0, Array("to \(target)".utf8)))
    }
  }

  /// A Retry for a stranger; none for a client that comes back with the token it was given.
  @Test func retryAndToken() async throws {
    var options = QUICOptions()
    options.retry = true
    let server = try await Side.server(.echo, options: options)
    let client = try await Side.client(to: server.port)
    #expect(try await client.events.connected() == "moq-00")
    try await client.withConnection { $0.open(bidirectional: true).finish() }
    try await client.events.next(.ended(0, []))
    #expect(try await server.run { $0.endpoint.counters.retries } == 1)
    let port = server.port
    try await client.run { state in
      let witness = Witness(.silent, state.sink)
      state.last = state.endpoint.connect(
        host: "127.0.0.1", port: port, alpns: ["moq-00"], trust: .none, handler: witness)
    }
    #expect(try await client.events.connected() == "moq-00")
    #expect(try await server.run { $0.endpoint.counters.retries } == 1)
  }

  @Test func tooManyConnections() async throws {
    var options = QUICOptions()
    options.maximumConnections = 2
    let server = try await Side.server(options: options)
    var sides: [Side] = []
    for _ in 0..<2 {
      let side = try await Side.client(to: server.port)
      _ = try await side.events.connected()
      sides.append(side)
    }
    let third = try await Side.client(to: server.port)
    #expect(try await third.events.close() == .transport(code: 2, reason: "", byPeer: true))
  }

  /// With many handshakes under way strangers have to prove their address first.
  @Test func manyHandshakes() async throws {
    var options = QUICOptions()
    options.maximumHandshakes = 0
    let server = try await Side.server(options: options)
    var clientOptions = QUICOptions()
    clientOptions.handshakeTimeout = .milliseconds(300)
    let client = try await Side.client(to: server.port, options: clientOptions)
    #expect(try await client.events.close() == .handshakeTimeout(address: "127.0.0.1:\(server.port)"))
    #expect(try await server.run { $0.endpoint.counters.retries } > 0)
  }

  @Test func keyLog() async throws {
    let path = "/tmp/swift-moq-keys-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    defer { unlink(path) }
    var options = QUICOptions()
    options.keyLogPath = path
    let server = try await Side.server()
    let client = try await Side.client(to: server.port, options: options)
    _ = try await client.events.connected()
    let text = String(decoding: try TLSIdentity.read(path), as: UTF8.self)
    for label in [
      "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
      "SERVER_TRAFFIC_SECRET_0",
    ] {
      #expect(text.contains(label + " "))
    }
  }

  @Test func identities() throws {
    let identity = try TLSIdentity.selfSigned(names: ["relay.example", "10.0.0.1"])
    #expect(identity.sha256.count == 32 && identity.fingerprint.count == 64)
    let again = try TLSIdentity(certificate: identity.certificate, key: identity.key)
    #expect(again.sha256 == identity.sha256)
    let other = try TLSIdentity.selfSigned()
    #expect(other.sha256 != identity.sha256)
    #expect(throws: NetworkError.self) { try TLSIdentity(certificate: identity.certificate, key: other.key) }
    #expect(throws: NetworkError.self) { try TLSIdentity(certificate: Array("nothing".utf8), key: identity.key) }
    #expect(throws: NetworkError.certificate("cannot read /no/cert.pem: No such file or directory")) {
      try TLSIdentity(certificateFile: "/no/cert.pem", keyFile: "/no/key.pem")
    }
  }
}

import Foundation
import MoQ
import MoQNetwork
import Testing

@testable import MoQTool

/// A QUIC server that speaks no MoQ, on a free port of the loopback address.
final class ForeignServer: Sendable {
  /// Says the same to everybody, on a unidirectional stream, and nothing more.
  private final class Greeter: ConnectionHandler {
    let greeting: [UInt8]
    init(_ greeting: [UInt8]) { self.greeting = greeting }
    override func connected(_ connection: QUICConnection) {
      if !greeting.isEmpty { connection.open(bidirectional: false).write(Bytes(greeting)) }
    }
    override func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, fin: Bool) {
      stream.consumed(bytes.count)
    }
  }
  private let loop = Loop(name: "foreign")
  private let endpoint: LoopBound<QUICEndpoint>
  let port: UInt16

  init(alpn: String, greeting: [UInt8] = []) async throws {
    let identity = try TLSIdentity.selfSigned(names: [])
    let addresses = try await QUICEndpoint.resolve(host: "127.0.0.1", port: 0, toListen: true)
    let loop = self.loop
    (endpoint, port) = try await loop.run {
      let endpoint = QUICEndpoint(loop: loop)
      let bound = try endpoint.listen(on: addresses, identity: identity, alpns: [alpn]) { _ in Greeter(greeting) }
      return (LoopBound(endpoint, on: loop), bound.first?.port ?? 0)
    }
  }
  func close() async {
    _ = try? await loop.run { [endpoint] in endpoint.value.close() }
  }
}

/// `moq probe`: which dialects there are, and over what; else what it met instead.
@Suite(.serialized, .timeLimit(.minutes(3))) struct ProbeTests {
  /// What was agreed on, as URL scheme and dialect, and what was met instead.
  func probe(_ place: String, _ more: String...) async throws -> (spoken: Set<String>, met: String?, status: Int32) {
    let result = try await ToolProcess.run(["probe", place, "--json", "--timeout", "3"] + more)
    let lines = try result.text.split(separator: "\n").map { try JSON(parsing: Array($0.utf8)) }
    let spoken = lines.filter { $0["ok"]?.truth == true }.map {
      "\($0["url"]?.text?.prefix { $0 != ":" } ?? "") \($0["dialect"]?.text ?? "")"
    }
    return (Set(spoken), lines.compactMap { $0["met"]?.text }.last, result.status)
  }

  @Test(arguments: Runtime.dialectNames)
  func `a relay of one dialect has that one, over both transports`(_ dialect: String) async throws {
    let relay = try await RelayProcess("--draft", dialect)
    let place = relay.url.replacing("moqt://", with: "")
    let found = try await probe(place, "--tls-fingerprint", relay.fingerprint)
    #expect(found.spoken == ["moqt \(dialect)", "https \(dialect)"] && found.met == nil && found.status == 0)
    // With a scheme only that one is tried.
    let raw = try await probe(relay.url, "--tls-fingerprint", relay.fingerprint)
    #expect(raw.spoken == ["moqt \(dialect)"])
    for other in Runtime.dialectNames.filter({ $0 != dialect }).prefix(1) {
      let wrong = try await probe(relay.url, "--tls-fingerprint", relay.fingerprint, "--draft", other)
      #expect(wrong.spoken.isEmpty && wrong.met == "moq" && wrong.status == 1)
    }
    try await relay.end()
  }

  @Test func `a relay of all dialects has all`() async throws {
    let relay = try await RelayProcess()
    let found = try await probe(relay.url.replacing("moqt://", with: ""), "--tls-fingerprint", relay.fingerprint)
    #expect(found.spoken == Set(Runtime.dialectNames.flatMap { ["moqt \($0)", "https \($0)"] }))
    try await relay.end()
  }

  @Test func `nobody is there`() async throws {
    let found = try await probe("127.0.0.1:\(FailureTests.Silence().port)")
    #expect(found.spoken.isEmpty && found.met == "nothing" && found.status == 1)
    let text = try await ToolProcess.run("probe", "127.0.0.1:1", "--timeout", "1")
    #expect(text.text.contains("nothing answers at 127.0.0.1:1 over UDP"), "\(text.text)")
  }

  @Test func `somebody is there on TCP only`() async throws {
    let web = FailureTests.Silence(listens: true)
    let found = try await probe("127.0.0.1:\(web.port)")
    #expect(found.spoken.isEmpty && found.met == "only-tcp" && found.status == 1)
  }

  @Test(arguments: ["moqt://", "https://", ""])
  func `a QUIC server of another protocol`(_ scheme: String) async throws {
    let server = try await ForeignServer(alpn: "doq")
    let found = try await probe("\(scheme)127.0.0.1:\(server.port)", "--tls-disable-verify")
    #expect(found.spoken.isEmpty && found.met == "other-protocol" && found.status == 1)
    await server.close()
  }

  @Test(arguments: ["moqt://", "https://", ""])
  func `an HTTP/3 server without WebTransport`(_ scheme: String) async throws {
    // A control stream whose SETTINGS are empty (RFC 9114 §6.2.1, §7.2.4).
    let server = try await ForeignServer(alpn: "h3", greeting: [0x00, 0x04, 0x00])
    let found = try await probe("\(scheme)127.0.0.1:\(server.port)", "--tls-disable-verify")
    #expect(found.spoken.isEmpty && found.met == "http3-without-webtransport" && found.status == 1)
    let text = try await ToolProcess.run("probe", "\(scheme)127.0.0.1:\(server.port)", "--tls-disable-verify")
    #expect(text.text.contains("127.0.0.1:\(server.port) is an HTTP/3 server without WebTransport"), "\(text.text)")
    await server.close()
  }

  @Test func `a server that is not trusted`() async throws {
    let relay = try await RelayProcess()
    let result = try await ToolProcess.run("probe", relay.url)
    #expect(result.status == 1 && result.text.contains("is not trusted"), "\(result.text)")
    try await relay.end()
  }
}

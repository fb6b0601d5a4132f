import Foundation
import MoQ
import Testing

@testable import MoQTool

/// `moq interop` as the public runner calls it, against a relay of our own.
@Suite(.serialized, .timeLimit(.minutes(3))) struct InteropTests {
  static let names = InteropCase.all.map(\.name)

  func run(_ words: [String], _ environment: [String] = []) async throws -> ToolProcess.Result {
    try await ToolProcess.run(["interop"] + words, through: ["env"] + environment)
  }

  @Test(arguments: Runtime.dialectNames)
  func `a relay passes every test`(_ dialect: String) async throws {
    let relay = try await RelayProcess()
    let result = try await run(["-r", relay.url, "--tls-fingerprint", relay.fingerprint, "--draft", dialect])
    #expect(result.status == 0 && result.errors == "", "\(result.errors)")
    let lines = result.text.split(separator: "\n").map(String.init)
    #expect(lines[0] == "TAP version 14" && lines.contains("# Draft: \(dialect)"))
    #expect(lines.contains("1..\(Self.names.count)"))
    for (index, name) in Self.names.enumerated() {
      let line = lines.first { $0.contains("ok \(index + 1) - ") }
      #expect(line == "ok \(index + 1) - \(name)" || line?.hasPrefix("ok \(index + 1) - \(name) # SKIP ") == true)
    }
    // The runner's six are in every dialect; each names the connections it had.
    for name in Self.names.prefix(6) { #expect(lines.contains { $0.hasSuffix(" - \(name)") }, "\(name)") }
    #expect(lines.count { $0.contains("connection_id: ") } >= 8)
    try await relay.end()
  }

  @Test func `the environment says what no option does`() async throws {
    let relay = try await RelayProcess()
    let surroundings = [
      "RELAY_URL=\(relay.url)", "TESTCASE=announce-only", "TLS_DISABLE_VERIFY=1", "VERBOSE=1", "MOQT_DRAFT=moq-lite-01",
    ]
    let one = try await run([], surroundings)
    #expect(one.status == 0 && one.text.contains("ok 1 - announce-only"), "\(one.text)")
    #expect(one.text.contains("# Draft: moq-lite-01") && one.errors.contains("waiting for "))
    let other = try await run(["--test", "setup-only", "--draft", "draft-14"], surroundings)
    #expect(other.text.contains("ok 1 - setup-only") && other.text.contains("# Draft: draft-14"), "\(other.text)")
    try await relay.end()
  }

  @Test func `lists its tests`() async throws {
    let list = try await run(["--list"])
    #expect(list.status == 0 && list.text.split(separator: "\n").map(String.init) == Self.names)
  }

  @Test(
    arguments: [
      (["-t", "setup-onyl"], [], "setup-only"), ([], ["TESTCASE=nothing"], "--list"),
      ([], ["MOQT_ROLE=publisher"], "publisher"), ([], ["MOQT_DRAFT=draft-99"], "draft-99"),
    ] as [([String], [String], String)])
  func `what there is not ends with 127`(_ words: [String], _ surroundings: [String], _ word: String) async throws {
    let result = try await run(words, surroundings)
    #expect(result.status == 127 && result.output.isEmpty && result.errors.contains(word), "\(result.errors)")
  }

  @Test func `nobody there to test`() async throws {
    let result = try await run(["-r", "moqt://127.0.0.1:\(FailureTests.Silence().port)"])
    #expect(result.status == 1)
    let lines = result.text.split(separator: "\n")
    #expect(lines.contains("not ok 1 - setup-only") && lines.last?.hasPrefix("Bail out! ") == true, "\(result.text)")
  }

  @Test func `a test that fails says what it wanted and what it got`() async throws {
    // A server that takes sessions and knows nothing but no.
    let server = try await Server.listen(on: "127.0.0.1:0", options: Self.refusing)
    let refusing = Task {
      for await session in server.sessions {
        Task { for await request in session.requests { request.reject(.unauthorized, "\"no\"\n# ok") } }
      }
    }
    let result = try await run([
      "-r", "moqt://\(server.address)", "--tls-fingerprint", server.fingerprint, "-t", "announce-only",
      "--draft", "draft-14",
    ])
    #expect(result.status == 1)
    #expect(result.text.contains("not ok 1 - announce-only\n  ---\n  duration_ms: "), "\(result.text)")
    #expect(
      result.text.contains("  expected: \"PUBLISH_NAMESPACE_OK\"\n  received: \"unauthorized\"\n"), "\(result.text)")
    #expect(result.text.hasSuffix("  ...\n"))
    refusing.cancel()
    await server.close()
  }
  private static var refusing: ServerOptions {
    var options = ServerOptions()
    options.session.requests = .ask
    return options
  }

  @Test func `no text of a peer breaks the document`() {
    let text = TAP.point(
      3, "x", .failed(expected: "a", received: "\"\n  ...\nok 4 - y", message: "# SKIP\r\nBail out!"),
      took: .seconds(1),
      ids: [("connection_id", "00ff")])
    let lines = text.split(separator: "\n")
    #expect(lines.count == 8 && lines[0] == "not ok 3 - x" && lines[2] == "  duration_ms: 1000")
    #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("  ") })
    #expect(TAP.point(1, "x", .skipped("a\nok 2"), took: .zero, ids: []) == "ok 1 - x # SKIP a ok 2")
  }

  @Test func `a relay is started by its environment`() async throws {
    let folder = try TemporaryFolder()
    #expect(try await ToolProcess.run("cert", "--out", "\(folder.path)/tls").status == 0)
    let relay = try ToolProcess(
      ["relay"],
      through: [
        "env", "MOQT_ROLE=relay", "MOQT_PORT=0", "MOQT_CERT=\(folder.path)/tls/cert.pem",
        "MOQT_KEY=\(folder.path)/tls/key.pem", "MOQT_DRAFT=moq-lite-01",
      ])
    let line = try await relay.line(containing: "Relay ready")
    let port = try #require(line.firstMatch(of: /:(\d+), certificate SHA-256 ([0-9a-f]{64})/))
    let result = try await run([
      "-r", "moqt://127.0.0.1:\(port.1)", "-t", "setup-only", "--tls-fingerprint", "\(port.2)",
    ])
    #expect(result.status == 0 && result.text.contains("# Draft: moq-lite-01"), "\(result.text)")
    relay.kill(SIGTERM)
    #expect(try await relay.end().status == 0)

    let role = try await ToolProcess.run(["relay"], through: ["env", "MOQT_ROLE=client"])
    #expect(role.status == 127 && role.errors.contains("client"), "\(role.errors)")
    let port2 = try await ToolProcess.run(["relay"], through: ["env", "MOQT_PORT=http"])
    #expect(port2.status == 2 && port2.errors.contains("MOQT_PORT"))
  }
}

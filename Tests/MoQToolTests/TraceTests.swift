import Foundation
import MoQ
import Testing

@testable import MoQTool

/// What is left of sessions: traces, key logs, and a relay's lines about them.
@Suite(.serialized, .timeLimit(.minutes(3))) struct TraceTests {
  func files(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }
  func texts(_ path: String) throws -> [JSON] {
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    return try bytes.split(separator: 0x1e).map { try JSON(parsing: Array($0)) }
  }

  @Test(arguments: Runtime.dialectNames)
  func `both sides leave a trace by the same name, and its bytes can be decoded`(_ dialect: String) async throws {
    let folder = try TemporaryFolder(), traces = "\(folder.path)/traces"
    let relay = try await RelayProcess("--qlog", traces)
    let publish = try ToolProcess(
      relay.words("publish", "demo", "x", "-v", "--draft", dialect, "--qlog", traces, "--group-every", "2"))
    _ = try await publish.errorLine(containing: "Waiting for a subscriber")
    await publish.write("one\ntwo\nthree\n")
    publish.closeInput()
    let got = try await subscribed(relay.words("subscribe", "demo", "x", "--draft", dialect, "--qlog", traces))
    #expect(got.status == 0 && got.text == "onetwothree", "\(got.errors)")
    #expect(try await publish.end().status == 0)
    try await relay.end()

    let names = try files(in: traces)
    let ends = Set(names.map { $0.split(separator: "_").last ?? "" })
    #expect(ends == ["client.sqlog", "server.sqlog"], "\(names)")
    let clients = names.filter { $0.hasSuffix("_client.sqlog") }.map { $0.prefix { $0 != "_" } }
    #expect(Set(clients) == Set(names.filter { $0.hasSuffix("_server.sqlog") }.map { $0.prefix { $0 != "_" } }))
    var objects = 0
    for name in names {
      let records = try texts("\(traces)/\(name)")
      #expect(records[0]["trace"]?["common_fields"]?["group_id"]?.text == String(name.prefix { $0 != "_" }))
      // Some drafts say the end of a group by an object without a payload.
      objects += records.count {
        $0["name"]?.text == "moqt:subgroup_object_parsed" && $0["data"]?["object_payload_length"]?.integer ?? 0 > 0
      }
      // The end is the last that is written, whoever ends the process then.
      #expect(records.last?["data"]?["message"]?.text?.contains("ended the session") == true, "\(name)")
      let decoded = try await ToolProcess.run("decode", "--qlog", "\(traces)/\(name)")
      #expect(decoded.status == 0 && decoded.text.contains("control message"), "\(decoded.errors)")
    }
    #expect(objects == 6)
    let json = try await ToolProcess.run("decode", "--qlog", "\(traces)/\(names[0])", "--json", "--all")
    #expect(json.status == 0)
    for line in json.text.split(separator: "\n") { #expect(throws: Never.self) { try JSON(parsing: Array(line.utf8)) } }
  }

  @Test func `one session in so many`() async throws {
    let folder = try TemporaryFolder()
    let relay = try await RelayProcess("--qlog", folder.path, "--qlog-sample", "3")
    for _ in 0..<7 {
      let result = try await ToolProcess.run(relay.words("probe", "--draft", "draft-14"))
      #expect(result.status == 0)
    }
    try await relay.end()
    // The first of each three.
    #expect(try files(in: folder.path).count == 3)
  }

  @Test func `a folder that cannot be had`() async throws {
    let result = try await ToolProcess.run("relay", "--bind", "127.0.0.1:0", "--qlog", "/nonexistent/a/b")
    #expect(result.status == 1 && result.errors.contains("/nonexistent/a/b"), "\(result.errors)")
    let folder = try TemporaryFolder(), file = try folder.file("x", "".utf8)
    let wrong = try await ToolProcess.run("probe", "moqt://127.0.0.1:1", "--qlog", file)
    #expect(wrong.status == 1 && wrong.errors.contains("no folder"), "\(wrong.errors)")
    let alone = try await ToolProcess.run("probe", "moqt://127.0.0.1:1", "--qlog-sample", "2")
    #expect(alone.status == 2 && alone.errors.contains("--qlog DIR"), "\(alone.errors)")
  }

  @Test func `what is no trace`() async throws {
    let folder = try TemporaryFolder()
    let text = try await ToolProcess.run("decode", "--qlog", try folder.file("a", "hello\n".utf8))
    #expect(text.status == 1 && text.errors.contains("is no qlog trace"), "\(text.errors)")
    let empty = try await ToolProcess.run("decode", "--qlog", "-", input: "{\"a\": 1}\n")
    #expect(empty.status == 1 && empty.errors.contains("no event with bytes"), "\(empty.errors)")
    let missing = try await ToolProcess.run("decode", "--qlog", "/nonexistent.sqlog")
    #expect(missing.status == 1 && missing.errors.contains("/nonexistent.sqlog"))
    // Bytes that nothing reads, in a record that is well.
    let bad =
      #"{"time": 1.5, "name": "moqt:control_message_parsed", "data": {"stream_id": 0, "raw": {"data": "ffff"}}}"#
    let unread = try await ToolProcess.run("decode", "--qlog", "-", input: bad + "\n")
    #expect(unread.status == 1 && unread.errors.contains("1 of 1 messages"), "\(unread.errors)")
  }

  @Test func `secrets go where SSLKEYLOGFILE says`() async throws {
    let folder = try TemporaryFolder(), client = "\(folder.path)/client.keys", server = "\(folder.path)/server.keys"
    let relay = try ToolProcess(
      ["relay", "--bind", "127.0.0.1:0"], through: ["env", "SSLKEYLOGFILE=\(server)"])
    let line = try await relay.line(containing: "Relay ready")
    let url = try #require(line.firstMatch(of: /moqt:\/\/127\.0\.0\.1:\d+/))
    let probe = try await ToolProcess.run(
      ["probe", String(url.0), "--tls-disable-verify", "--draft", "draft-14"],
      through: ["env", "SSLKEYLOGFILE=\(client)"])
    #expect(probe.status == 0)
    relay.kill(SIGTERM)
    _ = try await relay.end()
    let lines = try [client, server].map { try String(contentsOfFile: $0, encoding: .utf8).split(separator: "\n") }
    let wanted = [
      "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "SERVER_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0",
      "SERVER_TRAFFIC_SECRET_0",
    ]
    for secret in wanted {
      let found = lines.map { $0.filter { $0.hasPrefix(secret + " ") } }
      // Both sides have the same ones: an analyser needs either file.
      #expect(found[0].count == 1 && found[0] == found[1], "\(secret)")
    }
  }

  @Test func `a relay tells of its sessions`() async throws {
    let relay = try ToolProcess(["relay", "--bind", "127.0.0.1:0", "--json", "-v"])
    let ready = try JSON(parsing: Array(try await relay.line(containing: "sha256").utf8))
    let address = try #require(ready["address"]?.text), fingerprint = try #require(ready["sha256"]?.text)
    let probe = try await ToolProcess.run(
      "probe", "moqt://\(address)", "--tls-fingerprint", fingerprint, "--draft", "draft-14")
    #expect(probe.status == 0)
    let ended = try JSON(parsing: Array(try await relay.line(containing: "session-ended").utf8))
    let began = try JSON(parsing: Array(try await relay.line(containing: "session-began").utf8))
    for line in [began, ended] {
      #expect(line["dialect"]?.text == "draft-14" && line["implementation"]?.text == "swift-moq")
      #expect(line["peer"]?.text?.hasPrefix("127.0.0.1:") == true && line["time"]?.text?.hasSuffix("Z") == true)
    }
    #expect(began["connection_id"]?.text?.count ?? 0 >= 16 && began["connection_id"] == ended["connection_id"])
    #expect(ended["ended_by"]?.text == "peer" && ended["code"]?.integer == 0)
    #expect(ended["bytes_received"]?.integer ?? 0 > 1000)
    _ = try await relay.errorLine(containing: " ended after ")
    // A client says goodbye before its process ends, each time.
    for _ in 0..<10 {
      let again = try await ToolProcess.run(
        "probe", "moqt://\(address)", "--tls-fingerprint", fingerprint, "--draft", "draft-14")
      #expect(again.status == 0)
    }
    relay.kill(SIGTERM)
    let all = try await relay.end()
    #expect(all.status == 0)
    #expect(all.text.split(separator: "\n").count { $0.contains(#""ended_by": "peer""#) } == 11, "\(all.text)")
  }
}

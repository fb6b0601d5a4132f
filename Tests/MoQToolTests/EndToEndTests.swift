import Foundation
import Testing

@testable import MoQTool

/// A relay of its own for a test, on a port that was free.
final class RelayProcess: Sendable {
  let process: ToolProcess
  let url: String, fingerprint: String

  init(_ options: String...) async throws {
    process = try ToolProcess(["relay", "--bind", "127.0.0.1:0"] + options)
    let line = try await process.line(containing: "Relay ready")
    let found = try #require(line.firstMatch(of: /(moqt:\/\/127\.0\.0\.1:\d+), certificate SHA-256 ([0-9a-f]{64})$/))
    (url, fingerprint) = (String(found.1), String(found.2))
  }
  /// It ends when it is told to, and well.
  func end() async throws {
    process.kill(SIGTERM)
    let result = try await process.end()
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.text.split(separator: "\n").count == 1)
  }
  func words(_ command: String, _ rest: String...) -> [String] {
    command.split(separator: " ").map(String.init) + [url] + rest + ["--tls-fingerprint", fingerprint]
  }
}

/// A subscriber that has come before the relay has heard of the publisher asks again.
func subscribed(_ words: [String]) async throws -> ToolProcess.Result {
  for _ in 0..<200 {
    let result = try await ToolProcess.run(words)
    guard result.status == 1, result.errors.contains("knows no such track") else { return result }
  }
  return try await ToolProcess.run(words)
}

/// Relay, publisher and subscriber as processes: what goes in comes out, byte for byte.
@Suite(.serialized, .timeLimit(.minutes(3))) struct EndToEndTests {
  static let drafts = ["draft-14", "moq-lite-01"]

  @Test(arguments: drafts, drafts)
  func `lines of one dialect arrive in another`(publisher: String, subscriber: String) async throws {
    let relay = try await RelayProcess()
    let lines = (0..<500).map { "line \($0) \(String(repeating: "é", count: $0 % 50))" } + ["", "last"]
    let publish = try ToolProcess(
      relay.words("publish", "demo/lines", "count", "--draft", publisher, "--group-every", "50", "-v"))
    _ = try await publish.errorLine(containing: "Waiting for a subscriber")
    await publish.write(lines.joined(separator: "\n") + "\n")
    publish.closeInput()
    let got = try await subscribed(relay.words("subscribe", "demo/lines", "count", "--draft", subscriber, "--lines"))
    #expect(got.status == 0, "\(got.errors)")
    #expect(got.text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init) == lines)
    let done = try await publish.end()
    #expect(done.status == 0, "\(done.errors)")
    try await relay.end()
  }

  @Test func `no dialect has to be named, where a relay has one that begins in an older way`() async throws {
    let relay = try await RelayProcess("--draft", "draft-08")
    let publish = try ToolProcess(relay.words("publish", "demo", "lines", "-v"))
    _ = try await publish.errorLine(containing: "attempt 2, with draft-10, draft-09, draft-08, draft-07")
    _ = try await publish.errorLine(containing: "Waiting for a subscriber")
    await publish.write("hello\n")
    publish.closeInput()
    let got = try await subscribed(relay.words("subscribe", "demo", "lines", "--lines"))
    #expect(got.status == 0 && got.text == "hello\n", "\(got.errors)")
    #expect(try await publish.end().status == 0)
    try await relay.end()
  }

  @Test func `a relay assumes a profile of peers that show none`() async throws {
    let relay = try await RelayProcess("--profile", "moqtransport", "-v")
    let found = try await ToolProcess.run(relay.words("probe", "--draft", "draft-07", "--profile", "text"))
    #expect(found.status == 0, "\(found.errors)")
    _ = try await relay.process.errorLine(containing: "in draft-07 (moqtransport)")
    try await relay.end()
    let wrong = try await ToolProcess.run("relay", "--profile", "moqtransprt")
    #expect(wrong.status == 2 && wrong.errors.contains("did you mean moqtransport?"), "\(wrong.errors)")
  }

  @Test func `bytes are cut into pieces and put together again`() async throws {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<1_000_003).map { _ in UInt8.random(in: 0...255, using: &random) }
    let (relay, folder) = (try await RelayProcess(), try TemporaryFolder())
    let publish = try ToolProcess(
      relay.words(
        "publish", "demo", "bytes", "--size", "10000", "--group-every", "10", "-v", "--input",
        try folder.file("in", bytes)))
    _ = try await publish.errorLine(containing: "Waiting for a subscriber")
    let got = try await subscribed(
      relay.words("subscribe", "demo", "bytes", "--json", "--output", "\(folder.path)/out", "--count", "101"))
    #expect(got.status == 0, "\(got.errors)")
    #expect(try Data(contentsOf: URL(fileURLWithPath: "\(folder.path)/out")) == Data(bytes))
    struct Line: Decodable, Equatable { var group, subgroup, object, size: UInt64, status: String, received_at: String }
    let lines = try got.text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
      .filter { $0.status == "normal" }
    let first = lines.first?.group ?? 0
    let places: [[UInt64]] = (0..<101).map { [first + $0 / 10, $0 % 10, $0 == 100 ? 3 : 10_000] }
    #expect(lines.map { [$0.group, $0.object, $0.size] } == places)
    #expect(lines.allSatisfy { $0.received_at.hasSuffix("Z") })
    #expect(try await publish.end().status == 0)
    try await relay.end()
  }

  @Test func `files are objects, and empty ones too`() async throws {
    let (relay, folder) = (try await RelayProcess(), try TemporaryFolder())
    let contents = ["one", "", String(repeating: "three", count: 40_000)]
    let files = try contents.enumerated().map { try folder.file("\($0.offset)", $0.element.utf8) }
    let publish = try ToolProcess(
      relay.words("publish", "demo", "files", "-v", "--group-every", "1") + ["--files"] + files)
    _ = try await publish.errorLine(containing: "Waiting for a subscriber")
    let got = try await subscribed(relay.words("subscribe", "demo", "files"))
    #expect(got.status == 0, "\(got.errors)")
    #expect(got.text == contents.joined())
    #expect(try await publish.end().status == 0)
    try await relay.end()
  }

  @Test(arguments: drafts)
  func `a clock is read, with its latency`(_ draft: String) async throws {
    let relay = try await RelayProcess()
    let clock = try ToolProcess(relay.words("clock publish", "--interval", "0.02", "-v"))
    _ = try await clock.errorLine(containing: "Connected")
    var got = try await ToolProcess.run(relay.words("clock subscribe", "--draft", draft, "--seconds", "0.5"))
    for _ in 0..<200 where got.errors.contains("knows no such track") {
      got = try await ToolProcess.run(relay.words("clock subscribe", "--draft", draft, "--seconds", "0.5"))
    }
    #expect(got.status == 0, "\(got.errors)")
    let form =
      /\[(draft-14|moq-lite-01)\] \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (latency \d+\.\d ms|from a cache, \d+\.\d s old)/
    let lines = got.text.split(separator: "\n")
    for line in lines { #expect(line.wholeMatch(of: form)?.1 == draft[...], "\(line)") }
    #expect(lines.count { $0.contains("latency") } >= 3, "\(got.text)")
    clock.kill(SIGINT)
    #expect(try await clock.end().status == 0)
    try await relay.end()
  }

  @Test func `every dialect of a relay is found`() async throws {
    let relay = try await RelayProcess()
    let all = try await ToolProcess.run(relay.words("probe"))
    #expect(all.status == 0, "\(all.errors)")
    for draft in Self.drafts { #expect(all.text.contains(try Regex("  \(draft) +ok  ALPN ")), "\(all.text)") }
    let json = try await ToolProcess.run(relay.words("probe", "--json", "--draft", "draft-14"))
    #expect(json.text.contains(#""dialect": "draft-14", "ok": true"#))
    try await relay.end()

    let one = try await RelayProcess("--draft", "draft-14")
    let some = try await ToolProcess.run(one.words("probe"))
    #expect(some.status == 0)
    #expect(some.text.contains(/draft-14 +ok/) && some.text.contains(/moq-lite-01 +no/), "\(some.text)")
    #expect(try await ToolProcess.run(one.words("probe", "--draft", "moq-lite-01")).status == 1)
    try await one.end()
  }

  @Test func `without a scheme both transports are tried`() async throws {
    let relay = try await RelayProcess("--path", "/moq")
    let place = relay.url.replacing("moqt://", with: "")
    let trust = ["--tls-fingerprint", relay.fingerprint, "--draft", "draft-14"]
    let both = try await ToolProcess.run(["probe", place] + trust)
    #expect(both.status == 0, "\(both.errors)")
    #expect(both.text.contains(/moqt:\/\/127.0.0.1:\d+\n  draft-14  ok  ALPN moq-00/), "\(both.text)")
    #expect(both.text.contains(/https:\/\/127.0.0.1:\d+\n  draft-14  no  .*404/), "\(both.text)")
    let found = try await ToolProcess.run(
      "probe", "https://\(place)/moq", "--tls-fingerprint", relay.fingerprint)
    #expect(found.status == 0)
    #expect(found.text.contains(/draft-14 +ok  ALPN h3, subprotocol moq-00/), "\(found.text)")
    #expect(found.text.contains(/moq-lite-01 +ok  ALPN h3, subprotocol moql/), "\(found.text)")
    try await relay.end()

    let raw = try await RelayProcess("--raw-only")
    let bare = raw.url.replacing("moqt://", with: "")
    let some = try await ToolProcess.run("probe", bare, "--tls-fingerprint", raw.fingerprint, "--draft", "draft-14")
    #expect(some.status == 0)
    #expect(some.text.contains(/draft-14  no  .* is a QUIC server without HTTP\/3/), "\(some.text)")
    try await raw.end()
  }

  @Test(arguments: drafts)
  func `lines cross WebTransport`(_ draft: String) async throws {
    let relay = try await RelayProcess()
    let place = ["https://127.0.0.1:\(relay.url.split(separator: ":")[2])/a/path", "demo/web", "count"]
    let trust = ["--tls-fingerprint", relay.fingerprint, "--draft", draft]
    let publish = try ToolProcess(["publish"] + place + trust + ["-v"])
    _ = try await publish.errorLine(containing: "Waiting for a subscriber")
    await publish.write("one\ntwo\nthree\n")
    publish.closeInput()
    let got = try await subscribed(["subscribe"] + place + trust + ["--lines"])
    #expect(got.status == 0 && got.text == "one\ntwo\nthree\n", "\(got.errors)")
    #expect(try await publish.end().status == 0)
    try await relay.end()
  }

  @Test func `whoever is asked to stop, stops well`() async throws {
    let relay = try await RelayProcess("-v")
    let waiting = try ToolProcess(relay.words("publish", "demo", "x", "-v"))
    _ = try await waiting.errorLine(containing: "Waiting for a subscriber")
    waiting.kill(SIGTERM)
    #expect(try await waiting.end().status == 0)

    let clock = try ToolProcess(relay.words("clock publish", "--interval", "0.02", "-v"))
    _ = try await clock.errorLine(containing: "Connected")
    var reader = try ToolProcess(relay.words("clock subscribe"))
    for _ in 0..<200 {
      if (try? await reader.line(containing: "Z")) != nil { break }
      reader = try ToolProcess(relay.words("clock subscribe"))
    }
    reader.kill(SIGINT)
    #expect(try await reader.end().status == 0)
    // Nobody reads the output any more: that is an end, not a failure.
    let deaf = try ToolProcess(
      relay.words("clock subscribe"), through: ["sh", "-c", "\"$@\" | head -n 1; exit 0", "sh"])
    let said = try await deaf.end()
    #expect(said.errors == "" && said.text.split(separator: "\n").count == 1, "\(said.errors)")
    clock.kill(SIGTERM)
    #expect(try await clock.end().status == 0)
    try await relay.end()
  }
}

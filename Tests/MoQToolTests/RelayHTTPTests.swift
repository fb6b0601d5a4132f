import Foundation
import Testing

@testable import MoQTool

/// `moq relay --http`, as processes, over real TCP.
@Suite(.serialized, .timeLimit(.minutes(2))) struct RelayHTTPTests {
  /// What is answered to a GET of `path`.
  func get(_ path: String, from url: String) throws -> (status: Int, body: String) {
    let found = try #require(url.firstMatch(of: /http:\/\/127\.0\.0\.1:(\d+)\//))
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = try #require(UInt16(found.1)).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let connected = withUnsafeBytes(of: &address) { bytes in
      connect(descriptor, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t(bytes.count))
    }
    try #require(connected == 0)
    let request = Array("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
    try #require(send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count)
    var all: [UInt8] = [], part = [UInt8](repeating: 0, count: 65536)
    while case let count = recv(descriptor, &part, part.count, 0), count > 0 { all += part[..<count] }
    let text = String(decoding: all, as: UTF8.self)
    let status = try #require(Int(text.dropFirst(9).prefix(3)), "\(text.prefix(100))")
    return (status, text.firstRange(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? "")
  }

  /// The answer, asked for again while it is not as it should be: on a busy machine the relay may answer too late for
  /// a request, which is then told what it said before.
  func get(_ path: String, from url: String, until isRight: (String) -> Bool) throws -> String {
    let end = ContinuousClock.now + .seconds(30)
    while true {
      let body = try get(path, from: url).body
      if isRight(body) || .now > end { return body }
    }
  }

  @Test func `it tells what goes on at the relay`() async throws {
    let relay = try ToolProcess(["relay", "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0"])
    let ready = try await relay.line(containing: "Relay ready")
    let found = try #require(ready.firstMatch(of: /moqt:\/\/(127\.0\.0\.1:(\d+)), certificate SHA-256 ([0-9a-f]{64})$/))
    let page = try await relay.line(containing: "Page at ")
    #expect(try get("/certificate.sha256", from: page) == (200, String(found.3)))
    let health = try get("/health", from: page) { $0.contains("\"ok\"") }
    #expect(health.contains("\"port\": \(found.2)") && health.contains("\"ok\""))
    #expect(try get("/announced", from: page).body == "{\"announced\": [], \"total\": 0}\n")
    let html = try get("/", from: page)
    #expect(html.status == 200 && html.body.hasPrefix("<!doctype html>") && html.body.hasSuffix("</html>\n"))
    #expect(try get("/nothing", from: page).status == 404)

    let trust = ["--tls-fingerprint", String(found.3)], url = "moqt://\(found.1)"
    let clock = try ToolProcess(
      ["clock", "publish", url, "demo/clock", "--interval", "0.02", "-v", "--draft", "moq-lite-01"] + trust)
    _ = try await clock.errorLine(containing: "Connected")
    let words = ["clock", "subscribe", url, "demo/clock", "--draft", "draft-14"] + trust
    var reader = try ToolProcess(words)
    for _ in 0..<200 {
      if (try? await reader.line(containing: "Z")) != nil { break }
      reader = try ToolProcess(words)
    }
    let announced =
      "{\"announced\": [{\"namespace\": \"demo/clock\", \"dialects\": [\"moq-lite-01\"], \"tracks\": [\"now\"]}], \"total\": 1}\n"
    #expect(try get("/announced", from: page) { $0 == announced } == announced)
    let lines = [
      "moq_sessions{dialect=\"draft-14\",transport=\"quic\"} 1",
      "moq_sessions{dialect=\"moq-lite-01\",transport=\"quic\"} 1",
      "moq_connections{state=\"alive\"} 2", "moq_namespaces 1", "moq_tracks 1", "moq_subscriptions 1",
    ]
    let metrics = try get("/metrics", from: page) { text in lines.allSatisfy { text.contains("\n\($0)\n") } }
    for line in lines { #expect(metrics.contains("\n\(line)\n"), "\(line) in \(metrics)") }
    let sent = try #require(metrics.firstMatch(of: /\nmoq_sent_objects_total (\d+)\n/))
    #expect(try #require(Int(sent.1)) > 0)

    reader.kill(SIGTERM)
    clock.kill(SIGTERM)
    #expect(try await reader.end().status == 0)
    #expect(try await clock.end().status == 0)
    relay.kill(SIGTERM)
    let end = try await relay.end()
    #expect(end.status == 0 && end.errors == "", "\(end.errors)")
  }

  @Test(arguments: [
    (["--draft", "draft-14"], "[\"draft-14\"]", "{\"origins\": null, \"paths\": null}"),
    (
      ["--draft", "moq-lite-01", "--draft", "draft-07", "--origin", "https://a.example", "--path", "/moq"],
      "[\"moq-lite-01\", \"draft-07\"]", "{\"origins\": [\"https://a.example\"], \"paths\": [\"/moq\"]}"
    ), (["--draft", "draft-14", "--raw-only"], "[\"draft-14\"]", "null"),
  ])
  func `it tells what the relay serves, and to whom`(options: [String], dialects: String, webTransport: String)
    async throws
  {
    let relay = try ToolProcess(["relay", "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0"] + options)
    let page = try await relay.line(containing: "Page at ")
    let health = try get("/health", from: page) { $0.contains("\"ok\"") }
    #expect(health.hasSuffix(", \"dialects\": \(dialects), \"webtransport\": \(webTransport)}\n"), "\(health)")
    relay.kill(SIGTERM)
    #expect(try await relay.end().status == 0)
  }

  /// Well before its silence would tell the relay: a publisher that is stopped says that it leaves.
  @Test func `whoever is stopped is gone from the relay at once`() async throws {
    let relay = try ToolProcess(["relay", "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0"])
    let found = try #require(
      try await relay.line(containing: "Relay ready").firstMatch(
        of: /(moqt:\/\/[0-9.:]+), certificate SHA-256 ([0-9a-f]+)$/))
    let page = try await relay.line(containing: "Page at ")
    for number in 0..<5 {
      let clock = try ToolProcess(
        ["clock", "publish", String(found.1), "demo/\(number)", "-v", "--tls-fingerprint", String(found.2)])
      _ = try await clock.errorLine(containing: "Connected")
      clock.kill(SIGTERM)
      #expect(try await clock.end().status == 0)
    }
    let until = ContinuousClock.now + .seconds(10)
    var sessions = ""
    repeat {
      sessions = try #require(try get("/metrics", from: page).body.firstMatch(of: /\nmoq_sessions.* (\d+)\n/)).1
        .description
    } while sessions != "0" && .now < until
    #expect(sessions == "0")
    relay.kill(SIGTERM)
    #expect(try await relay.end().status == 0)
  }

  @Test func `an address that cannot be had is an error, and a wrong one wrong usage`() async throws {
    let relay = try ToolProcess(["relay", "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0"])
    let taken = try #require(try await relay.line(containing: "Page at ").firstMatch(of: /:(\d+)\//))
    let second = try await ToolProcess.run(["relay", "--bind", "127.0.0.1:0", "--http", "127.0.0.1:\(taken.1)"])
    #expect(second.status == 1 && second.errors.contains("Address already in use"), "\(second.errors)")
    let wrong = try await ToolProcess.run(["relay", "--http", "8080"])
    #expect(wrong.status == 2 && wrong.errors.contains("--http wants"), "\(wrong.errors)")
    relay.kill(SIGTERM)
    #expect(try await relay.end().status == 0)
  }
}

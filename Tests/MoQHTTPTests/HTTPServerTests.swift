import MoQHTTP
import MoQNetwork
import Synchronization
import Testing

/// A server on a free loopback port that says what was asked.
func echo(_ limits: HTTPServer.Limits = .init(), body: @escaping @Sendable (String) -> [UInt8] = { Array($0.utf8) })
  throws -> HTTPServer
{
  try HTTPServer(host: "127.0.0.1", port: 0, limits: limits, identity: { throw NoIdentity() }) { path in
    path == "/nothing" ? .text("no", status: 404) : HTTPResponse(200, "text/plain", body(path))
  }
}
struct NoIdentity: Error {}

@Suite(.timeLimit(.minutes(2))) struct HTTPServerTests {
  @Test func `a path is answered with a body, once a connection`() throws {
    let server = try echo()
    let got = try #require(try answer("GET /a%20b?c=d HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port))
    #expect(got.status == 200 && got.answerBody == "/a b", "\(got)")
    #expect(got.contains("Connection: close") && got.contains("Content-Type: text/plain"))
    #expect(got.contains("X-Content-Type-Options: nosniff"))
    #expect(try answer("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port)?.status == 404)
    // What comes behind the first request is not answered.
    let two = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
    let pipelined = try #require(try answer(two, port: server.port))
    #expect(pipelined.answerBody == "/1")
    #expect(server.url == "http://127.0.0.1:\(server.port)/" && !server.isEncrypted)
  }

  @Test func `HEAD has the length of the body and no body`() throws {
    let server = try echo()
    let got = try #require(try answer("HEAD /1234 HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port))
    #expect(got.status == 200 && got.contains("Content-Length: 5\r\n") && got.answerBody == "", "\(got)")
    let none = try #require(try answer("HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port))
    #expect(none.status == 404 && none.contains("Content-Length: 2\r\n") && none.answerBody == "", "\(none)")
  }

  @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "BREW"])
  func `other methods are refused`(_ method: String) throws {
    let server = try echo()
    let got = try #require(try answer("\(method) / HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port))
    #expect(got.status == 405 && got.contains("Allow: GET, HEAD\r\n"), "\(got)")
    #expect(
      try answer("\(method) / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", port: server.port)?.status == 405)
  }

  @Test(arguments: [
    "Content-Length: 3\r\n\r\nabc", "Content-Length: 99999999999999\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n",
    "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n",
  ])
  func `a body is refused before it has come`(_ rest: String) throws {
    let server = try echo()
    for method in ["GET", "HEAD"] {
      let got = try #require(try answer("\(method) / HTTP/1.1\r\nHost: x\r\n\(rest)", port: server.port))
      #expect(got.status == 413, "\(got)")
    }
  }

  @Test func `too long a request is refused`() throws {
    let server = try echo()
    let long = String(repeating: "a", count: 20 << 10)
    #expect(try answer("GET /\(long) HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port)?.status == 414)
    #expect(try answer("GET / HTTP/1.1\r\nHost: x\r\nA: \(long)\r\n\r\n", port: server.port)?.status == 431)
    let many = (0..<4000).map { "H\($0): \($0)\r\n" }.joined()
    #expect(try answer("GET / HTTP/1.1\r\nHost: x\r\n\(many)\r\n", port: server.port)?.status == 431)
    #expect(try answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port)?.status == 200)
  }

  /// No answer of 200, no crash, no hang: each connection ends, and the server goes on.
  @Test func `bytes that are no request end the connection`() throws {
    var limits = HTTPServer.Limits()
    limits.seconds = 1
    let server = try echo(limits)
    var cases: [[UInt8]] = [
      [0], [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3], Array("GET\r\n\r\n".utf8), Array("\r\n\r\n\r\n".utf8),
      Array("GET / HTTP/9.9\r\n\r\n".utf8), Array("GET / HTTP/1.1\r\nno colon\r\n\r\n".utf8),
      Array("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n".utf8), Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8),
      Array("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".utf8),
    ]
    let seed = UInt64.random(in: 0...UInt64.max)
    var state = seed | 1
    func random() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    for _ in 0..<200 { cases.append((0..<Int(random() % 300)).map { _ in UInt8(truncatingIfNeeded: random() >> 24) }) }
    // Some are closed by the deadline only, so they wait side by side.
    for start in stride(from: 0, to: cases.count, by: 50) {
      let clients = try cases[start..<min(start + 50, cases.count)].map { bytes in
        let client = try TCPClient(port: server.port)
        client.send(bytes)
        client.finish()
        return client
      }
      for (number, client) in clients.enumerated() {
        let got = client.rest()
        #expect(got != nil && got?.status != 200, "case \(start + number), seed \(seed)")
      }
    }
    #expect(try answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port)?.status == 200)
  }

  @Test func `a slow client is closed, and keeps nobody waiting`() throws {
    var limits = HTTPServer.Limits()
    limits.seconds = 1
    let server = try echo(limits) { _ in [UInt8](repeating: 97, count: 8 << 20) }
    // One says nothing, one a byte now and then, one asks and does not read.
    let silent = try TCPClient(port: server.port)
    let dribbling = try TCPClient(port: server.port)
    let deaf = try TCPClient(port: server.port, receiveBuffer: 4096)
    deaf.send("GET /big HTTP/1.1\r\nHost: x\r\n\r\n")
    let started = ContinuousClock.now
    #expect(try answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port)?.status == 200)
    var bytes = Array("GET /".utf8)[...]
    while dribbling.send([bytes.popFirst() ?? 97]), started.duration(to: .now) < .seconds(30) {
      // Another's answer is what this waits for: some ten milliseconds.
      #expect(try answer("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port)?.status == 200)
    }
    #expect(started.duration(to: .now) < .seconds(10))
    #expect(silent.rest() != nil)
    let part = try #require(deaf.rest(), "it was not closed")
    #expect(part.utf8.count < 8 << 20)
  }

  @Test func `more connections than allowed are closed at once, and their places come back`() throws {
    var limits = HTTPServer.Limits()
    (limits.connections, limits.connectionsOfOneAddress, limits.seconds) = (20, 8, 1)
    let server = try echo(limits)
    func occupied(_ count: Int) throws -> Int {
      var refused = 0
      // They hold their places until the function ends.
      func occupy(_ left: Int) throws {
        guard left > 0 else { return }
        let client = try TCPClient(port: server.port)
        client.send("GET /")
        if left <= count - 8 { refused += client.rest() == "" ? 1 : 0 }
        try occupy(left - 1)
        client.finish()
      }
      try occupy(count)
      return refused
    }
    #expect(try occupied(12) == 4)
    // Whoever comes now finds a place, at the latest when the deadline of those before has passed.
    let late = ContinuousClock.now + .seconds(20)
    var status: Int?
    while status != 200, .now < late {
      status = try answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port)?.status
    }
    #expect(status == 200)
  }

  @Test func `an address that is taken is refused with a sentence`() throws {
    let server = try echo()
    let error = #expect(throws: HTTPServer.Failure.self) {
      _ = try HTTPServer(host: "127.0.0.1", port: server.port, identity: { throw NoIdentity() }) { _ in .text("") }
    }
    #expect("\(error, default: "")".contains("Address already in use"))
    #expect(throws: HTTPServer.Failure.self) {
      _ = try HTTPServer(host: "no such host.invalid", port: 0, identity: { throw NoIdentity() }) { _ in .text("") }
    }
  }

  @Test func `beyond loopback it speaks TLS only`() throws {
    let made = try TLSIdentity.selfSigned()
    let server = try HTTPServer(
      host: "0.0.0.0", port: 0, identity: { .init(certificate: made.certificate, key: made.key) }
    ) { _ in .text("secret") }
    #expect(server.isEncrypted && server.url.hasPrefix("https://localhost:"))
    let got = try answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port)
    #expect(got != nil && got?.contains("secret") == false)
    #expect(throws: NoIdentity.self) {
      _ = try HTTPServer(host: "0.0.0.0", port: 0, identity: { throw NoIdentity() }) { _ in .text("") }
    }
    #expect(throws: HTTPServer.Failure.self) {
      _ = try HTTPServer(host: "0.0.0.0", port: 0, identity: { .init(certificate: [1], key: [2]) }) { _ in .text("") }
    }
  }

  @Test func `stopping ends connections and calls nobody afterwards`() throws {
    let calls = Mutex(0)
    let server = try echo { path in
      calls.withLock { $0 += 1 }
      return Array(path.utf8)
    }
    let port = server.port, waiting = try TCPClient(port: port)
    waiting.send("GET /")
    #expect(try answer("GET / HTTP/1.1\r\nHost: x\r\n\r\n", port: port)?.status == 200)
    server.stop()
    server.stop()
    #expect(waiting.rest() != nil)
    #expect(throws: TCPClient.Failed.self) { _ = try TCPClient(port: port) }
    #expect(calls.withLock { $0 } == 1)
  }

  @Test func `a line break in a header does not begin another`() throws {
    let server = try HTTPServer(host: "127.0.0.1", port: 0, identity: { throw NoIdentity() }) { path in
      HTTPResponse(200, "text/plain", [], headers: [.init("X-Path", path)])
    }
    let got = try #require(
      try answer("GET /a%0d%0aX-Evil:%201%0aX-Evil2:%202 HTTP/1.1\r\nHost: x\r\n\r\n", port: server.port))
    #expect(got.status == 200 && !got.contains("\nX-Evil"), "\(got)")
  }
}

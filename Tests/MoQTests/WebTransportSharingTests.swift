import Foundation
import MoQ
import MoQDrafts
import MoQKernel
import MoQNetwork
import Testing

/// Many sessions: on one connection, and one after the other.
@Suite(.serialized) struct WebTransportSharingTests {
  @Test("several sessions share a connection, and each ends by itself")
  func shared() async throws {
    try await within {
      let server = try await Server.listen(on: "127.0.0.1:0")
      let loop = Loop(name: "sharing")
      let group = try await loop.run { [port = server.port] in LoopBound(Sharing(loop, port: port), on: loop) }
      var incoming = server.sessions.makeAsyncIterator()
      var peers: [String: Session] = [:]
      while peers.count < 4, let session = await incoming.next() { peers[session.peerPath ?? ""] = session }
      #expect(peers.keys.sorted() == ["/0", "/1", "/2", "/3"])
      #expect(Set(peers.values.map(\.peerAddress)).count == 1)

      // One ends on each side; what they said arrives, and the others go on.
      try await loop.run { group.value.close(1, "the second ends") }
      #expect(try #require(await peers["/1"]?.closed).phrase.contains("the second ends"))
      await peers["/2"]?.close(reason: "the third is ended")
      let end = await group.value(at: 2, on: loop)
      #expect(end.phrase == "the third is ended")
      #expect(end.cause == .peer)
      for path in ["/0", "/3"] {
        let peer = try #require(peers[path])
        #expect(!peer.isClosed)
        await peer.close(reason: "and \(path)")
      }
      #expect(await group.value(at: 0, on: loop).phrase == "and /0")
      #expect(await group.value(at: 3, on: loop).phrase == "and /3")
      await server.close()
      loop.shutdown()
    }
  }

  @Test("each session on a connection leaves a trace of its own, by the same name on both sides")
  func traces() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "moq-sharing-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await within {
      var options = ServerOptions()
      let served = try MoQ.TraceDirectory(folder), asked = try MoQNetwork.TraceDirectory(folder)
      options.session.traces = served
      let server = try await Server.listen(on: "127.0.0.1:0", options: options)
      let loop = Loop(name: "sharing")
      let group = try await loop.run { [port = server.port] in
        LoopBound(Sharing(loop, port: port, traces: asked), on: loop)
      }
      var incoming = server.sessions.makeAsyncIterator()
      var names: [String] = []
      for number in 0..<4 {
        guard let session = await incoming.next() else { break }
        names.append(session.connectionID)
        let end = Int(session.peerPath?.dropFirst() ?? "") ?? number
        try await loop.run { group.value.close(end, "number \(end) ends") }
        #expect(await session.closed.phrase.contains("number \(end) ends"))
        _ = await group.value(at: end, on: loop)
      }
      await server.close()
      loop.shutdown()
      await loop.join()
      served.flush()
      asked.flush()

      let id = try #require(names.map { $0.prefix { $0 != "-" } }.first)
      #expect(Set(names) == ["\(id)", "\(id)-4", "\(id)-8", "\(id)-12"])
      let files = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(Set(files) == Set(names.flatMap { ["\($0)_client.sqlog", "\($0)_server.sqlog"] }))
      for (number, name) in ["\(id)", "\(id)-4", "\(id)-8", "\(id)-12"].enumerated() {
        for side in ["client", "server"] {
          let text = try String(contentsOfFile: "\(folder)/\(name)_\(side).sqlog", encoding: .utf8)
          #expect(text.contains("\"group_id\": \"\(name)\""))
          // It tells of this session, to its end, and of no other.
          #expect(text.split(separator: "\n").last?.contains("number \(number) ends") == true, "\(name)_\(side)")
          #expect(text.components(separatedBy: "\"type\": \"client_setup\"").count == 2, "\(name)_\(side)")
        }
      }
    }
  }

  /// MOQ_SESSIONS says how many; `make test-sessions` has a thousand.
  @Test("sessions open and close at a relay, three times over: every close arrives, and the memory is given back")
  func manySessions() async throws {
    let count = ProcessInfo.processInfo.environment["MOQ_SESSIONS"].flatMap(Int.init) ?? 60
    try await within(.seconds(280)) {
      let ends = AsyncStream<(RelaySession, SessionClosure)>.makeStream()
      var options = RelayOptions()
      options.onSession = { [tell = ends.continuation] event in
        if case .ended(let session, let closure, _, _) = event { tell.yield((session, closure)) }
      }
      let relay = try await RelayServer.start(on: "127.0.0.1:0", options: options)
      let clients = Runtime(name: "clients")
      var closes = ends.stream.makeAsyncIterator(), resident = [Self.residentBytes()]
      for round in 1...3 {
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<count {
            if number >= 16 { try await group.next() }
            group.addTask {
              let session = try await Session.connect(
                to: "https://127.0.0.1:\(relay.port)/\(number)",
                options: .test(relay.fingerprint, number % 2 == 0 ? "draft-14" : "moq-lite-01"), on: clients)
              await session.close(reason: "session \(number) ends")
            }
          }
          try await group.waitForAll()
        }
        var found: [String: SessionClosure] = [:]
        for _ in 0..<count {
          guard let (session, closure) = await closes.next() else { break }
          found[session.path ?? ""] = closure
        }
        for number in 0..<count {
          let end = try #require(found["/\(number)"], "session \(number) did not end at the relay")
          #expect(end.by == .peer && end.code == 0, "\(end)")
          #expect(end.phrase.contains("session \(number) ends"), "session \(number): \(end)")
        }
        // Connections linger after their end, for packets that are late.
        await relay.connectionsGone()
        await clients.clientConnectionsGone()
        let overview = try #require(await relay.overview)
        #expect(overview.connections == ConnectionCounts() && overview.sessions.isEmpty)
        resident.append(Self.residentBytes())
        print("sessions: after round \(round), \(resident[round] >> 10) kB are resident; \(resident[0] >> 10) before")
      }
      // The first round warms up pools and caches; a leak shows as growth with each further one.
      if count >= 1_000 { #expect(Double(max(resident[2], resident[3])) <= Double(resident[1]) * 1.05, "\(resident)") }
      await relay.close()
    }
  }

  private static func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * Int(getpagesize())
  }
}

/// Four sessions that a client has on one connection.
private final class Sharing {
  private final class Owner: SessionOwner {
    var end: SessionEnd?
    var waiting: [(SessionEnd) -> Void] = []
    override func eventsWait(_ driver: SessionDriver) {
      driver.core.drainEvents { event in
        guard case .closed(let end) = event else { return }
        self.end = end
        for body in waiting { body(end) }
        waiting = []
      }
    }
  }
  private let endpoint: QUICEndpoint
  private var owners: [Owner] = [], drivers: [SessionDriver] = []

  init(_ loop: Loop, port: UInt16, traces: MoQNetwork.TraceDirectory? = nil) {
    endpoint = QUICEndpoint(loop: loop)
    let http = HTTP3Connection(loop: loop)
    for number in 0..<4 {
      let driver = SessionDriver(
        SessionCore(role: .client, options: SessionConfiguration(), registry: MoQDrafts.dialects), loop: loop)
      let owner = Owner()
      driver.owner = owner
      driver.traces = traces
      owners.append(owner)
      drivers.append(driver)
      http.connect(WebTransportRequest(authority: "127.0.0.1:\(port)", path: "/\(number)"), for: driver)
    }
    _ = endpoint.connect(
      host: "127.0.0.1", port: port, alpns: [HTTP3Connection.alpn], trust: .none, handler: http)
  }

  func close(_ number: Int, _ reason: String) {
    drivers[number].tick()
    drivers[number].core.close(SessionFailure(.noError, reason))
  }

  func whenEnded(_ number: Int, _ body: @escaping (SessionEnd) -> Void) {
    if let end = owners[number].end { body(end) } else { owners[number].waiting.append(body) }
  }
}

extension LoopBound where Value == Sharing {
  /// Waits for the end of a session.
  fileprivate func value(at number: Int, on loop: Loop) async -> SessionEnd {
    await withCheckedContinuation { continuation in
      loop.post { self.value.whenEnded(number) { continuation.resume(returning: $0) } }
    }
  }
}

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

  /// MOQ_SESSIONS says how many; `make test-sessions` has a thousand.
  @Test("sessions open and close twice over: every close arrives, and the memory is given back")
  func manySessions() async throws {
    let count = ProcessInfo.processInfo.environment["MOQ_SESSIONS"].flatMap(Int.init) ?? 60
    try await within(.seconds(280)) {
      let server = try await Server.listen(on: "127.0.0.1:0")
      var resident: [Int] = []
      for round in 0..<3 {
        async let closes = closes(of: server, count)
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<count {
            if number >= 16 { try await group.next() }
            group.addTask {
              let session = try await Session.connect(
                to: "https://127.0.0.1:\(server.port)/\(number)",
                options: .test(server.fingerprint, number % 2 == 0 ? "draft-14" : "moq-lite-01"))
              await session.close(reason: "session \(number) ends")
            }
          }
          try await group.waitForAll()
        }
        let found = await closes
        #expect(found.count == count)
        for (number, end) in found {
          #expect(end.by == .peer && end.code == 0, "\(end)")
          #expect(end.phrase.contains("session \(number) ends"), "session \(number): \(end)")
        }
        // Connections linger for a moment after their end, by their timers.
        try await Task.sleep(for: .seconds(count >= 1_000 ? 4 : 0.2))
        resident.append(Self.residentBytes())
        print("sessions: after round \(round), \(resident[round] >> 10) kB are resident")
      }
      // The first round warms up pools and caches; a leak shows as growth with each further one.
      if count >= 1_000 { #expect(Double(resident[2]) <= Double(resident[1]) * 1.05, "\(resident)") }
      await server.close()
    }
  }

  /// How the server's next `count` sessions ended, by the number in their path.
  private func closes(of server: Server, _ count: Int) async -> [Int: SessionClosure] {
    await withTaskGroup(of: (Int, SessionClosure).self) { group in
      var sessions = server.sessions.makeAsyncIterator(), found: [Int: SessionClosure] = [:]
      for _ in 0..<count {
        guard let session = await sessions.next() else { break }
        let number = Int(session.peerPath?.dropFirst() ?? "") ?? -1
        group.addTask { (number, await session.closed) }
      }
      for await (number, end) in group { found[number] = end }
      return found
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

  init(_ loop: Loop, port: UInt16) {
    endpoint = QUICEndpoint(loop: loop)
    let http = HTTP3Connection(loop: loop)
    for number in 0..<4 {
      let driver = SessionDriver(
        SessionCore(role: .client, options: SessionConfiguration(), registry: MoQDrafts.dialects), loop: loop)
      let owner = Owner()
      driver.owner = owner
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

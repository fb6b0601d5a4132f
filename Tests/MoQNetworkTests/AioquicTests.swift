import Foundation
import MoQKernel
import Testing

@testable import MoQNetwork

private let aioquicPython = ProcessInfo.processInfo.environment["MOQ_AIOQUIC_PYTHON"]

/// A foreign QUIC stack at the other end. Its Python is named by MOQ_AIOQUIC_PYTHON.
@Suite(
  .timeLimit(.minutes(1)),
  .enabled(if: aioquicPython != nil, "MOQ_AIOQUIC_PYTHON names no Python with aioquic: run make test-peers"))
struct AioquicTests {
  /// The same bytes as the scripts'.
  static func content(_ seed: Int, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: seed &* 131 &+ $0 &* 7 &+ ($0 >> 8)) }
  }

  /// A script that runs, and its lines.
  final class Script: Sendable {
    let lines: AsyncStream<String>
    private let process = Process()

    init(_ name: String, _ arguments: [String]) throws {
      let here = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      let (lines, sink) = AsyncStream<String>.makeStream()
      self.lines = lines
      let output = Pipe()
      process.executableURL = URL(filePath: aioquicPython ?? "")
      process.arguments = ["-u", here.appending(path: "Peers/\(name)").path(percentEncoded: false)] + arguments
      process.standardOutput = output
      try process.run()
      let handle = output.fileHandleForReading
      Thread.detachNewThread {
        var rest = ""
        // Not read(upToCount:): that one waits until it has all of it.
        while case let data = handle.availableData, !data.isEmpty {
          rest += String(decoding: data, as: UTF8.self)
          while let end = rest.firstIndex(of: "\n") {
            sink.yield(String(rest[..<end]))
            rest = String(rest[rest.index(after: end)...])
          }
        }
        sink.finish()
      }
    }

    /// Ends the script, whatever it is doing: one that is left behind keeps the test run from its end.
    func end() {
      if process.isRunning { kill(process.processIdentifier, SIGKILL) }
      process.waitUntilExit()
    }

    func next() async -> String? {
      for await line in lines { return line }
      return nil
    }
  }

  @Test func aioquicClient() async throws {
    var options = QUICOptions()
    options.retry = true
    options.openUnidirectionalStreams = 100
    let server = try await Side.server(.echo, alpns: ["moq-00", "other"], options: options)
    let client = try Script("aioquic_client.py", ["\(server.port)"])
    defer { client.end() }
    #expect(try await server.events.connected() == "moq-00")
    for expected in ["connected", "echoed", "streams sent", "datagram", "key update"] {
      #expect(await client.next() == expected)
    }
    // The streams wait for their turn, so the reset may come before the last of them.
    var ended = 0, wasReset = false
    while ended < 300 || !wasReset {
      let event = try await server.events.first {
        switch $0 {
        case .ended(let id, _): id & 2 != 0
        case .wasReset, .closed: true
        default: false
        }
      }
      switch event {
      case .ended(let id, let bytes):
        ended += 1
        #expect(bytes == Self.content(Int(id >> 2), 100 * (Int(id >> 2) % 5)))
      case .wasReset(_, let code):
        wasReset = true
        #expect(code == 5)
      default:
        Issue.record("closed too early")
        return
      }
    }
    #expect(await client.next() == "reset")
    #expect(await client.next() == "ticket")
    #expect(try await server.events.close() == .application(code: 9, reason: "from aioquic", byPeer: true))
    #expect(try await server.events.connected() == "moq-00")
    #expect(await client.next() == "resumed")
    #expect(await client.next() == "done")
    #expect(try await server.run { $0.endpoint.counters.retries } >= 1)
  }

  @Test func aioquicServer() async throws {
    let identity = try Side.identity.get()
    let folder = FileManager.default.temporaryDirectory.appending(path: "swift-moq-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (certificate, key) = (folder.appending(path: "cert.pem"), folder.appending(path: "key.pem"))
    try Data(identity.certificate).write(to: certificate)
    try Data(identity.key).write(to: key)
    let server = try Script(
      "aioquic_server.py", [certificate.path(percentEncoded: false), key.path(percentEncoded: false)])
    defer { server.end() }
    let port = try #require(UInt16(await server.next()?.dropFirst("port ".count) ?? ""))

    let client = try await Side.client(to: port, alpns: ["nothing", "moq-00"], trust: .fingerprints([identity.sha256]))
    #expect(try await client.events.connected() == "moq-00")
    let long = Self.content(1, 500_000)
    try await client.withConnection { connection in
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes(long))
      stream.finish()
    }
    try await client.events.next(.ended(0, long))
    // More streams than it lets us open at a time.
    try await client.withConnection { connection in
      for i in 0..<300 {
        let stream = connection.open(bidirectional: false)
        stream.write(Bytes(Self.content(i, i)))
        stream.finish()
      }
    }
    var sizes: Set<Int> = []
    for _ in 0..<300 {
      guard
        case .ended(_, let bytes) = try await client.events.first({
          if case .ended(let id, _) = $0 { id & 2 != 0 } else { false }
        })
      else { continue }
      #expect(bytes == Self.content(bytes.count, bytes.count))
      sizes.insert(bytes.count)
    }
    #expect(sizes.count == 300)

    try await client.withConnection { _ = $0.send(datagram: Bytes("datagram")) }
    try await client.events.next(.datagram(Array("datagram".utf8)))
    let id = try await client.withConnection { connection in
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes("reset me"))
      return stream.id
    }
    var told: [Event] = []
    for _ in 0..<2 {
      told.append(
        try await client.events.first {
          switch $0 {
          case .wasReset, .wasStopped: true
          default: false
          }
        })
    }
    #expect(told.contains(.wasReset(id, 5)) && told.contains(.wasStopped(id, 6)))
    // From another port all goes on.
    try await client.withConnection { connection in
      connection.migrate()
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes("moved"))
      stream.finish()
    }
    try await client.events.next(.ended(id + 4, Array("moved".utf8)))
    try await client.withConnection { $0.close(code: 11, reason: "bye") }
    #expect(try await client.events.close() == .application(code: 11, reason: "bye", byPeer: false))
    #expect(await server.next() == "closed 11 bye")
  }
}

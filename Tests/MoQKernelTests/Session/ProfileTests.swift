import MoQDrafts
import MoQKernel
import Testing

@Suite("Peer profiles, by the bytes that peers really send")
struct ProfileTests {
  /// moq-rs 0.5.1's first flight on `moq-00`, without its vendor parameters, and its request for everything.
  private func firstFlight(implementation: String) -> [UInt8] {
    let parameter: [UInt8] = [0x07, UInt8(implementation.utf8.count)] + Array(implementation.utf8)
    let body: [UInt8] = [1, 0xc0, 0, 0, 0, 0xff, 0, 0, 0x0e, 2, 0x02, 0x40, 0xff] + parameter
    return [0x20, 0, UInt8(body.count)] + body + [0x11, 0, 3, 0, 0, 0]
  }
  private func server(told bytes: [UInt8]) throws -> SessionCore {
    let core = SessionCore(role: .server, options: SessionConfiguration(), registry: dialects)
    core.ticked(at: Instant(nanoseconds: 1))
    core.connected(alpn: "moq-00", subprotocol: nil, transport: .quic)
    let stream = try #require(core.opened(.bidirectional))
    bytes.withUnsafeBytes { core.received($0, fin: false, on: stream) }
    return core
  }

  @Test("moq-dev's draft-14 asks for every announcement by an empty prefix")
  func moqDevEmptyPrefix() throws {
    let core = try server(told: firstFlight(implementation: "moq-lite-rs"))
    var prefixes: [TrackNamespace] = []
    core.drainEvents { if case .interested(_, let prefix) = $0 { prefixes.append(prefix) } }
    #expect(core.profile == "moq-dev")
    #expect(prefixes == [TrackNamespace()])
  }

  @Test("from any other peer an empty prefix closes the session (§9.28)")
  func textEmptyPrefix() throws {
    let core = try server(told: firstFlight(implementation: "another"))
    var end: SessionEnd?
    core.drainEvents { if case .closed(let why) = $0 { end = why } }
    #expect(core.profile == nil)
    #expect(end?.reason == .protocolViolation)
    #expect(end?.phrase.contains("Track Namespace Prefix") == true)
  }
}

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

  // MARK: Signs that come after the setup

  /// A client of ours that has agreed on a dialect and subscribed; its control stream, and what it has been told.
  private struct Client {
    let core: SessionCore, control: StreamKey, key: RequestKey
    init(_ dialect: String, setup: String, alpn: String = "moq-00", profiles: [String] = []) throws {
      var options = SessionConfiguration()
      (options.dialects, options.profiles) = (.exactly(dialect), profiles)
      core = SessionCore(role: .client, options: options, registry: dialects)
      core.ticked(at: Instant(nanoseconds: 1))
      core.connected(alpn: alpn, subprotocol: nil, transport: .quic)
      var control: StreamKey?
      core.drainEffects { if case .open(let key, .bidirectional, _) = $0 { control = key } }
      self.control = try #require(control)
      let bytes = try #require(hex(setup))
      bytes.withUnsafeBytes { [core, control] in core.received($0, fin: false, on: control!) }
      key = try core.subscribe(SubscribeRequest(TrackName("a", "b"), filter: .nextObject))
    }
    func control(_ text: String) throws {
      let bytes = try #require(hex(text))
      bytes.withUnsafeBytes { core.received($0, fin: false, on: control) }
    }
    func stream(_ text: String) throws {
      let bytes = try #require(hex(text)), stream = try #require(core.opened(.unidirectional))
      bytes.withUnsafeBytes { core.received($0, fin: false, on: stream) }
    }
    func datagram(_ text: String) throws {
      let bytes = try #require(hex(text))
      bytes.withUnsafeBytes { core.received(datagram: $0) }
    }
    /// Where objects were, what they held, and how the session ended.
    func heard() -> (places: [Location], bytes: [UInt8], end: SessionEnd?) {
      var places: [Location] = [], bytes: [UInt8] = [], end: SessionEnd?
      core.drainEvents { event in
        switch event {
        case .object(_, let info): places.append(info.location)
        case .payload(_, let part): bytes += part.array
        case .datagram(_, let info, let payload):
          places.append(info.location)
          bytes += payload.array
        case .closed(let reason): end = reason
        default: break
        }
      }
      return (places, bytes, end)
    }
  }
  // The first subscription has id 0 and alias 2^20; SUBSCRIBE_OK has id, expires 0, order 1,
  // no content, no parameters.
  @Test("Cloudflare's draft-07 leads with the Subscribe ID, and is known by its setup")
  func cloudflare07() throws {
    let client = try Client("draft-07", setup: "40410cc0000000ff00000701000101")
    #expect(client.core.profile == "cloudflare")
    // It has allowed no subscription, and takes them.
    #expect(sent(client.core).first?.first == 0x03)
    try client.control("04050000010000")
    // type, id, alias 2^20, group 37, subgroup 0, priority; object 0 of 2 bytes
    try client.stream("04" + "00" + "80100000" + "25" + "00" + "7f" + "00" + "02" + "6869")
    let heard = client.heard()
    #expect(heard.places == [Location(37, 0)] && heard.bytes == Array("hi".utf8) && heard.end == nil)
  }
  @Test("the first stream decides, whatever the setup looked like")
  func leadingNumber() throws {
    // A setup like Cloudflare's, and the text's stream.
    let text = try Client("draft-07", setup: "40410cc0000000ff00000701000101")
    try text.control("04050000010000")
    try text.stream("04" + "80100000" + "25" + "00" + "7f" + "00" + "02" + "6869")
    #expect(text.heard().places == [Location(37, 0)])
    #expect(text.core.profile == nil)
    // A setup that shows nothing, and a stream that leads.
    let leads = try Client("draft-07", setup: "404110c0000000ff0000070200010302024064")
    #expect(leads.core.profile == nil)
    try leads.control("04050000010000")
    try leads.stream("04" + "00" + "80100000" + "25" + "00" + "7f" + "00" + "02" + "6869")
    #expect(leads.heard().places == [Location(37, 0)])
    #expect(leads.core.profile == "cloudflare")
    // Who asks for the text gets it: the stream is nobody's.
    let strict = try Client("draft-07", setup: "404110c0000000ff0000070200010302024064", profiles: ["text"])
    try strict.control("04050000010000")
    try strict.stream("04" + "00" + "80100000" + "25" + "00" + "7f" + "00" + "02" + "6869")
    #expect(strict.heard().places == [] && strict.core.profile == nil)
  }
  @Test(
    "a first datagram that only one of the profiles can read",
    arguments: [
      // alias, group 1, object 2, priority, then what they differ in, then the payload
      ("text", nil, "02"), ("imquic", "imquic", "00"), ("moqtransport", "moqtransport", ""),
    ] as [(String, String?, String)])
  func datagrams07(_ name: String, _ profile: String?, _ between: String) throws {
    let client = try Client("draft-07", setup: "404110c0000000ff0000070200010302024064")
    try client.control("04050000010000")
    try client.datagram("01" + "80100000" + "01" + "02" + "7f" + between + "6869")
    let heard = client.heard()
    #expect(heard.places == [Location(1, 2)] && heard.bytes == Array("hi".utf8) && heard.end == nil)
    #expect(client.core.profile == profile)
  }
  @Test("imquic's datagrams of 08 to 10 may have no place for extension headers", arguments: ["08", "09", "0a"])
  func datagrams08(_ number: String) throws {
    let dialect = number == "0a" ? "draft-10" : "draft-\(number)"
    let client = try Client(dialect, setup: "40410dc0000000ff0000\(number)0102024064")
    try client.control("04050000010000")
    try client.datagram("01" + "00" + "01" + "02" + "7f" + "6869")
    let heard = client.heard()
    #expect(heard.places == [Location(1, 2)] && heard.bytes == Array("hi".utf8) && heard.end == nil)
    #expect(client.core.profile == "imquic")
  }
  @Test("an imquic that offers several drafts may leave out extension headers, too")
  func datagramsAfterAnOffer() throws {
    let core = try server(
      told: try #require(
        hex("40401c03" + "c0000000ff00000ac0000000ff000009c0000000ff000008" + "010214")))
    #expect(core.dialect?.name == "draft-10" && core.profile == "imquic-offer")
    _ = try core.subscribe(SubscribeRequest(TrackName("a", "b"), filter: .nextObject))
    let control = try #require(hex("04050000010000"))
    var key: StreamKey?
    core.drainEffects { if case .send(let stream, _) = $0 { key = stream } }
    let stream = try #require(key)
    control.withUnsafeBytes { core.received($0, fin: false, on: stream) }
    let datagram = try #require(hex("01" + "00" + "01" + "02" + "7f" + "6869"))
    datagram.withUnsafeBytes { core.received(datagram: $0) }
    var heard: [UInt8] = []
    core.drainEvents { if case .datagram(_, _, let payload) = $0 { heard += payload.array } }
    #expect(heard == Array("hi".utf8) && core.profile == "imquic" && core.isEstablished)
  }
  @Test("moqtransport's draft-07 leaves the group order open in SUBSCRIBE_OK")
  func openGroupOrder() throws {
    let client = try Client("draft-07", setup: "404110c0000000ff0000070200010302024064")
    try client.control("04050000000000")
    #expect(client.heard().end == nil && client.core.profile == "moqtransport")
    let strict = try Client("draft-07", setup: "404110c0000000ff0000070200010302024064", profiles: ["text"])
    try strict.control("04050000000000")
    #expect(strict.heard().end?.reason == .protocolViolation)
  }
  @Test("imquic's relay counts its requests from 0", arguments: ["0b", "0c", "0d", "0e"])
  func evenServerIDs(_ number: String) throws {
    let dialect = ["0b": "draft-11", "0c": "draft-12", "0d": "draft-13", "0e": "draft-14"][number] ?? ""
    for profiles in [[], ["text"]] {
      let client = try Client(dialect, setup: "21000bc0000000ff0000\(number)010214", profiles: profiles)
      // ANNOUNCE or PUBLISH_NAMESPACE of "a", id 0, then "b", id 2
      try client.control("0600050001016100" + "0600050201016200")
      var announced = 0
      core(client) { if case .announced = $0 { announced += 1 } }
      #expect(announced == (profiles.isEmpty ? 2 : 0))
      #expect(client.core.isEstablished == profiles.isEmpty)
    }
  }
  private func core(_ client: Client, _ body: (Event) -> Void) { client.core.drainEvents(body) }

  @Test("Cloudflare's draft-14 is told nothing that it closes for")
  func cloudflare14() throws {
    let client = try Client("draft-14", setup: "21000cc0000000ff00000e01024064")
    #expect(client.core.profile == "cloudflare")
    #expect(throws: CommandError.self) { try client.core.goAway() }
    for _ in 0..<120 { _ = try client.core.trackStatus(TrackName("a", "b")) }
    // 50 requests, and no REQUESTS_BLOCKED after them.
    let messages = sent(client.core)
    #expect(messages.count == 50 && messages.allSatisfy { $0.first != 0x1a })
  }
  /// What was sent on any stream, a message each.
  private func sent(_ core: SessionCore) -> [[UInt8]] {
    var all: [[UInt8]] = []
    core.drainEffects { if case .send(_, let bytes) = $0 { all.append(bytes.array) } }
    return all
  }
}

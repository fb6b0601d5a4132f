import MoQKernel
import Testing

@testable import MoQNetwork

/// Settings, requests and the life of sessions, without sockets.
@Suite struct HTTP3CoreTests {
  @Test("our SETTINGS, byte for byte")
  func ourSettings() throws {
    // 0x06=16384, 0x08=1, 0x33=1, 0xffd277=1, draft-02=1, draft-07=64, draft-13=1, draft-15=1.
    let wanted: [UInt8] = [
      0x06, 0x80, 0x00, 0x40, 0x00, 0x08, 0x01, 0x33, 0x01, 0x80, 0xff, 0xd2, 0x77, 0x01,
      0xab, 0x60, 0x37, 0x42, 0x01, 0xc0, 0x00, 0x00, 0x00, 0xc6, 0x71, 0x70, 0x6a, 0x40, 0x40,
      0x94, 0xe9, 0xcd, 0x29, 0x01, 0xac, 0x7c, 0xf0, 0x00, 0x01,
    ]
    #expect(HTTP3Settings.ours(maximumSessions: 64).encoded() == wanted)
    let control = HTTP3Core(isServer: true).preamble
    #expect(control == [[0x00, 0x04, UInt8(wanted.count)] + wanted, [0x02], [0x03]])
  }

  struct Browser: Sendable, CustomTestStringConvertible {
    var name: String
    var payload: [UInt8]
    var datagrams = true, extendedConnect = false
    var generation: HTTP3Settings.Generation?
    var testDescription: String { name }
  }
  fileprivate static func pairs(_ values: [(UInt64, UInt64)]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (id, value) in values {
      bytes.append(varint: id)
      bytes.append(varint: value)
    }
    return bytes
  }
  static let browsers = [
    Browser(
      name: "Chromium 156: tables, both datagram settings, draft-02, a reserved one",
      payload: pairs([
        (0x01, 65536), (0x06, 16384), (0x07, 100), (0x33, 1), (0xff_d277, 1), (0x2b60_3742, 1),
        (0x1f * 1000 + 0x21, 77),
      ]), generation: .draft02),
    Browser(
      name: "Firefox: draft-02 and datagrams, no extended CONNECT",
      payload: pairs([(0x01, 65536), (0x07, 20), (0x33, 1), (0x2b60_3742, 1), (0x08, 1)]), extendedConnect: true,
      generation: .draft02),
    Browser(
      name: "draft-07 to 12: a number of sessions",
      payload: pairs([(0x08, 1), (0x33, 1), (0xc671_706a, 16)]), extendedConnect: true, generation: .draft07),
    Browser(
      name: "Safari 26.4: draft-13, with flow control",
      payload: pairs([(0x08, 1), (0x33, 1), (0x14e9_cd29, 1), (0x2b64, 100), (0x2b65, 100), (0x2b61, 1 << 20)]),
      extendedConnect: true, generation: .draft13),
    Browser(
      name: "draft-15 and later", payload: pairs([(0x08, 1), (0x33, 1), (0x2c7c_f000, 1)]), extendedConnect: true,
      generation: .draft15),
    Browser(
      name: "all at once: the oldest counts",
      payload: pairs([(0x2c7c_f000, 1), (0xc671_706a, 1), (0x2b60_3742, 1), (0x33, 1)]), generation: .draft02),
    Browser(
      name: "an old draft's datagrams", payload: pairs([(0xff_d277, 1), (0x2b60_3742, 1)]), generation: .draft02),
    Browser(name: "no WebTransport", payload: pairs([(0x01, 0), (0x33, 1), (0x2b60_3742, 0)]), generation: nil),
    Browser(name: "nothing", payload: [], datagrams: false, generation: nil),
  ]

  @Test("SETTINGS of every generation", arguments: browsers)
  func settings(browser: Browser) throws {
    let read = try HTTP3Settings(browser.payload)
    #expect(read.datagrams == browser.datagrams)
    #expect(read.extendedConnect == browser.extendedConnect)
    #expect(read.preferred == browser.generation)

    // A client asks in the words of the server's generation, and not before it has read them.
    let client = HTTP3Core(isServer: false)
    client.connect(WebTransportRequest(authority: "a"), on: 0)
    #expect(client.effects.isEmpty)
    var peer = HTTP3Peer(isServer: false, begins: false)
    peer.bytes(3, [0x00] + HTTP3Peer.frame(4, browser.payload))
    #expect(peer.effects == [.ready])
    let request = WebTransportRequest(
      authority: "here:443", path: "moq?x", origin: "https://here", protocols: ["moq-00", "mo\"ql"])
    peer.core.connect(request, on: 0)
    peer.take()
    guard let generation = browser.generation else {
      #expect(peer.effects == [.ready])
      return
    }
    var wanted = [
      Field(":method", "CONNECT"), Field(":protocol", generation == .draft15 ? "webtransport-h3" : "webtransport"),
      Field(":scheme", "https"), Field(":authority", "here:443"), Field(":path", "/moq?x"),
    ]
    if generation == .draft02 { wanted.append(Field("sec-webtransport-http3-draft02", "1")) }
    wanted += [Field("origin", "https://here"), Field("wt-available-protocols", #""moq-00", "mo\"ql""#)]
    #expect(peer.fields(on: 0) == wanted)
    #expect(
      IncomingRequest(wanted) == .webTransport(request, wantsDraft02: generation == .draft02))
  }

  @Test("the answer names draft-02 and the subprotocol of ours that the client has")
  func answer() {
    var peer = HTTP3Peer(isServer: true, protocols: ["moql", "moq-00"])
    peer.bytes(
      4,
      peer.request(
        [:], [("sec-webtransport-http3-draft02", "1"), ("wt-available-protocols", #""moq-16";q=1, "moq-00""#)]))
    #expect(
      peer.fields(on: 4) == [
        Field(":status", "200"), Field("sec-webtransport-http3-draft", "draft02"), Field("wt-protocol", #""moq-00""#),
      ])
    peer.bytes(8, peer.request([:], [("wt-available-protocols", "moq-00")]))
    #expect(peer.fields(on: 8) == [Field(":status", "200")])
  }

  /// Who may have several sessions on a connection: the draft, what the peer says of it, whether it has flow control.
  struct Pool: Sendable, CustomTestStringConvertible {
    var generation: HTTP3Settings.Generation?
    var value: UInt64 = 1
    var offersFlowControl = false
    /// Of two that are asked for.
    var atServer: Int, atClient: Int
    var testDescription: String {
      "\(generation.map { "\($0)" } ?? "no draft"), \(value)\(offersFlowControl ? ", flow control" : "")"
    }
    var settings: [UInt8] {
      HTTP3CoreTests.pairs(
        [(0x08, 1), (0x33, 1)] + (generation.map { [($0.rawValue, value)] } ?? [])
          // WT_INITIAL_MAX_DATA, _STREAMS_UNI, _STREAMS_BIDI.
          + (offersFlowControl ? [(0x2b61, 1 << 20), (0x2b64, 100), (0x2b65, 100)] : []))
    }
  }
  static let pools = [
    Pool(generation: .draft02, atServer: 2, atClient: 2),
    Pool(generation: .draft07, value: 1, atServer: 2, atClient: 1),
    Pool(generation: .draft07, value: 2, atServer: 2, atClient: 2),
    Pool(generation: .draft13, value: 16, atServer: 1, atClient: 1),
    Pool(generation: .draft13, value: 16, offersFlowControl: true, atServer: 1, atClient: 1),
    Pool(generation: .draft15, atServer: 1, atClient: 1),
    Pool(generation: .draft15, offersFlowControl: true, atServer: 1, atClient: 1),
    Pool(generation: nil, atServer: 2, atClient: 0),
  ]

  @Test("a second session, where it needs flow control that is not offered", arguments: pools)
  func pooling(pool: Pool) {
    var client = HTTP3Peer(isServer: true, begins: false)
    client.bytes(2, [0x00] + HTTP3Peer.frame(4, pool.settings))
    client.bytes(0, client.request())
    client.bytes(4, client.request())
    #expect(client.core.sessions.count == pool.atServer)
    #expect(client.effects.contains(.reset(4, .requestRejected)) == (pool.atServer == 1))
    #expect(!client.core.isOver)
    // There is room again when the first has ended.
    client.bytes(0, [], fin: true)
    client.bytes(8, client.request())
    #expect(client.core.sessions.contains(8))

    var server = HTTP3Peer(isServer: false, begins: false)
    server.bytes(3, [0x00] + HTTP3Peer.frame(4, pool.settings))
    var permitted = 0
    for id in [0, 4] as [Int64] where server.core.peerSettings?.preferred != nil && server.core.permitsRequest {
      server.core.connect(WebTransportRequest(authority: "here"), on: id)
      server.take()
      permitted += 1
    }
    #expect(permitted == pool.atClient)
    if permitted == 1 {
      server.bytes(0, server.headers([(":status", "200")]), fin: true)
      #expect(server.core.permitsRequest)
    }
  }

  @Test(
    "structured fields",
    arguments: [
      (#""a""#, ["a"]), (#" "a" , "b" "#, ["a", "b"]), (#""a";x=1;y="c,d";z, "b""#, ["a", "b"]),
      (#""a\"\\""#, ["a\"\\"]), ("", nil), ("a", nil), (#""a", b"#, nil), (#""a"#, nil), (#""a" "b""#, nil),
      (#""a","#, nil), (#""a\x""#, nil), (#""ä""#, nil), ("1, 2", nil), (#"("a" "b")"#, nil),
    ] as [(String, [String]?)])
  func fields(text: String, wanted: [String]?) {
    #expect(StructuredField.strings(text) == wanted)
    if let wanted { #expect(StructuredField.strings(StructuredField.list(wanted)) == wanted) }
  }

  @Test("codes there and back, past every reserved one")
  func codes() {
    // What Chromium was seen to send for 200 and for 5.
    #expect(WebTransportCode.http(200) == 91_141_958_511_017)
    #expect(WebTransportCode.http(5) == 91_141_958_510_816)
    #expect(WebTransportCode.http(0) == WebTransportCode.first)
    #expect(WebTransportCode.http(0xffff_ffff) == WebTransportCode.last)
    #expect(WebTransportCode.http(.max) == WebTransportCode.last)
    for code in (UInt64(0)..<2_000).map({ $0 }) + [0xffff_fffe, 0xffff_ffff] {
      let wire = WebTransportCode.http(code)
      #expect((wire - 0x21) % 0x1f != 0)
      #expect(WebTransportCode.application(wire) == code)
    }
    for code in [0, 0x100, WebTransportCode.first - 1, WebTransportCode.last + 1, 0x52e4_a40f_a8f9, .max] as [UInt64] {
      #expect(WebTransportCode.application(code) == nil)
    }
  }

  @Test("streams and datagrams that come before their session", arguments: [false, true])
  func early(isSlow: Bool) {
    var peer = HTTP3Peer(isServer: true)
    peer.isSlow = isSlow
    #expect(peer.attached(14, [0x40, 0x54, 0x04, 1, 2, 3]) == nil)
    #expect(peer.attached(8, [0x40, 0x41, 0x04], fin: true) == nil)
    #expect(peer.attached(14, [4], fin: true) == nil)
    #expect(peer.attached(18, [0x40, 0x54, 0x0c, 9]) == nil)
    #expect(peer.datagram([0x01, 0xaa]) == nil)
    #expect(peer.core.heldStreams == 3)
    peer.bytes(4, peer.request())
    guard let start = peer.effects.lastIndex(where: { if case .established = $0 { true } else { false } }) else {
      Issue.record("no session")
      return
    }
    #expect(
      Array(peer.effects[(start + 1)...]) == [
        .attach(14, session: 4, [1, 2, 3, 4], fin: true), .attach(8, session: 4, [], fin: true),
        .datagram(session: 4, Bytes([0xaa])),
      ])
    #expect((peer.core.heldStreams, peer.core.heldBytes) == (1, 1))
    peer.expectAlive("early")
  }

  @Test("a request that comes before the client's SETTINGS waits for them", arguments: [false, true])
  func requestBeforeSettings(isSlow: Bool) {
    var peer = HTTP3Peer(isServer: true, begins: false)
    peer.isSlow = isSlow
    peer.bytes(0, peer.request() + HTTP3Peer.capsule(0x78ae))
    #expect(peer.effects.isEmpty)
    peer.bytes(2, [0x00] + HTTP3Peer.frame(4, HTTP3Settings.ours(maximumSessions: 1).encoded()))
    #expect(peer.core.sessions == [0])
    #expect(peer.effects.last == .drains(session: 0))
    peer.expectAlive("request before SETTINGS")
  }

  @Test("this side closes: a capsule, the end, and quiet afterwards")
  func close() {
    var peer = HTTP3Peer(isServer: true)
    peer.bytes(4, peer.request())
    let reason = String(repeating: "ä", count: 600)
    peer.core.close(session: 4, code: 77, reason: reason)
    peer.take()
    let capsule = HTTP3Peer.capsule(0x2843, [0, 0, 0, 77] + Array(String(repeating: "ä", count: 512).utf8))
    #expect(Array(peer.effects.suffix(2)) == [.write(4, capsule), .finish(4)])
    // What the peer said before it knew is of no interest.
    let count = peer.effects.count
    peer.bytes(4, HTTP3Peer.capsule(0x78ae))
    #expect(peer.effects.count == count)
    peer.bytes(4, [], fin: true)
    #expect(peer.effects.last == .settled(session: 4))
    peer.expectAlive("close")
  }

  @Test("a server that goes away refuses new sessions and keeps those it has")
  func goAway() {
    var peer = HTTP3Peer(isServer: true)
    peer.core.goAway()
    peer.core.drain(session: 0)
    peer.take()
    #expect(
      Array(peer.effects.suffix(2)) == [
        .control(HTTP3Peer.frame(7, [4])), .write(0, HTTP3Peer.capsule(0x78ae)),
      ])
    peer.bytes(4, peer.request())
    #expect(peer.effects.contains(.reset(4, .requestRejected)))
    #expect(peer.core.sessions == [0])

    var client = HTTP3Peer(isServer: false)
    client.bytes(3, HTTP3Peer.frame(7, [4]))
    #expect(client.effects.last == .goingAway)
    client.core.connect(WebTransportRequest(authority: "a"), on: 4)
    client.take()
    #expect(client.effects.last == .refused(4, .aborted(.requestRejected, byPeer: true)))
  }

  @Test("any bytes on any streams: no trap, and what is held stays within its bounds", arguments: 0..<200)
  func anything(seed: Int) {
    var random = Xorshift(UInt64(seed) &+ 1)
    var peer = HTTP3Peer(isServer: seed % 2 == 0)
    var alphabet: [[UInt8]] = [
      [0x40, 0x54, 0x00], [0x40, 0x54, 0x04], [0x40, 0x41, 0x00], [0x00], [0x02], [0x03], [0x01], [0xff, 0xff],
      peer.request(), HTTP3Peer.capsule(0x2843, [0, 0, 0, 1]), HTTP3Peer.capsule(0x78ae), HTTP3Peer.frame(0x21, [1]),
      HTTP3Peer.frame(7, [0]), HTTP3Peer.frame(0, [1, 2, 3]),
    ]
    alphabet.append([UInt8](repeating: 0x25, count: 70_000))
    var ended: Set<Int64> = []
    for _ in 0..<400 where !peer.core.isOver {
      let id = Int64(random.next() % 24)
      guard !ended.contains(id) else { continue }
      let bytes =
        random.next() % 3 == 0
        ? (0..<random.next() % 20).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        : alphabet[Int(random.next() % UInt64(alphabet.count))]
      let fin = random.next() % 16 == 0
      switch random.next() % 12 {
      case 0:
        peer.reset(id)
        ended.insert(id)
      case 1: _ = peer.datagram(bytes)
      default:
        if peer.attached(id, bytes, fin: fin) != nil || fin { ended.insert(id) }
      }
      for case .stop(let id, _) in peer.effects { ended.insert(id) }
      #expect(
        peer.core.heldBytes <= HTTP3Core.maximumHeldBytes && peer.core.heldStreams <= HTTP3Core.maximumHeldStreams)
    }
    #expect(peer.core.heldBytes >= 0 && peer.core.heldStreams >= 0, "seed \(seed)")
  }
}

import MoQDrafts
import MoQKernel
import Testing

/// Every way for a session of these dialects to begin, against the bytes that peers send.
@Suite struct SessionNegotiationTests {
  /// One first flight of a client, and what a server of ours makes of it.
  struct FirstFlight: CustomTestStringConvertible, Sendable {
    var name: String
    var alpn: String?
    var bytes: String
    var choice = DialectChoice.automatic
    var dialect: String?
    var profile: String?
    /// What the server answers with; empty: it closes.
    var answer = ""
    var closes = SessionReason.versionNegotiationFailed
    var failure = ""
    var testDescription: String { name }
  }

  static let flights: [FirstFlight] = [
    FirstFlight(
      name: "draft-14 over moq-00, Cloudflare", alpn: "moq-00", bytes: "20000d01c0000000ff00000e01024064",
      dialect: "draft-14", profile: "cloudflare",
      answer: "21"),
    FirstFlight(
      name: "draft-14 over moq-14, imquic", alpn: "moq-14",
      bytes: "20002001c0000000ff00000e0202140712696d7175696320302e302e312f616c706861", dialect: "draft-14",
      profile: "imquic-3350253", answer: "21"),
    FirstFlight(
      name: "several drafts, ours among them", alpn: "moq-00",
      bytes: "20001d03c0000000ff00000cc0000000ff00000ec0000000ff00000d01024064", dialect: "draft-14",
      profile: "cloudflare", answer: "21"),
    FirstFlight(
      name: "an experiment's number is skipped", alpn: "moq-00",
      bytes: "20001502c0000000ff0e0002c0000000ff00000e01024064", dialect: "draft-14", profile: "cloudflare",
      answer: "21"),
    FirstFlight(
      name: "no ALPN known", alpn: nil, bytes: "20000d01c0000000ff00000e01024064", dialect: "draft-14",
      profile: "cloudflare", answer: "21"),
    FirstFlight(
      name: "moq-lite-01 as moq-dev begins", alpn: "moql",
      bytes: "20002001c0000000ff0dad010202c0000000ffffffff070b6d6f712d6c6974652d7273", dialect: "moq-lite-01",
      profile: "moq-dev", answer: "210009c0000000ff0dad0100"),
    FirstFlight(
      name: "moq-dev's whole list over moql", alpn: "moql",
      bytes: "20001d03c0000000ff0dad02c0000000ff0dad01c0000000ff00000e01024064", dialect: "moq-lite-01",
      profile: "moq-dev",
      answer: "21"),
    FirstFlight(
      name: "moq-dev's whole list over moq-00: our order decides", alpn: "moq-00",
      bytes: "20001d03c0000000ff0dad02c0000000ff0dad01c0000000ff00000e01024064", dialect: "draft-14",
      profile: "cloudflare", answer: "21"),
    FirstFlight(
      name: "moq-dev's whole list, we want moq-lite", alpn: "moq-00",
      bytes: "20001d03c0000000ff0dad02c0000000ff0dad01c0000000ff00000e01024064",
      choice: .list(["moq-lite-01", "draft-14"]),
      dialect: "moq-lite-01", profile: "moq-dev", answer: "21"),
    FirstFlight(
      name: "moq-lite-01 as its text begins", alpn: "moql", bytes: "000a01c0000000ff0dad0100", dialect: "moq-lite-01",
      answer: "09c0000000ff0dad0100"),
    FirstFlight(
      name: "moq-lite-01's text over moq-00", alpn: "moq-00", bytes: "000a01c0000000ff0dad0100", dialect: "moq-lite-01",
      answer: "09c0000000ff0dad0100"),
    FirstFlight(
      name: "moq-lite-01 with a session's path, gomoqt v0.11", alpn: "moq-00", bytes: "000d01c0000000ff0dad010101012f",
      dialect: "moq-lite-01", profile: "gomoqt", answer: "09c0000000ff0dad0100"),
    FirstFlight(
      name: "gomoqt's own number", alpn: "moq-00", bytes: "000d01c0000000feedbabe0101012f",
      dialect: "moq-lite-01", profile: "gomoqt", answer: "09c0000000feedbabe00"),
    FirstFlight(
      name: "lengths of 16 bits, gomoqt v0.4", alpn: "moq-00", bytes: "00000d01c0000000ff0dad010101012f",
      dialect: "moq-lite-01", profile: "gomoqt-0.4", answer: "0009c0000000ff0dad0100"),
    FirstFlight(
      name: "gomoqt's number where only draft-14 is allowed", alpn: "moq-00", bytes: "000d01c0000000feedbabe0101012f",
      choice: .exactly("draft-14"), failure: "moq-lite-01"),
    FirstFlight(
      name: "transfork-03 as its text begins", alpn: "moq-00", bytes: "0001c0000000ff0bad0300",
      dialect: "transfork-03", answer: "c0000000ff0bad0300"),
    FirstFlight(
      name: "transfork-03, no ALPN known", alpn: nil, bytes: "0001c0000000ff0bad0300",
      dialect: "transfork-03", answer: "c0000000ff0bad0300"),
    FirstFlight(
      name: "transfork-03, gomoqt v0.1.2", alpn: "moq-00", bytes: "000d01c0000000ffffff000101012f",
      dialect: "transfork-03", profile: "gomoqt", answer: "08c0000000ffffff00"),
    FirstFlight(
      name: "transfork-03 over moqf-02, the crate moq-transfork 0.8", alpn: "moqf-02", bytes: "0001c0000000ff0bad0300",
      dialect: "transfork-03", profile: "moq-rs", answer: "c0000000ff0bad0300"),
    FirstFlight(
      name: "the unpublished 04 over moqf-02", alpn: "moqf-02", bytes: "0001c0000000ff0bad0400",
      dialect: "transfork-03", profile: "moq-rs-04", answer: "c0000000ff0bad0400"),
    FirstFlight(
      name: "0xff0bad02 over moqf-02", alpn: "moqf-02", bytes: "0001c0000000ff0bad0200",
      dialect: "transfork-03", profile: "moq-rs-02", answer: "c0000000ff0bad0200"),
    FirstFlight(
      name: "0xff0bad02 without an ALPN, as over WebTransport", alpn: nil, bytes: "0001c0000000ff0bad0200",
      dialect: "transfork-03", profile: "moq-rs-02", answer: "c0000000ff0bad0200"),
    FirstFlight(
      name: "0xff0bad04 without an ALPN", alpn: nil, bytes: "0001c0000000ff0bad0400",
      dialect: "transfork-03", profile: "moq-rs-04", answer: "c0000000ff0bad0400"),
    FirstFlight(
      name: "an unknown draft only", alpn: "moq-00", bytes: "20000d01c0000000ff00001101024064",
      failure: "0xff000011"),
    FirstFlight(
      name: "draft-14 where only moq-lite is allowed", alpn: "moq-00", bytes: "20000d01c0000000ff00000e01024064",
      choice: .exactly("moq-lite-01"), failure: "0xff00000e"),
    FirstFlight(
      name: "moq-lite's text where only draft-14 is allowed", alpn: "moq-00", bytes: "000a01c0000000ff0dad0100",
      choice: .exactly("draft-14"), failure: "moq-lite-01"),
    FirstFlight(
      name: "draft-07 over moq-00, Cloudflare", alpn: "moq-00", bytes: "40400d01c0000000ff00000701000101",
      dialect: "draft-07", profile: "cloudflare", answer: "4041"),
    FirstFlight(
      name: "draft-07 over moq-00, moqtransport", alpn: "moq-00", bytes: "40401301c0000000ff00000703000103020240640100",
      dialect: "draft-07", answer: "4041"),
    FirstFlight(
      name: "draft-07 over moq-07, imquic", alpn: "moq-07", bytes: "40401001c0000000ff00000702000101020114",
      dialect: "draft-07", answer: "4041"),
    FirstFlight(
      name: "old drafts in one list, imquic: parameters in pairs, no ROLE", alpn: "moq-00",
      bytes: "40402c05c0000000ff00000ac0000000ff000009c0000000ff000008c0000000ff000007c0000000ff00000601" + "0214",
      dialect: "draft-10", profile: "imquic-offer", answer: "404113c0000000ff00000a010208c000000100000000"),
    FirstFlight(
      name: "the same where we have draft-08 and draft-07 only", alpn: "moq-00",
      bytes: "40402c05c0000000ff00000ac0000000ff000009c0000000ff000008c0000000ff000007c0000000ff00000601" + "0214",
      choice: .list(["draft-08", "draft-07"]), dialect: "draft-08", profile: "imquic-offer",
      answer: "404113c0000000ff000008010208c000000100000000"),
    FirstFlight(
      name: "draft-10 in 11's setup, moqtransport", alpn: "moq-00", bytes: "20001001c0000000ff00000a02020240640100",
      dialect: "draft-10", profile: "moqtransport", answer: "21"),
    FirstFlight(
      name: "moq-lite-01 beside draft-07 in a 0x40 setup, moq-dev of August 2025", alpn: nil,
      bytes: "40401502c0000000ff0dad01c0000000ff000007" + "01000103", dialect: "moq-lite-01",
      profile: "moq-dev-2025-08", answer: "404109c0000000ff0dad0100"),
    FirstFlight(
      name: "draft-07 without ROLE", alpn: "moq-00", bytes: "40400e01c0000000ff0000070102024064",
      closes: .protocolViolation, failure: "ROLE"),
    FirstFlight(
      name: "draft-07 with a ROLE of 4", alpn: "moq-00", bytes: "40401101c0000000ff0000070200010402024064",
      closes: .protocolViolation, failure: "ROLE"),
    FirstFlight(
      name: "draft-08 over moq-08, imquic", alpn: "moq-08", bytes: "40400d01c0000000ff00000801020114",
      dialect: "draft-08", answer: "4041"),
    FirstFlight(
      name: "draft-09 over moq-09, imquic", alpn: "moq-09", bytes: "40400d01c0000000ff00000901020114",
      dialect: "draft-09", answer: "4041"),
    FirstFlight(
      name: "draft-10 over moq-10, imquic", alpn: "moq-10", bytes: "40400d01c0000000ff00000a01020114",
      dialect: "draft-10", answer: "4041"),
    FirstFlight(
      name: "a list of 07 to 10: the newest", alpn: "moq-00",
      bytes: "40402904c0000000ff000007c0000000ff000009c0000000ff00000ac0000000ff0000080200010302024064",
      dialect: "draft-10", answer: "4041"),
    FirstFlight(
      name: "draft-11 over moq-11, imquic", alpn: "moq-11", bytes: "20000c01c0000000ff00000b010214",
      dialect: "draft-11", answer: "21"),
    FirstFlight(
      name: "draft-12 over moq-00", alpn: "moq-00", bytes: "20000d01c0000000ff00000c01024064", dialect: "draft-12",
      answer: "21"),
    FirstFlight(
      name: "draft-13 over moq-13, imquic", alpn: "moq-13",
      bytes: "20001c01c0000000ff00000d020214030e030072656c61792d736563726574", dialect: "draft-13", answer: "21"),
    FirstFlight(
      name: "an old setup where only draft-14 is allowed", alpn: "moq-00", bytes: "40400d01c0000000ff00000701000101",
      choice: .exactly("draft-14"), failure: "draft-07"),
    FirstFlight(name: "HTTP", alpn: nil, bytes: "474554202f20485454502f312e310d0a", failure: "begin no setup"),
  ]

  @Test(arguments: flights) func server(_ flight: FirstFlight) throws {
    // In any split: whole, byte by byte, and at every place.
    let bytes = try #require(hex(flight.bytes))
    for cut in [0] + Array(1..<bytes.count) {
      var options = SessionConfiguration()
      options.dialects = flight.choice
      let server = SessionCore(role: .server, options: options, registry: dialects)
      server.ticked(at: Instant(nanoseconds: 1))
      server.connected(alpn: flight.alpn, subprotocol: nil, transport: .quic)
      let stream = try #require(server.opened(.bidirectional))
      for part in [bytes[..<cut], bytes[cut...]] where !part.isEmpty {
        Array(part).withUnsafeBytes { server.received($0, fin: false, on: stream) }
      }
      var sent: [UInt8] = [], end: SessionEnd?
      server.drainEffects { if case .send(stream, let bytes) = $0 { sent += bytes.array } }
      server.drainEvents { if case .closed(let reason) = $0 { end = reason } }
      #expect(server.dialect?.name == flight.dialect, "\(end?.phrase ?? "")")
      #expect(server.profile == flight.profile)
      if flight.dialect != nil {
        #expect(sent.starts(with: try #require(hex(flight.answer))))
        #expect(end == nil)
      } else {
        let phrase = try #require(end?.phrase)
        if flight.closes == .versionNegotiationFailed { #expect(phrase.contains("no common dialect")) }
        #expect(phrase.contains(flight.failure), "\(phrase)")
        // Each dialect is named once, however many handshakes it has.
        for part in phrase.split(separator: ";") {
          #expect(dialects.allSatisfy { part.ranges(of: $0.name).count <= 1 }, "\(phrase)")
        }
        #expect(end?.reason == flight.closes)
      }
    }
  }

  /// What a client of ours sends first.
  @Test(
    arguments: [
      ("draft-14", DialectChoice.exactly("draft-14"), [], "moq-00", "20", [UInt64(0xff00_000e)]),
      (
        "automatic over moq-00", .automatic, [], "moq-00", "20",
        [0xff00_000e, 0xff0d_ad01, 0xff00_000d, 0xff00_000c, 0xff00_000b]
      ),
      ("old drafts in one list", .list(["draft-09", "draft-07"]), [], "moq-00", "40", [0xff00_0009, 0xff00_0007]),
      (
        "draft-10 is not draft-10 as moqtransport has it", .list(["draft-11", "draft-10"]), [], "moq-00", "20",
        [0xff00_000b]
      ),
      ("automatic over moql", .automatic, [], "moql", "20", [0xff0d_ad01]),
      ("moq-lite first", .list(["moq-lite-01", "draft-14"]), [], "moq-00", "20", [0xff0d_ad01, 0xff00_000e]),
      ("moq-lite by its text", .exactly("moq-lite-01"), ["text"], "moql", "00", [0xff0d_ad01]),
      ("moq-lite alone", .exactly("moq-lite-01"), [], "moq-00", "20", [0xff0d_ad01]),
      ("transfork over moq-00", .exactly("transfork-03"), [], "moq-00", "00", [0xff0b_ad03]),
      ("transfork as moq-rs has it", .exactly("transfork-03"), ["moq-rs"], "moqf-02", "00", [0xff0b_ad03]),
      (
        "transfork over moqf-02", .exactly("transfork-03"), [], "moqf-02", "00",
        [0xff0b_ad04, 0xff0b_ad03, 0xff0b_ad02]
      ),
      (
        "moq-lite as gomoqt has it", .exactly("moq-lite-01"), ["gomoqt"], "moq-00", "001a",
        [0xfeed_babe, 0xff0d_ad01]
      ),
    ] as [(String, DialectChoice, [String], String, String, [UInt64])])
  func client(
    _ name: String, _ choice: DialectChoice, _ profiles: [String], _ alpn: String, _ first: String, _ versions: [UInt64]
  ) throws {
    var options = SessionConfiguration()
    (options.dialects, options.profiles, options.path) = (choice, profiles, "/relay")
    let client = SessionCore(role: .client, options: options, registry: dialects)
    client.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    var sent: [UInt8] = []
    client.drainEffects { if case .send(_, let bytes) = $0 { sent += bytes.array } }
    #expect(sent.first == hex(first)?.first)
    #expect(offered(in: sent) == versions)
    #expect(sent.contains("/relay") == (first != "00"))
  }

  /// What a client of ours sends first to whoever did not understand that.
  @Test(
    arguments: [
      (
        DialectChoice.automatic, "moq-00",
        [
          ("20", [0xff00_000e, 0xff0d_ad01, 0xff00_000d, 0xff00_000c, 0xff00_000b]),
          ("40", [0xff00_000a, 0xff00_0009, 0xff00_0008, 0xff00_0007]), ("00", [0xff0b_ad03]), ("00", [0xff0d_ad01]),
        ]
      ),
      (.exactly("moq-lite-01"), "moql", [("20", [0xff0d_ad01]), ("00", [0xff0d_ad01]), ("40", [0xff0d_ad01])]),
      (.exactly("draft-08"), "moq-00", [("40", [0xff00_0008])]),
      (
        .list(["draft-07", "transfork-03", "draft-14"]), "moq-00",
        [("40", [0xff00_0007]), ("00", [0xff0b_ad03]), ("20", [0xff00_000e])]
      ),
      (.list(["draft-07", "draft-14"]), "moq-07", [("40", [0xff00_0007])]),
    ] as [(DialectChoice, String, [(String, [UInt64])])])
  func openings(_ choice: DialectChoice, _ alpn: String, _ expected: [(String, [UInt64])]) throws {
    for (index, (first, versions)) in expected.enumerated() {
      var options = SessionConfiguration()
      (options.dialects, options.opening) = (choice, index)
      let client = SessionCore(role: .client, options: options, registry: dialects)
      client.connected(alpn: alpn, subprotocol: nil, transport: .quic)
      var sent: [UInt8] = []
      client.drainEffects { if case .send(_, let bytes) = $0 { sent += bytes.array } }
      #expect(client.openings.count == expected.count)
      #expect(sent.first == hex(first)?.first)
      #expect(offered(in: sent) == versions)
      // The peer makes nothing of it; that it wants a token would be another matter.
      for (code, isNotUnderstood) in [(0x15, true), (0x3, true), (0x0, true), (0x7777, true), (0x2, false)] {
        let client = SessionCore(role: .client, options: options, registry: dialects)
        client.connected(alpn: alpn, subprotocol: nil, transport: .quic)
        client.transportClosed(SessionEnd(.peer, .noError, code: UInt64(code), phrase: ""))
        #expect(client.isNotUnderstood == isNotUnderstood)
      }
    }
    var options = SessionConfiguration()
    (options.dialects, options.opening) = (choice, expected.count)
    let client = SessionCore(role: .client, options: options, registry: dialects)
    client.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    var end: SessionEnd?
    client.drainEvents { if case .closed(let reason) = $0 { end = reason } }
    #expect(end?.reason == .versionNegotiationFailed && !client.isNotUnderstood)
  }
  private func offered(in sent: [UInt8]) -> [UInt64] {
    sent.indices.dropLast(7).filter { sent[$0] == 0xc0 && sent[$0 + 4] >= 0xfe }.map { index in
      sent[(index + 1)..<(index + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
  /// Once a session was established its end is no sign that the beginning was not understood.
  @Test func anEndThatComesLater() {
    let pair = Pair(.draft14, seed: 3)
    pair.server.close(SessionFailure(.protocolViolation, "enough"))
    pair.settle()
    #expect(!pair.client.isEstablished && !pair.client.isNotUnderstood && !pair.server.isNotUnderstood)
  }

  /// A server assumes what it is asked to assume of a peer that shows nothing else, and takes every handshake.
  @Test(
    arguments: [
      ("40401301c0000000ff00000703000103020240640100", "moq-00", "moqtransport"),
      ("20000d01c0000000ff0dad0101024064", "moql", "moq-dev"), ("000a01c0000000ff0dad0100", "moql", nil),
    ] as [(String, String, String?)]) func whatAServerAssumes(_ bytes: String, _ alpn: String, _ profile: String?)
    throws
  {
    var options = SessionConfiguration()
    options.profiles = ["moqtransport", "gomoqt"]
    let server = SessionCore(role: .server, options: options, registry: dialects)
    server.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    let stream = try #require(server.opened(.bidirectional)), bytes = try #require(hex(bytes))
    bytes.withUnsafeBytes { server.received($0, fin: false, on: stream) }
    #expect(server.isEstablished && server.profile == profile)
    let all = SessionCore.alpns(for: SessionConfiguration(), as: .server, registry: dialects)
    #expect(SessionCore.alpns(for: options, as: .server, registry: dialects) == all)
  }

  @Test func whatIsOffered() {
    var options = SessionConfiguration()
    #expect(
      SessionCore.alpns(for: options, registry: dialects).prefix(5) == [
        "moq-00", "moql", "moqf-03", "moq-14", "moql-01",
      ])
    options.dialects = .exactly("moq-lite-01")
    #expect(SessionCore.alpns(for: options, registry: dialects) == ["moql", "moql-01", "moq-00"])
    options.dialects = .exactly("nothing")
    #expect(SessionCore.alpns(for: options, registry: dialects) == [])
  }

  @Test func serverThatChoosesWhatWasNotOffered() throws {
    let end = try clientEnd(answer: "210009c0000000ff00001000")
    #expect(end.reason == .versionNegotiationFailed && end.phrase.contains("0xff000010"))
  }
  @Test func serverThatCloses() throws {
    let client = SessionCore(role: .client, options: SessionConfiguration(), registry: dialects)
    client.connected(alpn: "moq-00", subprotocol: nil, transport: .quic)
    client.transportClosed(SessionEnd(.peer, .noError, code: 0x15, phrase: ""))
    var end: SessionEnd?
    client.drainEvents { if case .closed(let reason) = $0 { end = reason } }
    #expect(end?.reason == .versionNegotiationFailed)
    #expect(end?.phrase.contains("draft-14 (0xff00000e)") == true, "\(end?.phrase ?? "")")
  }
  @Test func serverThatSendsAPath() throws {
    #expect(try clientEnd(answer: "21000dc0000000ff00000e0101022f61").reason == .invalidPath)
  }
  @Test func setupThatIsSomethingElse() throws {
    #expect(try clientEnd(answer: "0400080000000101000100").reason == .protocolViolation)
  }
  @Test func serverThatIsSilent() throws {
    let client = SessionCore(role: .client, options: SessionConfiguration(), registry: dialects)
    client.ticked(at: Instant(nanoseconds: 5))
    client.connected(alpn: "moq-00", subprotocol: nil, transport: .quic)
    client.ticked(at: try #require(client.nextDeadline))
    var end: SessionEnd?
    client.drainEvents { if case .closed(let reason) = $0 { end = reason } }
    // Another way to begin is left.
    #expect(end?.phrase.contains("no setup within 3.0 seconds") == true, "\(end?.phrase ?? "")")
    #expect(client.isNotUnderstood)
  }
  @Test(arguments: [SessionCore.Role.client, .server]) func silenceWithoutAlternative(_ role: SessionCore.Role) throws {
    var options = SessionConfiguration()
    options.dialects = .exactly("draft-14")
    let core = SessionCore(role: role, options: options, registry: dialects)
    core.ticked(at: Instant(nanoseconds: 5))
    core.connected(alpn: "moq-00", subprotocol: nil, transport: .quic)
    core.ticked(at: try #require(core.nextDeadline))
    var end: SessionEnd?
    core.drainEvents { if case .closed(let reason) = $0 { end = reason } }
    #expect(end?.phrase.contains("no setup within 10.0 seconds") == true, "\(end?.phrase ?? "")")
  }

  private func clientEnd(answer: String) throws -> SessionEnd {
    let client = SessionCore(role: .client, options: SessionConfiguration(), registry: dialects)
    client.connected(alpn: "moq-00", subprotocol: nil, transport: .quic)
    var stream: StreamKey?, end: SessionEnd?
    client.drainEffects { if case .open(let key, .bidirectional, _) = $0 { stream = key } }
    let bytes = try #require(hex(answer)), key = try #require(stream)
    bytes.withUnsafeBytes { client.received($0, fin: false, on: key) }
    client.drainEvents { if case .closed(let reason) = $0 { end = reason } }
    return try #require(end)
  }

  @Test func whatTheSetupsSay() throws {
    var options = SessionConfiguration()
    (options.path, options.authority, options.implementation) = ("/relay?x=1", "example.com:4443", "test")
    options.authorization = [.value(type: 0, [1, 2])]
    let pair = Pair(seed: 3, client: options, server: SessionConfiguration(), registry: dialects)
    pair.connect(alpn: "moq-00")
    pair.settle()
    #expect(pair.server.peerPath == "/relay?x=1" && pair.server.peerAuthority == "example.com:4443")
    #expect(pair.server.peerImplementation == "test" && pair.client.peerImplementation == "swift-moq")
    #expect(pair.server.peerAuthorization == [.value(type: 0, [1, 2])])
    #expect(pair.allFaults == [])
  }
  @Test func noPathOverWebTransport() throws {
    var options = SessionConfiguration()
    (options.path, options.authority) = ("/relay", "example.com")
    let pair = Pair(seed: 3, client: options, registry: dialects)
    pair.connect(transport: .webTransport)
    pair.settle()
    #expect(pair.server.isEstablished && pair.server.peerPath == nil && pair.server.peerAuthority == nil)
  }
}

func hex(_ text: String) -> [UInt8]? {
  let digits = text.compactMap(\.hexDigitValue)
  guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
  return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

extension [UInt8] {
  func contains(_ text: String) -> Bool {
    let wanted = Array(text.utf8)
    return indices.contains { self[$0...].starts(with: wanted) }
  }
}

import MoQKernel
import Testing

@testable import MoQNetwork

/// What a peer may not send: every frame, setting, stream type and capsule where it does not belong, or not whole.
/// Each has its code, and what is not the connection's fault leaves the rest of it alive.
@Suite struct HTTP3MisplacedTests {
  enum Outcome: Equatable {
    /// The connection closes.
    case closes(HTTP3Code)
    /// That stream is reset and stopped; the rest goes on.
    case refuses(Int64, HTTP3Code)
    /// That stream, which the peer has ended, is reset; the rest goes on.
    case resets(Int64, HTTP3Code)
    /// That stream is stopped; the rest goes on.
    case stops(Int64, HTTP3Code)
    /// That request is answered so; the rest goes on.
    case answers(Int64, String)
    /// That session is over; the rest goes on.
    case ends(Int64, WebTransportEnd)
    /// A client's request came to nothing; the rest goes on.
    case fails(Int64, WebTransportFailure)
    case ignored
  }

  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    var outcome: Outcome
    var isServer = true
    var begins = true
    var policy = WebTransportPolicy()
    var steps: @Sendable (inout HTTP3Peer) -> Void
    var testDescription: String { name }
    init(
      _ name: String, _ outcome: Outcome, isServer: Bool = true, begins: Bool = true,
      policy: WebTransportPolicy = WebTransportPolicy(), _ steps: @escaping @Sendable (inout HTTP3Peer) -> Void
    ) {
      (self.name, self.outcome, self.isServer, self.begins, self.steps) = (name, outcome, isServer, begins, steps)
      self.policy = policy
    }
  }

  @Test("misplaced and malformed", arguments: Self.all, [false, true])
  func misplaced(one: Case, isSlow: Bool) {
    var peer = HTTP3Peer(isServer: one.isServer, policy: one.policy, protocols: ["moq-00"], begins: one.begins)
    if one.begins { #expect(peer.core.sessions.contains(0)) }
    peer.isSlow = isSlow
    one.steps(&peer)
    func has(_ effect: HTTP3Effect) -> Bool { peer.effects.contains(effect) }
    let closes = peer.effects.compactMap { if case .close(let code, let reason) = $0 { (code, reason) } else { nil } }
    if case .closes(let code) = one.outcome {
      #expect(closes.map(\.0) == [code], "\(closes)")
      #expect(peer.core.isOver)
      return
    }
    #expect(closes.isEmpty, "\(closes)")
    switch one.outcome {
    case .closes, .ignored: break
    case .refuses(let id, let code): #expect(has(.reset(id, code)) && has(.stop(id, code)), "\(peer.effects)")
    case .resets(let id, let code): #expect(has(.reset(id, code)), "\(peer.effects)")
    case .stops(let id, let code): #expect(has(.stop(id, code)), "\(peer.effects)")
    case .answers(let id, let status): #expect(peer.status(on: id) == status && has(.finish(id)))
    case .ends(let id, let end): #expect(has(.ended(session: id, end)) && !peer.core.sessions.contains(id))
    case .fails(let id, let failure): #expect(has(.refused(id, failure)), "\(peer.effects)")
    }
    peer.expectAlive(one.name)
  }

  @Test("the table is as long as it claims to be")
  func count() { #expect(Self.all.count >= 170) }

  // MARK: The table

  static let all = control + settings + streams + requests + messages + capsules + flowControl + datagrams + clients

  private static func frame(_ type: UInt64, _ payload: [UInt8] = []) -> [UInt8] { HTTP3Peer.frame(type, payload) }
  private static func varints(_ values: UInt64...) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in values { bytes.append(varint: value) }
    return bytes
  }

  /// Frames on the control stream of a peer that has sent its SETTINGS.
  private static func onControl(
    _ name: String, _ outcome: Outcome, isServer: Bool = true, _ frames: [UInt8]
  ) -> Case {
    Case("\(isServer ? "" : "client: ")control: \(name)", outcome, isServer: isServer) {
      $0.bytes($0.control, frames)
    }
  }

  static let control: [Case] =
    [
      Case("control begins with GOAWAY", .closes(.missingSettings), begins: false) {
        $0.bytes(2, [0x00] + frame(7, [0]))
      },
      Case("control begins with DATA", .closes(.missingSettings), begins: false) { $0.bytes(2, [0x00] + frame(0)) },
      Case("control begins with a reserved frame", .closes(.missingSettings), begins: false) {
        $0.bytes(2, [0x00] + frame(0x21))
      },
      onControl("a second SETTINGS", .closes(.frameUnexpected), frame(4)),
      onControl("DATA", .closes(.frameUnexpected), frame(0, [1])),
      onControl("HEADERS", .closes(.frameUnexpected), frame(1, [0, 0])),
      onControl("PUSH_PROMISE", .closes(.frameUnexpected), frame(5, [0, 0, 0])),
      onControl("the signal of a session's stream", .closes(.frameError), [0x40, 0x41, 0x00]),
      onControl("CANCEL_PUSH", .closes(.idError), frame(3, [0])),
      onControl("GOAWAY without an id", .closes(.frameError), frame(7)),
      onControl("GOAWAY and more", .closes(.frameError), frame(7, [0, 0])),
      onControl("GOAWAY of nine bytes", .closes(.frameError), frame(7, [UInt8](repeating: 0, count: 9))),
      onControl("GOAWAY with half an id", .closes(.frameError), frame(7, [0x40])),
      onControl("GOAWAY that grows", .closes(.idError), frame(7, [4]) + frame(7, [8])),
      onControl("GOAWAY that shrinks", .ignored, frame(7, [8]) + frame(7, [4])),
      onControl("MAX_PUSH_ID", .ignored, frame(0x0d, [4])),
      onControl("MAX_PUSH_ID that shrinks", .closes(.idError), frame(0x0d, [4]) + frame(0x0d, [3])),
      onControl("MAX_PUSH_ID without an id", .closes(.frameError), frame(0x0d)),
      onControl("PRIORITY_UPDATE", .ignored, frame(0xf0700, [0] + Array("u=1".utf8))),
      onControl("PRIORITY_UPDATE of no request", .closes(.idError), frame(0xf0700, [2])),
      onControl("PRIORITY_UPDATE of a push", .closes(.idError), frame(0xf0701, [0])),
      onControl("PRIORITY_UPDATE without an id", .closes(.frameError), frame(0xf0700)),
      onControl("a reserved frame", .ignored, frame(0x1f * 7 + 0x21, [1, 2, 3])),
      onControl("an unknown frame of 100 kB", .ignored, frame(0xabcdef, [UInt8](repeating: 7, count: 100_000))),
      Case("control ends", .closes(.closedCriticalStream)) { $0.bytes(2, [], fin: true) },
      Case("control is reset", .closes(.closedCriticalStream)) { $0.reset(2) },
      Case("the QPACK encoder stream ends", .closes(.closedCriticalStream)) { $0.bytes(6, [], fin: true) },
      Case("the QPACK encoder stream is reset", .closes(.closedCriticalStream)) { $0.reset(6) },
      Case("the QPACK decoder stream ends", .closes(.closedCriticalStream)) { $0.bytes(10, [], fin: true) },
      Case("the QPACK decoder stream is reset", .closes(.closedCriticalStream)) { $0.reset(10) },
      Case("our control stream is stopped", .closes(.closedCriticalStream)) { $0.stopCritical() },
    ]
    + [0x02, 0x06, 0x08, 0x09].map { onControl("HTTP/2's frame \($0)", .closes(.frameUnexpected), frame($0)) }

  /// A client whose control stream begins with these settings.
  private static func withSettings(_ name: String, _ code: HTTP3Code, _ payload: [UInt8]) -> Case {
    Case("settings: \(name)", .closes(code), begins: false) { $0.bytes(2, [0x00] + frame(4, payload)) }
  }

  static let settings: [Case] =
    [
      withSettings("one twice", .settingsError, varints(0x33, 1, 0x33, 1)),
      withSettings("an unknown one twice", .settingsError, varints(0xabcd, 1, 0xabcd, 2)),
      withSettings("half of one", .frameError, varints(0x33)),
      withSettings("half an integer", .frameError, [0x40]),
      withSettings("more than 4096 bytes", .excessiveLoad, [UInt8](repeating: 0, count: 4097)),
      withSettings("more than 128", .excessiveLoad, (0...128).flatMap { varints(0x1000 + UInt64($0), 0) }),
    ]
    + [0x02, 0x03, 0x04, 0x05].map { withSettings("HTTP/2's \($0)", .settingsError, varints($0, 1)) }
    + [0x08, 0x33, 0x2b60_3742, 0x2c7c_f000].map {
      withSettings("\(ConnectionClose.hex($0)) is 2", .settingsError, varints($0, 2))
    }

  static let streams: [Case] = [
    Case("a second control stream", .closes(.streamCreationError)) { $0.bytes(14, [0x00]) },
    Case("a second QPACK encoder stream", .closes(.streamCreationError)) { $0.bytes(14, [0x02]) },
    Case("a second QPACK decoder stream", .closes(.streamCreationError)) { $0.bytes(14, [0x03]) },
    Case("a push stream of a client", .closes(.streamCreationError)) { $0.bytes(14, [0x01, 0x00]) },
    Case("a stream of a reserved type", .stops(14, .streamCreationError)) { $0.bytes(14, [0x21, 1, 2, 3]) },
    Case("a stream of an unknown type", .stops(14, .streamCreationError)) { $0.bytes(14, [0x80, 0, 0x12, 0x34, 9]) },
    Case("a stream that ends before its type", .ignored) { $0.bytes(14, [0x40], fin: true) },
    Case("a stream that is reset before its type", .ignored) {
      $0.bytes(14, [0x40])
      $0.reset(14)
    },
    Case("a stream of session 1", .closes(.idError)) { $0.bytes(14, [0x40, 0x54, 0x01]) },
    Case("a stream of session 2", .closes(.idError)) { $0.bytes(14, [0x40, 0x54, 0x02]) },
    Case("a bidirectional stream of session 3", .closes(.idError)) { $0.bytes(4, [0x40, 0x41, 0x03]) },
    Case("a stream of a session that is over", .stops(14, .sessionGone)) {
      $0.bytes(4, $0.request())
      $0.reset(4)
      $0.bytes(14, [0x40, 0x54, 0x04])
    },
    Case("a bidirectional stream of a session that was refused", .refuses(8, .sessionGone)) {
      $0.bytes(4, $0.request([":method": "GET", ":protocol": nil]))
      $0.bytes(8, [0x40, 0x41, 0x04])
    },
    Case("more streams of no session yet than are held", .stops(14 + 4 * 128, .bufferedStreamRejected)) { peer in
      for i in 0...128 { peer.bytes(14 + 4 * Int64(i), [0x40, 0x54, 0x40, 0xc8]) }
    },
    Case("more bytes of no session yet than are held", .refuses(8, .bufferedStreamRejected)) { peer in
      peer.isSlow = false
      for _ in 0...16 { peer.bytes(8, [0x40, 0x41, 0x40, 0xc8] + [UInt8](repeating: 0, count: 1 << 16)) }
    },
    Case("QPACK: a table is wanted", .closes(.encoderStreamError)) { $0.bytes(6, [0x3f, 0x45]) },
    Case("QPACK: something is inserted", .closes(.encoderStreamError)) { $0.bytes(6, [0xc0, 0x01, 0x61]) },
    Case("QPACK: no table is wanted", .ignored) { $0.bytes(6, [0x20]) },
    Case("QPACK: a section is acknowledged that had no need", .closes(.decoderStreamError)) { $0.bytes(10, [0x84]) },
    Case("QPACK: insertions are acknowledged", .closes(.decoderStreamError)) { $0.bytes(10, [0x01]) },
  ]

  /// Frames on request stream 4, before any HEADERS.
  private static func onRequest(_ name: String, _ outcome: Outcome, _ frames: [UInt8], fin: Bool = false) -> Case {
    Case("request: \(name)", outcome) { $0.bytes(4, frames, fin: fin) }
  }
  /// Frames on stream 4 behind a CONNECT that was accepted.
  private static func onSession(_ name: String, _ outcome: Outcome, _ frames: [UInt8], fin: Bool = false) -> Case {
    Case("session: \(name)", outcome) { $0.bytes(4, $0.request() + frames, fin: fin) }
  }

  static let requests: [Case] =
    [
      onRequest("DATA first", .closes(.frameUnexpected), frame(0, [1])),
      onRequest("PUSH_PROMISE", .closes(.frameUnexpected), frame(5, [0, 0, 0])),
      onRequest("ends without HEADERS", .resets(4, .requestIncomplete), [], fin: true),
      onRequest("ends after a reserved frame", .refuses(4, .requestIncomplete), frame(0x21), fin: true),
      onRequest("ends within a frame", .closes(.frameError), [0x01, 0x05, 0x00], fin: true),
      onRequest("ends within a frame's header", .closes(.frameError), frame(0x21) + [0x01], fin: true),
      onRequest("HEADERS that make no sense", .closes(.decompressionFailed), frame(1, [0xff, 0xff, 0xff, 0xff])),
      onRequest("HEADERS that want a table", .closes(.decompressionFailed), frame(1, [0x02, 0x00, 0x80])),
      onRequest("HEADERS that are empty", .closes(.decompressionFailed), frame(1)),
      onRequest(
        "HEADERS of more than 16 kB", .refuses(4, .excessiveLoad), frame(1, [UInt8](repeating: 0, count: 16_385))),
      Case("request: 200 fields", .refuses(4, .excessiveLoad)) {
        $0.bytes(4, $0.request([:], (0..<200).map { ("x-\($0)", "1") }))
      },
      Case("request: is reset", .ignored) {
        $0.bytes(4, [0x01])
        $0.reset(4)
      },
      onSession("a second HEADERS", .closes(.frameUnexpected), frame(1, [0, 0])),
      onSession("the signal of a session's stream", .closes(.frameError), [0x40, 0x41, 0x00]),
      onSession("a reserved frame", .ignored, frame(0x21, [1, 2, 3])),
      onSession("ends", .ends(4, .closed(code: 0, reason: "")), [], fin: true),
      onSession("ends within a frame", .closes(.frameError), [0x00, 0x05], fin: true),
      Case("session: is reset", .ends(4, .aborted(.requestCancelled, byPeer: true))) {
        $0.bytes(4, $0.request())
        $0.reset(4, HTTP3Code.requestCancelled.rawValue)
      },
      Case("session: is stopped", .ends(4, .aborted(.requestCancelled, byPeer: true))) {
        $0.bytes(4, $0.request())
        $0.stop(4, HTTP3Code.requestCancelled.rawValue)
      },
      Case("requests without SETTINGS, 64 kB of them", .closes(.excessiveLoad), begins: false) { peer in
        peer.isSlow = false
        for i in 0..<5 { peer.bytes(Int64(i) * 4, frame(0x21, [UInt8](repeating: 0, count: 16_000))) }
      },
    ]
    + [0x03, 0x04, 0x07, 0x0d, 0xf0700, 0xf0701, 0x02, 0x06, 0x08, 0x09].map {
      onRequest("frame \(ConnectionClose.hex($0))", .closes(.frameUnexpected), frame($0, [0]))
    }
    + [0x03, 0x04, 0x07, 0x0d].map {
      onSession("frame \(ConnectionClose.hex($0))", .closes(.frameUnexpected), frame($0, [0]))
    }

  /// A CONNECT that is not in order.
  private static func message(
    _ name: String, _ changes: [String: String?] = [:], _ more: [(String, String)] = [],
    _ outcome: Outcome = .refuses(4, .messageError), policy: WebTransportPolicy = WebTransportPolicy()
  ) -> Case {
    Case("message: \(name)", outcome, policy: policy) { $0.bytes(4, $0.request(changes, more)) }
  }
  private static func policy(_ change: (inout WebTransportPolicy) -> Void) -> WebTransportPolicy {
    var policy = WebTransportPolicy()
    change(&policy)
    return policy
  }

  static let messages: [Case] = [
    message("no :method", [":method": nil]),
    message("no :scheme", [":scheme": nil]),
    message("no :authority", [":authority": nil]),
    message("an empty :authority", [":authority": ""]),
    message("no :path", [":path": nil]),
    message("a :path without a slash", [":path": "moq"]),
    message("http", [":scheme": "http"]),
    message(":method twice", [:], [(":method", "CONNECT")]),
    message("a :status", [:], [(":status", "200")]),
    message("an unknown pseudo-field", [:], [(":wonder", "1")]),
    message("a pseudo-field at the end", [":path": nil], [("a", "b"), (":path", "/")]),
    message("an upper-case name", [:], [("Origin", "https://a")]),
    message("a name with a space", [:], [("or igin", "https://a")]),
    message("a line feed in a value", [:], [("origin", "a\nb")]),
    message("a space before a value", [:], [("origin", " a")]),
    message("connection", [:], [("connection", "close")]),
    message("transfer-encoding", [:], [("transfer-encoding", "chunked")]),
    message("te", [:], [("te", "gzip")]),
    message("GET with :protocol", [":method": "GET"]),
    message("a plain CONNECT with a :path", [":protocol": nil]),
    message("GET", [":method": "GET", ":protocol": nil], [], .answers(4, "404")),
    message("POST", [":method": "POST", ":protocol": nil], [], .answers(4, "405")),
    message("a plain CONNECT", [":protocol": nil, ":scheme": nil, ":path": nil], [], .answers(4, "405")),
    message("another protocol", [":protocol": "connect-udp"], [], .answers(4, "501")),
    message("draft-15's protocol", [":protocol": "webtransport-h3"], [], .ignored),
    message("an unknown path", [":path": "/other"], [], .answers(4, "404"), policy: policy { $0.paths = ["/"] }),
    message(
      "a foreign origin", [:], [("origin", "https://b")], .answers(4, "403"),
      policy: policy { $0.origins = .list(["https://a"]) }),
    Case("message: one session too many", .answers(12, "429"), policy: policy { $0.maximumSessions = 3 }) { peer in
      for id in [4, 8, 12] as [Int64] { peer.bytes(id, peer.request()) }
      // Room for the one that proves the connection alive.
      peer.bytes(8, [], fin: true)
    },
  ]

  private static func capsule(_ type: UInt64, _ payload: [UInt8] = []) -> [UInt8] { HTTP3Peer.capsule(type, payload) }
  private static let malformed = Outcome.ends(4, .aborted(.messageError, byPeer: false))

  static let capsules: [Case] = [
    onSession("CLOSE", .ends(4, .closed(code: 258, reason: "bye")), capsule(0x2843, [0, 0, 1, 2] + Array("bye".utf8))),
    onSession(
      "CLOSE with 1024 bytes of reason", .ends(4, .closed(code: 0, reason: String(repeating: "x", count: 1024))),
      capsule(0x2843, [0, 0, 0, 0] + [UInt8](repeating: 0x78, count: 1024))),
    onSession("CLOSE of three bytes", malformed, capsule(0x2843, [0, 0, 0])),
    onSession("CLOSE with 1025 bytes of reason", malformed, capsule(0x2843, [UInt8](repeating: 0x78, count: 1029))),
    onSession("CLOSE that is not UTF-8", malformed, capsule(0x2843, [0, 0, 0, 0, 0xff, 0xfe])),
    onSession("more behind CLOSE", .refuses(4, .messageError), capsule(0x2843, [0, 0, 0, 0]) + frame(0, [0])),
    onSession(
      "more in the frame with CLOSE", .refuses(4, .messageError), frame(0, frame(0x2843, [0, 0, 0, 0]) + [0, 0])),
    onSession(
      "a reserved frame behind CLOSE", .ends(4, .closed(code: 0, reason: "")),
      capsule(0x2843, [0, 0, 0, 0]) + frame(0x21, [1])),
    onSession(
      "CLOSE over several frames", .ends(4, .closed(code: 7, reason: "")),
      frame(0, [0x68]) + frame(0, [0x43, 4, 0]) + frame(0) + frame(0, [0, 0, 7])),
    onSession("DRAIN with a payload", malformed, capsule(0x78ae, [0])),
    onSession("a limit of a single stream", malformed, capsule(0x190b_4d3e, [0, 0])),
    onSession("a stream that is blocked", malformed, capsule(0x190b_4d42, [0, 0])),
    onSession("a reserved capsule", .ignored, capsule(0x29 * 3 + 0x17, [1, 2, 3])),
    onSession("a capsule of 100 kB", .ignored, capsule(0xabcdef, [UInt8](repeating: 0, count: 100_000))),
    onSession(
      "a capsule that claims 2^62 - 1 bytes", .ignored, frame(0, [0x68, 0x44] + [UInt8](repeating: 0xff, count: 8))),
    onSession("ends within a capsule", malformed, frame(0, [0x68, 0x43, 0x05]), fin: true),
  ]

  /// The capsules of a session's flow control, which is on only if both sides offer it (draft-ietf-webtrans-http3-16
  /// §5.1, §5.6). Ignored is ignored: limits that fall, that no stream could reach, that are no integer, or none at all.
  static let flowControl: [Case] = [
    ("WT_MAX_DATA", 0x190b_4d3d), ("WT_MAX_STREAMS, bidirectional", 0x190b_4d3f),
    ("WT_MAX_STREAMS, unidirectional", 0x190b_4d40), ("WT_DATA_BLOCKED", 0x190b_4d41),
    ("WT_STREAMS_BLOCKED, bidirectional", 0x190b_4d43), ("WT_STREAMS_BLOCKED, unidirectional", 0x190b_4d44),
  ].flatMap { (name: String, type: UInt64) -> [Case] in
    var capsules: [UInt8] = []
    for payload in [varints(5), varints(4), varints(1 << 61), [0x40], [], [UInt8](repeating: 0xff, count: 2_000)] {
      capsules += capsule(type, payload)
    }
    return [
      onSession("\(name), which nobody offered", .ignored, capsules),
      client("session: \(name), which nobody offered", .ignored) { [capsules] in $0.bytes(0, capsules) },
    ]
  }

  static let datagrams: [Case] = [
    Case("datagram: empty", .closes(.datagramError)) { _ = $0.datagram([]) },
    Case("datagram: half an integer", .closes(.datagramError)) { _ = $0.datagram([0x40]) },
    Case("datagram: of a stream that cannot be", .closes(.datagramError)) {
      _ = $0.datagram([0xd0, 0, 0, 0, 0, 0, 0, 0])
    },
    Case("datagram: of a session that is over", .ignored) {
      $0.bytes(4, $0.request())
      $0.reset(4)
      #expect($0.datagram([0x01, 0xff]) == nil)
    },
    Case("datagram: many of no session yet", .ignored) { peer in
      for _ in 0..<100 { #expect(peer.datagram([0x20, 0xff]) == nil) }
      #expect(peer.core.heldDatagrams.count == HTTP3Core.maximumHeldDatagrams)
    },
  ]

  /// What a server may not send.
  private static func client(_ name: String, _ outcome: Outcome, _ steps: @escaping @Sendable (inout HTTP3Peer) -> Void)
    -> Case
  {
    Case("client: \(name)", outcome, isServer: false, steps)
  }
  /// An answer to a request on stream 4.
  private static func answer(_ name: String, _ outcome: Outcome, _ fields: [(String, String)], fin: Bool = false)
    -> Case
  {
    client(name, outcome) {
      $0.core.connect(WebTransportRequest(authority: "here", protocols: ["moq-00"]), on: 4)
      $0.bytes(4, $0.headers(fields), fin: fin)
    }
  }
  /// On a session of a client whose server's settings allow several.
  private static func clientSession(_ name: String, _ outcome: Outcome, _ frames: [UInt8]) -> Case {
    client("session: \(name)", outcome) {
      $0.core.connect(WebTransportRequest(authority: "here"), on: 4)
      $0.bytes(4, $0.headers([(":status", "200")]) + frames)
    }
  }
  private static let malformedAnswer = Outcome.fails(4, .aborted(.messageError, byPeer: false))

  static let clients: [Case] = [
    client("a bidirectional stream that is no session's", .closes(.streamCreationError)) {
      $0.bytes(1, frame(1, [0, 0]))
    },
    client("a push stream", .closes(.idError)) { $0.bytes(15, [0x01, 0x00]) },
    onControl("MAX_PUSH_ID", .closes(.frameUnexpected), isServer: false, frame(0x0d, [0])),
    onControl("PRIORITY_UPDATE", .closes(.frameUnexpected), isServer: false, frame(0xf0700, [0])),
    onControl("GOAWAY that names no request", .closes(.idError), isServer: false, frame(7, [1])),
    onControl("GOAWAY", .ignored, isServer: false, frame(7, [4])),
    onControl("CANCEL_PUSH", .closes(.idError), isServer: false, frame(3, [0])),
    client("PUSH_PROMISE", .closes(.idError)) { $0.bytes(0, frame(5, [0, 0, 0])) },
    client("DATA before the answer", .closes(.frameUnexpected)) {
      $0.core.connect(WebTransportRequest(authority: "here"), on: 4)
      $0.bytes(4, frame(0, [1]))
    },
    client("no answer at all", .fails(4, .aborted(.requestIncomplete, byPeer: false))) {
      $0.core.connect(WebTransportRequest(authority: "here"), on: 4)
      $0.bytes(4, [], fin: true)
    },
    client("a reset for an answer", .fails(4, .aborted(.requestRejected, byPeer: true))) {
      $0.core.connect(WebTransportRequest(authority: "here"), on: 4)
      $0.reset(4, HTTP3Code.requestRejected.rawValue)
    },
    clientSession("a limit of a single stream", malformed, capsule(0x190b_4d3e, [0, 0])),
    clientSession("a stream that is blocked", malformed, capsule(0x190b_4d42, [0, 0])),
    answer("status 404", .fails(4, .refused(status: 404)), [(":status", "404")], fin: true),
    answer("status 302", .fails(4, .refused(status: 302)), [(":status", "302"), ("location", "https://b")], fin: true),
    answer("no status", malformedAnswer, [("server", "x")]),
    answer("a status of two digits", malformedAnswer, [(":status", "20")]),
    answer("a status that is no number", malformedAnswer, [(":status", "2oo")]),
    answer("a status twice", malformedAnswer, [(":status", "200"), (":status", "200")]),
    answer("an interim answer", .ignored, [(":status", "103")]),
    answer(
      "a subprotocol that was not offered", .fails(4, .protocolNotOffered("moql")),
      [(":status", "200"), ("wt-protocol", "\"moql\"")]),
    answer("a subprotocol that is no string", .ignored, [(":status", "200"), ("wt-protocol", "moql")]),
  ]
}

import MoQKernel

/// What an HTTP/3 connection asks of the QUIC connection below it, and tells the sessions above. In order.
enum HTTP3Effect: Equatable {
  /// Write on this side's control stream.
  case control([UInt8])
  case write(Int64, [UInt8])
  case finish(Int64)
  case reset(Int64, HTTP3Code)
  case stop(Int64, HTTP3Code)
  /// A stream that was held belongs to this session from now on; these of its bytes have come already.
  case attach(Int64, session: Int64, [UInt8], fin: Bool)
  /// A datagram that was held, or that came in a capsule.
  case datagram(session: Int64, Bytes)
  /// The server's settings are there: sessions may be asked for.
  case ready
  case established(WebTransportFacts)
  /// A request of this side came to nothing.
  case refused(Int64, WebTransportFailure)
  /// The peer wants the session to come to an end soon.
  case drains(session: Int64)
  /// The peer takes no new sessions.
  case goingAway
  case ended(session: Int64, WebTransportEnd)
  /// The peer has seen this side's close of the session: nothing of it is under way any more.
  case settled(session: Int64)
  /// The connection is over.
  case close(HTTP3Code, String)
}

/// What both sides know of a session that is established.
struct WebTransportFacts: Equatable {
  var id: Int64
  var request: WebTransportRequest
  /// The subprotocol that was agreed on.
  var chosen: String?
}

/// How a session ended that this side did not close.
enum WebTransportEnd: Equatable {
  /// The peer's CLOSE; a request stream that just ends means 0 without a reason.
  case closed(code: UInt32, reason: String)
  case aborted(HTTP3Code, byPeer: Bool)
}

/// An HTTP/3 connection that carries WebTransport sessions and nothing else, without its I/O.
///
/// It is told what happened on which stream, and answers with effects. The streams of a session pass
/// through it only until it is known whose they are: `received` then says so, and is not called again.
final class HTTP3Core {
  /// The most streams and bytes that are held until their session is there; more streams are rejected.
  static let maximumHeldStreams = 128
  static let maximumHeldBytes = 1 << 20
  /// The most datagrams that are held so; more are dropped.
  static let maximumHeldDatagrams = 32
  /// The most bytes of requests that wait for the client's SETTINGS.
  static let maximumEarlyBytes = 64 << 10
  static let maximumSettingsBytes = 4096

  let isServer: Bool
  let policy: WebTransportPolicy
  /// Subprotocols that a server has, best first.
  let protocols: [String]
  let qpack = QPACK()

  var effects: [HTTP3Effect] = []
  var isOver = false
  var peerSettings: HTTP3Settings?
  /// Streams that are not a session's.
  var streams: [Int64: HTTP3Stream] = [:]
  /// The ids of the sessions that are established.
  var sessions: Set<Int64> = []
  var ended = RecentIDs()
  var hasControl = false, hasEncoder = false, hasDecoder = false
  var arrivals: UInt64 = 0
  var heldStreams = 0, heldBytes = 0, earlyBytes = 0
  var heldDatagrams: [(session: Int64, bytes: Bytes)] = []
  /// What the peer's last GOAWAY named, and whether this side has sent one.
  var peerGoAway: UInt64?, peerMaximumPush: UInt64?
  var isGoingAway = false
  /// One request stream further than any that has come.
  var nextRequest: Int64 = 0

  init(isServer: Bool, policy: WebTransportPolicy = WebTransportPolicy(), protocols: [String] = []) {
    (self.isServer, self.policy, self.protocols) = (isServer, policy, protocols)
  }

  /// What the three streams that this side opens begin with: control, QPACK encoder, QPACK decoder.
  var preamble: [[UInt8]] {
    var control: [UInt8] = [0x00]
    control.append(
      frame: FrameType.settings, HTTP3Settings.ours(maximumSessions: UInt64(max(policy.maximumSessions, 1))).encoded())
    return [control, [0x02], [0x03]]
  }

  /// Where a stream of a session begins: the rest of the bytes is the session's.
  struct Attachment: Equatable {
    var session: Int64
    /// How many of the bytes are not the session's.
    var header: Int
  }

  // MARK: What happens

  /// The next bytes of a stream. Returns whose the stream is, once that is known and the session is there.
  func received(_ bytes: UnsafeRawBufferPointer, fin: Bool, on id: Int64) -> Attachment? {
    guard !isOver else { return nil }
    do throws(HTTP3Fault) {
      return try take(bytes, fin, id)
    } catch {
      fail(error)
      return nil
    }
  }

  func wasReset(_ id: Int64, code: UInt64) {
    guard !isOver else { return }
    guard let stream = streams.removeValue(forKey: id) else {
      if Self.isBidirectional(id), isForeign(id) { perform(.reset(id, .requestCancelled)) }
      return
    }
    switch stream.use {
    case .control, .encoder, .decoder:
      fail(HTTP3Fault(.closedCriticalStream, "the peer reset its \(stream.name) stream (RFC 9114 §6.2.1)"))
    case .request: requestAborted(stream, HTTP3Code(rawValue: code))
    case .held:
      letGo(stream)
      if Self.isBidirectional(id) { perform(.reset(id, .requestCancelled)) }
    case .beginning: if Self.isBidirectional(id) { perform(.reset(id, .requestCancelled)) }
    case .ignored: break
    }
  }

  /// The peer reads no more of a request stream.
  func wasStopped(_ id: Int64, code: UInt64) {
    guard !isOver, let stream = streams[id], case .request = stream.use else { return }
    streams[id] = nil
    perform(.stop(id, .requestCancelled))
    requestAborted(stream, HTTP3Code(rawValue: code))
  }

  /// The peer reads no more of this side's control or QPACK streams.
  func criticalStreamWasStopped() {
    fail(HTTP3Fault(.closedCriticalStream, "the peer stopped a stream that must stay open (RFC 9114 §6.2.1)"))
  }

  /// Whose a datagram is, and where its payload begins; nil: nobody's yet, or nobody's any more.
  func received(datagram bytes: UnsafeRawBufferPointer) -> Attachment? {
    guard !isOver else { return nil }
    guard let quarter = bytes.varint(at: 0), quarter.value < 1 << 60 else {
      fail(HTTP3Fault(.datagramError, "a datagram names no stream (RFC 9297 §2.1)"))
      return nil
    }
    let session = Int64(quarter.value) * 4
    if sessions.contains(session) { return Attachment(session: session, header: quarter.size) }
    if !ended.contains(session), heldDatagrams.count < Self.maximumHeldDatagrams {
      heldDatagrams.append((session, Bytes(copying: UnsafeRawBufferPointer(rebasing: bytes[quarter.size...]))))
    }
    return nil
  }

  // MARK: What its owner wants

  /// The most sessions that the settings of both sides allow on the connection at a time; nil: they name no limit.
  ///
  /// From draft-13 on several sessions want flow control of their own, which is on only if both sides offer it, and
  /// this one does not (draft-ietf-webtrans-http3-16 §5.1).
  var permittedSessions: UInt64? {
    switch peerSettings?.preferred {
    case nil, .draft02: nil
    case .draft07: isServer ? nil : peerSettings?.sessions[.draft07]
    case .draft13, .draft15: 1
    }
  }
  /// Whether a client may ask for a session now.
  var permitsRequest: Bool {
    guard let permittedSessions else { return true }
    return streams.values.count { if case .request = $0.use { true } else { false } } < permittedSessions
  }

  /// Asks for a session on this stream, which is this side's and new.
  func connect(_ request: WebTransportRequest, on id: Int64) {
    guard !isOver, let generation = peerSettings?.preferred else { return }
    guard peerGoAway == nil, let section = qpack.encode(request.fields(generation), stream: id) else {
      return perform(.refused(id, .aborted(.requestRejected, byPeer: true)))
    }
    let stream = HTTP3Stream(id, .request(.headers))
    stream.request = request
    streams[id] = stream
    var bytes: [UInt8] = []
    bytes.append(frame: FrameType.headers, section)
    perform(.write(id, bytes))
  }

  /// Ends a session with this side's reason, of which at most 1,024 bytes are sent.
  func close(session id: Int64, code: UInt32, reason: String) {
    guard !isOver, sessions.contains(id), let stream = streams[id] else { return }
    var capsule: [UInt8] = [], payload: [UInt8] = []
    payload.append(bigEndian: UInt64(code), bytes: 4)
    payload += reason.prefix(utf8Bytes: Self.maximumReason).utf8
    capsule.append(frame: CapsuleType.close, payload)
    write(capsule, on: stream)
    perform(.finish(id))
    stream.use = .request(.closing)
    forget(session: id)
  }

  /// Cuts a session off.
  func abort(session id: Int64, _ code: HTTP3Code) {
    guard !isOver, sessions.contains(id), let stream = streams[id] else { return }
    abort(stream, code)
  }

  /// Gives up a request that has no answer yet.
  func cancel(request id: Int64) {
    guard !isOver, let stream = streams[id], !sessions.contains(id) else { return }
    abort(stream, .requestCancelled)
  }

  /// Asks the peer to end a session soon.
  func drain(session id: Int64) {
    guard !isOver, sessions.contains(id), let stream = streams[id] else { return }
    var capsule: [UInt8] = []
    capsule.append(frame: CapsuleType.drain, [])
    write(capsule, on: stream)
  }

  /// Says that no new sessions are taken. A client names no push, since it takes none.
  func goAway() {
    guard !isOver, !isGoingAway else { return }
    isGoingAway = true
    var payload: [UInt8] = [], frame: [UInt8] = []
    payload.append(varint: isServer ? UInt64(nextRequest) : 0)
    frame.append(frame: FrameType.goAway, payload)
    perform(.control(frame))
  }

  /// Hands over what is to be done. `body` may call back.
  func drain(_ body: (HTTP3Effect) -> Void) {
    while !effects.isEmpty {
      var taken: [HTTP3Effect] = []
      swap(&taken, &effects)
      for effect in taken { body(effect) }
    }
  }

  // MARK: Within

  func perform(_ effect: HTTP3Effect) { effects.append(effect) }

  func fail(_ fault: HTTP3Fault) {
    guard !isOver else { return }
    isOver = true
    perform(.close(fault.code, fault.reason))
  }

  /// Resets and stops a stream; if it has a session that is over.
  func abort(_ stream: HTTP3Stream, _ code: HTTP3Code) {
    streams[stream.id] = nil
    perform(.reset(stream.id, code))
    perform(.stop(stream.id, code))
    if sessions.contains(stream.id) {
      forget(session: stream.id)
      perform(.ended(session: stream.id, .aborted(code, byPeer: false)))
    } else {
      forget(session: stream.id)
    }
  }

  /// A session is no more, or never will be: what came for it is rejected.
  func forget(session id: Int64) {
    sessions.remove(id)
    ended.insert(id)
    heldDatagrams.removeAll { $0.session == id }
    for stream in held(for: id) { reject(stream, .sessionGone) }
  }

  func write(_ payload: [UInt8], on stream: HTTP3Stream) {
    var bytes: [UInt8] = []
    bytes.append(frame: FrameType.data, payload)
    perform(.write(stream.id, bytes))
  }

  static func isBidirectional(_ id: Int64) -> Bool { id & 2 == 0 }
  /// Whether the peer opened it.
  func isForeign(_ id: Int64) -> Bool { (id & 1 == 0) == isServer }

  /// The longest reason of a close, in bytes (draft-ietf-webtrans-http3-16 §6).
  static let maximumReason = 1024
}

/// Types of frames (RFC 9114 §7.2, RFC 9218 §7).
enum FrameType {
  static let data: UInt64 = 0x00
  static let headers: UInt64 = 0x01
  static let cancelPush: UInt64 = 0x03
  static let settings: UInt64 = 0x04
  static let pushPromise: UInt64 = 0x05
  static let goAway: UInt64 = 0x07
  static let maximumPush: UInt64 = 0x0d
  /// How a bidirectional stream of a session begins. It is no frame, and stands nowhere else.
  static let webTransport: UInt64 = 0x41
  static let priorityOfRequest: UInt64 = 0xf_0700
  static let priorityOfPush: UInt64 = 0xf_0701
  /// HTTP/2's, which have no place here (RFC 9114 §7.2.8).
  static let ofHTTP2: Set<UInt64> = [0x02, 0x06, 0x08, 0x09]
}

/// Types of unidirectional streams.
enum StreamType {
  static let control: UInt64 = 0x00
  static let push: UInt64 = 0x01
  static let encoder: UInt64 = 0x02
  static let decoder: UInt64 = 0x03
  static let webTransport: UInt64 = 0x54
}

/// Types of capsules (RFC 9297 §5.4, draft-ietf-webtrans-http3-16 §9.6).
enum CapsuleType {
  static let datagram: UInt64 = 0x00
  static let close: UInt64 = 0x2843
  static let drain: UInt64 = 0x78ae
  /// Limits of single streams, which are QUIC's: these two may not be sent (§5.4).
  static let ofStreams: Set<UInt64> = [0x190b_4d3e, 0x190b_4d42]
}

/// A stream that is HTTP/3's own, or of which it is not known whose it is.
final class HTTP3Stream {
  enum Use {
    /// Its first integers have not come whole.
    case beginning
    case control, encoder, decoder
    case request(RequestPhase)
    /// The session's that has not been established yet.
    case held(session: Int64)
    /// Whatever still comes is dropped.
    case ignored
  }
  enum RequestPhase {
    /// Leads to: open (the session is established), ignored (it is not).
    case headers
    /// Capsules are read. Leads to: closing, closed.
    case open
    /// This side has closed the session; the peer has not answered. Leads to: the stream's end.
    case closing
    /// The peer has closed the session. Leads to: the stream's end.
    case closed
  }

  let id: Int64
  var use: Use
  var frames = FrameReader(), capsules = FrameReader()
  var frameType: UInt64 = 0, capsuleType: UInt64 = 0
  /// Whether the payload that is being read is kept.
  var keepsFrame = false, keepsCapsule = false
  /// What is kept of the frame or the capsule that is being read.
  var payload: [UInt8] = []
  /// Bytes that cannot be read yet: a header in part, what is held, a request before SETTINGS.
  var pending: [UInt8] = []
  var pendingEnd = false
  /// When it came, among the streams that are held.
  var arrival: UInt64 = 0
  /// What this side asked for on it.
  var request: WebTransportRequest?

  init(_ id: Int64, _ use: Use) { (self.id, self.use) = (id, use) }

  var name: String {
    switch use {
    case .control: "control"
    case .encoder: "QPACK encoder"
    case .decoder: "QPACK decoder"
    default: "\(id)"
    }
  }
}

/// The ids of sessions that ended not long ago.
struct RecentIDs {
  static let maximum = 1024
  private var order: [Int64] = [], oldest = 0
  private var ids: Set<Int64> = []

  func contains(_ id: Int64) -> Bool { ids.contains(id) }

  mutating func insert(_ id: Int64) {
    guard ids.insert(id).inserted else { return }
    guard order.count == Self.maximum else { return order.append(id) }
    ids.remove(order[oldest])
    order[oldest] = id
    oldest = (oldest + 1) % Self.maximum
  }
}

extension HTTP3Settings {
  /// The generation to ask for a session in: the oldest, which is the one that all of them have in common with us.
  var preferred: Generation? { Generation.allCases.first { sessions[$0] != nil } }
}

extension String {
  /// As much of the beginning as fits into `count` bytes of UTF-8.
  func prefix(utf8Bytes count: Int) -> String {
    guard utf8.count > count else { return self }
    var end = utf8.index(utf8.startIndex, offsetBy: count)
    while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
    return String(self[..<end])
  }
}

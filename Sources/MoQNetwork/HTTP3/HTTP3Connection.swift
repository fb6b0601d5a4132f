import MoQKernel

/// An HTTP/3 connection and the WebTransport sessions on it.
///
/// A server's is made for each connection whose ALPN is `h3`; a client's for the session that it asks for
/// first, and it can carry more.
public final class HTTP3Connection: ConnectionHandler {
  public static let alpn = "h3"
  /// How long a connection without a session is kept, in nanoseconds.
  static let patience: UInt64 = 10_000_000_000

  let core: HTTP3Core
  private let loop: Loop
  private var connection: QUICConnection?
  /// A server's: who takes the session that a request asks for.
  private let accept: ((WebTransportRequest) -> SessionDriver)?
  /// This side's control and QPACK streams.
  private var critical: [QUICStream] = []
  /// Streams that came before their sessions. The connection may have forgotten those that have ended.
  private var held: [Int64: QUICStream] = [:]
  /// Sessions that are established.
  private var sessions: [Int64: WebTransportSession] = [:]
  private var lastSession: WebTransportSession?
  /// A client's sessions that are not.
  private var asked: [WebTransportSession] = []
  /// Sessions that this side closes.
  private var closing: [WebTransportSession] = []
  /// Sessions whose close the peer has not confirmed.
  private var unsettled: [Int64: Farewell] = [:]
  /// A close that the peer has not confirmed.
  private struct Farewell {
    let session: WebTransportSession
    /// Until then it is waited for.
    var by: UInt64
    /// Swallows what still comes on the session's streams.
    let sink = ConnectionHandler()
  }
  /// Until then a client that has confirmed a close may leave by itself, in the nanoseconds of `loop.now`.
  private var leaveBy: UInt64 = 0
  private var isReady = false
  /// When the last session had ended; nil: there is one.
  private var idleSince: UInt64?
  private var timer: LoopTimer?
  private var isOver = false

  /// A client's.
  public init(loop: Loop) {
    (self.loop, accept) = (loop, nil)
    core = HTTP3Core(isServer: false)
    super.init()
  }

  /// A server's. `accept` names the driver of each session that the policy admits; `protocols` are what sessions
  /// may speak, best first.
  public init(
    loop: Loop, policy: WebTransportPolicy, protocols: [String],
    accept: @escaping (WebTransportRequest) -> SessionDriver
  ) {
    (self.loop, self.accept) = (loop, accept)
    core = HTTP3Core(isServer: true, policy: policy, protocols: protocols)
    super.init()
  }

  /// Asks for a session, as soon as the connection is there. `driver` hears of it, and of its end.
  ///
  /// The answer must come within the time given, and the connection's handshake before it.
  public func connect(
    _ request: WebTransportRequest, for driver: SessionDriver, within limit: Duration = .seconds(10)
  ) {
    let session = WebTransportSession(self, request, driver, answerBy: loop.now &+ limit.nanoseconds)
    driver.carrier = session
    asked.append(session)
    ask()
    arm()
  }

  /// Takes no new sessions, and tells the peer that those there are should end.
  public func goAway() {
    core.goAway()
    for id in sessions.keys { core.drain(session: id) }
    carryOut()
  }

  var peerTakesDatagrams: Bool { core.peerSettings?.datagrams ?? false }

  // MARK: The connection

  public override func connected(_ connection: QUICConnection) {
    self.connection = connection
    for bytes in core.preamble {
      let stream = connection.open(bidirectional: false, priority: .urgent)
      stream.write(Bytes(bytes))
      critical.append(stream)
    }
    idleSince = loop.now
    closeIfUnused()
    arm()
  }

  public override func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, fin: Bool) {
    guard let attachment = core.received(bytes, fin: fin, on: stream.id) else {
      // What is held is bounded; its credit goes back when its session has used it.
      if core.isHeld(stream.id) { held[stream.id] = stream } else { stream.consumed(bytes.count) }
      return carryOut()
    }
    stream.consumed(attachment.header)
    guard let session = sessions[attachment.session] else { return refuse(stream, .sessionGone) }
    attach(stream, to: session, UnsafeRawBufferPointer(rebasing: bytes[attachment.header...]), fin: fin)
  }

  public override func wasReset(_ stream: QUICStream, code: UInt64) {
    core.wasReset(stream.id, code: code)
    held[stream.id] = nil
    carryOut()
  }

  public override func wasStopped(_ stream: QUICStream, code: UInt64) {
    if critical.contains(where: { $0 === stream }) {
      core.criticalStreamWasStopped()
    } else {
      core.wasStopped(stream.id, code: code)
    }
    carryOut()
  }

  public override func received(datagram: UnsafeRawBufferPointer) {
    guard let attachment = core.received(datagram: datagram) else { return carryOut() }
    let session: WebTransportSession
    if let lastSession, lastSession.id == attachment.session {
      session = lastSession
    } else {
      guard let found = sessions[attachment.session] else { return }
      (session, lastSession) = (found, found)
    }
    guard session.phase == .open else { return }
    session.driver.received(datagram: UnsafeRawBufferPointer(rebasing: datagram[attachment.header...]))
  }

  public override func datagramRoomChanged(_ connection: QUICConnection) {
    for session in sessions.values { session.driver.datagramRoomChanged(connection) }
  }

  public override func streamCapReached(_ connection: QUICConnection) {
    goAway()
    for session in sessions.values { session.driver.streamCapReached(connection) }
  }

  public override var awaitsPeer: Bool { !closing.isEmpty || !unsettled.isEmpty || loop.now < leaveBy }

  public override func endpointCloses(_ connection: QUICConnection) {
    // The connection's close may overtake the session's; if there is but one session it says the same.
    for session in closing { sayFarewell(session) }
    let last = unsettled.count == 1 ? unsettled.values.first?.session.farewell : nil
    let code = last.map { $0.code == 0 ? HTTP3Code.noError.rawValue : WebTransportCode.http(UInt64($0.code)) }
    connection.close(
      code: code ?? HTTP3Code.noError.rawValue, reason: last?.reason ?? "", afterSending: false)
  }

  public override func closed(_ connection: QUICConnection, _ reason: ConnectionClose) { over(reason) }

  private func over(_ reason: ConnectionClose) {
    guard !isOver else { return }
    isOver = true
    timer?.cancel()
    timer = nil
    let all = asked + closing + unsettled.values.map(\.session) + sessions.values.filter { $0.phase == .open }
    (asked, closing, unsettled, sessions, lastSession, critical, held) = ([], [], [:], [:], nil, [], [:])
    let end = Self.meaning(of: reason)
    for session in all { session.end(session.farewell?.meaning ?? end) }
    connection = nil
  }

  /// What the end of the connection says of its sessions. Some peers close the connection with a session's code.
  private static func meaning(of reason: ConnectionClose) -> ConnectionClose {
    guard case .application(let code, let text, let byPeer) = reason else { return reason }
    if let application = WebTransportCode.application(code) {
      return .application(code: application, reason: text, byPeer: byPeer)
    }
    if code == HTTP3Code.noError.rawValue { return .application(code: 0, reason: text, byPeer: byPeer) }
    return .http3(HTTP3Code(rawValue: code), reason: text, byPeer: byPeer)
  }

  // MARK: What the core wants

  private func carryOut() {
    guard !core.effects.isEmpty else { return }
    core.drain { perform($0) }
    arm()
  }

  private func perform(_ effect: HTTP3Effect) {
    guard let connection, !isOver else { return }
    switch effect {
    case .control(let bytes): critical.first?.write(Bytes(bytes))
    case .write(let id, let bytes): connection.stream(id)?.write(Bytes(bytes))
    case .finish(let id): connection.stream(id)?.finish()
    case .reset(let id, let code): connection.stream(id)?.reset(code.rawValue)
    case .stop(let id, let code): (held.removeValue(forKey: id) ?? connection.stream(id))?.stop(code.rawValue)
    case .attach(let id, let session, let bytes, let fin):
      guard let stream = held.removeValue(forKey: id), let session = sessions[session] else { return }
      bytes.withUnsafeBytes { attach(stream, to: session, $0, fin: fin) }
    case .datagram(let session, let bytes):
      guard let session = sessions[session], session.phase == .open else { return }
      bytes.withUnsafeBytes { session.driver.received(datagram: $0) }
    case .ready:
      isReady = true
      ask()
    case .established(let facts): established(facts, connection)
    case .refused(let id, let failure):
      guard let index = asked.firstIndex(where: { $0.id == id }) else { return }
      asked.remove(at: index).end(.webTransport(failure))
      closeIfUnused()
    case .drains(let session):
      if let driver = sessions[session]?.driver { driver.owner?.drains(driver) }
    case .goingAway: for session in sessions.values { session.driver.owner?.drains(session.driver) }
    case .ended(let session, let end): ended(session, end)
    case .settled(let session):
      // What the peer's transport has confirmed need not have reached its application: Chromium tells a page that the
      // connection was lost if it ends before the task runs that tells of the session's close.
      leaveBy = loop.now &+ min(connection.closingPeriod, QUICConnection.closingPatience)
      settled(session)
    case .close(let code, let reason):
      connection.close(code: code.rawValue, reason: reason, afterSending: false)
      over(.http3(code, reason: reason, byPeer: false))
    }
  }

  private func attach(
    _ stream: QUICStream, to session: WebTransportSession, _ bytes: UnsafeRawBufferPointer, fin: Bool
  ) {
    guard session.phase == .open else { return refuse(stream, .sessionGone) }
    stream.handler = session.driver
    session.driver.opened(stream)
    if !bytes.isEmpty || fin { session.driver.received(stream, bytes, fin: fin) }
  }

  private func refuse(_ stream: QUICStream, _ code: HTTP3Code) {
    stream.stop(code.rawValue)
    if stream.isBidirectional { stream.reset(code.rawValue) }
  }

  private func established(_ facts: WebTransportFacts, _ connection: QUICConnection) {
    let session: WebTransportSession
    if let accept {
      session = WebTransportSession(self, facts.request, accept(facts.request), answerBy: .max)
      connection.stream(facts.id)?.priority = .urgent
    } else {
      guard let index = asked.firstIndex(where: { $0.id == facts.id }) else { return }
      session = asked.remove(at: index)
    }
    idleSince = nil
    sessions[facts.id] = session
    session.begin(facts, on: connection)
  }

  private func ended(_ id: Int64, _ end: WebTransportEnd) {
    guard let session = sessions[id] else { return }
    remove(session, id)
    endStreams(of: session.driver)
    closing.removeAll { $0 === session }
    switch end {
    case .closed(let code, let reason): session.end(.application(code: UInt64(code), reason: reason, byPeer: true))
    case .aborted(let code, let byPeer):
      if let application = WebTransportCode.application(code.rawValue) {
        session.end(.application(code: application, reason: "", byPeer: byPeer))
      } else {
        session.end(.webTransport(.aborted(code, byPeer: byPeer)))
      }
    }
    closeIfUnused()
  }

  private func remove(_ session: WebTransportSession, _ id: Int64) {
    sessions[id] = nil
    if lastSession === session { lastSession = nil }
    if sessions.isEmpty { idleSince = loop.now }
  }

  /// The streams of a session end with it (draft-ietf-webtrans-http3-16 §6).
  private func endStreams(of handler: ConnectionHandler) {
    connection?.forEachStream { stream in
      guard stream.handler === handler else { return }
      stream.handler = nil
      stream.reset(HTTP3Code.sessionGone.rawValue)
      stream.stop(HTTP3Code.sessionGone.rawValue)
    }
  }

  /// The peer knows that this side has closed the session, or had the time to know.
  private func settled(_ id: Int64) {
    guard let farewell = unsettled[id] else { return }
    endStreams(of: farewell.sink)
    // With the last one a client's connection ends, and the session when that is through.
    if accept == nil, sessions.isEmpty, asked.isEmpty, unsettled.count == 1 {
      unsettled[id]?.by = .max
      closeConnection()
    } else {
      unsettled[id] = nil
      if let meaning = farewell.session.farewell?.meaning { farewell.session.end(meaning) }
    }
  }

  private func closeConnection() { connection?.close(code: HTTP3Code.noError.rawValue, reason: "") }

  // MARK: What sessions want

  /// Sends the requests that wait.
  private func ask() {
    guard isReady, let connection, connection.isOpen else { return }
    for session in asked where session.id == nil {
      guard core.peerSettings?.preferred != nil else {
        asked.removeAll { $0 === session }
        session.end(.webTransport(.unsupported))
        continue
      }
      guard core.permitsRequest else {
        asked.removeAll { $0 === session }
        session.end(.failed("the server permits no further session on this connection"))
        continue
      }
      let stream = connection.open(bidirectional: true, priority: .urgent)
      guard stream.id >= 0 else {
        stream.reset(HTTP3Code.requestCancelled.rawValue)
        asked.removeAll { $0 === session }
        session.end(.failed("the server permits no further request stream at the moment"))
        continue
      }
      session.id = stream.id
      core.connect(session.request, on: stream.id)
    }
    carryOut()
    closeIfUnused()
  }

  /// A session closes that has no answer yet.
  func cancel(_ session: WebTransportSession, code: UInt64, reason: String) {
    asked.removeAll { $0 === session }
    if let id = session.id {
      core.cancel(request: id)
      carryOut()
    }
    session.end(.application(code: code, reason: reason, byPeer: false))
    closeIfUnused()
  }

  /// A session's streams end because it is over, and it is not: the peer owes its end.
  func seemsGone() { arm() }

  /// A session closes as soon as what it has queued is through.
  func closes(_ session: WebTransportSession) {
    closing.append(session)
    settle()
    arm()
  }

  private func settle() {
    for session in closing where session.isSettled || (session.farewell?.by ?? 0) <= loop.now { sayFarewell(session) }
  }

  private func sayFarewell(_ session: WebTransportSession) {
    closing.removeAll { $0 === session }
    guard let id = session.id, let farewell = session.farewell, sessions[id] === session else { return }
    core.close(session: id, code: farewell.code, reason: farewell.reason)
    remove(session, id)
    // Its streams are reset when the peer has the close: a reset would overtake the reason.
    let last = Farewell(session: session, by: loop.now &+ QUICConnection.closingPatience)
    connection?.forEachStream { if $0.handler === session.driver { $0.handler = last.sink } }
    unsettled[id] = last
    carryOut()
    closeIfUnused()
  }

  /// A client's connection ends with its last session, once the server has heard of that.
  private func closeIfUnused() {
    guard accept == nil, sessions.isEmpty, asked.isEmpty, unsettled.isEmpty else { return }
    closeConnection()
  }

  public override func afterBatch(_ connection: QUICConnection) { if !closing.isEmpty { settle() } }

  // MARK: Time

  private func arm() {
    guard !isOver else { return }
    let now = loop.now
    // Before there is a connection its handshake has a limit of its own.
    var next = connection == nil ? .max : asked.map(\.answerBy).min() ?? .max
    // Acknowledgements of streams that go on are not told; the wait is short.
    if !closing.isEmpty { next = min(next, now &+ 10_000_000) }
    if let idleSince { next = min(next, idleSince &+ limit) }
    for session in sessions.values { next = min(next, session.goneBy) }
    for farewell in unsettled.values { next = min(next, farewell.by) }
    guard next < .max else { timer?.cancel(); return }
    let timer = self.timer ?? loop.timer { [weak self] in self?.timePassed() }
    self.timer = timer
    timer.arm(at: next)
  }

  /// How long a connection may go on without a session: a client's only until the server has confirmed the last close.
  private var limit: UInt64 { accept == nil && asked.isEmpty ? QUICConnection.closingPatience : Self.patience }

  private func timePassed() {
    let now = loop.now
    settle()
    for session in asked where session.answerBy <= now && connection != nil {
      asked.removeAll { $0 === session }
      if let id = session.id { core.cancel(request: id) }
      session.end(.webTransport(.noAnswer))
    }
    for session in sessions.values where session.goneBy <= now {
      if let id = session.id { core.abort(session: id, .sessionGone) }
    }
    for (id, wait) in unsettled where wait.by <= now { settled(id) }
    if let idleSince, idleSince &+ limit <= now, asked.isEmpty {
      connection?.close(code: HTTP3Code.noError.rawValue, reason: "no session")
      self.idleSince = nil
    }
    carryOut()
    closeIfUnused()
    arm()
  }
}

extension QUICConnection {
  /// The live stream of that id.
  func stream(_ id: Int64) -> QUICStream? { streams[id] }
}

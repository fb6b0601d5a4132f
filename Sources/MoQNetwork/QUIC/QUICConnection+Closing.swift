import CQuic

/// How this side closes a connection.
struct Closing {
  var application: Bool
  var code: UInt64
  /// The library's error, if that is the cause.
  var error: Int32
  var reason: String
  /// Until then what is queued may still be sent and acknowledged.
  var deadline: UInt64
}

extension QUICConnection {
  /// How long a graceful close waits for the peer to acknowledge what was sent, in nanoseconds.
  static var closingPatience: UInt64 { 1_000_000_000 }

  /// For how long packets of a connection that is over may still arrive: three probe timeouts, in nanoseconds
  /// (RFC 9000 §10.2).
  var closingPeriod: UInt64 { library.map { 3 &* ngtcp2_conn_get_pto($0) } ?? 0 }

  /// Closes the connection. `handler.closed` follows, with this code and reason.
  ///
  /// With `afterSending` everything that was queued before is sent and acknowledged first, but for at most a
  /// second; otherwise the connection ends with this tick. From now on the handler is told nothing else.
  public func close(code: UInt64, reason: String = "", afterSending: Bool = true) {
    if state == .closing, !afterSending {
      // It has been closed with patience, and nobody has any left.
      closing?.deadline = 0
      return core.mark(self)
    }
    guard state == .open || state == .starting else { return }
    let waits = afterSending && state == .open
    closing = Closing(
      application: true, code: code, error: 0, reason: reason,
      deadline: waits ? core.now &+ Self.closingPatience : 0)
    state = .closing
    datagrams.removeAll()
    core.mark(self)
  }

  /// The library found the peer, or itself, at fault.
  func fail(_ error: Int32) {
    guard state != .closed else { return }
    if let closing, closing.error != 0 { return }
    failure = failureReason(error)
    closing = Closing(application: false, code: cq_transport_code(error), error: error, reason: "", deadline: 0)
    state = .closing
    core.mark(self)
  }

  private func failureReason(_ error: Int32) -> ConnectionClose {
    guard error == NGTCP2_ERR_CRYPTO, let library else {
      return .transport(code: cq_transport_code(error), reason: String(cString: ngtcp2_strerror(error)), byPeer: false)
    }
    let alert = ngtcp2_conn_get_tls_alert(library)
    if let tls, !isServer {
      switch Int(tls.pointee.verified) {
      case CQ_VERIFY_PIN:
        return .tls(.fingerprintMismatch(found: withUnsafeBytes(of: tls.pointee.digest) { [UInt8]($0) }), byPeer: false)
      case CQ_VERIFY_AUTHORITY: return .tls(.unknownAuthority, byPeer: false)
      case CQ_VERIFY_NAME: return .tls(.wrongName(expected: client?.serverName ?? ""), byPeer: false)
      case CQ_VERIFY_DATE: return .tls(.expired, byPeer: false)
      case CQ_VERIFY_OTHER: return .tls(.badCertificate(""), byPeer: false)
      default: break
      }
    }
    return .tls(tlsFailure(alert), byPeer: false)
  }

  private func tlsFailure(_ alert: UInt8) -> TLSFailure {
    switch alert {
    case 120: .noCommonProtocol(offered: context?.alpns ?? [])
    case 42, 43, 44, 46: .badCertificate(TLSFailure.names[alert] ?? "")
    case 45: .expired
    case 48: .unknownAuthority
    default: .alert(alert)
    }
  }

  /// The peer's CONNECTION_CLOSE, or its stateless reset.
  func peerClosed(_ library: OpaquePointer) {
    if sawStatelessReset { return end(.statelessReset) }
    var info = cq_close_info()
    cq_get_close(library, &info)
    let size = info.reason_size
    let reason = withUnsafeBytes(of: &info.reason) { String(decoding: $0.prefix(size), as: UTF8.self) }
    if info.application != 0 {
      end(.application(code: info.code, reason: reason, byPeer: true))
    } else if (0x100...0x1ff).contains(info.code) {
      end(.tls(tlsFailure(UInt8(truncatingIfNeeded: info.code)), byPeer: true))
    } else {
      end(.transport(code: info.code, reason: reason, byPeer: true))
    }
  }

  /// Writes CONNECTION_CLOSE when its time has come.
  func finishClosing() {
    guard state == .closing, let closing, let library else { return }
    if closing.deadline > core.now, !isQuiet(library) {
      timer?.arm(at: min(closing.deadline, ngtcp2_conn_get_expiry(library)))
      return
    }
    sendClose(library, closing)
    end(
      closing.application
        ? .application(code: closing.code, reason: closing.reason, byPeer: false)
        : failure ?? .transport(code: closing.code, reason: closing.reason, byPeer: false))
  }

  func finishWithoutLibrary() {
    end(.application(code: closing?.code ?? 0, reason: closing?.reason ?? "", byPeer: false))
    cleanUp()
  }

  /// Whether nothing is queued and nothing in flight.
  private func isQuiet(_ library: OpaquePointer) -> Bool {
    guard sendQueue.count == 0, bareEnds.isEmpty, blockedStreams == 0, waitingStreams == 0, held == nil else {
      return false
    }
    var now = cq_statistics()
    cq_get_statistics(library, &now)
    return now.in_flight == 0
  }

  private func sendClose(_ library: OpaquePointer, _ closing: Closing) {
    guard let out = writer.pointee.out, cq_is_over(library) == 0 else { return }
    let reason = Array(closing.reason.utf8.prefix(512))
    let size = cq_write_close(
      library, writer, out, 1200, closing.application ? 1 : 0, closing.code, closing.error, reason, reason.count,
      core.now)
    guard size > 0 else { return }
    cq_writer_take_path(writer)
    farewell = [UInt8](UnsafeBufferPointer(start: out, count: size))
    held = nil
    transmit(out, size, size, 0)
  }

  /// The connection is over: the handler is told, and what it held is let go at the end of the tick.
  func end(_ reason: ConnectionClose) {
    guard state != .closed else { return }
    state = .closed
    timer?.cancel()
    (held, wantsMigration) = (nil, false)
    sendQueue.removeAll()
    for stream in [waitingBidirectional.all, waitingUnidirectional.all].joined() { letGo(stream) }
    waitingBidirectional.removeAll()
    waitingUnidirectional.removeAll()
    streams.forEach(letGo)
    bareEnds = []
    drained = []
    ended = []
    datagrams.removeAll()
    maximumDatagramSize = 0
    lastPeriod = closingPeriod
    endpoint.ended(self)
    let handler = handler
    self.handler = ConnectionHandler()
    handler.closed(self, reason)
    core.mark(self)
  }

  private func letGo(_ stream: QUICStream) {
    (stream.isClosed, stream.sendingIsOver, stream.receivingIsOver) = (true, true, true)
    (stream.unsent, stream.unreturned) = (0, 0)
    stream.chunks.removeAll()
  }

  /// Frees the library's part. Not within a call of the library.
  func cleanUp() {
    guard state == .closed else { return }
    streams.removeAll()
    pool = []
    if let library {
      ngtcp2_conn_del(library)
      self.library = nil
    }
    cq_tls_free(tls)
    (tls, context) = (nil, nil)
    linger()
  }

  /// For three probe timeouts packets that are late are answered with the close, or swallowed (RFC 9000 §10.2).
  private func linger() {
    guard keptEndpoint != nil else { return }
    if lastPeriod == 0 || (routes.isEmpty && farewell.isEmpty) || endpoint.isClosed { return leave() }
    let timer = LoopTimer(core: core) { [self] in leave() }
    self.timer = timer
    timer.arm(at: core.now &+ min(lastPeriod, 3_000_000_000))
  }

  /// Gives up ids and sockets.
  func leave() {
    guard keptEndpoint != nil else { return }
    timer?.invalidate()
    timer = nil
    for key in routes { endpoint.unroute(key, of: self, keeping: true) }
    routes = []
    for socket in sockets { socket.close() }
    sockets = []
    endpoint.left(self)
    keptEndpoint = nil
  }

  /// Repeats the close, ever more rarely, to a peer that has not heard it.
  func answerAfterwards(_ packet: UnsafeMutablePointer<cq_packet>) {
    afterwards &+= 1
    guard !farewell.isEmpty, afterwards.nonzeroBitCount == 1, keptEndpoint != nil else { return }
    guard let from = cq_packet_from(packet), let local = cq_packet_local(packet), let socket = socket(for: local) else {
      return
    }
    _ = farewell.withUnsafeBufferPointer { bytes in
      bytes.baseAddress.map {
        socket.send($0, bytes.count, segment: bytes.count, ecn: 0, to: from, packet.pointee.fromlen, from: local)
      }
    }
  }
}

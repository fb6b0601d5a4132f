import CQuic
import Glibc

/// A client's way to its peer: the addresses it tries, one after the other, and where it has moved to.
struct ClientAttempt {
  let host: String
  let port: UInt16
  let serverName: String
  var addresses: [SocketAddress] = []
  var tried = 0
  /// The handshake was completed, or given up.
  var isOver = false

  /// Keeps the server's token for the next connection.
  func remember(token: [UInt8], in endpoint: QUICEndpoint) { endpoint.remember(token, for: "\(serverName):\(port)") }

  /// The new path works: the old sockets are not needed any more.
  func moved(_ connection: QUICConnection) {
    guard connection.sockets.count > 1 else { return }
    // Packets of the old path may still be under way.
    connection.core.afterTime(1_000_000_000) { [weak connection] in
      guard let connection, connection.sockets.count > 1 else { return }
      for socket in connection.sockets.dropLast() { socket.close() }
      connection.sockets = connection.sockets.suffix(1)
    }
  }
}

extension QUICConnection {
  /// Tries the next address. Ends the connection with `reason` if there is none left.
  func tryNextAddress(orEnd reason: ConnectionClose) {
    guard state == .starting || state == .closing, var attempt = client else { return }
    guard state == .starting, attempt.tried < attempt.addresses.count else { return end(reason) }
    let address = attempt.addresses[attempt.tried]
    attempt.tried += 1
    client = attempt
    peerAddress = address
    tearDownAttempt()
    do {
      let any = SocketAddress(address.isIPv6 ? "::" : "0.0.0.0", port: 0) ?? address
      let socket = try UDPSocket(core: core, bind: any, connect: address, offload: options.usesOffload)
      socket.connection = self
      sockets = [socket]
      localAddress = socket.address
    } catch {
      if error.number == ENOMEM { return end(.failed(NetworkError.noMemory.description)) }
      return tryNextAddress(
        orEnd: .unreachable(address: address.description, reason: String(cString: cq_error_text(error.number))))
    }
    let result = makeLibrary(address)
    if result != 0 {
      return tryNextAddress(
        orEnd: .failed("the connection could not be made: \(String(cString: ngtcp2_strerror(result)))"))
    }
    core.mark(self)
  }

  private func makeLibrary(_ address: SocketAddress) -> Int32 {
    guard let context, let attempt = client, let socket = sockets.first else { return NGTCP2_ERR_INTERNAL }
    let isName = SocketAddress(attempt.serverName, port: 0) == nil
    guard let session = cq_tls_new(context.pointer, attempt.serverName, isName ? 1 : 0) else {
      return NGTCP2_ERR_CRYPTO
    }
    tls = session
    var remote = address.raw
    cq_path_set_remote(path, socket.raw, &remote)
    var destination = ngtcp2_cid(), source = ngtcp2_cid()
    cq_random_cid(&destination, 18)
    cq_random_cid(&source, 16)
    originalID = destination.bytes
    var settings = options.raw(now: core.now)
    settings.handshake_timeout /= UInt64(max(attempt.addresses.count, 1))
    let token = endpoint.token(for: "\(attempt.serverName):\(attempt.port)")
    var made: OpaquePointer?
    let result = token.withUnsafeBufferPointer { token in
      (settings.token, settings.token_size) = (token.baseAddress, token.count)
      return cq_client_new(&made, &destination, &source, path, &settings, Unmanaged.passUnretained(self).toOpaque())
    }
    guard result == 0, let made else { return result == 0 ? NGTCP2_ERR_INTERNAL : result }
    library = made
    cq_tls_bind(session, made)
    return 0
  }

  private func tearDownAttempt() {
    timer?.cancel()
    held = nil
    if let library {
      ngtcp2_conn_del(library)
      self.library = nil
    }
    cq_tls_free(tls)
    tls = nil
    for socket in sockets { socket.close() }
    sockets = []
  }

  /// The address in use does not answer; before the handshake's end the next one is tried.
  func attemptFailed(_ reason: ConnectionClose) {
    if state == .starting, client != nil { tryNextAddress(orEnd: reason) } else { end(reason) }
  }

  /// A client's socket reports an error. Once connected it is no proof of anything, and the timers decide.
  func socketFailed(_ error: Int32) {
    guard !isServer, state == .starting else { return }
    let reason: ConnectionClose =
      error == ECONNREFUSED
      ? .refused(address: place) : .unreachable(address: place, reason: String(cString: cq_error_text(error)))
    guard error != EMSGSIZE, error != EAGAIN else { return }
    // Not within the writer's loop.
    pendingFailure = reason
    core.mark(self)
  }

  func beginMigration() {
    guard let library, state == .open, let peerAddress else { return wantsMigration = false }
    guard sockets.count < 4, migrationAttempts < 50 else { return wantsMigration = false }
    migrationAttempts += 1
    do {
      let any = SocketAddress(peerAddress.isIPv6 ? "::" : "0.0.0.0", port: 0) ?? peerAddress
      let socket = try UDPSocket(core: core, bind: any, connect: peerAddress, offload: options.usesOffload)
      var remote = peerAddress.raw
      cq_path_set_remote(path, socket.raw, &remote)
      let result = path.withPath { ngtcp2_conn_initiate_migration(library, $0, core.now) }
      if result == 0 {
        wantsMigration = false
        socket.connection = self
        sockets.append(socket)
      } else {
        // Too early: the handshake is not confirmed, or the peer has given no further id yet.
        socket.close()
        let retry = result == NGTCP2_ERR_INVALID_STATE || result == NGTCP2_ERR_CONN_ID_BLOCKED
        if !retry { wantsMigration = false }
      }
    } catch {
      wantsMigration = false
    }
  }
}

extension ngtcp2_cid {
  var bytes: [UInt8] { withUnsafeBytes(of: data) { Array($0.prefix(datalen)) } }
}

extension UnsafeMutablePointer<cq_path> {
  /// The path in it, at its address.
  @inline(__always)
  func withPath<Result>(_ body: (UnsafeMutablePointer<ngtcp2_path>) -> Result) -> Result {
    body(UnsafeMutableRawPointer(self).assumingMemoryBound(to: ngtcp2_path.self))
  }
}

extension QUICOptions {
  func raw(now: UInt64) -> cq_options {
    var raw = cq_options()
    raw.now = now
    (raw.idle_timeout, raw.handshake_timeout) = (idleTimeout.nanoseconds, max(handshakeTimeout.nanoseconds, 1))
    let most: UInt64 = 1 << 60
    (raw.connection_window, raw.stream_window) = (min(connectionWindow, most), min(streamWindow, most))
    (raw.streams_bidi, raw.streams_uni) = (min(openBidirectionalStreams, most), min(openUnidirectionalStreams, most))
    raw.max_packet = UInt64(min(max(maximumPacketSize, 1200), 16 << 10))
    raw.takes_datagrams = datagramQueue > 0 ? 1 : 0
    switch congestionControl {
    case .cubic: raw.congestion = 0
    case .reno: raw.congestion = 1
    case .bbr: raw.congestion = 2
    }
    return raw
  }
}

extension LoopCore {
  /// Runs `action` after `nanoseconds`.
  func afterTime(_ nanoseconds: UInt64, _ action: @escaping () -> Void) {
    LoopTimer(core: self, action: action).arm(at: now &+ nanoseconds)
  }
}

import CQuic
import MoQKernel

extension QUICConnection {
  /// Takes in one packet.
  func received(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ packet: UnsafeMutablePointer<cq_packet>) {
    numbers.bytesReceived &+= UInt64(size)
    numbers.packetsReceived &+= 1
    guard state != .closed, let library else { return answerAfterwards(packet) }
    withSockaddrs(packet) { local, remote in
      cq_path_set(path, local, packet.pointee.locallen, remote, packet.pointee.fromlen)
    }
    let stops = cq_writer_stops(writer)
    let result = path.withPath { cq_read(library, $0, packet.pointee.ecn, data, size, stops, core.now) }
    core.mark(self)
    switch result {
    case 0: if let count = stops?.pointee.count, count > 0 { tellStops(Int(count)) }
    case NGTCP2_ERR_DRAINING: peerClosed(library)
    case NGTCP2_ERR_RETRY: end(.failed("the server asks for a Retry that cannot be served"))
    case NGTCP2_ERR_DROP_CONN: end(.failed("the handshake was dropped"))
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION: end(.version(offered: offeredVersions ?? []))
    default: fail(result)
    }
  }

  private func withSockaddrs(
    _ packet: UnsafeMutablePointer<cq_packet>, _ body: (UnsafePointer<sockaddr>, UnsafePointer<sockaddr>) -> Void
  ) {
    body(UnsafePointer(cq_packet_local(packet)), UnsafePointer(cq_packet_from(packet)))
  }

  /// Tells of the peer's STOP_SENDING frames in the packet just read.
  private func tellStops(_ count: Int) {
    // Copied first: what is told may cause anything.
    var found: [(Int64, UInt64)] = []
    for i in 0..<count {
      var code: UInt64 = 0
      let id = cq_stop_at(writer, Int64(i), &code)
      found.append((id, code))
    }
    for (id, code) in found { if let stream = streams[id] { stopped(stream, code) } }
  }

  private func stopped(_ stream: QUICStream, _ code: UInt64) {
    guard !stream.wasStopped, !stream.sendingIsOver, !stream.toldAcknowledged else { return }
    stream.wasStopped = true
    dropSending(stream)
    tellUser(stream) { $0.wasStopped(stream, code: code) }
  }

  /// Tells the handler, unless this side has closed the connection and wants to know no more.
  @inline(__always)
  private func tellUser(_ body: (ConnectionHandler) -> Void) {
    guard state == .open else { return }
    hasNews = true
    body(handler)
  }

  /// The same of a stream.
  @inline(__always)
  private func tellUser(_ stream: QUICStream, _ body: (ConnectionHandler) -> Void) {
    guard state == .open else { return }
    hasNews = true
    body(stream.handler ?? handler)
  }

  // MARK: What the library reports

  @inline(__always)
  private static func of(_ pointer: UnsafeMutableRawPointer?, _ body: (QUICConnection) -> Void) -> Int32 {
    guard let pointer else { return -1 }
    Unmanaged<QUICConnection>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
    return 0
  }

  @inline(__always)
  private static func stream(_ pointer: UnsafeMutableRawPointer?) -> QUICStream? {
    pointer.map { Unmanaged<QUICStream>.fromOpaque($0).takeUnretainedValue() }
  }

  /// Makes the library call this class, on this thread.
  static func useCallbacks() { cq_use_callbacks(UnsafePointer(bitPattern: callbacks)) }

  /// The address of the table of what the library calls, the same for all connections. It is never freed.
  private static let callbacks: UInt = {
    var on = cq_callbacks()
    on.handshake_completed = { u in of(u) { $0.handshakeIsComplete() } }
    on.stream_open = { u, id in of(u) { $0.peerOpened(id) } }
    on.stream_data = { u, s, id, data, size, fin in
      of(u) { connection in
        guard let stream = stream(s) else { return }
        connection.received(stream, UnsafeRawBufferPointer(start: data, count: size), fin: fin != 0)
      }
    }
    on.stream_acked = { u, s, end, size in
      of(u) { connection in if let stream = stream(s) { connection.acknowledged(stream, Int(size)) } }
    }
    on.stream_reset = { u, s, code in
      of(u) { connection in if let stream = stream(s) { connection.peerReset(stream, code) } }
    }
    on.stream_close = { u, s, id, hasCode, code in
      of(u) { $0.ended(stream(s), id, code: hasCode != 0 ? code : nil) }
    }
    on.stream_unblocked = { u, s in
      of(u) { connection in
        guard let stream = stream(s) else { return }
        if stream.isBlocked {
          stream.isBlocked = false
          connection.blockedStreams &-= 1
        }
        connection.schedule(stream)
      }
    }
    on.streams_available = { u, bidirectional in of(u) { $0.openWaiting(bidirectional != 0) } }
    on.datagram = { u, data, size in
      of(u) { connection in
        connection.numbers.datagramsReceived &+= 1
        connection.tellUser { $0.received(datagram: UnsafeRawBufferPointer(start: data, count: size)) }
      }
    }
    on.datagram_lost = { u in of(u) { $0.numbers.datagramsLost &+= 1 } }
    on.new_cid = { u, cid, token, size in
      guard let cid, let token else { return -1 }
      return of(u) { $0.makeID(cid, token, size) }
    }
    on.retire_cid = { u, cid in
      guard let cid else { return 0 }
      return of(u) { $0.retireID(CIDKey(cid)) }
    }
    on.path_validated = { u, path, success in
      guard let path else { return 0 }
      return of(u) { $0.pathWasTried(path, success: success != 0) }
    }
    on.new_token = { u, token, size in
      of(u) { $0.client?.remember(token: [UInt8](UnsafeBufferPointer(start: token, count: size)), in: $0.endpoint) }
    }
    on.stateless_reset = { u in of(u) { $0.sawStatelessReset = true } }
    on.versions = { u, list, count in
      of(u) { $0.offeredVersions = Array(UnsafeBufferPointer(start: list, count: min(count, 64))) }
    }
    let table = UnsafeMutablePointer<cq_callbacks>.allocate(capacity: 1)
    table.initialize(to: on)
    return UInt(bitPattern: table)
  }()

  private func handshakeIsComplete() {
    guard state == .starting, let tls, let library else { return }
    var name = [UInt8](repeating: 0, count: 256)
    let size = cq_tls_protocol(tls, &name, name.count)
    alpn = size > 0 ? String(decoding: name.prefix(Int(size)), as: UTF8.self) : ""
    state = .open
    notePath(ngtcp2_conn_get_path(library))
    if isServer {
      endpoint.handshakeEnded(self)
      endpoint.submitToken(library)
      // A client is known that waits for a session ticket before it speaks.
      cq_tls_send_ticket(tls)
      handler = endpoint.accept(self)
    } else {
      client?.isOver = true
    }
    applyKeepAlive()
    _ = updateDatagramSize()
    tellUser { $0.connected(self) }
    openWaiting(true)
    openWaiting(false)
  }

  private func peerOpened(_ id: Int64) {
    guard let library else { return }
    let stream = newStream(bidirectional: ngtcp2_is_bidi_stream(id) != 0, local: false)
    stream.id = id
    ngtcp2_conn_set_stream_user_data(library, id, streams.insert(stream))
    receivedStreams &+= 1
    if let cap = options.maximumReceivedStreams, receivedStreams >= cap { capIsReached = true }
    tellUser { $0.opened(stream) }
  }

  @inline(__always)
  private func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, fin: Bool) {
    guard !stream.receivingIsOver else { return }
    stream.unreturned &+= bytes.count
    if fin { stream.receivingIsOver = true }
    if state == .open {
      hasNews = true
      (stream.handler ?? handler).received(stream, bytes, fin: fin)
    } else {
      forgive(stream)
    }
    if fin, cq_keeps_remote_uni() != 0 { retireReceived(stream) }
  }

  private func peerReset(_ stream: QUICStream, _ code: UInt64) {
    guard !stream.receivingIsOver else { return }
    stream.receivingIsOver = true
    forgive(stream)
    tellUser(stream) { $0.wasReset(stream, code: code) }
    if cq_keeps_remote_uni() != 0 { retireReceived(stream) }
  }

  /// Closes a unidirectional stream of the peer in the library's place: ngtcp2 before 0.14 never does.
  ///
  /// Also after a STOP_SENDING of ours: if the stream's end is on its way already, nothing is ever reported.
  func retireReceived(_ stream: QUICStream) {
    guard cq_keeps_remote_uni() != 0, !stream.isLocal, !stream.isBidirectional, !stream.isClosed, let library else {
      return
    }
    ngtcp2_conn_set_stream_user_data(library, stream.id, nil)
    if !capIsReached { ngtcp2_conn_extend_max_streams_uni(library, 1) }
    stream.isClosed = true
    stream.chunks.removeAll()
    if let stream = streams.remove(stream.id) { ended.append(stream) }
    core.mark(self)
  }

  @inline(__always)
  private func acknowledged(_ stream: QUICStream, _ count: Int) {
    stream.chunks.acknowledged(count)
    stream.acknowledged &+= UInt64(count)
    // An end that went alone is acknowledged by a call of its own, for no bytes.
    if stream.endSent, stream.acknowledged == stream.written, !stream.endSentAlone || count == 0 {
      tellAcknowledged(stream)
    }
  }

  private func tellAcknowledged(_ stream: QUICStream) {
    guard !stream.toldAcknowledged else { return }
    stream.toldAcknowledged = true
    tellUser(stream) { $0.acknowledged(stream) }
  }

  /// The library has closed a stream: both halves are over and acknowledged.
  private func ended(_ stream: QUICStream?, _ id: Int64, code: UInt64?) {
    guard let library else { return }
    if ngtcp2_conn_is_local_stream(library, id) == 0, !capIsReached {
      if ngtcp2_is_bidi_stream(id) != 0 {
        ngtcp2_conn_extend_max_streams_bidi(library, 1)
      } else if cq_keeps_remote_uni() == 0 {
        ngtcp2_conn_extend_max_streams_uni(library, 1)
      }
    }
    guard let stream, !stream.isClosed else { return }
    lossesOfEndedStreams &+= UInt64(ngtcp2_conn_get_stream_loss_count(library, id))
    if !stream.sendingIsOver {
      // The code may be that of the other half.
      if stream.endSent, stream.acknowledged == stream.written {
        tellAcknowledged(stream)
      } else if let code {
        stopped(stream, code)
      }
    }
    if stream.isBlocked {
      stream.isBlocked = false
      blockedStreams &-= 1
    }
    (stream.isClosed, stream.sendingIsOver, stream.receivingIsOver) = (true, true, true)
    sendQueue.remove(stream)
    stream.unsent = 0
    stream.chunks.removeAll()
    guard var kept = streams.remove(id) else { return }
    hasNews = true
    if state == .open { (kept.handler ?? handler).closed(kept) }
    recycle(&kept)
  }

  /// Puts a stream that nobody knows any more into the pool; its credit goes back.
  func recycle(_ stream: inout QUICStream) {
    guard isKnownUniquelyReferenced(&stream) else { return }
    forgive(stream)
    stream.handler = nil
    if pool.count < 256 { pool.append(stream) }
  }

  // MARK: Ids and paths

  private func makeID(_ cid: UnsafeMutablePointer<ngtcp2_cid>, _ token: UnsafeMutablePointer<UInt8>, _ size: Int) {
    cq_random_cid(cid, size)
    ngtcp2_crypto_generate_stateless_reset_token(token, endpoint.secret, endpoint.secret.count, cid)
    if isServer { endpoint.route(CIDKey(cid), to: self) }
  }

  private func retireID(_ key: CIDKey) {
    if isServer { endpoint.unroute(key, of: self) }
  }

  /// Remembers the addresses of the path in use.
  func notePath(_ path: UnsafePointer<ngtcp2_path>?) {
    guard let path = path?.pointee else { return }
    var address = cq_address()
    cq_address_get(path.remote.addr, &address)
    peerAddress = SocketAddress(address)
    cq_address_get(path.local.addr, &address)
    localAddress = SocketAddress(address)
  }

  private func pathWasTried(_ path: UnsafePointer<ngtcp2_path>, success: Bool) {
    guard success else { return }
    notePath(path)
    if !isServer { client?.moved(self) }
  }
}

/// A connection id, as a key.
struct CIDKey: Hashable {
  private var a: UInt64 = 0, b: UInt64 = 0, c: UInt32 = 0
  private var size: UInt32 = 0

  init(_ bytes: UnsafePointer<UInt8>, _ size: Int) {
    self.size = UInt32(truncatingIfNeeded: size)
    let count = min(size, 20)
    withUnsafeMutableBytes(of: &self) { $0.copyMemory(from: UnsafeRawBufferPointer(start: bytes, count: count)) }
  }

  init(_ cid: UnsafePointer<ngtcp2_cid>) {
    self.init(cq_cid_bytes(cid), cid.pointee.datalen)
  }
}

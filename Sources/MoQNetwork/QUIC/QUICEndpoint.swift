import CQuic
import Glibc

/// Sockets on a loop: listens for connections and makes them. Touched on its loop only.
public final class QUICEndpoint: LoopMember {
  public let loop: Loop
  let core: LoopCore
  /// Seeds reset and address tokens.
  private(set) var secret: [UInt8]
  private(set) var listeners: [UDPSocket] = []
  private var context: TLSContext?
  private(set) var options = QUICOptions()
  private(set) var accept: (QUICConnection) -> ConnectionHandler = { _ in ConnectionHandler() }

  private var routes: [CIDKey: QUICConnection] = [:]
  private var lastKey: CIDKey?
  private var lastConnection: QUICConnection?
  private var live: [ObjectIdentifier: QUICConnection] = [:]
  /// Connections that are over but whose ids still count.
  private var lingering: [ObjectIdentifier: QUICConnection] = [:]
  private var handshakes = 0
  /// What it answered without a connection.
  public private(set) var counters = Counters()
  private var resetsThisTick = 0, resetTick: UInt64 = 0
  private(set) var isClosed = false
  /// What it tells its connections when it closes.
  private var last: (code: UInt64, reason: String)?

  private var clientContext: (trust: TLSTrust, alpns: [String], keyLog: String?, context: TLSContext)?
  private var tokens: [String: [UInt8]] = [:]

  /// Called on the loop, as is every other method.
  public init(loop: Loop) {
    (self.loop, core) = (loop, loop.core)
    secret = [UInt8](repeating: 0, count: 32)
    cq_random(&secret, secret.count)
    super.init()
  }

  deinit { for socket in listeners { socket.close() } }

  /// Answers to packets that belong to no connection, counted.
  public struct Counters: Sendable {
    public var retries: UInt64 = 0
    public var refusals: UInt64 = 0
    public var versionNegotiations: UInt64 = 0
    public var statelessResets: UInt64 = 0
    /// Packets that were worth no answer.
    public var ignored: UInt64 = 0
  }

  /// The connections that are alive.
  public var connections: [QUICConnection] { Array(live.values) }

  /// How many connections there are, those that linger after their end included.
  public var counts: ConnectionCounts { ConnectionCounts(alive: live.count, lingering: lingering.count) }

  /// Calls `body` once, as soon as there is no connection, not even one that lingers.
  public func whenEmpty(_ body: @escaping () -> Void) {
    guard !live.isEmpty || !lingering.isEmpty else { return body() }
    whoAwaitsTheLast.append(body)
  }
  private var whoAwaitsTheLast: [() -> Void] = []

  /// Where it listens.
  public var addresses: [SocketAddress] { listeners.map(\.address) }

  // MARK: Listening

  /// Listens on every one of `addresses`. Once per endpoint.
  ///
  /// `accept` is called for each connection whose handshake is complete, with its `alpn` known, and names who
  /// handles it; `alpns` are in the server's order of preference. Port 0 means any port, the same one for all
  /// addresses. Returns the bound addresses.
  @discardableResult
  public func listen(
    on addresses: [SocketAddress], identity: TLSIdentity, alpns: [String], options: QUICOptions = QUICOptions(),
    accept: @escaping (QUICConnection) -> ConnectionHandler
  ) throws(NetworkError) -> [SocketAddress] {
    guard !isClosed, !core.isStopping else { throw .shutDown }
    context = try TLSContext(identity: identity, alpns: alpns, keyLog: options.keyLogPath)
    (self.options, self.accept) = (options, accept)
    if !options.secret.isEmpty {
      var digest = [UInt8](repeating: 0, count: 32)
      cq_sha256(options.secret, options.secret.count, &digest)
      secret = digest
    }
    try bind(addresses)
    core.members[ObjectIdentifier(self)] = self
    return self.addresses
  }

  /// The same for a name or digits; "" and "*" are all addresses. The caller is isolated to the loop.
  @discardableResult
  public nonisolated(nonsending) func listen(
    host: String, port: UInt16, identity: TLSIdentity, alpns: [String], options: QUICOptions = QUICOptions(),
    accept: @escaping (QUICConnection) -> ConnectionHandler
  ) async throws(NetworkError) -> [SocketAddress] {
    let found = try await Self.resolve(host: host, port: port, toListen: true)
    loop.checkCurrent()
    return try listen(on: found, identity: identity, alpns: alpns, options: options, accept: accept)
  }

  /// The addresses of `host`; digits and "localhost" need no look-up. "" and "*" are all addresses of this
  /// machine when it is to listen, and its loopback otherwise.
  public static func resolve(host: String, port: UInt16, toListen: Bool = false) async throws(NetworkError)
    -> [SocketAddress]
  {
    let host = host.isEmpty || host == "*" ? (toListen ? "*" : "localhost") : host
    if let known = Resolver.known(host, port: port) { return known }
    let result = await withCheckedContinuation { continuation in
      Resolver.resolve(host, port: port) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  private func bind(_ addresses: [SocketAddress]) throws(NetworkError) {
    var failure: NetworkError?
    // An ephemeral port that is free for IPv4 may be taken for IPv6: then another one is tried.
    for _ in 0..<8 {
      var port: UInt16 = 0
      failure = nil
      for var address in addresses {
        let anyPort = address.port == 0
        if anyPort { address.port = port }
        do {
          let socket = try UDPSocket(core: core, bind: address, offload: options.usesOffload)
          socket.endpoint = self
          listeners.append(socket)
          port = socket.address.port
        } catch {
          // A machine without IPv6 still listens on the rest.
          if error.number == EAFNOSUPPORT || error.number == EADDRNOTAVAIL, address.isIPv6, addresses.count > 1 {
            continue
          }
          failure = Self.explain(error.number, address)
          break
        }
      }
      if failure == nil, !listeners.isEmpty { return }
      for socket in listeners { socket.close() }
      listeners = []
      guard case .portInUse = failure, addresses.contains(where: { $0.port == 0 }), addresses.count > 1 else { break }
    }
    throw failure
      ?? .system(call: "bind", place: addresses.map(\.description).joined(separator: ", "), reason: "no address")
  }

  private static func explain(_ number: Int32, _ address: SocketAddress) -> NetworkError {
    switch number {
    case EADDRINUSE: .portInUse(address.description)
    case EACCES, EPERM: .permissionDenied(address.description)
    case EADDRNOTAVAIL: .addressNotAvailable(address.description)
    case ENOMEM: .noMemory
    default: .system(call: "bind", place: address.description, reason: String(cString: cq_error_text(number)))
    }
  }

  // MARK: Connecting

  /// Begins a connection and returns it at once; `handler` learns how it goes on.
  ///
  /// `alpns` are offered in order of preference; `serverName` (by default the host) is what the certificate
  /// must be for. All addresses of the host are tried, one after the other.
  public func connect(
    host: String, port: UInt16, serverName: String? = nil, alpns: [String], trust: TLSTrust,
    options: QUICOptions = QUICOptions(), handler: ConnectionHandler
  ) -> QUICConnection {
    let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
    let connection = QUICConnection(endpoint: self, handler: handler, isServer: false, options: options)
    connection.client = ClientAttempt(host: "\(host):\(port)", port: port, serverName: serverName ?? bare)
    live[ObjectIdentifier(connection)] = connection
    core.members[ObjectIdentifier(self)] = self
    guard !isClosed, !core.isStopping else {
      begin(connection, .failure(.shutDown))
      return connection
    }
    do {
      connection.context = try clientContext(trust, alpns, options.keyLogPath)
    } catch {
      begin(connection, .failure(error))
      return connection
    }
    if let known = Resolver.known(bare, port: port) {
      begin(connection, .success(known))
    } else {
      let bound = LoopBound((self, connection), on: loop), loop = loop
      Resolver.resolve(bare, port: port) { result in
        loop.post {
          let (endpoint, connection) = bound.value
          endpoint.begin(connection, result)
        }
      }
    }
    return connection
  }

  /// Goes on in the tick's end, so that the caller has the connection before its handler hears of it.
  private func begin(_ connection: QUICConnection, _ result: Result<[SocketAddress], NetworkError>) {
    core.tickEnd.append {
      switch result {
      case .success(let addresses):
        connection.client?.addresses = addresses
        connection.tryNextAddress(orEnd: .failed("no address"))
      case .failure(.unresolved(let host, let reason)): connection.end(.unresolved(host: host, reason: reason))
      case .failure(let error): connection.end(.failed(error.description))
      }
    }
  }

  private func clientContext(_ trust: TLSTrust, _ alpns: [String], _ keyLog: String?) throws(NetworkError) -> TLSContext
  {
    if let last = clientContext, last.trust == trust, last.alpns == alpns, last.keyLog == keyLog { return last.context }
    let context = try TLSContext(trust: trust, alpns: alpns, keyLog: keyLog)
    clientContext = (trust, alpns, keyLog, context)
    return context
  }

  func token(for server: String) -> [UInt8] { tokens.removeValue(forKey: server) ?? [] }

  func remember(_ token: [UInt8], for server: String) {
    if tokens.count >= 64, let any = tokens.keys.first { tokens[any] = nil }
    tokens[server] = token
  }

  // MARK: Closing

  /// Closes all connections and sockets with the end of this tick; nothing that is queued is waited for.
  public func close(code: UInt64 = 0, reason: String = "") {
    guard !isClosed else { return }
    isClosed = true
    last = (code, reason)
    core.mark(self)
  }

  override func flush() {
    guard let (code, reason) = last else { return }
    last = nil
    for connection in live.values {
      if connection.isOpen { connection.handler.endpointCloses(connection) }
      connection.close(code: code, reason: reason, afterSending: false)
      connection.flush()
      if connection.state != .closed { connection.end(.application(code: code, reason: reason, byPeer: false)) }
    }
    for connection in lingering.values { connection.leave() }
    for socket in listeners { socket.close() }
    listeners = []
    (routes, lastKey, lastConnection) = ([:], nil, nil)
    core.members[ObjectIdentifier(self)] = nil
  }

  override func loopEnds() { close() }

  // MARK: Its connections

  func ended(_ connection: QUICConnection) {
    if connection.isServer { handshakeEnded(connection) }
    if live.removeValue(forKey: ObjectIdentifier(connection)) != nil {
      lingering[ObjectIdentifier(connection)] = connection
    }
  }

  func left(_ connection: QUICConnection) {
    lingering[ObjectIdentifier(connection)] = nil
    if lastConnection === connection { (lastKey, lastConnection) = (nil, nil) }
    guard live.isEmpty, lingering.isEmpty else { return }
    if listeners.isEmpty { core.members[ObjectIdentifier(self)] = nil }
    let waiting = whoAwaitsTheLast
    whoAwaitsTheLast = []
    for body in waiting { body() }
  }

  func handshakeEnded(_ connection: QUICConnection) {
    guard connection.countsAsHandshake else { return }
    connection.countsAsHandshake = false
    handshakes -= 1
  }

  func route(_ key: CIDKey, to connection: QUICConnection) {
    routes[key] = connection
    connection.routes.append(key)
  }

  func unroute(_ key: CIDKey, of connection: QUICConnection, keeping: Bool = false) {
    routes[key] = nil
    if lastKey == key { (lastKey, lastConnection) = (nil, nil) }
    if !keeping { connection.routes.removeAll { $0 == key } }
  }

  func submitToken(_ library: OpaquePointer) { cq_submit_token(library, secret, secret.count, core.now) }

  // MARK: Packets

  /// The length of a listener's connection ids.
  static var idLength: Int { 18 }

  func received(
    _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ packet: UnsafeMutablePointer<cq_packet>, on socket: UDPSocket
  ) {
    guard size > 0 else { return }
    var ids = ngtcp2_version_cid()
    let result = cq_decode(data, size, Self.idLength, &ids)
    if result == NGTCP2_ERR_VERSION_NEGOTIATION {
      // Only to what is as large as an Initial: the answer must not be larger than the question.
      if size >= 1200 {
        counters.versionNegotiations &+= 1
        answer(packet, on: socket) { cq_write_version_negotiation($0, $1, &ids) }
      }
      return
    }
    guard result == 0, let destination = ids.dcid else {
      counters.ignored &+= 1
      return
    }
    let key = CIDKey(destination, ids.dcidlen)
    if key == lastKey, let lastConnection { return lastConnection.received(data, size, packet) }
    if let connection = routes[key] {
      (lastKey, lastConnection) = (key, connection)
      return connection.received(data, size, packet)
    }
    if data[0] & 0x80 == 0 {
      forgotten(data, size, packet, on: socket)
    } else if let connection = begin(data, size, packet, on: socket, key: key) {
      connection.received(data, size, packet)
    }
  }

  /// A packet of a connection that nobody knows: its sender is told so, within bounds.
  private func forgotten(
    _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ packet: UnsafeMutablePointer<cq_packet>, on socket: UDPSocket
  ) {
    if resetTick != core.now { (resetTick, resetsThisTick) = (core.now, 0) }
    guard resetsThisTick < 64 else { return }
    resetsThisTick += 1
    counters.statelessResets &+= 1
    answer(packet, on: socket) { [secret] in
      cq_write_stateless_reset($0, $1, data, size, Self.idLength, secret, secret.count)
    }
  }

  private func answer(
    _ packet: UnsafeMutablePointer<cq_packet>, on socket: UDPSocket, _ write: (UnsafeMutablePointer<UInt8>, Int) -> Int
  ) {
    guard let out = core.packets.writer.pointee.out, let from = cq_packet_from(packet) else { return }
    let size = write(out, 1500)
    guard size > 0 else { return }
    _ = socket.send(out, size, segment: size, ecn: 0, to: from, packet.pointee.fromlen, from: cq_packet_local(packet))
  }

  /// Begins a connection with a client's Initial, or answers why not.
  private func begin(
    _ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ packet: UnsafeMutablePointer<cq_packet>, on socket: UDPSocket,
    key: CIDKey
  ) -> QUICConnection? {
    guard !isClosed, let context else { return nil }
    var initial = cq_initial()
    guard cq_decode_initial(data, size, &initial) == 0, let from = cq_packet_from(packet) else {
      counters.ignored &+= 1
      return nil
    }
    let length = packet.pointee.fromlen
    var original = initial.hd.dcid
    let token = cq_verify_token(&initial, from, length, secret, secret.count, &original, core.now)
    if token < 0 {
      counters.refusals &+= 1
      answer(packet, on: socket) { cq_write_refusal($0, $1, &initial, 0x0b) }
      return nil
    }
    if token == 0, options.retry || handshakes >= options.maximumHandshakes / 2 {
      counters.retries &+= 1
      answer(packet, on: socket) { [secret, core] in
        cq_write_retry($0, $1, &initial, from, length, secret, secret.count, core.now)
      }
      return nil
    }
    guard handshakes < options.maximumHandshakes else {
      counters.ignored &+= 1
      return nil
    }
    guard live.count < options.maximumConnections else {
      counters.refusals &+= 1
      answer(packet, on: socket) { cq_write_refusal($0, $1, &initial, 0x02) }
      return nil
    }
    guard let session = cq_tls_new(context.pointer, nil, 0) else { return nil }
    let connection = QUICConnection(endpoint: self, handler: ConnectionHandler(), isServer: true, options: options)
    connection.tls = session
    connection.context = context
    connection.originalID = original.bytes
    var source = ngtcp2_cid()
    cq_random_cid(&source, Self.idLength)
    cq_path_set(connection.path, cq_packet_local(packet), packet.pointee.locallen, from, length)
    var settings = options.raw(now: core.now)
    if token > 0 { (settings.token, settings.token_size) = (initial.token, initial.token_size) }
    var made: OpaquePointer?
    let result = cq_server_new(
      &made, &initial.hd, &source, &original, token == 1 ? 1 : 0, connection.path, &settings, secret, secret.count,
      Unmanaged.passUnretained(connection).toOpaque())
    guard result == 0, let made else { return nil }
    connection.library = made
    cq_tls_bind(session, made)
    live[ObjectIdentifier(connection)] = connection
    connection.countsAsHandshake = true
    handshakes += 1
    connection.notePath(ngtcp2_conn_get_path(made))
    route(CIDKey(&source), to: connection)
    route(key, to: connection)
    return connection
  }
}

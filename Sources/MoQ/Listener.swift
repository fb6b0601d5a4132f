import MoQKernel
import MoQNetwork

/// A socket that accepts sessions: what servers and relays have in common.
final class Listener: Sendable {
  let loop: Loop
  let address: String
  let port: UInt16
  let fingerprint: String
  private let endpoint: LoopBound<QUICEndpoint>

  private init(_ loop: Loop, _ endpoint: LoopBound<QUICEndpoint>, _ addresses: [SocketAddress], _ identity: TLSIdentity)
  {
    (self.loop, self.endpoint) = (loop, endpoint)
    address = addresses.first?.description ?? ""
    port = addresses.first?.port ?? 0
    fingerprint = identity.fingerprint
  }

  /// Listens; `accept` is called on the loop with each new session's driver.
  static func start(
    on text: String, options: ServerOptions, runtime: Runtime, accept: @escaping @Sendable (SessionDriver) -> Void
  ) async throws(MoQError) -> Listener {
    try options.session.check()
    let (host, port) = try hostAndPort(text)
    let identity: TLSIdentity, addresses: [SocketAddress]
    do {
      identity =
        switch options.certificate {
        case .selfSigned(let names): try TLSIdentity.selfSigned(names: names)
        case .files(let certificate, let key): try TLSIdentity(certificateFile: certificate, keyFile: key)
        case .pem(let certificate, let key): try TLSIdentity(certificate: certificate, key: key)
        }
      addresses = try await QUICEndpoint.resolve(host: host, port: port, toListen: true)
    } catch {
      throw MoQError(error)
    }
    var quic = options.session.quic
    (quic.retry, quic.maximumConnections) = (options.retry, options.maximumConnections)
    if let maximum = options.maximumReceivedStreams { quic.maximumReceivedStreams = maximum }
    let session = options.session, policy = options.webTransport, loop = runtime.loop
    let result = Promise<Result<Listener, MoQError>>()
    loop.post { [quic] in
      let endpoint = QUICEndpoint(loop: loop), configuration = session.configuration(), registry = session.registry
      do throws(NetworkError) {
        func driver() -> SessionDriver {
          let driver = SessionDriver(SessionCore(role: .server, options: configuration, registry: registry), loop: loop)
          driver.traces = session.traces?.folder
          accept(driver)
          return driver
        }
        let subprotocols = SessionCore.subprotocols(for: configuration, as: .server, registry: registry)
        let alpns =
          SessionCore.alpns(for: configuration, as: .server, registry: registry)
          + (policy == nil ? [] : [HTTP3Connection.alpn])
        let bound = try endpoint.listen(on: addresses, identity: identity, alpns: alpns, options: quic) { connection in
          guard let policy, connection.alpn == HTTP3Connection.alpn else { return driver() }
          return HTTP3Connection(loop: loop, policy: policy, protocols: subprotocols) { _ in driver() }
        }
        result.fulfil(.success(Listener(loop, LoopBound(endpoint, on: loop), bound, identity)))
      } catch {
        endpoint.close()
        result.fulfil(.failure(MoQError(error)))
      }
    }
    guard let outcome = await result.wait() else {
      loop.post { if case .success(let listener) = result.value { listener.endpoint.value.close() } }
      throw .cancelledTask
    }
    return try outcome.get()
  }

  /// What the sockets answered without a connection. On the loop.
  var counters: QUICEndpoint.Counters { endpoint.value.counters }

  /// How many connections there are. On the loop.
  var connections: ConnectionCounts { endpoint.value.counts }
  /// Waits until there is no connection; ends early with the task.
  func connectionsGone() async { await endpoint.connectionsGone(on: loop) }

  /// How long peers have to confirm that they know of the end, in nanoseconds.
  private static var patience: UInt64 { 1_000_000_000 }

  /// Closes the sockets and what is left of the connections, once peers know that their sessions are over; then
  /// `done` is called, when what closing sends has left. On the loop.
  func close(done: @escaping @Sendable () -> Void = {}) {
    close(by: loop.now &+ Self.patience, done)
  }
  private func close(by deadline: UInt64, _ done: @escaping @Sendable () -> Void) {
    let endpoint = endpoint.value
    guard loop.now >= deadline || !endpoint.connections.contains(where: { $0.handler.awaitsPeer }) else {
      loop.schedule(at: loop.now &+ 2_000_000) { self.close(by: deadline, done) }
      return
    }
    endpoint.close()
    loop.schedule(at: loop.now &+ 1) { done() }
  }

  /// Takes `host:port` apart.
  static func hostAndPort(_ text: String) throws(MoQError) -> (String, UInt16) {
    func bad() -> MoQError {
      MoQError(
        .badOption, "\"\(text)\" is not an address to listen on: write host:port, as 127.0.0.1:4443 or [::]:4443")
    }
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { throw bad() }
    var host = text[..<colon]
    if host.first == "[", host.last == "]" {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw bad()
    }
    return (String(host), port)
  }
}

extension LoopBound where Value == QUICEndpoint {
  /// Waits until the endpoint has no connection, not even one that lingers; ends early with the task, or with the loop.
  func connectionsGone(on loop: Loop) async {
    let gone = Promise<Void>()
    guard loop.post({ value.whenEmpty { gone.fulfil(()) } }) else { return }
    _ = await gone.wait()
  }
}

import MoQKernel
import MoQNetwork

/// What a server shows to its clients.
public enum Certificate: Sendable, Equatable {
  /// One that is made on the spot, valid for ten days, for `localhost`, the loopback addresses and `names`.
  ///
  /// A client accepts it by its SHA-256: `server.fingerprint`.
  case selfSigned(names: [String] = [])
  /// A chain and its key, in PEM files.
  case files(certificate: String, key: String)
  /// The same as text.
  case pem(certificate: [UInt8], key: [UInt8])
}

/// What a server or a relay is made with.
public struct ServerOptions: Sendable {
  /// What it shows to its clients.
  public var certificate = Certificate.selfSigned()
  /// What its sessions are made with. `trust` does not count.
  public var session = SessionOptions()
  /// Whom WebTransport sessions are served to, on the same port; nil: nobody.
  public var webTransport: WebTransportPolicy? = WebTransportPolicy()
  /// Makes every client prove its address before anything is remembered of it (one more round trip).
  public var retry = false
  /// The most connections at a time; more are refused.
  public var maximumConnections = 10_000
  /// The most streams that a peer may open over the life of a connection; nil: what suits the QUIC library in use.
  ///
  /// When a peer has opened that many it is asked to go away and come back, or the session is closed at
  /// the end of a group.
  public var maximumReceivedStreams: UInt64?
  /// What each member says beside itself, with this certificate.
  public init(certificate: Certificate = .selfSigned()) { self.certificate = certificate }
}

/// Accepts sessions.
///
/// A server that is no longer referenced closes.
public final class Server: Sendable {
  private let listener: Listener
  private let inbox: Inbox<Session>
  private let hosts: LoopBound<Hosts>
  private let closed = Promise<Void>()

  private final class Hosts {
    var all: [ObjectIdentifier: WeakHost] = [:]
    var isClosed = false
  }
  private struct WeakHost { weak var host: SessionHost? }

  private init(_ listener: Listener, _ inbox: Inbox<Session>, _ hosts: LoopBound<Hosts>) {
    (self.listener, self.inbox, self.hosts) = (listener, inbox, hosts)
  }
  deinit { shutDown() }

  /// Listens on `address`, as `127.0.0.1:4443` or `[::]:443`. Port 0: any that is free.
  ///
  /// Throws `badOption`, `addressInUse`, `permissionDenied`, `unknownHost`, `transport` or `cancelled`.
  public static func listen(
    on address: String, options: ServerOptions = ServerOptions(), runtime: Runtime = .shared
  ) async throws(MoQError) -> Server {
    let loop = runtime.loop
    let inbox = Inbox<Session>(), hosts = LoopBound(Hosts(), on: loop)
    let listener = try await Listener.start(on: address, options: options, runtime: runtime) { driver in
      let shared = SessionShared(loop: loop), requests = Inbox<IncomingRequest>()
      let host = SessionHost(driver: driver, options: options.session, peer: "a client", shared: shared)
      host.publishing = PublishingHost(host, requests: requests)
      let bound = LoopBound(host, on: loop), id = ObjectIdentifier(host)
      hosts.value.all[id] = WeakHost(host: host)
      host.onOver = { hosts.value.all[id] = nil }
      host.onOutcome = { result in
        guard case .success(let facts) = result else { return }
        inbox.put(Session(bound, shared: shared, facts: facts, inbox: requests))
      }
    }
    return Server(listener, inbox, hosts)
  }

  /// The address, with the port that was taken.
  public var address: String { listener.address }
  /// The UDP port that was taken.
  public var port: UInt16 { listener.port }
  /// The SHA-256 of the certificate, in hexadecimal.
  public var fingerprint: String { listener.fingerprint }
  /// The sessions that clients make, each after its handshake. One consumer.
  public var sessions: Sessions { Sessions(inbox: inbox) }

  /// Takes no more sessions, and closes those there are.
  public func close() async {
    shutDown()
    _ = await Task.detached { [closed] in await closed.wait() }.value
  }

  private func shutDown() {
    inbox.close()
    listener.loop.post { [listener, hosts, closed, loop = listener.loop] in
      guard !hosts.value.isClosed else { return }
      hosts.value.isClosed = true
      for host in hosts.value.all.values { host.host?.close("the server ends") }
      // The sessions say goodbye at the end of this tick, and what is due now is part of it.
      loop.schedule(at: loop.now &+ 1) { listener.close { closed.fulfil(()) } }
    }
  }

  /// Sessions as clients make them. Ends with the server.
  public struct Sessions: AsyncSequence, Sendable {
    public typealias Element = Session
    public typealias Failure = Never
    let inbox: Inbox<Session>
    /// Takes the sessions one after the other.
    public struct AsyncIterator: AsyncIteratorProtocol {
      let inbox: Inbox<Session>
      /// The next session; nil: the server or the task has ended.
      public mutating func next(isolation actor: isolated (any Actor)?) async -> Session? {
        (try? await inbox.next(isolation: actor)) ?? nil
      }
      public mutating func next() async -> Session? { await next(isolation: nil) }
    }
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(inbox: inbox) }
  }
}

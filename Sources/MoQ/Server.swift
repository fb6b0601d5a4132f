/// What a server shows to its clients.
public enum Certificate: Sendable, Equatable {
  /// One that is made on the spot, valid for ten days, for `localhost`, the loopback addresses and `names`.
  ///
  /// A client accepts it by its SHA-256: `server.fingerprint`.
  case selfSigned(names: [String] = [])
  /// A chain and its key, in PEM files.
  case files(certificate: String, key: String)
}

/// What a server or a relay is made with.
public struct ServerOptions: Sendable {
  public var certificate = Certificate.selfSigned()
  /// What its sessions are made with. `trust` does not count.
  public var session = SessionOptions()
  /// Makes every client prove its address before anything is remembered of it (one more round trip).
  public var retry = false
  /// The most connections at a time; more are refused.
  public var maximumConnections = 10_000
  /// The most streams that a peer may open over the life of a connection; nil: what suits the QUIC library in use.
  ///
  /// When a peer has opened that many it is asked to go away and come back, or the session is closed at
  /// the end of a group.
  public var maximumReceivedStreams: UInt64?
  public init(certificate: Certificate = .selfSigned()) { self.certificate = certificate }
}

/// Accepts sessions.
public final class Server: Sendable {
  /// Listens on `address`, as `127.0.0.1:4443` or `[::]:443`. Port 0: any that is free.
  ///
  /// Throws `badOption`, `addressInUse`, `permissionDenied`, `unknownHost` or `transport`.
  public static func listen(
    on address: String, options: ServerOptions = ServerOptions(), runtime: Runtime = .shared
  ) async throws(MoQError) -> Server { throw MoQError(.unsupported, "") }

  /// The address, with the port that was taken.
  public var address: String { fatalError() }
  public var port: UInt16 { fatalError() }
  /// The SHA-256 of the certificate, in hexadecimal.
  public var fingerprint: String { fatalError() }
  /// The sessions that clients make, each after its handshake. One consumer.
  public var sessions: Sessions { fatalError() }
  /// Takes no more sessions, and closes those there are.
  public func close() async {}

  public struct Sessions: AsyncSequence, Sendable {
    public typealias Element = Session
    public typealias Failure = Never
    public struct AsyncIterator: AsyncIteratorProtocol {
      public mutating func next(isolation actor: isolated (any Actor)?) async -> Session? { nil }
      public mutating func next() async -> Session? { nil }
    }
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator() }
  }
}

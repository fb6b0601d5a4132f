/// What a relay is made with.
public struct RelayOptions: Sendable {
  public var server = ServerOptions()
  /// The most bytes kept of all tracks together; the oldest complete groups go first.
  public var cache = 256 << 20
  public init() {}
}

/// A relay: whatever one peer announces, every other may subscribe to, in whichever dialect.
public final class RelayServer: Sendable {
  /// Listens on `address`, as `127.0.0.1:4443`. Port 0: any that is free.
  public static func start(
    on address: String, options: RelayOptions = RelayOptions(), runtime: Runtime = .shared
  ) async throws(MoQError) -> RelayServer { throw MoQError(.unsupported, "") }

  /// The address, with the port that was taken.
  public var address: String { fatalError() }
  public var port: UInt16 { fatalError() }
  /// The SHA-256 of the certificate, in hexadecimal.
  public var fingerprint: String { fatalError() }
  /// The counters of this moment.
  public var statistics: RelayStatistics { get async { RelayStatistics() } }
  /// Serves until the task is cancelled or `close()` is called, then closes all sessions.
  public func run() async {}
  /// Asks all peers to go away, and closes.
  public func close() async {}
}

/// A relay's counters.
public struct RelayStatistics: Sendable, Equatable {
  /// Sessions now, and since the start.
  public var sessions = 0
  public var sessionsAccepted: UInt64 = 0
  /// Broadcasts that are announced, and tracks that are subscribed to upstream.
  public var broadcasts = 0
  public var tracks = 0
  public var subscriptions = 0
  /// Bytes in the cache.
  public var cachedBytes = 0
  /// Objects that came in, and that went out.
  public var objectsReceived: UInt64 = 0
  public var objectsSent: UInt64 = 0
  /// Groups that a subscriber did not get because it was too far behind.
  public var groupsSkipped: UInt64 = 0
}

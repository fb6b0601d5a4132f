/// Connects to `url`, lends the session to `body`, and closes it when `body` returns or throws.
///
/// - Parameter url: `moqt://host:port/path`. The port defaults to 443.
/// - Throws: `MoQError` if the session does not come about; else what `body` throws.
public func withSession<Value>(
  to url: String, options: SessionOptions = SessionOptions(), on runtime: Runtime = .shared,
  isolation: isolated (any Actor)? = #isolation, _ body: (Session) async throws -> Value
) async throws -> Value {
  let session = try await Session.connect(to: url, options: options, on: runtime)
  do {
    let value = try await body(session)
    await session.close()
    return value
  } catch {
    await session.close()
    throw error
  }
}

/// A session with one peer: subscribes, publishes, announces, and answers.
///
/// All methods may be called from any task. A session that is no longer referenced, by itself or by
/// what was made with it, closes.
public final class Session: Sendable {
}

extension Session {
  /// Connects to `url` and waits until both sides have agreed on a dialect.
  ///
  /// Throws `badURL`, `unsupported`, `unknownHost`, `nothingListens`, `untrusted`, `noCommonDialect`,
  /// `timeout`, `violation`, `transport` or `cancelled`.
  public static func connect(
    to url: String, options: SessionOptions = SessionOptions(), on runtime: Runtime = .shared
  ) async throws(MoQError) -> Session { throw MoQError(.unsupported, "") }

  /// The dialect both sides speak.
  public var dialect: SessionDialect { fatalError() }
  /// The peer's address, as `host:port`.
  public var peerAddress: String { fatalError() }
  /// What the peer calls its implementation, where it says so.
  public var peerImplementation: String? { fatalError() }
  /// The path the client asked for, on a server.
  public var peerPath: String? { fatalError() }

  /// The numbers of this moment.
  public var statistics: SessionStatistics { get async { fatalError() } }
  /// Waits until the session is over, and says how it ended.
  public var closed: SessionClosure { get async { fatalError() } }
  /// Whether the session is over.
  public var isClosed: Bool { fatalError() }
  /// Waits until the peer asks for the session to be moved (GOAWAY); nil: the session ended without.
  public var goAway: SessionMove? { get async { fatalError() } }

  /// Asks the peer to go elsewhere. `url` empty: to the same place, for a new session.
  public func sendGoAway(to url: String = "") async throws(MoQError) {}
  /// Ends the session, and waits until the peer has been told.
  public func close(reason: String = "") async {}

  // MARK: Receiving

  /// Subscribes to a track, and waits for the publisher's yes.
  ///
  /// - Parameters:
  ///   - start: the current group from its first object, if nothing is said. In dialects that cannot
  ///     express a start the subscription begins with the current group.
  ///   - priority: lower is sent first, among the subscriptions of this session.
  ///   - order: which of several groups is sent first.
  ///   - deliveryTimeout: objects older than that need not be sent; nil: all are.
  /// - Throws: `unknownTrack`, `unauthorized`, `refused`, `timeout`, `sessionClosed`, `inexpressible` or `cancelled`.
  public func subscribe(
    to broadcast: TrackNamespace, track: String, from start: Filter = .currentGroup, priority: UInt8 = 128,
    order: GroupOrder = .publisher, deliveryTimeout: Duration? = nil, authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> Subscription { throw MoQError(.unsupported, "") }

  /// Asks for objects of the past: from `start` through the object `end`, or through the whole of its group.
  ///
  /// Ends without an object where the publisher has none in the range.
  public func fetch(
    from broadcast: TrackNamespace, track: String, start: Location, endGroup: UInt64, endObject: UInt64? = nil,
    priority: UInt8 = 128, order: GroupOrder = .publisher, authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> FetchedObjects { throw MoQError(.unsupported, "") }

  /// Asks what the publisher says of a track without subscribing to it.
  public func trackStatus(of broadcast: TrackNamespace, track: String) async throws(MoQError) -> TrackState {
    throw MoQError(.unsupported, "")
  }

  /// Everything that is announced below `prefix`, now and later.
  public func announcements(under prefix: TrackNamespace = TrackNamespace()) async throws(MoQError) -> Announcements {
    throw MoQError(.unsupported, "")
  }

  // MARK: Publishing

  /// Announces a broadcast, and publishes its tracks to whoever subscribes. `broadcast.finish()` withdraws it.
  ///
  /// Throws `refused`, `unauthorized`, `timeout` or `sessionClosed` if the peer does not want it.
  public func publish(_ path: TrackNamespace) async throws(MoQError) -> Broadcast { throw MoQError(.unsupported, "") }

  /// Publishes a broadcast for as long as `body` runs, then waits until what was written has arrived.
  public func publish<Value>(
    _ path: TrackNamespace, isolation: isolated (any Actor)? = #isolation,
    _ body: (Broadcast) async throws -> Value
  ) async throws -> Value { throw MoQError(.unsupported, "") }

  // MARK: Answering

  /// What the peer asks for, if the session was made with `requests: .ask`. One consumer.
  public var requests: IncomingRequests { fatalError() }
}

/// A dialect, as it was negotiated.
public struct SessionDialect: Sendable, Hashable, CustomStringConvertible {
  /// As in `draft-14` or `moq-lite-01`.
  public let name: String
  /// The number of the version, where the dialect has one on the wire.
  public let version: UInt64?
  /// The peer profile in use; nil: the dialect's text.
  public let profile: String?
  /// What the connection's TLS handshake agreed on.
  public let alpn: String?
  public var description: String { profile.map { "\(name) (\($0))" } ?? name }
}

/// A session's numbers at one moment.
public struct SessionStatistics: Sendable, Equatable {
  public var smoothedRTT: Duration = .zero
  public var minimumRTT: Duration = .zero
  /// Bits a second that the congestion controller would allow now; 0: not known.
  public var estimatedBitrate: UInt64 = 0
  /// Bits a second that the peer says it expects (moq-lite's SESSION_UPDATE); nil: it does not say.
  public var peerBitrate: UInt64?
  public var bytesSent: UInt64 = 0
  public var bytesReceived: UInt64 = 0
  public var packetsSent: UInt64 = 0
  public var packetsLost: UInt64 = 0
  /// The part of the packets sent that was lost, 0 to 1.
  public var loss: Double { packetsSent == 0 ? 0 : Double(packetsLost) / Double(packetsSent) }
}

/// How a session ended.
public struct SessionClosure: Sendable, CustomStringConvertible {
  public enum Side: Sendable { case local, peer, transport }
  /// Who ended it.
  public let by: Side
  /// The reason, by its meaning.
  public let reason: SessionReason
  /// The code on the wire.
  public let code: UInt64
  /// What was said with it, or what failed.
  public let phrase: String
  /// Whether nothing went wrong.
  public var isClean: Bool { reason == .noError && by != .transport }
  public var description: String { phrase }
}

/// A peer's wish that the session be moved.
public struct SessionMove: Sendable, Hashable {
  /// Where to; nil: the same place.
  public let url: String?
}

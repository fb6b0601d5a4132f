import MoQKernel
import MoQNetwork

/// Connects to `url`, lends the session to `body`, and closes it when `body` returns or throws.
///
/// - Parameter url: `moqt://host:port/path`, or `https://host:port/path` for WebTransport. The port defaults to 443.
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
  let shared: SessionShared
  let bound: LoopBound<SessionHost>
  let facts: SessionFacts
  let inbox: Inbox<IncomingRequest>

  init(_ host: LoopBound<SessionHost>, shared: SessionShared, facts: SessionFacts, inbox: Inbox<IncomingRequest>) {
    (bound, self.shared, self.facts, self.inbox) = (host, shared, facts, inbox)
  }

  deinit {
    guard shared.closure.value == nil else { return }
    let bound = self.bound
    shared.loop.post { bound.value.close("") }
  }

  var loop: Loop { shared.loop }

  /// Runs `body` on the session's loop, soon.
  func post(_ body: @escaping @Sendable (SessionHost) -> Void) {
    loop.post { [bound] in
      bound.value.driver.tick()
      body(bound.value)
    }
  }

  /// Waits for an answer of the peer; if the task is cancelled before, `withdraw` runs on the loop.
  func answer<Value: Sendable>(
    _ promise: Promise<Result<Value, MoQError>>, isolation: isolated (any Actor)? = #isolation,
    withdraw: @escaping @Sendable (SessionHost) -> Void
  ) async throws(MoQError) -> Value {
    guard let result = await promise.wait() else {
      post(withdraw)
      throw .cancelledTask
    }
    return try result.get()
  }
}

extension Session {
  /// The dialect both sides speak.
  public var dialect: SessionDialect { facts.dialect }
  /// Whether the session is carried by raw QUIC or by WebTransport.
  public var transport: TransportKind { facts.transport }
  /// The peer's address, as `host:port`.
  public var peerAddress: String { facts.peerAddress }
  /// The connection's first destination id in hexadecimal, by which both sides' traces name the session. For a further
  /// session of WebTransport on the same connection, a hyphen and the number of its request's stream follow.
  public var connectionID: String { facts.connectionID }
  /// What the peer calls its implementation, where it says so.
  public var peerImplementation: String? { facts.peerImplementation }
  /// The path the client asked for, on a server.
  public var peerPath: String? { facts.peerPath }
  /// The tokens that the peer sent with the handshake, each as its value.
  public var peerAuthorization: [AuthorizationToken] { facts.peerAuthorization }

  /// The numbers of this moment.
  public var statistics: SessionStatistics {
    get async {
      let bound = self.bound
      let now = try? await loop.run { (bound.value.driver.statistics, bound.value.driver.withheldBytes) }
      let (numbers, withheld) = now ?? (TransportStatistics(), 0)
      return SessionStatistics(numbers, peerBitrate: shared.peerBitrate, withheldBytes: withheld)
    }
  }
  /// Waits until the session is over, and says how it ended.
  public var closed: SessionClosure {
    get async {
      await shared.closure.wait()
        ?? SessionClosure(by: .local, reason: .noError, code: 0, phrase: "the task that waited was cancelled")
    }
  }
  /// How the session ended; nil: it has not.
  public var closure: SessionClosure? { shared.closure.value }
  /// Whether the session is over.
  public var isClosed: Bool { shared.closure.value != nil }
  /// Waits until the peer asks for the session to be moved (GOAWAY); nil: the session ended without.
  public var goAway: SessionMove? { get async { await shared.move.wait() ?? nil } }

  /// Asks the peer to go elsewhere. `url` empty: to the same place, for a new session.
  ///
  /// What goes on may go on; a peer that has not left after `SessionOptions.goAwayTimeout` is closed.
  /// Throws `inexpressible` where the dialect has no words for it, or where only a server may say it.
  public func sendGoAway(to url: String = "") async throws(MoQError) {
    let promise = Promise<Result<Void, MoQError>>()
    post { host in
      promise.fulfil(
        host.attempt("asking the peer to go away") { () throws(CommandError) in try host.core.goAway(uri: url) })
    }
    try await answer(promise) { _ in }
  }
  /// Ends the session, and waits until its connection is closed: for as long as what was sent is on its way, a second
  /// at most. A process may end after that; the peer knows.
  public func close(reason: String = "") async {
    post { $0.close(reason) }
    // Of a cancelled task as well: it may end the process next.
    await Task.detached { [shared] in
      _ = await shared.closure.wait()
      _ = await shared.gone.wait()
      // What closing sends leaves at the end of that tick.
      _ = try? await shared.loop.run {}
    }.value
  }

  // MARK: Receiving

  /// Subscribes to a track, and waits for the publisher's yes.
  ///
  /// In drafts 07 to 14 a session has one subscription of a track at a time (§9.7 of draft-14), and a second one throws
  /// `inexpressible`: several readers share the groups of the first, or each has a session of its own. moq-lite and
  /// transfork allow any number.
  ///
  /// - Parameters:
  ///   - start: the current group from its first object, if nothing is said. In dialects that cannot
  ///     express a start the subscription begins with the current group.
  ///   - priority: lower is sent first, among the subscriptions of this session.
  ///   - order: which of several groups is sent first.
  ///   - deliveryTimeout: objects older than that need not be sent; nil: all are.
  ///   - keepsStatus: whether markers without a payload (end of group, missing object) are objects too.
  /// - Throws: `unknownTrack`, `unauthorized`, `refused`, `timeout`, `sessionClosed`, `inexpressible` or `cancelled`.
  public func subscribe(
    to broadcast: TrackNamespace, track: String, from start: Filter = .currentGroup, priority: UInt8 = 128,
    order: GroupOrder = .publisher, deliveryTimeout: Duration? = nil, authorization: [AuthorizationToken] = [],
    keepsStatus: Bool = false
  ) async throws(MoQError) -> Subscription {
    var request = SubscribeRequest(TrackName(broadcast, track), filter: start)
    (request.priority, request.groupOrder, request.deliveryTimeout) = (priority, order, deliveryTimeout)
    request.authorization = authorization
    let subscription = Subscription(self, request, keepsStatus: keepsStatus)
    try await subscription.begin()
    return subscription
  }

  /// Asks for objects of the past: from `start` through the object `endObject` of `endGroup`, or the whole of it.
  ///
  /// Ends without an object where the publisher has none in the range. Throws `inexpressible` where the dialect has no
  /// FETCH (moq-lite), `unknownTrack`, `unauthorized`, `refused`, `timeout`, `sessionClosed` or `cancelled`.
  public func fetch(
    from broadcast: TrackNamespace, track: String, start: Location, endGroup: UInt64, endObject: UInt64? = nil,
    priority: UInt8 = 128, order: GroupOrder = .publisher, authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> FetchedObjects {
    let name = TrackName(broadcast, track)
    var request = FetchRequest(.standalone(name, start: start, endGroup: endGroup, endObject: endObject))
    (request.priority, request.groupOrder, request.authorization) = (priority, order, authorization)
    return try await FetchedObjects.begin(self, what: "fetching from \(name)") { [request] _ in request }
  }

  /// Asks what the publisher says of a track without subscribing to it.
  ///
  /// A track that the peer does not know is `.doesNotExist`, whether it answers so or refuses. Throws `inexpressible`
  /// where the dialect has no words for the question (moq-lite), `unauthorized`, `refused`, `timeout`, `sessionClosed` or
  /// `cancelled`.
  public func trackStatus(
    of broadcast: TrackNamespace, track: String, authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> TrackState {
    let name = TrackName(broadcast, track), promise = Promise<Result<TrackState, MoQError>>()
    let what = "asking for the state of \(name)"
    post { host in
      let asked = host.attempt(what) { () throws(CommandError) in
        try host.core.trackStatus(name, authorization: authorization)
      }
      switch asked {
      case .success(let key): host.statuses[key] = (what, promise)
      case .failure(let error): promise.fulfil(.failure(error))
      }
    }
    return try await answer(promise) { _ in }
  }

  /// Everything that is announced below `prefix`, now and later.
  ///
  /// Drafts 07 to 14 cannot ask with an empty prefix; there, an empty one hears only of what the peer tells unasked.
  /// Throws `refused`, `unauthorized`, `timeout`, `sessionClosed` or `cancelled` if the peer does not say yes.
  public func announcements(
    under prefix: TrackNamespace = TrackNamespace(), authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> Announcements {
    try await Announcements.begin(self, prefix, authorization)
  }

  // MARK: Publishing

  /// Announces a broadcast, and publishes its tracks to whoever subscribes. `broadcast.finish()` withdraws it.
  ///
  /// Throws `refused`, `unauthorized`, `timeout` or `sessionClosed` if the peer does not want it.
  public func publish(
    _ path: TrackNamespace, authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> Broadcast {
    try await Broadcast.begin(self, path, authorization)
  }

  /// Offers a single track to the peer (PUBLISH, since draft-12), without announcing its path, and waits for the yes.
  ///
  /// Throws `inexpressible` where the dialect has no such message, `refused`, `unauthorized`, `timeout` or
  /// `sessionClosed` if the peer does not want it.
  public func offer(
    _ path: TrackNamespace, track name: String, options: TrackOptions = TrackOptions(),
    authorization: [AuthorizationToken] = []
  ) async throws(MoQError) -> BroadcastTrack {
    try await Broadcast.unannounced(self, path).offer(name, options: options, authorization)
  }

  /// Publishes a broadcast for as long as `body` runs, then waits until what was written has arrived.
  ///
  /// Throws as `publish` without a body and `Broadcast.drained` do; else what `body` throws.
  public func publish<Value>(
    _ path: TrackNamespace, authorization: [AuthorizationToken] = [],
    isolation: isolated (any Actor)? = #isolation, _ body: (Broadcast) async throws -> Value
  ) async throws -> Value {
    let broadcast = try await publish(path, authorization: authorization)
    do {
      let value = try await body(broadcast)
      try await broadcast.drained()
      await broadcast.finish()
      return value
    } catch {
      await broadcast.finish()
      throw error
    }
  }

  // MARK: Answering

  /// What the peer asks for, if the session was made with `requests: .ask`. One consumer.
  public var requests: IncomingRequests { IncomingRequests(inbox: inbox) }
}

/// A dialect, as it was negotiated.
public struct SessionDialect: Sendable, Hashable, CustomStringConvertible {
  /// As in `draft-14` or `moq-lite-01`.
  public let name: String
  /// The number that stands for it in a version list.
  public let version: UInt64?
  /// The peer profile in use; nil: the dialect's text.
  public let profile: String?
  /// What the connection's TLS handshake agreed on; `h3` over WebTransport.
  public let alpn: String?
  /// The WebTransport subprotocol that was agreed on; nil: none was, or there is no WebTransport.
  public let subprotocol: String?
  /// The name, with the profile in parentheses where there is one.
  public var description: String { profile.map { "\(name) (\($0))" } ?? name }
}

/// A session's numbers at one moment. Sessions of WebTransport that share a connection have its
/// times, bytes and packets.
public struct SessionStatistics: Sendable, Equatable {
  /// The round-trip time, smoothed (RFC 9002 §5.3); zero: not measured yet.
  public var smoothedRTT: Duration = .zero
  /// The lowest round-trip time so far; zero: not measured yet.
  public var minimumRTT: Duration = .zero
  /// Bits a second that the congestion controller would allow now; 0: not known.
  public var estimatedBitrate: UInt64 = 0
  /// Bits a second that the peer says it expects (moq-lite's SESSION_UPDATE); nil: it does not say.
  public var peerBitrate: UInt64?
  /// Bytes of UDP payload.
  public var bytesSent: UInt64 = 0
  /// Bytes of UDP payload.
  public var bytesReceived: UInt64 = 0
  /// QUIC packets.
  public var packetsSent: UInt64 = 0
  /// Packets with stream data that were declared lost, once for each stream in them.
  public var packetsLost: UInt64 = 0
  /// Bytes of objects that have arrived and that nobody has taken. For as many the peer has no credit, so that it
  /// comes to a stop when they are `SessionOptions.receiveBuffer`.
  public var withheldBytes = 0
  /// `packetsLost` as a part of `packetsSent`; 0: none was sent.
  public var loss: Double { packetsSent == 0 ? 0 : Double(packetsLost) / Double(packetsSent) }

  init(_ from: TransportStatistics, peerBitrate: UInt64?, withheldBytes: Int) {
    (smoothedRTT, minimumRTT, estimatedBitrate) = (from.smoothedRTT, from.minimumRTT, from.estimatedBitrate)
    (bytesSent, bytesReceived) = (from.bytesSent, from.bytesReceived)
    (packetsSent, packetsLost) = (from.packetsSent, from.packetsLost)
    (self.peerBitrate, self.withheldBytes) = (peerBitrate, withheldBytes)
  }
}

/// How a session ended.
public struct SessionClosure: Sendable, CustomStringConvertible {
  /// Who can end a session: this side, the other, or what is between them.
  public enum Side: Sendable { case local, peer, transport }
  /// Who ended it.
  public let by: Side
  /// The reason, by its meaning.
  public let reason: SessionReason
  /// The code on the wire.
  public let code: UInt64
  /// A sentence: who ended it, why, and what was said with it.
  public let phrase: String
  /// Whether nothing went wrong.
  public var isClean: Bool { reason == .noError && by != .transport }
  /// The sentence.
  public var description: String { phrase }
}

/// A peer's wish that the session be moved.
public struct SessionMove: Sendable, Hashable {
  /// Where to; nil: the same place.
  public let url: String?
  /// A wish for this place.
  public init(url: String?) { self.url = url }
}

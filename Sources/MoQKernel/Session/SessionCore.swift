/// A session without its I/O: it is told what happened, and answers what to do.
///
/// No socket, no clock, no task. Not `Sendable`: it belongs to one loop. Everything that arrives is
/// told by an input (`received`, `opened`, `ticked` …), everything its owner wants by a command
/// (`subscribe`, `accept`, `write` …); what follows is found in two queues, `drainEffects` for the
/// transport and `drainEvents` for the owner.
public final class SessionCore {
  public enum Role: Sendable { case client, server }

  public let role: Role
  public let configuration: SessionConfiguration
  /// The dialect, once it is chosen.
  public internal(set) var dialect: (any Dialect.Type)?
  /// The peer profile in use: a named set of deviations from the text; nil: the text.
  public internal(set) var profile: String?
  /// Whether the setup is complete and both sides may make requests.
  public internal(set) var isEstablished = false
  /// What the peer calls its implementation, where it says so.
  public internal(set) var peerImplementation: String?
  /// The path the client asked for, where its setup says so.
  public internal(set) var peerPath: String?
  /// Called once when effects or events appear while there were none. Must not call back into the session.
  public var onWork: (() -> Void)?

  /// `registry`: the dialects there are, in order of preference.
  public init(role: Role, options: SessionConfiguration, registry: [any Dialect.Type]) {
    (self.role, self.configuration) = (role, options)
  }

  /// What to offer (client) or to accept (server) as ALPN on raw QUIC, best first.
  public static func alpns(for options: SessionConfiguration, registry: [any Dialect.Type]) -> [String] { [] }

  // MARK: Outputs

  /// Whether there is anything to drain.
  public var hasWork: Bool { false }
  /// Hands over what is to be done, in order. `body` may call back into the session.
  public func drainEffects(_ body: (Effect) -> Void) {}
  /// Hands over what happened, in order. `body` may call back into the session.
  public func drainEvents(_ body: (Event) -> Void) {}
  /// When `ticked` must be called at the latest.
  public var nextDeadline: Instant? { nil }

  // MARK: Inputs

  /// The time is now `instant`. Called before every batch of inputs; fires what is due.
  public func ticked(at instant: Instant) {}
  public func connected(alpn: String?, subprotocol: String?, transport: TransportKind) {}
  /// The peer has opened a stream. nil: refuse it (STOP_SENDING and RESET_STREAM).
  public func opened(_ kind: StreamKind) -> StreamKey? { nil }
  public func received(_ bytes: UnsafeRawBufferPointer, fin: Bool, on stream: StreamKey) {}
  /// The peer will send no more on the stream (RESET_STREAM).
  public func wasReset(_ stream: StreamKey, code: UInt64) {}
  /// The peer wants no more of the stream (STOP_SENDING).
  public func wasStopped(_ stream: StreamKey, code: UInt64) {}
  /// `count` bytes handed over by `.send` have left the transport's queue.
  public func drained(_ stream: StreamKey, _ count: Int) {}
  /// Everything on the stream, its FIN included, has arrived at the peer.
  public func acknowledged(_ stream: StreamKey) {}
  public func received(datagram: UnsafeRawBufferPointer) {}
  /// The transport is gone, by the peer's close or by failure. Everything open ends.
  public func transportClosed(_ end: SessionEnd) {}

  // MARK: Requests of ours

  public func subscribe(_ request: SubscribeRequest) throws(CommandError) -> RequestKey {
    throw CommandError(.notOpen, "the session is not established")
  }
  public func update(_ key: RequestKey, _ update: SubscriptionUpdate) throws(CommandError) {}
  public func fetch(_ request: FetchRequest) throws(CommandError) -> RequestKey {
    throw CommandError(.notOpen, "the session is not established")
  }
  public func trackStatus(_ track: TrackName) throws(CommandError) -> RequestKey {
    throw CommandError(.notOpen, "the session is not established")
  }
  /// Tells the peer that tracks are published below `namespace`. Announcing the same one again is the same request.
  public func announce(_ namespace: TrackNamespace) throws(CommandError) -> RequestKey {
    throw CommandError(.notOpen, "the session is not established")
  }
  /// Asks for what is announced below `prefix`: `.announced` and `.withdrawn` follow.
  public func seekAnnouncements(prefix: TrackNamespace) throws(CommandError) -> RequestKey {
    throw CommandError(.notOpen, "the session is not established")
  }
  /// Offers a track (PUBLISH, since draft-12).
  public func publish(_ track: TrackName, _ answer: SubscribeAnswer) throws(CommandError) -> RequestKey {
    throw CommandError(.notOpen, "the session is not established")
  }
  /// Takes a request of ours back, or ends a peer's announcement. A request that has ended is left alone.
  public func cancel(_ key: RequestKey, _ failure: RequestFailure = RequestFailure(.cancelled)) {}

  // MARK: Answers to requests of the peer

  /// Yes to `.announced` or `.interested`; yes to `.publishRequested`, all objects from now on.
  public func accept(_ key: RequestKey) {}
  public func accept(_ key: RequestKey, _ answer: SubscribeAnswer) throws(CommandError) {}
  public func accept(_ key: RequestKey, _ answer: FetchAnswer) throws(CommandError) {}
  public func answer(_ key: RequestKey, _ state: TrackState) throws(CommandError) {}
  public func reject(_ key: RequestKey, _ failure: RequestFailure) {}
  /// Ends a subscription that we serve. Its open streams should have been finished or reset before.
  public func finish(_ key: RequestKey, _ failure: RequestFailure = RequestFailure(.trackEnded)) {}

  // MARK: The session

  /// Asks the peer to go elsewhere; `uri` empty: to the same place. Only a server may name another place.
  public func goAway(uri: String = "") throws(CommandError) {}
  public func close(_ failure: SessionFailure = SessionFailure(.noError, "")) {}

  // MARK: Objects out

  /// Opens a stream for a subgroup of a subscription that we serve.
  public func openSubgroup(_ request: RequestKey, _ info: SubgroupInfo, _ priority: SendPriority? = nil)
    throws(CommandError) -> StreamKey
  {
    throw CommandError(.wrongState, "no such request")
  }
  /// Opens the stream of a fetch that we serve.
  public func openFetch(_ request: RequestKey, _ priority: SendPriority? = nil) throws(CommandError) -> StreamKey {
    throw CommandError(.wrongState, "no such request")
  }
  /// Writes an object's header; `object.payloadLength` bytes of payload must follow.
  public func write(_ object: ObjectInfo, on stream: StreamKey) throws(CommandError) {}
  /// Writes the next part of the current object's payload, without a copy.
  public func write(payload: Bytes, on stream: StreamKey) {}
  /// How much more should be queued on the stream now. At 0 or below: wait for `.writable`.
  public func room(on stream: StreamKey) -> Int { 0 }
  /// FIN. The current object must be whole.
  public func finish(stream: StreamKey) {}
  public func reset(stream: StreamKey, _ reason: StreamReason) {}
  public func prioritize(stream: StreamKey, _ priority: SendPriority) {}
  /// Sends an object in a datagram. False: it was not sent (too large, or the peer does not want it now).
  public func send(datagram object: ObjectInfo, payload: Bytes, for request: RequestKey) throws(CommandError) -> Bool {
    false
  }

  // MARK: Objects in

  /// `count` bytes of payload have been used; the peer gets credit for as many.
  public func consumed(_ count: Int, on stream: StreamKey) {}
  /// We want no more of an incoming stream (STOP_SENDING).
  public func stop(stream: StreamKey, _ reason: StreamReason) {}
}

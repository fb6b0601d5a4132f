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
  public var isEstablished: Bool { setup.isOpen }
  /// What the peer calls its implementation, where it says so.
  public internal(set) var peerImplementation: String?
  /// The ways in which a client may begin, best first, each with the names of the dialects that it offers. Empty
  /// until it is connected, and on a server.
  public internal(set) var openings: [[String]] = []
  /// Whether the session ended because the peer made nothing of the client's first message, or the client of its
  /// answer: it may understand another of the `openings`.
  public private(set) var isNotUnderstood = false
  /// The path and the authority that the client asked for, where its setup says so.
  public internal(set) var peerPath: String?
  public internal(set) var peerAuthority: String?
  /// What the peer says it does, where its dialect has roles.
  public internal(set) var peerRole = PeerRole.both
  /// The tokens of the peer's setup, each as its value.
  public internal(set) var peerAuthorization: [AuthorizationToken] = []
  /// Streams, and their bytes, that are held until it is known whose they are.
  public var heldStreams: Int { held.count }
  public var heldByteCount: Int { heldBytes }
  /// Bytes of objects that have been told of and not been `consumed`: the peer has no credit for more in their place.
  public var unconsumedBytes: Int { streams.all.reduce(0) { $0 + $1.unconsumed } }
  /// What was counted of things that went by unseen.
  public internal(set) var counters = SessionCounters()
  /// The largest datagram that the transport takes now; 0: none. The driver keeps it up to date.
  public var maximumDatagramSize = 1_150
  /// Called once when effects or events appear while there were none. Must not call back into the session.
  @exclusivity(unchecked) public var onWork: (() -> Void)?

  /// Who is told of every message and header; nil: nobody, at the cost of a comparison each.
  @exclusivity(unchecked) public var tap: SessionTap?

  let negotiation: Negotiation
  @exclusivity(unchecked) var setup = SetupState()
  var transport = TransportKind.quic
  /// What the transport agreed on, for messages to people.
  var agreed: String?
  /// The handshake that was chosen (client: tried), and the dialect whose layouts the session speaks.
  var handshake: Negotiation.Candidate?
  /// Since when the transport connects, and how long the peer's setup may take after that.
  var connectingSince: Instant?
  var setupPatience: Duration = .zero
  /// All that the client's setup offers.
  var offered: [Negotiation.Candidate] = []
  var codec: (any Dialect.Type)?
  var rules: Rules?
  @exclusivity(unchecked) var forms: ObjectForms? { didSet { integers = forms?.integers ?? .quic } }
  /// How its data plane writes integers.
  @exclusivity(unchecked) private(set) var integers = Integers.quic

  var now = Instant(nanoseconds: 0)
  var deadlines = Deadlines()
  @exclusivity(unchecked) var streams = SlotTable<Stream>()
  var requests = SlotTable<Request>()
  /// Where control messages of the session travel; two halves of one stream, or of a pair.
  var controlIn: Stream?, controlOut: Stream?
  var incomingStreams = 0
  var openRequests = 0

  // Numbers of the wire.
  var ourIDs: [UInt64: Request] = [:]
  var peerIDs: [UInt64: Request] = [:]
  var nextID: UInt64 = 0, nextPeerID: UInt64 = 0
  /// Ids of the peer that must not come again, where it counts as it likes.
  var usedPeerIDs = UsedNumbers()
  var nextAlias: UInt64 = 0
  /// Whether it is known what the first number of a data stream is, where peers differ in that.
  @exclusivity(unchecked) var knowsLeadingNumber = false
  @exclusivity(unchecked) var hasReadDatagram = false
  /// Requests of ours have ids below it; requests of the peer below the other.
  var credit: UInt64 = 0, creditGranted: UInt64 = 0
  /// What waits for credit, in order.
  var queued: [Queued] = []
  var blockedAt: UInt64?
  enum Queued {
    case request(Request)
    case update(Subscription, SubscriptionUpdate)
  }

  /// Aliases that the peer chose for what we serve it, where the subscriber chooses.
  var servedAliases: [UInt64: ServedSubscription] = [:]
  /// The subscriptions of ours and of the peer's by their tracks, where a track has no more than one.
  var ourTracks: [TrackName: Subscription] = [:], servedTracks: [TrackName: ServedSubscription] = [:]
  /// What stands for tokens of the peer, and of ours.
  var peerTokens = TokenCache(limit: 0, overhead: 0)
  var ourTokens = TokenLedger(peer: TokenCache(limit: 0, overhead: 0))
  /// Bytes of tokens that are kept for unanswered requests.
  var tokenBytes = 0

  // Incoming data streams.
  var aliases: [UInt64: Subscription] = [:]
  /// Aliases of subscriptions that ended a moment ago: what still comes under them is dropped quietly.
  var retired: Set<UInt64> = []
  var held: [Stream] = []
  var heldBytes = 0
  /// Datagrams that came before their subscription's answer.
  var heldDatagrams: [(alias: UInt64, bytes: Bytes, until: Instant)] = []
  @exclusivity(unchecked) var lastAlias: (alias: UInt64, subscription: Subscription)?
  @exclusivity(unchecked) var slabs = SlabWriter()
  @exclusivity(unchecked) var writer = WireWriter()

  // Announcements.
  /// Interests of the peer, in the order of their coming.
  var peerInterests: [Interest] = []
  var ourAnnouncements: [TrackNamespace: Announcement] = [:]
  var peerAnnouncements: [TrackNamespace: Announcement] = [:]

  /// How many deadlines there may be before those of no more use are swept out.
  var sweepAt = 256

  var isGoingAway = false, peerIsGoingAway = false
  /// The bitrate that the peer was told last; nil: none.
  var toldBitrate: UInt64?

  /// How many `drainEvents` are under way, one within the other.
  private var drains = 0
  // Touched by every object, in single steps: see `Stream`.
  @exclusivity(unchecked) private var effects = Ring<Effect>()
  @exclusivity(unchecked) private var events = Ring<Event>()
  /// Streams of which bytes have been used that the transport was not told of; some may have told it since.
  @exclusivity(unchecked) private var creditors = Ring<Stream>()

  /// `registry`: the dialects there are, in order of preference.
  public init(role: Role, options: SessionConfiguration, registry: [any Dialect.Type]) {
    (self.role, configuration) = (role, options)
    negotiation = Negotiation(options, registry, as: role)
  }

  /// What to offer (client) or to accept (server) as ALPN on raw QUIC, best first.
  public static func alpns(
    for options: SessionConfiguration, as role: Role = .client, registry: [any Dialect.Type]
  ) -> [String] {
    Negotiation(options, registry, as: role).alpns
  }
  /// What to offer or to accept as WebTransport subprotocol, best first.
  public static func subprotocols(
    for options: SessionConfiguration, as role: Role = .client, registry: [any Dialect.Type]
  ) -> [String] {
    Negotiation(options, registry, as: role).subprotocols
  }

  // MARK: Outputs

  /// Whether there is anything to drain.
  public var hasWork: Bool { !effects.isEmpty || !events.isEmpty || !creditors.isEmpty }
  /// Hands over what is to be done, in order, the credit first. `body` may call back into the session; what comes of
  /// that is for the next time.
  public func drainEffects(_ body: (consuming Effect) -> Void) {
    // What is there now, unless a drain within this one takes some of it.
    var credits = creditors.count, left = effects.count
    while credits > 0, !creditors.isEmpty {
      credits &-= 1
      let stream = creditors.removeFirst()
      stream.isCreditor = false
      if let effect = credit(of: stream) { body(effect) }
    }
    while left > 0, !effects.isEmpty {
      left &-= 1
      body(effects.removeFirst())
    }
  }
  /// Hands over what happened, in order. `body` may call back into the session; what comes of that is for the next time.
  public func drainEvents(_ body: (consuming Event) -> Void) {
    let rested = (streams: streams.resting.count, requests: requests.resting.count)
    drains += 1
    defer {
      drains -= 1
      // Not before the outermost is done: its owner may still be at an event from before.
      if drains == 0 {
        streams.reuse(rested.streams)
        requests.reuse(rested.requests)
      }
    }
    var left = events.count
    while left > 0, !events.isEmpty {
      left &-= 1
      body(events.removeFirst())
    }
  }

  @inline(__always) func perform(_ effect: consuming Effect) {
    let isFirst = !hasWork
    effects.append(effect)
    if isFirst { onWork?() }
  }
  @inline(__always) func tell(_ event: consuming Event) {
    let isFirst = !hasWork
    events.append(event)
    if isFirst { onWork?() }
  }
  /// Tells the transport what the session itself, or its owner, has used: at the next drain, all of it at once.
  @inline(__always) func giveCredit(_ stream: Stream) {
    guard stream.credit > 0, !stream.isCreditor else { return }
    let isFirst = !hasWork
    stream.isCreditor = true
    creditors.append(stream)
    if isFirst { onWork?() }
  }
  /// What is to be told of it, from now on taken for told.
  @inline(__always) func credit(of stream: Stream) -> Effect? {
    guard stream.credit > 0 else { return nil }
    defer { stream.credit = 0 }
    return .consumed(stream.key, stream.credit)
  }
  /// Checked once an input: an owner that does not drain must not cost memory without bound.
  func checkQueues() throws(SessionFailure) {
    guard effects.count <= configuration.maximumQueue, events.count <= configuration.maximumQueue else {
      throw SessionFailure(.internalError, "what the session has to say is not taken")
    }
  }

  // MARK: The end

  /// Asks the peer to go elsewhere; `uri` empty: to the same place. Only a server may name another place.
  public func goAway(uri: String = "") throws(CommandError) {
    let rules = try openRules()
    guard !isGoingAway else { return }
    switch rules.goAway {
    case .missing: throw CommandError(.inexpressible, "\(name) has no GOAWAY")
    case .serverOnly where role == .client:
      throw CommandError(.inexpressible, "only a server may send GOAWAY in \(name)")
    case _ where role == .client && !uri.isEmpty:
      throw CommandError(.inexpressible, "only a server may name another place in GOAWAY")
    case .serverOnly, .both: break
    }
    var message = GoAway()
    message.uri = Array(uri.utf8)
    try sendControl(.goAway(message))
    isGoingAway = true
    deadlines.add(.goAway, at: now.advanced(by: configuration.goAwayTimeout))
  }
  /// Ends the session. Every request and every stream that was told of gets its end, `.closed` comes last.
  public func close(_ failure: SessionFailure = SessionFailure(.noError, "")) { shut(failure) }

  /// The session's end by our own doing: our wish, or the peer's fault.
  func shut(_ failure: SessionFailure) {
    guard !setup.isClosed else { return }
    let code = closingCode(of: failure.reason)
    perform(.close(code: code, reason: failure.phrase))
    end(SessionEnd(.local, failure.reason, code: code, phrase: failure.phrase))
  }
  /// The transport is gone, by the peer's close or by failure. Everything open ends.
  public func transportClosed(_ end: SessionEnd) {
    guard !setup.isClosed else { return }
    var end = end
    if end.cause == .peer {
      end.reason = rules?.codes.sessionReason(of: end.code) ?? negotiation.sessionReason(of: end.code)
    }
    if !setup.isOpen {
      end.phrase = negotiation.failure(end.phrase.isEmpty ? "the peer closed with \(end.code)" : end.phrase, agreed)
    }
    self.end(end)
  }
  func end(_ end: SessionEnd) {
    let wasOpen = setup.isOpen
    guard setup.closed() else { return }
    isNotUnderstood = !wasOpen && !offered.isEmpty && end.isOfUnderstanding
    for stream in streams.all where stream.isAnnounced {
      stream.isAnnounced = false
      tell(.streamEnded(stream.key, reset: closingStreamCode))
    }
    let failure = RequestFailure(.sessionClosed, end.phrase)
    for request in requests.all where !request.isEnded && !isHidden(request) {
      // A publisher that has ended its track may leave: what it said of the track stands.
      let failure = (request as? Subscription)?.state.announcedEnd ?? failure
      tell(request.isOurs ? .ended(request.key, failure) : .withdrawn(request.key, failure))
    }
    tell(.closed(end))
    tap?.ended(end, at: now)
    forgetEverything()
  }
  private func forgetEverything() {
    (streams, requests, deadlines) = (SlotTable(), SlotTable(), Deadlines())
    creditors = Ring()
    (controlIn, controlOut, lastAlias) = (nil, nil, nil)
    (ourIDs, peerIDs, aliases, servedAliases, queued, held) = ([:], [:], [:], [:], [], [])
    usedPeerIDs = UsedNumbers()
    (ourTracks, servedTracks) = ([:], [:])
    (peerInterests, tokenBytes) = ([], 0)
    (ourAnnouncements, peerAnnouncements, heldBytes, heldDatagrams) = ([:], [:], 0, [])
  }
  /// A request that the session made by itself, or whose owner has been told of its end.
  func isHidden(_ request: Request) -> Bool { request.whole != nil || (request as? Fetching)?.subscription != nil }

  private var closingStreamCode: UInt64 { rules?.codes.stream.code(of: .sessionClosed) ?? 0 }
  private func closingCode(of reason: SessionReason) -> UInt64 {
    (rules ?? negotiation.fallbackRules)?.codes.session.code(of: reason) ?? 0
  }

  // MARK: State that most of it asks for

  var name: String { dialect?.name ?? "the session" }
  /// The rules, while requests may be made.
  func openRules() throws(CommandError) -> Rules {
    guard let rules, setup.isOpen else {
      throw CommandError(.notOpen, setup.isClosed ? "the session is over" : "the session is not established yet")
    }
    return rules
  }
  /// A fault of the peer, with the dialect's name in front.
  func violation(_ phrase: String, _ reason: SessionReason = .protocolViolation) -> SessionFailure {
    SessionFailure(reason, "\(name): \(phrase)")
  }
}

/// What one side of a session does (ROLE, only in draft-07).
public enum PeerRole: UInt64, Sendable {
  /// Serves subscriptions, and makes none.
  case publisher = 1
  /// Makes subscriptions, and serves none.
  case subscriber = 2
  case both = 3
}

/// What went by without an event of its own.
public struct SessionCounters: Equatable, Sendable {
  /// Joining fetches made to begin with the current group that were refused, or could not be asked for.
  public var joiningFetchesRefused = 0
  /// Streams dropped because nobody was known to want them.
  public var streamsDropped = 0
  /// Datagrams dropped: of no known request, too large, or not understood.
  public var datagramsDropped = 0
  /// Messages dropped because they crossed ours.
  public var racesDropped = 0
  /// Updates that the dialect or the peer's profile cannot carry.
  public var updatesDropped = 0
  /// Reports of groups that will not come, of which the subscriber has not read as many as there is room for.
  public var gapsDropped = 0
  /// Object ids, statuses or headers that the dialect has no place for.
  public var objectsReduced = 0
  public init() {}
}

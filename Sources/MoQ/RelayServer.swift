import MoQKernel
import MoQNetwork
import MoQRelay

/// What a relay is made with.
public struct RelayOptions: Sendable {
  /// How it listens, and what its sessions are made with. Of the latter `requests`, `publishCache` and
  /// `maximumObjectSize` do not count.
  public var server = ServerOptions()
  /// The most bytes kept of all tracks together; the oldest complete groups go first.
  public var cache = 256 << 20
  /// How long a track is kept after its last subscriber has left.
  public var linger: Duration = .zero
  /// Told of each session that begins and that ends, on the relay's thread: it must not wait for anything.
  public var onSession: (@Sendable (RelaySessionEvent) -> Void)?
  /// What each member says beside itself.
  public init() {}
}

/// A relay: whatever one peer announces, every other may subscribe to, in whichever dialect.
///
/// A relay that is no longer referenced closes.
public final class RelayServer: Sendable {
  private let listener: Listener
  private let hub: LoopBound<RelayHub>
  private let closed: Promise<Void>

  private init(_ listener: Listener, _ hub: LoopBound<RelayHub>, _ closed: Promise<Void>) {
    (self.listener, self.hub, self.closed) = (listener, hub, closed)
  }
  deinit { shutDown() }

  /// Listens on `address`, as `127.0.0.1:4443`. Port 0: any that is free.
  ///
  /// Throws `badOption`, `addressInUse`, `permissionDenied`, `unknownHost`, `transport` or `cancelled`.
  public static func start(
    on address: String, options: RelayOptions = RelayOptions(), runtime: Runtime = .shared
  ) async throws(MoQError) -> RelayServer {
    var configuration = RelayConfiguration()
    (configuration.cacheBytes, configuration.linger) = (options.cache, options.linger)
    let hub = LoopBound(RelayHub(configuration, runtime.loop, options.onSession), on: runtime.loop)
    let listener = try await Listener.start(on: address, options: options.server, runtime: runtime) { driver in
      hub.value.accept(driver)
    }
    return RelayServer(listener, hub, Promise())
  }

  /// The address, with the port that was taken.
  public var address: String { listener.address }
  /// The UDP port that was taken.
  public var port: UInt16 { listener.port }
  /// The SHA-256 of the certificate, in hexadecimal.
  public var fingerprint: String { listener.fingerprint }

  /// The counters of this moment.
  public var statistics: RelayStatistics {
    get async { (try? await listener.loop.run { [hub] in hub.value.statistics }) ?? RelayStatistics() }
  }

  /// What there is at this moment, counters included: for whoever watches the relay. nil: its loop has ended.
  public var overview: RelayOverview? {
    get async {
      try? await listener.loop.run { [hub, listener] in
        var look = hub.value.overview
        (look.packets, look.connections) = (PacketCounters(listener.counters), listener.connections)
        return look
      }
    }
  }

  /// At most `limit` of the namespaces that are announced, in order. nil: the relay's loop has ended.
  public func announced(limit: Int = 1000) async -> AnnouncedList? {
    try? await listener.loop.run { [hub] in AnnouncedList(hub.value.origin, limit: limit) }
  }

  /// Waits until the relay has no connection, not even one that lingers after its end; ends early with the task.
  ///
  /// Returns at once if there is none: a relay that is closed has let go of all of them by then.
  public func connectionsGone() async { await listener.connectionsGone() }

  /// Serves until the task is cancelled or `close()` is called; then all sessions are closed.
  public func run() async {
    _ = await closed.wait()
    await close()
  }

  /// Asks all peers to go away, and closes.
  public func close() async {
    shutDown()
    _ = await Task.detached { [closed] in await closed.wait() }.value
  }

  private func shutDown() {
    listener.loop.post { [listener, hub, closed, loop = listener.loop] in
      hub.value.close()
      // The sessions say goodbye at the end of this tick, and what is due now is part of it.
      // Whoever waits for the promise may end the process.
      loop.schedule(at: loop.now &+ 1) { listener.close { closed.fulfil(()) } }
    }
  }
}

/// A relay's counters.
public struct RelayStatistics: Sendable, Equatable {
  /// Sessions now.
  public var sessions = 0
  /// Sessions since the start, those that did not come about included.
  public var sessionsAccepted: UInt64 = 0
  /// Namespaces that are announced now.
  public var broadcasts = 0
  /// Tracks that are read or kept now.
  public var tracks = 0
  /// Subscriptions that are served now.
  public var subscriptions = 0
  /// Bytes in the cache.
  public var cachedBytes = 0
  /// Objects that came in since the start; what was there already is left out.
  public var objectsReceived: UInt64 = 0
  /// Objects that were written whole to a subscriber, each once for every subscriber.
  public var objectsSent: UInt64 = 0
  /// Bytes of their payloads that came in.
  public var bytesReceived: UInt64 = 0
  /// Bytes of their payloads that went out.
  public var bytesSent: UInt64 = 0
  /// Groups that a subscriber did not get, or not whole, because it was too far behind.
  public var groupsSkipped: UInt64 = 0
  /// Objects that were lost or changed by a rule of bridging between dialects.
  public var droppedByRule: UInt64 = 0
  /// All of them, by name, for a log.
  public var counters = RelayCounters()
}

/// The loop's half of a relay.
final class RelayHub {
  let origin: Origin
  private let loop: Loop
  let onSession: ((RelaySessionEvent) -> Void)?
  private(set) var hosts: [ObjectIdentifier: RelayHost] = [:]
  /// What the sessions that are over have carried.
  private(set) var carried = CarriedBytes()
  private var accepted: UInt64 = 0
  private var isClosed = false
  private var deadline: LoopTimer?
  private var clock: LoopTimer?

  init(_ configuration: RelayConfiguration, _ loop: Loop, _ onSession: ((RelaySessionEvent) -> Void)?) {
    origin = Origin(configuration)
    (self.loop, self.onSession) = (loop, onSession)
  }

  func accept(_ driver: SessionDriver) {
    accepted &+= 1
    let host = RelayHost(self, driver)
    hosts[ObjectIdentifier(host)] = host
    if clock == nil { tellTime() }
  }

  /// One session's batch makes others speak: they know the time to the second.
  private func tellTime() {
    for host in hosts.values { host.driver.tick() }
    let clock = self.clock ?? loop.timer { [weak self] in self?.tellTime() }
    guard !hosts.isEmpty else { self.clock = nil; return }
    self.clock = clock
    clock.arm(at: loop.now &+ 1_000_000_000)
  }

  func tick() { origin.ticked(at: Instant(nanoseconds: loop.now)) }

  func arm() {
    guard let next = origin.nextDeadline else { return }
    let deadline =
      self.deadline
      ?? loop.timer { [weak self] in
        self?.tick()
        self?.arm()
      }
    self.deadline = deadline
    deadline.arm(at: next.nanoseconds)
  }

  func ended(_ host: RelayHost) {
    guard hosts.removeValue(forKey: ObjectIdentifier(host)) != nil else { return }
    carried.add(host.driver.statistics)
  }

  func close() {
    guard !isClosed else { return }
    isClosed = true
    for host in hosts.values {
      host.driver.tick()
      // Dialects without GOAWAY learn it from the close.
      try? host.driver.core.goAway(uri: "")
      host.driver.core.close(SessionFailure(.noError, "the relay ends"))
    }
    clock?.cancel()
    deadline?.cancel()
    (clock, deadline) = (nil, nil)
  }

  var statistics: RelayStatistics {
    let look = origin.snapshot
    var numbers = RelayStatistics()
    (numbers.sessions, numbers.sessionsAccepted) = (look.sessions, accepted)
    (numbers.broadcasts, numbers.tracks, numbers.subscriptions) = (look.namespaces, look.tracks, look.subscriptions)
    numbers.cachedBytes = look.cachedBytes
    (numbers.objectsReceived, numbers.objectsSent) = (look.counters.objectsIn, look.counters.objectsOut)
    (numbers.bytesReceived, numbers.bytesSent) = (look.counters.bytesIn, look.counters.bytesOut)
    (numbers.groupsSkipped, numbers.droppedByRule) = (look.counters.groupsSkipped, look.counters.droppedByRule)
    numbers.counters = look.counters
    return numbers
  }
}

/// One session of a relay.
final class RelayHost: SessionOwner {
  private let hub: RelayHub
  let driver: SessionDriver
  private let attachment: Attachment
  /// Since when it is known, and what is known of it.
  private let since: Instant
  private var session: RelaySession?

  init(_ hub: RelayHub, _ driver: SessionDriver) {
    (self.hub, self.driver) = (hub, driver)
    attachment = hub.origin.attach(driver.core, as: .relay)
    since = driver.now
    super.init()
    driver.owner = self
  }

  override func eventsWait(_ driver: SessionDriver) {
    hub.tick()
    attachment.handleEvents()
    hub.arm()
    if session == nil, hub.onSession != nil, driver.core.isEstablished { tellOfBeginning() }
  }
  private func tellOfBeginning() {
    let session = RelaySession(driver)
    self.session = session
    hub.onSession?(.began(session))
  }

  override func ended(_ driver: SessionDriver) {
    attachment.detach()
    hub.ended(self)
    guard let onSession = hub.onSession else { return }
    let session = session ?? RelaySession(driver)
    let end = attachment.end ?? SessionEnd(.transport, .internalError, code: 0, phrase: "the connection is gone")
    onSession(
      .ended(
        session, SessionClosure(end, driver.closeReason, peer: session.peerAddress),
        after: .nanoseconds(Int64(clamping: driver.now.nanoseconds &- since.nanoseconds)),
        SessionStatistics(driver.statistics, peerBitrate: nil, withheldBytes: 0)))
  }
}

/// A session of a relay, for a log.
public struct RelaySession: Sendable {
  /// The connection's first destination id in hexadecimal, by which both sides' traces name the session. For a further
  /// session of WebTransport on the same connection, a hyphen and the number of its request's stream follow.
  public let connectionID: String
  /// As `host:port`; empty: the connection was gone before its handshake was complete.
  public let peerAddress: String
  /// What is spoken, with the peer's profile; nil: nothing was agreed on.
  public let dialect: String?
  /// What the peer calls its implementation; nil: it does not say.
  public let implementation: String?
  /// The path that it asked for; nil: it named none.
  public let path: String?

  init(_ driver: SessionDriver) {
    connectionID = driver.name
    peerAddress = driver.connection?.peerAddress?.description ?? ""
    let profile = driver.core.profile.map { " (\($0))" } ?? ""
    dialect = driver.core.dialect.map { $0.name + profile }
    (implementation, path) = (driver.core.peerImplementation, driver.core.peerPath)
  }
}

/// What a relay tells of its sessions.
public enum RelaySessionEvent: Sendable {
  /// Both sides have agreed on a dialect.
  case began(RelaySession)
  /// The session is over, or did not come about. `after`: how long there was a connection.
  case ended(RelaySession, SessionClosure, after: Duration, SessionStatistics)
}

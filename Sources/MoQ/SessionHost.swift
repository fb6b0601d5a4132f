import MoQKernel
import MoQNetwork
import MoQRelay

/// The loop's half of a session: drains its events, and carries out what its handles ask for.
final class SessionHost: SessionOwner {
  let driver: SessionDriver
  let options: SessionOptions
  /// Who hears that the session is established, or is not.
  var onOutcome: ((Result<SessionFacts, MoQError>) -> Void)?
  /// Who hears that the session is over.
  var onOver: (() -> Void)?
  /// What TLS was offered.
  var offered: [String] = []
  /// The peer, as people would write it.
  var peer: String
  let shared: SessionShared
  /// What is published on the session, and what the peer asks of it.
  var publishing: PublishingHost?

  var subscriptions: [RequestKey: SubscriptionFeed] = [:]
  var fetches: [RequestKey: FetchFeed] = [:]
  /// Fetches that bring the beginning of a subscription's current group.
  var joins: [RequestKey: SubscriptionFeed] = [:]
  var answers: [RequestKey: (what: String, promise: Promise<Result<Void, MoQError>>)] = [:]
  var statuses: [RequestKey: (what: String, promise: Promise<Result<TrackState, MoQError>>)] = [:]
  var seekers: [RequestKey: AnnouncementFeed] = [:]
  var announcements: [RequestKey: TrackNamespace] = [:]

  /// What arrives, by the slot of its key.
  var incoming: [IncomingStream?] = []
  /// Bytes of incomplete objects that were credited early.
  var earlyBytes = 0
  var dirtyFeeds: [ObjectFeed] = []
  var dirtySubscriptions: [SubscriptionFeed] = []

  init(driver: SessionDriver, options: SessionOptions, peer: String, shared: SessionShared) {
    (self.driver, self.options, self.peer, self.shared) = (driver, options, peer, shared)
    super.init()
    driver.owner = self
  }

  var core: SessionCore { driver.core }
  var loop: Loop { driver.loop }

  // MARK: Events

  override func eventsWait(_ driver: SessionDriver) {
    publishing?.tick()
    core.drainEvents { handle($0) }
    flush()
    publishing?.flush()
  }

  override func drains(_ driver: SessionDriver) { shared.move.fulfil(SessionMove(url: nil)) }

  override func ended(_ driver: SessionDriver) {
    flush()
    // A connection that died before the session knew of it.
    over(SessionEnd(.transport, .internalError, code: 0, phrase: "the connection is gone"))
    shared.gone.fulfil(())
  }

  private func handle(_ event: Event) {
    switch event {
    case .payload(let key, let bytes): payload(key, bytes)
    case .object(let key, let info): object(key, info)
    case .subgroupBegan(let key, let request, let info): began(key, request, info)
    case .streamEnded(let key, let reset): streamEnded(key, reset)
    case .datagram(let request, let info, let bytes): datagram(request, info, bytes)
    case .fetchBegan(let key, let request): fetchBegan(key, request)

    case .established:
      // What is published goes by what the dialect can carry.
      publishing?.handle(event)
      established()
    case .closed(let end): over(end)
    case .goingAway(let uri): shared.move.fulfil(SessionMove(url: uri.isEmpty ? nil : uri))
    case .bitrate(let bits): shared.setPeerBitrate(bits)

    case .subscribed(let key, let answer): subscribed(key, answer)
    case .fetching(let key, let answer): fetches[key]?.answer.fulfil(.success(answer))
    case .trackStatus(let key, let state): statuses.removeValue(forKey: key)?.promise.fulfil(.success(state))
    case .accepted(let key):
      if let answer = answers[key] { answer.promise.fulfil(.success(())) }
      if let seeker = seekers[key] { seeker.answer.fulfil(.success(())) }
      publishing?.handle(event)
    case .ended(let key, let failure): requestEnded(key, failure, event)

    case .announced(let key, let namespace): announced(key, namespace)
    case .withdrawn(let key, _):
      if let namespace = announcements.removeValue(forKey: key) {
        tell(Announcement(path: namespace, isActive: false))
      } else {
        publishing?.handle(event)
      }
    case .publishAccepted(let key, _):
      answers.removeValue(forKey: key)?.promise.fulfil(.success(()))
      publishing?.handle(event)
    case .gap(let key, let gap): subscriptions[key]?.missed(gap)
    case .caughtUp: break
    case .interested, .subscribeRequested, .subscriptionUpdated, .fetchRequested, .fetchUpdated, .trackStatusRequested,
      .publishRequested, .writable, .stopped, .delivered:
      publishing?.handle(event)
    }
  }

  private func established() {
    guard let dialect = core.dialect else { return }
    let connection = driver.connection
    if let address = connection?.peerAddress { peer = address.description }
    let facts = SessionFacts(
      dialect: SessionDialect(
        name: dialect.name, version: dialect.version, profile: core.profile, alpn: connection?.alpn,
        subprotocol: driver.carrier?.subprotocol),
      transport: driver.kind, peerAddress: peer, connectionID: driver.name,
      peerImplementation: core.peerImplementation, peerPath: core.peerPath,
      peerAuthorization: core.peerAuthorization)
    onOutcome?(.success(facts))
    onOutcome = nil
  }

  /// The session is over: everything that waits is told.
  private func over(_ end: SessionEnd) {
    guard shared.closure.value == nil else { return }
    let failure = MoQError(end, driver.closeReason, peer: peer, offered: offered)
    shared.closure.fulfil(SessionClosure(end, driver.closeReason, peer: peer))
    shared.move.fulfil(nil)
    onOutcome?(.failure(failure))
    onOutcome = nil
    for feed in subscriptions.values { close(feed, failure) }
    for fetch in fetches.values {
      fetch.answer.fulfil(.failure(failure))
      finish(fetch.feed, .unmarked, failure)
    }
    for answer in answers.values { answer.promise.fulfil(.failure(failure)) }
    for status in statuses.values { status.promise.fulfil(.failure(failure)) }
    for seeker in seekers.values {
      seeker.answer.fulfil(.failure(failure))
      seeker.inbox.close(end.cause == .local ? nil : failure)
    }
    (subscriptions, fetches, answers, statuses, seekers) = ([:], [:], [:], [:], [:])
    (announcements, incoming, joins) = ([:], [], [:])
    publishing?.over(failure)
    onOver?()
    onOver = nil
  }

  private func requestEnded(_ key: RequestKey, _ failure: RequestFailure, _ event: Event) {
    if let feed = subscriptions.removeValue(forKey: key) {
      let error =
        feed.answer.value == nil
        ? MoQError(failure, doing: "subscribing to \(feed.request.track)", peer: peer)
        : MoQError(failure, ending: "the subscription to \(feed.request.track)", peer: peer)
      feed.answer.fulfil(.failure(error))
      close(feed, failure.reason.isEnd ? nil : error)
    } else if let subscription = joins[key] {
      joinEnded(subscription)
    } else if let fetch = fetches.removeValue(forKey: key) {
      let error = MoQError(failure, doing: fetch.what, peer: peer)
      fetch.answer.fulfil(.failure(error))
      // Streams that are still open end by themselves.
      if fetch.feed.streams.isEmpty { finish(fetch.feed, .unmarked, failure.reason.isEnd ? nil : error) }
    } else if let status = statuses.removeValue(forKey: key) {
      // Some dialects have a status for it, others an error.
      if failure.reason == .doesNotExist {
        status.promise.fulfil(.success(TrackState(.doesNotExist)))
        return
      }
      status.promise.fulfil(.failure(MoQError(failure, doing: status.what, peer: peer)))
    } else if let answer = answers.removeValue(forKey: key) {
      answer.promise.fulfil(.failure(MoQError(failure, doing: answer.what, peer: peer)))
      publishing?.handle(event)
    } else if let seeker = seekers.removeValue(forKey: key) {
      let error = MoQError(failure, doing: "asking for announcements below \(seeker.name)", peer: peer)
      seeker.answer.fulfil(.failure(error))
      seeker.inbox.close(failure.reason.isEnd ? nil : error)
    } else {
      publishing?.handle(event)
    }
  }

  // MARK: Announcements

  private func announced(_ key: RequestKey, _ namespace: TrackNamespace) {
    if options.requests == .ask, !seekers.values.contains(where: { namespace.hasPrefix($0.prefix) }) {
      publishing?.handle(.announced(key, namespace))
      return
    }
    admit(key, namespace)
  }

  /// Says yes to an announcement, and tells those who asked.
  func admit(_ key: RequestKey, _ namespace: TrackNamespace) {
    announcements[key] = namespace
    core.accept(key)
    tell(Announcement(path: namespace, isActive: true))
  }

  private func tell(_ announcement: Announcement) {
    for seeker in seekers.values where announcement.path.hasPrefix(seeker.prefix) { seeker.tell(announcement) }
  }
}

/// Who listens for announcements below a prefix.
final class AnnouncementFeed {
  /// Changes that nobody has taken; the listener is closed beyond it.
  static let maximumWaiting = 65_536
  let prefix: TrackNamespace
  let authorization: [AuthorizationToken]
  let inbox: Inbox<Announcement>
  let answer: Promise<Result<Void, MoQError>>
  /// How many of the peer's announcements name each path.
  private var active: [TrackNamespace: Int] = [:]
  init(
    _ prefix: TrackNamespace, _ authorization: [AuthorizationToken], inbox: Inbox<Announcement>,
    answer: Promise<Result<Void, MoQError>>
  ) {
    (self.prefix, self.authorization, self.inbox, self.answer) = (prefix, authorization, inbox, answer)
  }
  var name: String { prefix.count == 0 ? "everything" : "\(prefix)" }

  func tell(_ announcement: Announcement) {
    let count = active[announcement.path] ?? 0
    if announcement.isActive {
      active[announcement.path] = count + 1
      guard count == 0 else { return }
    } else {
      guard count > 0 else { return }
      active[announcement.path] = count == 1 ? nil : count - 1
      guard count == 1 else { return }
    }
    guard inbox.count < Self.maximumWaiting else {
      inbox.close(MoQError(.limit, "\(Self.maximumWaiting) announcements wait and nobody takes them: read them faster"))
      return
    }
    inbox.put(announcement)
  }
}

extension Reason {
  /// Whether it is how things end when nothing is wrong.
  var isEnd: Bool { self == .trackEnded || self == .subscriptionEnded || self == .cancelled }
}

import MoQKernel

/// A session at an origin: turns what the session tells into what the origin does.
///
/// The driver calls `handleEvents` (or `handle` for each event) whenever the session has any. What
/// follows for other sessions happens within the call; they say so by their `onWork`.
public final class Attachment {
  /// What the origin is to the session's peer.
  public enum Role: Sendable {
    /// A relay: asks the peer what it publishes, tells it what others publish once it asks.
    case relay
    /// A publisher's own side: tells the peer at once what there is, and wants nothing of it.
    case publisher
  }

  public let session: SessionCore
  public let role: Role
  unowned let origin: Origin
  private(set) var abilities = Abilities()
  private(set) var isAttached = true
  /// Tells it from all others that there ever were at the origin.
  let number: UInt64
  /// The peer has said that it goes away: others are asked before it.
  var isLeaving = false
  /// How the session ended; nil: it has not.
  public private(set) var end: SessionEnd?

  enum RequestUse {
    // Ours.
    case ingress(Ingress), backfill(Ingress), told(TrackNamespace), seek
    case status(Attachment, RequestKey)
    // The peer's, but for the offer.
    case route(Route), interest(TrackNamespace), pending(CachedTrack), egress(Egress)
    case fetch(FetchEgress), waitingFetch
    /// We offered a track; the largest object that was told.
    case offer(CachedTrack, told: Location?)
    // Either's.
    case pipe(FetchPipe)
  }
  private enum StreamUse {
    case nothing, discard
    case inflow(Inflow, Ingress), backfill(FetchInflow, Ingress)
    case cursor(Cursor), fetch(FetchEgress), pipe(FetchPipe)
  }
  enum OutgoingUse { case cursor(Cursor), fetch(FetchEgress), pipe(FetchPipe) }
  var requests: [RequestKey: RequestUse] = [:]
  // Asked with every object, in single steps.
  @exclusivity(unchecked) private var streams: [(generation: UInt32, use: StreamUse)] = []
  private(set) var interests: [RequestKey: TrackNamespace] = [:]
  private var told: [TrackNamespace: RequestKey] = [:]
  /// Fetches of the peer that are not done.
  var fetches = 0
  /// Tracks the peer was offered with PUBLISH, whatever came of it.
  var offers: Set<TrackName> = []

  init(_ session: SessionCore, to origin: Origin, as role: Role) {
    (self.session, self.origin, self.role, number) = (session, origin, role, origin.takeNumber())
    if session.isEstablished { established() }
  }

  // MARK: Who uses what

  func use(_ key: RequestKey, for use: RequestUse) { requests[key] = use }
  func ended(_ key: RequestKey) { requests[key] = nil }
  func use(_ stream: StreamKey, for outgoing: OutgoingUse) {
    switch outgoing {
    case .cursor(let cursor): set(stream, .cursor(cursor))
    case .fetch(let fetch): set(stream, .fetch(fetch))
    case .pipe(let pipe): set(stream, .pipe(pipe))
    }
  }
  func forget(_ stream: StreamKey) {
    let slot = Int(stream.slot)
    guard slot < streams.count, streams[slot].generation == stream.generation else { return }
    streams[slot].use = .nothing
  }
  private func set(_ stream: StreamKey, _ use: StreamUse) {
    let slot = Int(stream.slot)
    // Slots are the session's own small numbers, bounded by its limits of streams.
    while streams.count <= slot { streams.append((0, .nothing)) }
    streams[slot] = (stream.generation, use)
  }
  @inline(__always) private func use(of stream: StreamKey) -> StreamUse {
    let slot = Int(stream.slot)
    guard slot < streams.count, streams[slot].generation == stream.generation else { return .nothing }
    return streams[slot].use
  }

  // MARK: What the session tells

  /// Takes all events of the session, then lets subscribers have what came of them.
  public func handleEvents() {
    origin.batch { session.drainEvents { if isAttached { _ = take($0) } } }
  }
  /// Takes one event. False: it is not the origin's business (a request that others made, say).
  @discardableResult public func handle(_ event: Event) -> Bool {
    guard isAttached else { return false }
    return origin.batch { take(event) }
  }

  private func take(_ event: Event) -> Bool {
    switch event {
    case .object(let stream, let info): return object(info, on: stream)
    case .payload(let stream, let part): return payload(part, on: stream)
    case .writable(let stream): return writable(stream)
    case .delivered(let stream):
      switch use(of: stream) {
      case .cursor(let cursor):
        cursor.delivered()
        progressed(cursor)
      case .fetch, .pipe: break
      default: return false
      }
      forget(stream)
    case .subgroupBegan(let stream, let key, let info):
      guard case .ingress(let ingress)? = requests[key] else { return unknown(stream) }
      if let inflow = ingress.began(info) { set(stream, .inflow(inflow, ingress)) }
    case .fetchBegan(let stream, let key):
      switch requests[key] {
      case .backfill(let ingress), .ingress(let ingress): set(stream, .backfill(ingress.fetchBegan(), ingress))
      case .pipe(let pipe): pipe.began(stream)
      default: return unknown(stream)
      }
    case .streamEnded(let stream, let code): return streamEnded(stream, code)
    case .datagram(let key, let info, let bytes):
      guard case .ingress(let ingress)? = requests[key] else { return false }
      ingress.datagram(info, bytes)
    case .stopped(let stream, _):
      switch use(of: stream) {
      case .cursor(let cursor):
        cursor.stopped()
        progressed(cursor)
      case .fetch(let fetch): fetch.abort(.cancelled)
      case .pipe(let pipe): pipe.abort(.cancelled)
      default: return false
      }
    case .established: established()
    case .closed(let end):
      self.end = end
      detach()
    default: return request(event)
    }
    return true
  }

  private func request(_ event: Event) -> Bool {
    switch event {
    case .subscribeRequested(let key, let request): origin.subscribe(self, key, request)
    case .subscriptionUpdated(let key, let update):
      guard case .egress(let egress)? = requests[key] else { return false }
      egress.update(update)
    case .fetchRequested(let key, let request): fetch(key, request)
    case .trackStatusRequested(let key, let name): status(key, name)
    case .interested(let key, let prefix):
      interests[key] = prefix
      requests[key] = .interest(prefix)
      // Where announcements answer the interest, its first answer lists what there is.
      if !abilities.announcesOnInterest { session.accept(key) }
      for namespace in Array(origin.routes.namespaces) where namespace.hasPrefix(prefix) { tell(of: namespace) }
      if abilities.announcesOnInterest { session.accept(key) }
      for track in origin.offeredTracks { offer(track) }
    case .announced(let key, let namespace):
      guard role == .relay else { return false }
      announced(key, namespace)
    case .publishRequested(let key, let name, let answer):
      guard role == .relay else { return false }
      offered(key, name, answer)
    case .withdrawn(let key, let failure): return withdrawn(key, failure)
    case .ended(let key, let failure): return ended(key, failure)
    case .subscribed(let key, let answer):
      guard case .ingress(let ingress)? = requests[key] else { return false }
      ingress.answered(answer)
    case .gap(let key, let gap):
      guard case .ingress(let ingress)? = requests[key] else { return false }
      ingress.gap(gap)
    case .fetching(let key, let answer):
      switch requests[key] {
      case .pipe(let pipe): pipe.answered(answer)
      case .backfill(let ingress): ingress.backfillLifetime = answer.maximumCacheDuration
      default: return false
      }
    case .trackStatus(let key, let state):
      guard case .status(let asker, let question)? = requests.removeValue(forKey: key) else { return false }
      asker.answer(question, state)
    case .publishAccepted(let key, let request): return offerAccepted(key, request)
    case .goingAway: origin.leaves(self)
    case .accepted(let key): return requests[key] != nil
    default: return false
    }
    return true
  }

  private func established() {
    if let dialect = session.dialect { abilities = Abilities(dialect) }
    switch role {
    case .relay:
      if let key = try? session.seekAnnouncements(prefix: TrackNamespace()) { requests[key] = .seek }
    case .publisher:
      for namespace in Array(origin.routes.namespaces) { tell(of: namespace) }
    }
  }

  // MARK: Streams

  private func object(_ info: ObjectInfo, on stream: StreamKey) -> Bool {
    switch use(of: stream) {
    case .inflow(let inflow, let ingress):
      guard !inflow.object(info) else { return true }
      ingress.ended(inflow, .reset(.tooFarBehind))
      set(stream, .discard)
      session.stop(stream: stream, .cancelled)
    case .backfill(let inflow, let ingress):
      inflow.lifetime = ingress.backfillLifetime ?? ingress.lifetime
      inflow.object(info)
    case .pipe(let pipe): pipe.object(info)
    case .discard: break
    case .nothing, .cursor, .fetch: return false
    }
    return true
  }
  private func payload(_ part: Bytes, on stream: StreamKey) -> Bool {
    switch use(of: stream) {
    case .inflow(let inflow, _): inflow.payload(part)
    case .backfill(let inflow, _): inflow.payload(part)
    case .pipe(let pipe):
      // Its credit goes back when the subscriber has room for it.
      pipe.payload(part)
      return true
    case .discard: break
    case .nothing, .cursor, .fetch: return false
    }
    session.consumed(part.count, on: stream)
    return true
  }
  private func writable(_ stream: StreamKey) -> Bool {
    switch use(of: stream) {
    case .cursor(let cursor):
      cursor.pump()
      progressed(cursor)
    case .fetch(let fetch): fetch.pump()
    case .pipe(let pipe): pipe.pump()
    default: return false
    }
    return true
  }
  private func streamEnded(_ stream: StreamKey, _ code: UInt64?) -> Bool {
    switch use(of: stream) {
    case .inflow(let inflow, let ingress): ingress.ended(inflow, code.map(ending) ?? .finished)
    case .backfill(let inflow, let ingress):
      inflow.end()
      ingress.backfilled(success: code == nil)
    case .pipe(let pipe): pipe.ended(reset: code)
    case .discard: break
    case .nothing, .cursor, .fetch: return false
    }
    forget(stream)
    return true
  }
  /// What a reset's code means for the subgroup.
  private func ending(_ code: UInt64) -> Run.State {
    // The session is gone: another publisher may go on where it left.
    guard session.isEstablished else { return .cut }
    return .reset(session.dialect?.rules.codes.stream.meaning(of: code) ?? .cancelled)
  }
  /// A stream of a request that is over, or not the origin's.
  private func unknown(_ stream: StreamKey) -> Bool {
    guard role == .relay else { return false }
    set(stream, .discard)
    session.stop(stream: stream, .cancelled)
    return true
  }
  private func progressed(_ cursor: Cursor) {
    guard case .live(let egress) = cursor.reader, case .local(let local) = egress.track.source else { return }
    origin.progressed(local)
  }

  // MARK: Announcements

  private func announced(_ key: RequestKey, _ namespace: TrackNamespace) {
    guard origin.policy.allowPublish(namespace, session) else {
      return session.reject(key, RequestFailure(.unauthorized, "not allowed to publish \(namespace)"))
    }
    session.accept(key)
    let route = Route(namespace, .session(self, key))
    requests[key] = .route(route)
    origin.announced(route)
  }
  /// Makes what the peer has been told of a namespace agree with what there is and what it asked for.
  func tell(of namespace: TrackNamespace) {
    guard session.isEstablished else { return }
    let isWanted =
      origin.routes.isPublished(namespace, besideOf: self)
      && (role == .publisher || interests.values.contains { namespace.hasPrefix($0) })
    if isWanted, told[namespace] == nil {
      let key: RequestKey
      do { key = try session.announce(namespace) } catch {
        if error.kind == .inexpressible { origin.counters.announcementsInexpressible &+= 1 }
        return
      }
      told[namespace] = key
      requests[key] = .told(namespace)
    } else if !isWanted, let key = told.removeValue(forKey: namespace) {
      requests[key] = nil
      session.cancel(key)
    }
  }
  private func offered(_ key: RequestKey, _ name: TrackName, _ answer: SubscribeAnswer) {
    guard origin.policy.allowPublish(name.namespace, session) else {
      return session.reject(key, RequestFailure(.unauthorized, "not allowed to publish \(name)"))
    }
    guard let ingress = origin.offered(name, by: self, key) else {
      return session.reject(key, RequestFailure(.uninterested, "\(name) is published already"))
    }
    requests[key] = .ingress(ingress)
    session.accept(key)
    ingress.answered(answer)
    for attachment in origin.attachments.values { attachment.offer(ingress.track) }
  }

  // MARK: Ends of requests

  private func withdrawn(_ key: RequestKey, _ failure: RequestFailure) -> Bool {
    switch requests.removeValue(forKey: key) {
    case nil: return false
    case .route(let route): origin.withdrawn(route)
    case .interest:
      interests[key] = nil
      for namespace in Array(told.keys) { tell(of: namespace) }
    case .pending(let track): origin.stopWaiting(track, self, key)
    case .egress(let egress): egress.cancel()
    case .fetch(let fetch): fetch.abort(.cancelled)
    case .pipe(let pipe): pipe.abort(.cancelled)
    case .ingress(let ingress): origin.lost(ingress, failure)
    case .waitingFetch, .backfill, .told, .seek, .status, .offer: break
    }
    return true
  }
  private func ended(_ key: RequestKey, _ failure: RequestFailure) -> Bool {
    switch requests.removeValue(forKey: key) {
    case nil: return false
    case .ingress(let ingress): origin.lost(ingress, failure)
    case .backfill(let ingress): ingress.backfilled(success: false)
    case .pipe(let pipe): pipe.ended(RequestFailure(failure.reason, failure.phrase))
    case .status(let asker, let question): asker.refuse(question, RequestFailure(failure.reason, failure.phrase))
    // The peer does not want to hear of it; it stays in `told` so that it is not told again.
    case .told, .seek, .offer: break
    case .egress(let egress): egress.cancel()
    case .route, .interest, .pending, .fetch, .waitingFetch: break
    }
    return true
  }

  /// Takes the session out. Called by itself when the session tells that it is closed.
  public func detach() {
    guard isAttached else { return }
    origin.batch {
      isAttached = false
      origin.detach(self)
      let (uses, open) = (requests, streams)
      (requests, streams, interests, told) = ([:], [], [:], [:])
      let gone = RequestFailure(.sessionClosed, "the session has ended")
      for (key, use) in uses {
        switch use {
        case .route(let route): origin.withdrawn(route)
        case .ingress(let ingress): origin.lost(ingress, gone)
        case .pending(let track): origin.stopWaiting(track, self, key)
        case .egress(let egress): egress.cancel()
        case .fetch(let fetch): fetch.abort(.sessionClosed)
        case .pipe(let pipe): pipe.leave(self)
        case .status(let asker, let question):
          asker.refuse(question, RequestFailure(.internalError, "the publisher has left"))
        case .backfill, .told, .seek, .interest, .waitingFetch, .offer: break
        }
      }
      // Streams of subscriptions that had ended, but had not arrived.
      for (_, use) in open { if case .cursor(let cursor) = use { cursor.abandon() } }
      origin.forgetRefusals(of: self)
    }
  }
}

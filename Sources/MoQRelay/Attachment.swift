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

  enum RequestUse {
    // Ours.
    case ingress(Ingress), backfill(Ingress), told(TrackNamespace), seek, offer(CachedTrack)
    case status(Attachment, RequestKey)
    // The peer's.
    case route(Route), interest(TrackNamespace), pending(CachedTrack), egress(Egress)
    case fetch(FetchEgress), waitingFetch
    // Either's.
    case pipe(FetchPipe)
  }
  private enum StreamUse {
    case nothing, discard
    case inflow(Inflow, Ingress), backfill(FetchInflow, Ingress)
    case cursor(Cursor), fetch(FetchEgress), pipe(FetchPipe)
  }
  enum OutgoingUse { case cursor(Cursor), fetch(FetchEgress), pipe(FetchPipe) }
  private var requests: [RequestKey: RequestUse] = [:]
  private var streams: [(generation: UInt32, use: StreamUse)] = []
  private var interests: [RequestKey: TrackNamespace] = [:]
  private var told: [TrackNamespace: RequestKey] = [:]
  private var fetches = 0

  init(_ session: SessionCore, to origin: Origin, as role: Role) {
    (self.session, self.origin, self.role) = (session, origin, role)
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
    origin.batch { session.drainEvents { _ = handle($0) } }
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
      case .backfill(let ingress): set(stream, .backfill(FetchInflow(ingress.track), ingress))
      case .ingress(let ingress): set(stream, .backfill(FetchInflow(ingress.track), ingress))
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
    case .closed: detach()
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
    case .fetching(let key, let answer):
      switch requests[key] {
      case .pipe(let pipe): pipe.answered(answer)
      case .backfill: break
      default: return false
      }
    case .trackStatus(let key, let state):
      guard case .status(let asker, let question)? = requests.removeValue(forKey: key) else { return false }
      asker.answer(question, state)
    case .publishAccepted(let key, let request):
      guard case .offer(let track)? = requests[key] else { return false }
      origin.serve(offer: key, of: track, request, to: self)
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
    case .backfill(let inflow, _): inflow.object(info)
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
  /// Offers a track of the application's to the peer (PUBLISH). It is served as soon as the peer says yes, which
  /// `.publishAccepted` tells; `.ended` is a no.
  public func offer(_ local: LocalTrack) throws(CommandError) -> RequestKey {
    var answer = SubscribeAnswer(largest: local.largest)
    answer.groupOrder = local.track.groupOrder
    let key = try session.publish(local.name, answer)
    requests[key] = .offer(local.track)
    return key
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
    case .waitingFetch, .backfill, .told, .seek, .offer, .status: break
    }
    return true
  }
  private func ended(_ key: RequestKey, _ failure: RequestFailure) -> Bool {
    switch requests.removeValue(forKey: key) {
    case nil: return false
    case .ingress(let ingress): origin.lost(ingress, failure)
    case .backfill(let ingress): ingress.backfilled(success: false)
    case .pipe(let pipe): pipe.failed(RequestFailure(failure.reason, failure.phrase))
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
        case .backfill, .told, .seek, .offer, .interest, .waitingFetch: break
        }
      }
      // Streams of subscriptions that had ended, but had not arrived.
      for (_, use) in open { if case .cursor(let cursor) = use { cursor.abandon() } }
    }
  }

  // MARK: Fetch and track status

  private func fetch(_ key: RequestKey, _ request: FetchRequest) {
    guard fetches < origin.configuration.maximumFetches else {
      return refuse(key, RequestFailure(.excessiveLoad, "more than \(origin.configuration.maximumFetches) fetches"))
    }
    let name: TrackName, start: Location, end: Location
    switch request.range {
    case .standalone(let track, let from, let group, let object):
      (name, start, end) = (track, from, Location(group, object ?? .max))
    case .joining(let subscription, let before):
      guard case .egress(let egress)? = requests[subscription], let past = egress.answered else {
        return refuseFetch(key, RequestFailure(.invalidJoiningRequest, "no subscription with objects to join"))
      }
      (name, start, end) = (egress.track.name, Location(past.group - min(before, past.group), 0), past)
    case .joiningAbsolute(let subscription, let group):
      guard case .egress(let egress)? = requests[subscription], let past = egress.answered else {
        return refuseFetch(key, RequestFailure(.invalidJoiningRequest, "no subscription with objects to join"))
      }
      (name, start, end) = (egress.track.name, Location(group, 0), past)
    }
    guard origin.policy.allowSubscribe(name, session) else {
      return refuseFetch(key, RequestFailure(.unauthorized, "not allowed to fetch \(name)"))
    }
    guard start <= end else {
      return refuseFetch(key, RequestFailure(.invalidRange, "the range ends before it begins"))
    }
    fetches += 1
    requests[key] = .waitingFetch
    serve(key, request, name, start, end)
  }
  private func serve(_ key: RequestKey, _ request: FetchRequest, _ name: TrackName, _ start: Location, _ end: Location)
  {
    guard case .waitingFetch? = requests[key] else { return }
    guard let track = origin.track(name), let largest = track.largest else {
      return forward(key, request, name, start, end)
    }
    let last = min(end, largest)
    if let coverage = track.coverage, coverage <= start {
      guard start <= largest else {
        return refuseFetch(key, RequestFailure(.invalidRange, "the range begins after the largest object, \(largest)"))
      }
      guard FetchEgress.hasObjects(track, start, last) else {
        return refuseFetch(key, RequestFailure(.noObjects, "nothing from \(start) through \(last)"))
      }
      let order = request.groupOrder == .publisher ? track.groupOrder : request.groupOrder
      let fetch = FetchEgress(self, key: key, track: track, start: start, end: last, descending: order == .descending)
      requests[key] = .fetch(fetch)
      origin.counters.fetchesFromCache &+= 1
      do { try fetch.begin(priority: request.priority) } catch { fetch.abort(.internalError) }
    } else if let backfill = track.backfill, start >= Location(backfill.group, 0) {
      // It is on its way here: answer once it is known whether it comes.
      track.waitingFetches.append { [weak self] in self?.serve(key, request, name, start, end) }
    } else {
      forward(key, request, name, start, last)
    }
  }
  /// Asks the publisher for what the cache does not cover.
  private func forward(
    _ key: RequestKey, _ request: FetchRequest, _ name: TrackName, _ start: Location, _ end: Location
  ) {
    guard let source = origin.publisher(of: name, askedBy: self) else {
      return refuseFetch(key, RequestFailure(.doesNotExist, "nobody publishes \(name.namespace)"))
    }
    guard source.abilities.fetch else {
      let dialect = source.session.dialect?.name ?? "the publisher's dialect"
      return refuseFetch(
        key, RequestFailure(.unknownStatusInRange, "not all of it is cached, and \(dialect) has no FETCH"))
    }
    var upstream = FetchRequest(
      .standalone(name, start: start, endGroup: end.group, endObject: end.object == .max ? nil : end.object))
    (upstream.priority, upstream.groupOrder) = (request.priority, request.groupOrder)
    let pipe = FetchPipe(from: source, to: self, key: key, priority: request.priority)
    do {
      try pipe.begin(upstream)
      origin.counters.fetchesForwarded &+= 1
    } catch {
      refuseFetch(key, RequestFailure(.internalError, "the publisher's session: \(error.phrase)"))
    }
  }
  private func refuseFetch(_ key: RequestKey, _ failure: RequestFailure) {
    origin.counters.fetchesRefused &+= 1
    if requests[key] != nil { fetchEnded(key) }
    session.reject(key, failure)
  }
  func fetchEnded(_ key: RequestKey) {
    if requests.removeValue(forKey: key) != nil { fetches -= 1 }
  }

  private func status(_ key: RequestKey, _ name: TrackName) {
    guard origin.policy.allowSubscribe(name, session) else {
      return refuse(key, RequestFailure(.unauthorized, "not allowed to ask about \(name)"))
    }
    if let track = origin.track(name), track.isLive {
      return answer(key, TrackState(track.largest == nil ? .notYetBegun : .inProgress, largest: track.largest))
    }
    guard let source = origin.publisher(of: name, askedBy: self) else {
      return answer(key, TrackState(.doesNotExist))
    }
    do {
      let question = try source.session.trackStatus(name)
      source.use(question, for: .status(self, key))
    } catch {
      // The publisher's dialect has no such question, and nobody reads the track here.
      answer(key, TrackState(.unknown))
    }
  }
  private func answer(_ key: RequestKey, _ state: TrackState) {
    guard isAttached else { return }
    do { try session.answer(key, state) } catch { session.reject(key, RequestFailure(.internalError, error.phrase)) }
  }
  private func refuse(_ key: RequestKey, _ failure: RequestFailure) {
    guard isAttached else { return }
    session.reject(key, failure)
  }
}

import MoQKernel
import MoQNetwork
import MoQRelay

/// The publishing side of a session, on its loop: an origin with the session's own tracks, and the
/// peer's requests on their way there.
final class PublishingHost {
  /// Requests of the peer that wait for an answer of the application.
  static let maximumWaiting = 4_096

  /// How long a broadcast's tracks may still be made once it is announced.
  static let patience = Duration.seconds(1)

  /// Bytes of one subscription that are on their way: enough for 300 Mbit/s over 100 ms.
  static let maximumOutstandingBytes = 4 << 20

  private unowned let host: SessionHost
  private let origin: Origin
  private let publisher: Publisher
  private let outbox: Outbox
  private let requests: Inbox<IncomingRequest>
  private var attachment: Attachment?
  /// What the peer asked and the application has not answered.
  private var waiting: [RequestKey: Event] = [:]
  private var timer: LoopTimer?

  init(_ host: SessionHost, requests: Inbox<IncomingRequest>) {
    (self.host, self.requests) = (host, requests)
    var configuration = RelayConfiguration()
    configuration.cacheBytes = host.options.publishCache
    configuration.maximumOutstandingBytes = Self.maximumOutstandingBytes
    configuration.patience = Self.patience
    origin = Origin(configuration)
    publisher = Publisher(origin, loop: host.loop)
    outbox = Outbox(host.loop, LoopBound(publisher, on: host.loop))
    attachment = origin.attach(host.core, as: .publisher)
    publisher.onBatch = { [unowned host] in host.driver.tick() }
  }

  func tick() { origin.ticked(at: host.driver.now) }

  /// Deadlines of the origin, after a batch.
  func flush() {
    guard let deadline = origin.nextDeadline, attachment != nil else { return }
    let timer =
      self.timer
      ?? host.loop.timer { [weak self] in
        guard let self, self.attachment != nil else { return }
        self.host.driver.tick()
        self.tick()
        self.flush()
      }
    self.timer = timer
    timer.arm(at: deadline.nanoseconds)
  }

  // MARK: What the application publishes

  func publish(
    _ path: TrackNamespace, _ authorization: [AuthorizationToken], _ answer: Promise<Result<Void, MoQError>>,
    made: (Outbox, LoopBound<LocalBroadcast>) -> Void
  ) {
    tick()
    let what = "publishing \(path)"
    switch host.attempt(what, { () throws(CommandError) in try host.core.announce(path, authorization: authorization) })
    {
    case .success(let key):
      host.answers[key] = (what, answer)
      // The origin announces it too, which is the same request.
      made(outbox, LoopBound(origin.publish(path), on: host.loop))
    case .failure(let error) where error.code == .inexpressible:
      // A dialect without announcements: whoever knows the path may subscribe all the same.
      made(outbox, LoopBound(origin.publish(path), on: host.loop))
      answer.fulfil(.success(()))
    case .failure(let error): answer.fulfil(.failure(error))
    }
  }

  /// A broadcast that the peer is not told of: for tracks that are offered to it one by one.
  func publishUnannounced(_ path: TrackNamespace) -> (Outbox, LoopBound<LocalBroadcast>) {
    tick()
    return (outbox, LoopBound(origin.publish(path, announced: false), on: host.loop))
  }

  func offer(
    _ track: LocalTrack, _ authorization: [AuthorizationToken], _ answer: Promise<Result<Void, MoQError>>
  ) -> RequestKey? {
    tick()
    let what = "offering \(track.name)"
    guard let attachment else {
      answer.fulfil(.failure(MoQError(.sessionClosed, "\(what): the session is over")))
      return nil
    }
    let offered = host.attempt(what) { () throws(CommandError) in
      try attachment.offer(track, authorization: authorization)
    }
    switch offered {
    case .success(let key):
      host.answers[key] = (what, answer)
      return key
    case .failure(let error):
      answer.fulfil(.failure(error))
      return nil
    }
  }

  // MARK: What the peer asks

  func handle(_ event: Event) {
    if host.options.requests == .ask, let (key, kind) = Self.question(event) {
      // An inbox that nobody reads keeps what has long been refused for its time.
      guard waiting.count < Self.maximumWaiting, requests.count < Self.maximumWaiting else {
        host.core.reject(key, RequestFailure(.excessiveLoad, "\(Self.maximumWaiting) requests wait for an answer"))
        return
      }
      waiting[key] = event
      let bound = LoopBound(self, on: host.loop)
      let tokens = host.core.authorization(of: key)
      requests.put(IncomingRequest(kind: kind, authorization: tokens, loop: host.loop, host: bound, key: key))
      return
    }
    if case .withdrawn(let key, _) = event, waiting.removeValue(forKey: key) != nil { return }
    carryOut(event)
  }

  private func carryOut(_ event: Event) {
    if case .publishRequested(let key, let track, _) = event {
      // Nobody is here to read what was not asked for.
      host.core.reject(key, RequestFailure(.uninterested, "nobody here wants \(track)"))
      return
    }
    if case .announced(let key, let namespace) = event {
      host.admit(key, namespace)
      return
    }
    attachment?.handle(event)
  }

  private static func question(_ event: Event) -> (RequestKey, IncomingRequest.Kind)? {
    switch event {
    case .subscribeRequested(let key, let request): (key, .subscribe(request.track))
    case .fetchRequested(let key, let request):
      if case .standalone(let track, _, _, _) = request.range { (key, .fetch(track)) } else { nil }
    case .trackStatusRequested(let key, let track): (key, .trackStatus(track))
    case .announced(let key, let namespace): (key, .announce(namespace))
    case .interested(let key, let prefix): (key, .announcements(under: prefix))
    case .publishRequested(let key, let track, _): (key, .publish(track))
    default: nil
    }
  }

  func accept(_ key: RequestKey) {
    guard let event = waiting.removeValue(forKey: key) else { return }
    host.driver.tick()
    tick()
    carryOut(event)
  }

  func reject(_ key: RequestKey, _ failure: RequestFailure) {
    guard waiting.removeValue(forKey: key) != nil else { return }
    host.driver.tick()
    host.core.reject(key, failure)
  }

  /// The session is over.
  func over(_ failure: MoQError) {
    attachment?.detach()
    attachment = nil
    timer?.cancel()
    timer = nil
    waiting = [:]
    requests.close()
    outbox.close(failure)
    publisher.onBatch = {}
    publisher.over(failure)
  }
}

// What all requests have in common: their first message, their end, and `cancel`.

extension SessionCore {
  /// The rules, if a request may be made now.
  func requestRules() throws(CommandError) -> Rules {
    let rules = try openRules()
    guard !peerIsGoingAway else { throw CommandError(.notOpen, "the peer is going away: no new requests") }
    guard openRequests < configuration.maximumOpenRequests else {
      throw CommandError(.limit, "\(configuration.maximumOpenRequests) requests are open")
    }
    return rules
  }

  /// Makes a request: its first message goes out now, or when there is credit.
  func submit(_ request: Request) throws(CommandError) {
    try dispatch(request)
    enter(request)
    deadlines.add(.answer(request.key), at: now.advanced(by: configuration.requestTimeout))
  }
  /// Sends a request's first message, or has it wait for credit.
  func dispatch(_ request: Request) throws(CommandError) {
    if queued.isEmpty, hasCredit(kind(of: request)) {
      try transmit(request)
    } else {
      var ledger = ourTokens
      _ = try encode(opening(of: request, id: 0, spoken(request.authorization, &ledger)))
      guard queued.count < configuration.maximumQueuedRequests else {
        throw CommandError(.limit, "\(queued.count) requests wait for the peer's credit")
      }
      request.isQueued = true
      queued.append(.request(request))
      askForCredit()
    }
  }
  func enter(_ request: Request) {
    requests.insert(request)
    openRequests += 1
    sweep()
  }
  /// Entries of requests that have long been answered must not pile up.
  private func sweep() {
    guard deadlines.count > sweepAt else { return }
    deadlines.keep { self.isWanted($0) }
    sweepAt = max(256, 2 * deadlines.count)
  }

  /// Sends a request's first message, on the control stream or on a stream of its own.
  func transmit(_ request: Request) throws(CommandError) {
    var ledger = ourTokens
    let kind = kind(of: request)
    let message = opening(of: request, id: peekID(kind), try spoken(request.authorization, &ledger))
    if let grammar = grammar(of: kind) {
      let bytes = try encode(message, type: grammar.isMessageType ? nil : grammar.type)
      let stream = openStream(.bidirectional, .control, use: .request)
      (stream.grammar, stream.request) = (grammar, request)
      request.carrier = stream
      tapped(kind, bytes, after: grammar.isMessageType ? 0 : codec?.size(of: grammar.type) ?? 0, codec, on: stream)
      send(bytes, on: stream)
      if let fetching = request as? Fetching { awaitObjects(fetching, on: stream) }
    } else {
      try sendControl(message)
    }
    ourTokens = ledger
    request.id = useID(kind)
    if let id = request.id { ourIDs[id] = request }
    if let subscription = request as? Subscription, let id = request.id {
      subscription.askedAt = now
      switch rules?.alias {
      case .subscriber: register(alias: subscription.alias ?? id, subscription)
      case .requestID: register(alias: id, subscription)
      case .publisher, nil: break
      }
    }
  }
  /// How the stream of a request of this kind goes; nil: it travels on the control stream.
  func grammar(of kind: MessageKind) -> RequestStream? {
    codec?.requestStreams.first { $0.opener.first == kind }
  }

  func kind(of request: Request) -> MessageKind {
    switch request {
    case is Subscription: .subscribe
    case is ServedSubscription: .publish
    case is Fetching, is ServedFetch: .fetch
    case is Announcement: .publishNamespace
    case is Interest: .subscribeNamespace
    default: .trackStatus
    }
  }
  /// The first message of a request of ours.
  private func opening(of request: Request, id: UInt64, _ tokens: [Parameter]) -> Message {
    switch request {
    case let request as Subscription:
      var m = subscribeMessage(request, id)
      m.parameters += tokens
      return .subscribe(m)
    case let request as ServedSubscription:
      var m = publishMessage(request, id)
      m.parameters += tokens
      return .publish(m)
    case let request as Fetching:
      var m = fetchMessage(request, id)
      m.parameters += tokens
      return .fetch(m)
    case let request as Announcement:
      var m = PublishNamespace()
      (m.id, m.namespace, m.parameters) = (id, request.namespace, tokens)
      return .publishNamespace(m)
    case let request as Interest:
      var m = SubscribeNamespace()
      (m.id, m.prefix, m.parameters) = (id, request.prefix, tokens)
      return .subscribeNamespace(m)
    case let request as StatusQuery:
      var m = TrackStatusRequest()
      (m.subscribe.id, m.subscribe.namespace, m.subscribe.name) = (id, request.track.namespace, request.track.name)
      m.subscribe.parameters = tokens
      return .trackStatus(m)
    default: return .sessionUpdate(SessionUpdate())
    }
  }

  // MARK: The peer's requests

  /// Takes a new request of the peer in. False: it was refused, since there are too many or for its tokens.
  func admit(_ request: Request, _ carrier: Stream?, _ tokens: PeerTokens) -> Bool {
    if let carrier {
      carrier.request = request
      request.carrier = carrier
    }
    if let id = request.id { peerIDs[id] = request }
    enter(request)
    deadlines.add(.answer(request.key), at: now.advanced(by: configuration.requestTimeout))
    if openRequests > configuration.maximumOpenRequests {
      refuse(request, RequestFailure(.excessiveLoad, "too many open requests"))
      return false
    }
    if isGoingAway {
      refuse(request, RequestFailure(.goingAway, "going away"))
      return false
    }
    if let refusal = tokens.refusal {
      refuse(request, refusal)
      return false
    }
    guard keep(tokens.values, for: request) else {
      refuse(request, RequestFailure(.excessiveLoad, "too many tokens wait for an answer"))
      return false
    }
    return true
  }
  func number(_ id: UInt64, _ kind: MessageKind) -> UInt64? { rules?.numbered.contains(kind) ?? false ? id : nil }

  // MARK: Ends

  /// Forgets a request. Its streams must have been dealt with.
  func remove(_ request: Request) {
    guard requests[request.key] === request else { return }
    requests.remove(request)
    openRequests -= 1
    dropTokens(of: request)
    if let id = request.id {
      if request.isOurs { ourIDs[id] = nil } else { peerIDs[id] = nil }
    }
    if !request.isOurs, request is Interest { peerInterests.removeAll { $0 === request } }
    switch request {
    case let served as ServedSubscription:
      if servedAliases[served.alias] === served { servedAliases[served.alias] = nil }
      if servedTracks[served.request.track] === served { servedTracks[served.request.track] = nil }
    case let subscription as Subscription:
      if ourTracks[subscription.request.track] === subscription { ourTracks[subscription.request.track] = nil }
    default: break
    }
    if request.isQueued {
      queued.removeAll { if case .request(let waiting) = $0 { waiting === request } else { false } }
    }
    if let carrier = request.carrier {
      carrier.request = nil
      request.carrier = nil
    }
  }
  /// A request of ours has come to its end without our doing: its owner is told.
  func fail(_ request: Request, _ failure: RequestFailure) {
    dropStreams(of: request)
    let isKnown = requests[request.key] === request
    remove(request)
    guard isKnown else { return }
    if let whole = request.whole { return stepFailed(whole, failure) }
    guard !isHidden(request) else { return }
    tell(request.isOurs ? .ended(request.key, failure) : .withdrawn(request.key, failure))
  }
  /// Ends all data streams of a request: ours are reset, the peer's are refused.
  func dropStreams(of request: Request) {
    let cancelled = rules?.codes.stream.code(of: .cancelled) ?? 0
    while let stream = request.streams.last {
      request.detach(stream)
      if stream.isAnnounced {
        stream.isAnnounced = false
        tell(.streamEnded(stream.key, reset: cancelled))
      }
      if stream.sendsObjects {
        // Its owner may have ended the request, and still wait for what it wrote to arrive.
        if !stream.isSettled { tell(.stopped(stream.key, code: cancelled)) }
        noteFinal(stream, request)
        dropSending(stream, cancelled)
      }
      if !stream.isOurs || stream.kind == .bidirectional { refuse(stream, code: cancelled) }
      settle(stream)
    }
  }
  /// Ends a request's own stream: FIN where it ends well, a reset with the reason's number otherwise.
  func endCarrier(_ request: Request, _ failure: RequestFailure) {
    guard let carrier = request.carrier, let rules else { return }
    carrier.request = nil
    request.carrier = nil
    var code = rules.codes.done.code(of: failure.reason)
    switch failure.reason {
    case .trackEnded, .subscriptionEnded:
      finishSending(carrier)
      code = rules.codes.stream.code(of: .cancelled)
    default: dropSending(carrier, code)
    }
    carrier.use = .refused
    carrier.pending = []
    if !carrier.isReceived { perform(.stop(carrier.key, code: code)) }
    settle(carrier)
  }

  /// Takes a request of ours back, or ends a peer's announcement. A request that has ended is left alone.
  /// No `.ended` follows; streams that were told of get their `.streamEnded`.
  public func cancel(_ key: RequestKey, _ failure: RequestFailure = RequestFailure(.cancelled)) {
    guard let request = requests[key], setup.isOpen else { return }
    switch request {
    case let request as Subscription: cancel(request, failure)
    case let request as ServedSubscription: request.isOurs ? finish(key, failure) : reject(key, failure)
    case let request as Fetching: cancel(request)
    case let request as SplitFetch: cancel(request)
    case let request as ServedFetch: refuseFetch(request, failure)
    case let request as Announcement: cancel(request, failure)
    case let request as Interest: cancel(request, failure)
    case let request as StatusQuery:
      guard request.state.end() != .late else { return }
      endCarrier(request, failure)
      remove(request)
    default: return
    }
  }

  /// No to a request of the peer.
  public func reject(_ key: RequestKey, _ failure: RequestFailure) {
    guard let request = requests[key], setup.isOpen, !request.isOurs else { return }
    refuse(request, failure)
  }
  /// The same, where the owner has not heard of the request, or no longer.
  func refuse(_ request: Request, _ failure: RequestFailure) {
    switch request {
    case let request as ServedSubscription: refuseSubscription(request, failure)
    case let request as Subscription: cancel(request, failure)
    case let request as ServedFetch: refuseFetch(request, failure)
    case let request as StatusQuery: refuseStatus(request, failure)
    case let request as Announcement: cancel(request, failure)
    case let request as Interest: cancel(request, failure)
    default: return
    }
  }
  func errorMessage(_ request: Request, _ failure: RequestFailure, _ table: CodeTable<Reason>) -> RequestError {
    var m = RequestError()
    (m.id, m.code, m.reason) = (request.id ?? 0, table.code(of: failure.reason), phrase(failure))
    if request.id == nil, request.carrier == nil {
      // Through draft-10 announcements and interests have only names.
      if let announcement = request as? Announcement { m.namespace = announcement.namespace }
      if let interest = request as? Interest { m.namespace = interest.prefix }
    }
    if let served = request as? ServedSubscription, rules?.alias == .subscriber {
      m.trackAlias = failure.reason == .retryTrackAlias ? freeServedAlias() : served.alias
    }
    return m
  }

  // MARK: Answers that are alike

  /// The peer refuses a request of ours.
  func refused<R: Request>(_ m: RequestError, _ carrier: Stream?, as type: R.Type) throws(SessionFailure) {
    guard let request = try ours(m.id, m.namespace, carrier, as: type), let codes = rules?.codes else { return }
    let text = String(decoding: m.reason, as: UTF8.self)
    func failure(_ table: CodeTable<Reason>) -> RequestFailure {
      RequestFailure(table.reason(of: m.code), text, code: m.code)
    }
    switch request as Request {
    case let request as Subscription:
      if codes.subscribe.reason(of: m.code) == .retryTrackAlias, try asksAgain(request, under: m.trackAlias) { return }
      guard try carriesOut(request.state.refused(), request, "SUBSCRIBE") else { return }
      endJoin(of: request)
      retire(request)
      fail(request, failure(codes.subscribe))
    case let request as ServedSubscription:
      guard try carriesOut(request.state.offerRefused(), request, "PUBLISH") else { return }
      fail(request, failure(codes.publish))
    case let request as Fetching:
      switch request.state.refused() {
      case .carryOut, .carryOutAndEnd:
        if request.subscription != nil { counters.joiningFetchesRefused += 1 }
        fail(request, failure(codes.fetch))
      case .violation: throw violation("a second answer to FETCH")
      case .late: counters.racesDropped += 1
      }
    case let request as StatusQuery:
      if request.state.end() != .late { fail(request, failure(codes.trackStatus)) }
    case let request as Announcement:
      guard try carriesOut(request.state.refused(), request, "an announcement") else { return }
      forget(request)
      fail(request, failure(codes.publishNamespace))
    case let request as Interest:
      guard try carriesOut(request.state.refused(), request, "an interest") else { return }
      fail(request, failure(codes.subscribeNamespace))
    default: return
    }
  }
  /// Whether an answer of the peer counts. A second one is its fault, unless only a name says what it is for.
  func carriesOut(_ action: OnAnswer, _ request: Request, _ what: String) throws(SessionFailure) -> Bool {
    switch action {
    case .carryOut: return true
    case .violation where !isMatchedByName(request): throw violation("a second answer to \(what)")
    case .violation, .late:
      counters.racesDropped += 1
      return false
    }
  }
  /// The peer accepts an announcement or an interest of ours.
  func accepted<R: StandingRequest>(_ m: RequestReference, _ carrier: Stream?, as type: R.Type) throws(SessionFailure) {
    guard let request = try ours(m.id, m.namespace, carrier, as: type),
      try carriesOut(request.state.accepted(), request, "request \(m.id)")
    else { return }
    tell(.accepted(request.key))
  }

  /// Where an answer has only a name, it may be for a request of that name that was taken back and made again.
  private func isMatchedByName(_ request: Request) -> Bool { request.id == nil && request.carrier == nil }

  // MARK: Track status

  public func trackStatus(
    _ track: TrackName, authorization: [AuthorizationToken] = []
  ) throws(CommandError) -> RequestKey {
    let rules = try requestRules()
    guard case .exists = rules.trackStatus else { throw CommandError(.inexpressible, "\(name) has no track status") }
    let request = StatusQuery(key: requests.reserveKey(), isOurs: true, track)
    request.authorization = authorization
    try submitted(request)
    return request.key
  }
  /// `submit`, or the key goes back.
  func submitted(_ request: Request) throws(CommandError) {
    do { try submit(request) } catch {
      requests.giveBack(request.key)
      throw error
    }
  }
  func peerAsksStatus(_ m: TrackStatusRequest, _ carrier: Stream?) throws(SessionFailure) {
    try takePeerID(m.subscribe.id, .trackStatus)
    let tokens = try tokens(in: m.subscribe.parameters)
    let track = TrackName(m.subscribe.namespace, m.subscribe.name)
    let request = StatusQuery(key: requests.reserveKey(), isOurs: false, track)
    request.id = number(m.subscribe.id, .trackStatus)
    guard admit(request, carrier, tokens) else { return }
    tell(.trackStatusRequested(request.key, track))
  }
  public func answer(_ key: RequestKey, _ state: TrackState) throws(CommandError) {
    guard let request = requests[key] as? StatusQuery, !request.isOurs, !request.isEnded else { return }
    if case .doesNotExist = state.progress { return refuseStatus(request, RequestFailure(.doesNotExist)) }
    // Where an answer tells no status, it would say that the track has no objects.
    if case .unknown = state.progress, !statusIsSaid {
      return refuseStatus(request, RequestFailure(.notSupported, "the track's state cannot be found out"))
    }
    var m = TrackStatusOK()
    (m.ok.id, m.ok.largest) = (request.id ?? 0, state.largest)
    if let rules, case .latestGroup = rules.answering {
      (m.ok.priority, m.ok.groupOrder) = (state.priority, spoken(state.groupOrder, rules))
      m.ok.largest = state.largest?.ofGroup
    }
    // Through draft-10 the answer is matched by name.
    if request.id == nil, request.carrier == nil {
      (m.namespace, m.name) = (request.track.namespace, request.track.name)
    }
    if statusIsSaid { (m.status, m.ok.largest) = state.spelled }
    try answer(.trackStatusOK(m), request)
    _ = request.state.end()
    endCarrier(request, RequestFailure(.trackEnded))
    remove(request)
  }
  /// Through draft-12 the answer has a status of its own.
  private var statusIsSaid: Bool {
    guard case .message? = rules?.refusal else { return false }
    return !(codec?.speaks(.trackStatusError) ?? false)
  }
  func refuseStatus(_ request: StatusQuery, _ failure: RequestFailure) {
    guard request.state.end() != .late, let rules else { return }
    if statusIsSaid {
      var m = TrackStatusOK()
      (m.ok.id, m.status) = (request.id ?? 0, TrackState(.doesNotExist).spelled.status)
      if request.id == nil { (m.namespace, m.name) = (request.track.namespace, request.track.name) }
      try? answer(.trackStatusOK(m), request)
    } else if request.carrier != nil {
      endCarrier(request, failure.asRefusal)
    } else {
      try? answer(.trackStatusError(errorMessage(request, failure, rules.codes.trackStatus)), request)
    }
    remove(request)
  }
  func statusArrived(_ m: TrackStatusOK, _ carrier: Stream?) throws(SessionFailure) {
    let found: StatusQuery?
    if isNumbered(.trackStatus) || carrier != nil {
      found = try ours(m.ok.id, carrier, as: StatusQuery.self)
    } else {
      // Through draft-10 the answer names its track.
      let track = TrackName(m.namespace, m.name)
      found = ours(StatusQuery.self) { $0.track == track }
    }
    guard let request = found else { return }
    guard request.state.end() != .late else { return }
    if let carrier = request.carrier { finishSending(carrier) }
    remove(request)
    if let whole = request.whole { return reaches(whole, TrackState(m)) }
    tell(.trackStatus(request.key, TrackState(m)))
  }
}

extension TrackState {
  /// The status and the location that say it, through draft-12: a location is there unless nothing is.
  fileprivate var spelled: (status: UInt64, largest: Location?) {
    switch progress {
    case .inProgress: largest.map { (0, $0) } ?? (2, nil)
    case .doesNotExist: (1, nil)
    case .notYetBegun: (2, nil)
    case .finished: (3, largest ?? Location(0, 0))
    case .unknown: (4, largest ?? Location(0, 0))
    }
  }
  fileprivate init(_ m: TrackStatusOK) {
    let progress: Progress =
      switch m.status {
      case 1: .doesNotExist
      case 2: .notYetBegun
      case 3: .finished
      case 4: .unknown
      default: m.ok.largest == nil ? .notYetBegun : .inProgress
      }
    self.init(progress, largest: m.ok.largest)
    (priority, groupOrder) = (m.ok.priority, m.ok.groupOrder)
  }
}

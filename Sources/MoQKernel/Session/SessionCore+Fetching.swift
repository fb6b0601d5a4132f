// Fetches of both sides, and the one that the session makes by itself.

extension SessionCore {
  public func fetch(_ request: FetchRequest) throws(CommandError) -> RequestKey {
    let rules = try requestRules()
    switch (rules.fetching, request.range) {
    case (.missing, _): throw CommandError(.inexpressible, "\(name) has no FETCH")
    case (.standalone, .joining), (.standalone, .joiningAbsolute), (.joiningRelative, .joiningAbsolute),
      (.group, .joining), (.group, .joiningAbsolute):
      throw CommandError(.inexpressible, "\(name) has no such joining FETCH")
    case (.group, .standalone(let track, let start, let endGroup, let endObject)) where endGroup != start.group:
      return try fetchByGroup(request, of: track, start, through: Location(endGroup, endObject ?? .max), rules)
    default: break
    }
    switch request.range {
    case .joining(let key, _), .joiningAbsolute(let key, _):
      guard let subscription = requests[key] as? Subscription, subscription.id != nil, !subscription.isEnded else {
        throw CommandError(.wrongState, "there is no such subscription to join")
      }
    case .standalone: break
    }
    let fetching = Fetching(key: requests.reserveKey(), request)
    fetching.authorization = request.authorization
    try submitted(fetching)
    return fetching.key
  }
  func fetchMessage(_ fetching: Fetching, _ id: UInt64) -> Fetch {
    let request = fetching.request
    var m = Fetch()
    (m.id, m.priority, m.groupOrder) = (id, request.priority, request.groupOrder)
    switch request.range {
    case .standalone(let track, let start, _, _) where isByGroup:
      // To the end of the group: what is beyond a bound is dropped here.
      m.groupOrder = .publisher
      m.range = .standalone(track.namespace, name: track.name, start: start, endGroup: start.group, endObject: nil)
    case .standalone(let track, let start, let endGroup, let endObject):
      m.range = .standalone(track.namespace, name: track.name, start: start, endGroup: endGroup, endObject: endObject)
    case .joining(let key, let groups): m.range = .relative(subscription: requests[key]?.id ?? 0, groupsBefore: groups)
    case .joiningAbsolute(let key, let group): m.range = .absolute(subscription: requests[key]?.id ?? 0, group: group)
    }
    return m
  }
  /// Fetches the current group's objects for a subscription that begins after them.
  func join(_ subscription: Subscription) {
    guard queued.isEmpty, hasCredit(.fetch), openRequests < configuration.maximumOpenRequests else {
      counters.joiningFetchesRefused += 1
      return
    }
    var request = FetchRequest(.joining(subscription.key, groupsBefore: 0))
    (request.priority, request.groupOrder) = (subscription.request.priority, subscription.request.groupOrder)
    request.authorization = subscription.request.authorization
    let fetching = Fetching(key: requests.reserveKey(), request)
    (fetching.subscription, fetching.authorization) = (subscription, request.authorization)
    do {
      try submitted(fetching)
      subscription.joined = fetching
    } catch { counters.joiningFetchesRefused += 1 }
  }
  func endJoin(of subscription: Subscription) {
    guard let fetching = subscription.joined else { return }
    subscription.joined = nil
    cancel(fetching)
  }

  func fetchAccepted(_ m: FetchOK, _ carrier: Stream?) throws(SessionFailure) {
    guard let fetching = try ours(m.id, carrier, as: Fetching.self) else { return }
    let action = fetching.state.accepted()
    switch action {
    case .carryOut, .carryOutAndEnd:
      if !isHidden(fetching) {
        var answer = FetchAnswer(end: lastObject(m), endOfTrack: m.endOfTrack)
        answer.groupOrder = m.groupOrder
        answer.maximumCacheDuration = m.parameters.duration(.maxCacheDuration)
        tell(.fetching(fetching.key, answer))
      }
      if action == .carryOutAndEnd { complete(fetching) }
    case .violation: throw violation("a second answer to FETCH")
    case .late: counters.racesDropped += 1
    }
  }
  /// FETCH_OK's end names the object after the last, or a whole group by 0 (§9.17 of draft-14).
  private func lastObject(_ m: FetchOK) -> Location {
    Location(m.end.group, m.end.object == 0 ? .max : m.end.object &- 1)
  }
  /// `wasCut`: its stream was reset, or its owner wanted no more of it.
  func complete(_ fetching: Fetching, wasCut: Bool = false) {
    let isHidden = isHidden(fetching)
    if let carrier = fetching.carrier {
      finishSending(carrier)
      carrier.use = .refused
    }
    fetching.subscription?.joined = nil
    remove(fetching)
    if let whole = fetching.whole { return stepEnded(whole, wasCut: wasCut) }
    if !isHidden { tell(.ended(fetching.key, RequestFailure(.subscriptionEnded, "the fetch is complete"))) }
  }
  func cancel(_ fetching: Fetching) {
    let wasSent = !fetching.isQueued
    guard fetching.state.cancelled() else { return }
    if fetching.carrier != nil {
      // With objects on it, it ends as their stream does, below.
      if fetching.streams.isEmpty { endCarrier(fetching, RequestFailure(.cancelled)) }
    } else if wasSent {
      var m = RequestReference()
      m.id = fetching.id ?? 0
      try? sendControl(.fetchCancel(m))
    }
    dropStreams(of: fetching)
    remove(fetching)
  }

  // MARK: The peer's

  func peerFetches(_ m: Fetch, _ carrier: Stream?) throws(SessionFailure) {
    try takePeerID(m.id, .fetch)
    let tokens = try tokens(in: m.parameters)
    let range: FetchRequest.Range, failure: RequestFailure?
    switch m.range {
    case .standalone(let namespace, let name, let start, let endGroup, let endObject):
      range = .standalone(TrackName(namespace, name), start: start, endGroup: endGroup, endObject: endObject)
      let isBackward = endGroup < start.group || endGroup == start.group && endObject ?? .max < start.object
      failure = isBackward ? RequestFailure(.invalidRange, "the end is before the start") : nil
    case .relative(let id, let groups):
      (range, failure) = joined(id) { .joining($0, groupsBefore: groups) }
    case .absolute(let id, let group):
      (range, failure) = joined(id) { .joiningAbsolute($0, group: group) }
    }
    var request = FetchRequest(range)
    (request.priority, request.groupOrder) = (m.priority, m.groupOrder)
    let served = ServedFetch(key: requests.reserveKey(), request)
    served.id = number(m.id, .fetch)
    guard admit(served, carrier, tokens) else { return }
    if let failure { return refuseFetch(served, failure) }
    // Told, but not kept with the fetch.
    request.authorization = tokens.values
    tell(.fetchRequested(served.key, request))
  }
  /// The subscription that a joining fetch names, or why it cannot be joined (§9.16.2 of draft-14).
  private func joined(
    _ id: UInt64, _ range: (RequestKey) -> FetchRequest.Range
  ) -> (FetchRequest.Range, RequestFailure?) {
    guard let served = (peerIDs[id] ?? ourIDs[id]) as? ServedSubscription, !served.isEnded else {
      return (range(RequestKey(.max)), RequestFailure(.invalidJoiningRequest, "there is no subscription \(id)"))
    }
    guard !served.isAnswered || served.largest != nil else {
      return (range(served.key), RequestFailure(.invalidRange, "the subscription has no objects yet"))
    }
    return (range(served.key), nil)
  }
  /// Yes to a fetch. Its stream may be opened now.
  public func accept(_ key: RequestKey, _ answer: FetchAnswer) throws(CommandError) {
    guard let request = requests[key] else { return }
    guard let served = request as? ServedFetch, !served.isAnswered else {
      throw CommandError(.wrongState, "the request is no fetch of the peer, or is answered")
    }
    guard !isByGroup else {
      // The objects are the answer.
      _ = served.state.accepted()
      return
    }
    var m = FetchOK()
    m.id = served.id ?? 0
    m.groupOrder = answer.groupOrder == .publisher ? .ascending : answer.groupOrder
    m.endOfTrack = answer.endOfTrack
    m.end = Location(answer.end.group, answer.end.object == .max ? 0 : answer.end.object &+ 1)
    m.parameters.add(.maxCacheDuration, answer.maximumCacheDuration)
    try self.answer(.fetchOK(m), served)
    _ = served.state.accepted()
  }
  func refuseFetch(_ served: ServedFetch, _ failure: RequestFailure) {
    guard let rules else { return }
    if served.isAnswered {
      // Too late for an answer: the stream says it.
      guard served.state.end() else { return }
      endCarrier(served, failure.asRefusal)
      dropStreams(of: served)
      return remove(served)
    }
    guard case .tell = served.state.rejected() else { return }
    switch rules.refusal {
    case .message: try? answer(.fetchError(errorMessage(served, failure, rules.codes.fetch)), served)
    case .streamReset: endCarrier(served, failure.asRefusal)
    }
    remove(served)
  }
  func peerCancelsFetch(_ m: RequestReference) throws(SessionFailure) {
    guard let served = try either(m.id, nil, as: ServedFetch.self, peersFirst: true) else { return }
    guard served.state.end() else { return }
    fail(served, RequestFailure(.cancelled))
  }
}

// MARK: A group on the request's own stream

extension SessionCore {
  var isByGroup: Bool { if case .group? = rules?.fetching { true } else { false } }

  /// A fetch of ours has been sent: its stream brings objects from now on.
  func awaitObjects(_ fetching: Fetching, on stream: Stream) {
    guard isByGroup, let forms, case .standalone(_, let start, _, let endObject) = fetching.request.range else {
      return
    }
    stream.use = .exchange
    stream.subgroup = SubgroupStream(forms, group: start.group, from: start.object)
    stream.lastObject = endObject ?? .max
    fetching.attach(stream)
  }
  /// The first of what comes is the answer.
  func fetchedArrive(_ stream: Stream) {
    guard !stream.isAnnounced, let fetching = stream.request as? Fetching,
      case .carryOut = fetching.state.accepted(), case .standalone(_, let start, _, _) = fetching.request.range
    else { return }
    stream.isAnnounced = true
    if let whole = fetching.whole {
      stepBegan(whole)
    } else {
      tell(.fetching(fetching.key, FetchAnswer(end: Location(start.group, stream.lastObject))))
    }
    tell(.fetchBegan(stream.key, fetching.whole?.key ?? fetching.key))
  }
  func fetchedEnd(_ stream: Stream, reset: UInt64?) throws(SessionFailure) {
    guard let reset, !stream.isAnnounced else {
      fetchedArrive(stream)
      return try objectsEnded(stream, reset: reset)
    }
    guard let fetching = stream.request as? Fetching, let codes = rules?.codes else { return }
    _ = fetching.state.refused()
    fail(fetching, codes.requestFailure(ofReset: reset))
  }
  /// More has come than was asked for: the group goes on, the fetch does not.
  func fetchedEnough(_ stream: Stream) {
    guard let fetching = stream.request as? Fetching else { return }
    stream.isAnnounced = false
    tell(.streamEnded(stream.key, reset: nil))
    fetching.detach(stream)
    refuse(stream, .cancelled)
    if case .end = fetching.state.streamEnded() { complete(fetching) }
  }
  /// Gives a fetch of ours another priority.
  public func update(fetch key: RequestKey, priority: UInt8) throws(CommandError) {
    _ = try openRules()
    if let whole = requests[key] as? SplitFetch {
      whole.request.priority = priority
      guard let step = whole.step as? Fetching else { return }
      return try update(fetch: step.key, priority: priority)
    }
    guard let fetching = requests[key] as? Fetching, !fetching.isEnded, !fetching.isQueued else {
      throw CommandError(.wrongState, "there is no such fetch")
    }
    var m = FetchUpdate()
    (m.id, m.priority) = (fetching.id ?? 0, priority)
    try answer(.fetchUpdate(m), fetching)
  }

  /// The stream of a fetch that we serve is the one it came on.
  func openGroup(_ key: RequestKey, _ priority: SendPriority?) throws(CommandError) -> StreamKey {
    guard let served = requests[key] as? ServedFetch, let forms, let carrier = served.carrier,
      served.streams.isEmpty, served.isAnswered, !served.isEnded,
      case .standalone(_, let start, _, _) = served.request.range
    else { throw CommandError(.wrongState, "there is no such fetch, it is not accepted, or has its stream") }
    carrier.use = .exchange
    carrier.subgroup = SubgroupStream(forms, group: start.group, from: start.object)
    served.attach(carrier)
    _ = served.state.opened()
    perform(.prioritize(carrier.key, priority ?? SendPriority(subscriber: 1 + UInt16(served.request.priority))))
    return carrier.key
  }
  func peerUpdatesFetch(_ m: FetchUpdate, _ carrier: Stream?) throws(SessionFailure) {
    guard let served = try either(m.id, carrier, as: ServedFetch.self, peersFirst: true), !served.isEnded else {
      return
    }
    served.request.priority = m.priority
    for stream in served.streams { perform(.prioritize(stream.key, SendPriority(subscriber: 1 + UInt16(m.priority)))) }
    tell(.fetchUpdated(served.key, priority: m.priority))
  }
  /// The peer has reset its half: it wants nothing any more.
  func withdraw(fetchOn stream: Stream, _ code: UInt64) {
    guard let served = stream.request as? ServedFetch, served.state.end() else { return }
    fail(served, RequestFailure(.cancelled, code: code))
  }
}

// We are the publisher: the peer's SUBSCRIBE, and our PUBLISH.

extension SessionCore {
  func peerSubscribes(_ m: Subscribe, _ carrier: Stream?) throws(SessionFailure) {
    try takePeerID(m.id, .subscribe)
    let tokens = try tokens(in: m.parameters)
    guard let rules else { return }
    guard peerRole != .publisher else { throw violation("SUBSCRIBE from a publisher (ROLE)") }
    var request = SubscribeRequest(TrackName(m.namespace, m.name))
    // Where no filter can be said, every subscription begins with the current group.
    request.filter = rules.filters == [.currentGroup] ? .currentGroup : m.filter
    (request.priority, request.groupOrder, request.forward) = (m.priority, m.groupOrder, m.forward)
    request.deliveryTimeout = m.parameters.duration(.deliveryTimeout)
    let served = ServedSubscription(key: requests.reserveKey(), isOurs: false, request)
    served.id = number(m.id, .subscribe)
    if servedTracks[request.track] != nil { throw violation("\(request.track) is subscribed to already") }
    switch rules.alias {
    case .subscriber:
      guard servedAliases[m.trackAlias] == nil else {
        throw violation("track alias \(m.trackAlias) is in use", .duplicateTrackAlias)
      }
      served.alias = m.trackAlias
      servedAliases[m.trackAlias] = served
    case .publisher: served.alias = takeAlias()
    case .requestID: served.alias = m.id
    }
    guard admit(served, carrier, tokens) else { return }
    if case .violation = rules.repeats { servedTracks[request.track] = served }
    if case .range(let start, let endGroup, _) = m.filter, endGroup < start.group {
      return refuseSubscription(served, RequestFailure(.invalidRange, "the end is before the start"))
    }
    // Told, but not kept with the subscription.
    request.authorization = tokens.values
    tell(.subscribeRequested(served.key, request))
  }

  /// Yes to a subscription.
  public func accept(_ key: RequestKey, _ answer: SubscribeAnswer) throws(CommandError) {
    guard let request = requests[key], let rules else { return }
    if let offered = request as? Subscription { return accept(offer: offered) }
    guard let served = request as? ServedSubscription, !served.isOurs else {
      throw CommandError(.wrongState, "the request is no subscription of the peer")
    }
    var m = SubscribeOK()
    m.priority = answer.priority
    switch rules.answering {
    case .priority: break
    case .latestGroup:
      (m.largest, m.groupOrder) = (answer.largest?.ofGroup, spoken(answer.groupOrder, rules))
      if let timeout = answer.deliveryTimeout, timeout.milliseconds > 0, rules.wishes.contains(.deliveryTimeout) {
        m.parameters.add(.deliveryTimeout, timeout)
      }
    case .full:
      (m.id, m.trackAlias) = (served.id ?? 0, rules.alias == .publisher ? served.alias : 0)
      m.largest = answer.largest
      m.groupOrder = answer.groupOrder == .publisher ? .ascending : answer.groupOrder
      m.expiresMilliseconds = answer.expires?.milliseconds ?? 0
      if rules.wishes.contains(.deliveryTimeout) {
        if let timeout = answer.deliveryTimeout, timeout.milliseconds > 0 {
          m.parameters.add(.deliveryTimeout, timeout)
        }
        m.parameters.add(.maxCacheDuration, answer.maximumCacheDuration)
      }
    }
    guard !served.isAnswered else {
      if served.isEnded { return }
      throw CommandError(.wrongState, "the subscription is answered already")
    }
    do { try self.answer(.subscribeOK(m), served) } catch {
      // The priority is a hint, and the objects' own counts; few dialects have words for it here.
      guard case .inexpressible = error.kind, m.priority != 128 else { throw error }
      m.priority = 128
      try self.answer(.subscribeOK(m), served)
    }
    _ = served.state.accepted()
    (served.largest, served.groupOrder) = (answer.largest, m.groupOrder)
    served.range = start(of: served.request.filter, answer.largest)
  }
  /// Yes, without more to say: to `.announced`, `.interested`, `.publishRequested`.
  public func accept(_ key: RequestKey) {
    guard let request = requests[key], setup.isOpen, !request.isOurs else { return }
    switch request {
    case let request as Subscription: accept(offer: request)
    case let request as Announcement: accept(request)
    case let request as Interest: accept(request)
    default: return
    }
  }
  func refuseSubscription(_ served: ServedSubscription, _ failure: RequestFailure) {
    guard let rules else { return }
    guard !served.isAnswered else { return finish(served.key, failure) }
    guard case .tell = served.state.rejected() else { return }
    switch rules.refusal {
    case .message: try? answer(.subscribeError(errorMessage(served, failure, rules.codes.subscribe)), served)
    case .streamReset: endCarrier(served, failure.asRefusal)
    }
    remove(served)
  }

  /// Ends a subscription that we serve. Streams that are still open are reset.
  public func finish(_ key: RequestKey, _ failure: RequestFailure = RequestFailure(.trackEnded)) {
    guard let served = requests[key] as? ServedSubscription, setup.isOpen, let rules else { return }
    guard served.isAnswered || served.isOurs else { return refuseSubscription(served, failure) }
    let wasQueued = served.isQueued
    tellMissing(served)
    guard case .tell(let count) = served.state.finished() else { return }
    dropStreams(of: served)
    switch rules.refusal {
    case .message where !wasQueued:
      var m = SubscribeDone()
      (m.id, m.code, m.streamCount) = (served.id ?? 0, rules.codes.done.code(of: failure.reason), count)
      m.reason = phrase(failure)
      do { try answer(.subscribeDone(m), served) } catch {
        // The count is a hint; draft-07 has no words for it, and names the last object.
        (m.streamCount, m.final) = (SubscribeDone.unknownStreamCount, served.final)
        try? answer(.subscribeDone(m), served)
      }
    case .message: break
    case .streamReset: endCarrier(served, failure)
    }
    remove(served)
  }

  /// UNSUBSCRIBE.
  func peerUnsubscribes(_ m: RequestReference) throws(SessionFailure) {
    guard let served = try either(m.id, nil, as: ServedSubscription.self, peersFirst: true) else { return }
    withdraw(served, RequestFailure(.cancelled))
  }
  func withdraw(_ served: ServedSubscription, _ failure: RequestFailure) {
    guard case .end = served.state.withdrawn() else {
      counters.racesDropped += 1
      return
    }
    dropStreams(of: served)
    if let rules, case .done = rules.afterUnsubscribe {
      var m = SubscribeDone()
      (m.id, m.code, m.final) = (served.id ?? 0, rules.codes.done.code(of: .cancelled), served.final)
      try? answer(.subscribeDone(m), served)
    }
    remove(served)
    tell(served.isOurs ? .ended(served.key, failure) : .withdrawn(served.key, failure))
  }

  func peerUpdates(_ m: SubscribeUpdate, _ carrier: Stream?) throws(SessionFailure) {
    guard let rules else { return }
    if carrier == nil { try takePeerID(m.id, .subscribeUpdate) }
    let tokens = try tokens(in: m.parameters)
    let id = m.subscription
    guard let served = try either(id, carrier, as: ServedSubscription.self, peersFirst: true) else { return }
    var update = SubscriptionUpdate()
    (update.priority, update.authorization) = (m.priority, tokens.values)
    switch rules.updating {
    case .priorityOnly, .missing: break
    case .narrowing, .answered, .changes:
      (update.start, update.endGroup, update.endObject, update.forward) = (m.start, m.endGroup, m.endObject, m.forward)
      let old = served.range ?? (Location(0, 0), nil), start = m.start ?? old.start
      var endGroup = m.endGroup
      if case .changes = rules.updating { endGroup = endGroup ?? old.endGroup }
      if case .answered = rules.updating {
      } else if served.range != nil {
        guard start >= old.start, old.endGroup.map({ $0 >= endGroup ?? .max }) ?? true else {
          throw violation("SUBSCRIBE_UPDATE widens request \(id)")
        }
      }
      guard endGroup ?? .max >= start.group else { throw violation("SUBSCRIBE_UPDATE ends before it starts") }
      served.range = (start, endGroup)
    }
    update.groupOrder = m.groupOrder
    update.deliveryTimeout = m.parameters.duration(.deliveryTimeout)
    served.request.groupOrder = m.groupOrder ?? served.request.groupOrder
    served.request.priority = m.priority
    served.request.forward = update.forward
    tell(.subscriptionUpdated(served.key, update))
  }

  /// A stream of objects is over: which was the last.
  func noteFinal(_ stream: Stream, _ request: Request?) {
    guard let served = request as? ServedSubscription, let state = stream.subgroup, state.nextID > 0 else { return }
    let last = Location(state.group, state.nextID - 1)
    served.final = served.final.map { max($0, last) } ?? last
  }
  /// An alias that the peer does not use, to be proposed to it.
  func freeServedAlias() -> UInt64 {
    var alias: UInt64 = 0
    while servedAliases[alias] != nil { alias &+= 1 }
    return alias
  }

  // MARK: PUBLISH

  /// Offers a track (PUBLISH, since draft-12). Objects may be sent before it is accepted.
  public func publish(
    _ track: TrackName, _ answer: SubscribeAnswer, authorization: [AuthorizationToken] = []
  ) throws(CommandError) -> RequestKey {
    let rules = try requestRules()
    guard case .exists = rules.pushing else { throw CommandError(.inexpressible, "\(name) has no PUBLISH") }
    let served = ServedSubscription(
      key: requests.reserveKey(), isOurs: true, SubscribeRequest(track, filter: .nextObject))
    served.alias = takeAlias()
    (served.largest, served.groupOrder) = (answer.largest, answer.groupOrder)
    served.authorization = authorization
    try submitted(served)
    return served.key
  }
  func publishMessage(_ served: ServedSubscription, _ id: UInt64) -> Publish {
    var m = Publish()
    (m.id, m.trackAlias, m.largest) = (id, served.alias, served.largest)
    (m.namespace, m.name) = (served.request.track.namespace, served.request.track.name)
    m.groupOrder = served.groupOrder == .publisher ? .ascending : served.groupOrder
    m.forward = served.request.forward
    return m
  }
  func publishAccepted(_ m: PublishOK, _ carrier: Stream?) throws(SessionFailure) {
    guard let served = try ours(m.id, carrier, as: ServedSubscription.self) else { return }
    guard try carriesOut(served.state.offerAccepted(), served, "PUBLISH") else { return }
    (served.request.forward, served.request.priority) = (m.forward, m.priority)
    (served.request.groupOrder, served.request.filter) = (m.groupOrder, m.filter)
    served.range = start(of: m.filter, served.largest)
    tell(.publishAccepted(served.key, served.request))
  }
}

extension RequestFailure {
  /// As a refusal, where FIN would say that all is well.
  var asRefusal: RequestFailure {
    switch reason {
    case .trackEnded, .subscriptionEnded: RequestFailure(.doesNotExist, phrase)
    default: self
    }
  }
}

extension Location {
  /// What is left of it where only groups are said, and group 0 looks like none.
  var ofGroup: Location? { group == 0 ? nil : Location(group, 0) }
}

// We are the subscriber: our SUBSCRIBE, and the peer's PUBLISH once it is accepted.

extension SessionCore {
  public func subscribe(_ request: SubscribeRequest) throws(CommandError) -> RequestKey {
    let rules = try requestRules()
    guard peerRole != .subscriber else { throw CommandError(.inexpressible, "the peer serves no subscriptions (ROLE)") }
    // A subscription that its publisher has ended is none, though late streams are waited for.
    if let other = ourTracks[request.track], other.state.announcedEnd == nil {
      throw CommandError(
        .inexpressible,
        "a second subscription of a track in one session. Pass on what the first one brings, cancel it before, or "
          + "subscribe in another session")
    }
    let subscription = Subscription(key: requests.reserveKey(), isOurs: true, request)
    subscription.authorization = request.authorization
    if rules.alias == .subscriber { subscription.alias = takeAlias() }
    subscription.wantsJoin = joins(request, rules)
    try submitted(subscription)
    if case .violation = rules.repeats { ourTracks[request.track] = subscription }
    return subscription.key
  }
  func takeAlias() -> UInt64 {
    // A publisher may have had one of ours taken (Retry Track Alias).
    while aliases[nextAlias] != nil { nextAlias &+= 1 }
    defer { nextAlias &+= 1 }
    return nextAlias
  }
  /// Whether the current group has to be fetched, since no filter says it.
  private func joins(_ request: SubscribeRequest, _ rules: Rules) -> Bool {
    guard request.filter == .currentGroup, request.forward, !rules.filters.contains(.currentGroup) else { return false }
    switch rules.fetching {
    case .missing, .group, .standalone: return false
    case .joiningRelative, .joining: return true
    }
  }
  /// The filter that the dialect can say and that loses least. Where only the current group can be said,
  /// every subscription begins with it; a range that it cannot bound is bounded by its owner.
  private func spoken(_ filter: Filter, _ rules: Rules) -> Filter {
    let kind: Rules.FilterKind
    switch filter {
    // What begins and ends within a group is bounded by its owner.
    case .from(let start) where rules.filters.contains(.groups): return .from(Location(start.group, 0))
    case .range(let start, let endGroup, _) where rules.filters.contains(.groups):
      return .range(Location(start.group, 0), endGroup: endGroup, endObject: nil)
    case .currentGroupThrough where rules.filters.contains(.groups): return filter
    case .currentGroup, .currentGroupThrough: kind = .currentGroup
    case .nextGroup: kind = .nextGroup
    case .nextObject: kind = .nextObject
    case .from, .range: kind = .absolute
    }
    if case .range(let start, let endGroup, _?) = filter, !rules.filters.contains(.endObject) {
      // The whole of the end group is the least that can be said.
      return rules.filters.contains(.absolute) ? .range(start, endGroup: endGroup, endObject: nil) : .currentGroup
    }
    if rules.filters.contains(kind) { return kind == .currentGroup ? .currentGroup : filter }
    return rules.filters.contains(.nextObject) ? .nextObject : .currentGroup
  }
  func subscribeMessage(_ subscription: Subscription, _ id: UInt64) -> Subscribe {
    let request = subscription.request
    var m = Subscribe()
    (m.id, m.trackAlias) = (id, subscription.alias ?? 0)
    (m.namespace, m.name, m.priority) = (request.track.namespace, request.track.name, request.priority)
    m.forward = request.forward
    guard let rules else { return m }
    m.filter = spoken(request.filter, rules)
    // What follows are wishes; a dialect that has no words for them loses nothing but the wish.
    m.groupOrder = wished(request.groupOrder, rules)
    m.parameters = wished(request.deliveryTimeout, rules)
    return m
  }
  private func wished(_ order: GroupOrder, _ rules: Rules) -> GroupOrder {
    if rules.wishes.contains(.groupOrder) { return order }
    return rules.wishes.contains(.chosenOrder) ? spoken(order, rules) : .publisher
  }
  /// An order as the dialect can say it: where it must be said, ascending is what is meant by none.
  func spoken(_ order: GroupOrder, _ rules: Rules) -> GroupOrder {
    rules.wishes.contains(.chosenOrder) && order == .publisher ? .ascending : order
  }
  private func wished(_ timeout: Duration?, _ rules: Rules) -> [Parameter] {
    guard let timeout, rules.wishes.contains(.deliveryTimeout) else { return [] }
    // 0 means none where it can be said at all.
    let milliseconds = min(max(timeout.milliseconds, 1), WireLimits.varint)
    return [Parameter(.deliveryTimeout, .number(milliseconds))]
  }

  // MARK: Answers

  func subscriptionAccepted(_ m: SubscribeOK, _ carrier: Stream?) throws(SessionFailure) {
    guard let subscription = try ours(m.id, carrier, as: Subscription.self), let rules else { return }
    guard try carriesOut(subscription.state.accepted(), subscription, "SUBSCRIBE") else { return }
    var answer = SubscribeAnswer(largest: m.largest)
    (answer.groupOrder, answer.priority) = (m.groupOrder, m.priority)
    subscription.priority = m.priority
    if m.expiresMilliseconds > 0 { answer.expires = .milliseconds(Int64(clamping: m.expiresMilliseconds)) }
    answer.deliveryTimeout = m.parameters.duration(.deliveryTimeout)
    answer.maximumCacheDuration = m.parameters.duration(.maxCacheDuration)
    subscription.range = start(of: spoken(subscription.request.filter, rules), m.largest)
    subscription.answerTime = .nanoseconds(Int64(clamping: now.nanoseconds &- subscription.askedAt.nanoseconds))
    subscription.arrived.expect(subscription.request.filter, rules, m.largest)
    if rules.alias == .publisher {
      if let other = aliases[m.trackAlias], other !== subscription {
        throw violation("track alias \(m.trackAlias) is of another track", .duplicateTrackAlias)
      }
      register(alias: m.trackAlias, subscription)
    }
    tell(.subscribed(subscription.key, answer))
    if subscription.wantsJoin, m.largest != nil { join(subscription) }
    subscription.wantsJoin = false
    try release(subscription)
  }
  /// SUBSCRIBE_ERROR "Retry Track Alias": the same again, once, under the alias that the publisher wants (§6.16 of
  /// draft-07). False: it is a refusal like others.
  func asksAgain(_ subscription: Subscription, under alias: UInt64) throws(SessionFailure) -> Bool {
    guard rules?.alias == .subscriber, !subscription.isRetry, !subscription.isAnswered else { return false }
    guard aliases[alias] == nil else {
      throw violation("the publisher wants track alias \(alias)", .duplicateTrackAlias)
    }
    if let id = subscription.id { ourIDs[id] = nil }
    retire(subscription)
    (subscription.id, subscription.alias, subscription.isRetry) = (nil, alias, true)
    do throws(CommandError) { try dispatch(subscription) } catch { return false }
    deadlines.add(.answer(subscription.key), at: now.advanced(by: configuration.requestTimeout))
    return true
  }
  /// Where a subscription begins and ends, as far as it is known.
  func start(of filter: Filter, _ largest: Location?) -> (start: Location, endGroup: UInt64?) {
    let group = largest?.group ?? 0
    switch filter {
    case .currentGroup: return (Location(group, 0), nil)
    case .currentGroupThrough(let endGroup): return (Location(group, 0), endGroup)
    case .nextGroup: return (largest == nil ? Location(0, 0) : Location(group &+ 1, 0), nil)
    case .nextObject:
      let step: UInt64 = rules?.filters.contains(.latestObject) == true ? 0 : 1
      return (largest.map { Location($0.group, $0.object &+ step) } ?? Location(0, 0), nil)
    case .from(let location): return (location, nil)
    case .range(let location, let endGroup, _): return (location, endGroup)
    }
  }

  /// PUBLISH_DONE.
  func subscriptionDone(_ m: SubscribeDone, _ carrier: Stream?) throws(SessionFailure) {
    guard let codes = rules?.codes,
      let subscription = try either(m.id, carrier, as: Subscription.self, peersFirst: false)
    else { return }
    let text = String(decoding: m.reason, as: UTF8.self)
    let failure = RequestFailure(codes.done.reason(of: m.code), text, code: m.code)
    // Some publishers always say 0, so only a timer tells after that.
    let expected = m.streamCount == SubscribeDone.unknownStreamCount || m.streamCount == 0 ? nil : m.streamCount
    switch subscription.state.done(failure, expected: expected) {
    case .end(let failure): finished(subscription, failure)
    case .wait: awaitLateStreams(subscription, areCounted: expected != nil)
    case .violation: throw violation("PUBLISH_DONE for request \(m.id), which is not live")
    case .late: counters.racesDropped += 1
    }
  }
  private func awaitLateStreams(_ subscription: Subscription, areCounted: Bool) {
    subscription.lateUntil = now.advanced(by: areCounted ? configuration.doneTimeout : quietTime(of: subscription))
    deadlines.add(.late(subscription.key, giveUp: false), at: subscription.lateUntil)
    deadlines.add(.late(subscription.key, giveUp: true), at: now.advanced(by: configuration.requestTimeout))
  }
  /// How long nothing must come before nothing is expected to: what was lost is sent again within three round trips and
  /// 25 ms (§6.2 of RFC 9002), and an answer takes a round trip at least.
  func quietTime(of subscription: Subscription) -> Duration {
    guard let answer = subscription.answerTime else { return configuration.doneTimeout }
    return min(max(.milliseconds(100), answer * 4), configuration.doneTimeout)
  }
  /// A stream has come after the end of its subscription was told: there may be more of them.
  func prolong(_ subscription: Subscription) {
    subscription.lateUntil = max(subscription.lateUntil, now.advanced(by: quietTime(of: subscription)))
  }
  /// The time for late streams is over, or has been prolonged.
  func late(_ subscription: Subscription, giveUp: Bool) {
    guard giveUp || subscription.lateUntil <= now else {
      return deadlines.add(.late(subscription.key, giveUp: false), at: subscription.lateUntil)
    }
    if case .end(let failure) = subscription.state.waited(giveUp: giveUp) { finished(subscription, failure) }
  }
  /// The request's stream has ended: FIN ends the track, a reset refuses it or breaks it off.
  func subscriptionEnded(_ subscription: Subscription, _ failure: RequestFailure, isReset: Bool) {
    if !subscription.isAnswered {
      guard case .carryOut = subscription.state.refused() else { return }
      return finished(subscription, failure)
    }
    switch subscription.state.done(failure, expected: nil) {
    case .end(let failure): finished(subscription, failure)
    case .wait: awaitLateStreams(subscription, areCounted: false)
    case .violation, .late: counters.racesDropped += 1
    }
  }
  /// The end of a subscription, told by the publisher, with all its streams.
  func finished(_ subscription: Subscription, _ failure: RequestFailure) {
    endJoin(of: subscription)
    retire(subscription)
    fail(subscription, failure)
  }

  // MARK: Our own end, and changes

  func cancel(_ subscription: Subscription, _ failure: RequestFailure) {
    let wasSent = !subscription.isQueued
    switch subscription.state.cancelled() {
    case .tell:
      endJoin(of: subscription)
      if subscription.carrier != nil {
        endCarrier(subscription, failure.reason == .subscriptionEnded ? failure : RequestFailure(.cancelled))
      } else if wasSent {
        var m = RequestReference()
        m.id = subscription.id ?? 0
        try? sendControl(.unsubscribe(m))
      }
    case .refuseOffer:
      if let codes = rules?.codes {
        try? answer(.publishError(errorMessage(subscription, failure, codes.publish)), subscription)
      }
    case .forget: endJoin(of: subscription)
    case .late: return
    }
    retire(subscription)
    dropStreams(of: subscription)
    remove(subscription)
  }
  /// A track whose objects contradict each other (§2.5 of draft-14).
  func malformed(_ subscription: Subscription, _ phrase: String) {
    let key = subscription.key, isOurs = subscription.isOurs
    cancel(subscription, RequestFailure(.malformedTrack, phrase))
    let failure = RequestFailure(.malformedTrack, phrase)
    tell(isOurs ? .ended(key, failure) : .withdrawn(key, failure))
  }

  public func update(_ key: RequestKey, _ update: SubscriptionUpdate) throws(CommandError) {
    let rules = try openRules()
    guard let subscription = requests[key] as? Subscription, subscription.state.isLive else {
      throw CommandError(.wrongState, "there is no such subscription, or it is not answered yet")
    }
    let saysMore = update.start != nil || update.endGroup != nil || !update.forward
    switch rules.updating {
    case .missing, .priorityOnly:
      guard !saysMore else { throw CommandError(.inexpressible, "\(name) can change no more than a priority") }
      if case .missing = rules.updating {
        counters.updatesDropped += 1
        return
      }
    case .narrowing, .changes:
      let (start, endGroup) = subscription.range ?? (Location(0, 0), nil)
      guard update.start ?? start >= start, endGroup.map({ ($0 >= update.endGroup ?? $0) }) ?? true else {
        throw CommandError(.inexpressible, "\(name) can only narrow a subscription")
      }
    case .answered: break
    }
    if case .changes = rules.updating {
      if let start = update.start { subscription.range?.start = start }
      if let endGroup = update.endGroup { subscription.range?.endGroup = endGroup }
      try transmit(update, subscription)
      subscription.arrived.narrow(update)
      return endIfWhole(subscription)
    }
    // What is not said stays as it is.
    var update = update
    let range = subscription.range ?? (Location(0, 0), nil)
    (update.start, update.endGroup) = (update.start ?? range.start, update.endGroup ?? range.endGroup)
    if saysMore { subscription.range = (update.start ?? range.start, update.endGroup) }
    guard queued.isEmpty, hasCredit(.subscribeUpdate) else {
      guard queued.count < configuration.maximumQueuedRequests else {
        throw CommandError(.limit, "\(queued.count) requests wait for the peer's credit")
      }
      queued.append(.update(subscription, update))
      return askForCredit()
    }
    try transmit(update, subscription)
  }
  func transmit(_ update: SubscriptionUpdate, _ subscription: Subscription) throws(CommandError) {
    var m = SubscribeUpdate(), ledger = ourTokens
    m.priority = update.priority
    m.parameters = try spoken(update.authorization, &ledger)
    switch rules?.updating {
    case .priorityOnly?: m.start = nil
    case .changes?:
      guard let rules else { return }
      let request = subscription.request
      (m.start, m.endGroup) = (update.start.map { Location($0.group, 0) }, update.endGroup)
      m.groupOrder = wished(update.groupOrder ?? request.groupOrder, rules)
      m.parameters += wished(update.deliveryTimeout ?? request.deliveryTimeout, rules)
      m.forward = update.forward
      subscription.request.groupOrder = update.groupOrder ?? request.groupOrder
      subscription.request.deliveryTimeout = update.deliveryTimeout ?? request.deliveryTimeout
    case .missing?, .narrowing?, .answered?, nil:
      (m.id, m.subscription) = (peekID(.subscribeUpdate), subscription.id ?? 0)
      (m.start, m.endGroup, m.endObject) = (update.start ?? Location(0, 0), update.endGroup, update.endObject)
      m.forward = update.forward
    }
    try answer(.subscribeUpdate(m), subscription)
    ourTokens = ledger
    _ = useID(.subscribeUpdate)
  }

  // MARK: PUBLISH

  func peerPublishes(_ m: Publish, _ carrier: Stream?) throws(SessionFailure) {
    try takePeerID(m.id, .publish)
    let tokens = try tokens(in: m.parameters)
    var request = SubscribeRequest(TrackName(m.namespace, m.name), filter: .nextObject)
    request.forward = m.forward
    let subscription = Subscription(key: requests.reserveKey(), isOurs: false, request)
    subscription.id = number(m.id, .publish)
    subscription.range = start(of: .nextObject, m.largest)
    guard admit(subscription, carrier, tokens) else { return }
    if aliases[m.trackAlias] != nil {
      throw violation("track alias \(m.trackAlias) is of another track", .duplicateTrackAlias)
    }
    register(alias: m.trackAlias, subscription)
    var answer = SubscribeAnswer(largest: m.largest)
    answer.groupOrder = m.groupOrder
    answer.deliveryTimeout = m.parameters.duration(.deliveryTimeout)
    answer.maximumCacheDuration = m.parameters.duration(.maxCacheDuration)
    tell(.publishRequested(subscription.key, subscription.request.track, answer))
  }
  /// Yes to a PUBLISH: all objects from now on.
  func accept(offer subscription: Subscription) {
    guard case .tell = subscription.state.offerAccepted() else { return }
    var m = PublishOK()
    m.id = subscription.id ?? 0
    m.filter = .nextObject
    try? answer(.publishOK(m), subscription)
    do { try release(subscription) } catch { shut(error) }
  }

  // MARK: Aliases

  /// The most aliases whose late streams are known to be late.
  private static var maximumRetired: Int { 4_096 }

  func register(alias: UInt64, _ subscription: Subscription) {
    subscription.alias = alias
    aliases[alias] = subscription
    retired.remove(alias)
  }
  /// What still comes for the subscription is dropped without a word for a while.
  func retire(_ subscription: Subscription) {
    guard let alias = subscription.alias, aliases[alias] === subscription else { return }
    aliases[alias] = nil
    lastAlias = nil
    guard retired.count < Self.maximumRetired else { return }
    retired.insert(alias)
    deadlines.add(.alias(alias), at: now.advanced(by: configuration.requestTimeout))
    for stream in held where stream.isHeld(alias) { refuse(stream, .cancelled) }
  }
  /// The subscription is answered: what came early is read now.
  func release(_ subscription: Subscription) throws(SessionFailure) {
    guard let alias = subscription.alias else { return }
    if !heldDatagrams.isEmpty { releaseDatagrams(alias) }
    guard !held.isEmpty else { return }
    let waiting = held.filter { $0.isHeld(alias) }
    held.removeAll { $0.isHeld(alias) }
    for stream in waiting where !setup.isClosed { try takeUp(stream, .receiving) }
  }
  /// Reads what a stream has brought before it was known what for.
  func takeUp(_ stream: Stream, _ use: Stream.Use) throws(SessionFailure) {
    let bytes = stream.pending, end = stream.heldEnd
    (stream.pending, stream.heldEnd, stream.use) = ([], nil, use)
    heldBytes -= bytes.count
    try bytes.span.bytes.withUnsafeBytes { raw throws(SessionFailure) in try take(raw, stream) }
    switch end {
    case .fin: try receiveEnded(stream, reset: nil)
    case .reset(let code): try receiveEnded(stream, reset: code)
    case nil: break
    }
    giveCredit(stream)
  }
}

extension Stream {
  func isHeld(_ alias: UInt64) -> Bool {
    if case .held(alias) = use { true } else { false }
  }
}

extension [Parameter] {
  /// A parameter that is a number of milliseconds.
  func duration(_ key: Parameter.Key) -> Duration? {
    for parameter in self where parameter.key == key {
      if case .number(let milliseconds) = parameter.value { return .milliseconds(Int64(clamping: milliseconds)) }
    }
    return nil
  }
  /// Adds one, where there is something to say.
  mutating func add(_ key: Parameter.Key, _ duration: Duration?) {
    guard let duration else { return }
    append(Parameter(key, .number(Swift.min(duration.milliseconds, WireLimits.varint))))
  }
}

extension Duration {
  /// Whole milliseconds, not negative.
  var milliseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let whole = UInt64(seconds).multipliedReportingOverflow(by: 1_000)
    return whole.overflow ? .max : whole.partialValue &+ UInt64(attoseconds / 1_000_000_000_000_000)
  }
}

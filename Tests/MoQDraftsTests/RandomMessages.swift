import MoQKernel

extension SeededGenerator {
  /// Any message of a kind; some of them cannot be said in any dialect.
  mutating func message(_ kind: MessageKind) -> Message {
    // Half of the messages say only what every dialect can say of their kind.
    let plain = chance(2)
    switch kind {
    case .clientSetup:
      var m = ClientSetup()
      m.versions = (0..<below(5)).map { _ in number() }
      m.parameters = parameters()
      return .clientSetup(m)
    case .serverSetup:
      var m = ServerSetup()
      (m.version, m.parameters) = (number(), parameters())
      return .serverSetup(m)
    case .sessionUpdate:
      var m = SessionUpdate()
      m.bitrate = number()
      return .sessionUpdate(m)
    case .goAway:
      var m = GoAway()
      m.uri = chance(50) ? bytes(upTo: 9_000) : text()
      return .goAway(m)
    case .maxRequestID:
      var m = MaxRequestID()
      m.limit = number()
      return .maxRequestID(m)
    case .requestsBlocked:
      var m = RequestsBlocked()
      m.limit = number()
      return .requestsBlocked(m)
    case .subscribe: return .subscribe(subscribe(plain))
    case .subscribeOK: return .subscribeOK(subscribeOK(plain))
    case .subscribeUpdate:
      var m = SubscribeUpdate()
      m.priority = priority()
      m.start = nil
      guard !plain else { return .subscribeUpdate(m) }
      (m.id, m.subscription, m.start, m.forward) = (number(), number(), location(), chance(2))
      if chance(3) {
        // Whole groups, and no numbers: all that transfork can say.
        (m.id, m.subscription, m.forward, m.groupOrder) = (0, 0, true, order())
        m.start = chance(2) ? nil : Location(number(), 0)
        if chance(2) { m.endGroup = number() }
        return .subscribeUpdate(m)
      }
      if chance(2) { m.endGroup = number() }
      if chance(10) { m.endObject = number() }
      m.parameters = parameters()
      // Through draft-13 an update has no number of its own.
      if chance(2) { m.id = 0 }
      return .subscribeUpdate(m)
    case .subscribeDone:
      var m = SubscribeDone()
      (m.id, m.code, m.streamCount, m.reason) = (number(), number(), number(), reason())
      if chance(10) { m.final = location() }
      if chance(4) { m.streamCount = SubscribeDone.unknownStreamCount }
      return .subscribeDone(m)
    case .publish:
      var m = Publish()
      (m.id, m.namespace, m.name, m.trackAlias) = (number(), namespace(), text(), number())
      (m.groupOrder, m.forward, m.parameters) = (order(), chance(2), parameters())
      if chance(2) { m.largest = location() }
      return .publish(m)
    case .publishOK:
      var m = PublishOK()
      (m.id, m.forward, m.priority, m.groupOrder) = (number(), chance(2), priority(), order())
      (m.filter, m.parameters) = (filter(), parameters())
      return .publishOK(m)
    case .fetch:
      var m = Fetch()
      if chance(4) {
        let start = location()
        m.priority = priority()
        m.range = .standalone(
          namespace(), name: text(), start: start, endGroup: start.group, endObject: nil)
        return .fetch(m)
      }
      (m.id, m.priority, m.groupOrder, m.parameters) = (number(), priority(), order(), parameters())
      switch below(3) {
      case 0: m.range = .relative(subscription: number(), groupsBefore: number())
      case 1: m.range = .absolute(subscription: number(), group: number())
      default:
        m.range = .standalone(
          namespace(), name: text(), start: location(), endGroup: number(), endObject: chance(2) ? nil : number())
      }
      return .fetch(m)
    case .fetchOK:
      var m = FetchOK()
      (m.id, m.groupOrder, m.endOfTrack, m.end) = (number(), order(), chance(2), location())
      m.parameters = parameters()
      return .fetchOK(m)
    case .trackStatus:
      var m = TrackStatusRequest()
      m.subscribe = subscribe(plain)
      guard !chance(3) else {
        // Through draft-12 it names a track, and through 10 nothing else.
        (m.subscribe, m.subscribe.namespace, m.subscribe.name) = (Subscribe(), namespace(), text())
        if chance(2) { (m.subscribe.id, m.subscribe.parameters) = (number(), parameters()) }
        return .trackStatus(m)
      }
      return .trackStatus(m)
    case .trackStatusOK:
      var m = TrackStatusOK()
      m.ok = subscribeOK(plain)
      guard !chance(3) else {
        (m.ok, m.status) = (SubscribeOK(), UInt64(below(5)))
        if m.status != 1, m.status != 2 { m.ok.largest = location() }
        if chance(2) {
          (m.namespace, m.name) = (namespace(), text())
        } else {
          (m.ok.id, m.ok.parameters) = (number(), parameters())
        }
        return .trackStatusOK(m)
      }
      if chance(10) { (m.status, m.namespace, m.name) = (number(), namespace(), text()) }
      return .trackStatusOK(m)
    case .publishNamespace:
      var m = PublishNamespace()
      (m.id, m.namespace, m.parameters) = (chance(3) ? 0 : number(), namespace(), parameters())
      return .publishNamespace(m)
    case .subscribeNamespace:
      var m = SubscribeNamespace()
      m.prefix = namespace()
      if !plain { (m.id, m.parameters) = (number(), parameters()) }
      return .subscribeNamespace(m)
    case .announceInit:
      var m = AnnounceInit()
      m.suffixes = (0..<below(6)).map { _ in namespace() }
      return .announceInit(m)
    case .announce:
      var m = Announce()
      (m.status, m.suffix) = (element([.ended, .active, .live]), namespace())
      return .announce(m)
    case .subscribeGap:
      var m = SubscribeGap()
      (m.firstGroup, m.more, m.code) = (number(), number(), number())
      return .subscribeGap(m)
    case .fetchUpdate:
      var m = FetchUpdate()
      (m.id, m.priority) = (chance(2) ? 0 : number(), priority())
      return .fetchUpdate(m)
    case .subscribeError: return .subscribeError(requestError())
    case .publishError: return .publishError(requestError())
    case .fetchError: return .fetchError(requestError())
    case .trackStatusError: return .trackStatusError(requestError())
    case .publishNamespaceError: return .publishNamespaceError(requestError())
    case .publishNamespaceCancel: return .publishNamespaceCancel(requestError())
    case .subscribeNamespaceError: return .subscribeNamespaceError(requestError())
    case .unsubscribe: return .unsubscribe(requestReference())
    case .fetchCancel: return .fetchCancel(requestReference())
    case .publishNamespaceOK: return .publishNamespaceOK(requestReference())
    case .publishNamespaceDone: return .publishNamespaceDone(requestReference())
    case .subscribeNamespaceOK: return .subscribeNamespaceOK(requestReference())
    case .unsubscribeNamespace: return .unsubscribeNamespace(requestReference())
    }
  }
  private mutating func reason() -> [UInt8] { chance(50) ? bytes(upTo: 1_100) : text() }
  private mutating func subscribe(_ plain: Bool) -> Subscribe {
    var m = Subscribe()
    (m.id, m.namespace, m.name, m.priority) = (number(), namespace(), text(), priority())
    m.filter = plain ? .currentGroup : filter()
    guard !plain else { return m }
    (m.groupOrder, m.forward, m.parameters) = (order(), chance(2), parameters())
    if chance(10) { m.trackAlias = number() }
    return m
  }
  private mutating func subscribeOK(_ plain: Bool) -> SubscribeOK {
    var m = SubscribeOK()
    m.priority = chance(2) ? priority() : 128
    guard !plain else { return m }
    (m.id, m.trackAlias, m.expiresMilliseconds, m.groupOrder) = (number(), number(), number(), order())
    if chance(2) { m.largest = location() }
    m.parameters = parameters()
    return m
  }
  private mutating func requestError() -> RequestError {
    var m = RequestError()
    (m.code, m.reason) = (number(), reason())
    if chance(2) { m.id = number() } else { m.namespace = namespace() }
    if chance(20) { m.trackAlias = number() }
    return m
  }
  private mutating func requestReference() -> RequestReference {
    var m = RequestReference()
    if chance(2) { m.id = number() } else { m.namespace = namespace() }
    return m
  }
}

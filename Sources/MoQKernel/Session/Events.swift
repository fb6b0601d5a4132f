/// A request of either side, as the session and its owner both call it. Not a number of the wire.
public struct RequestKey: Hashable, Sendable {
  public let value: UInt64
  public init(_ value: UInt64) { self.value = value }
}

/// What a subscriber asks for.
public struct SubscribeRequest: Equatable, Sendable {
  public var track: TrackName
  public var filter = Filter.currentGroup
  /// Lower is sent first.
  public var priority: UInt8 = 128
  public var groupOrder = GroupOrder.publisher
  /// Whether objects should flow at once.
  public var forward = true
  /// nil: objects are sent however late they are.
  public var deliveryTimeout: Duration?
  public var authorization: [AuthorizationToken] = []
  public init(_ track: TrackName, filter: Filter = .currentGroup) { (self.track, self.filter) = (track, filter) }
}

/// What a publisher answers to a subscription.
public struct SubscribeAnswer: Equatable, Sendable {
  /// The largest object there is, if there is any.
  public var largest: Location?
  public var groupOrder = GroupOrder.ascending
  /// nil: until it is taken back.
  public var expires: Duration?
  /// nil: objects are sent however late they are.
  public var deliveryTimeout: Duration?
  /// How long a relay may keep an object and begin to pass it on; nil: for ever.
  public var maximumCacheDuration: Duration?
  public var priority: UInt8 = 128
  public init(largest: Location? = nil) { self.largest = largest }
}

/// A change of a subscription; a draft may allow only that it narrows.
public struct SubscriptionUpdate: Equatable, Sendable {
  public var start: Location?
  public var endGroup: UInt64?
  public var endObject: UInt64?
  public var priority: UInt8 = 128
  /// nil: as it was.
  public var groupOrder: GroupOrder?
  /// nil: as it was.
  public var deliveryTimeout: Duration?
  public var forward = true
  public var authorization: [AuthorizationToken] = []
  public init() {}
}

/// Groups of a subscription that will not come, or not whole.
public struct GroupGap: Equatable, Sendable {
  /// Both ends are inclusive.
  public var groups: ClosedRange<UInt64>
  public var reason: StreamReason
  /// The dialect's number, where the peer sent one.
  public var code: UInt64?
  public init(_ groups: ClosedRange<UInt64>, _ reason: StreamReason, code: UInt64? = nil) {
    (self.groups, self.reason, self.code) = (groups, reason, code)
  }
}

public struct FetchRequest: Equatable, Sendable {
  public enum Range: Equatable, Sendable {
    /// Both ends are inclusive; `endObject` nil: the whole of the end group.
    case standalone(TrackName, start: Location, endGroup: UInt64, endObject: UInt64?)
    /// From that many groups before the largest object of a subscription, through that object.
    case joining(RequestKey, groupsBefore: UInt64)
    case joiningAbsolute(RequestKey, group: UInt64)
  }
  public var range: Range
  public var priority: UInt8 = 128
  public var groupOrder = GroupOrder.publisher
  public var authorization: [AuthorizationToken] = []
  public init(_ range: Range) { self.range = range }
}

public struct FetchAnswer: Equatable, Sendable {
  public var groupOrder = GroupOrder.ascending
  public var endOfTrack = false
  /// The last object covered.
  public var end: Location
  /// How long a relay may keep an object and begin to pass it on; nil: for ever.
  public var maximumCacheDuration: Duration?
  public init(end: Location, endOfTrack: Bool = false) { (self.end, self.endOfTrack) = (end, endOfTrack) }
}

public struct TrackState: Equatable, Sendable {
  public enum Progress: Equatable, Sendable { case inProgress, doesNotExist, notYetBegun, finished, unknown }
  public var progress: Progress
  public var largest: Location?
  /// The publisher's, where the answer says them.
  public var priority: UInt8 = 128
  public var groupOrder = GroupOrder.ascending
  public init(_ progress: Progress, largest: Location? = nil) { (self.progress, self.largest) = (progress, largest) }
}

/// What the session tells its owner. Drained in batches; nothing here waits for an answer within the call.
///
/// What is large and rare is `indirect`, so that the events of every object stay small.
public enum Event: Sendable {
  /// The dialect is chosen and both sides may make requests.
  case established
  /// The session is over. The last event.
  indirect case closed(SessionEnd)
  /// The peer asks for the session to be moved (GOAWAY); empty: to the same place.
  case goingAway(uri: String)
  /// The peer's estimate of the session's bitrate, bits per second.
  case bitrate(UInt64)

  // MARK: The peer's requests. Each wants `accept…` or `reject`, within the session's deadline.
  // The tokens that came with one are found by `authorization(of:)` until then.
  indirect case subscribeRequested(RequestKey, SubscribeRequest)
  indirect case subscriptionUpdated(RequestKey, SubscriptionUpdate)
  indirect case fetchRequested(RequestKey, FetchRequest)
  /// A fetch of the peer has another priority now; a stream that carries it was put in its new place.
  case fetchUpdated(RequestKey, priority: UInt8)
  indirect case trackStatusRequested(RequestKey, TrackName)
  /// The peer publishes below a namespace (PUBLISH_NAMESPACE, ANNOUNCE).
  case announced(RequestKey, TrackNamespace)
  /// The peer wants to hear what is announced below a prefix (SUBSCRIBE_NAMESPACE, ANNOUNCE_PLEASE).
  case interested(RequestKey, prefix: TrackNamespace)
  /// The peer offers a track (PUBLISH). Accepting makes it a subscription under the same key.
  indirect case publishRequested(RequestKey, TrackName, SubscribeAnswer)
  /// The peer takes a request of its own back, or it has ended: UNSUBSCRIBE, FETCH_CANCEL,
  /// PUBLISH_NAMESPACE_DONE, UNSUBSCRIBE_NAMESPACE, PUBLISH_DONE, a closed request stream.
  indirect case withdrawn(RequestKey, RequestFailure)

  // MARK: Answers to our requests.
  indirect case subscribed(RequestKey, SubscribeAnswer)
  indirect case fetching(RequestKey, FetchAnswer)
  indirect case trackStatus(RequestKey, TrackState)
  /// Groups of a subscription that will not come, or not whole, as its publisher says.
  indirect case gap(RequestKey, GroupGap)
  /// The peer has told of everything that was announced when it was asked by this interest.
  case caughtUp(RequestKey)
  /// Any other request was accepted: an announcement, an interest, a PUBLISH.
  case accepted(RequestKey)
  /// The peer wants the track that we offered with PUBLISH, this way.
  indirect case publishAccepted(RequestKey, SubscribeRequest)
  /// The request was refused, or ended later: PUBLISH_DONE, a cancelled announcement, no answer in time.
  indirect case ended(RequestKey, RequestFailure)

  // MARK: Objects. A stream's events come in order: begun, then objects, each followed by its payload in parts.
  /// A subgroup of a subscription begins. `subgroup` is final only with the first object where its id names it.
  case subgroupBegan(StreamKey, RequestKey, SubgroupInfo)
  /// Objects for a FETCH (or for a joining fetch that the session made itself) follow on this stream. A fetch of several
  /// groups has one for each where the dialect fetches a group at a time, one after the other; `.ended` is its end.
  case fetchBegan(StreamKey, RequestKey)
  case object(StreamKey, ObjectInfo)
  /// The next part of the payload of the stream's current object. Parts are never empty.
  case payload(StreamKey, Bytes)
  /// FIN: the subgroup (or fetch) is complete. nil: the peer says more than that is missing.
  case streamEnded(StreamKey, reset: UInt64?)
  case datagram(RequestKey, ObjectInfo, Bytes)

  // MARK: Our streams.
  /// Less than the low-water mark is queued on the stream: go on writing.
  case writable(StreamKey)
  /// The peer wants no more of the stream (STOP_SENDING).
  case stopped(StreamKey, code: UInt64)
  /// Everything on the stream, its FIN included, has arrived.
  case delivered(StreamKey)
}

/// How a session ended.
public struct SessionEnd: Equatable, Sendable, Error {
  public enum Cause: Equatable, Sendable {
    /// We closed it.
    case local
    /// The peer closed it.
    case peer
    /// The transport failed: no answer, no route, timeout.
    case transport
  }
  public var cause: Cause
  public var reason: SessionReason
  public var code: UInt64
  public var phrase: String
  public init(_ cause: Cause, _ reason: SessionReason, code: UInt64, phrase: String) {
    (self.cause, self.reason, self.code, self.phrase) = (cause, reason, code, phrase)
  }
}

extension SessionEnd {
  /// Whether, in answer to a setup, it says no more than that the setup was not understood. Peers differ in the code
  /// that they close with then, and some do nothing; few codes say for certain that it was something else.
  var isOfUnderstanding: Bool {
    switch (cause, reason) {
    case (.local, .versionNegotiationFailed), (.local, .protocolViolation), (.local, .controlMessageTimeout): true
    case (.peer, .unauthorized), (.peer, .malformedToken), (.peer, .expiredToken), (.peer, .unknownTokenAlias),
      (.peer, .invalidPath), (.peer, .malformedPath), (.peer, .invalidAuthority), (.peer, .malformedAuthority),
      (.peer, .tooManyRequests), (.peer, .goAwayTimeout):
      false
    case (.peer, _): true
    case (.local, _), (.transport, _): false
    }
  }
}

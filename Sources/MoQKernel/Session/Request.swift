/// A request of either side, from its first message to its end.
class Request {
  let key: RequestKey
  let isOurs: Bool
  /// Its number on the wire; nil: not sent yet, or the dialect numbers no such request.
  var id: UInt64?
  /// Its own stream, in dialects where a request is one.
  var carrier: Stream?
  /// The data streams that belong to it, in no order.
  private(set) var streams: [Stream] = []
  /// Whether it waits for the peer's credit.
  var isQueued = false
  /// Ours: the tokens to send with it. The peer's: those that came with it, until it is answered.
  var authorization: [AuthorizationToken] = []
  /// The fetch of several groups that it is a step of. Its owner never hears of it.
  weak var whole: SplitFetch?

  init(key: RequestKey, isOurs: Bool) { (self.key, self.isOurs) = (key, isOurs) }

  var isAnswered: Bool { true }
  var isEnded: Bool { true }

  func attach(_ stream: Stream) {
    stream.request = self
    stream.place = streams.count
    streams.append(stream)
  }
  func detach(_ stream: Stream) {
    guard stream.place < streams.count, streams[stream.place] === stream, let last = streams.popLast() else { return }
    if last !== stream {
      streams[stream.place] = last
      last.place = stream.place
    }
    stream.request = nil
  }
}

/// We receive: our SUBSCRIBE or the peer's PUBLISH.
final class Subscription: Request {
  var state: SubscriptionState
  var request: SubscribeRequest
  var alias: UInt64?
  /// The publisher's priority, as its answer says it; what its objects say of themselves counts more.
  var priority: UInt8 = 128
  /// Where it begins and ends, as far as updates have said; they may only narrow it.
  var range: (start: Location, endGroup: UInt64?)?
  /// A fetch that the session made to begin with the current group.
  var joined: Fetching?
  /// Whether such a fetch is still to be made.
  var wantsJoin = false
  /// Whether the publisher has already had it asked again, under another alias.
  var isRetry = false
  /// When it was asked for, and how long the answer took: no less than a round trip.
  var askedAt = Instant(nanoseconds: 0)
  var answerTime: Duration?
  /// Until when streams of a subscription that its publisher has ended are waited for, where their number is not known.
  var lateUntil = Instant(nanoseconds: 0)
  /// What has come of its range, where the subscriber is the one that ends it.
  var arrived = RangeProgress()
  /// What objects have said of groups that do not exist.
  var gaps = GapLog()
  init(key: RequestKey, isOurs: Bool, _ request: SubscribeRequest) {
    self.request = request
    state = isOurs ? SubscriptionState() : SubscriptionState(offered: ())
    super.init(key: key, isOurs: isOurs)
  }
  override var isAnswered: Bool { state.isAnswered }
  override var isEnded: Bool { state.isEnded }
}

/// We send: the peer's SUBSCRIBE or our PUBLISH.
final class ServedSubscription: Request {
  var state: ServedSubscriptionState
  var request: SubscribeRequest
  var alias: UInt64 = 0
  var groupOrder = GroupOrder.ascending
  /// The largest object, as told in the answer.
  var largest: Location?
  /// Where it begins and ends, as far as the peer's filter and updates have said.
  var range: (start: Location, endGroup: UInt64?)?
  /// The largest object that was sent, as far as streams and datagrams are over.
  var final: Location?
  /// Groups that a stream was opened for or that were told as a gap, where the dialect has gaps.
  var told = GroupRanges()
  init(key: RequestKey, isOurs: Bool, _ request: SubscribeRequest) {
    self.request = request
    state = isOurs ? ServedSubscriptionState(offered: ()) : ServedSubscriptionState()
    super.init(key: key, isOurs: isOurs)
  }
  override var isAnswered: Bool { state.isAnswered }
  override var isEnded: Bool { state.isEnded }
}

/// A fetch of ours.
final class Fetching: Request {
  var state = FetchState()
  let request: FetchRequest
  /// The subscription that it fills up, where the session made it by itself. Its owner never hears of it.
  weak var subscription: Subscription?
  init(key: RequestKey, _ request: FetchRequest) {
    self.request = request
    super.init(key: key, isOurs: true)
  }
  override var isAnswered: Bool { state.isAnswered }
  override var isEnded: Bool { state.isEnded }
}

/// A fetch of the peer.
final class ServedFetch: Request {
  var state = ServedFetchState()
  var request: FetchRequest
  init(key: RequestKey, _ request: FetchRequest) {
    self.request = request
    super.init(key: key, isOurs: false)
  }
  override var isAnswered: Bool { state.isAnswered }
  override var isEnded: Bool { state.isEnded }
}

/// A request with one answer and no stream of objects: it stands until it is taken back, or ends with its answer.
class StandingRequest: Request {
  var state = StandingState()
  final override var isAnswered: Bool { state.isAnswered }
  final override var isEnded: Bool { state.isEnded }
}

/// A namespace below which one side publishes.
final class Announcement: StandingRequest {
  let namespace: TrackNamespace
  /// How many of our interests list it, where announcements are told on those.
  var listings = 0
  init(key: RequestKey, isOurs: Bool, _ namespace: TrackNamespace) {
    self.namespace = namespace
    super.init(key: key, isOurs: isOurs)
  }
}

/// A wish to hear what is announced below a prefix.
final class Interest: StandingRequest {
  let prefix: TrackNamespace
  /// What the peer has announced on its stream and not ended.
  var listed: [TrackNamespace: Announcement] = [:]
  /// Whether it is only kept here: the dialect cannot say it, and nothing was sent.
  var isLocal = false
  init(key: RequestKey, isOurs: Bool, _ prefix: TrackNamespace) {
    self.prefix = prefix
    super.init(key: key, isOurs: isOurs)
  }
}

/// A question about a track's state.
final class StatusQuery: StandingRequest {
  let track: TrackName
  init(key: RequestKey, isOurs: Bool, _ track: TrackName) {
    self.track = track
    super.init(key: key, isOurs: isOurs)
  }
}

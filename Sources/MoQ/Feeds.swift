import MoQKernel

// The loop's half of what consumers take: non-Sendable, touched by the session's host only.

/// A stream of objects that is arriving, and the object it is in the middle of.
final class IncomingStream {
  enum Target {
    /// A subgroup of a group.
    case group(ObjectFeed)
    /// The fetch that makes a subscription begin with its current group.
    case joining(SubscriptionFeed)
    case fetch(ObjectFeed)
  }
  let key: StreamKey
  let target: Target
  /// Whether FIN is the end of the group.
  let endsGroup: Bool
  /// Where the current object goes.
  var feed: ObjectFeed?
  var info: ObjectInfo?
  var payload = Bytes()
  var rest: [Bytes] = []
  var received = 0
  /// The part of `received` that the peer has got credit for already, so that a large object can arrive.
  var early = 0

  init(_ key: StreamKey, _ target: Target, endsGroup: Bool) {
    (self.key, self.target, self.endsGroup) = (key, target, endsGroup)
    switch target {
    case .group(let feed), .fetch(let feed): self.feed = feed
    case .joining: feed = nil
    }
  }

  var isJoining: Bool { if case .joining = target { true } else { false } }

  func add(_ bytes: Bytes) {
    if received == 0 { payload = bytes } else { rest.append(bytes) }
    received += bytes.count
  }

  /// Ends the current object and returns it.
  func takeParcel(_ info: ObjectInfo, at instant: Instant) -> Parcel {
    defer {
      (self.info, payload, rest) = (nil, Bytes(), [])
      (received, early) = (0, 0)
    }
    return Parcel(
      info: info, payload: payload, rest: rest, receivedAt: instant, stream: key, credit: received - early)
  }
}

/// The objects of one group, or of one fetch, on their way into an inbox.
final class ObjectFeed {
  let inbox: ObjectInbox
  let sequence: UInt64
  let keepsStatus: Bool
  weak var subscription: SubscriptionFeed?
  var streams: [IncomingStream] = []
  /// Complete objects of this batch.
  var pending: [Parcel] = []
  var isDirty = false
  /// The publisher has said that the group has all its objects.
  var hasEnd = false
  var resetCode: UInt64?
  var isAbandoned = false
  var isFinished = false
  /// No more is read from its streams until the consumer has taken some of it.
  var isHeld = false
  /// How many objects waited in the inbox when last seen.
  var waiting = 0
  /// Streams that have ended in this batch.
  var endedStreams: [StreamKey] = []
  /// Why a fetch that ends with this batch is not complete.
  var endFailure: MoQError?

  init(_ inbox: ObjectInbox, sequence: UInt64, keepsStatus: Bool, subscription: SubscriptionFeed? = nil) {
    (self.inbox, self.sequence, self.keepsStatus) = (inbox, sequence, keepsStatus)
    self.subscription = subscription
  }
}

/// A subscription of ours.
final class SubscriptionFeed {
  /// Groups that nobody has taken; a group beyond it is stopped, and counted.
  static let maximumUnreadGroups = 16_384

  let request: SubscribeRequest
  let keepsStatus: Bool
  /// Reports of groups that will not come and that nobody has taken; one beyond it is dropped.
  static let maximumUnreadGaps = 1_024

  let inbox: Inbox<ReceivedGroup>
  let gaps: Inbox<GroupGap>
  let answer: Promise<Result<SubscribeAnswer, MoQError>>
  var key: RequestKey?
  /// Groups that may still get objects.
  var groups: [UInt64: ObjectFeed] = [:]
  var highest: UInt64?
  var newGroups: [ReceivedGroup] = []
  var isDirty = false
  var isOver = false
  var skippedGroups = 0
  /// Whether the current group's beginning has to be fetched, since the dialect's filters cannot say it.
  var wantsJoin = false
  /// The object through which it is fetched, and the fetch, while that goes on.
  var joined: Location?
  var join: RequestKey?
  /// What an update leaves as it is.
  var update = SubscriptionUpdate()

  init(
    _ request: SubscribeRequest, keepsStatus: Bool, inbox: Inbox<ReceivedGroup>, gaps: Inbox<GroupGap>,
    answer: Promise<Result<SubscribeAnswer, MoQError>>
  ) {
    (self.request, self.keepsStatus, self.inbox, self.gaps, self.answer) = (request, keepsStatus, inbox, gaps, answer)
    (update.priority, update.forward) = (request.priority, request.forward)
    switch request.filter {
    case .from(let start): update.start = start
    case .range(let start, let endGroup, let endObject):
      (update.start, update.endGroup, update.endObject) = (start, endGroup, endObject)
    case .currentGroupThrough(let endGroup): update.endGroup = endGroup
    case .currentGroup, .nextGroup, .nextObject: break
    }
  }

  func missed(_ gap: GroupGap) {
    guard gaps.count < Self.maximumUnreadGaps else { return }
    gaps.put(gap)
  }
}

/// A fetch of ours.
final class FetchFeed {
  let feed: ObjectFeed
  let what: String
  let answer: Promise<Result<FetchAnswer, MoQError>>
  init(_ feed: ObjectFeed, what: String, answer: Promise<Result<FetchAnswer, MoQError>>) {
    (self.feed, self.what, self.answer) = (feed, what, answer)
  }
}

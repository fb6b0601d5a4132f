import MoQKernel
import MoQNetwork

// What arrives on a session's data streams, and its way to the consumers.
extension SessionHost {
  /// Objects that may wait in one inbox before its streams are held.
  static let objectLimit = 16_384
  /// Smaller objects fit into a stream's window beside what is unread of it.
  static let largeObject = 512 << 10
  /// Datagrams that may wait in one group; more are dropped, as any router may do.
  static let datagramLimit = 4_096

  // MARK: Streams begin

  func began(_ key: StreamKey, _ request: RequestKey, _ info: SubgroupInfo) {
    guard let subscription = subscriptions[request] else { core.stop(stream: key, .cancelled); return }
    guard let feed = feed(subscription, info.group) else { core.stop(stream: key, .tooFarBehind); return }
    guard !feed.isAbandoned else { core.stop(stream: key, .cancelled); return }
    insert(IncomingStream(key, .group(feed), endsGroup: info.endsGroup), feed)
    if feed.isHeld { driver.hold(key) }
  }

  func fetchBegan(_ key: StreamKey, _ request: RequestKey) {
    if let fetch = fetches[request] {
      insert(IncomingStream(key, .fetch(fetch.feed), endsGroup: false), fetch.feed)
    } else if let subscription = joins[request] {
      let stream = IncomingStream(key, .joining(subscription), endsGroup: false)
      insert(stream, nil)
      if let joined = subscription.joined { move(stream, to: subscription.groups[joined.group]) }
    } else {
      core.stop(stream: key, .cancelled)
    }
  }

  private func insert(_ stream: IncomingStream, _ feed: ObjectFeed?) {
    let index = Int(stream.key.slot)
    while incoming.count <= index { incoming.append(nil) }
    incoming[index] = stream
    feed?.streams.append(stream)
  }

  @inline(__always)
  private func stream(_ key: StreamKey) -> IncomingStream? {
    let index = Int(key.slot)
    guard index < incoming.count, let stream = incoming[index], stream.key == key else { return nil }
    return stream
  }

  /// The group's feed, made if it is new; nil: too many groups wait.
  private func feed(_ subscription: SubscriptionFeed, _ sequence: UInt64) -> ObjectFeed? {
    if let feed = subscription.groups[sequence] { return feed }
    guard subscription.inbox.count + subscription.newGroups.count < SubscriptionFeed.maximumUnreadGroups else {
      subscription.skippedGroups += 1
      return nil
    }
    let link = FeedLink(self)
    let inbox = ObjectInbox(link: link)
    let feed = ObjectFeed(inbox, sequence: sequence, keepsStatus: subscription.keepsStatus, subscription: subscription)
    link.ends.value.feed = feed
    let group = ReceivedGroup(sequence: sequence, inbox: inbox)
    subscription.groups[sequence] = feed
    subscription.newGroups.append(group)
    mark(subscription)
    if subscription.highest.map({ sequence > $0 }) ?? true {
      subscription.highest = sequence
      for older in subscription.groups.values where older.sequence < sequence { settle(older) }
    }
    return feed
  }

  // MARK: Objects

  func object(_ key: StreamKey, _ info: ObjectInfo) {
    guard let stream = stream(key) else { return }
    if case .joining(let subscription) = stream.target {
      move(stream, to: feed(subscription, info.group))
    }
    guard info.payloadLength <= UInt64(options.maximumObjectSize) else {
      stream.feed?.resetCode = 0
      drop(stream, .tooFarBehind)
      return
    }
    stream.info = info
    if info.payloadLength == 0 { complete(stream, info) }
  }

  /// A joining fetch may bring the objects of several groups.
  private func move(_ stream: IncomingStream, to feed: ObjectFeed?) {
    guard stream.feed !== feed else { return }
    if let old = stream.feed { detach(stream, from: old) }
    stream.feed = feed
    guard let feed else { return }
    feed.streams.append(stream)
    feed.inbox.lead(stream.key)
  }

  func payload(_ key: StreamKey, _ bytes: Bytes) {
    guard let stream = stream(key), let info = stream.info, let feed = stream.feed, !feed.isAbandoned else {
      core.consumed(bytes.count, on: key)
      return
    }
    stream.add(bytes)
    if UInt64(stream.received) == info.payloadLength {
      complete(stream, info)
    } else if info.payloadLength > UInt64(Self.largeObject) {
      creditEarly(stream, feed)
    }
  }

  /// Gives credit for the begun part of an object that may not fit into the window, if it is next to be taken.
  private func creditEarly(_ stream: IncomingStream, _ feed: ObjectFeed) {
    let bytes = stream.received - stream.early
    guard bytes >= Self.largeObject / 4, feed.pending.isEmpty, feed.inbox.isEmpty else { return }
    guard earlyBytes + bytes <= options.receiveBuffer + options.maximumObjectSize else {
      // Several large objects at once: this one would break the bound.
      feed.resetCode = 0
      drop(stream, .tooFarBehind)
      return
    }
    stream.early += bytes
    earlyBytes += bytes
    core.consumed(bytes, on: stream.key)
  }

  private func complete(_ stream: IncomingStream, _ info: ObjectInfo) {
    earlyBytes -= stream.early
    let parcel = stream.takeParcel(info, at: driver.now)
    guard let feed = stream.feed, !feed.isAbandoned else {
      core.consumed(parcel.credit, on: stream.key)
      return
    }
    if info.status == .endOfGroup || info.status.endsTrack { feed.hasEnd = true }
    guard info.status == .normal || feed.keepsStatus else { return }
    feed.pending.append(parcel)
    mark(feed)
  }

  func datagram(_ request: RequestKey, _ info: ObjectInfo, _ bytes: Bytes) {
    guard let subscription = subscriptions[request], let feed = feed(subscription, info.group), !feed.isAbandoned
    else { return }
    if info.status == .endOfGroup || info.status.endsTrack { feed.hasEnd = true }
    if info.status == .normal || feed.keepsStatus, feed.pending.count < Self.datagramLimit,
      feed.waiting < Self.datagramLimit
    {
      feed.pending.append(
        Parcel(info: info, payload: bytes, rest: [], receivedAt: driver.now, stream: nil, credit: 0))
    }
    mark(feed)
  }

  // MARK: Streams end

  func streamEnded(_ key: StreamKey, _ reset: UInt64?) {
    guard let stream = stream(key) else { return }
    incoming[Int(key.slot)] = nil
    giveBack(stream)
    guard let feed = stream.feed else { return }
    detach(stream, from: feed)
    if case .joining(let subscription) = stream.target {
      // What is missing of the beginning is missing; the group goes on.
      joinEnded(subscription)
      return
    }
    if let reset { feed.resetCode = reset } else if stream.endsGroup { feed.hasEnd = true }
    if case .fetch = stream.target, let reset {
      // A fetch promises everything it covers. One that is whole ends with its request: it may have several streams.
      finishAfterFlush(
        feed,
        MoQError(
          .ended, "\(peer) gave up on the fetch before its end (stream code \(reset)): ask again for what is missing"))
    }
  }

  private func detach(_ stream: IncomingStream, from feed: ObjectFeed) {
    feed.streams.removeAll { $0 === stream }
    feed.endedStreams.append(stream.key)
    mark(feed)
  }

  /// What arrived of an object that will not be complete.
  private func giveBack(_ stream: IncomingStream) {
    guard stream.received > 0 else { return }
    earlyBytes -= stream.early
    let bytes = stream.received - stream.early
    if bytes > 0 { core.consumed(bytes, on: stream.key) }
    (stream.info, stream.payload, stream.rest, stream.received, stream.early) = (nil, Bytes(), [], 0, 0)
  }

  /// Reads no more of a stream.
  private func drop(_ stream: IncomingStream, _ reason: StreamReason) {
    giveBack(stream)
    core.stop(stream: stream.key, reason)
    incoming[Int(stream.key.slot)] = nil
    if let feed = stream.feed { detach(stream, from: feed) }
  }

  // MARK: The end of a batch

  private func mark(_ feed: ObjectFeed) {
    guard !feed.isDirty else { return }
    feed.isDirty = true
    dirtyFeeds.append(feed)
  }
  private func mark(_ subscription: SubscriptionFeed) {
    guard !subscription.isDirty else { return }
    subscription.isDirty = true
    dirtySubscriptions.append(subscription)
  }

  /// Hands over what came in this batch.
  func flush() {
    // Objects first, then their groups: whoever takes a group finds something in it.
    while let feed = dirtyFeeds.popLast() {
      feed.isDirty = false
      flush(feed)
      settle(feed)
    }
    while let subscription = dirtySubscriptions.popLast() {
      subscription.isDirty = false
      for group in subscription.newGroups { subscription.inbox.put(group) }
      subscription.newGroups = []
    }
  }

  private func flush(_ feed: ObjectFeed) {
    if !feed.pending.isEmpty {
      if let waiting = feed.inbox.put(feed.pending) {
        feed.waiting = waiting
        if waiting > Self.objectLimit, !feed.isHeld {
          feed.isHeld = true
          for stream in feed.streams { driver.hold(stream.key) }
        }
      } else {
        feed.isAbandoned = true
        for parcel in feed.pending {
          if let key = parcel.stream { core.consumed(parcel.credit, on: key) }
        }
      }
      feed.pending.removeAll(keepingCapacity: true)
    }
    for key in feed.endedStreams { feed.inbox.ended(key) }
    feed.endedStreams = []
  }

  /// Ends a group of which nothing more is known to come.
  private func settle(_ feed: ObjectFeed) {
    guard !feed.isFinished, feed.streams.isEmpty, feed.pending.isEmpty else { return }
    if let failure = feed.endFailure { finish(feed, .complete, failure); return }
    guard let subscription = feed.subscription else { return }
    let isSuperseded = subscription.highest.map { $0 > feed.sequence } ?? false
    guard feed.hasEnd || feed.resetCode != nil || isSuperseded || subscription.isOver else { return }
    // A subscription that joins its first group waits for the beginning of it.
    if subscription.joined?.group == feed.sequence, !subscription.isOver { return }
    finish(feed, feed.resetCode.map { .abandoned(code: $0) } ?? (feed.hasEnd ? .complete : .unmarked), nil)
  }

  private func finishAfterFlush(_ feed: ObjectFeed, _ failure: MoQError) {
    feed.endFailure = failure
    mark(feed)
  }

  func finish(_ feed: ObjectFeed, _ ending: ReceivedGroup.Ending, _ failure: MoQError?) {
    guard !feed.isFinished else { return }
    flush(feed)
    feed.isFinished = true
    feed.inbox.finish(ending, failure)
    if let subscription = feed.subscription, subscription.groups[feed.sequence] === feed {
      subscription.groups[feed.sequence] = nil
    }
  }

  /// The subscription is over: its groups end, then it.
  func close(_ subscription: SubscriptionFeed, _ failure: MoQError?) {
    guard !subscription.isOver else { return }
    subscription.isOver = true
    subscription.answer.fulfil(.failure(failure ?? MoQError(.ended, "the subscription has ended")))
    for feed in subscription.groups.values {
      for stream in feed.streams { incoming[Int(stream.key.slot)] = nil; giveBack(stream) }
      feed.streams = []
      finish(
        feed, feed.hasEnd ? .complete : feed.resetCode.map { .abandoned(code: $0) } ?? .unmarked,
        feed.hasEnd ? nil : failure)
    }
    for group in subscription.newGroups { subscription.inbox.put(group) }
    subscription.newGroups = []
    subscription.inbox.close(failure)
    subscription.gaps.close()
  }

  // MARK: Answers

  func subscribed(_ key: RequestKey, _ answer: SubscribeAnswer) {
    guard let subscription = subscriptions[key] else { return }
    if subscription.wantsJoin, let largest = answer.largest { join(key, subscription, largest) }
    subscription.answer.fulfil(.success(answer))
  }

  /// Fetches the beginning of the current group, which goes before what follows live.
  private func join(_ key: RequestKey, _ subscription: SubscriptionFeed, _ largest: Location) {
    var request = FetchRequest(.joining(key, groupsBefore: 0))
    request.authorization = subscription.request.authorization
    guard let fetch = try? core.fetch(request) else { return }
    subscription.joined = largest
    subscription.join = fetch
    joins[fetch] = subscription
    feed(subscription, largest.group)?.inbox.lead(nil)
    flush()
  }

  /// The fetch is over, or was refused: what is live need not wait for it.
  func joinEnded(_ subscription: SubscriptionFeed) {
    if let fetch = subscription.join { joins[fetch] = nil }
    subscription.join = nil
    guard let joined = subscription.joined, let feed = subscription.groups[joined.group],
      !feed.streams.contains(where: \.isJoining)
    else { return }
    subscription.joined = nil
    feed.inbox.unlead()
    mark(feed)
  }

  // MARK: What consumers do

  /// Gives back the credit for what a consumer has taken.
  func returnCredit(_ inbox: ObjectInbox, _ feed: ObjectFeed?) {
    driver.tick()
    let (credits, count) = inbox.takeCredits()
    for (stream, bytes) in credits where bytes > 0 { core.consumed(bytes, on: stream) }
    guard let feed else { return }
    feed.waiting = count
    if feed.isHeld, count < Self.objectLimit / 2 {
      feed.isHeld = false
      for stream in feed.streams { driver.release(stream.key) }
    }
    guard count == 0 else { return }
    for stream in feed.streams {
      if let info = stream.info, info.payloadLength > UInt64(Self.largeObject) { creditEarly(stream, feed) }
    }
  }

  /// A consumer lets a group or a fetch go.
  func abandon(_ feed: ObjectFeed) {
    feed.isAbandoned = true
    for stream in feed.streams { drop(stream, .cancelled) }
    for parcel in feed.pending {
      if let key = parcel.stream { core.consumed(parcel.credit, on: key) }
    }
    feed.pending = []
  }
}

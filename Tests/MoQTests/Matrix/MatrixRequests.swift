import MoQ
import MoQDrafts
import Testing

// Requests.
extension Crossing {
  /// A subscription that does not begin with the current group.
  func start() async throws -> Losses {
    let track = try await stage(.start)
    let writer = try await track.beginGroup(5)
    for object in 0..<2 { try await writer.write(matrixPayload(5, object, 10)) }
    let subscription = try await subscribe(.start, from: .nextGroup)
    try await track.firstSubscriber()
    try await writer.write(matrixPayload(5, 2, 10))
    try await writer.finish()
    try await track.group(6) { try await $0.write("next") }
    let group = try await subscription.group(), first = try #require(try await group.all().first)
    let found = Location(group.sequence, first.id)
    let expected = (!to.startsAtNextGroup).then(.start)
      .union((to.startsAnywhere && !from.tellsLargest).then(.largest))
    // The next group; the next object, where that is the nearest filter; else the current group.
    let due =
      !to.startsAnywhere || !from.tellsLargest
      ? Location(5, 0) : to.startsAtNextGroup ? Location(6, 0) : Location(5, 2)
    try #require(found == due, "it began at \(found)")
    return (expected, expected)
  }

  func fetch() async throws -> Losses {
    let track = try await stage(.fetch)
    for group in 0..<3 { try await write(group, to: track) }
    let expected = to.hasFetch ? (!from.hasFetch).then(.fetchUpstream) : [.fetch]
    let (path, name) = (Self.path(.fetch), Self.track)
    let refusal = await code(of: {
      let fetched = try await subscriber.fetch(from: path, track: name, start: Location(0, 1), endGroup: 1)
      try await check(fetched, Location(0, 1), through: Location(1, 2))
    })
    switch refusal {
    case .inexpressible?: return ([.fetch], expected)
    case .refused?:
      // What the publisher cannot be asked for is refused; what the relay has is served.
      try await fetchCached(track)
      return ([.fetchUpstream], expected)
    default:
      try #require(refusal == nil, "\(String(describing: refusal))")
      try await fetchCached(track)
      return ([], expected)
    }
  }
  /// What has been subscribed to comes from the relay's cache, whatever the publisher speaks.
  private func fetchCached(_ track: BroadcastTrack) async throws {
    let subscription = try await subscribe(.fetch)
    try await track.firstSubscriber()
    try await write(3, to: track)
    try await write(4, to: track)
    var seen: Set<UInt64> = []
    while !seen.isSuperset(of: [3, 4]) {
      let group = try await subscription.group()
      _ = try await group.all()
      seen.insert(group.sequence)
    }
    let before = await relay.server.statistics.counters
    let fetched = try await subscriber.fetch(
      from: Self.path(.fetch), track: Self.track, start: Location(3, 0), endGroup: 4)
    try await check(fetched, Location(3, 0), through: Location(4, 2))
    let after = await relay.server.statistics.counters
    try #require(after.fetchesFromCache == before.fetchesFromCache + (to.fetchesRanges ? 1 : 2))
    try #require(after.fetchesForwarded == before.fetchesForwarded)
    _ = subscription
  }
  private func write(_ group: Int, to track: BroadcastTrack) async throws {
    try await track.group(UInt64(group)) { writer in
      for (object, size) in [40, 0, 2_000].enumerated() { try await writer.write(matrixPayload(group, object, size)) }
    }
  }
  private func check(_ fetched: FetchedObjects, _ start: Location, through end: Location) async throws {
    var due: [Location] = []
    for group in start.group...end.group {
      for object in 0..<3 as Range<UInt64> where Location(group, object) >= start {
        due.append(Location(group, object))
      }
    }
    var found: [Location] = []
    for try await object in fetched {
      let size = [40, 0, 2_000][Int(object.id)]
      try #require(object.payload == matrixPayload(Int(object.group), Int(object.id), size))
      found.append(object.location)
    }
    try #require(found == due, "\(found)")
  }

  func status() async throws -> Losses {
    let track = try await stage(.status)
    try await track.group(2) { try await $0.write("one") }
    let (path, name) = (Self.path(.status), Self.track)
    // Nobody reads it at the relay: the publisher is asked.
    var asked: TrackState?
    let refusal = await code(of: { asked = try await subscriber.trackStatus(of: path, track: name) })
    if refusal == .inexpressible { return ([.trackStatus], (!to.hasTrackStatus).then(.trackStatus)) }
    let lost: Set<BridgingRule>
    switch asked?.progress {
    case .inProgress:
      try #require(asked?.largest == Location(2, 0))
      lost = []
    case .unknown: lost = [.trackStatusUpstream]
    default:
      // Some dialects have no such state.
      try #require(refusal == .refused, "\(asked as Any)")
      lost = [.trackStatusUpstream]
    }
    // Once it is read here, the relay knows by itself.
    let subscription = try await subscribe(.status)
    try await track.firstSubscriber()
    try await track.group(3) { try await $0.write("two") }
    while try await subscription.group().all().first?.group != 3 {}
    let known = try await subscriber.trackStatus(of: path, track: name)
    try #require(known.progress == .inProgress && known.largest == Location(3, 0), "\(known)")
    return (
      lost, (!to.hasTrackStatus).then(.trackStatus).union((!from.hasTrackStatus).then(.trackStatusUpstream))
    )
  }

  /// A running subscription gets an end.
  func update() async throws -> Losses {
    let track = try await stage(.update)
    let subscription = try await subscribe(.update)
    try await track.firstSubscriber()
    try await track.group(7) { try await $0.write("seven") }
    try #require(try await subscription.group().all().map(\.group) == [7])
    try await subscription.update(priority: 3)
    let refusal = await code(of: { try await subscription.update(endGroup: 8) })
    try #require(refusal == nil || refusal == .inexpressible)
    if refusal != nil {
      // Nothing has changed: what comes is received.
      try await track.group(9) { try await $0.write("nine") }
      try #require(try await subscription.group().all().map(\.group) == [9])
      return ([.update], (!to.hasUpdates).then(.update))
    }
    // An update has no answer, but requests are read in order.
    _ = try await subscriber.trackStatus(of: Self.path(.update), track: Self.track)
    try await track.group(8) { try await $0.write("eight") }
    try await track.group(9) { try await $0.write("nine") }
    let rest = try await subscription.rest()
    try #require(rest.map(\.sequence) == [8])
    try await track.lastSubscriberGone()
    return ([], (!to.hasUpdates).then(.update))
  }

  /// Two subscribers, one subscription upstream, which ends when both have left.
  func leaving() async throws -> Losses {
    let track = try await stage(.leaving)
    let second = try await relay.connect(pair.subscriber.name, over: pair.subscriberScheme)
    try await untilAnnounced(Self.path(.leaving), to: second)
    let one = try await subscribe(.leaving)
    try await track.firstSubscriber()
    try await track.group(0) { try await $0.write("both") }
    try #require(try await one.group().all().map(\.payload) == [Bytes("both")])
    let other = try await subscribe(.leaving, second)
    // What is fetched of a group that is over has no end; the next group is its end.
    let old = try await other.group()
    var objects = old.makeAsyncIterator()
    try #require(try await objects.next()?.payload == Bytes("both"))
    try #require(await track.subscribers == 1)
    try #require(other.largest == nil || other.largest == Location(0, 0))

    one.cancel()
    try await track.group(1) { try await $0.write("one of them") }
    try #require(try await other.group().all().map(\.payload) == [Bytes("one of them")])
    try #require(await track.subscribers == 1)
    other.cancel()
    try await track.lastSubscriberGone()
    await second.close()
    return ((other.largest == nil).then(.largest), (!to.tellsLargest).then(.largest))
  }

  /// The publisher's refusal, by its meaning.
  func unknown() async throws -> Losses {
    _ = try await stage(.unknown)
    let found = await code(of: {
      _ = try await subscriber.subscribe(to: Self.path(.unknown), track: "no such track")
    })
    try #require(found == .unknownTrack)
    return ([], [])
  }

  /// A namespace that is no path of text: it is told where it can be said.
  func names() async throws -> Losses {
    let broadcast = try await publisher.publish(Abilities.awkward)
    let plain = TrackNamespace("matrix", "plain")
    let other = try await publisher.publish(plain)
    var told: Set<TrackNamespace> = []
    // Those two are told in any order; what cannot be said is not.
    let expected = !from.hasNamespaceFields || !to.hasNamespaceFields
    for try await announcement in try await subscriber.announcements(under: "matrix") where announcement.isActive {
      told.insert(announcement.path)
      if told.contains(plain), expected || told.contains(Abilities.awkward) { break }
    }
    if expected, from.hasNamespaceFields {
      let counters = await relay.server.statistics.counters
      try #require(counters.announcementsInexpressible > 0)
    }
    await broadcast.finish()
    await other.finish()
    return ((!told.contains(Abilities.awkward)).then(.namespaceText), expected.then(.namespaceText))
  }

  /// The publisher's session ends: so do its announcement and what was subscribed to.
  func gone() async throws -> Losses {
    let track = try await stage(.gone)
    let path = Self.path(.gone)
    let changes = try await subscriber.announcements(under: path)
    var iterator = changes.makeAsyncIterator()
    let began = try #require(try await iterator.next())
    try #require(began.path == path && began.isActive)
    let subscription = try await subscribe(.gone)
    try await track.group { try await $0.write("last") }
    try #require(try await subscription.group().all().map(\.payload) == [Bytes("last")])
    await publisher.close()
    let ended = try #require(try await iterator.next())
    try #require(ended.path == path && !ended.isActive)
    let ending = await code(of: { _ = try await subscription.rest() })
    try #require(ending == .ended || ending == nil, "\(String(describing: ending))")
    // The subscriber's session goes on.
    try #require(!subscriber.isClosed)
    return ([], [])
  }
}

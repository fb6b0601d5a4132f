import MoQ
import MoQDrafts
import Testing

/// A publisher and a subscriber that meet at a relay, each in a dialect of its own.
struct Crossing: Sendable {
  let pair: MatrixPair
  let relay: TestRelay
  let publisher: Session, subscriber: Session
  let from: Abilities, to: Abilities

  static func begin(_ pair: MatrixPair) async throws -> Crossing {
    let relay = try await TestRelay.start()
    let publisher = try await relay.connect(pair.publisher.name, over: pair.publisherScheme)
    let subscriber = try await relay.connect(pair.subscriber.name, over: pair.subscriberScheme)
    try #require(publisher.dialect.name == pair.publisher.name)
    try #require(subscriber.dialect.name == pair.subscriber.name)
    return Crossing(
      pair: pair, relay: relay, publisher: publisher, subscriber: subscriber, from: Abilities(pair.publisher),
      to: Abilities(pair.subscriber))
  }
  func end() async {
    await subscriber.close()
    await publisher.close()
    await relay.server.close()
  }

  /// Publishes a track that the subscriber has heard of.
  func stage(_ step: MatrixStep, _ change: (inout TrackOptions) -> Void = { _ in }) async throws -> BroadcastTrack {
    var options = TrackOptions()
    change(&options)
    let path = Self.path(step)
    let track = try await publisher.publish(path).track(Self.track, options: options)
    try await untilAnnounced(path, to: subscriber)
    return track
  }
  func subscribe(
    _ step: MatrixStep, _ session: Session? = nil, from start: Filter = .currentGroup, keepsStatus: Bool = false
  ) async throws -> Subscription {
    try await (session ?? subscriber).subscribe(
      to: Self.path(step), track: Self.track, from: start, keepsStatus: keepsStatus)
  }

  static let track = "data"
  static func path(_ step: MatrixStep) -> TrackNamespace { TrackNamespace("matrix", step.rawValue) }
}

/// What an object's payload should be, from its place and length.
func matrixPayload(_ group: Int, _ object: Int, _ size: Int) -> Bytes {
  Bytes((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ group &* 31 &+ object) })
}

extension ReceivedGroup {
  /// All its objects, once it has ended.
  func all() async throws -> [ReceivedObject] {
    var objects: [ReceivedObject] = []
    for try await object in self { objects.append(object) }
    return objects
  }
}

extension Subscription {
  /// The next group; its absence is a failure.
  func group() async throws -> ReceivedGroup {
    var groups = makeAsyncIterator()
    return try #require(try await groups.next(), "the subscription ended where a group was due")
  }
  /// All groups that still come, until the track ends.
  func rest() async throws -> [ReceivedGroup] {
    var groups: [ReceivedGroup] = []
    for try await group in self { groups.append(group) }
    return groups
  }
}

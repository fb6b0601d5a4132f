import MoQ
import Testing

/// Requests beside the plain subscription, as a user of the library makes them.
@Suite(.serialized) struct RequestTests {
  /// Dialects with FETCH, TRACK_STATUS, GOAWAY and updates of a range, and one without any.
  static let rich = "draft-14", poor = "moq-lite-01"

  /// Five groups of three objects, each of which says where it is; the last group stays open.
  private func publish(on session: Session) async throws -> (BroadcastTrack, GroupWriter) {
    let track = try await session.publish("past").track("data")
    for group in 0..<4 {
      try await track.group { writer in
        for object in 0..<3 { try await writer.write("\(group)/\(object)") }
      }
    }
    let open = try await track.beginGroup()
    for object in 0..<3 { try await open.write("4/\(object)") }
    return (track, open)
  }

  // MARK: Fetch

  @Test("a range of the past, up to an object and by whole groups")
  func standaloneFetch() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich)
      let (track, open) = try await publish(on: direct.peer)
      let some = try await direct.client.fetch(
        from: "past", track: "data", start: Location(1, 1), endGroup: 3, endObject: 0)
      #expect(some.end == Location(3, 0))
      #expect(try await some.first(.max).map(\.text) == ["1/1", "1/2", "2/0", "2/1", "2/2", "3/0"])

      let whole = try await direct.client.fetch(from: "past", track: "data", start: Location(2, 0), endGroup: 3)
      let objects = try await whole.first(.max)
      #expect(objects.map(\.text) == ["2/0", "2/1", "2/2", "3/0", "3/1", "3/2"])
      #expect(objects.map(\.location) == [2, 3].flatMap { group in (0..<3).map { Location(group, $0) } })

      let backward = try await direct.client.fetch(
        from: "past", track: "data", start: Location(1, 0), endGroup: 2, order: .descending)
      #expect(try await backward.first(.max).map(\.text) == ["2/0", "2/1", "2/2", "1/0", "1/1", "1/2"])
      try await open.finish()
      await track.finish()
      await direct.close()
    }
  }

  @Test("a range that the publisher does not have, an unknown track, a dialect without FETCH")
  func refusedFetch() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich)
      let (track, open) = try await publish(on: direct.peer)
      let beyond = await code {
        _ = try await direct.client.fetch(from: "past", track: "data", start: Location(9, 0), endGroup: 9)
      }
      #expect(beyond == .refused)
      let unknown = await code {
        _ = try await direct.client.fetch(from: "past", track: "other", start: Location(0, 0), endGroup: 1)
      }
      #expect(unknown == .unknownTrack)
      try await open.finish()
      await track.finish()
      await direct.close()

      let lite = try await Direct.connect(Self.poor)
      let missing = await code {
        _ = try await lite.client.fetch(from: "past", track: "data", start: Location(0, 0), endGroup: 1)
      }
      #expect(missing == .inexpressible)
      await lite.close()
    }
  }

  @Test("what came before joins what comes, without a hole", arguments: [nil, 2] as [UInt64?])
  func joiningFetch(fromGroup: UInt64?) async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich)
      let (track, open) = try await publish(on: direct.peer)
      let live = try await direct.client.subscribe(to: "past", track: "data", from: .nextObject)
      try await track.firstSubscriber()
      #expect(live.largest == Location(4, 2))
      try await open.write("4/3")
      let past =
        if let fromGroup {
          try await live.fetch(fromGroup: fromGroup)
        } else {
          try await live.fetch(groupsBefore: 2)
        }
      var texts = try await past.first(.max).map(\.text)
      #expect(past.end == Location(4, 2))
      try await open.write("4/4")
      try await open.finish()
      await track.finish()
      texts += try await live.objects.first(.max).map(\.text)
      #expect(texts == [2, 3].flatMap { group in (0..<3).map { "\(group)/\($0)" } } + (0..<5).map { "4/\($0)" })
      // A subscription that is over can be joined no more.
      #expect(await code { _ = try await live.fetch(groupsBefore: 1) } == .ended)
      await direct.close()
    }
  }

  @Test("there is nothing to join, or no words for it")
  func refusedJoin() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich)
      let track = try await direct.peer.publish("none").track("yet")
      let live = try await direct.client.subscribe(to: "none", track: "yet", from: .nextObject)
      #expect(live.largest == nil)
      #expect(await code { _ = try await live.fetch(groupsBefore: 1) } == .refused)
      await track.finish()
      await direct.close()

      let lite = try await Direct.connect(Self.poor)
      let other = try await lite.peer.publish("none").track("yet")
      let begun = try await lite.client.subscribe(to: "none", track: "yet")
      #expect(await code { _ = try await begun.fetch(groupsBefore: 1) } == .inexpressible)
      await other.finish()
      await lite.close()
    }
  }

  // MARK: Track status

  @Test("the state of a track before, during and without a publisher, at a relay")
  func trackStatus() async throws {
    try await within {
      let relay = try await TestRelay.start()
      let publisher = try await relay.connect(Self.rich), asker = try await relay.connect(Self.rich)
      let track = try await publisher.publish("state").track("data")
      try await untilAnnounced("state", to: asker)
      #expect(try await asker.trackStatus(of: "state", track: "data") == TrackState(.notYetBegun))
      try await track.group(7) { try await $0.write("one") }
      // The relay asks the publisher, since nobody is subscribed.
      #expect(
        try await asker.trackStatus(of: "state", track: "data") == TrackState(.inProgress, largest: Location(7, 0)))
      #expect(try await asker.trackStatus(of: "state", track: "other") == TrackState(.doesNotExist))
      #expect(try await asker.trackStatus(of: "nowhere", track: "data") == TrackState(.doesNotExist))
      let lite = try await relay.connect(Self.poor)
      #expect(await code { _ = try await lite.trackStatus(of: "state", track: "data") } == .inexpressible)
      await relay.server.close()
    }
  }

  // MARK: Updates

  @Test("a subscription pauses, goes on, and is narrowed to its end")
  func update() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich)
      let track = try await direct.peer.publish("update").track("data")
      let subscription = try await direct.client.subscribe(to: "update", track: "data", from: .nextGroup)
      try await track.firstSubscriber()
      /// An update has no answer, but requests are read in order: once this is answered the update has been read.
      func isRead() async throws { _ = try await direct.client.trackStatus(of: "update", track: "data") }
      func write(_ group: UInt64) async throws {
        try await track.group(group) { try await $0.write("group \(group)") }
      }
      try await write(0)
      try await subscription.update(forward: false)
      try await isRead()
      try await write(1)
      try await subscription.update(priority: 7, forward: true)
      try await isRead()
      try await write(2)
      try await subscription.update(endGroup: 3)
      try await isRead()
      try await write(3)
      try await write(4)
      #expect(try await subscription.objects.first(.max).map(\.text) == ["group 0", "group 2", "group 3"])
      #expect(await code { try await subscription.update(priority: 1) } == .ended)
      await direct.close()
    }
  }

  @Test("an update that the dialect has no words for")
  func inexpressibleUpdate() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich)
      let track = try await direct.peer.publish("update").track("data")
      let bounded = try await direct.client.subscribe(
        to: "update", track: "data", from: .range(Location(2, 0), endGroup: 9, endObject: nil))
      // draft-14 can only narrow.
      #expect(await code { try await bounded.update(start: Location(1, 0)) } == .inexpressible)
      #expect(await code { try await bounded.update(endGroup: 10) } == .inexpressible)
      try await bounded.update(start: Location(3, 0), endGroup: 8)
      await track.finish()
      await direct.close()

      let lite = try await Direct.connect(Self.poor)
      let other = try await lite.peer.publish("update").track("data")
      let subscription = try await lite.client.subscribe(to: "update", track: "data")
      try await subscription.update(priority: 3)
      #expect(await code { try await subscription.update(forward: false) } == .inexpressible)
      try await other.group { try await $0.write("still here") }
      #expect(try await subscription.objects.first(1).map(\.text) == ["still here"])
      await lite.close()
    }
  }

  // MARK: GOAWAY

  @Test("a server asks a client to go elsewhere: what runs goes on, nothing new begins")
  func goAway() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich)
      let track = try await direct.peer.publish("old").track("data")
      let subscription = try await direct.client.subscribe(to: "old", track: "data")
      try await track.firstSubscriber()
      try await direct.peer.sendGoAway(to: "moqt://elsewhere.example/")
      #expect(await direct.client.goAway == SessionMove(url: "moqt://elsewhere.example/"))
      #expect(await code { _ = try await direct.client.subscribe(to: "new", track: "data") } == .sessionClosed)
      #expect(!direct.client.isClosed)
      try await track.group { try await $0.write("goes on") }
      #expect(try await subscription.objects.first(1).map(\.text) == ["goes on"])
      await direct.client.close()
      #expect(await direct.peer.closed.by == .peer)
      await direct.server.close()
    }
  }

  @Test("whoever stays after GOAWAY is closed")
  func goAwayTimeout() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich, server: { $0.session.goAwayTimeout = .milliseconds(200) })
      try await direct.peer.sendGoAway()
      #expect(await direct.client.goAway == SessionMove(url: nil))
      let (theirs, ours) = (await direct.client.closed, await direct.peer.closed)
      #expect(theirs.by == .peer && theirs.reason == .goAwayTimeout, "\(theirs)")
      #expect(ours.by == .local && ours.reason == .goAwayTimeout, "\(ours)")
      await direct.server.close()
    }
  }

  @Test("who may send GOAWAY, and where to")
  func inexpressibleGoAway() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich)
      #expect(await code { try await direct.client.sendGoAway(to: "moqt://elsewhere.example/") } == .inexpressible)
      try await direct.client.sendGoAway()
      #expect(await direct.peer.goAway == SessionMove(url: nil))
      await direct.close()
      let lite = try await Direct.connect(Self.poor)
      #expect(await code { try await lite.peer.sendGoAway() } == .inexpressible)
      await lite.close()
      // It ended without.
      #expect(await lite.client.goAway == nil)
    }
  }

  // MARK: PUBLISH

  @Test("an offered track that is accepted is refused at once: it is subscribed to instead")
  func acceptedOffer() async throws {
    try await within {
      let direct = try await Direct.connect(Self.rich, server: { $0.session.requests = .ask })
      async let answering: Void = {
        for await request in direct.peer.requests {
          #expect(request.kind == .publish(TrackName("offers", "data")))
          request.accept()
        }
      }()
      await expectError(.refused, naming: "nobody here wants") {
        _ = try await direct.client.offer("offers", track: "data")
      }
      await direct.close()
      await answering
    }
  }

  // MARK: Authorization

  @Test("tokens reach whoever answers, as values, though they are sent once")
  func authorization() async throws {
    try await within {
      let secret = AuthorizationToken.value(type: 0, [UInt8](repeating: 0x2a, count: 1_000))
      let direct = try await Direct.connect(
        Self.rich, server: { $0.session.requests = .ask }, client: { $0.authorization = [secret] })
      #expect(direct.peer.peerAuthorization == [secret])
      let track = try await direct.peer.publish("guarded").track("data")
      let answering = Task {
        var seen: [[AuthorizationToken]] = []
        for await request in direct.peer.requests {
          seen.append(request.authorization)
          request.accept()
        }
        return seen
      }
      let registration = AuthorizationToken.register(alias: 9, type: 0, [UInt8](repeating: 0x2a, count: 1_000))
      let first = try await direct.client.subscribe(to: "guarded", track: "data", authorization: [registration])
      _ = try await direct.client.trackStatus(of: "guarded", track: "data", authorization: [.alias(9)])
      let broadcast = try await direct.client.publish("own", authorization: [.alias(9)])
      let watching = try await direct.client.announcements(
        under: "guarded", authorization: [.alias(9), .delete(alias: 9)])
      #expect(await code { _ = try await direct.client.publish("other", authorization: [.alias(9)]) } == .ended)
      watching.cancel()
      await broadcast.finish()
      first.cancel()
      await track.finish()
      await direct.close()
      #expect(await answering.value == Array(repeating: [secret], count: 4))
    }
  }

  // MARK: The cap of received streams

  @Test("a peer that has opened as many streams as it may is asked to go", arguments: [rich])
  func streamCapAsksToGo(dialect: String) async throws {
    try await within {
      let direct = try await Direct.connect(dialect, server: { $0.maximumReceivedStreams = 20 })
      let subscription = try await direct.peer.subscribeWhenAnnounced("many", "data", by: direct.client) { track in
        for group in 0..<19 { try await track.group { try await $0.write("group \(group)") } }
      }
      #expect(try await subscription.objects.first(19).map(\.text) == (0..<19).map { "group \($0)" })
      // The control stream was the first of the twenty.
      #expect(await direct.client.goAway == SessionMove(url: nil))
      #expect(!direct.client.isClosed)
      await direct.close()
    }
  }

  @Test("where nobody can be asked to go, the session ends with a group")
  func streamCapCloses() async throws {
    try await within {
      let direct = try await Direct.connect(Self.poor, server: { $0.maximumReceivedStreams = 20 })
      let subscription = try await direct.peer.subscribeWhenAnnounced("many", "data", by: direct.client) { track in
        // Until the session is over. The group that is open when the cap is reached gets its end.
        for group in 0... {
          try await track.group { writer in
            for object in 0..<3 { try await writer.write("\(group)/\(object)") }
          }
        }
      }
      var groups: [[String]] = []
      var failure: MoQError?
      do {
        for try await group in subscription {
          groups.append(try await group.first(.max).map(\.text))
          #expect(group.ending == .complete)
        }
      } catch let error as MoQError { failure = error }
      #expect(failure?.code == .sessionClosed)
      #expect(groups.count >= 15)
      #expect(groups == groups.indices.map { group in (0..<3).map { "\(group)/\($0)" } })
      let closure = await direct.client.closed
      #expect(closure.by == .peer && closure.reason == .noError)
      #expect(closure.phrase.contains("connect again"), "\(closure)")
      await direct.server.close()
    }
  }

  // MARK: Statistics

  @Test("the numbers of a session that has carried a megabyte", arguments: dialectNames)
  func statistics(dialect: String) async throws {
    try await within {
      let direct = try await Direct.connect(dialect)
      let track = try await direct.peer.publish("count").track("data")
      let subscription = try await direct.client.subscribe(to: "count", track: "data")
      try await track.firstSubscriber()
      let payload = Bytes([UInt8](repeating: 5, count: 100_000))
      try await track.group { writer in for _ in 0..<10 { try await writer.write(payload) } }
      #expect(try await subscription.objects.first(10).map(\.payload.count) == Array(repeating: 100_000, count: 10))
      try await track.drained()
      let (received, sent) = (await direct.client.statistics, await direct.peer.statistics)
      #expect(received.bytesReceived > 1_000_000 && sent.bytesSent > 1_000_000)
      #expect(sent.packetsSent > 100)
      #expect(sent.loss >= 0 && sent.loss < 1 && sent.packetsLost <= sent.packetsSent)
      #expect(sent.smoothedRTT > .zero && sent.minimumRTT > .zero && sent.smoothedRTT < .seconds(10))
      #expect(sent.minimumRTT <= sent.smoothedRTT)
      #expect(sent.estimatedBitrate > 0)
      #expect(received.peerBitrate == nil)
      await direct.close()
    }
  }
}

extension Session {
  /// Subscribes to a track that `publisher` announces and, once there is a subscriber, writes.
  func subscribeWhenAnnounced(
    _ path: TrackNamespace, _ name: String, by publisher: Session,
    _ write: @escaping @Sendable (BroadcastTrack) async throws -> Void
  ) async throws -> Subscription {
    var options = TrackOptions()
    options.backlog = .dropOldest
    let track = try await publisher.publish(path).track(name, options: options)
    let subscription = try await subscribe(to: path, track: name)
    try await track.firstSubscriber()
    Task { try await write(track) }
    return subscription
  }
}

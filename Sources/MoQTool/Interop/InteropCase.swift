import MoQ
import MoQDrafts

/// A test of the public interoperability runner: its name, how long it may take, what it does.
struct InteropCase: Sendable {
  let name: String
  let limit: Duration
  let body: @Sendable (InteropRun) async throws -> Void

  private static let namespace: TrackNamespace = "moq-test/interop"
  private static let track = "test-track"

  /// All of them, in the runner's order; then those that other clients ship beside them.
  static let all: [InteropCase] = [
    InteropCase(name: "setup-only", limit: .seconds(2)) { run in
      try await run.close(try await run.connect())
    },
    InteropCase(name: "announce-only", limit: .seconds(2)) { run in
      let session = try await run.connect()
      run.expect(.publishNamespaceOK)
      let broadcast = try await session.publish(namespace)
      try await run.close(session)
      withExtendedLifetime(broadcast) {}
    },
    InteropCase(name: "publish-namespace-done", limit: .seconds(2)) { run in
      let session = try await run.connect()
      run.expect(.publishNamespaceOK)
      try await session.publish(namespace).finish()
      try await run.close(session)
    },
    InteropCase(name: "subscribe-error", limit: .seconds(2)) { run in
      let session = try await run.connect()
      run.expect(.subscribeError)
      guard let refusal = try await refusal(of: "nonexistent/namespace", by: session) else {
        throw InteropRun.Unexpected(received: "SUBSCRIBE_OK", message: "there is no such track")
      }
      run.say("refused: \(refusal)")
      try await run.close(session)
    },
    InteropCase(name: "announce-subscribe", limit: .seconds(3)) { run in
      let publisher = try await run.connect(as: "publisher")
      run.expect(.publishNamespaceOK)
      let broadcast = try await publisher.publish(namespace)
      let source = try await broadcast.track(track)
      let subscriber = try await run.connect(as: "subscriber")
      run.expect(.subscribeOK)
      let subscription = try await subscriber.subscribe(to: namespace, track: track)
      subscription.cancel()
      await source.finish()
      try await run.close(subscriber)
      try await run.close(publisher)
    },
    InteropCase(name: "subscribe-before-announce", limit: .seconds(3.5)) { run in
      let subscriber = try await run.connect(as: "subscriber")
      let answer = Task { try await refusal(of: namespace, by: subscriber) }
      // The runner's own pause; what is asked is how a relay takes a request that comes too early.
      try await Task.sleep(for: .milliseconds(500))
      let publisher = try await run.connect(as: "publisher")
      run.expect(.publishNamespaceOK)
      let broadcast = try await publisher.publish(namespace)
      let source = try await broadcast.track(track)
      run.expect("SUBSCRIBE_OK or a refusal")
      let reason = try await withTaskCancellationHandler {
        try await answer.value
      } onCancel: {
        answer.cancel()
      }
      run.say(reason.map { "refused: \($0)" } ?? "accepted")
      await source.finish()
      try await run.close(publisher)
      try await run.close(subscriber)
    },
    InteropCase(name: "rendezvous-timeout", limit: .seconds(5)) { run in
      // The parameter came after the dialects that are spoken here.
      let session = try await run.connect()
      throw InteropRun.Inapplicable(reason: "\(session.dialect.name) has no RENDEZVOUS_TIMEOUT")
    },
    InteropCase(name: "data-subgroup-basic", limit: .seconds(20), body: deliversSubgroups),
    InteropCase(name: "namespace-discovery", limit: .seconds(12)) { run in
      let wanted = TrackNamespace(path: "moq-test/interop/namespace-discovery/\(run.id)")
      let publisher = try await run.connect(as: "namespace_publisher")
      run.expect(.publishNamespaceOK)
      let broadcast = try await publisher.publish(wanted)
      let subscriber = try await run.connect(as: "namespace_subscriber")
      run.expect(.subscribeNamespaceOK)
      let heard = try await subscriber.announcements(under: "moq-test/interop/namespace-discovery")
      run.expect("the announcement of \(wanted)")
      try await hears(heard, of: wanted, isActive: true)
      try await run.close(subscriber)
      try await run.close(publisher)
      withExtendedLifetime(broadcast) {}
    },
    InteropCase(name: "subscribe-namespace-lifecycle", limit: .seconds(12)) { run in
      let wanted = TrackNamespace(path: "moq-test/interop/subscribe-namespace-lifecycle/\(run.id)")
      let subscriber = try await run.connect(as: "namespace_subscriber")
      run.expect(.subscribeNamespaceOK)
      let heard = try await subscriber.announcements(under: wanted)
      let publisher = try await run.connect(as: "namespace_publisher")
      run.expect(.publishNamespaceOK)
      let broadcast = try await publisher.publish(wanted)
      run.expect("the announcement of \(wanted)")
      try await hears(heard, of: wanted, isActive: true)
      await broadcast.finish()
      run.expect("the end of the announcement of \(wanted)")
      try await hears(heard, of: wanted, isActive: false)
      heard.cancel()
      try await run.close(subscriber)
      try await run.close(publisher)
    },
    InteropCase(name: "publish-track-only", limit: .seconds(10)) { run in
      let session = try await run.connect()
      run.expect(.publishOK)
      let track = try await session.offer("moq-test/publish", track: "published-track")
      run.expect("room for one object")
      try await track.group { try await $0.write("publish-track-only") }
      await track.finish()
      try await track.drained()
      try await run.close(session)
    },
    InteropCase(name: "publish-track-subscribe", limit: .seconds(10)) { run in
      let (namespace, name, text) = ("moq-test/publish" as TrackNamespace, "published-track", "publish-track-subscribe")
      let publisher = try await run.connect(as: "publisher")
      run.expect(.publishOK)
      let track = try await publisher.offer(namespace, track: name)
      let subscriber = try await run.connect(as: "subscriber")
      run.expect(.subscribeOK)
      let subscription = try await subscriber.subscribe(to: namespace, track: name)
      try await track.group { try await $0.write(text) }
      await track.finish()
      run.expect("one object with the payload \"\(text)\", then the end of the track")
      try await receives([Location(0, 0): Array(text.utf8)], on: subscription)
      try await run.close(subscriber)
      try await run.close(publisher)
    },
    InteropCase(name: "fetch", limit: .seconds(10), body: fetches),
    InteropCase(name: "join", limit: .seconds(10), body: joins),
  ]

  // MARK: Parts

  /// Why `session` is refused the test's track of `namespace`; nil: it is not.
  private static func refusal(of namespace: TrackNamespace, by session: Session) async throws(MoQError) -> String? {
    do {
      try await session.subscribe(to: namespace, track: track).cancel()
      return nil
    } catch {
      guard [.unknownTrack, .refused, .unauthorized].contains(error.code) else { throw error }
      return error.message
    }
  }

  /// Waits for news of `wanted`; what is said of other namespaces does not matter.
  private static func hears(_ announcements: Announcements, of wanted: TrackNamespace, isActive: Bool) async throws {
    for try await news in announcements where news.path == wanted {
      guard news.isActive == isActive else {
        throw InteropRun.Unexpected(
          received: news.isActive ? "a second announcement" : "its end", message: "\(wanted) is told in the wrong order"
        )
      }
      return
    }
    throw InteropRun.Unexpected(received: "the end of all announcements", message: "nothing was said of \(wanted)")
  }

  /// Takes all objects until the track ends, which must be these, each once.
  private static func receives(_ wanted: [Location: [UInt8]], on subscription: Subscription) async throws {
    var missing = wanted
    for try await object in subscription.objects where object.status == .normal {
      try check(object, &missing, of: wanted)
    }
    try checkNothing(missing)
  }
  private static func check(
    _ object: ReceivedObject, _ missing: inout [Location: [UInt8]], of wanted: [Location: [UInt8]]
  ) throws {
    guard wanted[object.location] != nil else {
      throw InteropRun.Unexpected(received: "object \(object.location)", message: "nobody sent such an object")
    }
    guard let payload = missing.removeValue(forKey: object.location) else {
      throw InteropRun.Unexpected(received: "object \(object.location) again", message: "an object came twice")
    }
    guard object.payload.array == payload else {
      throw InteropRun.Unexpected(
        received: "\(object.payload.count) bytes in object \(object.location)",
        message: "its payload is not the \(payload.count) bytes that were sent")
    }
    guard object.subgroup == 0, object.priority == 128 else {
      throw InteropRun.Unexpected(
        received: "object \(object.location) in subgroup \(object.subgroup) with priority \(object.priority)",
        message: "it was sent in subgroup 0 with priority 128")
    }
  }
  private static func checkNothing(_ missing: [Location: [UInt8]]) throws {
    guard let first = missing.keys.min() else { return }
    throw InteropRun.Unexpected(
      received: "the end", message: "\(missing.count) objects are missing, the first is \(first)")
  }

  /// What the runner's data tests send: five objects a group, of 64 bytes and then 32, all of the letter t.
  private static func canonical(groups: UInt64) -> [Location: [UInt8]] {
    var objects: [Location: [UInt8]] = [:]
    for group in 0..<groups {
      for id in 0..<5 { objects[Location(group, UInt64(id))] = Array(repeating: 0x74, count: id == 0 ? 64 : 32) }
    }
    return objects
  }
  private static func send(
    _ objects: [Location: [UInt8]], group: UInt64, ids: Range<UInt64> = 0..<5, to writer: GroupWriter
  ) async throws {
    for id in ids {
      try await writer.write(objects[Location(group, id)] ?? [])
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  private static func deliversSubgroups(_ run: InteropRun) async throws {
    let namespace = TrackNamespace(path: "moq-interop/data-subgroup-basic/\(run.id)"), objects = canonical(groups: 3)
    let publisher = try await run.connect(as: "publisher")
    run.expect(.publishNamespaceOK)
    let broadcast = try await publisher.publish(namespace)
    let track = try await broadcast.track("track")
    let subscriber = try await run.connect(as: "subscriber")
    run.expect(.subscribeOK)
    let subscription = try await subscriber.subscribe(to: namespace, track: "track", order: .ascending)
    run.expect("15 objects in groups 0 to 2, then the end of the track")
    async let sent: Void = {
      for group in 0..<UInt64(3) {
        try await track.group(group) { try await send(objects, group: group, to: $0) }
      }
      await track.finish()
    }()
    try await receives(objects, on: subscription)
    try await sent
    try await run.close(subscriber)
    try await run.close(publisher)
  }

  private static func fetches(_ run: InteropRun) async throws {
    let namespace = TrackNamespace(path: "moq-interop/fetch/\(run.id)"), objects = canonical(groups: 2)
    let publisher = try await run.connect(as: "publisher")
    if case .missing? = dialects.named(publisher.dialect.name)?.rules.fetching {
      throw InteropRun.Inapplicable(reason: "\(publisher.dialect.name) has no FETCH")
    }
    run.expect(.publishNamespaceOK)
    let broadcast = try await publisher.publish(namespace)
    let track = try await broadcast.track("track")
    for group in 0..<UInt64(2) {
      try await track.group(group) { try await send(objects, group: group, to: $0) }
    }
    let subscriber = try await run.connect(as: "subscriber")
    run.expect(.fetchOK)
    let fetched = try await subscriber.fetch(from: namespace, track: "track", start: Location(0, 0), endGroup: 1)
    run.expect("10 objects in groups 0 and 1")
    var missing = objects
    for try await object in fetched where object.status == .normal { try check(object, &missing, of: objects) }
    try checkNothing(missing)
    await track.finish()
    try await run.close(subscriber)
    try await run.close(publisher)
  }

  /// Two readers: the second comes while a group is under way, and gets that group from its first object.
  private static func joins(_ run: InteropRun) async throws {
    let namespace = TrackNamespace(path: "moq-interop/join/\(run.id)"), objects = canonical(groups: 1)
    let publisher = try await run.connect(as: "publisher")
    switch dialects.named(publisher.dialect.name)?.rules.fetching {
    case .missing, .group, .standalone, nil:
      throw InteropRun.Inapplicable(reason: "\(publisher.dialect.name) has no joining FETCH")
    case .joiningRelative, .joining: break
    }
    run.expect(.publishNamespaceOK)
    let broadcast = try await publisher.publish(namespace)
    let track = try await broadcast.track("track")
    let early = try await run.connect(as: "subscriber_1")
    run.expect(.subscribeOK)
    let first = try await early.subscribe(to: namespace, track: "track")
    let group = try await track.beginGroup(0)
    try await send(objects, group: 0, ids: 0..<3, to: group)
    run.expect("three objects for the first subscriber")
    var missing = objects, reader = first.objects.makeAsyncIterator()
    while missing.count > 2, let object = try await reader.next() { try check(object, &missing, of: objects) }

    let late = try await run.connect(as: "subscriber_2")
    run.expect(.subscribeOK)
    let second = try await late.subscribe(to: namespace, track: "track", from: .currentGroup)
    try await send(objects, group: 0, ids: 3..<5, to: group)
    try await group.finish()
    await track.finish()
    run.expect("the whole group for the second subscriber")
    try await receives(objects, on: second)
    while let object = try await reader.next() {
      if object.status == .normal { try check(object, &missing, of: objects) }
    }
    try checkNothing(missing)
    try await run.close(late)
    try await run.close(early)
    try await run.close(publisher)
  }
}

import MoQ
import Synchronization
import Testing

/// Cancellation that reaches the wire, and consumers that do not consume.
@Suite(.serialized) struct FlowTests {
  @Test("letting a subscription go ends it at the publisher", arguments: Bridge.all)
  func cancelReaches(bridge: Bridge) async throws {
    try await within {
      let it = try await Bridged.open(bridge)
      // By its task's cancellation, in the middle of a group.
      let writer = try await it.track.beginGroup()
      try await writer.write("hello")
      let began = Flag()
      let reading = Task {
        for try await object in it.subscription.objects {
          #expect(object.payload == Bytes("hello"))
          began.set()
        }
      }
      await began.wait()
      reading.cancel()
      await #expect(throws: MoQError.self) { try await reading.value }
      try await it.track.lastSubscriberGone()

      // By its last reference.
      do {
        let other = try await it.subscriber.subscribe(to: "bridged", track: "data")
        try await it.track.firstSubscriber()
        #expect(other.track.name == Array("data".utf8))
      }
      try await it.track.lastSubscriberGone()
      // The session goes on.
      #expect(!it.subscriber.isClosed)
      #expect(!it.publisher.isClosed)
      await it.close()
    }
  }

  @Test("a consumer that stalls holds its publisher up, not the memory", arguments: dialectNames)
  func stalls(dialect: String) async throws {
    try await within(.seconds(120)) {
      let server = try await Server.listen(on: "127.0.0.1:0")
      async let accepted = { () async -> Session? in
        var sessions = server.sessions.makeAsyncIterator()
        return await sessions.next()
      }()
      var options = SessionOptions.test(server.fingerprint, dialect)
      options.receiveBuffer = 2 << 20
      let session = try await Session.connect(to: "moqt://127.0.0.1:\(server.port)", options: options)
      let peer = try #require(await accepted)
      var trackOptions = TrackOptions()
      trackOptions.backlog = .wait(bytes: 1 << 20)
      let track = try await peer.publish("stall").track("data", options: trackOptions)
      let subscription = try await session.subscribe(to: "stall", track: "data")
      try await track.firstSubscriber()

      let total = 2_000, size = 16 << 10
      let written = Counter()
      let writing = Task {
        let payload = Bytes([UInt8](repeating: 7, count: size))
        for _ in 0..<(total / 10) {
          try await track.group { group in
            for _ in 0..<10 {
              try await group.write(payload)
              written.add(1)
            }
          }
        }
        try await track.drained()
      }
      // Nobody reads: the receive buffer fills up but for some headers, then the publisher's backlog, and the writer
      // comes to a stop well before its 32 MB are out.
      let full = options.receiveBuffer - 128 << 10
      while written.value < total {
        if await session.statistics.withheldBytes >= full, track.isBehind { break }
      }
      let last = written.value
      #expect(last < total)
      // The receive buffer, what is on its way, the backlog, what waits for the loop, and a few open groups.
      #expect(last * size < (2 + 4 + 1 + 4 + 3) << 20, "\(last * size) bytes were taken")

      // Reading sets it free, and nothing is missing.
      var received = 0
      for try await group in subscription {
        for try await object in group {
          #expect(object.payload.count == size)
          received += 1
        }
        if received == total { break }
      }
      #expect(received == total)
      try await writing.value
      await session.close()
      await server.close()
    }
  }

  @Test("an object larger than every window arrives", arguments: dialectNames)
  func large(dialect: String) async throws {
    try await within(.seconds(120)) {
      let it = try await Bridged.open(Bridge(publisher: dialect, subscriber: dialect), receiveBuffer: 1 << 20)
      let payload = Bytes(
        [UInt8](unsafeUninitializedCapacity: 20 << 20) { buffer, count in
          for index in 0..<(20 << 20) { buffer[index] = UInt8(truncatingIfNeeded: index &* 31 >> 7) }
          count = 20 << 20
        })
      try await it.track.group { try await $0.write(payload) }
      var objects = it.subscription.objects.makeAsyncIterator()
      let object = try #require(try await objects.next())
      #expect(object.payload == payload)
      await it.close()
    }
  }

  @Test("groups that are let go unread do not hold others up", arguments: dialectNames)
  func unread(dialect: String) async throws {
    try await within(.seconds(120)) {
      let it = try await Bridged.open(Bridge(publisher: dialect, subscriber: dialect), receiveBuffer: 1 << 20)
      async let writing: Void = {
        let payload = Bytes([UInt8](repeating: 1, count: 200_000))
        for _ in 0..<50 { try await it.track.group { try await $0.write(payload) } }
        await it.track.finish()
      }()
      var groups = 0
      // The last one may be here before others are.
      for try await _ in it.subscription {
        groups += 1
        if groups == 50 { break }
      }
      #expect(groups == 50)
      try await writing
      await it.close()
    }
  }

  @Test("the publisher ends the track: the sequences end", arguments: Bridge.all)
  func trackEnds(bridge: Bridge) async throws {
    try await within {
      let it = try await Bridged.open(bridge)
      try await it.track.group { try await $0.write("all") }
      await it.track.finish()
      var received: [Bytes] = []
      for try await object in it.subscription.objects { received.append(object.payload) }
      #expect(received == [Bytes("all")])
      await it.close()
    }
  }
}

/// Something that happens once.
final class Flag: Sendable {
  private let stream = AsyncStream<Void>.makeStream()
  func set() { stream.continuation.yield() }
  func wait() async {
    for await _ in stream.stream { return }
  }
}

/// A number that several tasks change.
final class Counter: Sendable {
  private let number = Mutex(0)
  var value: Int { number.withLock { $0 } }
  func add(_ amount: Int) { number.withLock { $0 += amount } }
}

import MoQ
import Testing

// The README's two programs, word for word, so that they always compile; the test below runs them.

func publish(to url: String, options: SessionOptions = SessionOptions()) async throws {
  try await withSession(to: url, options: options) { session in
    try await session.publish("live/room42") { broadcast in
      let chat = try await broadcast.track("chat")
      try await chat.firstSubscriber()
      for number in 1...3 {
        try await chat.group { group in
          try await group.write("This is group \(number),")
          try await group.write("and this its second object.")
        }
      }
    }
  }
}

func subscribe(to url: String, options: SessionOptions = SessionOptions()) async throws {
  try await withSession(to: url, options: options) { session in
    for try await announcement in try await session.announcements(under: "live") {
      print("\(announcement.path) is there, in \(session.dialect)")
      break
    }
    for try await group in try await session.subscribe(to: "live/room42", track: "chat") {
      for try await object in group {
        print("\(group.sequence)/\(object.id): \(String(decoding: object.payload.array, as: UTF8.self))")
      }
    }
  }
}

@Test("the README's programs run, in different dialects", arguments: Bridge.all)
func readme(bridge: Bridge) async throws {
  try await within {
    let relay = try await TestRelay.start()
    async let publishing: Void = publish(to: relay.url, options: .test(relay.server.fingerprint, bridge.publisher))
    try await subscribe(to: relay.url, options: .test(relay.server.fingerprint, bridge.subscriber))
    try await publishing
    await relay.server.close()
  }
}

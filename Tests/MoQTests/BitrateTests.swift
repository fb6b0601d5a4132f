import MoQ
import Testing

@Suite struct BitrateTests {
  @Test("each side hears what the other's congestion controller allows", arguments: ["moq-lite-01", "transfork-03"])
  func told(dialect: String) async throws {
    try await within {
      let both = try await Direct.connect(dialect)
      let track = try await both.peer.publish("live").track("data")
      let subscription = try await both.client.subscribe(to: "live", track: "data")
      try await track.firstSubscriber()
      var objects = subscription.objects.makeAsyncIterator()
      // What is not used is not measured, so there is traffic until both have heard.
      var heard: [UInt64?] = [nil, nil]
      while heard.contains(nil) {
        try await track.group { try await $0.write("tick") }
        #expect(try await objects.next()?.text == "tick")
        heard = [await both.client.statistics.peerBitrate, await both.peer.statistics.peerBitrate]
      }
      #expect(heard.allSatisfy { $0 ?? 0 > 10_000 }, "\(heard)")
      await both.close()
    }
  }
}

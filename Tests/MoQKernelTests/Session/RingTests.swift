import MoQDrafts
import Testing

@testable import MoQKernel

@Suite struct RingTests {
  private final class Census { var alive = 0 }
  private final class Token {
    let number: Int, census: Census
    init(_ number: Int, _ census: Census) {
      (self.number, self.census) = (number, census)
      census.alive += 1
    }
    deinit { census.alive -= 1 }
  }

  @Test(arguments: 0..<20 as Range<UInt64>) func keepsOrderAndLetsGo(seed: UInt64) {
    var random = SeededGenerator(seed: seed), ring = Ring<Token>(), model: [Int] = [], next = 0
    let census = Census()
    for _ in 0..<2_000 {
      if random.chance(55) {
        ring.append(Token(next, census))
        model.append(next)
        next += 1
      } else if !model.isEmpty {
        #expect(ring.removeFirst().number == model.removeFirst(), "seed \(seed)")
      }
      #expect(ring.count == model.count && ring.isEmpty == model.isEmpty && census.alive == model.count)
    }
    ring = Ring()
    #expect(census.alive == 0, "seed \(seed)")
  }

  /// A session with a subscription, the stream of a group, and `count` objects of a byte on it, as its peer wrote them.
  private func reader(_ count: UInt64) throws -> (core: SessionCore, stream: StreamKey) {
    let pair = Pair(.draft14, seed: 3)
    var served: RequestKey?, begun: StreamKey?
    pair.onEvent = { side, event in
      switch event {
      case .subscribeRequested(let key, _):
        served = key
        try? pair[side].accept(key, SubscribeAnswer())
      case .subgroupBegan(let stream, _, _): begun = stream
      default: break
      }
    }
    _ = try pair.client.subscribe(SubscribeRequest(TrackName("a", "b"), filter: .nextGroup))
    pair.settle()
    let stream = try pair.server.openSubgroup(try #require(served), SubgroupInfo(group: 0))
    for id in 0..<count {
      try pair.server.write(ObjectInfo(group: 0, id: id, payloadLength: 1), on: stream)
      pair.server.write(payload: [7], on: stream)
    }
    pair.settle()
    return (pair.client, try #require(begun))
  }

  @Test func creditIsToldTogetherAndBeforeTheEnd() throws {
    let (core, stream) = try reader(10)
    for _ in 0..<10 { core.consumed(1, on: stream) }
    #expect(core.hasWork && core.unconsumedBytes == 0)
    var credits: [Int] = []
    core.drainEffects { if case .consumed(stream, let count) = $0 { credits.append(count) } }
    #expect(credits == [10] && !core.hasWork)
    // More than there is to give back is not given back.
    core.consumed(1, on: stream)
    #expect(!core.hasWork)
  }
  @Test func creditComesBeforeItsStreamIsForgotten() throws {
    let (core, stream) = try reader(2)
    core.consumed(1, on: stream)
    core.received(UnsafeRawBufferPointer(start: nil, count: 0), fin: true, on: stream)
    core.consumed(1, on: stream)
    var told: [String] = []
    core.drainEffects { effect in
      switch effect {
      case .consumed(stream, let count): told.append("\(count)")
      case .forget(stream): told.append("forget")
      default: break
      }
    }
    #expect(told == ["2", "forget"])
  }
  @Test func whatADrainBringsAboutIsForTheNext() throws {
    let (core, stream) = try reader(1)
    var rounds: [Int] = []
    core.consumed(1, on: stream)
    core.stop(stream: stream, .cancelled)
    while core.hasWork {
      var count = 0
      core.drainEffects { _ in
        count += 1
        if rounds.count < 2 { _ = try? core.subscribe(SubscribeRequest(TrackName("a", "\(rounds.count)-\(count)"))) }
      }
      rounds.append(count)
      core.drainEvents { _ in }
    }
    #expect(rounds.count == 3 && rounds.allSatisfy { $0 > 0 })
  }
  @Test func drainWithinADrainGoesOnWhereItIs() throws {
    let (core, stream) = try reader(0)
    core.stop(stream: stream, .cancelled)
    for name in ["c", "d"] { _ = try core.subscribe(SubscribeRequest(TrackName("a", name))) }
    func told(_ effect: Effect) -> String { String("\(effect)".prefix { $0 != "(" }) }
    var order: [String] = []
    core.drainEffects { effect in
      order.append(told(effect))
      core.drainEffects { order.append(told($0)) }
    }
    #expect(order == ["stop", "send", "send"] && !core.hasWork)
  }
}

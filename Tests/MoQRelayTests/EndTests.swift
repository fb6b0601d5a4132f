import MoQKernel
import Testing

@testable import MoQRelay

/// The end of a track, where its last groups are still on their way.
@Suite struct EndTests {
  /// Where the end counts no streams it is told once they have arrived, so that nobody has to wait for late ones.
  @Test(arguments: ["moq-lite-01", "transfork-03"], 350..<355 as Range<UInt64>)
  func theEndIsToldOnceEverythingHasArrived(dialect: String, seed: UInt64) throws {
    let stage = Stage(seed: seed, dialect)
    let slow = stage.subscriber(dialect, rate: 20)
    let key = try stage.subscribe(slow)
    for group in 0..<5 as Range<UInt64> { stage.local.group(group, objects: 3, size: 5_000) }
    stage.local.end()
    // 75,000 bytes at 20 a millisecond.
    let hasArrived = stage.network.run(6_000) { (0..<5).allSatisfy { slow.isComplete($0) } }
    #expect(hasArrived && slow.ends[key] == nil, "seed \(seed)")
    let hasEnded = stage.network.run(300) { slow.ends[key] != nil }
    #expect(hasEnded && slow.ends[key]?.reason == .trackEnded, "seed \(seed)")
    for group in 0..<5 as Range<UInt64> { #expect(slow.objects(of: group).count == 3, "group \(group), seed \(seed)") }
  }

  /// Two hops, each of which waits until nothing can be on its way any more.
  @Test(arguments: ["moq-lite-01", "transfork-03", "draft-07", "draft-14"])
  func theEndTakesNoLongerThanItMust(dialect: String) throws {
    let stage = Stage(seed: 360, dialect)
    let subscriber = stage.subscriber(dialect)
    let key = try stage.subscribe(subscriber)
    for group in 0..<3 as Range<UInt64> { stage.local.group(group, objects: 3) }
    stage.network.settle()
    stage.local.end()
    let start = stage.network.now.nanoseconds
    stage.network.run(5_000) { subscriber.ends[key] != nil }
    #expect(subscriber.ends[key]?.reason == .trackEnded)
    #expect(stage.network.now.nanoseconds - start < 400_000_000)
  }
}

import MoQKernel
import Testing

@testable import MoQRelay

/// Which ranges a relay serves.
@Suite struct RangeTests {
  /// §6.4 of draft-07: nothing before the current group can be subscribed to, all of that group can.
  @Test func draft07RefusesAStartBeforeTheCurrentGroup() throws {
    let stage = Stage(seed: 28)
    let (open, keeper) = try stage.openGroup()
    var refused: [SimulatedSubscriber] = []
    for filter in [
      .from(Location(2, 2)), .range(Location(2, 0), endGroup: 9, endObject: nil),
      .range(Location(3, 0), endGroup: 3, endObject: 1),
    ] as [Filter] {
      let subscriber = stage.subscriber("draft-07")
      refused.append(subscriber)
      let key = try stage.subscribe(subscriber) { $0.filter = filter }
      #expect(subscriber.ends[key]?.reason == .invalidRange && subscriber.answers[key] == nil, "\(filter)")
    }
    let subscriber = stage.subscriber("draft-07")
    let key = try stage.subscribe(subscriber) { $0.filter = .from(Location(3, 1)) }
    open.write(ObjectInfo(group: 3, id: 3), payload: Bytes("y"))
    open.finish()
    stage.network.settle()
    #expect(subscriber.answers[key] != nil)
    // The last one is the end of the group.
    #expect(stage.locations(subscriber) == (1...4).map { Location(3, $0) })
    #expect(refused.allSatisfy { stage.locations($0).isEmpty })
    #expect(stage.locations(keeper).last == Location(3, 3))
  }
}

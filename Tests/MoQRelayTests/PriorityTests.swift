import MoQDrafts
import MoQKernel
import Testing

@testable import MoQRelay

/// Which of two tracks goes first where not all fits, from the wire of its subscriber to the transport's queue.
@Suite struct PriorityTests {
  /// Two tracks with a group each of the same size, read through a relay over a narrow line.
  private func finished(
    _ from: String, _ to: String, published: (UInt8, UInt8), subscribed: (UInt8, UInt8)
  ) throws -> [UInt64] {
    let network = Network(seed: 7), publisher = SimulatedPublisher(network, from)
    let broadcast = publisher.origin.publish("live/room")
    let tracks = [broadcast.track("first", priority: published.0), broadcast.track("second", priority: published.1)]
    let subscriber = SimulatedSubscriber(network, to)
    let isOpen = network.run { subscriber.session.isEstablished && network.origin.snapshot.namespaces > 0 }
    #expect(isOpen)
    for (name, priority) in [("first", subscribed.0), ("second", subscribed.1)] {
      var request = SubscribeRequest(TrackName("live/room", name))
      request.priority = priority
      _ = try subscriber.session.subscribe(request)
    }
    let isServed = network.run { tracks.allSatisfy { $0.subscriberCount == 1 } && subscriber.answers.count == 2 }
    #expect(isServed)
    subscriber.link.rate = 2_000
    for (index, track) in tracks.enumerated() {
      let priority = index == 0 ? published.0 : published.1, group = UInt64(index)
      let writer = track.begin(SubgroupInfo(group: group, priority: priority, endsGroup: true))
      for id in 0..<10 as Range<UInt64> {
        writer.write(
          ObjectInfo(group: group, id: id, priority: priority), payload: payload(Location(group, id), 5_000))
      }
      writer.finish()
    }
    var order: [UInt64] = []
    let isComplete = network.run {
      for group in 0..<2 as Range<UInt64> where subscriber.isComplete(group) && !order.contains(group) {
        order.append(group)
      }
      return order.count == 2
    }
    #expect(isComplete)
    // The other one has waited: all but the beginning of it came after.
    return order
  }

  @Test(arguments: pairs) func theSubscribersPriorityCounts(_ from: String, _ to: String) throws {
    #expect(try finished(from, to, published: (1, 200), subscribed: (200, 3)) == [1, 0])
    #expect(try finished(from, to, published: (200, 1), subscribed: (3, 200)) == [0, 1])
  }
  @Test(arguments: pairs) func thePublishersDecidesBetweenEquals(_ from: String, _ to: String) throws {
    #expect(try finished(from, to, published: (200, 3), subscribed: (7, 7)) == [1, 0])
    #expect(try finished(from, to, published: (3, 200), subscribed: (7, 7)) == [0, 1])
  }
  /// What only the answer to a subscription says is said of the objects where those have words for it.
  @Test func anAnswersPriorityIsThatOfItsObjects() throws {
    let network = Network(seed: 3), publisher = SimulatedPublisher(network, "moq-lite-01")
    let track = publisher.origin.publish("live/room").track("video", priority: 9)
    let subscriber = SimulatedSubscriber(network, "draft-14")
    let isOpen = network.run { subscriber.session.isEstablished && network.origin.snapshot.namespaces > 0 }
    #expect(isOpen)
    _ = try subscriber.session.subscribe(SubscribeRequest(TrackName("live/room", "video")))
    let isServed = network.run { track.subscriberCount == 1 }
    #expect(isServed)
    track.group(0, objects: 3)
    network.settle()
    #expect(subscriber.objects(of: 0).map(\.info.priority) == [9, 9, 9])
  }
}

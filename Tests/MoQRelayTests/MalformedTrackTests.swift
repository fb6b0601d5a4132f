import MoQDrafts
import MoQKernel
import Testing

@testable import MoQRelay

@Suite struct MalformedTrackTests {
  /// A stream of its publisher that ends within an object: the relay's subscribers hear why it is over, where there is
  /// a number for that.
  @Test(arguments: ["draft-12", "draft-14"]) func theReasonReachesSubscribers(_ to: String) throws {
    let network = Network(seed: 5), publisher = SimulatedPublisher(network, "draft-14")
    let track = publisher.origin.publish("live/room").track("video")
    let subscriber = SimulatedSubscriber(network, to)
    let isOpen = network.run { subscriber.session.isEstablished && network.origin.snapshot.namespaces > 0 }
    #expect(isOpen)
    let key = try subscriber.session.subscribe(SubscribeRequest(TrackName("live/room", "video")))
    let isServed = network.run { track.subscriberCount == 1 && subscriber.answers[key] != nil }
    #expect(isServed)
    // The publisher's first alias, group 3; then 2 of 5 bytes.
    var stream = SubgroupStream(Draft14.objects), writer = WireWriter(), object = ObjectHeader()
    (stream.trackAlias, stream.group, object.payloadLength) = (0, 3, 5)
    try stream.walkHeader(&writer)
    try stream.write(object, to: &writer)
    let payload: [UInt8] = [1, 2]
    writer.append(payload.span.bytes)
    let relay = publisher.link.b.core, incoming = try #require(relay.opened(.unidirectional))
    writer.withBytes { relay.received($0, fin: true, on: incoming) }
    let isOver = network.run { subscriber.ends[key] != nil }
    #expect(isOver && subscriber.ends[key]?.reason == .malformedTrack, "\(String(describing: subscriber.ends[key]))")
    #expect(relay.isEstablished && subscriber.session.isEstablished)
  }
}

import MoQDrafts
import MoQKernel
import Testing

extension Pair {
  /// Two sessions that have agreed on a dialect.
  convenience init(_ speech: Speech, seed: UInt64, adjust: (inout SessionConfiguration) -> Void = { _ in }) {
    var configuration = speech.configuration
    adjust(&configuration)
    self.init(seed: seed, client: configuration, server: configuration, registry: dialects)
    connect(alpn: speech.alpn)
    settle()
  }
  var allFaults: [String] { faults + checkers.both.flatMap(\.faults) }
}

func payload(_ group: UInt64, _ id: UInt64, _ count: Int) -> [UInt8] {
  let first = UInt8(truncatingIfNeeded: group &* 7 &+ id &* 3)
  return [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
    for index in 0..<count { bytes.initializeElement(at: index, to: UInt8(truncatingIfNeeded: index) &* 31 &+ first) }
    filled = count
  }
}

@Suite struct SessionFlowTests {
  @Test(arguments: Speech.allCases) func establishes(_ speech: Speech) {
    let pair = Pair(speech, seed: 1)
    #expect(pair.client.isEstablished && pair.server.isEstablished)
    #expect(pair.client.dialect?.name == speech.dialect && pair.server.dialect?.name == speech.dialect)
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases, [Pair.Side.client, .server])
  func subscribes(_ speech: Speech, publisher: Pair.Side) throws {
    let pair = Pair(speech, seed: 7)
    let track = TrackName("live/room", "video")
    var served: RequestKey?, received: [Location: [UInt8]] = [:], current: [StreamKey: Location] = [:]
    var answer: SubscribeAnswer?, ended: RequestFailure?, done: [UInt64?] = []
    pair.onEvent = { side, event in
      switch event {
      case .subscribeRequested(let key, let request):
        #expect(request.track == track && side == publisher)
        served = key
        try? pair[side].accept(key, SubscribeAnswer())
      case .subscribed(_, let a): answer = a
      case .object(let stream, let object):
        current[stream] = object.location
        received[object.location] = []
      case .payload(let stream, let part):
        received[current[stream]!]! += part.array
        pair[side].consumed(part.count, on: stream)
      case .streamEnded(_, let reset): done.append(reset)
      case .ended(_, let failure): ended = failure
      default: break
      }
    }
    let key = try pair[publisher.other].subscribe(
      SubscribeRequest(track, filter: speech.liveFilter))
    pair.settle()
    #expect(answer != nil)
    let request = try #require(served, "\(pair.allFaults) \(pair.checkers.map(\.end))")
    var sent: [Location: [UInt8]] = [:]
    for group in 0..<3 as Range<UInt64> {
      let stream = try pair[publisher].openSubgroup(request, SubgroupInfo(group: group))
      for id in 0..<5 as Range<UInt64> {
        let bytes = payload(group, id, min(Int(id * 20_000), speech.maximumPayload))
        sent[Location(group, id)] = bytes
        try pair[publisher].write(ObjectInfo(group: group, id: id, payloadLength: UInt64(bytes.count)), on: stream)
        if !bytes.isEmpty { pair[publisher].write(payload: Bytes(bytes), on: stream) }
      }
      pair[publisher].finish(stream: stream)
    }
    pair.settle()
    #expect(received == sent)
    #expect(done == [nil, nil, nil])
    pair[publisher].finish(request)
    pair.settle()
    while ended == nil, pair.waitForDeadline() { pair.settle() }
    #expect(ended?.reason == .trackEnded)
    #expect(pair.allFaults == [])
    _ = key
  }
}

import MoQDrafts
import MoQKernel
import Testing

/// Fetches of several groups where the dialect fetches one at a time.
@Suite struct SplitFetchTests {
  private static let track = TrackName("live/room", "video")

  /// A publisher that answers what it is asked as long as it is asked.
  private final class Stage {
    let pair: Pair
    let recorder: Recorder
    private(set) var asked: [Location] = []
    private var seen = 0
    /// How many objects a group has; nil: it is not there.
    var objects: (UInt64) -> UInt64? = { _ in 3 }
    var state = TrackState(.inProgress, largest: Location(9, 2))
    /// Whether an answer to a fetch is broken off after its first object.
    var breaks: (UInt64) -> Bool = { _ in false }

    init(seed: UInt64) {
      var configuration = SessionConfiguration()
      configuration.dialects = .exactly("transfork-03")
      pair = Pair(seed: seed, client: configuration, server: configuration, registry: dialects)
      recorder = Recorder(pair)
      pair.connect(alpn: "moqf-03")
      pair.settle()
    }
    func fetch(
      _ start: Location, _ endGroup: UInt64, _ endObject: UInt64? = nil, _ order: GroupOrder = .ascending
    ) throws -> RequestKey {
      var request = FetchRequest(.standalone(track, start: start, endGroup: endGroup, endObject: endObject))
      request.groupOrder = order
      return try pair.client.fetch(request)
    }
    /// Answers once what was asked since. False: nothing was.
    func answer() throws -> Bool {
      pair.settle()
      let events = recorder.all(.server) { $0 }
      defer { seen = events.count }
      guard events.count > seen else { return false }
      for event in events[seen...] {
        switch event {
        case .trackStatusRequested(let key, _): try pair.server.answer(key, state)
        case .fetchRequested(let key, let request):
          guard case .standalone(_, let start, _, _) = request.range else { continue }
          asked.append(start)
          guard let count = objects(start.group) else {
            pair.server.reject(key, RequestFailure(.noObjects))
            continue
          }
          try pair.server.accept(key, FetchAnswer(end: Location(start.group, .max)))
          let stream = try pair.server.openFetch(key)
          for id in start.object..<max(count, start.object) {
            try pair.server.send(ObjectInfo(group: start.group, id: id), payload(start.group, id, 300), on: stream)
            if breaks(start.group) {
              pair.settle()
              pair.server.reset(stream: stream, .tooFarBehind)
              break
            }
          }
          pair.server.finish(stream: stream)
        default: break
        }
      }
      return true
    }
    func answerAll() throws { while try answer() {} }

    var locations: [Location] { recorder.objects(.client).infos.map(\.location) }
    func answers(_ key: RequestKey) -> [FetchAnswer] {
      recorder.all(.client) { if case .fetching(key, let answer) = $0 { answer } else { nil } }
    }
    func ends(_ key: RequestKey) -> [Reason] {
      recorder.all(.client) { if case .ended(key, let failure) = $0 { failure.reason } else { nil } }
    }
    /// Only the sessions' own stream is left.
    var isTidy: Bool { pair.byKey.map(\.count) == [1, 1] && pair.allFaults == [] }
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>) func groupsComeOneAfterTheOther(seed: UInt64) throws {
    let stage = Stage(seed: seed)
    stage.objects = { $0 == 5 ? nil : 3 }
    let key = try stage.fetch(Location(3, 1), 7, 1)
    try stage.answerAll()
    #expect(stage.asked == [Location(3, 1), Location(4, 0), Location(5, 0), Location(6, 0), Location(7, 0)])
    let due: [Location] =
      [Location(3, 1), Location(3, 2)]
      + [4, 6].flatMap { group in (0..<3).map { Location(group, $0) } } + [Location(7, 0), Location(7, 1)]
    #expect(stage.locations == due, "seed \(seed)")
    #expect(stage.answers(key).map(\.end) == [Location(7, 1)])
    #expect(stage.ends(key) == [.subscriptionEnded])
    #expect(stage.isTidy, "\(stage.pair.allFaults)")
  }

  @Test func theLatestGroupIsTheLast() throws {
    let stage = Stage(seed: 1)
    let key = try stage.fetch(Location(8, 0), WireLimits.varint)
    try stage.answerAll()
    #expect(stage.asked.map(\.group) == [8, 9])
    #expect(stage.answers(key).map(\.end) == [Location(9, .max)])
    #expect(stage.ends(key) == [.subscriptionEnded] && stage.isTidy)
  }

  @Test func theNewestFirst() throws {
    let stage = Stage(seed: 2)
    let key = try stage.fetch(Location(7, 2), 12, 0, .descending)
    try stage.answerAll()
    #expect(stage.asked == [Location(9, 0), Location(8, 0), Location(7, 2)])
    #expect(stage.answers(key).map(\.groupOrder) == [.descending])
    #expect(stage.ends(key) == [.subscriptionEnded] && stage.isTidy)
  }

  @Test func whatThereIsNot() throws {
    // No such track, no such groups, none of them left, too many to ask for.
    for (state, start, endGroup, due) in [
      (TrackState(.doesNotExist), 1, 3, Reason.doesNotExist),
      (TrackState(.inProgress, largest: Location(4, 0)), 5, 9, .noObjects),
      (TrackState(.inProgress, largest: Location(9, 0)), 1, 3, .noObjects),
      (TrackState(.inProgress, largest: Location(1 << 40, 0)), 1, 1 << 30, .excessiveLoad),
    ] as [(TrackState, UInt64, UInt64, Reason)] {
      let stage = Stage(seed: 3)
      (stage.state, stage.objects) = (state, { _ in nil })
      let key = try stage.fetch(Location(start, 0), endGroup)
      try stage.answerAll()
      #expect(stage.ends(key) == [due])
      #expect(stage.answers(key).isEmpty && stage.locations.isEmpty && stage.isTidy)
    }
  }

  @Test func aGroupThatIsBrokenOffEndsIt() throws {
    let stage = Stage(seed: 4)
    stage.breaks = { $0 == 4 }
    let key = try stage.fetch(Location(3, 0), 8)
    try stage.answerAll()
    #expect(stage.asked.map(\.group) == [3, 4])
    #expect(stage.recorder.objects(.client).ends == [nil, 26])
    #expect(stage.ends(key) == [.subscriptionEnded] && stage.isTidy)
  }

  @Test(arguments: 0...4) func itIsTakenBack(after answers: Int) throws {
    let stage = Stage(seed: 5)
    let key = try stage.fetch(Location(3, 0), 8)
    for _ in 0..<answers { _ = try stage.answer() }
    if answers == 3 { try stage.pair.client.update(fetch: key, priority: 7) }
    stage.pair.client.cancel(key)
    try stage.answerAll()
    #expect(stage.ends(key).isEmpty)
    #expect(stage.asked.count <= answers)
    #expect(stage.isTidy, "\(stage.pair.byKey.map(\.count)) \(stage.pair.allFaults)")
  }

  @Test func aPublisherThatSaysNothing() throws {
    for answers in 0...1 {
      let stage = Stage(seed: 6)
      let key = try stage.fetch(Location(3, 0), 8)
      for _ in 0..<answers { _ = try stage.answer() }
      stage.pair.settle()
      while stage.ends(key).isEmpty, stage.pair.waitForDeadline() { stage.pair.settle() }
      #expect(stage.ends(key) == [.timeout] && stage.isTidy)
    }
  }

  @Test func theSessionEnds() throws {
    let stage = Stage(seed: 7)
    let key = try stage.fetch(Location(3, 0), 8)
    _ = try stage.answer()
    _ = try stage.answer()
    stage.pair.die()
    #expect(stage.ends(key) == [.sessionClosed] && stage.pair.allFaults == [])
  }
}

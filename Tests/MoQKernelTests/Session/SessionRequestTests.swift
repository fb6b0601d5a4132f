import MoQDrafts
import MoQKernel
import Testing

/// Dialogues: one request of each kind, what each side hears, and how it ends.
@Suite struct SessionRequestTests {
  let track = TrackName("live/room", "video")

  private func started(
    _ speech: Speech, _ adjust: (inout SessionConfiguration) -> Void = { _ in }
  ) -> (Pair, Recorder) {
    let pair = Pair(speech, seed: 11, adjust: adjust)
    return (pair, Recorder(pair))
  }
  /// A subscription by the client that the server serves.
  private func subscribed(
    _ speech: Speech, filter: Filter? = nil, largest: Location? = nil
  ) throws -> (Pair, Recorder, ours: RequestKey, theirs: RequestKey) {
    let (pair, recorder) = started(speech)
    let ours = try pair.client.subscribe(
      SubscribeRequest(track, filter: filter ?? speech.liveFilter))
    pair.settle()
    let theirs = try #require(recorder.subscribeRequested(.server).first?.0)
    try pair.server.accept(theirs, SubscribeAnswer(largest: largest))
    pair.settle()
    return (pair, recorder, ours, theirs)
  }

  @Test(arguments: Speech.allCases) func refusedSubscription(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let key = try pair.client.subscribe(SubscribeRequest(track))
    pair.settle()
    let theirs = try #require(recorder.subscribeRequested(.server).first?.0)
    pair.server.reject(theirs, RequestFailure(.doesNotExist, "no such track"))
    pair.settle()
    let failure = try #require(recorder.ended(.client, key))
    #expect(failure.reason == .doesNotExist)
    #expect(failure.phrase == (speech.isFrames ? "" : "no such track"))
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases) func anAnswerWhosePriorityCannotBeSaid(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let key = try pair.client.subscribe(SubscribeRequest(track))
    pair.settle()
    var answer = SubscribeAnswer()
    answer.priority = 7
    try pair.server.accept(try #require(recorder.subscribeRequested(.server).first?.0), answer)
    pair.settle()
    let heard = recorder.all(.client) { event -> SubscribeAnswer? in
      if case .subscribed(key, let answer) = event { answer } else { nil }
    }
    // Objects carry it in draft-14; moq-lite says it here, but not as gomoqt has it.
    let isSaid = speech.isFrames && !["moq-lite-01 gomoqt", "moq-lite-01 gomoqt-0.4"].contains(speech.testDescription)
    #expect(heard.map(\.priority) == [isSaid ? 7 : 128])
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases) func cancelledSubscription(_ speech: Speech) throws {
    let (pair, recorder, ours, theirs) = try subscribed(speech)
    let stream = try pair.server.openSubgroup(theirs, SubgroupInfo(group: 3))
    try pair.server.send(ObjectInfo(group: 3, id: 0), [1, 2, 3], on: stream)
    pair.settle()
    pair.client.cancel(ours)
    pair.settle()
    #expect(recorder.withdrawn(.server, theirs)?.reason == .cancelled)
    #expect(recorder.objects(.client).ends.count == 1)
    #expect(recorder.ended(.client, ours) == nil)
    // Nothing more can be sent, and nothing is left over.
    #expect(throws: CommandError.self) { try pair.server.openSubgroup(theirs, SubgroupInfo(group: 4)) }
    #expect(pair.byKey.map(\.count) == [1, 1])
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases) func updatedSubscription(_ speech: Speech) throws {
    let (pair, recorder, ours, theirs) = try subscribed(speech)
    var update = SubscriptionUpdate()
    update.priority = 40
    try pair.client.update(ours, update)
    pair.settle()
    let heard = recorder.all(.server) { event -> SubscriptionUpdate? in
      if case .subscriptionUpdated(theirs, let update) = event { update } else { nil }
    }
    if case .missing = speech.rules.updating {
      #expect(heard.isEmpty && pair.client.counters.updatesDropped == 1)
    } else {
      #expect(heard.map(\.priority) == [40])
    }
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.withObjects) func updatesOnlyNarrow(_ speech: Speech) throws {
    let (pair, _, ours, _) = try subscribed(speech, filter: .range(Location(5, 0), endGroup: 9, endObject: nil))
    var update = SubscriptionUpdate()
    update.endGroup = 12
    #expect(throws: CommandError.self) { try pair.client.update(ours, update) }
    (update.start, update.endGroup) = (Location(4, 0), 9)
    #expect(throws: CommandError.self) { try pair.client.update(ours, update) }
    (update.start, update.endGroup) = (Location(6, 0), 8)
    try pair.client.update(ours, update)
    pair.settle()
    #expect(pair.allFaults == [] && pair.client.isEstablished && pair.server.isEstablished)
  }

  @Test(arguments: Speech.allCases) func unansweredRequests(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let key = try pair.client.subscribe(SubscribeRequest(track))
    pair.settle()
    let theirs = try #require(recorder.subscribeRequested(.server).first?.0)
    while recorder.ended(.client, key) == nil, pair.waitForDeadline() { pair.settle() }
    #expect(recorder.ended(.client, key)?.reason == .timeout)
    #expect(recorder.withdrawn(.server, theirs) != nil)
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases) func announcement(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let interest = try pair.server.seekAnnouncements(prefix: "live")
    pair.settle()
    let theirs = try #require(recorder.interested(.client).first)
    #expect(theirs.1 == TrackNamespace("live"))
    pair.client.accept(theirs.0)
    pair.settle()
    #expect(recorder.accepted(.server, interest))

    let announcement = try pair.client.announce("live/room")
    #expect(try pair.client.announce("live/room") == announcement)
    let elsewhere = try pair.client.announce("other/room")
    pair.settle()
    let heard = recorder.announced(.server)
    #expect(heard.map(\.1) == (speech.isFrames ? ["live/room"] : ["live/room", "other/room"]))
    heard.forEach { pair.server.accept($0.0) }
    pair.settle()
    #expect(recorder.accepted(.client, announcement) && recorder.accepted(.client, elsewhere))

    pair.client.cancel(announcement)
    pair.settle()
    #expect(recorder.withdrawn(.server, heard[0].0) != nil)
    #expect(recorder.ended(.client, announcement) == nil)
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases) func announcedBeforeAnybodyAsks(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    _ = try pair.server.announce("live/a")
    _ = try pair.server.announce("live/b")
    _ = try pair.server.announce("other")
    pair.settle()
    let interest = try pair.client.seekAnnouncements(prefix: speech.isFrames ? "" : "live")
    pair.settle()
    pair.server.accept(try #require(recorder.interested(.server).first?.0))
    pair.settle()
    #expect(Set(recorder.announced(.client).map(\.1)) == ["live/a", "live/b", "other"])
    #expect(recorder.accepted(.client, interest))
    pair.client.cancel(interest)
    pair.settle()
    #expect(recorder.withdrawn(.server, recorder.interested(.server)[0].0) != nil)
    if speech.isFrames {
      #expect(recorder.all(.client) { if case .withdrawn(let key, _) = $0 { key } else { nil } }.count == 3)
    }
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.withRequests) func emptyPrefixStaysHere(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let interest = try pair.client.seekAnnouncements(prefix: "")
    pair.settle()
    #expect(recorder.accepted(.client, interest) && recorder.interested(.server).isEmpty)
    pair.client.cancel(interest)
    pair.settle()
    #expect(pair.allFaults == [] && pair.server.isEstablished)
  }

  @Test(arguments: Speech.withRequests) func refusedAnnouncementAndInterest(_ speech: Speech) throws {
    let (pair, recorder) = started(speech), codes = speech.rules.codes.publishNamespace
    let announcement = try pair.client.announce("live/room")
    let interest = try pair.client.seekAnnouncements(prefix: "live")
    let overlap = try pair.client.seekAnnouncements(prefix: "live/room")
    pair.settle()
    pair.server.reject(recorder.announced(.server)[0].0, RequestFailure(.unauthorized, "not you"))
    pair.server.reject(recorder.interested(.server)[0].0, RequestFailure(.prefixUnknown))
    pair.settle()
    #expect(
      recorder.ended(.client, announcement)
        == RequestFailure(.unauthorized, "not you", code: codes.code(of: .unauthorized)))
    let interests = speech.rules.codes.subscribeNamespace
    #expect(recorder.ended(.client, interest)?.reason == interests.heard(.prefixUnknown))
    #expect(recorder.ended(.client, overlap)?.reason == interests.heard(.prefixOverlap))
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.withRequests) func announcementCancelledByTheReceiver(_ speech: Speech) throws {
    let (pair, recorder) = started(speech), codes = speech.rules.codes.publishNamespace
    let announcement = try pair.client.announce("live/room")
    pair.settle()
    let theirs = recorder.announced(.server)[0].0
    pair.server.accept(theirs)
    pair.settle()
    pair.server.cancel(theirs, RequestFailure(.unauthorized, "expired"))
    pair.settle()
    #expect(
      recorder.ended(.client, announcement)
        == RequestFailure(.unauthorized, "expired", code: codes.code(of: .unauthorized)))
    // It may be announced again.
    let again = try pair.client.announce("live/room")
    pair.settle()
    #expect(again != announcement && recorder.announced(.server).count == 2)
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.withObjects) func fetch(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let range = FetchRequest.Range.standalone(track, start: Location(2, 0), endGroup: 3, endObject: 1)
    let key = try pair.client.fetch(FetchRequest(range))
    pair.settle()
    let theirs = try #require(
      recorder.first(.server) { event -> RequestKey? in
        guard case .fetchRequested(let key, let request) = event, request.range == range else { return nil }
        return key
      })
    try pair.server.accept(theirs, FetchAnswer(end: Location(3, 1), endOfTrack: true))
    let stream = try pair.server.openFetch(theirs)
    let extensions: Bytes = speech.hasExtensions ? [2, 3] : []
    try pair.server.send(ObjectInfo(group: 2, subgroup: 1, id: 4, extensions: extensions), [1, 2], on: stream)
    try pair.server.send(ObjectInfo(group: 3, id: 0, status: .endOfGroup), [], on: stream)
    pair.server.finish(stream: stream)
    pair.settle()
    let answer = recorder.first(.client) { event -> FetchAnswer? in
      if case .fetching(key, let answer) = event { answer } else { nil }
    }
    #expect(answer == FetchAnswer(end: Location(3, 1), endOfTrack: true))
    let objects = recorder.objects(.client)
    #expect(objects.infos.map(\.location) == [Location(2, 4), Location(3, 0)])
    #expect(objects.infos.first?.subgroup == 1 && objects.infos.first?.extensions == extensions)
    #expect(objects.infos.last?.status == .endOfGroup && objects.ends == [nil])
    #expect(recorder.ended(.client, key)?.reason == .subscriptionEnded)
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.withObjects) func refusedAndCancelledFetch(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let range = FetchRequest.Range.standalone(track, start: Location(0, 0), endGroup: 0, endObject: nil)
    let first = try pair.client.fetch(FetchRequest(range)), second = try pair.client.fetch(FetchRequest(range))
    pair.settle()
    let keys = recorder.all(.server) { event -> RequestKey? in
      if case .fetchRequested(let key, _) = event { key } else { nil }
    }
    pair.server.reject(keys[0], RequestFailure(.noObjects, "nothing there"))
    try pair.server.accept(keys[1], FetchAnswer(end: Location(0, 9)))
    let stream = try pair.server.openFetch(keys[1])
    try pair.server.send(ObjectInfo(group: 0, id: 0), [1], on: stream)
    pair.settle()
    pair.client.cancel(second)
    pair.settle()
    let codes = speech.rules.codes.fetch
    #expect(
      recorder.ended(.client, first)
        == RequestFailure(codes.heard(.noObjects), "nothing there", code: codes.code(of: .noObjects)))
    #expect(recorder.withdrawn(.server, keys[1]) != nil)
    #expect(recorder.objects(.client).ends.count == 1)
    #expect(pair.byKey.map(\.count) == [1, 1])
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases.filter(\.joinsByItself)) func currentGroupIsFetched(_ speech: Speech) throws {
    let (pair, recorder, ours, theirs) = try subscribed(speech, filter: .currentGroup, largest: Location(7, 2))
    let join = try #require(
      recorder.first(.server) { event -> (RequestKey, FetchRequest)? in
        if case .fetchRequested(let key, let request) = event { (key, request) } else { nil }
      })
    #expect(join.1.range == .joining(theirs, groupsBefore: 0))
    try pair.server.accept(join.0, FetchAnswer(end: Location(7, 2)))
    let stream = try pair.server.openFetch(join.0)
    for id in 0...2 as ClosedRange<UInt64> {
      try pair.server.send(ObjectInfo(group: 7, id: id), [UInt8(id)], on: stream)
    }
    pair.server.finish(stream: stream)
    pair.settle()
    let began = recorder.first(.client) { event -> RequestKey? in
      if case .fetchBegan(_, let key) = event { key } else { nil }
    }
    #expect(began == ours)
    #expect(recorder.objects(.client).infos.map(\.id) == [0, 1, 2])
    // The fetch is the session's own: its owner hears of no request and no end.
    #expect(recorder.ended(.client, ours) == nil)
    #expect(recorder.all(.client) { if case .fetching = $0 { 1 } else { nil } }.isEmpty)
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases.filter(\.joinsByItself)) func refusedJoinIsSilent(_ speech: Speech) throws {
    let (pair, recorder, ours, _) = try subscribed(speech, filter: .currentGroup, largest: Location(7, 2))
    let join = try #require(
      recorder.first(.server) { event -> RequestKey? in
        if case .fetchRequested(let key, _) = event { key } else { nil }
      })
    pair.server.reject(join, RequestFailure(.notSupported))
    pair.settle()
    #expect(pair.client.counters.joiningFetchesRefused == 1)
    #expect(recorder.ended(.client, ours) == nil)
    pair.client.cancel(ours)
    pair.settle()
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.withObjects) func trackStatus(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let keys = try (0..<2).map { _ in try pair.client.trackStatus(track) }
    pair.settle()
    let asked = recorder.all(.server) { event -> RequestKey? in
      if case .trackStatusRequested(let key, track) = event { key } else { nil }
    }
    try pair.server.answer(asked[0], TrackState(.inProgress, largest: Location(4, 5)))
    try pair.server.answer(asked[1], TrackState(.doesNotExist))
    pair.settle()
    let state = recorder.first(.client) { event -> TrackState? in
      if case .trackStatus(keys[0], let state) = event { state } else { nil }
    }
    #expect(state == TrackState(.inProgress, largest: Location(4, 5)))
    if speech.codec.speaks(.trackStatusError) {
      #expect(recorder.ended(.client, keys[1])?.reason == .doesNotExist)
    } else {
      let answer = recorder.first(.client) { event -> TrackState? in
        if case .trackStatus(keys[1], let state) = event { state } else { nil }
      }
      #expect(answer == TrackState(.doesNotExist))
    }
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases.filter { $0.rules.pushing == .exists }) func publish(_ speech: Speech) throws {
    let (pair, recorder) = started(speech)
    let ours = try pair.client.publish(track, SubscribeAnswer(largest: Location(1, 1)))
    pair.settle()
    let theirs = try #require(
      recorder.first(.server) { event -> RequestKey? in
        if case .publishRequested(let key, track, let answer) = event, answer.largest == Location(1, 1) {
          key
        } else {
          nil
        }
      })
    // Objects may come before the answer: they are kept.
    let stream = try pair.client.openSubgroup(ours, SubgroupInfo(group: 2))
    try pair.client.send(ObjectInfo(group: 2, id: 0), [9], on: stream)
    pair.settle()
    #expect(recorder.objects(.server).infos.isEmpty)
    pair.server.accept(theirs)
    pair.settle()
    #expect(recorder.objects(.server).payloads == [Location(2, 0): [9]])
    #expect(
      recorder.first(.client) { if case .publishAccepted(ours, let request) = $0 { request.forward } else { nil } }
        == true)
    pair.client.finish(stream: stream)
    pair.client.finish(ours, RequestFailure(.trackEnded, "bye"))
    pair.settle()
    #expect(recorder.withdrawn(.server, theirs) == RequestFailure(.trackEnded, "bye", code: 2))
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.allCases.filter { $0.rules.pushing == .exists }) func refusedAndUnsubscribedPublish(
    _ speech: Speech
  ) throws {
    let (pair, recorder) = started(speech)
    let first = try pair.client.publish(track, SubscribeAnswer())
    let second = try pair.client.publish(TrackName("live/room", "audio"), SubscribeAnswer())
    pair.settle()
    let keys = recorder.all(.server) { event -> RequestKey? in
      if case .publishRequested(let key, _, _) = event { key } else { nil }
    }
    pair.server.reject(keys[0], RequestFailure(.uninterested, "no"))
    pair.server.accept(keys[1])
    pair.settle()
    pair.server.cancel(keys[1])
    pair.settle()
    #expect(recorder.ended(.client, first) == RequestFailure(.uninterested, "no", code: 4))
    #expect(recorder.ended(.client, second) ?? recorder.withdrawn(.client, second) != nil)
    #expect(pair.allFaults == [])
  }

  @Test(arguments: Speech.withObjects) func datagrams(_ speech: Speech) throws {
    let (pair, recorder, _, theirs) = try subscribed(speech)
    pair.datagramLoss = 0
    let extensions: Bytes = speech.hasExtensions ? [2, 5] : []
    #expect(try pair.server.send(datagram: ObjectInfo(group: 1, id: 0, priority: 3), payload: [1, 2], for: theirs))
    #expect(
      try pair.server.send(
        datagram: ObjectInfo(group: 1, id: 7, extensions: extensions), payload: [], for: theirs))
    #expect(try pair.server.send(datagram: ObjectInfo(group: 1, id: 8, status: .endOfTrack), payload: [], for: theirs))
    #expect(
      try !pair.server.send(
        datagram: ObjectInfo(group: 1, id: 9), payload: Bytes([UInt8](repeating: 0, count: 2000)), for: theirs))
    pair.settle()
    let objects = recorder.objects(.client)
    #expect(Set(objects.infos.map(\.location)) == [Location(1, 0), Location(1, 7), Location(1, 8)])
    #expect(objects.payloads[Location(1, 0)] == [1, 2])
    #expect(objects.infos.first { $0.id == 7 }?.extensions == extensions)
    #expect(objects.infos.first { $0.id == 8 }?.status.endsTrack == true)
    #expect(pair.allFaults == [])
  }

  @Test func liteSaysWhatItCannotSay() throws {
    let (pair, _, _, theirs) = try subscribed(.liteText)
    for command in [
      {
        _ = try pair.client.fetch(
          FetchRequest(.standalone(self.track, start: Location(0, 0), endGroup: 0, endObject: nil)))
      },
      { _ = try pair.client.trackStatus(self.track) },
      { _ = try pair.client.publish(self.track, SubscribeAnswer()) },
      { _ = try pair.server.send(datagram: ObjectInfo(group: 0, id: 0), payload: [], for: theirs) },
      { _ = try pair.server.openSubgroup(theirs, SubgroupInfo(group: 0, subgroup: 1)) },
      { try pair.server.goAway() },
      { _ = try pair.client.announce(TrackNamespace([Array("a/b".utf8)])) },
    ] as [() throws -> Void] {
      #expect { try command() } throws: { ($0 as? CommandError)?.kind == .inexpressible }
    }
    pair.settle()
    #expect(pair.allFaults == [] && pair.client.isEstablished)
  }

  @Test func bitrateInLite() throws {
    let (pair, recorder) = started(.liteMoqDev)
    pair.server.report(bitrate: 2_500_000)
    pair.client.report(bitrate: 0)
    pair.settle()
    #expect(recorder.all(.client, bitrate) == [2_500_000])
    #expect(recorder.all(.server, bitrate) == [0])
    #expect(pair.allFaults == [])
  }
  private func bitrate(_ event: Event) -> UInt64? {
    if case .bitrate(let bits) = event { bits } else { nil }
  }
}

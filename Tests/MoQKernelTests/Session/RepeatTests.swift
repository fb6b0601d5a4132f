import MoQDrafts
import MoQKernel
import Testing

/// Several subscriptions of one track in a session.
@Suite struct RepeatTests {
  private func alias(_ dialect: any Dialect.Type, _ number: UInt64) -> UInt64 {
    dialect.rules.alias == .subscriber ? number : 0
  }

  @Test("a second subscription of a track is a protocol violation", arguments: DialectTests.drafts, [false, true])
  func second(_ dialect: any Dialect.Type, isAnswered: Bool) throws {
    let peer = try Dialogue(dialect)
    peer.send(Dialogue.subscribe(peer.firstID, alias: alias(dialect, 1), "a"))
    if isAnswered {
      for case .subscribeRequested(let key, _) in peer.events() { try peer.core.accept(key, SubscribeAnswer()) }
    }
    peer.send(Dialogue.subscribe(peer.firstID + peer.step, alias: alias(dialect, 2), "b"))
    #expect(try peer.closed() == nil, "another track")
    peer.send(Dialogue.subscribe(peer.firstID + 2 * peer.step, alias: alias(dialect, 3), "a"))
    #expect(try peer.closed() == dialect.rules.codes.session.code(of: .protocolViolation))
  }

  @Test("one that has ended, or was refused, may be made again", arguments: DialectTests.drafts)
  func again(_ dialect: any Dialect.Type) throws {
    let peer = try Dialogue(dialect)
    var id = peer.firstID
    for end in 0..<3 {
      peer.send(Dialogue.subscribe(id, alias: alias(dialect, 1), "a"))
      for case .subscribeRequested(let key, _) in peer.events() {
        switch end {
        case 0: peer.core.reject(key, RequestFailure(.doesNotExist))
        case 1:
          try peer.core.accept(key, SubscribeAnswer())
          peer.core.finish(key)
        default:
          var m = RequestReference()
          m.id = id
          peer.send(.unsubscribe(m))
        }
      }
      id += peer.step
    }
    peer.send(Dialogue.subscribe(id, alias: alias(dialect, 1), "a"))
    #expect(try peer.closed() == nil)
  }

  @Test("we make no second one where it is not allowed", arguments: Speech.allCases)
  func ours(_ speech: Speech) throws {
    let pair = Pair(speech, seed: 1), recorder = Recorder(pair)
    let track = TrackName("live/room", "video"), request = SubscribeRequest(track, filter: speech.liveFilter)
    let first = try pair.client.subscribe(request)
    switch speech.rules.repeats {
    case .allowed: _ = try pair.client.subscribe(request)
    case .violation:
      #expect { try pair.client.subscribe(request) } throws: { ($0 as? CommandError)?.kind == .inexpressible }
      pair.client.cancel(first)
      let second = try pair.client.subscribe(request)
      pair.settle()
      let theirs = try #require(recorder.subscribeRequested(.server).last?.0)
      try pair.server.accept(theirs, SubscribeAnswer())
      pair.settle()
      pair.server.finish(theirs)
      pair.settle()
      // Late streams of the one that has ended may still come: it is ended all the same.
      _ = try pair.client.subscribe(request)
      pair.settle()
      while recorder.ended(.client, second) == nil, pair.waitForDeadline() { pair.settle() }
      #expect { try pair.client.subscribe(request) } throws: { ($0 as? CommandError)?.kind == .inexpressible }
    }
    pair.settle()
    #expect(pair.client.isEstablished && pair.server.isEstablished && pair.allFaults == [])
  }
}

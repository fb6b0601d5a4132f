import Testing

@testable import MoQKernel

/// Dialogues with each machine, one expectation a turn.
@Suite struct SessionStateTests {
  let over = RequestFailure(.trackEnded)

  /// One turn. (`#expect` itself cannot hold a machine that cannot be copied.)
  private func turn<Answer: Equatable>(
    _ answer: Answer, _ wanted: Answer, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(answer == wanted, sourceLocation: sourceLocation)
  }

  @Test func subscriptionThatLives() {
    var state = SubscriptionState()
    turn(state.isAnswered, false)
    turn(state.accepted(), .carryOut)
    turn(state.isLive, true)
    turn(state.accepted(), .violation)
    turn(state.refused(), .violation)
    turn(state.streamBegan(), .deliver)
    turn(state.done(over, expected: 1), .wait)
    turn(state.done(over, expected: 1), .violation)
    turn(state.streamEnded(), .end(over))
    turn(state.isEnded, true)
    turn(state.streamBegan(), .discard)
    turn(state.streamEnded(), .nothing)
  }
  @Test func subscriptionWhoseStreamsComeLate() {
    var state = SubscriptionState()
    turn(state.accepted(), .carryOut)
    turn(state.done(over, expected: 2), .wait)
    turn(state.streamBegan(), .deliver)
    turn(state.streamEnded(), .nothing)
    turn(state.streamBegan(), .deliver)
    turn(state.waited(giveUp: false), .nothing)
    turn(state.streamEnded(), .end(over))
  }
  @Test func subscriptionWhoseCountIsNotKnown() {
    var state = SubscriptionState()
    turn(state.accepted(), .carryOut)
    turn(state.streamBegan(), .deliver)
    turn(state.done(over, expected: nil), .wait)
    turn(state.streamEnded(), .nothing)
    turn(state.waited(giveUp: false), .end(over))
  }
  @Test func subscriptionWhoseStreamNeverEnds() {
    var state = SubscriptionState()
    turn(state.accepted(), .carryOut)
    turn(state.streamBegan(), .deliver)
    turn(state.done(over, expected: 0), .wait)
    turn(state.waited(giveUp: false), .nothing)
    turn(state.waited(giveUp: true), .end(over))
    turn(state.waited(giveUp: true), .nothing)
  }
  @Test func subscriptionThatIsRefused() {
    var state = SubscriptionState()
    turn(state.offerAccepted(), .misuse)
    turn(state.done(over, expected: nil), .violation)
    turn(state.refused(), .carryOut)
    turn(state.accepted(), .late)
    turn(state.refused(), .late)
    turn(state.cancelled(), .late)
  }
  @Test func subscriptionThatIsCancelled() {
    var state = SubscriptionState()
    turn(state.cancelled(), .tell)
    turn(state.accepted(), .late)
    turn(state.done(over, expected: 3), .late)
    var live = SubscriptionState()
    turn(live.accepted(), .carryOut)
    turn(live.cancelled(), .tell)
    turn(live.cancelled(), .late)
    var closing = SubscriptionState()
    turn(closing.accepted(), .carryOut)
    turn(closing.done(over, expected: nil), .wait)
    turn(closing.cancelled(), .forget)
  }
  @Test func offeredTrack() {
    var state = SubscriptionState(offered: ())
    turn(state.isOffered, true)
    turn(state.accepted(), .violation)
    turn(state.streamBegan(), .deliver)
    turn(state.offerAccepted(), .tell)
    turn(state.offerAccepted(), .misuse)
    turn(state.cancelled(), .tell)
    var refused = SubscriptionState(offered: ())
    turn(refused.cancelled(), .refuseOffer)
    turn(refused.offerAccepted(), .late)
    var takenBack = SubscriptionState(offered: ())
    turn(takenBack.done(over, expected: 0), .end(over))
    turn(takenBack.offerAccepted(), .late)
  }

  @Test func servedSubscription() {
    var state = ServedSubscriptionState()
    turn(state.opened(), false)
    turn(state.sends, false)
    turn(state.isAnswered, false)
    turn(state.accepted(), .tell)
    turn(state.accepted(), .misuse)
    turn(state.rejected(), .misuse)
    turn(state.opened(), true)
    turn(state.opened(), true)
    turn(state.sends, true)
    turn(state.finished(), .tell(streams: 2))
    turn(state.finished(), .late)
    turn(state.withdrawn(), .late)
    turn(state.opened(), false)
  }
  @Test func servedSubscriptionThatIsRefused() {
    var state = ServedSubscriptionState()
    turn(state.rejected(), .tell)
    turn(state.accepted(), .late)
    var unanswered = ServedSubscriptionState()
    turn(unanswered.finished(), .refuse)
    var withdrawn = ServedSubscriptionState()
    turn(withdrawn.withdrawn(), .end)
    turn(withdrawn.accepted(), .late)
    turn(withdrawn.rejected(), .late)
  }
  @Test func trackThatWeOffer() {
    var state = ServedSubscriptionState(offered: ())
    turn(state.opened(), true)
    turn(state.sends, true)
    turn(state.accepted(), .misuse)
    turn(state.offerAccepted(), .carryOut)
    turn(state.offerAccepted(), .violation)
    turn(state.offerRefused(), .violation)
    turn(state.finished(), .tell(streams: 1))
    turn(state.offerAccepted(), .late)
    var refused = ServedSubscriptionState(offered: ())
    turn(refused.offerRefused(), .carryOut)
    turn(refused.offerRefused(), .late)
    var asked = ServedSubscriptionState()
    turn(asked.offerAccepted(), .violation)
  }

  @Test func fetch() {
    var state = FetchState()
    turn(state.accepted(), .carryOut)
    turn(state.accepted(), .violation)
    turn(state.streamEnded(), .end)
    turn(state.isEnded, true)
    turn(state.cancelled(), false)
    var early = FetchState()
    turn(early.streamEnded(), .wait)
    turn(early.streamEnded(), .late)
    turn(early.isAnswered, false)
    turn(early.accepted(), .carryOutAndEnd)
    turn(early.accepted(), .late)
    var refused = FetchState()
    turn(refused.refused(), .carryOutAndEnd)
    turn(refused.streamEnded(), .late)
    var cancelled = FetchState()
    turn(cancelled.cancelled(), true)
    turn(cancelled.accepted(), .late)
    turn(cancelled.refused(), .late)
  }
  @Test func servedFetch() {
    var state = ServedFetchState()
    turn(state.opened(), false)
    turn(state.accepted(), .tell)
    turn(state.accepted(), .misuse)
    turn(state.opened(), true)
    turn(state.opened(), false)
    turn(state.rejected(), .misuse)
    turn(state.end(), true)
    turn(state.end(), false)
    var cancelled = ServedFetchState()
    turn(cancelled.end(), true)
    turn(cancelled.accepted(), .late)
    turn(cancelled.rejected(), .late)
  }
  @Test func announcementOrInterest() {
    var state = StandingState()
    turn(state.accepted(), .carryOut)
    turn(state.isStanding, true)
    turn(state.accepted(), .violation)
    turn(state.refused(), .violation)
    turn(state.end(), .afterAnswer)
    turn(state.end(), .late)
    turn(state.accepted(), .late)
    var unanswered = StandingState()
    turn(unanswered.end(), .beforeAnswer)
    turn(unanswered.refused(), .late)
  }
  @Test func question() {
    var state = StandingState()
    turn(state.isAnswered, false)
    turn(state.end(), .beforeAnswer)
    turn(state.isAnswered, true)
    turn(state.end(), .late)
  }
  @Test func handshake() {
    var client = SetupState()
    turn(client.completed(), .violation)
    turn(client.connected(asClient: true), true)
    turn(client.connected(asClient: true), false)
    turn(client.isWaiting, true)
    turn(client.completed(), .open)
    turn(client.completed(), .violation)
    turn(client.closed(), true)
    turn(client.closed(), false)
    turn(client.completed(), .late)
    var server = SetupState()
    turn(server.closed(), true)
    turn(server.connected(asClient: false), false)
  }

  @Test func deadlinesComeInOrder() {
    var generator = SeededGenerator(seed: 5), deadlines = Deadlines()
    for index in 0..<500 as Range<UInt64> {
      deadlines.add(.answer(RequestKey(index)), at: Instant(nanoseconds: generator.next() % 1_000))
    }
    deadlines.keep { if case .answer(let key) = $0 { key.value.isMultiple(of: 2) } else { false } }
    #expect(deadlines.count == 250)
    var last = Instant(nanoseconds: 0), taken = 0
    while let next = deadlines.next {
      #expect(next >= last)
      let early = next.nanoseconds == 0 ? nil : deadlines.due(at: Instant(nanoseconds: next.nanoseconds - 1))
      #expect(early == nil)
      last = next
      if deadlines.due(at: next) != nil { taken += 1 }
    }
    #expect(taken == 250)
  }
  @Test func slotsAreUsedAgainUnderOtherKeys() {
    var table = SlotTable<Stream>()
    let first = table.reserveKey()
    table.insert(Stream(first, .unidirectional, isOurs: true, use: .sending))
    let stream = table[first]
    #expect(stream != nil)
    if let stream { table.remove(stream) }
    #expect(table[first] == nil && table.count == 0)
    // Not before the owner has been told what happened to the first one.
    let other = table.reserveKey()
    #expect(other.slot != first.slot)
    table.reuse(table.resting.count)
    let second = table.reserveKey()
    #expect(second.slot == first.slot && second != first)
  }
}

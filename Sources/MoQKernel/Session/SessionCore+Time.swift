// What happens because nothing happened.

extension SessionCore {
  /// When `ticked` must be called at the latest.
  public var nextDeadline: Instant? {
    while let first = deadlines.first, !isWanted(first) { deadlines.removeFirst() }
    return deadlines.next
  }

  /// The time is now `instant`. Called before every batch of inputs; fires what is due.
  public func ticked(at instant: Instant) {
    now = max(now, instant)
    guard let next = deadlines.next, next <= now else { return }
    while !setup.isClosed, let purpose = deadlines.due(at: now) {
      guard isWanted(purpose) else { continue }
      fire(purpose)
    }
  }

  func isWanted(_ purpose: Deadlines.Purpose) -> Bool {
    switch purpose {
    case .handshake: return setup.isWaiting
    case .answer(let key):
      guard let request = requests[key] else { return false }
      return !request.isAnswered
    case .late(let key, _), .range(let key): return requests[key] != nil
    case .held(let key):
      guard let stream = streams[key], case .held = stream.use else { return false }
      return true
    case .alias(let alias): return retired.contains(alias)
    case .goAway: return isGoingAway
    }
  }
  private func fire(_ purpose: Deadlines.Purpose) {
    switch purpose {
    case .handshake:
      let waited = "the peer sent no setup within \(setupPatience)"
      shut(SessionFailure(.controlMessageTimeout, negotiation.failure(waited, agreed)))
    case .answer(let key):
      guard let request = requests[key] else { return }
      if request.isOurs { giveUp(request) } else { refuseLate(request) }
    case .late(let key, let giveUp):
      guard let subscription = requests[key] as? Subscription else { return }
      late(subscription, giveUp: giveUp)
    case .range(let key):
      guard let subscription = requests[key] as? Subscription else { return }
      rangeIsOver(subscription)
    case .held(let key):
      guard let stream = streams[key] else { return }
      counters.streamsDropped += 1
      refuse(stream, .cancelled)
    case .alias(let alias): retired.remove(alias)
    case .goAway: shut(SessionFailure(.goAwayTimeout, "the peer stayed after GOAWAY"))
    }
  }
  /// The peer has not answered: the request is taken back, and its owner told.
  private func giveUp(_ request: Request) {
    let isHidden = isHidden(request), key = request.key
    let waitedFor = request.isQueued ? "the peer's credit" : "an answer"
    if isHidden, request.whole == nil { counters.joiningFetchesRefused += 1 }
    let whole = request.whole
    cancel(key)
    // Where the dialect has no way to take it back, it is forgotten.
    let failure = RequestFailure(.timeout, "waited \(configuration.requestTimeout) for \(waitedFor)")
    if let request = requests[key] {
      fail(request, failure)
    } else if let whole {
      stepFailed(whole, failure)
    } else if !isHidden {
      tell(.ended(key, failure))
    }
  }
  /// Our owner has not answered: the peer must not wait for ever.
  private func refuseLate(_ request: Request) {
    refuse(request, RequestFailure(.timeout, "no answer within \(configuration.requestTimeout)"))
    tell(
      .withdrawn(request.key, RequestFailure(.timeout, "it was not answered within \(configuration.requestTimeout)")))
  }
}

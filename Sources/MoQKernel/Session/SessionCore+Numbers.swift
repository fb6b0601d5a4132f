// Request ids, in both directions, and the credit for them.

extension SessionCore {
  /// The step from one id of a side to its next.
  private var step: UInt64 {
    switch rules?.numbering {
    case .parity, .parityUnordered, .lenient: 2
    case .free, .growing, nil: 1
    }
  }
  func isNumbered(_ kind: MessageKind) -> Bool { rules?.numbered.contains(kind) ?? false }

  /// Whether a message of ours may have its number now.
  func hasCredit(_ kind: MessageKind) -> Bool { !isNumbered(kind) || nextID < credit }

  /// The next id of ours, which `use` makes definite; 0 for messages without one.
  func peekID(_ kind: MessageKind) -> UInt64 { isNumbered(kind) ? nextID : 0 }
  func useID(_ kind: MessageKind) -> UInt64? {
    guard isNumbered(kind) else { return nil }
    defer { nextID &+= step }
    return nextID
  }

  /// Checks and takes the id of a request that the peer makes.
  func takePeerID(_ id: UInt64, _ kind: MessageKind) throws(SessionFailure) {
    guard isNumbered(kind), let rules else { return }
    if case .maximumRequestID = rules.credit, id >= creditGranted {
      throw violation("request \(id) is beyond MAX_REQUEST_ID \(creditGranted)", .tooManyRequests)
    }
    switch rules.numbering {
    case .parity:
      if role == .client, id == 0, nextPeerID == 1, let profile = profiles(showing: .evenServerIDs).first {
        adopt(profile)
        nextPeerID = step
        break
      }
      guard id == nextPeerID else { throw violation("request \(id), expected \(nextPeerID)", .invalidRequestID) }
      nextPeerID = id &+ step
    case .parityUnordered:
      guard id & 1 == nextPeerID & 1, peerIDs[id] == nil else { throw violation("request \(id)", .invalidRequestID) }
      nextPeerID = max(nextPeerID, id &+ step)
    case .lenient:
      // The first id shows the parity; from then on it only has to grow.
      guard id &+ 1 >= nextPeerID else { throw violation("request \(id) comes again", .invalidRequestID) }
      nextPeerID = id &+ step
    case .growing:
      guard id >= nextPeerID else { throw violation("request \(id) is not more than the one before") }
      nextPeerID = id &+ 1
    case .free:
      guard peerIDs[id] == nil, usedPeerIDs.insert(id) else { throw violation("request \(id) comes again") }
      nextPeerID = max(nextPeerID, id &+ 1)
    }
    grantIfNeeded()
  }
  private func grantIfNeeded() {
    guard case .maximumRequestID = rules?.credit else { return }
    // Some peers close when credit comes unasked; one that has used so much of it would be stuck otherwise.
    if nextPeerID > creditGranted / 4 &* 3 { grant() }
  }
  func peerIsBlocked(at limit: UInt64) {
    if limit >= creditGranted || nextPeerID &+ step > creditGranted { grant() }
  }
  private func grant() {
    let (limit, overflow) = nextPeerID.addingReportingOverflow(configuration.requestCredit)
    guard !overflow, limit <= WireLimits.varint, limit > creditGranted else { return }
    var message = MaxRequestID()
    message.limit = limit
    guard (try? sendControl(.maxRequestID(message))) != nil else { return }
    creditGranted = limit
  }

  func creditArrived(_ limit: UInt64) throws(SessionFailure) {
    // A profile in which nobody waits for it.
    guard case .maximumRequestID = rules?.credit else { return }
    guard limit > credit else { throw violation("MAX_REQUEST_ID \(limit) is not more than \(credit)") }
    credit = limit
    while let next = queued.first {
      switch next {
      case .request(let request):
        guard hasCredit(kind(of: request)) else { return askForCredit() }
        queued.removeFirst()
        request.isQueued = false
        // It was sayable when it was queued; only its number is new.
        do throws(CommandError) { try transmit(request) } catch {
          fail(request, RequestFailure(.internalError, error.phrase))
        }
      case .update(let subscription, let update):
        guard hasCredit(.subscribeUpdate) else { return askForCredit() }
        queued.removeFirst()
        if !subscription.isEnded { try? transmit(update, subscription) }
      }
    }
  }
  /// REQUESTS_BLOCKED, once for each limit.
  func askForCredit() {
    guard case .maximumRequestID(blocked: .exists) = rules?.credit, blockedAt != credit else { return }
    blockedAt = credit
    var message = RequestsBlocked()
    message.limit = credit
    try? sendControl(.requestsBlocked(message))
  }

  // MARK: Whose message is it

  /// The request of ours that an answer is for; nil: it has ended, the answer crossed its end.
  func ours<R: Request>(_ id: UInt64, _ carrier: Stream?, as _: R.Type) throws(SessionFailure) -> R? {
    if let carrier {
      guard let request = carrier.request else { return nil }
      guard let found = request as? R, found.isOurs else { throw violation("an answer to another kind of request") }
      return found
    }
    guard let request = ourIDs[id] else {
      guard id < nextID, id & (step - 1) == nextID & (step - 1) else {
        throw violation("an answer to request \(id), which was never made", .invalidRequestID)
      }
      counters.racesDropped += 1
      return nil
    }
    guard let found = request as? R else { throw violation("request \(id) is of another kind") }
    return found
  }
  /// The request of ours that an answer is for, by its number or, where its kind has none, by its name.
  func ours<R: Request>(
    _ id: UInt64, _ namespace: TrackNamespace, _ carrier: Stream?, as type: R.Type
  ) throws(SessionFailure) -> R? {
    if carrier == nil, type == Announcement.self, !isNumbered(.publishNamespace) {
      return ours(type) { ($0 as? Announcement)?.namespace == namespace }
    }
    if carrier == nil, type == Interest.self, !isNumbered(.subscribeNamespace) {
      return ours(type) { ($0 as? Interest).map { $0.prefix == namespace && !$0.isLocal } ?? false }
    }
    return try ours(id, carrier, as: type)
  }
  /// The oldest request of ours that an answer by name can be for; nil: it has ended.
  func ours<R: Request>(_: R.Type, where isMeant: (R) -> Bool) -> R? {
    let found = requests.all.lazy.compactMap { $0 as? R }.first { $0.isOurs && !$0.isEnded && isMeant($0) }
    if found == nil { counters.racesDropped += 1 }
    return found
  }
  /// The request that a message of the peer is about, made by either side; nil: it has ended.
  func either<R: Request>(_ id: UInt64, _ carrier: Stream?, as _: R.Type, peersFirst: Bool) throws(SessionFailure) -> R?
  {
    if let carrier {
      guard let request = carrier.request else { return nil }
      guard let found = request as? R else { throw violation("a message for another kind of request") }
      return found
    }
    // Where both sides count alike, the number does not say whose it is: the message does.
    let (ours, peers) = step > 1 ? (ourIDs[id], peerIDs[id]) : peersFirst ? (nil, peerIDs[id]) : (ourIDs[id], nil)
    if let found = (peersFirst ? peers : ours) as? R { return found }
    if let found = (peersFirst ? ours : peers) as? R { return found }
    if ours != nil || peers != nil { throw violation("request \(id) is of another kind") }
    let parity = step - 1
    let wasOurs = (step > 1 || !peersFirst) && id < nextID && id & parity == nextID & parity
    let wasPeers = (step > 1 || peersFirst) && id < nextPeerID && id & parity == nextPeerID & parity
    guard wasOurs || wasPeers else {
      throw violation("request \(id) was never made", .invalidRequestID)
    }
    counters.racesDropped += 1
    return nil
  }
}

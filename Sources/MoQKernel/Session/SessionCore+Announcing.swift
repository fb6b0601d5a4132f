// Announcements and the wish to hear them, both ways, as requests of their own or on the interest's stream.

extension SessionCore {
  // MARK: Ours

  /// Tells the peer that tracks are published below `namespace`. Announcing the same one again is the same request.
  public func announce(
    _ namespace: TrackNamespace, authorization: [AuthorizationToken] = []
  ) throws(CommandError) -> RequestKey {
    let rules = try requestRules()
    guard peerRole != .publisher else { throw CommandError(.inexpressible, "the peer does not subscribe (ROLE)") }
    if let known = ourAnnouncements[namespace] { return known.key }
    let announcement = Announcement(key: requests.reserveKey(), isOurs: true, namespace)
    announcement.authorization = authorization
    switch rules.announcing {
    case .requests: try submitted(announcement)
    case .onInterest:
      // Nobody may have asked yet, but it must be sayable once somebody does.
      var m = Announce()
      m.suffix = namespace
      do { _ = try encode(.announce(m)) } catch {
        requests.giveBack(announcement.key)
        throw error
      }
      enter(announcement)
      _ = announcement.state.accepted()
      tell(.accepted(announcement.key))
      for interest in peerInterests where interest.state.isStanding && namespace.hasPrefix(interest.prefix) {
        say(.active, namespace, to: interest)
      }
    }
    ourAnnouncements[namespace] = announcement
    return announcement.key
  }
  private func say(_ status: Announce.Status, _ namespace: TrackNamespace, to interest: Interest) {
    guard let suffix = namespace.suffix(after: interest.prefix) else { return }
    var m = Announce()
    (m.status, m.suffix) = (status, suffix)
    try? answer(.announce(m), interest)
  }
  func forget(_ announcement: Announcement) {
    if announcement.isOurs, ourAnnouncements[announcement.namespace] === announcement {
      ourAnnouncements[announcement.namespace] = nil
    }
    if !announcement.isOurs, peerAnnouncements[announcement.namespace] === announcement {
      peerAnnouncements[announcement.namespace] = nil
    }
  }
  /// Takes ours back, or refuses or ends the peer's.
  func cancel(_ announcement: Announcement, _ failure: RequestFailure) {
    guard let rules else { return }
    let wasSent = !announcement.isQueued, how = announcement.state.end()
    guard how != .late else { return }
    forget(announcement)
    defer { remove(announcement) }
    guard wasSent else { return }
    if case .onInterest = rules.announcing {
      // The peer's cannot be refused: its owner hears no more of it.
      guard announcement.isOurs else { return }
      for interest in peerInterests where interest.state.isStanding && announcement.namespace.hasPrefix(interest.prefix)
      {
        say(.ended, announcement.namespace, to: interest)
      }
      return
    }
    var error = errorMessage(announcement, failure, rules.codes.publishNamespace)
    switch (announcement.isOurs, how) {
    case (true, _):
      var m = RequestReference()
      reference(announcement, &m.id, &m.namespace, rules)
      try? answer(.publishNamespaceDone(m), announcement)
    case (false, .beforeAnswer): try? answer(.publishNamespaceError(error), announcement)
    case (false, _):
      reference(announcement, &error.id, &error.namespace, rules)
      try? answer(.publishNamespaceCancel(error), announcement)
    }
  }
  private func reference(_ request: Announcement, _ id: inout UInt64, _ namespace: inout TrackNamespace, _ rules: Rules)
  {
    switch rules.namespaceReference {
    case .byNamespace: (id, namespace) = (0, request.namespace)
    case .byRequestID: (id, namespace) = (request.id ?? 0, TrackNamespace())
    }
  }
  func announcementEnded(_ announcement: Announcement, _ failure: RequestFailure) {
    guard announcement.state.end() != .late else { return }
    forget(announcement)
    fail(announcement, failure)
  }
  /// PUBLISH_NAMESPACE_CANCEL: the peer does not want our announcement any more.
  func peerCancelsAnnouncement(_ m: RequestError) throws(SessionFailure) {
    guard let rules else { return }
    let announcement: Announcement?
    switch rules.namespaceReference {
    case .byNamespace: announcement = ourAnnouncements[m.namespace]
    case .byRequestID: announcement = ourIDs[m.id] as? Announcement
    }
    guard let announcement else {
      counters.racesDropped += 1
      return
    }
    let reason = rules.codes.publishNamespace.reason(of: m.code)
    announcementEnded(announcement, RequestFailure(reason, String(decoding: m.reason, as: UTF8.self), code: m.code))
  }

  /// Asks for what is announced below `prefix`: `.announced` and `.withdrawn` follow.
  public func seekAnnouncements(
    prefix: TrackNamespace, authorization: [AuthorizationToken] = []
  ) throws(CommandError) -> RequestKey {
    let rules = try requestRules()
    let interest = Interest(key: requests.reserveKey(), isOurs: true, prefix)
    interest.authorization = authorization
    if prefix.count == 0, case .missing = rules.emptyPrefix {
      // It cannot be said. Peers that announce unasked are heard all the same.
      interest.isLocal = true
      enter(interest)
      _ = interest.state.accepted()
      tell(.accepted(interest.key))
    } else {
      try submitted(interest)
      if case .onInterest(.live) = rules.announcing {
        // Nothing answers it, and there may be nothing to tell for long.
        _ = interest.state.accepted()
        tell(.accepted(interest.key))
      }
    }
    return interest.key
  }
  /// Takes ours back, or refuses or ends the peer's.
  func cancel(_ interest: Interest, _ failure: RequestFailure) {
    guard let rules else { return }
    let wasSent = !interest.isQueued && !interest.isLocal, how = interest.state.end()
    guard how != .late else { return }
    defer { remove(interest) }
    if interest.isOurs { unlist(all: interest, RequestFailure(.cancelled)) }
    guard wasSent else { return }
    if interest.carrier != nil { return endCarrier(interest, failure.asRefusal) }
    if interest.isOurs {
      var m = RequestReference()
      switch rules.namespaceReference {
      case .byNamespace: m.namespace = interest.prefix
      case .byRequestID: m.id = interest.id ?? 0
      }
      try? sendControl(.unsubscribeNamespace(m))
    } else if how == .beforeAnswer {
      try? answer(.subscribeNamespaceError(errorMessage(interest, failure, rules.codes.subscribeNamespace)), interest)
    }
  }
  func interestEnded(_ interest: Interest, _ failure: RequestFailure) {
    guard interest.state.end() != .late else { return }
    if interest.isOurs { unlist(all: interest, failure) }
    fail(interest, failure)
  }

  // MARK: The peer's announcements

  func peerAnnounces(_ m: PublishNamespace, _ carrier: Stream?) throws(SessionFailure) {
    try takePeerID(m.id, .publishNamespace)
    let tokens = try tokens(in: m.parameters)
    guard peerRole != .subscriber else { throw violation("an announcement from a subscriber (ROLE)") }
    let announcement = Announcement(key: requests.reserveKey(), isOurs: false, m.namespace)
    announcement.id = number(m.id, .publishNamespace)
    guard admit(announcement, carrier, tokens) else { return }
    if let known = peerAnnouncements[m.namespace] {
      // Announced again before it was withdrawn: the newer one counts.
      _ = known.state.end()
      fail(known, RequestFailure(.cancelled, "announced again"))
    }
    peerAnnouncements[m.namespace] = announcement
    tell(.announced(announcement.key, m.namespace))
  }
  func accept(_ announcement: Announcement) {
    guard case .carryOut = announcement.state.accepted(), let rules else { return }
    guard case .requests = rules.announcing else { return }
    var m = RequestReference()
    m.id = announcement.id ?? 0
    if announcement.id == nil { m.namespace = announcement.namespace }
    try? answer(.publishNamespaceOK(m), announcement)
  }
  /// PUBLISH_NAMESPACE_DONE.
  func peerWithdraws(_ m: RequestReference) throws(SessionFailure) {
    let announcement: Announcement?
    switch rules?.namespaceReference {
    case .byRequestID: announcement = peerIDs[m.id] as? Announcement
    case .byNamespace, nil: announcement = peerAnnouncements[m.namespace]
    }
    guard let announcement else {
      counters.racesDropped += 1
      return
    }
    announcementEnded(announcement, RequestFailure(.cancelled))
  }

  // MARK: Told on the stream of our interest

  func announcementsListed(_ m: AnnounceInit, _ carrier: Stream?) throws(SessionFailure) {
    guard let carrier, let interest = carrier.request as? Interest, interest.isOurs else { return }
    guard case .carryOut = interest.state.accepted() else { throw violation("a second ANNOUNCE_INIT") }
    tell(.accepted(interest.key))
    for suffix in m.suffixes {
      guard list(suffix, interest) else { return breakOff(interest, "\(suffix) is listed twice") }
    }
    tell(.caughtUp(interest.key))
  }
  func announcementTold(_ m: Announce, _ carrier: Stream?) throws(SessionFailure) {
    guard let carrier, let interest = carrier.request as? Interest, interest.isOurs else { return }
    switch m.status {
    case .active:
      guard list(m.suffix, interest) else { return breakOff(interest, "\(m.suffix) is announced twice") }
    case .ended:
      guard unlist(m.suffix, interest) else { return breakOff(interest, "\(m.suffix) ends and was not announced") }
    case .live: tell(.caughtUp(interest.key))
    }
  }
  /// A status comes twice: the stream is reset (moq-lite-01, "Announce"), and all that it listed has ended.
  private func breakOff(_ interest: Interest, _ phrase: String) {
    let failure = RequestFailure(.malformedTrack, phrase)
    endCarrier(interest, failure)
    interestEnded(interest, failure)
  }
  /// False: it was listed already, or there are too many.
  private func list(_ suffix: TrackNamespace, _ interest: Interest) -> Bool {
    let namespace = interest.prefix.appending(suffix)
    guard interest.listed[suffix] == nil, openRequests < configuration.maximumOpenRequests,
      namespace.count <= TrackNamespace.maximumFields
    else { return false }
    let announcement: Announcement
    if let known = peerAnnouncements[namespace] {
      announcement = known
    } else {
      announcement = Announcement(key: requests.reserveKey(), isOurs: false, namespace)
      _ = announcement.state.accepted()
      enter(announcement)
      peerAnnouncements[namespace] = announcement
      tell(.announced(announcement.key, namespace))
    }
    announcement.listings += 1
    interest.listed[suffix] = announcement
    return true
  }
  private func unlist(_ suffix: TrackNamespace, _ interest: Interest) -> Bool {
    guard let announcement = interest.listed.removeValue(forKey: suffix) else { return false }
    unlist(announcement, RequestFailure(.cancelled))
    return true
  }
  private func unlist(_ announcement: Announcement, _ failure: RequestFailure) {
    announcement.listings -= 1
    if announcement.listings == 0 { announcementEnded(announcement, failure) }
  }
  private func unlist(all interest: Interest, _ failure: RequestFailure) {
    let listed = interest.listed.values.sorted { $0.key.value < $1.key.value }
    interest.listed = [:]
    for announcement in listed { unlist(announcement, failure) }
  }

  // MARK: The peer's interest

  func peerIsInterested(_ m: SubscribeNamespace, _ carrier: Stream?) throws(SessionFailure) {
    try takePeerID(m.id, .subscribeNamespace)
    let tokens = try tokens(in: m.parameters)
    let interest = Interest(key: requests.reserveKey(), isOurs: false, m.prefix)
    interest.id = number(m.id, .subscribeNamespace)
    guard admit(interest, carrier, tokens), let rules else { return }
    guard peerInterests.count < configuration.maximumInterests else {
      return cancel(interest, RequestFailure(.excessiveLoad, "too many interests"))
    }
    peerInterests.append(interest)
    if case .requests = rules.announcing, overlaps(interest) {
      return cancel(interest, RequestFailure(.prefixOverlap, "another interest covers a part of \(m.prefix)"))
    }
    tell(.interested(interest.key, prefix: m.prefix))
  }
  /// §9.28 of draft-14: a prefix of, below, or equal to one that stands.
  private func overlaps(_ interest: Interest) -> Bool {
    peerInterests.contains { other in
      other !== interest && !other.isEnded
        && (other.prefix.hasPrefix(interest.prefix) || interest.prefix.hasPrefix(other.prefix))
    }
  }
  func accept(_ interest: Interest) {
    guard case .carryOut = interest.state.accepted(), let rules else { return }
    switch rules.announcing {
    case .requests:
      var m = RequestReference()
      m.id = interest.id ?? 0
      if interest.id == nil { m.namespace = interest.prefix }
      try? answer(.subscribeNamespaceOK(m), interest)
    case .onInterest(let beginning):
      let covered = requests.all.compactMap { request -> TrackNamespace? in
        guard let ours = request as? Announcement, ours.isOurs, !ours.isEnded else { return nil }
        return ours.namespace.hasPrefix(interest.prefix) ? ours.namespace : nil
      }
      if case .live = beginning {
        for namespace in covered { say(.active, namespace, to: interest) }
        var m = Announce()
        m.status = .live
        try? answer(.announce(m), interest)
        return
      }
      // What would make too long a message is told one by one.
      var m = AnnounceInit(), size = 0
      for namespace in covered {
        size += namespace.encoded.count
        guard size <= Self.maximumListing, let suffix = namespace.suffix(after: interest.prefix) else { break }
        m.suffixes.append(suffix)
      }
      try? answer(.announceInit(m), interest)
      for namespace in covered.dropFirst(m.suffixes.count) { say(.active, namespace, to: interest) }
    }
  }
  /// The most bytes of namespaces in one ANNOUNCE_INIT of ours.
  private static var maximumListing: Int { 32_768 }
  /// UNSUBSCRIBE_NAMESPACE.
  func peerLosesInterest(_ m: RequestReference) throws(SessionFailure) {
    let found = peerInterests.first { interest in
      switch rules?.namespaceReference {
      case .byRequestID: !interest.isEnded && interest.id == m.id
      case .byNamespace, nil: !interest.isEnded && interest.prefix == m.namespace
      }
    }
    guard let interest = found else {
      counters.racesDropped += 1
      return
    }
    interestEnded(interest, RequestFailure(.cancelled))
  }
}

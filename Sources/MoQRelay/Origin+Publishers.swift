import MoQKernel

// Publishers are asked, leave, and others go on.
extension Origin {
  // MARK: Who is asked

  /// Asks for a track: the publisher that is preferred, and all others with it where their dialects want that. Returns
  /// why there is none.
  func open(_ track: CachedTrack, for asker: Attachment?) -> RequestFailure? {
    var refusal = RequestFailure(.doesNotExist, "nobody publishes \(track.name.namespace)")
    for route in routes.publishers(of: track.name, askedBy: asker) {
      switch route.source {
      case .session(let attachment, _):
        let isFirst = track.upstreams.isEmpty
        guard !track.refusers.contains(attachment.number), isFirst || !route.isOffer else { continue }
        if let failure = ask(attachment, for: track), isFirst { refusal = failure }
      case .local(let broadcast):
        guard track.upstreams.isEmpty else { continue }
        if broadcast.completeAt <= now {
          refusal = RequestFailure(.doesNotExist, "no track \(track.name)")
          continue
        }
        early[ObjectIdentifier(track)] = (track, broadcast.completeAt)
        return nil
      }
    }
    return track.upstreams.isEmpty ? refusal : nil
  }
  /// Asks one publisher. Returns why it was not: the session is over, or others are asked with whom it is not.
  private func ask(_ attachment: Attachment, for track: CachedTrack) -> RequestFailure? {
    guard hasRoom(for: attachment, track) else { return RequestFailure(.uninterested, "it has its publishers") }
    let ingress = Ingress(track, from: attachment)
    do { try ingress.ask() } catch {
      return RequestFailure(.internalError, "the publisher's session: \(error.phrase)")
    }
    track.upstreams.append(ingress)
    return nil
  }
  /// Whether a publisher may be read beside those that are.
  private func hasRoom(for attachment: Attachment, _ track: CachedTrack) -> Bool {
    let all = track.upstreams
    guard !all.isEmpty else { return true }
    return all.count < configuration.maximumPublishers && attachment.abilities.isAskedWithOthers
      && all.allSatisfy { $0.attachment.abilities.isAskedWithOthers && $0.attachment !== attachment }
  }
  /// A namespace has been announced: its publisher is asked for a track that is read from others (§8.4 of draft-14).
  func join(_ track: CachedTrack, _ attachment: Attachment) {
    guard track.end == nil, !track.upstreams.isEmpty,
      track.isUsed || isAwaited(track) || !track.upstreams.allSatisfy(\.isOffer)
    else { return }
    _ = ask(attachment, for: track)
  }
  /// The session that would be asked for a track.
  func publisher(of name: TrackName, askedBy asker: Attachment) -> Attachment? {
    let all = tracks[name]?.upstreams ?? []
    if let ingress = all.first(where: { $0.isLive && !$0.attachment.isLeaving }) ?? all.first(where: \.isLive)
      ?? all.first
    {
      return ingress.attachment
    }
    for route in routes.publishers(of: name, askedBy: asker) {
      if case .session(let attachment, _) = route.source { return attachment }
    }
    return nil
  }

  // MARK: Who leaves

  /// An upstream subscription was refused, or has ended, or its session has.
  func lost(_ ingress: Ingress, _ failure: RequestFailure) {
    let track = ingress.track, wasLive = ingress.isLive
    guard track.upstreams.contains(where: { $0 === ingress }) else {
      if track.successor === ingress { track.successor = nil }
      return ingress.over(cut: false)
    }
    if wasLive, failure.reason == .malformedTrack, ingress.attachment.abilities.endsMalformedTracks {
      ingress.over(cut: false)
      return malformed(track, failure)
    }
    let isRegular = failure.reason == .trackEnded || failure.reason == .subscriptionEnded, isOwed = ingress.isJoining
    ingress.over(cut: wasLive && !isRegular)
    if let route = ingress.route { withdrawn(route) }
    track.upstreams.removeAll { $0 === ingress }
    track.refusers.insert(ingress.attachment.number)
    var reason = failure
    reason.code = nil
    switch failure.reason {
    case .sessionClosed, .cancelled: reason = RequestFailure(.internalError, "the publisher has left")
    case .unknown: reason.reason = .internalError
    default: break
    }
    if wasLive, isRegular { track.conclusion = reason }
    if !track.upstreams.isEmpty {
      if wasLive, !isRegular { goOn(track, isOwed: isOwed) }
      // There may be one that there was no room for.
      if track.conclusion == nil, track.upstreams.count == configuration.maximumPublishers - 1 {
        _ = open(track, for: nil)
      }
      return
    }
    if let successor = track.successor {
      track.successor = nil
      if isRegular {
        successor.cancel()
      } else {
        track.wasCut()
        track.source = .upstream([successor])
        counters.takeovers &+= 1
        return
      }
    }
    if track.conclusion == nil {
      track.wasCut()
      if open(track, for: nil) == nil {
        if wasLive { counters.takeovers &+= 1 }
        return
      }
    }
    refuseAll(track, track.conclusion ?? reason)
  }
  /// A session is over: it is asked for nothing any more, so nobody needs to know what it has refused.
  func forgetRefusals(of attachment: Attachment) {
    for track in tracks.values where !track.refusers.isEmpty { track.refusers.remove(attachment.number) }
  }
  /// One of several publishers is gone: the others bring what it left open.
  private func goOn(_ track: CachedTrack, isOwed: Bool) {
    track.wasCut()
    counters.takeovers &+= 1
    for other in track.upstreams { other.standsIn(isOwed: isOwed) }
  }

  // MARK: Malformed tracks

  /// An object has come that differs from what came of it before (§8.1 of draft-14).
  func malformed(_ track: CachedTrack, _ object: ObjectInfo, _ difference: String) {
    let phrase = "object \(object.location) of \(track.name) came again with another \(difference)"
    malformed(track, RequestFailure(.malformedTrack, phrase))
  }
  /// A track's objects contradict each other: it ends at once, for all who read it and for all who bring it (§2.5 of
  /// draft-14). Nobody knows which of several publishers is wrong, so no other is asked to go on.
  private func malformed(_ track: CachedTrack, _ found: RequestFailure) {
    guard track.end == nil else { return }
    let failure = RequestFailure(found.reason, found.phrase)
    for ingress in track.upstreams { if let route = ingress.route { withdrawn(route) } }
    track.malformed(failure)
    close(track)
  }

  // MARK: Moving on before the end

  /// A publisher has said that it goes away (GOAWAY): its tracks move to others that have them, while it is there.
  func leaves(_ attachment: Attachment) {
    attachment.isLeaving = true
    for track in Array(tracks.values) { moveOn(track) }
  }
  /// Lets go of a publisher that is leaving where there is another; where there is none, asks for one. Until that answers
  /// all stays as it is.
  func moveOn(_ track: CachedTrack) {
    guard track.end == nil, let leaving = track.upstreams.first(where: { $0.isLive && $0.attachment.isLeaving }) else {
      return
    }
    let others = track.upstreams.filter { !$0.attachment.isLeaving }
    guard others.isEmpty else {
      guard others.contains(where: \.isLive) else { return }
      let isOwed = leaving.isJoining
      leaving.cancel(cut: true)
      if let route = leaving.route { withdrawn(route) }
      track.upstreams.removeAll { $0 === leaving }
      goOn(track, isOwed: isOwed)
      return moveOn(track)
    }
    guard track.successor == nil else { return }
    for route in routes.publishers(of: track.name, askedBy: leaving.attachment) {
      guard case .session(let other, _) = route.source, !other.isLeaving else { continue }
      let successor = Ingress(track, from: other)
      guard (try? successor.ask()) != nil else { continue }
      track.successor = successor
      return
    }
  }
  /// The other publisher has said yes: those that leave are let go.
  func tookOver(_ successor: Ingress) {
    let track = successor.track
    track.successor = nil
    track.wasCut()
    for leaving in track.upstreams {
      leaving.cancel(cut: true)
      if let route = leaving.route { withdrawn(route) }
    }
    track.source = .upstream([successor])
    counters.takeovers &+= 1
  }

  // MARK: Offers

  /// A publisher offers a track. nil: it is published already, by those that it is not read beside.
  func offered(_ name: TrackName, by attachment: Attachment, _ key: RequestKey) -> Ingress? {
    let track = tracks[name].flatMap { $0.end == nil ? $0 : nil } ?? makeTrack(name)
    if case .local = track.source { return nil }
    guard hasRoom(for: attachment, track) else { return nil }
    let ingress = Ingress(track, from: attachment, offer: key)
    track.upstreams.append(ingress)
    // Whoever looks for announcements should find it; not every dialect can be told of single tracks.
    let route = Route(name.namespace, .session(attachment, key), isOffer: true)
    ingress.route = route
    announced(route)
    return ingress
  }
  /// Nobody reads a track any more: those that were asked for it are let go. True: others have offered it.
  func keepsOffers(_ track: CachedTrack) -> Bool {
    guard track.upstreams.contains(where: \.isOffer) else { return false }
    for ingress in track.upstreams where !ingress.isOffer { ingress.cancel() }
    track.upstreams.removeAll { !$0.isOffer }
    return true
  }
  /// Tracks that publishers have offered (PUBLISH).
  var offeredTracks: [CachedTrack] {
    tracks.values.filter { $0.end == nil && $0.upstreams.contains(where: \.isOffer) }
  }
  func offersEnded(_ track: CachedTrack, _ failure: RequestFailure) {
    for attachment in attachments.values { attachment.offerEnded(track, failure) }
  }
}

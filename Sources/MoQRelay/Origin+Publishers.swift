import MoQKernel

// Publishers leave, others take over.
extension Origin {
  /// An upstream subscription was refused, or has ended, or its session has.
  func lost(_ ingress: Ingress, _ failure: RequestFailure) {
    let track = ingress.track
    guard case .upstream(let current) = track.source, current === ingress else {
      if track.successor === ingress { track.successor = nil }
      return ingress.over(cut: false)
    }
    var wasLive = false
    if case .live = ingress.state { wasLive = true }
    if wasLive, failure.reason == .malformedTrack, ingress.attachment.abilities.endsMalformedTracks {
      ingress.over(cut: false)
      return malformed(track, failure)
    }
    let isRegular = failure.reason == .trackEnded || failure.reason == .subscriptionEnded
    ingress.over(cut: wasLive && !isRegular)
    if let route = ingress.route { withdrawn(route) }
    track.source = .none
    var reason = failure
    reason.code = nil
    switch failure.reason {
    case .sessionClosed, .cancelled: reason = RequestFailure(.internalError, "the publisher has left")
    case .unknown: reason.reason = .internalError
    default: break
    }
    if let successor = track.successor {
      track.successor = nil
      if isRegular {
        successor.cancel()
      } else {
        track.wasCut()
        track.source = .upstream(successor)
        counters.takeovers &+= 1
        return
      }
    }
    if !wasLive || !isRegular {
      track.wasCut()
      if open(track, avoiding: [ObjectIdentifier(ingress.attachment)], for: nil) == nil {
        if wasLive { counters.takeovers &+= 1 }
        return
      }
    }
    if wasLive {
      track.ended(reason)
      left(track)
    } else {
      refuseAll(track, reason)
    }
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
    if case .upstream(let ingress) = track.source, let route = ingress.route { withdrawn(route) }
    track.malformed(failure)
    close(track)
  }

  // MARK: Moving on before the end

  /// A publisher has said that it goes away (GOAWAY): its tracks move to others that have them, while it is there.
  func leaves(_ attachment: Attachment) {
    attachment.isLeaving = true
    for track in Array(tracks.values) { moveOn(track) }
  }
  /// Asks another publisher for a track whose own is leaving. Until that answers all stays as it is.
  func moveOn(_ track: CachedTrack) {
    guard case .upstream(let leaving) = track.source, case .live = leaving.state, leaving.attachment.isLeaving,
      track.successor == nil, track.end == nil
    else { return }
    for route in routes.publishers(of: track.name, askedBy: leaving.attachment) {
      guard case .session(let other, _) = route.source, !other.isLeaving else { continue }
      let successor = Ingress(track, from: other)
      guard (try? successor.ask()) != nil else { continue }
      track.successor = successor
      return
    }
  }
  /// The other publisher has said yes: the one that leaves is let go.
  func tookOver(_ successor: Ingress) {
    let track = successor.track
    track.successor = nil
    if case .upstream(let leaving) = track.source {
      track.wasCut()
      leaving.cancel(cut: true)
      if let route = leaving.route { withdrawn(route) }
    }
    track.source = .upstream(successor)
    counters.takeovers &+= 1
  }

  // MARK: Offers

  /// Tracks that a publisher has offered (PUBLISH).
  var offeredTracks: [CachedTrack] {
    tracks.values.filter { track in
      if case .upstream(let ingress) = track.source { ingress.isOffer && track.end == nil } else { false }
    }
  }
  func offersEnded(_ track: CachedTrack, _ failure: RequestFailure) {
    for attachment in attachments.values { attachment.offerEnded(track, failure) }
  }
}

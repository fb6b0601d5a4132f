import MoQKernel

// PUBLISH from here: tracks of the application's, and tracks that a publisher offered, which go on to whoever asked
// for their namespace (§8.5 of draft-14).
extension Attachment {
  /// Offers a track of the application's to the peer (PUBLISH). It is served as soon as the peer says yes, which
  /// `.publishAccepted` tells; `.ended` is a no.
  public func offer(
    _ local: LocalTrack, authorization: [AuthorizationToken] = []
  ) throws(CommandError) -> RequestKey {
    try propose(local.track, authorization)
  }

  /// Offers a track to a peer that is interested in its namespace, if it has not been, and does not read it yet.
  func offer(_ track: CachedTrack) {
    guard role == .relay, abilities.pushes, session.isEstablished, track.end == nil,
      !track.upstreams.isEmpty, !track.upstreams.contains(where: { $0.attachment === self }),
      interests.values.contains(where: { track.name.namespace.hasPrefix($0) }), !reads(track),
      offers.insert(track.name).inserted
    else { return }
    // Where it fails, it can be asked for all the same: its namespace is announced.
    if (try? propose(track)) == nil { offers.remove(track.name) }
  }
  private func propose(
    _ track: CachedTrack, _ authorization: [AuthorizationToken] = []
  ) throws(CommandError) -> RequestKey {
    var answer = SubscribeAnswer(largest: track.largest)
    answer.groupOrder = track.groupOrder
    let key = try session.publish(track.name, answer, authorization: authorization)
    requests[key] = .offer(track, told: track.largest)
    offers.insert(track.name)
    track.isOffered = true
    return key
  }
  private func reads(_ track: CachedTrack) -> Bool {
    requests.values.contains { use in
      switch use {
      case .egress(let egress): egress.track === track
      case .pending(let other), .offer(let other, _): other === track
      default: false
      }
    }
  }
  /// The peer wants it: what came since the offer belongs to it.
  func offerAccepted(_ key: RequestKey, _ request: SubscribeRequest) -> Bool {
    guard case .offer(let track, let told)? = requests[key] else { return false }
    guard track.end == nil, origin.policy.allowSubscribe(track.name, session),
      let egress = Egress(self, key: key, request: request, track: track, told: told)
    else {
      requests[key] = nil
      session.finish(key, track.end ?? RequestFailure(.subscriptionEnded, "nothing of it is still to come"))
      return true
    }
    requests[key] = .egress(egress)
    egress.begin()
    if case .local(let local) = track.source { local.changed() }
    return true
  }
  /// The track is over, or is no offer any more: offers that nobody answered end.
  func offerEnded(_ track: CachedTrack, _ failure: RequestFailure) {
    guard offers.remove(track.name) != nil else { return }
    for (key, use) in requests {
      guard case .offer(let other, _) = use, other === track else { continue }
      requests[key] = nil
      session.finish(key, failure)
    }
  }
}

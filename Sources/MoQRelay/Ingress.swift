import MoQKernel

/// Where a track's objects come from.
enum TrackSource {
  case none
  /// Written by the application.
  case local(LocalTrack)
  /// Read from its publishers: at least one, those that have not answered included.
  case upstream([Ingress])
}

/// An upstream subscription of a track, whoever reads it here. Where several publishers are read at once, what they
/// bring comes together in the track's cache: of each object what is there first.
final class Ingress {
  enum State {
    /// The publisher has not answered. Leads to: live, over.
    case asking
    /// Leads to: over.
    case live
    case over
  }
  let track: CachedTrack
  let attachment: Attachment
  private(set) var key = RequestKey(0)
  private(set) var state = State.asking
  /// The publisher offered the track (PUBLISH) and would not do so again: kept without readers.
  let isOffer: Bool
  /// An offer announces its namespace as long as it lasts.
  var route: Route?
  private var backfill: RequestKey?
  /// The largest object when it was answered, and whether what was before has been asked for.
  private var past: Location?, hasJoined = false
  /// How long what it brings may be passed on from the cache; nil: for ever.
  private(set) var lifetime: Duration?
  var isLive: Bool { if case .live = state { true } else { false } }
  /// How long what that brings may be passed on from the cache, as its own answer says.
  var backfillLifetime: Duration?
  private var inflows: [ObjectIdentifier: Inflow] = [:]
  private let datagrams = DatagramInflow()

  init(_ track: CachedTrack, from attachment: Attachment, offer: RequestKey? = nil) {
    (self.track, self.attachment) = (track, attachment)
    isOffer = offer != nil
    if let offer { key = offer }
  }

  /// Asks the publisher for the track, from the beginning of its current group.
  func ask() throws(CommandError) {
    // A dialect that cannot say so gets the two requests that mean the same, and both answers are ours to see.
    let filter: Filter = attachment.abilities.currentGroup ? .currentGroup : .nextObject
    key = try attachment.session.subscribe(SubscribeRequest(track.name, filter: filter))
    attachment.use(key, for: .ingress(self))
  }
  func answered(_ found: SubscribeAnswer) {
    var answer = found
    // Which object of the latest group is the largest is not known, and nobody must wait for one that is not there.
    if !attachment.abilities.tellsLargest { answer.largest = nil }
    guard state == .asking else { return }
    let isBeside = track.successor !== self && track.upstreams.contains(where: \.isLive)
    (state, past, lifetime) = (.live, answer.largest, answer.maximumCacheDuration)
    if track.successor === self { track.origin.tookOver(self) }
    track.refusers = []
    let expiry = attachment.abilities.expiry
    datagrams.lifetime = lifetime
    datagrams.mustAgree = attachment.abilities.endsMalformedTracks
    if isBeside {
      track.joined(answer, expiry)
      // Whoever is behind may never bring what is between.
      if let past, track.largest.map({ past > $0 }) ?? true, join(past) { track.awaits(past) }
    } else if attachment.abilities.currentGroup {
      track.began(answer, .whole, expiry)
    } else if let past, join(past) {
      track.began(answer, .backfill, expiry)
    } else {
      track.began(answer, .missing, expiry)
    }
    track.origin.moveOn(track)
    track.origin.ready(track)
  }
  /// Asks for the beginning of the group that was current. False: it cannot be asked for.
  private func join(_ past: Location) -> Bool {
    guard attachment.abilities.joiningFetch, !isOffer,
      let fetch = try? attachment.session.fetch(FetchRequest(.joining(key, groupsBefore: 0)))
    else { return false }
    (backfill, hasJoined) = (fetch, true)
    attachment.use(fetch, for: .backfill(self))
    return true
  }
  /// Whether the beginning of a group is on its way.
  var isJoining: Bool { backfill != nil }
  /// Another publisher has left in the middle of the group that this one began in, or while it brought the beginning of
  /// one (`isOwed`): what it was to bring comes from here.
  func standsIn(isOwed: Bool) {
    guard isLive, !hasJoined, let past, isOwed || track.group(past.group)?.awaitsTakeover ?? false, join(past) else {
      return
    }
    track.awaits(past)
  }

  // MARK: What comes

  /// What a fetch for the subscription brings.
  func fetchBegan() -> FetchInflow { FetchInflow(track, mustAgree: attachment.abilities.endsMalformedTracks) }

  func began(_ info: SubgroupInfo) -> Inflow? {
    guard state != .over else { return nil }
    let inflow = Inflow(
      track, info, lifetime: lifetime, mustAgree: attachment.abilities.endsMalformedTracks)
    inflows[ObjectIdentifier(inflow)] = inflow
    return inflow
  }
  func ended(_ inflow: Inflow, _ how: Run.State) {
    inflow.end(how)
    inflows[ObjectIdentifier(inflow)] = nil
  }
  func datagram(_ object: ObjectInfo, _ payload: Bytes) {
    guard state != .over else { return }
    datagrams.datagram(object, payload, track: track)
  }
  /// The publisher says that groups will not come, or not whole.
  func gap(_ gap: GroupGap) {
    guard state != .over else { return }
    track.missed(gap)
  }
  /// The joining fetch is done, whole or not.
  func backfilled(success: Bool) {
    guard backfill != nil else { return }
    backfill = nil
    track.backfilled(past, success: success)
  }

  // MARK: The end

  /// The publisher is gone, or ended the track. What is open is cut or closed.
  func over(cut: Bool) {
    guard state != .over else { return }
    state = .over
    for inflow in inflows.values { inflow.end(cut ? .cut : .reset(.cancelled)) }
    inflows = [:]
    datagrams.end()
    if backfill != nil { backfilled(success: false) }
  }
  /// Nobody reads the track any more, or (`cut`) another publisher goes on with it.
  func cancel(cut: Bool = false) {
    guard state != .over else { return }
    let fetch = backfill
    backfill = nil
    over(cut: cut)
    if let fetch {
      attachment.session.cancel(fetch)
      attachment.ended(fetch)
    }
    attachment.session.cancel(key)
    attachment.ended(key)
  }
}

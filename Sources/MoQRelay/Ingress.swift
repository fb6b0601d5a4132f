import MoQKernel

/// Where a track's objects come from.
enum TrackSource {
  case none
  /// Written by the application.
  case local(LocalTrack)
  case upstream(Ingress)
}

/// The one upstream subscription of a track, whoever reads it here.
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
    state = .live
    if track.successor === self { track.origin.tookOver(self) }
    let expiry = attachment.abilities.expiry
    datagrams.lifetime = answer.maximumCacheDuration
    datagrams.mustAgree = attachment.abilities.endsMalformedTracks
    if attachment.abilities.currentGroup {
      track.began(answer, .whole, expiry)
    } else if answer.largest != nil, attachment.abilities.joiningFetch, !isOffer,
      let fetch = try? attachment.session.fetch(FetchRequest(.joining(key, groupsBefore: 0)))
    {
      backfill = fetch
      attachment.use(fetch, for: .backfill(self))
      track.began(answer, .backfill, expiry)
    } else {
      track.began(answer, .missing, expiry)
    }
    track.origin.ready(track)
  }

  // MARK: What comes

  /// What a fetch for the subscription brings.
  func fetchBegan() -> FetchInflow { FetchInflow(track, mustAgree: attachment.abilities.endsMalformedTracks) }

  func began(_ info: SubgroupInfo) -> Inflow? {
    guard state != .over else { return nil }
    let inflow = Inflow(
      track, info, lifetime: track.maximumCacheDuration, mustAgree: attachment.abilities.endsMalformedTracks)
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
    track.backfilled(success: success)
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

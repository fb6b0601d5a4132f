import MoQKernel

/// A namespace that the application itself publishes at an origin.
public final class LocalBroadcast {
  public let namespace: TrackNamespace
  let origin: Origin
  private var route: Route?
  private var tracks: [TrackName: LocalTrack] = [:]
  /// When whoever asks for a track that is not there need no longer wait for it.
  private(set) var completeAt = Instant(nanoseconds: 0)
  /// Asked for a track that has not been made. nil, or no such closure: it does not exist.
  public var onRequest: ((TrackName) -> LocalTrack?)?

  init(_ namespace: TrackNamespace, at origin: Origin) { (self.namespace, self.origin) = (namespace, origin) }

  func announce() {
    completeAt = origin.now.advanced(by: origin.configuration.patience)
    let route = Route(namespace, .local(self))
    self.route = route
    origin.announced(route)
  }
  func find(_ name: TrackName) -> LocalTrack? {
    if let track = tracks[name], !track.isEnded { return track }
    return onRequest?(name)
  }

  /// The track of that name, made the first time it is asked for.
  public func track(_ name: String, priority: UInt8 = 128, order: GroupOrder = .ascending) -> LocalTrack {
    let full = TrackName(namespace, name)
    if let known = tracks[full], !known.isEnded { return known }
    let track = LocalTrack(origin.localTrack(full))
    (track.track.priority, track.track.groupOrder) = (priority, order)
    tracks[full] = track
    // Some may have asked for it before.
    if origin.isAwaited(track.track) { origin.batch { origin.ready(track.track) } }
    return track
  }
  /// Ends all tracks and takes the announcement back.
  public func withdraw(_ failure: RequestFailure = RequestFailure(.trackEnded)) {
    origin.batch {
      if let route { origin.withdrawn(route) }
      route = nil
      for track in tracks.values { track.end(failure) }
      tracks = [:]
      onRequest = nil
    }
  }
}

extension Origin {
  /// Publishes a namespace: sessions that may hear of it do, subscriptions below it are served.
  ///
  /// `announced` false: nobody hears of it, and only tracks that are offered to a session one by one are read.
  public func publish(_ namespace: TrackNamespace, announced: Bool = true) -> LocalBroadcast {
    let broadcast = LocalBroadcast(namespace, at: self)
    if announced { batch { broadcast.announce() } }
    return broadcast
  }
  /// Connects a session. The driver passes the session's events to what is returned.
  public func attach(_ session: SessionCore, as role: Attachment.Role = .relay) -> Attachment {
    let attachment = Attachment(session, to: self, as: role)
    attach(attachment)
    return attachment
  }
}

/// A track that the application writes. Everything written is cached, and goes to every subscriber from there.
public final class LocalTrack {
  let track: CachedTrack
  /// Called when the number of subscribers has changed, or one of them has taken something. It may write.
  public var onProgress: (() -> Void)?
  var isDirty = false
  private let datagrams = DatagramInflow()
  private let origin: Origin

  init(_ track: CachedTrack) {
    (self.track, origin) = (track, track.origin)
    track.covers(from: Location(0, 0))
    track.source = .local(self)
  }

  /// How long relays may keep its objects and begin to pass them on; nil: for ever. Said to those who subscribe or fetch
  /// from now on, where their dialect has words for it.
  public var maximumCacheDuration: Duration? {
    get { track.maximumCacheDuration }
    set { track.maximumCacheDuration = newValue }
  }
  /// How late its objects may be sent, or its groups where a dialect counts by those; nil: however late they are. Counts
  /// for subscriptions from now on.
  public var deliveryTimeout: Duration? {
    get { track.ownTimeout }
    set { track.ownTimeout = newValue }
  }
  public var name: TrackName { track.name }
  public var subscriberCount: Int { track.subscribers.count }
  public var largest: Location? { track.largest }
  public var isEnded: Bool { track.end != nil }
  /// Whether some subscriber has not been handed this many bytes of what was written.
  public func isBehind(by bytes: Int) -> Bool { track.isBehind(by: bytes) }
  /// Whether everything written, groups that are open left out, has arrived at everyone who is subscribed.
  public var isDrained: Bool { track.isDrained }

  func changed() { origin.progressed(self) }

  /// Begins a subgroup. Objects in it go in order of their ids.
  public func begin(_ info: SubgroupInfo) -> LocalSubgroup { LocalSubgroup(Inflow(track, info)) }
  /// An object that goes in a datagram where a subscriber's dialect has them.
  public func send(datagram object: ObjectInfo, payload: Bytes) {
    origin.batch { datagrams.datagram(object, payload, track: track) }
  }
  /// Says that groups will not come. Where the reason is that there are none and never will be, nothing of them is taken
  /// any more, and dialects that can say it do: by SUBSCRIBE_GAP, by an extension header of the next group's objects, or,
  /// if they are no more than 64, by an end of group that is each one's first object. Other reasons need SUBSCRIBE_GAP.
  public func skip(_ groups: ClosedRange<UInt64>, _ reason: StreamReason = .doesNotExist) {
    origin.batch {
      if reason == .doesNotExist { track.skip(groups) } else { track.missed(GroupGap(groups, reason)) }
    }
  }
  /// Ends the track: subscribers are told once they have all of it.
  public func end(_ failure: RequestFailure = RequestFailure(.trackEnded)) {
    origin.batch {
      datagrams.end()
      track.ended(failure)
      origin.left(track)
    }
  }
}

/// A subgroup that the application writes.
public final class LocalSubgroup {
  private let inflow: Inflow
  private let origin: Origin
  init(_ inflow: Inflow) { (self.inflow, origin) = (inflow, inflow.track.origin) }

  /// Writes a whole object. False: its group is not in the cache any more, or its id is not new.
  @discardableResult public func write(_ object: ObjectInfo, payload: Bytes) -> Bool {
    var object = object
    object.payloadLength = UInt64(payload.count)
    return origin.batch {
      guard inflow.object(object) else { return false }
      if !payload.isEmpty { inflow.payload(payload) }
      return true
    }
  }
  /// Begins an object of `object.payloadLength` bytes, which `append` brings.
  @discardableResult public func begin(_ object: ObjectInfo) -> Bool { origin.batch { inflow.object(object) } }
  public func append(_ part: Bytes) { origin.batch { inflow.payload(part) } }
  /// The subgroup has all its objects.
  public func finish() { origin.batch { inflow.end(.finished) } }
  /// The rest of it will not come.
  public func reset(_ reason: StreamReason = .cancelled) { origin.batch { inflow.end(.reset(reason)) } }
}

extension ObjectInfo {
  /// Says in an extension header that so many groups before the object's do not exist. False: there is nothing to say,
  /// or no type (nil) to say it.
  @discardableResult mutating func say(gap count: UInt64, as type: UInt64?) -> Bool {
    guard count > 0, var type else { return false }
    var pair = WireWriter(capacity: 16), count = count
    do throws(WireError) {
      try pair.varint("Type", &type)
      try pair.varint("Prior Group ID Gap", &count)
    } catch { return false }
    extensions = Bytes(joining: [pair.withBytes { Bytes(copying: $0) }, extensions])
    return true
  }
}

import MoQKernel

/// What an origin may use, and how it behaves.
public struct RelayConfiguration: Sendable {
  /// The most bytes of everything cached, overheads included.
  public var cacheBytes = 256 << 20
  /// How long an upstream subscription outlives its last subscriber.
  public var linger: Duration = .zero
  /// How long after the application has announced a namespace here its tracks may still be made: whoever asks for one
  /// before that waits so long. Without it a subscriber who is told of the namespace can be quicker than the application.
  public var patience: Duration = .zero
  /// The most publishers that a track is read from at a time, where a dialect asks for all that there are.
  public var maximumPublishers = 8
  /// The most streams of one subscription that have not wholly arrived at the subscriber.
  public var maximumStreams = 256
  /// The most bytes of one subscription that are written and finished, but have not arrived.
  public var maximumOutstandingBytes = 16 << 20
  /// The most fetches of one session that are served at a time.
  public var maximumFetches = 64

  public init() {}
}

/// Who may publish and who may subscribe. Asked once a request; "no" is answered with `unauthorized`.
public struct RelayPolicy {
  public var allowPublish: (TrackNamespace, SessionCore) -> Bool = { _, _ in true }
  public var allowSubscribe: (TrackName, SessionCore) -> Bool = { _, _ in true }
  public init() {}
}

/// What went through an origin, and what did not, and why.
public struct RelayCounters: Equatable, Sendable {
  public var objectsIn: UInt64 = 0
  public var bytesIn: UInt64 = 0
  /// Objects written whole to a subscriber, each counted once a subscriber.
  public var objectsOut: UInt64 = 0
  public var bytesOut: UInt64 = 0

  // MARK: The cache
  /// Groups that went to keep the bound.
  public var groupsEvicted: UInt64 = 0
  /// Groups a subscriber did not get, or not whole, because they were evicted or it was too slow for them.
  public var groupsSkipped: UInt64 = 0
  /// Objects that were there already: a second publisher, a joining fetch that overlaps.
  public var duplicates: UInt64 = 0
  /// Objects of groups that had been evicted before, or of more streams than a group may have.
  public var objectsTooLate: UInt64 = 0
  /// Objects that were not passed on, since their publisher lets them be cached for a time only (MAX_CACHE_DURATION).
  public var objectsStale: UInt64 = 0
  /// Streams reset because their next object was older than the subscriber's delivery timeout.
  public var deliveryTimeouts: UInt64 = 0

  // MARK: What bridging loses, rule by rule
  /// Towards a dialect without object ids: objects that got another number, since ids were missing before them.
  public var objectsRenumbered: UInt64 = 0
  /// Towards a dialect without object ids: objects whose turn had passed when they came.
  public var objectsOutOfOrder: UInt64 = 0
  /// Towards a dialect without object ids: groups not sent because their beginning is not known.
  public var groupsWithoutHead: UInt64 = 0
  /// Towards a dialect without object ids: groups cut at an object that was lost upstream.
  public var groupsCut: UInt64 = 0
  /// Extension headers towards a dialect that has none, in objects.
  public var extensionsDropped: UInt64 = 0
  /// Status objects towards a dialect without them: they became FIN or a gap.
  public var statusesDropped: UInt64 = 0
  /// Reports of groups that will not come, towards a subscriber whose dialect has no words for them.
  public var gapsDropped: UInt64 = 0
  /// Datagram objects that became part of a stream.
  public var datagramsOnStreams: UInt64 = 0
  /// Datagram objects the transport or the dialect did not take.
  public var datagramsDropped: UInt64 = 0
  /// Objects the subscriber's dialect has no words for.
  public var objectsInexpressible: UInt64 = 0

  // MARK: Requests
  /// Announcements a session's dialect has no words for: not told there.
  public var announcementsInexpressible: UInt64 = 0
  public var subscriptionsRefused: UInt64 = 0
  public var fetchesFromCache: UInt64 = 0
  public var fetchesForwarded: UInt64 = 0
  public var fetchesRefused: UInt64 = 0
  /// Another publisher of a track took over.
  public var takeovers: UInt64 = 0

  public init() {}

  /// Objects lost or changed by a bridging rule.
  public var droppedByRule: UInt64 {
    objectsOutOfOrder &+ extensionsDropped &+ statusesDropped &+ datagramsDropped &+ objectsInexpressible
      &+ groupsWithoutHead &+ groupsCut
  }
}

/// A look at an origin at one moment.
public struct RelaySnapshot: Equatable, Sendable {
  public var sessions = 0
  public var tracks = 0
  public var namespaces = 0
  public var subscriptions = 0
  public var cachedGroups = 0
  public var cachedBytes = 0
  public var counters = RelayCounters()
  public init() {}
}

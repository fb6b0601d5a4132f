import MoQKernel
import MoQNetwork
import MoQRelay

/// A relay at one moment, for whoever watches it. Counters only grow.
public struct RelayOverview: Sendable, Equatable {
  /// The relay's counters.
  public var statistics = RelayStatistics()
  /// Sessions that are alive, by dialect and transport; those in their handshake have no dialect yet.
  public var sessions: [SessionCount] = []
  /// QUIC connections: a session of raw QUIC has one of its own, those of WebTransport may share one.
  public var connections = ConnectionCounts()
  /// Groups in the cache.
  public var cachedGroups = 0
  /// What all connections have carried, those that are over included.
  public var carried = CarriedBytes()
  /// The mean of the smoothed round-trip times of the sessions there are; zero without any.
  public var meanRTT = Duration.zero
  /// The highest of them; zero without any.
  public var highestRTT = Duration.zero
  /// Packets that were answered without a connection.
  public var packets = PacketCounters()
  /// A relay without anything.
  public init() {}

  /// How many sessions are alike.
  public struct SessionCount: Sendable, Equatable {
    /// nil: not agreed yet.
    public var dialect: String?
    /// What carries them.
    public var transport: TransportKind
    /// How many they are.
    public var count: Int
    /// So many sessions of a kind.
    public init(dialect: String?, transport: TransportKind, count: Int) {
      (self.dialect, self.transport, self.count) = (dialect, transport, count)
    }
  }
}

/// What connections have carried.
public struct CarriedBytes: Sendable, Equatable {
  /// Bytes of UDP payload.
  public var bytesSent: UInt64 = 0
  /// Bytes of UDP payload.
  public var bytesReceived: UInt64 = 0
  /// QUIC packets.
  public var packetsSent: UInt64 = 0
  /// Packets with stream data that were declared lost, once for each stream in them.
  public var packetsLost: UInt64 = 0

  mutating func add(_ one: TransportStatistics) {
    bytesSent &+= one.bytesSent
    bytesReceived &+= one.bytesReceived
    packetsSent &+= one.packetsSent
    packetsLost &+= one.packetsLost
  }
}

/// Packets that belonged to no connection, and what became of them.
public struct PacketCounters: Sendable, Equatable {
  /// Answered with Retry, for the client to prove its address (`ServerOptions.retry`).
  public var retries: UInt64 = 0
  /// Attempts to connect that were refused.
  public var refusals: UInt64 = 0
  /// Of another version of QUIC: answered with those that are spoken.
  public var versionNegotiations: UInt64 = 0
  /// Of connections that are not known any more: answered with a stateless reset.
  public var statelessResets: UInt64 = 0
  /// Worth no answer.
  public var ignored: UInt64 = 0

  init() {}
  init(_ from: QUICEndpoint.Counters) {
    (retries, refusals, versionNegotiations) = (from.retries, from.refusals, from.versionNegotiations)
    (statelessResets, ignored) = (from.statelessResets, from.ignored)
  }
}

/// Namespaces that are announced at a relay.
public struct AnnouncedList: Sendable, Equatable {
  /// Those that are listed, in order.
  public var announced: [Entry]
  /// How many there are in all, listed or not.
  public var total: Int

  /// One of them.
  public struct Entry: Sendable, Equatable {
    /// What is announced.
    public var namespace: TrackNamespace
    /// The dialect of each session that publishes it.
    public var dialects: [String]
    /// The names of its tracks that are read or kept; others are not known to a relay.
    public var tracks: [String]
  }

  init(_ origin: Origin, limit: Int) {
    let found = origin.announced(limit: limit)
    total = found.total
    announced = found.namespaces.map { one in
      Entry(
        namespace: one.namespace, dialects: one.publishers.compactMap { $0 },
        tracks: one.tracks.map { String(decoding: $0, as: UTF8.self) })
    }
  }
}

extension RelayHub {
  var overview: RelayOverview {
    var look = RelayOverview()
    (look.statistics, look.cachedGroups, look.carried) = (statistics, origin.snapshot.cachedGroups, carried)
    var kinds: [String: RelayOverview.SessionCount] = [:]
    var sum = Duration.zero
    for host in hosts.values {
      let driver = host.driver, numbers = driver.statistics
      look.carried.add(numbers)
      sum += numbers.smoothedRTT
      look.highestRTT = max(look.highestRTT, numbers.smoothedRTT)
      let dialect = driver.core.dialect?.name, transport = driver.kind
      kinds["\(dialect ?? "") \(transport)", default: .init(dialect: dialect, transport: transport, count: 0)].count +=
        1
    }
    if !hosts.isEmpty { look.meanRTT = sum / hosts.count }
    look.sessions = kinds.sorted { $0.key < $1.key }.map(\.value)
    return look
  }
}

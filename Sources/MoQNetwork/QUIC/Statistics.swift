/// How many connections an endpoint has.
public struct ConnectionCounts: Sendable, Equatable {
  /// In their handshake, or open.
  public var alive = 0
  /// Over, and remembered for three probe timeouts: packets that are late are answered with the close (RFC 9000 §10.2).
  public var lingering = 0
  public init(alive: Int = 0, lingering: Int = 0) { (self.alive, self.lingering) = (alive, lingering) }
}

/// A connection's numbers at one moment.
public struct ConnectionStatistics: Sendable {
  /// Round-trip time: smoothed, and the lowest seen.
  public var smoothedRTT: Duration = .zero
  public var minimumRTT: Duration = .zero
  /// Bytes that may be in flight, and that are.
  public var congestionWindow: UInt64 = 0
  public var bytesInFlight: UInt64 = 0
  /// UDP payload bytes.
  public var bytesSent: UInt64 = 0
  public var bytesReceived: UInt64 = 0
  public var packetsSent: UInt64 = 0
  public var packetsReceived: UInt64 = 0
  /// Packets with stream data that were declared lost, counted once for each stream in them.
  public var packetsLost: UInt64 = 0
  public var datagramsSent: UInt64 = 0
  public var datagramsReceived: UInt64 = 0
  /// Datagrams that left the queue unsent because newer ones needed the room, or because they did not fit.
  public var datagramsDropped: UInt64 = 0
  public var datagramsLost: UInt64 = 0

  /// Bits a second that the congestion controller allows: one window a round trip.
  public var sendBitrate: UInt64 = 0
}

import CQuic

/// How connections behave. The defaults suit a relay and its clients.
public struct QUICOptions: Sendable {
  /// A congestion controller of ngtcp2.
  public enum CongestionControl: Sendable { case cubic, reno, bbr }

  /// Silence after which a connection is given up; both sides' shorter one counts. Zero: never.
  public var idleTimeout: Duration = .seconds(30)
  /// A PING is sent after this much silence. Nil: never.
  public var keepAlive: Duration?
  /// The time a handshake may take, over all addresses of the host.
  public var handshakeTimeout: Duration = .seconds(10)

  /// Bytes the peer may send before any are consumed: in all, and on one stream.
  public var connectionWindow: UInt64 = 16 << 20
  public var streamWindow: UInt64 = 4 << 20
  /// Streams the peer may have open at a time.
  public var openBidirectionalStreams: UInt64 = 1_000
  public var openUnidirectionalStreams: UInt64 = 1_000
  /// Streams the peer may open over the life of a connection before `streamCapReached`.
  ///
  /// ngtcp2 before 0.14 keeps a trace of every unidirectional stream that it received (217 bytes each,
  /// until the connection closes), so there the default is a million; elsewhere nil, no cap.
  public var maximumReceivedStreams: UInt64? = QUICOptions.keepsReceivedStreams ? 1_000_000 : nil

  /// Datagrams that wait to be sent; beyond it the oldest is dropped. Zero: the connection takes no datagrams.
  public var datagramQueue = 512
  public var congestionControl: CongestionControl = .cubic
  /// The largest UDP payload, in bytes, that path MTU discovery tries.
  public var maximumPacketSize = 1452
  /// Segmentation and coalescing of packets in the kernel, where it has them.
  public var usesOffload = true

  /// A file to append TLS secrets to, for packet analysers. The environment's SSLKEYLOGFILE counts too.
  public var keyLogPath: String?

  // A listener's:

  /// Makes every client prove its address before any state is kept (a Retry packet, one more round trip).
  public var retry = false
  /// Seeds reset and address tokens, so that they hold across a restart. Empty: random.
  public var secret: [UInt8] = []
  /// Connections an endpoint holds at a time; more are refused.
  public var maximumConnections = 10_000
  /// Unfinished handshakes at a time; beyond half of it clients have to prove their address, beyond it they are ignored.
  public var maximumHandshakes = 1_000

  public init() {}

  /// Whether this ngtcp2 never lets go of unidirectional streams that it received.
  static let keepsReceivedStreams = cq_keeps_remote_uni() != 0
}

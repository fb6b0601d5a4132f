import MoQKernel

// The surface that the rest is built on; the bodies follow.

final class PacketBuffers {}

/// One stream of a connection. Touched on the connection's loop only.
public final class QUICStream {
  /// The stream's QUIC id, or -1 while it waits for the peer's permission to be opened.
  public internal(set) var id: Int64 = -1
  public internal(set) var isBidirectional: Bool
  /// Whether this side opened it.
  public internal(set) var isLocal: Bool
  public unowned(unsafe) let connection: QUICConnection
  /// A slot for its user.
  public var tag: UInt64 = 0
  /// When its bytes are sent, among the connection's streams. May change at any time.
  public var priority: SendPriority = .normal
  /// Bytes queued and not yet in a packet.
  public internal(set) var unsent = 0
  /// Whether the stream is over, both ways.
  public internal(set) var isClosed = false
  init(connection: QUICConnection, bidirectional: Bool, local: Bool) {
    (self.connection, isBidirectional, isLocal) = (connection, bidirectional, local)
  }
  /// Queues `bytes`; the memory is shared, not copied, and let go when the peer has acknowledged it.
  public func write(_ bytes: Bytes) {}
  /// Ends the sending half after what is queued (FIN).
  public func finish() {}
  /// Gives up sending (RESET_STREAM); what is queued is dropped.
  public func reset(_ code: UInt64) {}
  /// Asks the peer to stop sending (STOP_SENDING); nothing more is received.
  public func stop(_ code: UInt64) {}
  /// Gives the peer back the credit for `count` received bytes.
  public func consumed(_ count: Int) {}
}

/// One QUIC connection. Touched on its loop only.
public final class QUICConnection: LoopMember {
  public let loop: Loop
  public var handler: ConnectionHandler
  public let isServer: Bool
  /// The application protocol that was agreed on; empty before `connected`.
  public internal(set) var alpn = ""
  public internal(set) var peerAddress: SocketAddress?
  public internal(set) var localAddress: SocketAddress?
  /// Whether the handshake is complete and nothing has closed the connection.
  public internal(set) var isOpen = false
  init(loop: Loop, handler: ConnectionHandler, isServer: Bool) {
    (self.loop, self.handler, self.isServer) = (loop, handler, isServer)
  }
  /// Opens a stream. If the peer allows none at the moment it waits its turn; what is written is queued.
  public func open(bidirectional: Bool, priority: SendPriority = .normal) -> QUICStream {
    QUICStream(connection: self, bidirectional: bidirectional, local: true)
  }
  /// Queues a datagram. False if it can never be sent: too large, or the peer takes none.
  @discardableResult
  public func send(datagram: Bytes) -> Bool { false }
  /// The most bytes a datagram may have now; 0 if the peer takes none.
  public internal(set) var maximumDatagramSize = 0
  /// Sends what the congestion window allows of what is queued, then CONNECTION_CLOSE.
  public func close(code: UInt64, reason: String = "") {}
  public var statistics: ConnectionStatistics { ConnectionStatistics() }
  /// A PING is sent after this much silence; nil: never.
  public var keepAlive: Duration?
  /// Client: moves to another local port. False if it is too early or impossible.
  @discardableResult
  public func migrate() -> Bool { false }
}

/// Sockets on a loop: listens for connections and makes them. Touched on its loop only.
public final class QUICEndpoint: LoopMember {
  public let loop: Loop
  /// Called on the loop, as is every other method.
  public init(loop: Loop) { self.loop = loop }

  /// Listens. `accept` is called for each connection whose handshake is complete, with its `alpn` known, and
  /// names who handles it. An empty host means all addresses, port 0 any port. Returns the bound addresses.
  public func listen(
    on addresses: [SocketAddress], identity: TLSIdentity, alpns: [String], options: QUICOptions = QUICOptions(),
    accept: @escaping (QUICConnection) -> ConnectionHandler
  ) throws(NetworkError) -> [SocketAddress] { throw .shutDown }

  /// The addresses of `host`; digits, "", "*" and "localhost" need no look-up.
  public static func resolve(host: String, port: UInt16, toListen: Bool = false) async throws(NetworkError) -> [SocketAddress] { [] }

  /// Begins a connection and returns it at once; `handler` learns how it goes on.
  public func connect(
    host: String, port: UInt16, serverName: String? = nil, alpns: [String], trust: TLSTrust,
    options: QUICOptions = QUICOptions(), handler: ConnectionHandler
  ) -> QUICConnection { QUICConnection(loop: loop, handler: handler, isServer: false) }

  public internal(set) var connections: [QUICConnection] = []
  /// Closes all connections and sockets.
  public func close(code: UInt64 = 0, reason: String = "") {}
}

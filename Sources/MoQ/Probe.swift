import MoQKernel
import MoQNetwork

/// What a peer answered to the offer of one dialect.
public struct ProbeResult: Sendable {
  /// What was offered; nil: all that the library speaks.
  public let offered: String?
  /// What came of it.
  public let outcome: Result<Success, MoQError>

  /// A session that came about, and was closed again.
  public struct Success: Sendable {
    /// The dialect that was agreed on.
    public let dialect: SessionDialect
    /// As `host:port`.
    public let peerAddress: String
    /// What the peer calls its implementation; nil: it does not say.
    public let peerImplementation: String?
    /// From the first packet to the agreed dialect.
    public let setupTime: Duration
    /// The round-trip time when the session was closed.
    public let smoothedRTT: Duration
  }
}

/// Connects to `url` offering exactly `dialect` (nil: all), and says what was agreed on or why nothing was.
public func probe(
  _ url: String, dialect: String? = nil, options: SessionOptions = SessionOptions(), on runtime: Runtime = .shared
) async -> ProbeResult {
  var options = options
  options.dialects = dialect.map { .exactly($0) } ?? .automatic
  let start = Instant.now
  do throws(MoQError) {
    let session = try await Session.connect(to: url, options: options, on: runtime)
    let end = Instant.now
    let success = ProbeResult.Success(
      dialect: session.dialect, peerAddress: session.peerAddress, peerImplementation: session.peerImplementation,
      setupTime: .nanoseconds(end.nanoseconds &- start.nanoseconds), smoothedRTT: await session.statistics.smoothedRTT)
    await session.close()
    return ProbeResult(offered: dialect, outcome: .success(success))
  } catch {
    return ProbeResult(offered: dialect, outcome: .failure(error))
  }
}

/// What there is at an address, as far as it can be told from outside.
public enum Encounter: String, Sendable {
  /// Nothing answers over UDP.
  case nothing
  /// A QUIC server that takes neither a protocol of MoQ nor HTTP/3.
  case otherProtocol = "other-protocol"
  /// An HTTP/3 server that says nothing of WebTransport.
  case http3WithoutWebTransport = "http3-without-webtransport"
  /// An HTTP/3 server with WebTransport, whether or not there is a MoQ session to be had.
  case webTransport = "webtransport"
  /// It is QUIC; what is behind it cannot be told, as its certificate is not trusted or the handshake failed.
  case quic
}

/// Finds out what listens where no session came about: asks for WebTransport, and looks at how that fails.
public func encounter(
  at url: SessionURL, options: SessionOptions = SessionOptions(), on runtime: Runtime = .shared
) async -> Encounter {
  var url = url
  url.scheme = .https
  switch await probe(url.description, options: options, on: runtime).outcome {
  case .success: return .webTransport
  case .failure(let error):
    guard let close = error.cause as? ConnectionClose else {
      // The session itself failed, so there was one.
      return error.cause is SessionEnd ? .webTransport : .nothing
    }
    return Encounter(close)
  }
}

extension Encounter {
  fileprivate init(_ close: ConnectionClose) {
    switch close {
    case .refused, .handshakeTimeout, .unreachable, .unresolved, .failed: self = .nothing
    case .tls(.noCommonProtocol, _): self = .otherProtocol
    case .webTransport(.unsupported): self = .http3WithoutWebTransport
    case .webTransport: self = .webTransport
    case .tls, .version, .application, .transport, .idleTimeout, .statelessReset, .http3: self = .quic
    }
  }
}

import MoQKernel

/// What a peer answered to the offer of one dialect.
public struct ProbeResult: Sendable {
  /// What was offered; nil: all that the library speaks.
  public let offered: String?
  /// What came of it.
  public let outcome: Result<Success, MoQError>

  public struct Success: Sendable {
    public let dialect: SessionDialect
    public let peerAddress: String
    public let peerImplementation: String?
    /// From the first packet to the agreed dialect.
    public let setupTime: Duration
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

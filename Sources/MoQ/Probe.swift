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
  ProbeResult(offered: dialect, outcome: .failure(MoQError(.unsupported, "")))
}

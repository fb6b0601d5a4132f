import MoQKernel
import MoQNetwork

extension Session {
  /// Connects to `url` and waits until both sides have agreed on a dialect.
  ///
  /// Dialects differ in how a session begins, and one first message cannot offer all. A peer that makes nothing of it,
  /// and says so or stays silent, is connected to again with the next, within the same `connectTimeout`:
  /// `SessionOptions.onFurtherAttempt`.
  ///
  /// Throws `badURL`, `badOption`, `unsupported`, `unknownHost`, `nothingListens`, `untrusted`,
  /// `noWebTransport`, `noCommonDialect`, `refused`, `unauthorized`, `timeout`, `violation`, `transport` or `cancelled`.
  public static func connect(
    to url: String, options: SessionOptions = SessionOptions(), on runtime: Runtime = .shared
  ) async throws(MoQError) -> Session {
    let target = try SessionURL(url)
    try options.check()
    let trust = try options.tls()
    let deadline = Instant.now.advanced(by: options.connectTimeout)
    var options = options, first: Attempt.Failure?
    for number in 0..<Attempt.maximum {
      let attempt = Attempt(target, options, trust, opening: number, runtime)
      let failure: Attempt.Failure
      switch await attempt.outcome() {
      case .success(let session): return session
      case .failure(let found): failure = found
      }
      if [.cancelled, .unauthorized].contains(failure.error.code) { throw failure.error }
      let told = first ?? failure
      first = told
      let left = deadline.nanoseconds.subtractingReportingOverflow(Instant.now.nanoseconds)
      guard failure.isNotUnderstood, !left.overflow, left.partialValue > 0,
        number + 1 < min(told.openings.count, Attempt.maximum)
      else { throw told.error }
      options.connectTimeout = .nanoseconds(Int64(clamping: left.partialValue))
      options.onFurtherAttempt?(
        FurtherAttempt(
          number: number + 2, dialects: told.openings[number + 1], timeLeft: options.connectTimeout,
          failure: failure.error))
    }
    throw first?.error ?? .cancelledTask
  }
}

/// A peer made nothing of how a session began, and is connected to again.
public struct FurtherAttempt: Sendable {
  /// Counted from 1, which was the first.
  public let number: Int
  /// What is offered now.
  public let dialects: [String]
  /// How much is left of the time that connecting may take.
  public let timeLeft: Duration
  /// What came of the attempt before.
  public let failure: MoQError
}

/// One connection to a peer that may become a session.
private final class Attempt: Sendable {
  /// How many there may be, one after the other.
  static let maximum = 4

  struct Failure: Error {
    var error: MoQError
    /// Whether the peer may understand another of the openings.
    var isNotUnderstood = false
    /// The dialects that each way to begin offers.
    var openings: [[String]] = []
  }
  private let shared: SessionShared
  private let requests = Inbox<IncomingRequest>()
  private let host = Promise<LoopBound<SessionHost>>()
  private let facts = Promise<Result<SessionFacts, Failure>>()

  init(_ target: SessionURL, _ options: SessionOptions, _ trust: TLSTrust, opening: Int, _ runtime: Runtime) {
    let loop = runtime.loop
    shared = SessionShared(loop: loop)
    loop.post { [self] in
      var configuration = options.configuration(
        path: target.path.isEmpty ? nil : target.path, authority: target.authority)
      configuration.opening = opening
      // All that is left is for the last one.
      configuration.openingTimeout = min(configuration.openingTimeout, options.connectTimeout / 2)
      let core = SessionCore(role: .client, options: configuration, registry: options.registry)
      let driver = SessionDriver(core, loop: loop)
      driver.traces = options.traces?.folder
      let host = SessionHost(driver: driver, options: options, peer: target.authority, shared: shared)
      host.publishing = PublishingHost(host, requests: requests)
      self.host.fulfil(LoopBound(host, on: loop))
      var request: WebTransportRequest?
      switch target.scheme {
      case .moqt: host.offered = SessionCore.alpns(for: configuration, registry: options.registry)
      case .https:
        host.offered = SessionCore.subprotocols(for: configuration, registry: options.registry)
        request = WebTransportRequest(
          authority: target.authority, path: target.path, origin: options.origin, protocols: host.offered)
      }
      host.onOutcome = { [facts] result in
        facts.fulfil(
          result.mapError { Failure(error: $0, isNotUnderstood: core.isNotUnderstood, openings: core.openings) })
      }
      driver.connect(
        on: runtime.clientEndpoint, host: target.host, port: target.port, alpns: host.offered, trust: trust,
        options: options.quic, request: request)
    }
  }

  /// Waits for what comes of it. If the task is cancelled before, the connection is given up.
  func outcome() async -> Result<Session, Failure> {
    guard let result = await facts.wait() else {
      shared.loop.post { [host] in host.value?.value.close("") }
      return .failure(Failure(error: .cancelledTask))
    }
    return result.flatMap { facts in
      guard let host = host.value else { return .failure(Failure(error: .cancelledTask)) }
      return .success(Session(host, shared: shared, facts: facts, inbox: requests))
    }
  }
}

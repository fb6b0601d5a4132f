import MoQ
import Synchronization

/// Where a command connects to, and how it trusts what it finds there.
struct Destination: Sendable {
  let url: SessionURL
  let options: SessionOptions
  private let verbose: Bool

  init(_ text: String, _ arguments: Arguments) throws {
    let url = try SessionURL(text)
    var options = try SessionOptions(arguments)
    verbose = arguments.has(.verbose)
    if verbose {
      options.onFurtherAttempt = { attempt in
        note(
          "\(url.authority) made nothing of how the session began; connecting again, attempt \(attempt.number), "
            + "with \(attempt.dialects.joined(separator: ", "))")
      }
    }
    (self.url, self.options) = (url, options)
  }

  /// Connects, lends the session to `body`, and closes it. If the session ends before `body` does, that is cancelled.
  func withSession(_ body: @escaping @Sendable (Session) async throws -> Void) async throws {
    if options.trust == .none {
      note(
        "\(Style(for: .error).yellow("Warning:")) the certificate of \(url.authority) is not checked "
          + "(--tls-disable-verify): whoever is in between can read and change everything.")
    }
    if verbose { note("Connecting to \(url)") }
    let started = ContinuousClock.now
    let session = try await connect()
    do {
      if verbose {
        let peer = session.peerImplementation.map { ", which calls itself \($0)" } ?? ""
        let took = (ContinuousClock.now - started).shown
        note("Connected to \(session.peerAddress) in \(took): \(session.dialect)\(peer)")
      }
      try await run(body, with: session)
      if verbose { note(await session.statistics.shown) }
    } catch {
      await session.close()
      throw error
    }
    await session.close()
  }

  private func connect() async throws -> Session {
    let failure: MoQError
    do {
      return try await Session.connect(to: url.description, options: options)
    } catch {
      failure = error
    }
    guard failure.code == .noCommonDialect else { throw Failure(failure.message + failure.hint(for: url)) }
    // TLS does not say what the peer has, so it is asked.
    let offered = options.dialects.names
    let spoken = await spoken(besides: offered)
    guard !spoken.isEmpty else { throw failure }
    throw Failure(
      "no dialect in common with \(url.authority): \(offered.joined(separator: ", ")) was offered, "
        + "and it speaks \(spoken.joined(separator: ", ")); offer that with --draft, or leave --draft out")
  }
}

extension Destination {
  /// The dialects besides these that the peer agrees to, each offered alone.
  func spoken(besides others: [String]) async -> [String] {
    var spoken: [String] = []
    for dialect in Runtime.dialectNames where !others.contains(dialect) && !Task.isCancelled {
      let result = await probe(url.description, dialect: dialect, options: options)
      if case .success = result.outcome { spoken.append(dialect) }
    }
    return spoken
  }

  /// A publisher that waits for its input would not notice that nobody takes it any more; so the session is watched.
  private func run(_ body: @escaping @Sendable (Session) async throws -> Void, with session: Session) async throws {
    let work = Task { try await body(session) }
    let watch = Task {
      _ = await session.closed
      work.cancel()
    }
    defer { watch.cancel() }
    do {
      try await withTaskCancellationHandler {
        try await work.value
      } onCancel: {
        work.cancel()
      }
    } catch  where isCancellation(error) && !Task.isCancelled && session.isClosed {
      throw Failure("\(url.authority) ended the session: \(await session.closed); see what it says, or connect again")
    }
  }

  private func isCancellation(_ error: any Error) -> Bool {
    error is CancellationError || (error as? MoQError)?.code == .cancelled
  }
}

extension SessionOptions {
  /// As the options that all connecting commands share say.
  init(_ arguments: Arguments) throws {
    self.init(dialects: try Dialects(arguments), trust: .system)
    profiles = try profileNames(arguments)
    try arguments.exclude(.disableVerify, .authority, .fingerprint)
    if arguments.has(.disableVerify) { trust = .none }
    if let file = arguments.text(.authority) { trust = .file(file) }
    if let text = arguments.text(.fingerprint) {
      let digits = text.filter { $0 != ":" && $0 != " " }
      guard digits.count == 64, digits.allSatisfy(\.isHexDigit) else {
        throw Misuse("--tls-fingerprint wants a SHA-256, 64 hexadecimal digits, not \"\(text)\"")
      }
      trust = .fingerprint(digits.lowercased())
    }
    traces = try TraceDirectory(arguments)
    if let limit = try arguments.seconds(.timeout) { (connectTimeout, requestTimeout) = (limit, limit) }
  }
}

extension TraceDirectory {
  /// As `--qlog` and `--qlog-sample` say; nil: no traces are wanted.
  convenience init?(_ arguments: Arguments) throws {
    let sample = try arguments.number(.qlogSample, in: 1...1_000_000_000)
    guard let path = arguments.text(.qlog) else {
      if sample != nil { throw Misuse("--qlog-sample needs a folder: --qlog DIR") }
      return nil
    }
    try self.init(path, oneIn: sample ?? 1)
    Self.used.withLock { $0 = self }
  }
  /// Waits until the traces of this process are written.
  static func finish() { used.withLock { $0 }?.flush() }
  private static let used = Mutex<TraceDirectory?>(nil)
}

extension SessionOptions.Dialects {
  /// None: automatic; one: exactly that; several: in that order.
  init(_ arguments: Arguments) throws(Misuse) {
    let names = arguments.texts(.draft)
    for name in names { try checkDialect(name) }
    self = names.isEmpty ? .automatic : names.count == 1 ? .exactly(names[0]) : .list(names)
  }
}

extension SessionOptions.Dialects {
  /// What is offered, by name.
  var names: [String] {
    switch self {
    case .automatic: Runtime.dialectNames
    case .list(let names): names
    case .exactly(let name): [name]
    }
  }
}

/// Throws if no dialect has that name: of those that sessions speak, unless others are given.
func checkDialect(_ name: String, among known: [String] = Runtime.dialectNames) throws(Misuse) {
  guard !known.contains(name) else { return }
  let hint = nearest(name, among: known).map { "did you mean \($0)?" } ?? "there are \(known.joined(separator: ", "))"
  throw Misuse("there is no dialect \"\(name)\"; \(hint)")
}

/// The names that `--profile` gives.
func profileNames(_ arguments: Arguments) throws(Misuse) -> [String] {
  let names = arguments.texts(.profile), known = Runtime.profileNames
  for name in names where !known.contains(name) {
    let hint = nearest(name, among: known).map { "did you mean \($0)?" } ?? "there are \(known.joined(separator: ", "))"
    throw Misuse("there is no profile \"\(name)\"; \(hint)")
  }
  return names
}

extension SessionStatistics {
  /// For people, on one line.
  var shown: String {
    "Sent \(size(bytesSent)), received \(size(bytesReceived)); round trip \(smoothedRTT.shown), "
      + "\(decimal(loss * 100, 2)) % of \(packetsSent) packets lost"
  }
}

extension TrackNamespace {
  /// A namespace as a user writes it: `a/b/c`.
  init(written text: String) throws(Misuse) {
    self.init(path: text)
    guard count > 0 else { throw Misuse("\"\(text)\" is no namespace: write it as a/b/c") }
    guard count <= TrackNamespace.maximumFields else {
      throw Misuse("the namespace has \(count) parts; \(TrackNamespace.maximumFields) are allowed")
    }
    guard byteCount <= TrackNamespace.maximumBytes else {
      throw Misuse("the namespace has \(byteCount) bytes; \(TrackNamespace.maximumBytes) are allowed")
    }
  }
}

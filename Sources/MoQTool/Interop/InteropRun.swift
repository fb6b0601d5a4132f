import MoQ
import MoQDrafts
import Synchronization

/// One test as it runs: it makes the sessions that the test asks for, and remembers what is told of it afterwards.
final class InteropRun: Sendable {
  /// The dialect has no words for what the test is about.
  struct Inapplicable: Error { let reason: String }
  /// The peer did something else than the test asks for.
  struct Unexpected: Error { let received: String, message: String }

  private struct State {
    var ids: [(name: String, id: String)] = []
    var dialect: String?
    /// What is waited for.
    var expected: String?
    var sessions: [Session] = []
  }
  private let state = Mutex(State())
  private let url: String
  private let options: SessionOptions
  private let isVerbose: Bool
  /// 128 random bits: no relay has seen such a name before.
  let id: String

  init(_ url: String, _ options: SessionOptions, isVerbose: Bool) {
    (self.url, self.options, self.isVerbose) = (url, options, isVerbose)
    var random = SystemRandomNumberGenerator()
    id = hexadecimal((0..<16).map { _ in UInt8.random(in: 0...255, using: &random) })
  }

  var ids: [(name: String, id: String)] { state.withLock { $0.ids } }
  var dialect: String? { state.withLock { $0.dialect } }
  var expected: String? { state.withLock { $0.expected } }

  /// Connects, as the publisher or the subscriber where a test has both.
  func connect(as role: String? = nil) async throws -> Session {
    expect(.serverSetup)
    let session = try await Session.connect(to: url, options: options)
    state.withLock {
      $0.ids.append((role.map { "\($0)_connection_id" } ?? "connection_id", session.connectionID))
      $0.dialect = session.dialect.name
      $0.sessions.append(session)
    }
    say("\(role ?? "client") connected to \(session.peerAddress), \(session.dialect)")
    return session
  }

  /// What is waited for from now on, as the dialect calls it.
  func expect(_ kind: MessageKind) {
    let dialect = dialects.named(dialect ?? options.dialects.names[0])
    expect(dialect.flatMap { $0.speaks(kind) ? $0.name(of: kind) : nil } ?? "a yes (\(kind))")
  }
  func expect(_ what: String) {
    state.withLock { $0.expected = what }
    say("waiting for \(what)")
  }

  func say(_ text: String) { if isVerbose { note("  \(text)") } }

  /// Closes a session as one that is done, and fails if the peer had closed it before, or does not go quietly.
  func close(_ session: Session) async throws {
    expect("a clean close")
    if let ended = session.closure { throw Unexpected(received: "\(ended)", message: "the session ended too early") }
    await session.close()
    guard let end = session.closure, end.isClean else {
      throw Unexpected(received: session.closure.map { "\($0)" } ?? "nothing", message: "the session did not end well")
    }
  }
  func closeAll() async {
    for session in state.withLock({ $0.sessions }) { await session.close() }
  }
}

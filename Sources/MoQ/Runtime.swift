import MoQDrafts
import MoQKernel
import MoQNetwork

/// The thread on which sessions, servers and relays do their work.
///
/// All share one unless they are given another.
public final class Runtime: Sendable {
  /// The one that is used if none is given. Started when it is first needed.
  public static let shared = Runtime(name: "moq")

  let loop: Loop
  private let client: LoopBound<ClientEndpoint>

  /// Starts a thread.
  public init(name: String) {
    loop = Loop(name: name)
    client = LoopBound(ClientEndpoint(), on: loop)
  }

  /// The runtime's monotonic clock, read now.
  public static var now: Instant { .now }
  /// The names of the dialects that come with the library, in order of preference.
  public static var dialectNames: [String] { MoQDrafts.dialects.map { $0.name } }
  /// The names of the peer profiles that `SessionOptions.profiles` may ask for; `text`: none, even if one shows itself.
  public static var profileNames: [String] { profileNames(of: MoQDrafts.dialects) }
  static func profileNames(of dialects: [any Dialect.Type]) -> [String] {
    dialects.flatMap { $0.rules.profileNames }.reduce(into: ["text"]) { names, name in
      if !names.contains(name) { names.append(name) }
    }
  }

  /// The endpoint that all sessions of clients share. On the loop only.
  var clientEndpoint: QUICEndpoint { client.value.endpoint(loop) }

  /// Waits until no connection of a client is left, not even one that lingers after its end. Ends early with the task.
  public func clientConnectionsGone() async {
    guard let endpoint = try? await loop.run({ LoopBound(self.clientEndpoint, on: self.loop) }) else { return }
    await endpoint.connectionsGone(on: loop)
  }
}

private final class ClientEndpoint {
  private var existing: QUICEndpoint?
  func endpoint(_ loop: Loop) -> QUICEndpoint {
    if let existing { return existing }
    let endpoint = QUICEndpoint(loop: loop)
    existing = endpoint
    return endpoint
  }
}

extension SessionOptions {
  /// All dialects there are, the extra ones first.
  var registry: [any Dialect.Type] { extraDialects + MoQDrafts.dialects }

  /// Throws `badOption` for a dialect that nobody registered, and for a profile that none of them has.
  func check() throws(MoQError) {
    let names: [String] =
      switch dialects {
      case .automatic: []
      case .list(let names): names
      case .exactly(let name): [name]
      }
    let known = registry.map { $0.name }
    for name in names where !known.contains(name) {
      throw MoQError(.badOption, "no dialect is called \"\(name)\"; there are \(known.joined(separator: ", "))")
    }
    if case .list(let names) = dialects, names.isEmpty {
      throw MoQError(.badOption, "the list of dialects is empty; say .automatic for all")
    }
    let flavours = Runtime.profileNames(of: registry)
    for name in profiles where !flavours.contains(name) {
      throw MoQError(.badOption, "no profile is called \"\(name)\"; there are \(flavours.joined(separator: ", "))")
    }
  }

  func configuration(path: String? = nil, authority: String? = nil) -> SessionConfiguration {
    var configuration = SessionConfiguration()
    switch dialects {
    case .automatic: configuration.dialects = .automatic
    case .list(let names): configuration.dialects = .list(names)
    case .exactly(let name): configuration.dialects = .exactly(name)
    }
    configuration.profiles = profiles
    (configuration.path, configuration.authority) = (path, authority)
    configuration.implementation = implementation
    (configuration.authorization, configuration.tokenCacheBytes) = (authorization, tokenCache)
    configuration.handshakeTimeout = connectTimeout
    configuration.requestTimeout = requestTimeout
    configuration.goAwayTimeout = goAwayTimeout
    return configuration
  }

  var quic: QUICOptions {
    var quic = QUICOptions()
    (quic.idleTimeout, quic.keepAlive, quic.handshakeTimeout) = (idleTimeout, keepAlive, connectTimeout)
    quic.connectionWindow = UInt64(max(receiveBuffer, 1 << 20))
    quic.streamWindow = min(quic.streamWindow, quic.connectionWindow / 4)
    quic.keyLogPath = keyLog
    return quic
  }

  func tls() throws(MoQError) -> TLSTrust {
    switch trust {
    case .system: return .system
    case .file(let path): return .file(path)
    case .none: return .none
    case .fingerprint(let text):
      var bytes: [UInt8] = [], high: UInt8?
      for character in text where character != ":" {
        guard let digit = character.hexDigitValue.map({ UInt8($0) }) else { bytes = []; break }
        if let first = high { bytes.append(first << 4 | digit); high = nil } else { high = digit }
      }
      guard bytes.count == 32, high == nil else {
        throw MoQError(.badOption, "\"\(text)\" is not a SHA-256 in hexadecimal: 64 digits are wanted")
      }
      return .fingerprints([bytes])
    }
  }
}

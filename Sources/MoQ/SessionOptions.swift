/// What a session is made with.
public struct SessionOptions: Sendable {
  /// Which dialects the session may end up speaking, by name.
  public enum Dialects: Sendable, Equatable {
    /// Whatever both sides speak, the newest first.
    case automatic
    /// Only these, best first.
    case list([String])
    /// This one or none.
    case exactly(String)
  }

  /// Which certificates of a server a client accepts.
  public enum Trust: Sendable, Equatable {
    /// Those signed by an authority that the system trusts.
    case system
    /// Those signed by an authority in this PEM file.
    case file(String)
    /// The one whose SHA-256 (of the certificate in DER) is this, in hexadecimal, with or without colons.
    case fingerprint(String)
    /// Every certificate. Whoever is in between can read and change everything: for tests only.
    case none
  }

  /// The ways to answer what the peer asks for.
  public enum Requests: Sendable, Equatable {
    /// What is published on the session is served, and announcements are accepted; the rest is refused.
    case automatic
    /// Every request waits for an answer on `session.requests`.
    case ask
  }

  /// Which dialects may be spoken.
  public var dialects = Dialects.automatic
  /// Which certificates a client accepts; a server asks for none.
  public var trust = Trust.system
  /// On whose behalf a client asks for a WebTransport session, as a browser would say it of a page; nil: on its own.
  public var origin: String?
  /// Dialects beside those that come with the library; preferred to them.
  public var extraDialects: [any Dialect.Type] = []
  /// Peer profiles (named deviations from a dialect's text) to assume; some are detected anyway. A client begins in
  /// theirs; a server takes every handshake, and assumes them of peers that show none. `text`: none.
  public var profiles: [String] = []
  /// Who answers what the peer asks for.
  public var requests = Requests.automatic
  /// Tokens for the handshake, where the dialect carries them.
  public var authorization: [AuthorizationToken] = []
  /// Bytes of tokens that a peer may register, to send a number in their place later; 0: none. A session at a time.
  public var tokenCache = 16 << 10
  /// What we call ourselves, where the dialect has a place for it; empty: nothing is said.
  public var implementation = "swift-moq"

  /// Told when a client connects once more, since the peer made nothing of what it began with. Must not wait.
  public var onFurtherAttempt: (@Sendable (FurtherAttempt) -> Void)?
  /// How long connecting, the handshake of the dialect and further attempts included, may take.
  public var connectTimeout: Duration = .seconds(10)
  /// How long an answer to a request may take.
  public var requestTimeout: Duration = .seconds(10)
  /// How long a peer may stay after `Session.sendGoAway`. Then the session is closed.
  public var goAwayTimeout: Duration = .seconds(10)
  /// Silence after which the connection is given up.
  public var idleTimeout: Duration = .seconds(30)
  /// A sign of life is sent after this much silence. nil: never.
  public var keepAlive: Duration? = .seconds(8)

  /// The most bytes of objects that a session holds for consumers that have not taken them.
  ///
  /// The peer gets no credit for more until some have been taken.
  public var receiveBuffer = 16 << 20
  /// The most bytes an object may have; a stream with a larger one is stopped.
  public var maximumObjectSize = 64 << 20
  /// The most bytes kept of what is published on the session; the oldest complete groups go first.
  public var publishCache = 64 << 20
  /// A file to append TLS secrets to, for packet analysers. The environment's SSLKEYLOGFILE counts, too.
  public var keyLog: String?
  /// Where sessions leave traces of what they say and hear; nil: nowhere, at no cost.
  public var traces: TraceDirectory?

  /// What each member says beside itself, with these dialects and this trust.
  public init(dialects: Dialects = .automatic, trust: Trust = .system) {
    (self.dialects, self.trust) = (dialects, trust)
  }
}

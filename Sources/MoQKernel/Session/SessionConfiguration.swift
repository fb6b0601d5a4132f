/// Which dialects a session may end up speaking.
public enum DialectChoice: Equatable, Sendable {
  /// Whatever both sides speak, the registry's order of preference.
  case automatic
  /// Only these, by name, best first.
  case list([String])
  /// This one or none.
  case exactly(String)
}

/// What a session is made with, and stays with.
public struct SessionConfiguration: Sendable {
  public var dialects = DialectChoice.automatic
  /// Names of peer profiles that are asked for; some are detected anyway. A client begins in theirs, a server assumes
  /// them of peers that show none.
  public var profiles: [String] = []
  /// Which of `SessionCore.openings` a client begins with: 0 is the best.
  public var opening = 0
  /// How long a client waits for the answer to one that is not the last of them.
  public var openingTimeout: Duration = .seconds(3)
  /// The URL's path, with its query. A client sends it in its setup on raw QUIC wherever there is one.
  public var path: String?
  /// The URL's host and port, where the dialect has a parameter for it. Raw QUIC only.
  public var authority: String?
  /// What we call ourselves in the setup; empty: nothing is said.
  public var implementation = "swift-moq"
  public var authorization: [AuthorizationToken] = []
  /// Bytes of tokens that the peer may register with us (MAX_AUTH_TOKEN_CACHE_SIZE); 0: none.
  public var tokenCacheBytes = 16 << 10
  /// The most bytes of tokens kept for requests that wait for our answer.
  public var maximumTokenBytes = 1 << 20

  /// Request ids that the peer may use before it must wait for more credit. Granted in the setup; more is
  /// granted when it asks or has used up three quarters, since some peers close when it comes unasked.
  public var requestCredit: UInt64 = 1 << 32
  /// How long connecting, the setup included, may take.
  public var handshakeTimeout: Duration = .seconds(10)
  /// How long after our GOAWAY the session is closed.
  public var goAwayTimeout: Duration = .seconds(10)
  /// How long an answer to a request, ours or the peer's, may take.
  public var requestTimeout: Duration = .seconds(10)

  /// The most requests of either side that may be open at a time.
  public var maximumOpenRequests = 65_536
  /// The most prefixes below which the peer may ask for announcements.
  public var maximumInterests = 1_024
  /// The most streams the peer may have open at a time.
  public var maximumIncomingStreams = 4_096
  /// The most requests of ours that wait for the peer's credit.
  public var maximumQueuedRequests = 1_024
  /// The most streams that are held while the request they belong to is not known.
  public var maximumHeldStreams = 128
  /// The most bytes such streams may have together.
  public var maximumHeldBytes = 1 << 20
  /// How long such a stream is held.
  public var heldStreamTimeout: Duration = .seconds(2)
  /// How long after the end of a subscription streams that were counted may still come.
  public var doneTimeout: Duration = .seconds(1)
  /// The most bytes of one control message that has not arrived whole.
  public var maximumControlMessage = 1 << 20
  /// The most effects and the most events that wait to be drained. At the bound the session closes.
  public var maximumQueue = 262_144
  /// The most bytes queued on one outgoing stream before `room` is used up.
  public var highWater = 256 << 10
  /// `.writable` comes when no more than this is queued.
  public var lowWater = 64 << 10

  public init() {}
}

/// A command that was not carried out. The session goes on.
public struct CommandError: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The dialect has no words for it.
    case inexpressible
    /// The session is not established yet, or is over, or is going away.
    case notOpen
    /// No request or stream of that key is in a state that allows it.
    case wrongState
    /// A limit of ours is reached.
    case limit
  }
  public var kind: Kind
  public var phrase: String
  public init(_ kind: Kind, _ phrase: String) { (self.kind, self.phrase) = (kind, phrase) }
  public var description: String { "\(kind): \(phrase)" }
}

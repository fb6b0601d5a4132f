/// What every call of this module throws: a code to branch on, and a sentence to show.
///
/// The sentence says what happened, where, and what to try. `cause` is the error below it, if there was one.
public struct MoQError: Error, Sendable, CustomStringConvertible {
  /// What went wrong, for code to branch on. New codes may come; always keep a `default`.
  public struct Code: Hashable, Sendable, CustomStringConvertible {
    let name: String
    /// Its name, as in `unknown-track`.
    public var description: String { name }

    /// The URL cannot be read, or has a scheme that is not spoken.
    public static let badURL = Code(name: "bad-url")
    /// An option is out of its range, names nothing known, or does not go with another.
    public static let badOption = Code(name: "bad-option")
    /// The host's name has no address.
    public static let unknownHost = Code(name: "unknown-host")
    /// No answer came from the address within the time allowed.
    public static let nothingListens = Code(name: "nothing-listens")
    /// The peer's certificate was refused by us, or ours by the peer.
    public static let untrusted = Code(name: "untrusted")
    /// There is a server, and it has no WebTransport.
    public static let noWebTransport = Code(name: "no-webtransport")
    /// The two sides have no dialect in common.
    public static let noCommonDialect = Code(name: "no-common-dialect")
    /// The address is already taken by another socket.
    public static let addressInUse = Code(name: "address-in-use")
    /// The system does not let this process do that.
    public static let permissionDenied = Code(name: "permission-denied")
    /// The track or the broadcast is not known to the peer.
    public static let unknownTrack = Code(name: "unknown-track")
    /// The peer said no to a request.
    public static let refused = Code(name: "refused")
    /// The peer wants an authorization that it was not given, or that it does not accept.
    public static let unauthorized = Code(name: "unauthorized")
    /// The peer did not answer in time.
    public static let timeout = Code(name: "timeout")
    /// The peer ended the session, or the connection died.
    public static let sessionClosed = Code(name: "session-closed")
    /// The peer broke the rules of the dialect; the session was closed with the reason.
    public static let violation = Code(name: "violation")
    /// The dialect that was negotiated cannot say this.
    public static let inexpressible = Code(name: "inexpressible")
    /// The task was cancelled, or our own side ended what the call waited for.
    public static let cancelled = Code(name: "cancelled")
    /// The group, the track or the broadcast has been ended already.
    public static let ended = Code(name: "ended")
    /// A limit of ours was reached; the sentence says which.
    public static let limit = Code(name: "limit")
    /// The library cannot do this yet.
    public static let unsupported = Code(name: "unsupported")
    /// The operating system or the transport failed.
    public static let transport = Code(name: "transport")
  }

  /// What went wrong, for code.
  public let code: Code
  /// What went wrong, for people.
  public let message: String
  /// The error below it, as `RequestFailure`, `SessionEnd`, `CommandError` or `ConnectionClose`; nil: there was none.
  public let cause: (any Error & Sendable)?

  /// An error of this module's kind, for what is built on it.
  public init(_ code: Code, _ message: String, cause: (any Error & Sendable)? = nil) {
    (self.code, self.message, self.cause) = (code, message, cause)
  }

  /// The sentence.
  public var description: String { message }
}

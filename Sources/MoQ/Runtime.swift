/// The thread on which sessions, servers and relays do their work.
///
/// All share one unless they are given another.
public final class Runtime: Sendable {
  /// The one that is used if none is given. Started when it is first needed.
  public static let shared = Runtime(name: "moq")

  /// Starts a thread.
  public init(name: String) {}

  /// The runtime's monotonic clock, read now.
  public static var now: Instant { Instant(nanoseconds: 0) }
  /// The names of the dialects that come with the library, in order of preference.
  public static var dialectNames: [String] { [] }
}

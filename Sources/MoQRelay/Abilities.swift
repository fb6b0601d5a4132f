import MoQKernel

/// What can be said to a session, as far as the relay's choices depend on it.
public struct Abilities: Equatable, Sendable {
  /// Groups have subgroups, and objects have ids that are kept.
  public var subgroups = true
  /// Objects may have a status.
  public var statuses = true
  /// Objects may have extension headers.
  public var extensions = true
  /// Objects may travel in datagrams.
  public var datagrams = true
  /// The past can be asked for with FETCH.
  public var fetch = true
  /// A subscription may begin with the group that is current, its beginning included.
  public var currentGroup = false
  public init() {}
}

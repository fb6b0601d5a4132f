/// All that is known of an object beside its payload.
public struct ObjectInfo: Equatable, Sendable {
  public var group: UInt64 = 0
  /// 0 in dialects that have no subgroups.
  public var subgroup: UInt64 = 0
  public var id: UInt64 = 0
  /// The publisher's priority: lower is sent first.
  public var priority: UInt8 = 128
  public var status = ObjectStatus.normal
  /// Extension headers as key-value pairs (§1.4.2 of draft-14), without a count or length in front.
  public var extensions = Bytes()
  /// Bytes of payload that follow.
  public var payloadLength: UInt64 = 0

  public init() {}
  @inline(__always) public init(
    group: UInt64, subgroup: UInt64 = 0, id: UInt64, priority: UInt8 = 128, status: ObjectStatus = .normal,
    extensions: Bytes = Bytes(), payloadLength: UInt64 = 0
  ) {
    (self.group, self.subgroup, self.id, self.priority) = (group, subgroup, id, priority)
    (self.status, self.extensions, self.payloadLength) = (status, extensions, payloadLength)
  }
  public var location: Location { Location(group, id) }
}

/// What a subgroup's stream says once, before its objects.
public struct SubgroupInfo: Equatable, Sendable {
  public var group: UInt64
  public var subgroup: UInt64
  public var priority: UInt8
  /// Whether the last object before FIN is the group's last, as far as the stream's type says so.
  public var endsGroup: Bool
  /// Whether objects carry extension headers.
  public var hasExtensions: Bool
  public init(
    group: UInt64, subgroup: UInt64 = 0, priority: UInt8 = 128, endsGroup: Bool = false, hasExtensions: Bool = false
  ) {
    (self.group, self.subgroup, self.priority) = (group, subgroup, priority)
    (self.endsGroup, self.hasExtensions) = (endsGroup, hasExtensions)
  }
}

// What the kernel means by each message. None carries a version; a dialect decides how to spell it.
// Ids and aliases are here because messages carry them; nothing above the session sees one.

public struct ClientSetup: Equatable, Sendable {
  public var versions: [UInt64] = []
  public var parameters: [Parameter] = []
  public init() {}
}

public struct ServerSetup: Equatable, Sendable {
  public var version: UInt64 = 0
  public var parameters: [Parameter] = []
  public init() {}
}

/// Bits per second that the sender expects of this session; 0 where it does not know.
public struct SessionUpdate: Equatable, Sendable {
  public var bitrate: UInt64 = 0
  public init() {}
}

public struct GoAway: Equatable, Sendable {
  /// Where to go instead, at most 8,192 bytes; empty: the same place.
  public var uri: [UInt8] = []
  public init() {}
}

/// From now on request ids below `limit` are welcome.
public struct MaxRequestID: Equatable, Sendable {
  public var limit: UInt64 = 0
  public init() {}
}

public struct RequestsBlocked: Equatable, Sendable {
  public var limit: UInt64 = 0
  public init() {}
}

public struct Subscribe: Equatable, Sendable {
  public var id: UInt64 = 0
  public var trackAlias: UInt64 = 0
  public var namespace = TrackNamespace()
  public var name: [UInt8] = []
  /// Lower is sent first.
  public var priority: UInt8 = 128
  public var groupOrder = GroupOrder.publisher
  public var forward = true
  public var filter = Filter.nextObject
  public var parameters: [Parameter] = []
  public init() {}
}

// Frozen, so that other modules make a blank one without a call and a copy, which cost more than to read the smallest.
@frozen public struct SubscribeOK: Equatable, Sendable {
  public var id: UInt64 = 0
  public var trackAlias: UInt64 = 0
  public var expiresMilliseconds: UInt64 = 0
  public var groupOrder = GroupOrder.ascending
  /// The largest object there is, if there is any.
  public var largest: Location?
  /// The publisher's priority, where the answer says it: lower is sent first.
  public var priority: UInt8 = 128
  public var parameters: [Parameter] = []
  @inlinable public init() {}
}

/// "No" to any request that has an id, or (through draft-10, for announcements) a name.
public struct RequestError: Equatable, Sendable {
  public var id: UInt64 = 0
  public var namespace = TrackNamespace()
  public var code: UInt64 = 0
  public var reason: [UInt8] = []
  public var trackAlias: UInt64 = 0
  public init() {}
}

public struct SubscribeUpdate: Equatable, Sendable {
  public var id: UInt64 = 0
  public var subscription: UInt64 = 0
  /// nil: as it was.
  public var start: Location? = Location(0, 0)
  /// nil: open; otherwise the last group, inclusive.
  public var endGroup: UInt64?
  /// nil: the whole of the end group.
  public var endObject: UInt64?
  public var priority: UInt8 = 128
  /// nil: as it was.
  public var groupOrder: GroupOrder?
  public var forward = true
  public var parameters: [Parameter] = []
  public init() {}
}

/// Groups of a subscription that will not come.
public struct SubscribeGap: Equatable, Sendable {
  public var firstGroup: UInt64 = 0
  /// How many groups after the first are missing as well.
  public var more: UInt64 = 0
  public var code: UInt64 = 0
  public init() {}
}

/// A message that says no more than which request it is about: UNSUBSCRIBE, FETCH_CANCEL, an OK.
public struct RequestReference: Equatable, Sendable {
  public var id: UInt64 = 0
  /// Through draft-10, announcements are named, not numbered.
  public var namespace = TrackNamespace()
  public init() {}
}

public struct SubscribeDone: Equatable, Sendable {
  /// The stream count of a publisher that does not know.
  public static var unknownStreamCount: UInt64 { 0x3fff_ffff_ffff_ffff }
  public var id: UInt64 = 0
  public var code: UInt64 = 0
  public var streamCount: UInt64 = SubscribeDone.unknownStreamCount
  public var reason: [UInt8] = []
  /// Through draft-07: the last object.
  public var final: Location?
  public init() {}
}

public struct Publish: Equatable, Sendable {
  public var id: UInt64 = 0
  public var namespace = TrackNamespace()
  public var name: [UInt8] = []
  public var trackAlias: UInt64 = 0
  public var groupOrder = GroupOrder.ascending
  public var largest: Location?
  public var forward = true
  public var parameters: [Parameter] = []
  public init() {}
}

public struct PublishOK: Equatable, Sendable {
  public var id: UInt64 = 0
  public var forward = true
  public var priority: UInt8 = 128
  public var groupOrder = GroupOrder.ascending
  public var filter = Filter.nextObject
  public var parameters: [Parameter] = []
  public init() {}
}

public struct Fetch: Equatable, Sendable {
  public enum Range: Equatable, Sendable {
    /// `endObject` nil: the whole of the end group. Both ends are inclusive.
    case standalone(TrackNamespace, name: [UInt8], start: Location, endGroup: UInt64, endObject: UInt64?)
    /// From that many groups before the subscription's largest one, through its largest object.
    case relative(subscription: UInt64, groupsBefore: UInt64)
    /// From that group, through the subscription's largest object.
    case absolute(subscription: UInt64, group: UInt64)
  }
  public var id: UInt64 = 0
  public var priority: UInt8 = 128
  public var groupOrder = GroupOrder.publisher
  public var range = Range.relative(subscription: 0, groupsBefore: 0)
  public var parameters: [Parameter] = []
  public init() {}
}

public struct FetchOK: Equatable, Sendable {
  public var id: UInt64 = 0
  public var groupOrder = GroupOrder.ascending
  public var endOfTrack = false
  /// The object is one more than the last, and 0 means the whole group.
  public var end = Location(0, 0)
  public var parameters: [Parameter] = []
  public init() {}
}

/// Another priority for a fetch.
public struct FetchUpdate: Equatable, Sendable {
  public var id: UInt64 = 0
  /// Lower is sent first.
  public var priority: UInt8 = 128
  public init() {}
}

/// Asks for a track's state. Drafts 13 and 14 give it SUBSCRIBE's fields, which mean nothing here.
public struct TrackStatusRequest: Equatable, Sendable {
  public var subscribe = Subscribe()
  public init() {}
}

/// A track's state. Drafts 13 and 14 give it SUBSCRIBE_OK's fields.
public struct TrackStatusOK: Equatable, Sendable {
  public var ok = SubscribeOK()
  /// Through draft-12: 0 in progress, 1 does not exist, 2 not yet begun, 3 finished, 4 unknown.
  public var status: UInt64 = 0
  public var namespace = TrackNamespace()
  public var name: [UInt8] = []
  public init() {}
}

/// ANNOUNCE, or PUBLISH_NAMESPACE, as it is called since draft-14.
public struct PublishNamespace: Equatable, Sendable {
  public var id: UInt64 = 0
  public var namespace = TrackNamespace()
  public var parameters: [Parameter] = []
  public init() {}
}

/// Interest in announcements below a prefix.
public struct SubscribeNamespace: Equatable, Sendable {
  public var id: UInt64 = 0
  public var prefix = TrackNamespace()
  public var parameters: [Parameter] = []
  public init() {}
}

/// moq-lite: everything that is announced below a prefix at the start.
public struct AnnounceInit: Equatable, Sendable {
  /// The most suffixes that are accepted in one message.
  public static var maximumSuffixes: Int { 65_536 }
  public var suffixes: [TrackNamespace] = []
  public init() {}
}

/// moq-lite, transfork: a change of what is announced below a prefix.
public struct Announce: Equatable, Sendable {
  public enum Status: UInt64, Sendable { case ended = 0, active = 1, live = 2 }
  public var status = Status.active
  public var suffix = TrackNamespace()
  public init() {}
}

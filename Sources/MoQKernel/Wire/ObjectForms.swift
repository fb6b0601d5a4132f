/// The data plane of a dialect, as data: how it numbers stream and datagram types, and which fields
/// an object has. The walks in `ObjectWalks.swift` follow it; no dialect has code of its own here.
public struct ObjectForms: Sendable {
  public var integers: Integers
  public var statuses: StatusForm
  public var subgroup: SubgroupForm
  /// nil: the dialect has no streams of fetched objects.
  public var fetch: FetchForm?
  /// nil: the dialect has no objects in datagrams.
  public var datagram: DatagramForm?
  public init(
    _ integers: Integers = .quic, statuses: StatusForm = .none, subgroup: SubgroupForm, fetch: FetchForm? = nil,
    datagram: DatagramForm? = nil
  ) {
    (self.integers, self.statuses, self.subgroup, self.fetch) = (integers, statuses, subgroup, fetch)
    self.datagram = datagram
  }
  /// Whether objects may have extension headers at all.
  public var hasExtensions: Bool { subgroup.flags.union(subgroup.always).contains(.extensions) }
}

/// What precedes extension headers: their number in 08, their bytes since 09.
public enum ExtensionForm: Sendable { case count, length }

/// Which object statuses a draft has. 0x4 and 0x5 have meant different ends; the other numbers never moved.
public struct StatusForm: Sendable {
  /// A bit for each number there is.
  public var valid: UInt8
  /// A bit for each status that must come without extension headers.
  public var bare: UInt8
  /// What 0x4 and 0x5 mean, where they are valid.
  public var four: ObjectStatus, five: ObjectStatus
  @inlinable public init(
    valid: UInt8, bare: UInt8 = 0, four: ObjectStatus = .endOfTrack, five: ObjectStatus = .endOfSubgroup
  ) {
    (self.valid, self.bare, self.four, self.five) = (valid, bare, four, five)
  }
  /// Only normal objects.
  public static var none: StatusForm { StatusForm(valid: 1) }

  @usableFromInline @_transparent func status(_ number: UInt64) throws(WireError) -> ObjectStatus {
    guard number < 8, valid >> UInt8(number) & 1 == 1 else {
      throw .invalid("Object Status", number, wanted: "a status of this draft")
    }
    switch number {
    case 0: return .normal
    case 1: return .doesNotExist
    case 3: return .endOfGroup
    case 4: return four
    default: return five
    }
  }
  @usableFromInline @_transparent func number(of status: ObjectStatus) throws(WireError) -> UInt64 {
    let number: UInt64 =
      switch status {
      case .normal: 0
      case .doesNotExist: 1
      case .endOfGroup: 3
      case four: 4
      default: 5
      }
    guard valid >> UInt8(number) & 1 == 1, number != 5 || status == five else { throw .inexpressible("Object Status") }
    return number
  }
  /// Whether the draft has a number for a status.
  public func says(_ status: ObjectStatus) -> Bool { (try? number(of: status)) != nil }
  /// The status that this draft has for what another calls the end of its track.
  @inlinable public func spelled(_ status: ObjectStatus, objectID: UInt64) -> ObjectStatus {
    guard status.endsTrack, status != four else { return status }
    // Where both ends have a number, the one of a group that will not come has no object before it.
    return five == .endOfTrack && objectID == 0 ? five : four
  }
  /// Refuses what can be read but the text forbids: extension headers of an object that does not exist.
  @usableFromInline @_transparent func check(_ status: ObjectStatus, _ extensions: Int) throws(WireError) {
    guard extensions == 0 || bare >> status.rawValue & 1 == 0 else {
      throw .invalid("Object Status", UInt64(status.rawValue), wanted: "no extension headers beside it")
    }
  }
}

/// What the bits of a subgroup stream's type say. No draft has moved a bit; each has added some.
public struct SubgroupFlags: OptionSet, Sendable {
  public let rawValue: UInt8
  @inlinable public init(rawValue: UInt8) { self.rawValue = rawValue }
  @inlinable public static var extensions: Self { Self(rawValue: 0x01) }
  @inlinable public static var firstIDIsSubgroup: Self { Self(rawValue: 0x02) }
  @inlinable public static var subgroupID: Self { Self(rawValue: 0x04) }
  @inlinable public static var endOfGroup: Self { Self(rawValue: 0x08) }
  @inlinable public static var defaultPriority: Self { Self(rawValue: 0x20) }
  @inlinable public static var firstObject: Self { Self(rawValue: 0x40) }
}

/// A dialect's streams of objects.
public struct SubgroupForm: Sendable {
  public var fields: SubgroupFields
  /// What the draft calls the stream's header.
  public var name: StaticString
  /// Where the draft defines the stream.
  public var section: StaticString
  public init(
    base: UInt64, flags: SubgroupFlags = [], always: SubgroupFlags = [], ids: SubgroupFields.IDs = .absolute,
    extensions: ExtensionForm = .length, content: SubgroupFields.Content = .subgroup, olderBase: UInt64? = nil,
    leadingRequestID: Bool = false, name: StaticString = "SUBGROUP_HEADER", section: StaticString = ""
  ) {
    fields = SubgroupFields(
      base: base, flags: flags, always: always, ids: ids, extensions: extensions, content: content,
      olderBase: olderBase ?? base, leadingRequestID: leadingRequestID)
    (self.name, self.section) = (name, section)
  }
  /// The type without any flag.
  public var base: UInt64 { fields.base }
  /// The flags a type may carry.
  public var flags: SubgroupFlags { fields.flags }
  /// What holds for every stream, though no bit says so.
  public var always: SubgroupFlags { fields.always }
  public var content: SubgroupFields.Content {
    get { fields.content }
    set { fields.content = newValue }
  }
  /// Whether the request's id precedes the track's alias, as before draft-07 and in peers that kept it.
  public var leadingRequestID: Bool {
    get { fields.leadingRequestID }
    set { fields.leadingRequestID = newValue }
  }
  /// The flags of a stream type, or nil if it is not a subgroup's.
  public func flags(of type: UInt64) -> SubgroupFlags? { fields.flags(of: type) }
  /// The stream type with these flags; nil: there is none.
  public func type(for flags: SubgroupFlags) -> UInt64? { fields.type(for: flags) }
}

/// What of a `SubgroupForm` an open stream needs: each keeps a copy, so it is small.
public struct SubgroupFields: Sendable {
  /// What a stream is: a subgroup of objects, or a group of frames, as moq-lite has it.
  public enum Content: Sendable {
    case subgroup
    /// A request's id and a sequence number, in a message with a length of that form or (nil) without one, then
    /// frames: a length, in the same form or as an integer, and a payload each. Subgroup 0; ids count from 0.
    case frames(Framing.Length?)
    @usableFromInline @_transparent var isSubgroup: Bool { if case .subgroup = self { true } else { false } }
    var isFrames: Bool { !isSubgroup }
    /// Whether frames have an integer for their length.
    @_transparent public var isFramedByIntegers: Bool {
      switch self {
      case .frames(nil), .frames(.varint): true
      case .frames(.uint16), .subgroup: false
      }
    }
  }
  /// How an object's id is written, where it is.
  public enum IDs: Sendable { case absolute, deltas }

  public var base: UInt64
  public var flags: SubgroupFlags
  public var always: SubgroupFlags
  public var ids: IDs
  public var extensions: ExtensionForm
  public var content: Content
  /// Another base that is understood, never written; its types have the flags below 0x08.
  public var olderBase: UInt64
  /// Whether the request's id precedes the track's alias, as before draft-07 and in peers that kept it.
  public var leadingRequestID: Bool

  /// The flags of a stream type, or nil if it is not a subgroup's.
  @_transparent public func flags(of type: UInt64) -> SubgroupFlags? {
    let isOlder = olderBase != base && type & ~0x07 == olderBase
    let allowed = UInt64(isOlder ? flags.rawValue & 0x07 : flags.rawValue)
    let found = SubgroupFlags(rawValue: UInt8(truncatingIfNeeded: type & allowed))
    guard isOlder || type & ~allowed == base, !found.isSuperset(of: .firstIDIsSubgroup.union(.subgroupID))
    else { return nil }
    return found.union(always)
  }
  @_transparent public func type(for found: SubgroupFlags) -> UInt64? {
    let said = found.subtracting(always)
    guard said.isSubset(of: flags) else { return nil }
    return base | UInt64(said.rawValue)
  }
}

public struct FetchForm: Sendable {
  public enum Objects: Sendable {
    /// Every object says everything, through 14.
    case full(ExtensionForm?)
    /// A bit field says what is left out, since 15. `byte`: the field is one byte; `status`: an empty object
    /// has a status; `deltas`: group and object are written as differences.
    case flagged(byte: Bool, status: Bool, deltas: Bool)
  }
  /// The stream's type.
  public var type: UInt64
  public var objects: Objects
  /// What the draft calls the request's id.
  public var requestID: StaticString
  /// Where the draft defines the stream.
  public var section: StaticString
  public init(
    type: UInt64 = 5, _ objects: Objects, requestID: StaticString = "Request ID", section: StaticString = ""
  ) {
    (self.type, self.objects, self.requestID, self.section) = (type, objects, requestID, section)
  }
}

public struct DatagramForm: Sendable {
  /// One bit for each type there is.
  public var types: UInt64
  /// Which bit of the type says what; 0 where none does.
  public var extensionBit: UInt64, endOfGroupBit: UInt64, noObjectIDBit: UInt64, noPriorityBit: UInt64,
    statusBit: UInt64
  /// Extension headers that are there without a bit: in objects, in status datagrams.
  public var always: (objects: ExtensionForm?, statuses: ExtensionForm?)
  /// What precedes a payload.
  public enum Payload: Sendable {
    /// Nothing: it is all that is left. A status has a type of its own.
    case rest
    /// Its length, and a status where that is zero.
    case counted
    /// A status; what is left is the payload.
    case status
    /// A status, then a length.
    case statusAndLength
  }
  public var payload: Payload
  /// Whether the request's id precedes the track's alias, as before draft-07 and in peers that kept it.
  public var leadingRequestID: Bool
  /// Where the draft defines the datagram.
  public var section: StaticString
  public init(
    types: UInt64, extensionBit: UInt64 = 0, endOfGroupBit: UInt64 = 0, noObjectIDBit: UInt64 = 0,
    noPriorityBit: UInt64 = 0, statusBit: UInt64 = 0,
    always: (objects: ExtensionForm?, statuses: ExtensionForm?) = (nil, nil), payload: Payload = .rest,
    leadingRequestID: Bool = false, section: StaticString = ""
  ) {
    (self.types, self.extensionBit, self.endOfGroupBit, self.noObjectIDBit) = (
      types, extensionBit, endOfGroupBit, noObjectIDBit
    )
    (self.noPriorityBit, self.statusBit, self.always, self.payload) = (noPriorityBit, statusBit, always, payload)
    (self.leadingRequestID, self.section) = (leadingRequestID, section)
  }
  /// Whether a payload's length is written; it is all that is left of the datagram in either case.
  @_transparent public var hasLength: Bool { payload == .counted || payload == .statusAndLength }
  /// Whether a status needs no type of its own.
  @_transparent public var hasStatus: Bool { payload != .rest }
  @_transparent public func has(_ type: UInt64) -> Bool { type < 64 && types >> type & 1 == 1 }
}

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
}

/// What precedes extension headers: their number in 08, their bytes since 09.
public enum ExtensionForm: Sendable { case count, length }

/// Which object statuses a draft has. Numbers have not moved so far, with one exception in 08 to 10.
public struct StatusForm: Sendable {
  /// A bit for each number there is.
  public var valid: UInt8
  /// A bit for each status that must come without extension headers.
  public var bare: UInt8
  @inlinable public init(valid: UInt8, bare: UInt8 = 0) { (self.valid, self.bare) = (valid, bare) }
  /// Only normal objects.
  public static var none: StatusForm { StatusForm(valid: 1) }

  @inlinable func status(_ number: UInt64) throws(WireError) -> ObjectStatus {
    guard number < 8, valid >> UInt8(number) & 1 == 1, let status = ObjectStatus(rawValue: UInt8(number)) else {
      throw .invalid("Object Status", number, wanted: "a status of this draft")
    }
    return status
  }
  /// Refuses what can be read but the text forbids: extension headers of an object that does not exist.
  @inlinable func check(_ status: ObjectStatus, _ extensions: Int) throws(WireError) {
    guard extensions == 0 || bare >> status.rawValue & 1 == 0 else {
      throw .invalid("Object Status", UInt64(status.rawValue), wanted: "no extension headers beside it")
    }
  }
}

/// What the bits of a subgroup stream's type say. No draft has moved a bit; each has added some.
public struct SubgroupFlags: OptionSet, Sendable {
  public let rawValue: UInt64
  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }
  @inlinable public static var extensions: Self { Self(rawValue: 0x01) }
  @inlinable public static var firstIDIsSubgroup: Self { Self(rawValue: 0x02) }
  @inlinable public static var subgroupID: Self { Self(rawValue: 0x04) }
  @inlinable public static var endOfGroup: Self { Self(rawValue: 0x08) }
  @inlinable public static var defaultPriority: Self { Self(rawValue: 0x20) }
  @inlinable public static var firstObject: Self { Self(rawValue: 0x40) }
}

public struct SubgroupForm: Sendable {
  /// What a stream is: a subgroup of objects, or a group of frames, as moq-lite has it.
  public enum Content: Sendable {
    case subgroup
    /// A request's id and a sequence number, in a message with a length or without, then frames: a length
    /// and a payload each. Subgroup 0; ids count from 0.
    case frames(Framing)
  }
  /// How an object's id is written. `counted`: not at all.
  public enum IDs: Sendable { case absolute, deltas, counted }

  /// The type without any flag.
  public var base: UInt64
  /// The flags a type may carry.
  public var flags: SubgroupFlags
  /// What holds for every stream, though no bit says so.
  public var always: SubgroupFlags
  public var ids: IDs
  public var extensions: ExtensionForm
  public var content: Content
  /// Where the draft defines the stream.
  public var section: StaticString
  public init(
    base: UInt64, flags: SubgroupFlags = [], always: SubgroupFlags = [], ids: IDs = .absolute,
    extensions: ExtensionForm = .length, content: Content = .subgroup, section: StaticString = ""
  ) {
    (self.base, self.flags, self.always, self.ids) = (base, flags, always, ids)
    (self.extensions, self.content, self.section) = (extensions, content, section)
  }
  /// The flags of a stream type, or nil if it is not a subgroup's.
  @inlinable public func flags(of type: UInt64) -> SubgroupFlags? {
    let found = SubgroupFlags(rawValue: type & flags.rawValue)
    guard type & ~flags.rawValue == base, !found.isSuperset(of: [.firstIDIsSubgroup, .subgroupID]) else { return nil }
    return found.union(always)
  }
  @inlinable public func type(for found: SubgroupFlags) -> UInt64? {
    guard found.subtracting(always).isSubset(of: flags) else { return nil }
    return base | found.subtracting(always).rawValue
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
  /// Where the draft defines the stream.
  public var section: StaticString
  public init(type: UInt64 = 5, _ objects: Objects, section: StaticString = "") {
    (self.type, self.objects, self.section) = (type, objects, section)
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
  /// Whether a payload has a length, and a status where that is zero.
  public var lengths: Bool
  /// Where the draft defines the datagram.
  public var section: StaticString
  public init(
    types: UInt64, extensionBit: UInt64 = 0, endOfGroupBit: UInt64 = 0, noObjectIDBit: UInt64 = 0,
    noPriorityBit: UInt64 = 0, statusBit: UInt64 = 0,
    always: (objects: ExtensionForm?, statuses: ExtensionForm?) = (nil, nil), lengths: Bool = false,
    section: StaticString = ""
  ) {
    (self.types, self.extensionBit, self.endOfGroupBit, self.noObjectIDBit) = (
      types, extensionBit, endOfGroupBit, noObjectIDBit
    )
    (self.noPriorityBit, self.statusBit, self.always, self.lengths) = (noPriorityBit, statusBit, always, lengths)
    self.section = section
  }
  @inlinable @inline(__always) public func has(_ type: UInt64) -> Bool { type < 64 && types >> type & 1 == 1 }
}

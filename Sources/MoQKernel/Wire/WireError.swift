/// Why bytes are no message, or a message has no bytes in a dialect.
public struct WireError: Error, Equatable, Sendable {
  public enum Kind: Equatable, Sendable {
    /// The bytes end inside the field. On a stream this means "wait"; inside a counted body it is an error.
    case truncated
    /// The field holds a value that the draft does not allow.
    case invalid
    /// A count or a length is beyond its limit: the draft's, or ours where it has none.
    case tooLong
    /// The body is longer than its fields.
    case trailing
    /// A parameter that may come once has come again.
    case duplicate
    /// A parameter's value does not have the form its type has (KEY_VALUE_FORMATTING_ERROR since draft-11).
    case malformedValue
    /// No message of this dialect has this type.
    case unknownMessage
    /// The kernel means something that this dialect has no words for.
    case inexpressible
  }

  /// A field's name as the draft prints it.
  public struct Field: Sendable, Equatable, ExpressibleByStringLiteral, CustomStringConvertible {
    @usableFromInline let name: StaticString
    @inlinable public init(stringLiteral name: StaticString) { self.name = name }
    @inlinable public init(_ name: StaticString) { self.name = name }
    public static func == (a: Self, b: Self) -> Bool { a.description == b.description }
    public var description: String { name.description }
  }

  public var kind: Kind
  public var field: Field
  /// What the field holds, or how long it is; for `.trailing`, how many bytes are left.
  public var found: UInt64
  /// What the draft wants instead; empty where the kind says it all.
  public var wanted: Field
  /// Where the field begins, counted from the first byte of the message (of its type, where it has one);
  /// -1 when writing.
  public var offset: Int

  @inlinable public init(
    _ kind: Kind, _ field: Field, found: UInt64 = 0, wanted: Field = "", offset: Int = -1
  ) {
    (self.kind, self.field, self.found, self.wanted, self.offset) = (kind, field, found, wanted, offset)
  }

  // Not inlined: whoever throws one should stay small enough to be inlined itself.
  @inline(never) public static func truncated(_ field: Field) -> WireError { WireError(.truncated, field) }
  @inline(never) public static func invalid(_ field: Field, _ found: UInt64, wanted: Field = "") -> WireError {
    WireError(.invalid, field, found: found, wanted: wanted)
  }
  @inline(never) public static func tooLong(_ field: Field, _ found: UInt64, wanted: Field = "") -> WireError {
    WireError(.tooLong, field, found: found, wanted: wanted)
  }
  @inline(never) public static func trailing(_ count: Int) -> WireError {
    WireError(.trailing, "Message Length", found: UInt64(count))
  }
  @inline(never) public static func inexpressible(_ field: Field) -> WireError { WireError(.inexpressible, field) }

  /// Why a session that receives this is closed.
  public var sessionReason: SessionReason { kind == .malformedValue ? .keyValueFormatting : .protocolViolation }
}

extension WireError: CustomStringConvertible {
  public var description: String {
    let place = offset < 0 ? "" : " at byte \(offset)"
    let wish = wanted.description.isEmpty ? "" : ", wanted \(wanted)"
    return switch kind {
    case .truncated: "the bytes end inside \(field)\(place)"
    case .invalid: "\(field)\(place) is \(found)\(wish)"
    case .tooLong: "\(field)\(place) is \(found)\(wish)"
    case .trailing: "\(found) bytes are left after the last field\(place)"
    case .duplicate: "parameter \(found)\(place) comes twice\(wish)"
    case .malformedValue: "the value of \(field)\(place) is malformed\(wish)"
    case .unknownMessage: "no message has type \(found)"
    case .inexpressible: "\(field) cannot be said\(wish)"
    }
  }
}

/// A `WireError` with all of its context: the dialect, the message as the dialect calls it, the section.
public struct MessageError: Error, Equatable, Sendable, CustomStringConvertible {
  public var dialect: String
  public var message: String
  /// The draft's section that defines the message, as in "§9.8"; empty: it is not known which message it is.
  public var section: String
  public var error: WireError
  public init(dialect: String, message: String, section: String, error: WireError) {
    (self.dialect, self.message, self.section, self.error) = (dialect, message, section, error)
  }
  public var description: String { "\(dialect) \(message): \(error)" + (section.isEmpty ? "" : " (\(section))") }
}

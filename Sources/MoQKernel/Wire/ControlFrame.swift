/// Where a control message lies in bytes that may not hold all of it yet.
public struct ControlFrame: Equatable, Sendable {
  /// The message's type, where messages have one.
  public var type: UInt64?
  /// Bytes of type and length.
  public var header: Int
  /// Bytes of the fields; nil where messages have no length, and only reading them tells.
  public var body: Int?
  /// Bytes in all; nil where messages have no length.
  public var count: Int? { body.map { header + $0 } }

  /// Finds the message at the start of `bytes`; nil: not even type and length are there.
  ///
  /// Nothing is stored or reserved. A message that says it is longer than `maximum` is refused as soon as
  /// its length has arrived.
  public static func find(
    in bytes: RawSpan, _ framing: Framing, integers: Integers = .quic, maximum: Int = WireLimits.message
  ) throws(WireError) -> ControlFrame? {
    var wire = WireReader(bytes, integers: integers), type: UInt64?
    if case .typed = framing {
      type = wire.varint()
      guard type != nil else { return nil }
    }
    let start = wire.position, found: UInt64?
    switch framing {
    case .typed(.uint16), .length(.uint16): found = wire.integer(UInt16.self).map { UInt64($0) }
    case .typed(.varint), .length(.varint): found = wire.varint()
    case .bare: return ControlFrame(type: nil, header: 0, body: nil)
    }
    guard let found else { return nil }
    guard found <= UInt64(max(maximum, 0)) else {
      throw WireError(.tooLong, "Length", found: found, wanted: "no more than the message limit", offset: start)
    }
    return ControlFrame(type: type, header: wire.position, body: Int(found))
  }
}

extension Dialect {
  /// Which message has this type; nil: none, or messages have no types.
  public static func kind(ofType type: UInt64) -> MessageKind? {
    MessageKind.allCases.first { self.type(of: $0) == type }
  }
  /// What the dialect calls the message: `PUBLISH_DONE`.
  public static func name(of kind: MessageKind) -> String { layout(of: kind).name }
  /// Whether the dialect has the message.
  public static func speaks(_ kind: MessageKind) -> Bool { !(layout(of: kind) is any UnspokenLayout.Type) }

  /// Finds the message at the start of `bytes`, framed as most messages of the dialect are.
  public static func frame(
    _ bytes: RawSpan, maximum: Int = WireLimits.message
  ) throws(WireError) -> ControlFrame? {
    try ControlFrame.find(in: bytes, framing, integers: objects.integers, maximum: maximum)
  }
}

/// Prints a layout in the drafts' own figure notation.
///
/// A figure's brackets are found, not declared: walk once with every condition met; then, for each
/// condition, walk with that one refused, and the lines that vanish are the ones in its brackets.
public struct WireTracer: WireWalk {
  /// A line of a figure: a field, and whether it is in brackets.
  public struct Line: Equatable, Sendable, CustomStringConvertible {
    public var text: String
    public var optional: Bool
    public init(_ text: String, optional: Bool = false) { (self.text, self.optional) = (text, optional) }
    public var description: String { optional ? "[\(text)]" : text }
  }
  private var lines: [Line] = []
  private var conditions = 0
  private let refused: Int?
  /// Where the refused bracket would have begun.
  private var gap = 0
  private init(refusing: Int?) { refused = refusing }

  /// The figure of a layout's fields.
  public static func figure<L: Layout>(_: L.Type, _ message: L.Message) throws(WireError) -> [Line] {
    try figure(message) { m, wire throws(WireError) in try L.walk(&m, &wire) }
  }
  /// The figure of any walk over a copyable value.
  public static func figure<M>(
    _ message: M, _ walk: (inout M, inout WireTracer) throws(WireError) -> Void
  ) throws(WireError) -> [Line] {
    try figure { wire throws(WireError) in
      var m = message
      try walk(&m, &wire)
    }
  }
  /// The figure of any walk.
  public static func figure(_ walk: (inout WireTracer) throws(WireError) -> Void) throws(WireError) -> [Line] {
    var all = WireTracer(refusing: nil)
    try walk(&all)
    var figure = all.lines
    for condition in 0..<all.conditions {
      var some = WireTracer(refusing: condition)
      // A refused bracket may leave a message that is not valid; its lines are noted by then.
      do { try walk(&some) } catch {}
      let vanished = max(all.lines.count - some.lines.count, 0)
      for line in some.gap..<min(some.gap + vanished, figure.count) { figure[line].optional = true }
    }
    return figure
  }

  private mutating func note(_ text: String, optional: Bool = false) { lines.append(Line(text, optional: optional)) }
  public mutating func includes(_: Bool) -> Bool {
    defer { conditions += 1 }
    guard conditions == refused else { return true }
    gap = lines.count
    return false
  }
  public mutating func varint(_ name: StaticString, _: inout UInt64) { note("\(name) (i)") }
  public mutating func byte(_ name: StaticString, _: inout UInt8) { note("\(name) (8)") }
  public mutating func uint16(_ name: StaticString, _: inout UInt64) { note("\(name) (16)") }
  public mutating func bytes(_ name: StaticString, _: inout [UInt8], maximum: Int) {
    note("\(name) Length (i)")
    note("\(name) (..)")
  }
  public mutating func reason(_ name: StaticString, _: inout [UInt8]) { note("\(name) (Reason Phrase)") }
  public mutating func string(_ name: StaticString, _: inout [UInt8]) { note("\(name) (s)") }
  public mutating func rest(_ name: StaticString, _: inout [UInt8]) { note("\(name) (..)") }
  public mutating func tuple(_ name: StaticString, _: inout TrackNamespace, _: NamespaceForm) {
    note("\(name) (tuple)")
  }
  public mutating func parts(
    _ count: StaticString, _ name: StaticString, _ value: inout TrackNamespace, _: NamespaceForm
  ) {
    note("\(count) (i)")
    note("\(name) (b)", optional: true)
    // So that a path that must not be empty is not.
    value = "part"
  }
  public mutating func path(_ name: StaticString, _ value: inout TrackNamespace, _: PathForm) {
    note("\(name) (s)")
    value = "part"
  }
  public mutating func paths(_ count: StaticString, _ name: StaticString, _: inout [TrackNamespace]) {
    note("\(count) (i)")
    note("\(name) (s)", optional: true)
  }
  public mutating func location(_ name: StaticString, _: inout Location) { note("\(name) (Location)") }
  public mutating func numbers(_ count: StaticString, _ name: StaticString, _ list: inout [UInt64]) {
    note("\(count) (i)")
    note("\(name) (i)")
    // So that a list that must not be empty is not.
    list = [0]
  }
  public mutating func parameters(
    _ count: StaticString, _ name: StaticString, _: inout [Parameter], _ spelling: ParameterSpelling
  ) {
    note("\(count) (i)")
    guard spelling.form == .extensions else { return note("\(name) (..)") }
    note("Extension ID (i)", optional: true)
    note("Extension Payload (b)", optional: true)
  }
  public mutating func enter(_ name: StaticString, _ length: Framing.Length) -> Int {
    note(length == .uint16 ? "\(name) (16)" : "\(name) (i)")
    return 0
  }
  public mutating func leave(_: Framing.Length, _: Int) {}
  @_lifetime(value: copy value)
  public mutating func extensions(_ form: ExtensionForm, _ value: inout RawSpan) {
    note(form == .length ? "Extension Headers Length (i)" : "Extension Count (i)")
    note("Extension headers (...)")
  }
}

extension Dialect {
  /// A message's figure, as its draft prints it: type and length first, where it has them.
  public static func figure(of kind: MessageKind) throws(WireError) -> [WireTracer.Line] {
    let fields = try WireTracer.figure(Message(blank: kind)) { m, wire throws(WireError) in try walk(&m, &wire) }
    return switch framing(of: kind) {
    case .typed(let length):
      [
        .init("Type (i) = 0x" + String(type(of: kind) ?? 0, radix: 16, uppercase: true)),
        .init(length == .uint16 ? "Length (16)" : "Length (i)"),
      ] + fields
    case .length(let length): [.init(length == .uint16 ? "Message Length (16)" : "Message Length (i)")] + fields
    case .bare: fields
    }
  }
}

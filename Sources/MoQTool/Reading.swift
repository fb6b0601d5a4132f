import MoQDrafts
import MoQKernel

/// What bytes mean if they are taken for one thing in one dialect.
struct Reading {
  /// What they were taken for; the better the evidence of a whole reading, the earlier.
  enum Kind: Int, Comparable {
    /// Type and length before each message: little fits by accident.
    case typedMessages
    /// A stream's type, then messages that it calls for.
    case requestStream
    case stream
    /// A length says little.
    case untypedMessage
    /// A payload of any length is the rest: nearly everything fits.
    case datagram
    static func < (a: Kind, b: Kind) -> Bool { a.rawValue < b.rawValue }
  }
  let dialect: String
  /// The dialect without its profile.
  var text: Substring { dialect.prefix { $0 != " " } }
  let kind: Kind
  /// What the dialect calls it; of several messages, each name once.
  let name: String
  let notes: [Note]
  let json: [JSON]
  /// Bytes that were understood, and all there are.
  let count: Int, total: Int
  let error: MessageError?
  /// Messages that were read to their end.
  let completeMessages: Int
  /// What the text forbids, though it can be read.
  let warning: String?

  var isWhole: Bool { error == nil && count == total }
  /// How much was understood, and what stopped it, in a few words.
  var summary: String {
    if isWhole { return total == 1 ? "its one byte" : "all \(total) bytes" }
    return "\(count) of \(total) bytes: \(trouble ?? "")"
  }
  /// What is wrong, and where the text says so.
  var trouble: String? {
    guard let error else { return count < total ? "what follows means nothing here" : nil }
    return error.section.hasPrefix("§") ? "\(error.error) (\(error.section))" : "\(error.error)"
  }
  /// Whether more than a first number was understood.
  var isLikely: Bool { isWhole || notes.contains { $0.parts.count > 1 } || notes.count > 1 }

  /// Whole ones first, then those that get furthest; of equals the one with the better evidence.
  func isBetter(than other: Reading) -> Bool {
    if rank != other.rank { return rank < other.rank }
    if !isWhole, count != other.count { return count > other.count }
    if (warning == nil) != (other.warning == nil) { return warning == nil }
    return kind < other.kind
  }
  private var rank: Int {
    if isWhole, kind != .datagram { return 0 }
    // A payload takes whatever is left: a datagram explains less than framed messages of which the last is cut.
    if kind == .typedMessages, completeMessages > 0 { return 1 }
    return isWhole ? 2 : 3
  }
  func says(theSameAs other: Reading) -> Bool { name == other.name && notes == other.notes && kind == other.kind }
}

extension Reading {
  /// All that `bytes` may be in these dialects, the best first.
  static func all(of bytes: [UInt8], in chosen: [any Dialect.Type], as wanted: Wanted = .anything) -> [Reading] {
    let found = chosen.flatMap { readings(of: bytes, in: $0, as: wanted) }
    // A sort that keeps the order of equals: that of the dialects.
    return found.enumerated().sorted { a, b in
      a.element.isBetter(than: b.element) || !b.element.isBetter(than: a.element) && a.offset < b.offset
    }.map(\.element)
  }

  /// What the user says that the bytes are.
  enum Wanted: Equatable { case anything, stream, datagram, messages([MessageKind]) }

  private static func readings(of bytes: [UInt8], in dialect: any Dialect.Type, as wanted: Wanted) -> [Reading] {
    var readings: [Reading] = []
    switch wanted {
    case .messages(let kinds):
      readings = kinds.filter { dialect.speaks($0) }.map { messages(bytes, in: dialect, as: $0) }
    case .anything:
      if case .typed = dialect.framing {
        readings = [messages(bytes, in: dialect, as: nil)]
      } else {
        readings = MessageKind.allCases.filter { dialect.speaks($0) }.map { messages(bytes, in: dialect, as: $0) }
      }
      var reader = WireReader(bytes.span.bytes, integers: dialect.objects.integers)
      if let type = reader.varint() {
        let forms = dialect.requestStreams.filter { $0.type == type }
        readings += forms.map { requestStream(bytes, in: dialect, $0, after: reader.position) }
      }
    case .stream, .datagram: break
    }
    if wanted == .anything || wanted == .stream {
      readings.append(Reading(.stream, dialect, dialect.explain(stream: bytes), bytes.count))
    }
    if wanted == .anything || wanted == .datagram, dialect.objects.datagram != nil {
      readings.append(Reading(.datagram, dialect, dialect.explain(datagram: bytes), bytes.count))
    }
    return readings
  }

  private init(_ kind: Kind, _ dialect: any Dialect.Type, _ explanation: Explanation, _ total: Int) {
    (self.dialect, self.kind, name, notes) = (dialect.fullName, kind, explanation.name, explanation.notes)
    (json, count, self.total, error) = ([explanation.json], explanation.explained, total, explanation.error)
    (warning, completeMessages) = (nil, 0)
  }

  /// One message after the other, as they stand on a control stream.
  private static func messages(_ bytes: [UInt8], in dialect: any Dialect.Type, as kind: MessageKind?) -> Reading {
    var walk = MessageWalk(bytes: bytes, dialect: dialect)
    repeat { walk.read(as: kind) } while walk.error == nil && kind == nil && walk.place < bytes.count
    return Reading(walk, kind == nil ? .typedMessages : .untypedMessage)
  }
  /// What the opener of such a stream sends.
  private static func requestStream(
    _ bytes: [UInt8], in dialect: any Dialect.Type, _ form: RequestStream, after type: Int
  ) -> Reading {
    var walk = MessageWalk(bytes: bytes, dialect: dialect)
    if !form.isMessageType { walk.skip(type, as: "Stream Type", value: "0x" + String(form.type, radix: 16)) }
    var next: MessageKind? = form.opener.first
    while let kind = next, walk.error == nil, walk.place < bytes.count {
      walk.read(as: kind)
      next = form.opener.then
    }
    return Reading(walk, .requestStream)
  }

  private init(_ walk: MessageWalk, _ kind: Kind) {
    var seen = Set<String>()
    (dialect, self.kind) = (walk.dialect.fullName, kind)
    name = walk.names.filter { seen.insert($0).inserted }.joined(separator: ", ")
    // The only message needs no bracket around it.
    notes = walk.notes.count == 1 ? walk.notes[0].parts : walk.notes
    (json, count, total) = (walk.json, walk.place, walk.bytes.count)
    (error, warning) = (walk.error, walk.warning)
    completeMessages = walk.names.count - (walk.error == nil ? 0 : 1)
  }

  /// A vector's bytes, explained as what its file says they are.
  static func explained(_ vector: JSON, in dialect: any Dialect.Type, path: String) -> String {
    guard let bytes = vector["hex"]?.text.flatMap({ JSON.bytes(hex: $0) }) else { return "" }
    let stem = path.split(separator: "/").last.map { $0.prefix { $0 != "." }.filter(\.isLetter).lowercased() } ?? ""
    let kind = MessageKind.allCases.first { dialect.name(of: $0).filter(\.isLetter).lowercased() == stem }
    let wanted: Wanted =
      kind.map { .messages([$0]) }
      ?? (stem.contains("datagram") ? .datagram : path.contains("data-streams/") ? .stream : .anything)
    guard let reading = all(of: bytes, in: [dialect], as: wanted).first else { return "" }
    let title = "\(vector["id"]?.text ?? "?"): \(vector["description"]?.text ?? "")"
    return "\(title)\n\(reading.tree(of: bytes, style: Style(for: .standard)))"
  }
}

/// Messages that follow each other in one run of bytes.
private struct MessageWalk {
  let bytes: [UInt8]
  let dialect: any Dialect.Type
  private(set) var notes: [Note] = [], json: [JSON] = [], names: [String] = []
  private(set) var place = 0
  private(set) var error: MessageError?, warning: String?

  init(bytes: [UInt8], dialect: any Dialect.Type) { (self.bytes, self.dialect) = (bytes, dialect) }

  mutating func skip(_ count: Int, as name: String, value: String) {
    notes.append(Note(name, place..<(place + count), value))
    place += count
  }
  /// `kind` nil: as its type says.
  mutating func read(as kind: MessageKind?) {
    let found = dialect.explain(Array(bytes[place...]), as: kind)
    let end = place + found.explained
    notes.append(Note(found.name, place..<end, parts: found.notes.map { $0.shifted(by: place) }))
    json.append(.members(["message": .string(found.name), "fields": found.json]))
    names.append(found.name)
    if var failure = found.error {
      if failure.error.offset >= 0 { failure.error.offset += place }
      error = failure
    } else if let message = found.message {
      do throws(WireError) { try dialect.check(message) } catch { warning = "\(error) (\(found.name))" }
    }
    place = end
  }
}

extension Explanation {
  /// Bytes that have a note: a field that is cut off has none.
  fileprivate var explained: Int { error == nil ? count : notes.last?.bytes.upperBound ?? 0 }
}

extension Dialect {
  /// With the profile, where it is one: `moq-lite-01 (moq-dev)`.
  static var fullName: String { profile.map { "\(name) (\($0))" } ?? name }
}

// MARK: Printing

extension Reading {
  /// Every byte with its meaning.
  func tree(of bytes: [UInt8], style: Style) -> String {
    var text = ""
    for note in notes { text += Self.lines(note, bytes, level: 0, style) }
    if let warning { text += style.yellow("  Not allowed: \(warning)") + "\n" }
    if count < total {
      let range = padded("\(count)..<\(total)", to: 11)
      text += "  \(style.dim(range)) \(style.red(padded(Self.hex(bytes[count...]), to: 25))) \(style.red("?"))\n"
    }
    if let trouble { text += style.red("  \(trouble)") + "\n" }
    return text
  }

  private static func lines(_ note: Note, _ bytes: [UInt8], level: Int, _ style: Style) -> String {
    let range = "\(note.bytes.lowerBound)..<\(note.bytes.upperBound)"
    let raw = note.parts.isEmpty ? hex(bytes[note.bytes.clamped(to: bytes.indices)]) : ""
    let value = note.value.isEmpty ? "" : " = \(printable(note.value))"
    let indent = String(repeating: "  ", count: level)
    let line =
      "  \(style.dim(padded(range, to: 11))) \(style.cyan(padded(raw, to: 25))) \(indent)\(note.name)\(value)\n"
    return line + note.parts.map { lines($0, bytes, level: level + 1, style) }.joined()
  }

  /// The first bytes, with a mark if there are more.
  private static func hex(_ bytes: ArraySlice<UInt8>) -> String {
    let shown = bytes.prefix(8).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    return bytes.count > 8 ? "\(shown)…" : shown
  }

  func machineReadable() -> JSON {
    .members([
      "dialect": .string(dialect), "name": .string(name), "whole": .bool(isWhole), "read": .number(UInt64(count)),
      "bytes": .number(UInt64(total)), "error": .optional(error.map { "\($0)" }), "warning": .optional(warning),
      "notes": .array(notes.map(\.json)), "decoded": json.count == 1 ? json[0] : .array(json),
    ])
  }
}

func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(0, width - text.count))
}

extension Note {
  func shifted(by offset: Int) -> Note {
    Note(
      name, (bytes.lowerBound + offset)..<(bytes.upperBound + offset), value,
      parts: parts.map { $0.shifted(by: offset) })
  }
}

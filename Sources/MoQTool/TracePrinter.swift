import Glibc
import MoQDrafts
import MoQKernel

/// Prints what a qlog trace holds, its raw bytes decoded.
struct TracePrinter {
  /// The dialects to read the bytes in; none: what the trace says, else all.
  let drafts: [String]
  let isJSON: Bool
  /// Events without bytes are printed, too.
  let showsAll: Bool
  private static let most = 256 << 20

  func show(_ file: String) async throws {
    let records = try Self.records(of: try await Self.contents(of: file), in: file)
    let named = records.lazy.compactMap { $0["data"]?["dialect"]?.text }.first
    let wanted = drafts.isEmpty ? named.map { [$0] } ?? [] : drafts
    // A session's setup may be in the layouts of another dialect, or of a peer's profile.
    let all = dialects + profiles
    let chosen = all.filter { wanted.isEmpty || wanted.contains($0.name) }
    var total = 0, unread = 0
    for record in records {
      guard let name = record["name"]?.text, let data = record["data"] else { continue }
      guard let bytes = data["raw"]?["data"]?.text.flatMap({ JSON.bytes(hex: $0) }), !bytes.isEmpty else {
        if showsAll { try show(record, name, data) }
        continue
      }
      total += 1
      let reading = Self.reading(of: bytes, name, data, in: chosen) ?? Self.reading(of: bytes, name, data, in: all)
      if reading?.isWhole != true { unread += 1 }
      try show(record, name, data, reading, bytes)
    }
    guard total > 0 else { throw Failure("\(file) has no event with bytes in it; is it a qlog trace?") }
    guard unread == 0 else { throw Failure("\(unread) of \(total) messages in \(file) cannot be read whole") }
  }

  /// The best whole reading, of what the event says that the bytes are; else of anything. nil: there is none.
  private static func reading(
    of bytes: [UInt8], _ event: String, _ data: JSON, in chosen: [any Dialect.Type]
  ) -> Reading? {
    let isStream = event.contains("_header_")
    let type = data["message"]?["type"]?.text.map(letters)
    let kinds = MessageKind.allCases.filter { kind in
      chosen.contains { $0.speaks(kind) && letters($0.name(of: kind)) == type }
    }
    let wanted: Reading.Wanted = isStream ? .stream : kinds.isEmpty ? .anything : .messages(kinds)
    let best = Reading.all(of: bytes, in: chosen, as: wanted).first
    return best?.isWhole == true ? best : nil
  }
  private static func letters(_ name: String) -> String { name.lowercased().filter { $0.isLetter || $0.isNumber } }

  // MARK: Printing

  private func show(
    _ record: JSON, _ name: String, _ data: JSON, _ reading: Reading? = nil, _ bytes: [UInt8] = []
  ) throws {
    let time = record["time"]?.description ?? "?", stream = data["stream_id"]?.integer
    if isJSON {
      try Output.standard.line(
        JSON.line([
          "time": record["time"] ?? .null, "name": .string(name), "stream_id": .optional(stream),
          "hex": bytes.isEmpty ? .null : .string(hexadecimal(bytes)),
          "reading": reading?.machineReadable() ?? .null,
        ]))
      return
    }
    let style = Style(for: .standard)
    let place = stream.map { ", stream \($0)" } ?? ""
    let what = name.replacing("moqt:", with: "").replacing("_", with: " ")
    try Output.standard.write(style.dim("\(time) ms\(place), \(what)") + "\n")
    if let reading {
      try Output.standard.write(style.bold("\(reading.dialect) \(reading.name)") + "\n")
      try Output.standard.write(reading.tree(of: bytes, style: style))
    } else if !bytes.isEmpty {
      try Output.standard.write(style.red("  cannot be read: \(hexadecimal(bytes))") + "\n")
    } else {
      try Output.standard.write("  \(printable(data.description))\n")
    }
  }

  // MARK: Reading

  private static func contents(of file: String) async throws -> [UInt8] {
    let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure("cannot read \(file): \(lastError())") }
    defer { if descriptor != STDIN_FILENO { close(descriptor) } }
    let input = try Input(descriptor, name: file == "-" ? "standard input" : file)
    var bytes: [UInt8] = []
    while let piece = try await input.next() {
      bytes += piece
      guard bytes.count <= most else { throw Failure("\(file) has more than \(most >> 20) MB; cut it") }
    }
    return bytes
  }
  /// The events of a trace: JSON texts in sequence (RFC 7464), one a line, or one document with traces in it.
  private static func records(of bytes: [UInt8], in file: String) throws -> [JSON] {
    let isSequence = bytes.first == 0x1e
    let texts = bytes.split(separator: isSequence ? 0x1e : 0x0a)
    var records: [JSON] = []
    if !isSequence, let document = try? JSON(parsing: bytes), let traces = document["traces"]?.elements {
      return traces.flatMap { $0["events"]?.elements ?? [] }
    }
    for (index, text) in texts.enumerated() {
      do {
        records.append(try JSON(parsing: Array(text)))
      } catch {
        // The last one may be cut: its writer was stopped.
        guard index == texts.count - 1, !records.isEmpty else {
          throw Failure("\(file) is no qlog trace: text \(index + 1), \(error)")
        }
      }
    }
    return records
  }
}

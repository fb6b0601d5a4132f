import MoQDrafts
import MoQKernel

extension Command {
  private static let bytes = Operand(
    "HEX", .many, "bytes in hexadecimal, however they are spaced; -: from standard input; with --qlog: a file")
  private static let draft = Option(
    "draft", short: "d", takes: .repeated("NAME"), "in this dialect; without it all are tried (moq drafts lists them)")
  private static let kind = Option(
    "as", takes: .one("WHAT"), "take them for stream, datagram, or a message's name; without it all are tried")
  private static let raw = Option("raw", "standard input holds the bytes themselves")
  private static let traces = Option(
    "qlog", "take the bytes out of a trace that --qlog of another command left (- : from standard input)")
  private static let everyReading = Option("all", "print every reading in full, not only the best")

  static let decode = Command(
    name: "decode",
    summary: "say what bytes mean: control messages, a stream of objects, a datagram",
    operands: [bytes],
    options: [("Options", [draft, kind, raw, traces, everyReading, .json])],
    details: "Prints the fields with the bytes that hold them. What can be read whole comes first, then what gets "
      + "furthest. Fails if nothing reads all bytes.",
    examples: [
      ("a SUBSCRIBE, in whatever dialect", "moq decode 0300120101046c69766505766964656f8000000100"),
      ("a stream out of a file", "moq decode --draft draft-14 --as stream --raw - < stream.bin"),
      ("for a script", "moq decode --json --all 0a 00 01 00"),
      ("what a session said and heard", "moq decode --qlog traces/4f774c1a384a3c84_client.sqlog"),
    ]
  ) { arguments in
    let names = arguments.texts(draft)
    for name in names { try checkDialect(name, among: dialects.map { $0.name }) }
    if arguments.has(traces) {
      try arguments.exclude(traces, raw)
      try arguments.exclude(traces, kind)
      let printer = TracePrinter(
        drafts: names, isJSON: arguments.has(.json), showsAll: arguments.has(everyReading))
      for file in arguments.operands { try await printer.show(file) }
      return
    }
    // How some peers speak a dialect counts as that dialect.
    let chosen = (dialects + profiles).filter { names.isEmpty || names.contains($0.name) }
    let wanted: Reading.Wanted =
      switch arguments.text(kind) {
      case nil: .anything
      case "stream": .stream
      case "datagram": .datagram
      case let name?: .messages(try MessageKind.named(name, in: chosen))
      }
    let bytes = try await input(arguments)
    let readings = Reading.all(of: bytes, in: chosen, as: wanted)
    guard let best = readings.first else {
      throw Failure(
        "\(Set(chosen.map { $0.name }).sorted().joined(separator: ", ")) has nothing of that kind; leave out --as")
    }
    if arguments.has(.json) {
      let shown = arguments.has(everyReading) ? readings : [best]
      try Output.standard.line(
        JSON.line(["hex": .string(hexadecimal(bytes)), "readings": .array(shown.map { $0.machineReadable() })]))
    } else {
      try show(readings, of: bytes, inFull: arguments.has(everyReading))
    }
    guard best.isWhole else {
      throw Failure("nothing reads all \(bytes.count) bytes; the best is \(best.dialect) \(best.name), \(best.summary)")
    }
  }

  private static func show(_ readings: [Reading], of bytes: [UInt8], inFull: Bool) throws {
    let style = Style(for: .standard)
    var others: [String] = [], shown: [Reading] = []
    for (index, reading) in readings.enumerated() {
      // A peer's way to speak a dialect is worth a line only where it differs.
      guard !readings[..<index].contains(where: { $0.text == reading.text && reading.says(theSameAs: $0) }) else {
        continue
      }
      if let same = shown.first(where: { reading.says(theSameAs: $0) }) {
        others.append("\(reading.dialect) \(reading.name): the same as in \(same.dialect)")
      } else if shown.isEmpty || inFull {
        try Output.standard.write("\(style.bold("\(reading.dialect) \(reading.name)")), \(reading.summary)\n")
        try Output.standard.write(reading.tree(of: bytes, style: style))
        shown.append(reading)
      } else if reading.isLikely {
        let line = "\(reading.dialect) \(reading.name): \(reading.summary)"
        if !others.contains(line) { others.append(line) }
      }
    }
    // What fits less well is worth a few lines, not a page.
    let most = 6
    if !others.isEmpty { try Output.standard.write("\(style.bold("Otherwise read:"))\n") }
    for line in others.prefix(most) { try Output.standard.write("  \(line)\n") }
    if others.count > most { try Output.standard.write("  and \(others.count - most) more (--all)\n") }
  }

  private static func input(_ arguments: Arguments) async throws -> [UInt8] {
    var text = arguments.operands.joined(separator: " ")
    if text == "-" {
      let source = try Input()
      var read: [UInt8] = []
      while let piece = try await source.next() {
        read += piece
        guard read.count <= 16 << 20 else { throw Failure("standard input has more than 16 MB; cut it") }
      }
      if arguments.has(raw) { return read }
      text = String(decoding: read, as: UTF8.self)
    } else if arguments.has(raw) {
      throw Misuse("--raw is for standard input: moq decode --raw -")
    }
    return try bytes(hexadecimal: text)
  }

  /// Bytes written in hexadecimal: digits in any case, with spaces, commas, colons, 0x and line breaks between.
  static func bytes(hexadecimal text: String) throws(Misuse) -> [UInt8] {
    let digits = text.replacing("0x", with: " ").filter { !$0.isWhitespace && !",:;-_\"[]{}".contains($0) }
    if let wrong = digits.first(where: { !$0.isHexDigit || !$0.isASCII }) {
      throw Misuse("\"\(wrong)\" is no hexadecimal digit")
    }
    guard let bytes = JSON.bytes(hex: digits) else {
      throw Misuse("\(digits.count) hexadecimal digits are no whole number of bytes: the last one is half")
    }
    guard !bytes.isEmpty else { throw Misuse("there are no bytes to decode") }
    return bytes
  }
}

func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

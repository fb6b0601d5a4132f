import MoQDrafts
import MoQKernel

extension Command {
  private static let message = Operand(
    "MESSAGE", .optional, "as a dialect calls it: SUBSCRIBE_OK; none: the messages there are, or all that differ")
  private static let draft = Option(
    "draft", short: "d", takes: .repeated("NAME"), "in this dialect; without it, in each (moq drafts lists them)")
  private static let between = Option("between", takes: .pair("A", "B"), "what B changes in A's figure")

  static let spell = Command(
    name: "spell",
    summary: "print a message's figure, or what differs between two dialects",
    operands: [message],
    options: [("Options", [draft, between, .json])],
    details: "The figure is traced from the code that reads and writes the message, in the drafts' own notation.",
    examples: [
      ("SUBSCRIBE in one dialect", "moq spell SUBSCRIBE --draft draft-14"),
      ("what is written otherwise", "moq spell subscribe-ok --between draft-14 moq-lite-01"),
      ("all messages of a dialect", "moq spell --draft moq-lite-01"),
    ]
  ) { arguments in
    try arguments.exclude(draft, between)
    let pair = arguments.texts(between)
    let names = pair.isEmpty ? arguments.texts(draft) : pair
    for name in names { try checkDialect(name, among: dialects.map { $0.name }) }
    let chosen = names.isEmpty ? dialects : names.compactMap { dialects.named($0) }
    let kinds = try arguments.operand(0).map { try MessageKind.named($0, in: chosen) }
    if !pair.isEmpty {
      try compare(chosen[0], chosen[1], kinds ?? MessageKind.allCases, isJSON: arguments.has(.json))
    } else if let kinds {
      try figures(of: kinds, in: chosen, isJSON: arguments.has(.json))
    } else {
      try list(chosen, isJSON: arguments.has(.json))
    }
  }

  private static func figures(of kinds: [MessageKind], in chosen: [any Dialect.Type], isJSON: Bool) throws {
    let style = Style(for: .standard)
    for dialect in chosen {
      for kind in kinds {
        guard let figure = try Figure(kind, in: dialect) else {
          if kinds.count == 1, !isJSON { try Output.standard.line("\(style.bold(dialect.name)) has no such message") }
          continue
        }
        if isJSON {
          try Output.standard.line(figure.json)
          continue
        }
        try Output.standard.write("\(style.bold(dialect.name)) \(style.dim(figure.section))\n\(figure.name) {\n")
        for line in figure.lines { try Output.standard.write("  \(line),\n") }
        try Output.standard.write("}\n")
      }
    }
  }

  private static func list(_ chosen: [any Dialect.Type], isJSON: Bool) throws {
    let style = Style(for: .standard)
    for dialect in chosen {
      if !isJSON { try Output.standard.write("\(style.bold(dialect.name))\n") }
      for kind in MessageKind.allCases {
        guard let figure = try Figure(kind, in: dialect) else { continue }
        if isJSON {
          try Output.standard.line(figure.json)
          continue
        }
        let type = figure.type.map { "0x" + String($0, radix: 16, uppercase: true) } ?? "-"
        let name = figure.name + String(repeating: " ", count: max(1, 28 - figure.name.count))
        try Output.standard.write(
          "  \(type + String(repeating: " ", count: max(1, 7 - type.count)))\(name)\(figure.section)\n")
      }
    }
  }

  private static func compare(
    _ a: any Dialect.Type, _ b: any Dialect.Type, _ kinds: [MessageKind], isJSON: Bool
  ) throws {
    let style = Style(for: .standard)
    for kind in kinds {
      let (old, new) = (try Figure(kind, in: a), try Figure(kind, in: b))
      guard old != nil || new != nil else { continue }
      let changes = difference(from: old?.lines ?? [], to: new?.lines ?? [])
      if kinds.count > 1, changes.allSatisfy({ $0.mark == " " }), old?.name == new?.name { continue }
      if isJSON {
        let lines = changes.map { JSON.members(["change": .string($0.mark), "field": .string($0.line)]) }
        try Output.standard.line(
          JSON.line([
            "message": .string(kind.rawValue), "from": .string(a.name), "to": .string(b.name), "lines": .array(lines),
          ]))
        continue
      }
      func title(_ figure: Figure?, _ dialect: any Dialect.Type) -> String {
        figure.map { "\(dialect.name) \($0.name) \($0.section)" } ?? "\(dialect.name): no such message"
      }
      try Output.standard.write("\(style.red("--- \(title(old, a))"))\n\(style.green("+++ \(title(new, b))"))\n")
      for (mark, line) in changes {
        let text = "\(mark) \(line)"
        try Output.standard.write((mark == "-" ? style.red(text) : mark == "+" ? style.green(text) : text) + "\n")
      }
    }
  }
}

/// A message as a dialect's draft would draw it.
private struct Figure {
  let dialect: String, name: String, section: String
  let type: UInt64?
  let lines: [String]

  /// nil: the dialect has no such message.
  init?(_ kind: MessageKind, in dialect: any Dialect.Type) throws {
    guard dialect.speaks(kind) else { return nil }
    let layout = dialect.layout(of: kind)
    (self.dialect, name, type) = (dialect.name, layout.name, layout.type)
    let place = dialect.section(of: kind).description
    // A dialect without section numbers has the names of its chapters there.
    section = place.hasPrefix("§") ? place : ""
    lines = try dialect.figure(of: kind).map(\.description)
  }

  var json: String {
    JSON.line([
      "dialect": .string(dialect), "message": .string(name), "section": .string(section),
      "type": type.map { .number("\($0)") } ?? .null, "fields": .array(lines.map { .string($0) }),
    ])
  }
}

extension MessageKind {
  /// The messages that some of `dialects` call so; capitals and separators do not matter.
  static func named(_ text: String, in chosen: [any Dialect.Type]) throws(Misuse) -> [MessageKind] {
    func plain(_ name: String) -> String { name.lowercased().filter(\.isLetter) }
    let wanted = plain(text)
    let found = MessageKind.allCases.filter { kind in
      plain(kind.rawValue) == wanted || dialects.contains { $0.speaks(kind) && plain($0.name(of: kind)) == wanted }
    }
    guard found.isEmpty else { return found }
    let names = chosen.flatMap { dialect in
      MessageKind.allCases.filter { dialect.speaks($0) }.map { dialect.name(of: $0) }
    }
    let near = nearest(wanted, among: names.map(plain)).flatMap { near in names.first { plain($0) == near } }
    let hint = near.map { "did you mean \($0)?" } ?? "moq spell lists them"
    throw Misuse("there is no message \"\(text)\"; \(hint)")
  }
}

/// What turns one list of lines into another, in order: kept (" "), taken away ("-") and added ("+").
func difference(from old: [String], to new: [String]) -> [(mark: String, line: String)] {
  let changes = new.difference(from: old)
  let removed = Set(changes.removals.compactMap { if case .remove(let offset, _, _) = $0 { offset } else { nil } })
  let added = Set(changes.insertions.compactMap { if case .insert(let offset, _, _) = $0 { offset } else { nil } })
  var lines: [(mark: String, line: String)] = [], place = 0
  for (offset, line) in old.enumerated() {
    if removed.contains(offset) {
      lines.append(("-", line))
      continue
    }
    while added.contains(place) {
      lines.append(("+", new[place]))
      place += 1
    }
    lines.append((" ", line))
    place += 1
  }
  while place < new.count {
    lines.append(("+", new[place]))
    place += 1
  }
  return lines
}

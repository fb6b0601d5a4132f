import MoQDrafts
import MoQKernel

extension Command {
  static let drafts = Command(
    name: "drafts",
    summary: "list the dialects, best first: what names them on the wire, and their profiles",
    options: [("Options", [.json])],
    details:
      "Profiles are the ways of peers that are not in a dialect's text; most are found out by themselves, others "
      + "are asked for (--profile).",
    examples: [("names, for --draft", "moq drafts"), ("for a script", "moq drafts --json")]
  ) { arguments in
    let rows = dialects.map { DialectRow($0) }
    if arguments.has(.json) {
      for row in rows { try Output.standard.line(row.json) }
      return
    }
    let style = Style(for: .standard)
    let table = [DialectRow.titles] + rows.map(\.cells)
    let widths = DialectRow.titles.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
    for (line, cells) in table.enumerated() {
      var padded = zip(cells, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
      padded[padded.count - 1] = cells[cells.count - 1]
      let text = padded.joined(separator: "  ")
      try Output.standard.line(
        line == 0 ? style.dim(text) : style.bold(padded[0]) + text.dropFirst(padded[0].count))
    }
  }
}

/// A dialect as the list shows it.
private struct DialectRow {
  static let titles = ["dialect", "version", "ALPN", "WebTransport", "messages", "profiles"]
  let name: String, version: String, alpns: [String], subprotocols: [String], profiles: [String]
  let messages: Int

  init(_ dialect: any Dialect.Type) {
    let rules = dialect.rules
    (name, version) = (dialect.name, "0x" + String(dialect.version, radix: 16))
    (alpns, subprotocols) = (rules.identification.alpns, rules.identification.subprotocols)
    let known =
      rules.identification.handshakes.compactMap(\.profile) + rules.profiles.map(\.name)
      + MoQDrafts.profiles.filter { $0.name == dialect.name }.compactMap { $0.profile }
    profiles = known.indices.filter { !known[..<$0].contains(known[$0]) }.map { known[$0] }
    messages = MessageKind.allCases.filter { dialect.speaks($0) }.count
  }

  var cells: [String] {
    func list(_ items: [String]) -> String { items.isEmpty ? "-" : items.joined(separator: ", ") }
    return [name, version, list(alpns), list(subprotocols), "\(messages)", list(profiles)]
  }
  var json: String {
    func list(_ items: [String]) -> JSON { .array(items.map { .string($0) }) }
    return JSON.line([
      "name": .string(name), "version": .string(version), "alpns": list(alpns), "subprotocols": list(subprotocols),
      "messages": .number("\(messages)"), "profiles": list(profiles),
    ])
  }
}

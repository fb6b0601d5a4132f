/// The help, laid out from the same descriptions that the parser follows.
enum Help {
  /// The list of commands; `family`: only those whose name begins with it.
  static func overview(_ commands: [Command], family: String? = nil, style: Style) -> String {
    let shown = commands.filter { family == nil || $0.name.hasPrefix("\(family ?? "") ") }
    var text = ""
    if family == nil { text += "moq: Media over QUIC in every dialect, a relay and its tools\n\n" }
    text += "\(style.bold("Usage:")) moq \(family.map { "\($0) " } ?? "")COMMAND [options]\n\n"
    text += "\(style.bold("Commands:"))\n"
    text += table(shown.map { ($0.name, $0.summary) }, style: style)
    if family == nil {
      text += "\n\(style.bold("Options:"))\n"
      text += table([Command.help, Command.version].map { ($0.heading, $0.summary) }, style: style)
      text += "\n\(style.bold("Examples:"))\n"
      text += examples(
        [
          ("a relay on this machine", "moq relay --bind 127.0.0.1:4443"),
          ("what a command takes", "moq publish --help"),
        ], style: style)
      text += "\nExit status: 0 done, 1 failed (the reason is on standard error), 2 wrong usage.\n"
    }
    return text
  }

  static func command(_ command: Command, style: Style) -> String {
    var text = "moq \(command.name): \(command.summary)\n\n"
    let usage = (["moq", command.name] + command.operands.map(\.usage) + ["[options]"]).joined(separator: " ")
    text += "\(style.bold("Usage:")) \(usage)\n"
    if !command.details.isEmpty { text += "\n" + wrapped(command.details, to: 78).joined(separator: "\n") + "\n" }
    if !command.operands.isEmpty {
      text += "\n" + table(command.operands.map { ($0.name, $0.summary) }, style: style)
    }
    for (heading, options) in command.options {
      text += "\n\(style.bold("\(heading):"))\n" + table(options.map { ($0.heading, $0.summary) }, style: style)
    }
    text += "\n" + table([(Command.help.heading, Command.help.summary)], style: style)
    text += "\n\(style.bold("Examples:"))\n" + examples(command.examples, style: style)
    return text
  }

  private static func examples(_ examples: [(what: String, line: String)], style: Style) -> String {
    examples.map { "  \(style.dim("# \($0.what)"))\n  \($0.line)\n" }.joined()
  }

  /// Names at the left, what they are beside them. A name too long for its column has a line of its own.
  private static func table(_ rows: [(String, String)], style: Style) -> String {
    let column = 25
    var text = ""
    for (name, summary) in rows {
      var lines = wrapped(summary, to: 80 - column)[...]
      text += "  \(style.cyan(name))"
      if name.count + 4 <= column {
        text += String(repeating: " ", count: column - 2 - name.count) + (lines.popFirst() ?? "")
      }
      text += "\n"
      for line in lines { text += String(repeating: " ", count: column) + line + "\n" }
    }
    return text
  }

  /// The words of a text in lines of at most `width` characters.
  static func wrapped(_ text: String, to width: Int) -> [String] {
    var lines: [String] = [], line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, line.count + 1 + word.count > width {
        lines.append(line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    return line.isEmpty ? lines : lines + [line]
  }
}

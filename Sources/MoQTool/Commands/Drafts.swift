import MoQDrafts
import MoQKernel

extension Command {
  static let drafts = Command(
    name: "drafts",
    summary: "list the dialects that are spoken, best first",
    options: [("Options", [.json])],
    examples: [("names, for --draft", "moq drafts"), ("for a script", "moq drafts --json")]
  ) { arguments in
    let style = Style(for: .standard)
    let width = dialects.map { $0.name.count }.max() ?? 0
    for dialect in dialects {
      let messages = MessageKind.allCases.filter { dialect.speaks($0) }.count
      let version = "0x" + String(dialect.version, radix: 16)
      if arguments.has(.json) {
        try Output.standard.line(
          JSON.line([
            "name": .string(dialect.name), "version": .string(version), "messages": .number("\(messages)"),
          ]))
      } else {
        let name = dialect.name + String(repeating: " ", count: width - dialect.name.count)
        try Output.standard.line("\(style.bold(name))  version \(version)  \(messages) messages")
      }
    }
  }
}

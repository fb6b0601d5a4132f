import MoQDrafts
import MoQKernel

extension Command {
  static let drafts = Command(
    name: "drafts",
    summary: "list the dialects, best first, and whether sessions speak them or only decode, spell and vectors do",
    options: [("Options", [.json])],
    examples: [("names, for --draft", "moq drafts"), ("for a script", "moq drafts --json")]
  ) { arguments in
    let style = Style(for: .standard)
    let width = codecs.map { $0.name.count }.max() ?? 0
    for dialect in codecs {
      let status = dialects.named(dialect.name) != nil ? "sessions" : "codec"
      let messages = MessageKind.allCases.filter { dialect.speaks($0) }.count
      let version = "0x" + String(dialect.version, radix: 16)
      if arguments.has(.json) {
        try Output.standard.line(
          JSON.line([
            "name": .string(dialect.name), "version": .string(version), "messages": .number("\(messages)"),
            "status": .string(status),
          ]))
      } else {
        let name = dialect.name + String(repeating: " ", count: width - dialect.name.count)
        try Output.standard.line("\(style.bold(name))  version \(version)  \(messages) messages  \(status)")
      }
    }
  }
}

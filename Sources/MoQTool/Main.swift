import Glibc
import MoQ

@main enum Main {
  static func main() async {
    // A closed pipe is an error of the write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    let status = await run(Array(CommandLine.arguments.dropFirst()), commands: Command.all)
    TraceDirectory.finish()
    exit(status)
  }

  /// Does what the words ask for. The answer is the exit status: 0 done, 1 failed, 2 wrong usage, 127 not supported.
  static func run(_ words: [String], commands: [Command]) async -> Int32 {
    var name: String?
    do {
      switch try Request(words, commands: commands) {
      case .help(let command): try Output.standard.write(Help.command(command, style: Style(for: .standard)))
      case .overview(let family):
        try Output.standard.write(Help.overview(commands, family: family, style: Style(for: .standard)))
      case .version: try Output.standard.write(Versions.text)
      case .run(let command, let arguments):
        name = command.name
        try await command.run(arguments)
      }
      try Output.standard.flush()
      return 0
    } catch {
      // What was printed before the failure is the user's; if that cannot be written either, the first error stands.
      try? Output.standard.flush()
      return status(after: error, in: name)
    }
  }

  /// Says what went wrong, in one sentence.
  private static func status(after error: any Error, in command: String?) -> Int32 {
    let style = Style(for: .error)
    func say(_ command: String?, _ sentence: String) {
      note("\(style.bold(command.map { "moq \($0):" } ?? "moq:")) \(style.red(sentence))")
    }
    switch error {
    case is Output.Closed:
      return 0
    case let misuse as Misuse:
      let command = misuse.command ?? command
      say(command, "\(misuse.sentence) (see: moq \(command.map { "\($0) " } ?? "")--help)")
      return 2
    case is Failed:
      return 1
    case let error as Unsupported:
      say(command, error.sentence)
      return 127
    default:
      say(command, Sentence.of(error))
      return Sentence.isMisuse(error) ? 2 : 1
    }
  }
}

/// A command of the tool: what it is called, what it takes, what it does.
struct Command: Sendable {
  /// One word, or two: `clock publish`.
  let name: String
  let summary: String
  var operands: [Operand] = []
  /// Options in the order of the help, under headings.
  var options: [(heading: String, options: [Option])] = []
  /// More than the summary says, in whole sentences.
  var details = ""
  /// What to type, with what it does.
  let examples: [(what: String, line: String)]
  let run: @Sendable (Arguments) async throws -> Void

  static let help = Option("help", short: "h", "show this")
  static let version = Option("version", "print the versions of moq, ngtcp2, GnuTLS and nghttp3")

  var allOptions: [Option] { options.flatMap(\.options) + [Command.help] }

  func arguments(_ words: [String]) throws(Misuse) -> Arguments {
    try Arguments(words, options: allOptions, operands: operands)
  }
}

/// What the words of a command line ask for.
enum Request {
  case run(Command, Arguments)
  case help(Command)
  /// The list of commands, or of those that begin with a word: `moq clock`.
  case overview(String?)
  case version

  init(_ words: [String], commands: [Command]) throws(Misuse) {
    var words = words[...]
    guard let first = words.popFirst() else { throw Misuse("say what to do: moq COMMAND") }
    switch first {
    case "-h", "--help": self = .overview(nil); return
    case "--version": self = .version; return
    case "help":
      guard let name = words.first, !name.hasPrefix("-") else { self = .overview(nil); return }
      try self.init(Array(words.prefix(2)) + ["--help"], commands: commands)
      return
    default: break
    }
    let family = commands.filter { $0.name.hasPrefix("\(first) ") }
    if !family.isEmpty {
      guard let second = words.popFirst() else {
        let choices = family.map(\.name).joined(separator: "\" or \"")
        throw Misuse("say what to do: \"\(choices)\"", command: first)
      }
      if second == "-h" || second == "--help" { self = .overview(first); return }
      guard let command = family.first(where: { $0.name == "\(first) \(second)" }) else {
        let names = family.map { String($0.name.dropFirst(first.count + 1)) }
        throw Misuse(
          "there is no \"\(first) \(second)\"" + suggestion(second, among: names, prefix: "\(first) "), command: first)
      }
      try self.init(command, Array(words))
      return
    }
    guard let command = commands.first(where: { $0.name == first }) else {
      let names = commands.map { String($0.name.prefix { $0 != " " }) } + ["help"]
      let kind = first.hasPrefix("-") ? "option" : "command"
      let hint =
        kind == "option"
        ? suggestion(String(first.drop { $0 == "-" }), among: ["help", "version"], prefix: "--")
        : suggestion(first, among: names)
      throw Misuse("there is no \(kind) \(first)" + hint)
    }
    try self.init(command, Array(words))
  }

  private init(_ command: Command, _ words: [String]) throws(Misuse) {
    do {
      let arguments = try command.arguments(words)
      self = arguments.has(Command.help) ? .help(command) : .run(command, arguments)
    } catch {
      throw Misuse(error.sentence, command: command.name)
    }
  }
}

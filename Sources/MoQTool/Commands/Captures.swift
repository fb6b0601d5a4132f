import MoQDrafts
import MoQKernel
import MoQNetwork

extension Command {
  private static let folder = Operand("DIR", "a folder of recordings, or one recording")
  private static let draft = Option("draft", short: "d", takes: .repeated("NAME"), "only recordings of this dialect")

  private static let passes = Option("verbose", short: "v", "list those that pass, too, and what each holds")

  static let capturesVerify = Command(
    name: "captures verify",
    summary: "decode recorded sessions whole, and write them again",
    operands: [folder],
    options: [("Options", [draft, .json, passes])],
    details: "Every stream and datagram of a recording must decode without a remainder, and be written again to the "
      + "same bytes; those of WebTransport are taken out of their HTTP/3 connection first. Recordings of what is not spoken here are skipped, with the reason.",
    examples: [
      ("those that come with the sources", "moq captures verify Tests/Recordings"),
      ("what each holds", "moq captures verify --verbose Tests/Recordings"),
    ]
  ) { arguments in
    let names = arguments.texts(draft)
    for name in names { try checkDialect(name, among: dialects.map { $0.name }) }
    let files = try FileTree.files(at: arguments.operands[0], suffix: ".json")
    guard !files.isEmpty else {
      throw Failure("no recordings are in \(arguments.operands[0]); name a folder of .json files")
    }
    let runner = RecordingRunner(dialects + profiles, unwrapping: HTTP3Recording.unwrap), isJSON = arguments.has(.json),
      style = Style(for: .standard)
    var tally = Tally()
    for file in files {
      let bytes = try FileTree.contents(of: file)
      if !names.isEmpty {
        guard let json = try? JSON(parsing: bytes), names.contains(json["dialect"]?.text ?? "") else { continue }
      }
      let outcome: String, words: String, line: String
      switch runner.run(bytes, path: file).outcome {
      case .passed(let summary):
        tally.passed += 1
        (outcome, words) = ("passed", summary)
        line = arguments.has(passes) ? "\(style.green("passed:")) \(file): \(summary)\n" : ""
      case .failed(let why):
        tally.failed += 1
        (outcome, words, line) = ("failed", why, "\(style.red("failed:")) \(file): \(why)\n")
      case .skipped(let reason):
        tally.skipped += 1
        (outcome, words, line) = ("skipped", reason, "skipped: \(file): \(reason)\n")
      }
      let json = JSON.line(["file": .string(file), "outcome": .string(outcome), "summary": .string(words)])
      try Output.standard.write(isJSON ? json + "\n" : line)
    }
    try tally.end(isJSON: isJSON)
  }
}

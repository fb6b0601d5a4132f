import Testing

@testable import MoQTool

@Suite struct ArgumentsTests {
  static let flag = Option("json", short: "j", "")
  static let one = Option("count", short: "n", takes: .one("N"), "")
  static let many = Option("draft", takes: .repeated("NAME"), "")
  static let words = Option("files", takes: .words("F"), "")

  func parse(_ words: String..., operands: [Operand] = [Operand("X", .optional, ""), Operand("Y", .optional, "")])
    throws(Misuse) -> Arguments
  {
    try Arguments(words, options: [Self.flag, Self.one, Self.many, Self.words], operands: operands)
  }
  func sentence(_ words: String..., operands: [Operand] = []) -> String? {
    do {
      _ = try Arguments(words, options: [Self.flag, Self.one, Self.many, Self.words], operands: operands)
      return nil
    } catch { return error.sentence }
  }

  @Test(arguments: [["--count", "3"], ["--count=3"], ["-n", "3"], ["-n3"], ["-n=3"], ["-n", "1", "--count=3"]])
  func `a value is taken in each way of writing it`(_ words: [String]) throws {
    let arguments = try Arguments(words, options: [Self.one], operands: [])
    #expect(arguments.text(Self.one) == "3")
    #expect(try arguments.number(Self.one, in: 1...10) == 3)
  }
  @Test func `options and operands mix, and -- ends the options`() throws {
    let arguments = try parse("a", "--json", "--", "--count")
    #expect(arguments.operands == ["a", "--count"])
    #expect(arguments.has(Self.flag) && !arguments.has(Self.one))
  }
  @Test func `a dash alone is an operand, or a value`() throws {
    #expect(try parse("-").operands == ["-"])
    #expect(try parse("--count", "-").text(Self.one) == "-")
    #expect(try parse("--files", "a", "-", "b", "--json").texts(Self.files) == ["a", "-", "b"])
  }
  static var files: Option { words }
  @Test func `a repeated option keeps its order`() throws {
    #expect(try parse("--draft", "b", "x", "--draft=a").texts(Self.many) == ["b", "a"])
  }
  @Test func `a list of words ends at the next option, or at --`() throws {
    let arguments = try parse("--files", "a", "b", "--", "c")
    #expect(arguments.texts(Self.words) == ["a", "b"])
    #expect(arguments.operands == ["c"])
  }

  @Test func `what is wrong is said, with the nearest name`() {
    #expect(sentence("--jsno") == "there is no option --jsno; did you mean --json?")
    #expect(sentence("--co") == "there is no option --co; did you mean --count?")
    #expect(sentence("-count") == "there is no option -count; did you mean --count?")
    #expect(sentence("--elephant") == "there is no option --elephant")
    #expect(sentence("--count") == "--count needs a value: --count N")
    #expect(sentence("--count", "--json") == "--count needs a value: --count N")
    #expect(sentence("--json=yes") == "--json takes no value")
    #expect(sentence("--files", "--json") == "--files needs values: --files F...")
    #expect(sentence("a", operands: [Operand("URL", ""), Operand("TRACK", "")]) == "TRACK is missing")
    #expect(sentence("a", "b", operands: [Operand("URL", "")]) == "\"b\" is one word too many")
    #expect(sentence(operands: [Operand("URL", .many, "")]) == "URL is missing")
  }
  @Test func `numbers are held to their range`() throws {
    let arguments = try parse("--count", "11")
    #expect(throws: Misuse("--count wants a whole number, 1 to 10, not \"11\"")) {
      try arguments.number(Self.one, in: 1...10)
    }
    #expect(throws: Misuse("--count wants a number above 0, at most 5, not \"11\"")) {
      try arguments.decimal(Self.one, upTo: 5)
    }
    for bad in ["-1", "", "1e3", "0x10", "18446744073709551616", "nan"] {
      #expect(throws: Misuse.self) { try parse("--count=\(bad)").number(Self.one, in: 0...(.max)) }
    }
    for bad in ["nan", "inf", "-1", "0", "", "1 s"] {
      #expect(throws: Misuse.self) { try parse("--count=\(bad)").seconds(Self.one) }
    }
  }
  @Test func `options that exclude each other`() throws {
    let arguments = try parse("--json", "--count", "1")
    #expect(throws: Misuse("--json and --count exclude each other")) { try arguments.exclude(Self.flag, Self.one) }
    try arguments.exclude(Self.flag, Self.many)
  }
  @Test func `slips are counted`() {
    #expect(slips(from: "subscribe", to: "subscribe") == 0)
    #expect(slips(from: "subcsribe", to: "subscribe") == 1)
    #expect(slips(from: "", to: "abc") == 3)
    #expect(nearest("verfy", among: ["verify", "list"]) == "verify")
    #expect(nearest("zzz", among: ["verify", "list"]) == nil)
    #expect(nearest("", among: ["verify"]) == nil)
  }
}

@Suite struct RequestTests {
  func request(_ words: String...) -> String {
    do {
      return switch try Request(words, commands: Command.all) {
      case .run(let command, let arguments): "run \(command.name) \(arguments.operands)"
      case .help(let command): "help \(command.name)"
      case .overview(let family): "overview \(family ?? "")"
      case .version: "version"
      }
    } catch { return "misuse of \(error.command ?? "moq"): \(error.sentence)" }
  }

  @Test func `the words say what is wanted`() {
    #expect(request("clock", "publish", "moqt://x") == #"run clock publish ["moqt://x"]"#)
    #expect(request("publish", "--help") == "help publish")
    // Help is help, whatever else is missing.
    #expect(request("clock", "subscribe", "-h") == "help clock subscribe")
    #expect(request("help", "clock", "publish") == "help clock publish")
    #expect(request("help", "probe") == "help probe")
    #expect(request("help") == "overview ")
    #expect(request("clock", "--help") == "overview clock")
    #expect(request("--version") == "version")
  }
  @Test func `what is wrong is said, with the nearest name`() {
    #expect(request() == "misuse of moq: say what to do: moq COMMAND")
    #expect(request("subscrbe") == "misuse of moq: there is no command subscrbe; did you mean subscribe?")
    #expect(request("--halp") == "misuse of moq: there is no option --halp; did you mean --help?")
    #expect(request("clock") == #"misuse of clock: say what to do: "clock publish" or "clock subscribe""#)
    #expect(request("clock", "publsh") == #"misuse of clock: there is no "clock publsh"; did you mean clock publish?"#)
    #expect(request("publish", "--ratee") == "misuse of publish: there is no option --ratee; did you mean --rate?")
  }
}

@Suite struct HelpTests {
  @Test(arguments: Command.all.map(\.name))
  func `a command's help names all it takes, within 80 columns`(_ name: String) throws {
    let command = try #require(Command.all.first { $0.name == name })
    let help = Help.command(command, style: Style(isOn: false))
    for option in command.allOptions { #expect(help.contains("--\(option.name)")) }
    for operand in command.operands { #expect(help.contains(operand.usage)) }
    #expect(!command.examples.isEmpty)
    for line in help.split(separator: "\n") where !line.contains("moq ") { #expect(line.count <= 80, "\(line)") }
    #expect(!command.summary.contains("."), "a summary is no sentence")
    let letters = command.allOptions.compactMap(\.short), names = command.allOptions.map(\.name)
    #expect(Set(letters).count == letters.count && Set(names).count == names.count)
  }

  @Test(arguments: Command.all.map(\.name))
  func `every example can be typed`(_ name: String) throws {
    let command = try #require(Command.all.first { $0.name == name })
    for example in command.examples {
      // What the shell would do with pipes, redirections and lists is not for the parser.
      let calls = example.line.split(whereSeparator: { "|>&<".contains($0) })
        .map { $0.split(separator: " ").map { $0.replacing("\"", with: "").replacing("'", with: "") } }
        .filter { $0.first == "moq" }
      #expect(!calls.isEmpty, "\(example.line)")
      for call in calls {
        let request = try Request(call.dropFirst().map { String($0) }, commands: Command.all)
        if call.count > 1, case .run(let found, _) = request, calls.count == 1 { #expect(found.name == name) }
      }
    }
  }

  @Test func `the overview lists every command`() {
    let overview = Help.overview(Command.all, style: Style(isOn: false))
    for command in Command.all { #expect(overview.contains("  \(command.name)")) }
    let clock = Help.overview(Command.all, family: "clock", style: Style(isOn: false))
    #expect(clock.contains("clock publish") && !clock.contains("relay"))
  }
  @Test func `colour is only where it is on`() {
    #expect(Style(isOn: false).bold("x") == "x")
    #expect(Style(isOn: true).red("x") == "\u{1b}[31mx\u{1b}[0m")
  }
}

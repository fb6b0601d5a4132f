import Glibc

/// `moq-bench [SUITE...] [--json] [--check]`: one line a case.
@main enum Main {
  /// How often a case is measured before it counts as beyond its limit.
  static let tries = 5
  static let usage = """
    Usage: moq-bench [SUITE...] [--json] [--check]

    Runs the suites named, or all. Each case is one line: what it cost, what a hand-written
    twin cost in the same run, and how they compare. The two take turns in many short rounds;
    the ratio is the lesser of the median of the rounds' ratios and of the ratio of the least
    costs, so that what else the machine does is not mistaken for a cost.

    \(Suite.all.map { "  \($0.name)\(String(repeating: " ", count: max(1, 14 - $0.name.count)))\($0.summary)" }.joined(separator: "\n"))

      --json        one JSON object a line
      --check       fail (exit 1) if a case is beyond its allowed ratio; it is measured again, up to
                    \(tries) times in all, and fails if it was beyond every time
      --only TEXT   only cases whose name has TEXT in it
      --list        the cases, without running them
      -h, --help    show this

    """

  static func main() async {
    signal(SIGPIPE, SIG_IGN)
    exit(await run(Array(CommandLine.arguments.dropFirst())))
  }

  static func run(_ words: [String]) async -> Int32 {
    var names: [String] = [], json = false, check = false, list = false, only = ""
    var words = words[...]
    while let word = words.popFirst() {
      switch word {
      case "--only":
        guard let text = words.popFirst() else {
          complain("--only wants a part of a case's name")
          return 2
        }
        only = text
      case "--json": json = true
      case "--check": check = true
      case "--list": list = true
      case "--help", "-h": emit(usage, terminator: ""); return 0
      case "all": names += Suite.all.map(\.name)
      default:
        guard Suite.all.contains(where: { $0.name == word }) else {
          let known = (Suite.all.map(\.name) + ["all"]).joined(separator: ", ")
          complain(
            "there is no \(word.hasPrefix("-") ? "option" : "suite") \(word); there are \(known), --json, --check, --only, --list"
          )
          return 2
        }
        names.append(word)
      }
    }
    var failures = 0, beyond: [String] = []
    for suite in Suite.all where names.isEmpty || names.contains(suite.name) {
      var table = Table(suite)
      for item in suite.cases where only.isEmpty || "\(suite.name) \(item.name)".contains(only) {
        if list {
          emit("\(suite.name) \(item.name)")
          continue
        }
        do {
          var result = try await item.run()
          // Somebody else's work may have got in between: only what is slow every time is slow.
          for _ in 1..<tries where check && !item.allows(result) {
            let again = try await item.run()
            if item.allows(again) || again.ratio ?? 0 < result.ratio ?? 0 { result = again }
          }
          let verdict = Verdict(suite: suite.name, item, result)
          if json {
            emit(verdict.json)
          } else if let cell = item.cell {
            if let lines = table.add(verdict, cell) { emit(lines) }
          } else {
            emit(verdict.line)
          }
          if !verdict.isWithin { beyond.append("\(verdict.line)") }
        } catch {
          failures += 1
          complain("\(suite.name) \(item.name): \(error)")
        }
      }
      if let lines = table.finish() { emit(lines) }
    }
    // Without --check the ratios are only shown; a case that could not run is a failure all the same.
    if check {
      for line in beyond { complain(line) }
      if failures + beyond.count > 0 { complain("\(beyond.count) beyond their limit, \(failures) failed") }
    }
    return failures > 0 || check && !beyond.isEmpty ? 1 : 0
  }

  /// A report is read while it grows, so nothing is held back.
  static func emit(_ text: String, terminator: String = "\n") {
    let bytes = Array((text + terminator).utf8)
    write(STDOUT_FILENO, bytes, bytes.count)
  }

  static func complain(_ sentence: String) {
    let line = Array("moq-bench: \(sentence)\n".utf8)
    write(STDERR_FILENO, line, line.count)
  }
}

/// Nanoseconds of CPU that this thread has used.
func threadCPU() -> UInt64 { clock(CLOCK_THREAD_CPUTIME_ID) }
/// Nanoseconds of CPU that the whole process has used, on all its threads.
func processCPU() -> UInt64 { clock(CLOCK_PROCESS_CPUTIME_ID) }
/// Nanoseconds of a clock that only goes forward.
func monotonic() -> UInt64 { clock(CLOCK_MONOTONIC) }

private func clock(_ id: clockid_t) -> UInt64 {
  var now = timespec()
  clock_gettime(id, &now)
  return UInt64(now.tv_sec) &* 1_000_000_000 &+ UInt64(now.tv_nsec)
}

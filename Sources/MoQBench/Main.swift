import Glibc

/// `moq-bench [SUITE...] [--json] [--check]`: one line a case.
@main enum Main {
  /// How often a case is measured before it counts as beyond its limit.
  static let tries = 5
  static let usage = """
    Usage: moq-bench [SUITE...] [--json] [--check]

    Runs the suites named, or all. Each case is one line: what it cost, what a hand-written
    twin cost in the same run, and how they compare. The two take turns in many short rounds;
    the ratio is the median of the rounds' ratios, so that what else the machine does is
    not mistaken for a cost.

    \(Suite.all.map { "  \($0.name)\(String(repeating: " ", count: max(1, 14 - $0.name.count)))\($0.summary)" }.joined(separator: "\n"))

      --json        one JSON object a line
      --check       fail (exit 1) if a case is beyond its allowed ratio; it is measured again, up to
                    \(tries) times in all, and fails if it was beyond every time
      --list        the cases, without running them
      -h, --help    show this

    """

  static func main() async {
    signal(SIGPIPE, SIG_IGN)
    exit(await run(Array(CommandLine.arguments.dropFirst())))
  }

  static func run(_ words: [String]) async -> Int32 {
    var names: [String] = [], json = false, check = false, list = false
    for word in words {
      switch word {
      case "--json": json = true
      case "--check": check = true
      case "--list": list = true
      case "--help", "-h": emit(usage, terminator: ""); return 0
      case "all": names += Suite.all.map(\.name)
      default:
        guard Suite.all.contains(where: { $0.name == word }) else {
          let known = (Suite.all.map(\.name) + ["all"]).joined(separator: ", ")
          complain(
            "there is no \(word.hasPrefix("-") ? "option" : "suite") \(word); there are \(known), --json, --check, --list"
          )
          return 2
        }
        names.append(word)
      }
    }
    var failures = 0
    for suite in Suite.all where names.isEmpty || names.contains(suite.name) {
      for item in suite.cases {
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
          emit(json ? verdict.json : verdict.line)
          if !verdict.isWithin { failures += 1 }
        } catch {
          failures += 1
          complain("\(suite.name) \(item.name): \(error)")
        }
      }
    }
    // Without --check the ratios are only shown; a case that could not run is a failure all the same.
    if check, failures > 0 { complain("\(failures) beyond their limit, or failed") }
    return check && failures > 0 ? 1 : 0
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

/// A case's result beside its limit, ready to print.
struct Verdict {
  let suite: String, name: String, limit: Double?, result: Measurement, isWithin: Bool

  init(suite: String, _ item: Case, _ result: Measurement) {
    (self.suite, self.name, self.limit, self.result) = (suite, item.name, item.limit, result)
    isWithin = item.allows(result)
  }

  var line: String {
    func padded(_ text: String, to width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
    var line = padded(suite, to: 9) + padded(name, to: 50) + padded("\(short(result.ours)) \(result.unit)", to: 16)
    if let twin = result.twin, let ratio = result.ratio {
      line += padded("twin \(short(twin)) \(result.unit)", to: 22) + "x \(fixed(ratio, 2))"
      if let limit { line += isWithin ? " (limit \(fixed(limit, 2)))" : " BEYOND THE LIMIT \(fixed(limit, 2))" }
      line += "  "
    }
    return line
      + result.details.map { "\($0.name) \(short($0.value))\($0.unit.isEmpty ? "" : " ")\($0.unit)" }.joined(
        separator: ", ")
  }

  var json: String {
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    var members = ["\"suite\":\(quoted(suite))", "\"case\":\(quoted(name))", "\"ours\":\(result.ours)"]
    members.append("\"unit\":\(quoted(result.unit))")
    if let twin = result.twin, let ratio = result.ratio { members += ["\"twin\":\(twin)", "\"ratio\":\(ratio)"] }
    if let limit { members += ["\"limit\":\(limit)", "\"within\":\(isWithin)"] }
    let details = result.details.map { "\(quoted($0.name)):{\"value\":\($0.value),\"unit\":\(quoted($0.unit))}" }
    if !details.isEmpty { members.append("\"details\":{\(details.joined(separator: ","))}") }
    return "{\(members.joined(separator: ","))}"
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

/// A number with three significant digits or more, for people.
func short(_ value: Double) -> String {
  switch abs(value) {
  case ..<10: fixed(value, 2)
  case ..<100: fixed(value, 1)
  default: fixed(value, 0)
  }
}

/// A number with that many digits after the point.
func fixed(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
  let scale = (0..<digits).reduce(1.0) { scale, _ in scale * 10 }
  let text = String(UInt64((abs(value) * scale).rounded()))
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  return (value < 0 ? "-" : "") + (digits == 0 ? padded : "\(padded.dropLast(digits)).\(padded.suffix(digits))")
}

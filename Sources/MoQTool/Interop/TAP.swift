import MoQ

/// Writes results as the Test Anything Protocol, version 14: a plan, then a line for each test, each with what is
/// known of it beneath.
struct TAP {
  enum Outcome: Equatable {
    case passed
    /// What was waited for, what came instead, and a sentence.
    case failed(expected: String?, received: String?, message: String)
    case skipped(String)
  }

  /// The version, comments, and how many tests there will be.
  static func head(_ comments: [String], plan: Int) -> String {
    (["TAP version 14"] + comments.map { "# \(singleLine($0))" } + ["1..\(plan)"]).joined(separator: "\n")
  }

  /// A test's line, and its block of details. `ids`: connection ids by the name they go by.
  static func point(
    _ number: Int, _ name: String, _ outcome: Outcome, took: Duration, ids: [(name: String, id: String)],
    details: [(name: String, value: String)] = []
  ) -> String {
    var lines: [String], block = ["duration_ms: \(Int((took / .milliseconds(1)).rounded()))"]
    block += ids.map { "\($0.name): \($0.id)" }
    switch outcome {
    case .passed: lines = ["ok \(number) - \(name)"]
    case .skipped(let reason): return "ok \(number) - \(name) # SKIP \(singleLine(reason))"
    case .failed(let expected, let received, let message):
      lines = ["not ok \(number) - \(name)"]
      block += expected.map { ["expected: \(quoted($0))"] } ?? []
      block += received.map { ["received: \(quoted($0))"] } ?? []
      block.append("message: \(quoted(message))")
    }
    block += details.map { "\($0.name): \(quoted($0.value))" }
    lines += ["  ---"] + block.map { "  \($0)" } + ["  ..."]
    return lines.joined(separator: "\n")
  }

  static func bailOut(_ reason: String) -> String { "Bail out! \(singleLine(reason))" }

  /// A string that YAML reads as one, whatever a peer put into it: JSON's are YAML's, too.
  static func quoted(_ text: String) -> String { JSON.string(text).description }
  private static func singleLine(_ text: String) -> String {
    String(text.map { $0.isNewline ? " " : $0 }).replacing("#", with: "\\#")
  }
}

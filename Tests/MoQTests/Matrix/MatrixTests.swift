import Foundation
import MoQ
import MoQDrafts
import Synchronization
import Testing

/// A publisher's dialect and a subscriber's.
struct MatrixPair: Sendable, CustomTestStringConvertible {
  let publisher: any Dialect.Type
  let subscriber: any Dialect.Type
  var testDescription: String { "\(publisher.name) to \(subscriber.name)" }

  static let all = dialects.flatMap { publisher in
    dialects.map { MatrixPair(publisher: publisher, subscriber: $0) }
  }
}

/// The bridge matrix: every dialect's publisher to every dialect's subscriber, over real sockets. What does
/// not cross is exactly what the rules in `Drafts/README.md` say.
@Suite(.serialized) struct MatrixTests {
  @Test("a relay bridges", arguments: MatrixPair.all)
  func bridges(pair: MatrixPair) async throws {
    var outcome = MatrixBoard.Outcome()
    do {
      let crossing = try await within(.seconds(20), "connecting") { try await Crossing.begin(pair) }
      for step in MatrixStep.allCases {
        let started = ContinuousClock.now
        do {
          let losses = try await within(.seconds(20), "the step “\(step)”") { try await step.cross(crossing) }
          try #require(losses.lost == losses.expected, "\(step)")
          outcome.lost.formUnion(losses.lost)
          outcome.passed += 1
        } catch {
          outcome.failed.append(step)
          // What was required is recorded already.
          if !(error is ExpectationFailedError) { Issue.record("\(step): \(error)") }
        }
        outcome.times[step] = ContinuousClock.now - started
      }
      await crossing.end()
    } catch {
      outcome.failed = MatrixStep.allCases
      Issue.record("\(error)")
    }
    board.note(pair, outcome)
  }

  @Test("the rules are those of Drafts/README.md")
  func rulesAreWrittenDown() throws {
    let readme = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Drafts/README.md")
    let text = try String(contentsOf: readme, encoding: .utf8)
    let names = text.split(separator: "\n").compactMap { line -> String? in
      guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
      return String(line.dropFirst(3)[..<end])
    }
    let rules = Set(names).intersection(BridgingRule.allCases.map(\.rawValue))
    #expect(rules == Set(BridgingRule.allCases.map(\.rawValue)))
  }
}

/// Gathers what each pair has shown, and prints it as a table once all have.
let board = MatrixBoard(pairs: MatrixPair.all.count)

final class MatrixBoard: Sendable {
  struct Outcome: Sendable {
    var passed = 0
    var failed: [MatrixStep] = []
    var lost: Set<BridgingRule> = []
    var times: [MatrixStep: Duration] = [:]
  }
  private let outcomes = Mutex<[String: Outcome]>([:])
  private let pairs: Int
  init(pairs: Int) { self.pairs = pairs }

  func note(_ pair: MatrixPair, _ outcome: Outcome) {
    let all = outcomes.withLock { outcomes in
      outcomes[pair.testDescription] = outcome
      return outcomes.count == pairs ? outcomes : nil
    }
    if let all { print(Self.table(all)) }
  }

  /// Publishers down, subscribers across; a letter stands for what is lost.
  private static func table(_ outcomes: [String: Outcome]) -> String {
    let names: [String] = dialects.map { $0.name }.sorted()
    let width = (names.map { $0.count }.max() ?? 0) + 2
    func cell(_ text: String) -> String { text + String(repeating: " ", count: max(0, width - text.count)) }
    var kinds: [Set<BridgingRule>] = [], failures: [String] = []
    var passed = 0, failed = 0
    var lines = ["", "matrix: publishers down, subscribers across", cell("") + names.map(cell).joined()]
    for publisher in names {
      var row = cell(publisher)
      for subscriber in names {
        let pair = "\(publisher) to \(subscriber)"
        guard let outcome = outcomes[pair] else { continue }
        passed += outcome.passed
        failed += outcome.failed.count
        if outcome.failed.isEmpty {
          if !outcome.lost.isEmpty, !kinds.contains(outcome.lost) { kinds.append(outcome.lost) }
          row += cell(letter(kinds.firstIndex(of: outcome.lost)))
        } else {
          row += cell("FAILED")
          failures.append("  failed: \(pair): \(outcome.failed.map { $0.rawValue }.joined(separator: ", "))")
        }
      }
      lines.append(row)
    }
    lines.append("  ·  everything crosses: " + MatrixStep.allCases.map { $0.rawValue }.joined(separator: ", "))
    for (index, kind) in kinds.enumerated() {
      lines.append("  \(letter(index))  all but " + kind.map { $0.rawValue }.sorted().joined(separator: ", "))
    }
    lines += failures
    if ProcessInfo.processInfo.environment["MATRIX_TIMES"] != nil {
      for step in MatrixStep.allCases {
        let times = outcomes.values.compactMap { $0.times[step] }
        let sum = times.reduce(.zero, +), most = times.max() ?? .zero
        lines.append("  \(step.rawValue): \(sum / max(times.count, 1)) on average, \(most) at most")
      }
    }
    lines.append("matrix: \(passed) passed, \(failed) failed, 0 skipped")
    return lines.joined(separator: "\n")
  }
  private static func letter(_ index: Int?) -> String {
    guard let index else { return "·" }
    return String(UnicodeScalar(UInt8(65 + index % 26)))
  }
}

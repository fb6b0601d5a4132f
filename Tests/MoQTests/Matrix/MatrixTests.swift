import Foundation
import MoQ
import MoQDrafts
import Synchronization
import Testing

/// A publisher's dialect and a subscriber's, and what carries each.
struct MatrixPair: Sendable, CustomTestStringConvertible {
  let publisher: any Dialect.Type
  let subscriber: any Dialect.Type
  var publisherScheme = SessionURL.Scheme.moqt, subscriberScheme = SessionURL.Scheme.moqt
  var testDescription: String {
    func side(_ dialect: any Dialect.Type, _ scheme: SessionURL.Scheme) -> String {
      scheme == .https ? "\(dialect.name) (WebTransport)" : dialect.name
    }
    return "\(side(publisher, publisherScheme)) to \(side(subscriber, subscriberScheme))"
  }

  static let overQUIC = dialects.flatMap { publisher in
    dialects.map { MatrixPair(publisher: publisher, subscriber: $0) }
  }
  /// Each dialect once on each side, the other side over raw QUIC in the next dialect, and once on both.
  static let overWebTransport = dialects.indices.flatMap { index in
    let (one, other) = (dialects[index], dialects[(index + 1) % dialects.count])
    return [
      MatrixPair(publisher: one, subscriber: other, publisherScheme: .https),
      MatrixPair(publisher: other, subscriber: one, subscriberScheme: .https),
      MatrixPair(publisher: one, subscriber: one, publisherScheme: .https, subscriberScheme: .https),
    ]
  }
}

/// The bridge matrix: every dialect's publisher to every dialect's subscriber, over real sockets. What does
/// not cross is exactly what the rules in `Drafts/README.md` say.
@Suite(.serialized) struct MatrixTests {
  @Test("a relay bridges every pair")
  func bridges() async { await cross(MatrixPair.overQUIC) }

  @Test("a relay bridges over WebTransport")
  func bridgesOverWebTransport() async { await cross(MatrixPair.overWebTransport) }

  /// Several pairs at a time: most of a pair's time is spent waiting for ends that have no sign but silence.
  private func cross(_ pairs: [MatrixPair]) async {
    await withTaskGroup { group in
      var rest = pairs[...]
      for _ in 0..<6 { if let pair = rest.popFirst() { group.addTask { await cross(pair) } } }
      while await group.next() != nil { if let pair = rest.popFirst() { group.addTask { await cross(pair) } } }
    }
  }
  private func cross(_ pair: MatrixPair) async {
    var outcome = MatrixBoard.Outcome()
    do {
      let crossing = try await within(.seconds(60), "connecting") { try await Crossing.begin(pair) }
      for step in MatrixStep.allCases {
        let started = ContinuousClock.now
        do {
          let losses = try await within(.seconds(60), "the step “\(step)”") { try await step.cross(crossing) }
          try #require(losses.lost == losses.expected, "\(step)")
          outcome.lost.formUnion(losses.lost)
          outcome.passed += 1
        } catch {
          outcome.failed.append(step)
          // What was required is recorded already, but not of which pair.
          let reason = error is ExpectationFailedError ? "" : ": \(error)"
          Issue.record("\(pair.testDescription), \(step)\(reason)")
        }
        outcome.times[step] = ContinuousClock.now - started
      }
      await crossing.end()
    } catch {
      outcome.failed = MatrixStep.allCases
      Issue.record("\(pair.testDescription): \(error)")
    }
    board.note(pair, outcome)
  }

  @Test("the rules are those of Drafts/README.md")
  func rulesAreWrittenDown() throws {
    let readme = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Drafts/README.md")
    let text = try String(contentsOf: readme, encoding: .utf8)
    let start = try #require(text.range(of: "## What bridging loses"))
    let names = text[start.upperBound...].split(separator: "\n").compactMap { line -> String? in
      guard line.hasPrefix("| `"), let end = line.dropFirst(3).firstIndex(of: "`") else { return nil }
      return String(line.dropFirst(3)[..<end])
    }
    #expect(Set(names) == Set(BridgingRule.allCases.map(\.rawValue)))
  }
}

/// Gathers what each pair has shown, and prints it as a table once all have.
let board = MatrixBoard(pairs: MatrixPair.overQUIC.count + MatrixPair.overWebTransport.count)

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
    var legend = MatrixLegend()
    var lines = ["", "matrix: publishers down, subscribers across", cell("") + names.map(cell).joined()]
    for publisher in names {
      let row = names.map { cell(legend.mark(outcomes["\(publisher) to \($0)"])) }
      lines.append(cell(publisher) + row.joined())
    }
    lines.append("over WebTransport on the side that says so:")
    for pair in MatrixPair.overWebTransport {
      lines.append("  \(legend.mark(outcomes[pair.testDescription]))  \(pair.testDescription)")
    }
    lines += legend.lines
    var passed = 0, failed = 0
    for (pair, outcome) in outcomes.sorted(by: { $0.key < $1.key }) {
      passed += outcome.passed
      failed += outcome.failed.count
      guard !outcome.failed.isEmpty else { continue }
      lines.append("  failed: \(pair): \(outcome.failed.map { $0.rawValue }.joined(separator: ", "))")
    }
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
}

/// Which letter stands for which losses.
private struct MatrixLegend {
  private var kinds: [Set<BridgingRule>] = []

  mutating func mark(_ outcome: MatrixBoard.Outcome?) -> String {
    guard let outcome else { return "" }
    guard outcome.failed.isEmpty else { return "FAILED" }
    guard !outcome.lost.isEmpty else { return "·" }
    if !kinds.contains(outcome.lost) { kinds.append(outcome.lost) }
    return letter(kinds.firstIndex(of: outcome.lost) ?? 0)
  }
  private func letter(_ index: Int) -> String { String(UnicodeScalar(UInt8(65 + index % 26))) }

  var lines: [String] {
    ["  ·  everything crosses: " + MatrixStep.allCases.map { $0.rawValue }.joined(separator: ", ")]
      + kinds.indices.map { index in
        "  \(letter(index))  all but " + kinds[index].map { $0.rawValue }.sorted().joined(separator: ", ")
      }
  }
}

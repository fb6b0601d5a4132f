/// Benchmarks of one area: `moq-bench codec`.
struct Suite: Sendable {
  let name: String
  let summary: String
  let cases: [Case]

  /// All there are, in the order of a run. A suite is defined in its own file, as an extension of `Suite`.
  static let all: [Suite] = [codec, session, bulk, fanOut]
}

/// One line of the report.
struct Case: Sendable {
  let name: String
  /// How much dearer than its twin it may be: `--check` fails beyond. nil: it has no twin, or no limit.
  var limit: Double?
  let run: @Sendable () async throws -> Measurement

  init(_ name: String, limit: Double? = nil, run: @escaping @Sendable () async throws -> Measurement) {
    (self.name, self.limit, self.run) = (name, limit, run)
  }
}

/// What a case found.
struct Measurement: Sendable {
  /// The cost of ours, in `unit`: lower is better.
  var ours: Double
  /// The cost of a hand-written twin in the same run, in the same unit.
  var twin: Double?
  var unit: String
  /// Other figures, as they are printed and as JSON has them.
  var details: [(name: String, value: Double, unit: String)] = []

  init(_ ours: Double, twin: Double? = nil, unit: String, details: [(name: String, value: Double, unit: String)] = []) {
    (self.ours, self.twin, self.unit, self.details) = (ours, twin, unit, details)
  }
  var ratio: Double? { twin.map { ours / $0 } }
}

/// The least cost of two ways to do the same, each in nanoseconds of this thread's CPU per operation.
///
/// The two take turns, so that the machine's moods meet both; the minimum is the round with the least noise.
func race(
  rounds: Int = 15, operations: Int, ours: (Int) throws -> Void, twin: (Int) throws -> Void
) rethrows -> Measurement {
  var (best, bestTwin) = (Double.infinity, Double.infinity)
  try ours(operations / 10 + 1)
  try twin(operations / 10 + 1)
  for _ in 0..<rounds {
    best = min(best, try cost(operations, ours))
    bestTwin = min(bestTwin, try cost(operations, twin))
  }
  return Measurement(best, twin: bestTwin, unit: "ns")
}

private func cost(_ operations: Int, _ work: (Int) throws -> Void) rethrows -> Double {
  let start = threadCPU()
  try work(operations)
  return Double(threadCPU() - start) / Double(operations)
}

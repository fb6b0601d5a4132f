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

  /// Its place where a suite is printed as a table.
  var cell: (row: String, column: String)?

  init(_ name: String, limit: Double? = nil, run: @escaping @Sendable () async throws -> Measurement) {
    (self.name, self.limit, self.run) = (name, limit, run)
  }
  /// A case that is a cell of its suite's table.
  init(
    _ row: String, _ column: String, limit: Double? = nil, run: @escaping @Sendable () async throws -> Measurement
  ) {
    self.init("\(row) \(column)", limit: limit, run: run)
    cell = (row, column)
  }
  func allows(_ result: Measurement) -> Bool {
    guard let limit, let ratio = result.ratio else { return true }
    return ratio <= limit
  }
}

/// What a case found.
struct Measurement: Sendable {
  /// The cost of ours, in `unit`: lower is better.
  var ours: Double
  /// The cost of a hand-written twin in the same run, in the same unit.
  var twin: Double?
  var unit: String
  /// How many times dearer ours is; nil: it has no twin.
  var ratio: Double?
  /// Other figures, as they are printed and as JSON has them.
  var details: [(name: String, value: Double, unit: String)] = []

  init(
    _ ours: Double, twin: Double? = nil, unit: String, ratio: Double? = nil,
    details: [(name: String, value: Double, unit: String)] = []
  ) {
    (self.ours, self.twin, self.unit, self.details) = (ours, twin, unit, details)
    self.ratio = ratio ?? twin.map { ours / $0 }
  }
}

/// Two ways to do the same, each in nanoseconds of this thread's CPU per operation. The ratio is that of the
/// least costs, or the median of the rounds' ratios where that is less.
///
/// The two take turns, in rounds so short that whatever else the machine does meets both or few of them. Half
/// of the rounds may be spoiled without moving the median.
func race(rounds: Int = 200, ours: (Int) throws -> Void, twin: (Int) throws -> Void) rethrows -> Measurement {
  // Caches and branches are warm, and a round is long enough for the clock.
  _ = try cost(2_000, ours)
  let operations = max(200, Int(600_000 / max(try cost(2_000, twin), 1)))
  var (best, bestTwin, ratios) = (Double.infinity, Double.infinity, [Double]())
  for round in 0..<rounds {
    // Neither is always the one that comes after the other.
    let early = round.isMultiple(of: 2) ? try cost(operations, ours) : nil
    let other = try cost(operations, twin)
    let mine = try early ?? cost(operations, ours)
    (best, bestTwin) = (min(best, mine), min(bestTwin, other))
    ratios.append(mine / other)
  }
  // What disturbs adds to a cost and never takes from it, so the lesser of both is the one that is less disturbed.
  return Measurement(best, twin: bestTwin, unit: "ns", ratio: min(ratios.sorted()[rounds / 2], best / bestTwin))
}

private func cost(_ operations: Int, _ work: (Int) throws -> Void) rethrows -> Double {
  let start = threadCPU()
  try work(operations)
  return Double(max(threadCPU() - start, 1)) / Double(operations)
}

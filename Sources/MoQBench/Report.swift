/// A case's result beside its limit, ready to print.
struct Verdict {
  let suite: String, name: String, limit: Double?, result: Measurement, isWithin: Bool

  init(suite: String, _ item: Case, _ result: Measurement) {
    (self.suite, self.name, self.limit, self.result) = (suite, item.name, item.limit, result)
    isWithin = item.allows(result)
  }

  var line: String {
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

/// A suite whose cases are cells: a line for each row, as soon as it is whole.
struct Table {
  private let columns: [String], width: Int
  private var isBegun = false
  private var row = "", cells: [String: String] = [:]

  init(_ suite: Suite) {
    var columns: [String] = []
    for case let cell? in suite.cases.map(\.cell) where !columns.contains(cell.column) { columns.append(cell.column) }
    self.columns = columns
    width = (columns.map(\.count).max() ?? 0) + 3
  }

  /// Takes a cell; returns the lines that are ready.
  mutating func add(_ verdict: Verdict, _ cell: (row: String, column: String)) -> String? {
    let lines = cell.row == row ? nil : finish()
    row = cell.row
    let result = verdict.result
    let costs = result.twin.map { "\(short(result.ours))/\(short($0))" } ?? short(result.ours)
    let ratio = result.ratio.map { " x\(fixed($0, 2))" } ?? ""
    cells[cell.column] = costs + ratio + (verdict.isWithin ? "" : "!")
    return lines
  }
  /// The row that is whole, below the heading where it is the first.
  mutating func finish() -> String? {
    guard !row.isEmpty else { return nil }
    var lines: [String] = []
    if !isBegun {
      lines.append("ns, ours/twin x ratio; ! is beyond the limit")
      lines.append(columns.reduce(padded("", to: 13)) { $0 + padded($1, to: width) })
    }
    lines.append(columns.reduce(padded(row, to: 13)) { $0 + padded(cells[$1] ?? "-", to: width) })
    (isBegun, row, cells) = (true, "", [:])
    return lines.joined(separator: "\n")
  }
}

private func padded(_ text: String, to width: Int) -> String {
  text + String(repeating: " ", count: max(1, width - text.count))
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

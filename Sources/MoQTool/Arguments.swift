/// An option of a command, described once: the parser, the help and the suggestions all read this.
struct Option: Sendable {
  enum Value: Sendable {
    /// A switch: `--json`.
    case none
    /// `--count N`, `--count=N`; given twice, the later one counts.
    case one(String)
    /// As `one`, and each use adds a value.
    case repeated(String)
    /// Two words: `--between A B`.
    case pair(String, String)
    /// All words up to the next option: `--files F...`.
    case words(String)
  }
  let name: String
  let short: Character?
  let value: Value
  let summary: String

  init(_ name: String, short: Character? = nil, takes value: Value = .none, _ summary: String) {
    (self.name, self.short, self.value, self.summary) = (name, short, value, summary)
  }

  /// How the help shows it: `-o, --output FILE`.
  var heading: String {
    let long = "--\(name)"
    let named = short.map { "-\($0), \(long)" } ?? long
    return switch value {
    case .none: named
    case .one(let value), .repeated(let value): "\(named) \(value)"
    case .pair(let first, let second): "\(named) \(first) \(second)"
    case .words(let value): "\(named) \(value)..."
    }
  }
}

/// A word of a command that is not an option: URL, NAMESPACE, TRACK.
struct Operand: Sendable {
  enum Count: Sendable { case one, optional, many }
  let name: String
  let count: Count
  let summary: String

  init(_ name: String, _ count: Count = .one, _ summary: String) {
    (self.name, self.count, self.summary) = (name, count, summary)
  }

  var usage: String {
    switch count {
    case .one: name
    case .optional: "[\(name)]"
    case .many: "\(name)..."
    }
  }
}

/// Wrong usage: one sentence for the user; the tool ends with 2.
struct Misuse: Error, Equatable {
  let sentence: String
  /// The command that was meant, as far as it is known.
  var command: String?
  init(_ sentence: String, command: String? = nil) { (self.sentence, self.command) = (sentence, command) }
}

/// The words of a command line, sorted into options and operands.
struct Arguments: Sendable {
  private(set) var operands: [String] = []
  private var values: [String: [String]] = [:]

  /// Sorts `words`, which follow the command's name. After `--` nothing is an option; `-` never is one.
  init(_ words: [String], options: [Option], operands expected: [Operand]) throws(Misuse) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        operands += rest
        break
      }
      guard word.hasPrefix("-"), word != "-" else {
        operands.append(word)
        continue
      }
      let (option, attached) = try Self.option(word, of: options)
      try take(option, attached, from: &rest)
    }
    // Help is wanted, so what is missing does not matter.
    if values["help"] == nil { try check(expected) }
  }

  /// What `word` names, and the value in the same word: `--x=value`, `-xvalue`.
  private static func option(_ word: String, of options: [Option]) throws(Misuse) -> (Option, String?) {
    if word.hasPrefix("--") {
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      if let option = options.first(where: { $0.name == name }) {
        return (option, parts.count > 1 ? String(parts[1]) : nil)
      }
      throw Misuse("there is no option --\(name)" + suggestion(name, among: options.map(\.name), prefix: "--"))
    }
    let letter = word[word.index(after: word.startIndex)]
    guard let option = options.first(where: { $0.short == letter }) else {
      // `-json` is a slip for `--json`.
      let name = String(word.dropFirst())
      throw Misuse("there is no option \(word)" + suggestion(name, among: options.map(\.name), prefix: "--"))
    }
    let attached = word.dropFirst(2)
    return (option, attached.isEmpty ? nil : String(attached.hasPrefix("=") ? attached.dropFirst() : attached))
  }

  private mutating func take(_ option: Option, _ attached: String?, from rest: inout ArraySlice<String>) throws(Misuse)
  {
    switch option.value {
    case .none:
      guard attached == nil else { throw Misuse("--\(option.name) takes no value") }
      values[option.name] = [""]
    case .one(let placeholder), .repeated(let placeholder):
      // A value may begin with "-" (`--output -`, `--from -1`), but another option in its place is a slip.
      guard let value = attached ?? (rest.first?.hasPrefix("--") == true ? nil : rest.popFirst()) else {
        throw Misuse("--\(option.name) needs a value: --\(option.name) \(placeholder)")
      }
      if case .repeated = option.value {
        values[option.name, default: []].append(value)
      } else {
        values[option.name] = [value]
      }
    case .pair(let first, let second):
      let wanted = attached == nil ? 2 : 1, words = rest.prefix(wanted).filter { !$0.hasPrefix("-") }
      guard words.count == wanted else {
        throw Misuse("--\(option.name) needs two values: --\(option.name) \(first) \(second)")
      }
      values[option.name] = (attached.map { [$0] } ?? []) + words
      rest = rest.dropFirst(wanted)
    case .words(let placeholder):
      var words = attached.map { [$0] } ?? []
      while let next = rest.first, next == "-" || !next.hasPrefix("-") {
        words.append(next)
        rest.removeFirst()
      }
      guard !words.isEmpty else { throw Misuse("--\(option.name) needs values: --\(option.name) \(placeholder)...") }
      values[option.name, default: []] += words
    }
  }

  private func check(_ expected: [Operand]) throws(Misuse) {
    let least = expected.count { if case .optional = $0.count { false } else { true } }
    if operands.count < least {
      throw Misuse("\(expected[operands.count].name) is missing")
    }
    let unbounded = expected.contains { if case .many = $0.count { true } else { false } }
    if !unbounded, operands.count > expected.count {
      throw Misuse("\"\(operands[expected.count])\" is one word too many")
    }
  }
}

// MARK: Reading values

extension Arguments {
  func has(_ option: Option) -> Bool { values[option.name] != nil }
  func text(_ option: Option) -> String? { values[option.name]?.last }
  func texts(_ option: Option) -> [String] { values[option.name] ?? [] }
  func operand(_ index: Int) -> String? { operands.indices.contains(index) ? operands[index] : nil }

  /// A whole number within `range`.
  func number(_ option: Option, in range: ClosedRange<UInt64>) throws(Misuse) -> UInt64? {
    guard let text = text(option) else { return nil }
    guard let value = UInt64(text), range.contains(value) else {
      let most = range.upperBound == .max ? "\(range.lowerBound) or more" : "\(range.lowerBound) to \(range.upperBound)"
      throw Misuse("--\(option.name) wants a whole number, \(most), not \"\(text)\"")
    }
    return value
  }

  /// A positive number, fractions allowed.
  func decimal(_ option: Option, upTo most: Double) throws(Misuse) -> Double? {
    guard let text = text(option) else { return nil }
    guard let value = Double(text), value > 0, value <= most else {
      throw Misuse("--\(option.name) wants a number above 0, at most \(Int(most)), not \"\(text)\"")
    }
    return value
  }

  /// Seconds, fractions allowed.
  func seconds(_ option: Option) throws(Misuse) -> Duration? {
    try decimal(option, upTo: 1_000_000).map { .seconds($0) }
  }

  /// Of options that exclude each other, at most one may be there.
  func exclude(_ options: Option...) throws(Misuse) {
    let given = options.filter(has)
    guard given.count > 1 else { return }
    throw Misuse("--\(given[0].name) and --\(given[1].name) exclude each other")
  }
}

// MARK: Suggestions

/// "; did you mean --x?" where a name is near enough, else nothing.
func suggestion(_ wrong: String, among names: [String], prefix: String = "") -> String {
  nearest(wrong, among: names).map { "; did you mean \(prefix)\($0)?" } ?? ""
}

/// The name that `wrong` was probably meant to be: one it begins, or one a few slips away.
func nearest(_ wrong: String, among names: [String]) -> String? {
  guard !wrong.isEmpty else { return nil }
  let started = names.filter { $0.hasPrefix(wrong) }
  if started.count == 1 { return started[0] }
  let near = names.map { (name: $0, slips: slips(from: wrong.lowercased(), to: $0.lowercased())) }
    .min { $0.slips < $1.slips }
  guard let near, near.slips <= max(1, min(3, near.name.count / 3)) else { return nil }
  return near.name
}

/// How many letters must be typed, left out, changed or swapped to make one word of the other.
func slips(from a: String, to b: String) -> Int {
  let (a, b) = (Array(a), Array(b))
  var beforeLast = [Int](), last = Array(0...b.count)
  for i in a.indices {
    var row = [i + 1]
    for j in b.indices {
      var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, beforeLast[j - 1] + 1) }
      row.append(best)
    }
    (beforeLast, last) = (last, row)
  }
  return last[b.count]
}

import Glibc

extension Duration {
  var inSeconds: Double {
    let (seconds, attoseconds) = components
    return Double(seconds) + Double(attoseconds) / 1e18
  }
  var inMilliseconds: Double { inSeconds * 1000 }

  /// For people: "1.3 ms", "2.50 s".
  var shown: String {
    let seconds = inSeconds
    if abs(seconds) < 1 { return "\(decimal(seconds * 1000, 1)) ms" }
    return "\(decimal(seconds, 2)) s"
  }
}

/// A number with that many digits after the point.
func decimal(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
  let scale = pow(10, Double(digits)), whole = (abs(value) * scale).rounded()
  let text = String(UInt64(whole))
  let padded = String(repeating: "0", count: max(0, digits + 1 - text.count)) + text
  let sign = value < 0 && whole > 0 ? "-" : ""
  return digits == 0 ? sign + padded : "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
}

/// A number of bytes for people: "512 B", "12.3 kB", "4.0 MB".
func size(_ bytes: UInt64) -> String {
  var (value, unit) = (Double(bytes), 0)
  while value >= 1000, unit < 4 { (value, unit) = (value / 1000, unit + 1) }
  return unit == 0 ? "\(bytes) B" : "\(decimal(value, 1)) \(["B", "kB", "MB", "GB", "TB"][unit])"
}

/// Now, in seconds since 1970: what machines with synchronised clocks agree on.
func wallClock() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_REALTIME, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
}

/// "2026-11-21T10:40:00.123Z"
func timestamp(_ seconds: Double) -> String {
  var whole = time_t(seconds.rounded(.down)), parts = tm()
  gmtime_r(&whole, &parts)
  func two(_ value: some BinaryInteger) -> String { value < 10 ? "0\(value)" : "\(value)" }
  let milliseconds = String(Int((seconds - seconds.rounded(.down)) * 1000))
  return "\(Int(parts.tm_year) + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    + "T\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))."
    + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds + "Z"
}

/// Counts what went by, and tells a person at a terminal how fast, once a second.
struct Progress {
  private let shown = Output.error.isTerminal
  private let started = ContinuousClock.now
  private var last: ContinuousClock.Instant
  private var lastBytes: UInt64 = 0
  private var hasLine = false
  private(set) var objects: UInt64 = 0
  private(set) var bytes: UInt64 = 0
  private let verb: String

  init(_ verb: String) {
    self.verb = verb
    last = started
  }

  mutating func count(_ size: UInt64) {
    objects += 1
    bytes += size
    guard shown, objects & 0xf == 0 || size > 10_000 else { return }
    let now = ContinuousClock.now, since = (now - last).inSeconds
    guard since >= 1 else { return }
    let rate = MoQTool.size(UInt64(Double(bytes - lastBytes) / since))
    try? Output.error.write("\r\u{1b}[K\(objects) objects, \(MoQTool.size(bytes)) \(verb), \(rate)/s")
    try? Output.error.flush()
    (last, lastBytes, hasLine) = (now, bytes, true)
  }

  /// Takes the line away and, if the work was long, says what it was altogether.
  func end() {
    guard hasLine else { return }
    let took = (ContinuousClock.now - started)
    let rate = MoQTool.size(UInt64(Double(bytes) / max(took.inSeconds, 0.001)))
    try? Output.error.line("\r\u{1b}[K\(objects) objects, \(MoQTool.size(bytes)) \(verb) in \(took.shown), \(rate)/s")
  }
}

/// A peer's text, fit for a terminal: control characters become dots.
func printable(_ text: String) -> String {
  var shown = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
    shown.append(isControl ? "." : scalar)
  }
  return String(shown)
}

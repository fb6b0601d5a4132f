import Glibc
import MoQ

extension Command {
  private static let namespace = Operand("NAMESPACE", .optional, "where the clock is published (default clock)")
  private static let track = "now"
  private static let seconds = Option("seconds", takes: .one("S"), "leave after S seconds")
  private static let interval = Option("interval", takes: .one("S"), "an object every S seconds (default 1)")
  private static let groupSeconds = Option(
    "group-seconds", takes: .one("S"), "a new group every S seconds (default 10)")

  static let clockPublish = Command(
    name: "clock publish",
    summary: "publish the time of day, an object a second",
    operands: [.url, namespace],
    options: [("Options", [seconds, interval, groupSeconds]), ("Connection", Option.connection)],
    details: "Each object is a time as text. moq clock subscribe tells from it how long it was on its way, which is "
      + "true as far as the clocks of the two machines agree.",
    examples: [
      ("until interrupted", "moq clock publish moqt://localhost:4443"),
      (
        "25 times a second, for a minute",
        "moq clock publish moqt://relay.example demo/clock --interval 0.04 --seconds 60"
      ),
    ]
  ) { arguments in
    let destination = try Destination(arguments.operands[0], arguments)
    let namespace = try TrackNamespace(written: arguments.operand(1) ?? "clock")
    let limit = try arguments.seconds(seconds)
    let step = try arguments.seconds(interval) ?? .seconds(1)
    let groupLength = try arguments.seconds(groupSeconds) ?? .seconds(10)

    try await untilStopped {
      try await destination.withSession { session in
        let broadcast = try await session.publish(namespace)
        let clock = try await broadcast.track(track)
        if Output.error.isTerminal { note("Publishing the time as \(namespace) \(track)") }
        var grouping = Grouping(count: nil, after: groupLength), group: GroupWriter?
        let started = ContinuousClock.now
        var next = started
        while limit.map({ next - started < $0 }) ?? true {
          try await Task.sleep(until: next, clock: .continuous)
          if grouping.begins(withObjectOf: 0, at: next) {
            try await group?.finish()
            group = try await clock.beginGroup()
          }
          try await group?.write(ClockTime.text(wallClock()))
          next += step
        }
        try await group?.finish()
        await clock.finish()
        try await broadcast.drained()
        await broadcast.finish()
      }
    }
  }

  static let clockSubscribe = Command(
    name: "clock subscribe",
    summary: "print the times of a clock as they arrive, and how long each was on its way",
    operands: [.url, namespace],
    options: [("Options", [seconds, .json]), ("Connection", Option.connection)],
    examples: [
      ("until interrupted", "moq clock subscribe moqt://localhost:4443"),
      ("in this dialect, for five seconds", "moq clock subscribe moqt://relay.example --draft moq-lite-01 --seconds 5"),
    ]
  ) { arguments in
    let destination = try Destination(arguments.operands[0], arguments)
    let namespace = try TrackNamespace(written: arguments.operand(1) ?? "clock")
    let limit = try arguments.seconds(seconds)
    let isJSON = arguments.has(.json), style = Style(for: .standard)

    try await untilStopped {
      try await destination.withSession { session in
        let dialect = session.dialect.name
        let label = style.label("[\(dialect)]", Runtime.dialectNames.firstIndex(of: dialect) ?? 0)
        let subscription = try await session.subscribe(to: namespace, track: track, from: .nextObject)
        let began = wallClock()
        let alarm = limit.map { limit in
          Task {
            try await Task.sleep(for: limit)
            subscription.cancel()
          }
        }
        defer { alarm?.cancel() }
        do {
          for try await object in subscription.objects where object.status == .normal {
            let reading = ClockReading(object, subscribed: began)
            try Output.standard.line(isJSON ? reading.json(dialect).description : "\(label) \(reading.line)")
          }
        } catch let error as MoQError where error.code == .cancelled && limit != nil {
          // The time is up.
        }
      }
    }
  }
}

/// An object of a clock, as it arrived.
struct ClockReading {
  let text: String
  let group: UInt64, object: UInt64
  let arrival: Double
  /// Seconds since it was sent; nil: the payload is no time.
  let age: Double?
  /// It was sent before the subscription began, so its age says nothing of the way.
  let isOld: Bool

  init(_ object: ReceivedObject, subscribed: Double) {
    text = object.payload.withUnsafeBytes { String(decoding: $0.prefix(80), as: UTF8.self) }
    (group, self.object, arrival) = (object.group, object.id, wallClock(of: object.receivedAt))
    let sent = ClockTime.seconds(text)
    age = sent.map { [arrival] in arrival - $0 }
    isOld = sent.map { $0 < subscribed } ?? false
  }

  var line: String {
    let shown = printable(text)
    guard let age else { return shown }
    return isOld ? "\(shown) from a cache, \(decimal(age, 1)) s old" : "\(shown) latency \(decimal(age * 1000, 1)) ms"
  }

  func json(_ dialect: String) -> JSON {
    .members([
      "dialect": .string(dialect), "group": .number(group), "object": .number(object), "payload": .string(text),
      "latency_ms": isOld ? .null : age.map { .number(($0 * 1_000_000).rounded() / 1000) } ?? .null,
      "received_at": .string(timestamp(arrival)),
    ])
  }
}

/// The clock's payload: `2026-11-21T10:40:00.123456Z`.
enum ClockTime {
  static func text(_ seconds: Double) -> String {
    let micros = String(Int((seconds - seconds.rounded(.down)) * 1e6))
    return timestamp(seconds).dropLast(5) + "." + String(repeating: "0", count: 6 - micros.count) + micros + "Z"
  }

  /// Seconds since 1970; nil: that is no such time.
  static func seconds(_ text: String) -> Double? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 22, bytes.count <= 30, bytes.last == UInt8(ascii: "Z") else { return nil }
    for (place, mark) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, ".")] {
      guard [bytes[place]] == Array(mark.utf8) else { return nil }
    }
    func number(_ range: Range<Int>) -> Int? {
      bytes[range].reduce(0) { value, byte in byte >= 48 && byte <= 57 ? value.map { $0 * 10 + Int(byte - 48) } : nil }
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19), let fraction = number(20..<(bytes.count - 1))
    else { return nil }
    var parts = tm()
    (parts.tm_year, parts.tm_mon, parts.tm_mday) = (Int32(year - 1900), Int32(month - 1), Int32(day))
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (Int32(hour), Int32(minute), Int32(second))
    return Double(timegm(&parts)) + Double(fraction) / pow(10, Double(bytes.count - 21))
  }
}

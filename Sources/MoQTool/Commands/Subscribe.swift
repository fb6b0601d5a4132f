import MoQ

extension Command {
  private static let lines = Option("lines", "a newline after each object")
  private static let from = Option(
    "from", takes: .one("WHERE"),
    "next (the default): with the next group; current: with the first object of the current group; or a group's number")
  private static let count = Option("count", short: "n", takes: .one("N"), "leave after N objects")
  private static let output = Option("output", short: "o", takes: .one("FILE"), "write the payloads there")
  private static let json = Option(
    "json", "one JSON object a line for each object; the payloads go to --output, or nowhere")

  static let subscribe = Command(
    name: "subscribe",
    summary: "write the objects of a track to standard output",
    operands: [.url, .namespace, .track],
    options: [("Options", [lines, from, count, output, json]), ("Connection", Option.connection)],
    details: "Payload bytes go to standard output as they are. Ends when the publisher ends the track. A dialect "
      + "that cannot say where to begin begins with the current group.",
    examples: [
      ("lines, as moq publish sends them", "moq subscribe moqt://localhost:4443 demo/numbers count --lines"),
      ("into a file, and say what came", "moq subscribe moqt://relay.example live/room video -o video.ts --json"),
      (
        "one object, in this dialect and no other",
        "moq subscribe moqt://relay.example demo slides -n 1 -d draft-14 > 1.jpg"
      ),
    ]
  ) { arguments in
    let destination = try Destination(arguments.operands[0], arguments)
    let namespace = try TrackNamespace(written: arguments.operands[1])
    let name = arguments.operands[2]
    let start = try filter(arguments.text(from) ?? "next")
    let wanted = try arguments.number(count, in: 1...UInt64.max)
    let printer = try ObjectPrinter(
      payloads: arguments.text(output).map { $0 == "-" ? Output.standard : try Output.file($0) },
      isJSON: arguments.has(json), newline: arguments.has(lines))

    try await untilStopped {
      try await destination.withSession { session in
        var progress = Progress("received")
        defer { progress.end() }
        let subscription = try await session.subscribe(to: namespace, track: name, from: start)
        for try await object in subscription.objects {
          try printer.print(object)
          guard object.status == .normal else { continue }
          progress.count(UInt64(object.payload.count))
          if progress.objects == wanted { break }
        }
        if let wanted, progress.objects < wanted {
          throw Failure(
            "\(namespace) \(name) ended after \(progress.objects) of \(wanted) objects; "
              + "ask for fewer, or begin earlier with --from")
        }
      }
    }
  }

  /// `next`, `current`, or a group's number.
  static func filter(_ text: String) throws(Misuse) -> Filter {
    switch text {
    case "next": return .nextGroup
    case "current": return .currentGroup
    default:
      guard let group = UInt64(text) else {
        throw Misuse("--from wants next, current or the number of a group, not \"\(text)\"")
      }
      return .from(Location(group, 0))
    }
  }
}

/// Writes objects as `moq subscribe` shows them.
struct ObjectPrinter: Sendable {
  /// Where payloads go; nil: nowhere.
  private let payloads: Output?
  private let isJSON: Bool
  private let newline: Bool

  init(payloads: Output?, isJSON: Bool, newline: Bool) throws(Misuse) {
    if isJSON, payloads === Output.standard {
      throw Misuse("--json writes to standard output, so the payloads cannot go there too; use --output FILE")
    }
    (self.payloads, self.isJSON, self.newline) = (payloads ?? (isJSON ? nil : .standard), isJSON, newline)
  }

  func print(_ object: ReceivedObject) throws {
    if object.status == .normal, let payloads {
      try object.payload.withUnsafeBytes { bytes throws in try payloads.write(bytes) }
      if newline { try payloads.write("\n") }
      // Whoever reads the other end of a pipe wants each object when it comes.
      try payloads.flush()
    }
    if isJSON { try Output.standard.line(Self.json(object, at: wallClock(of: object.receivedAt)).description) }
  }

  static func json(_ object: ReceivedObject, at arrival: Double) -> JSON {
    .members([
      "group": .number(object.group), "subgroup": .number(object.subgroup), "object": .number(object.id),
      "status": .string(object.status.name), "size": .number(UInt64(object.payload.count)),
      "datagram": .bool(object.isDatagram), "received_at": .string(timestamp(arrival)),
    ])
  }
}

/// A moment of the library's monotonic clock, on the clock on the wall.
func wallClock(of instant: Instant) -> Double {
  let now = Runtime.now.nanoseconds
  return wallClock() - Double(now > instant.nanoseconds ? now - instant.nanoseconds : 0) / 1e9
}

extension ObjectStatus {
  var name: String {
    switch self {
    case .normal: "normal"
    case .doesNotExist: "does-not-exist"
    case .endOfGroup: "end-of-group"
    case .endOfTrack, .endOfTrackAndGroup: "end-of-track"
    case .endOfSubgroup: "end-of-subgroup"
    }
  }
}

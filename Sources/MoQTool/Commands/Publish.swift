import Glibc
import MoQ

extension Command {
  private static let lines = Option("lines", "one object a line, without its newline (the default)")
  private static let fixed = Option("size", takes: .one("N"), "objects of N bytes each; the last may be shorter")
  private static let files = Option("files", takes: .words("FILE"), "one object a file, in this order")
  private static let input = Option("input", short: "i", takes: .one("FILE"), "read this instead of standard input")
  private static let groupEvery = Option("group-every", takes: .one("N"), "a new group every N objects")
  private static let groupSeconds = Option(
    "group-seconds", takes: .one("S"), "a new group with the first object after S seconds (default 1, or 4 MB)")
  private static let rate = Option("rate", takes: .one("N"), "at most N objects a second")
  private static let datagrams = Option(
    "datagrams", "each object in a datagram, which may get lost; a dialect without datagrams uses streams")
  private static let noWait = Option("no-wait", "begin at once; else the first subscriber is waited for")

  static let publish = Command(
    name: "publish",
    summary: "send standard input, or files, as the objects of a track",
    operands: [.url, .namespace, .track],
    options: [
      ("Objects", [lines, fixed, files, input]),
      ("Groups and pace", [groupEvery, groupSeconds, rate, datagrams, noWait]),
      ("Connection", Option.connection),
    ],
    details: "Leaves when the input has ended and all of it is acknowledged. A publisher that is faster than "
      + "its slowest subscriber waits for it.",
    examples: [
      ("ten lines, for whoever subscribes first", "seq 10 | moq publish moqt://localhost:4443 demo/numbers count"),
      ("what a program writes", "ffmpeg ... | moq publish moqt://relay.example live/room video --size 1316"),
      ("pictures, one a second", "moq publish moqt://relay.example demo slides --rate 1 --group-every 1 --files *.jpg"),
    ]
  ) { arguments in
    try arguments.exclude(lines, fixed, files)
    try arguments.exclude(input, files)
    try arguments.exclude(groupEvery, groupSeconds)
    let destination = try Destination(arguments.operands[0], arguments)
    let namespace = try TrackNamespace(written: arguments.operands[1])
    let name = arguments.operands[2]
    let grouping = Grouping(
      count: try arguments.number(groupEvery, in: 1...UInt64(Int64.max)), after: try arguments.seconds(groupSeconds))
    let pace = try arguments.decimal(rate, upTo: 1_000_000)
    let cut = try arguments.number(fixed, in: 1...UInt64(ObjectSource.most)).map { Int($0) }
    let source = try ObjectSource(files: arguments.texts(files), input: arguments.text(input), size: cut)
    let waits = !arguments.has(noWait), asDatagrams = arguments.has(datagrams), isVerbose = arguments.has(.verbose)

    try await untilStopped {
      try await destination.withSession { session in
        let broadcast = try await session.publish(namespace)
        let track = try await broadcast.track(name)
        if waits {
          if isVerbose || Output.error.isTerminal { note("Waiting for a subscriber of \(namespace) \(name)") }
          try await track.firstSubscriber()
        }
        try await send(source, on: track, grouping, pace: pace, asDatagrams: asDatagrams)
        await track.finish()
        try await broadcast.drained()
        await broadcast.finish()
      }
    }
  }

  private static func send(
    _ source: ObjectSource, on track: BroadcastTrack, _ grouping: Grouping, pace: Double?, asDatagrams: Bool
  ) async throws {
    var source = source, grouping = grouping, progress = Progress("sent")
    defer { progress.end() }
    var group: GroupWriter?, place: (group: UInt64, object: UInt64) = (0, 0)
    let started = ContinuousClock.now
    while let object = try await source.next() {
      if let pace {
        // Each object has its time, counted from the first: a late one does not delay those after it.
        try await Task.sleep(until: started + .seconds(Double(progress.objects) / pace), clock: .continuous)
      }
      if asDatagrams {
        if grouping.begins(withObjectOf: object.count) || progress.objects == 0 { place = (place.group &+ 1, 0) }
        try await track.sendDatagram(object, group: place.group, id: place.object)
        place.object &+= 1
        progress.count(UInt64(object.count))
        continue
      }
      if grouping.begins(withObjectOf: object.count) || group == nil {
        try await group?.finish()
        group = try await track.beginGroup()
      }
      try await group?.write(object)
      progress.count(UInt64(object.count))
    }
    try await group?.finish()
  }
}

/// When a new group begins.
struct Grouping: Sendable {
  private let most: UInt64?
  private let time: Duration?
  private let mostBytes: Int?
  private var objects: UInt64 = 0
  private var bytes = 0
  private var began: ContinuousClock.Instant?

  /// Neither said: every second, or every 4 MB, so that a late subscriber does not wait long and a relay keeps little.
  init(count: UInt64?, after time: Duration?) {
    most = count
    self.time = count == nil ? time ?? .seconds(1) : nil
    mostBytes = count == nil && time == nil ? 4_000_000 : nil
  }

  /// Counts an object, and says whether it is the first of a new group.
  mutating func begins(withObjectOf size: Int, at now: ContinuousClock.Instant = .now) -> Bool {
    var isFirst = began == nil
    if let most, objects >= most { isFirst = true }
    if let time, let began, now - began >= time { isFirst = true }
    if let mostBytes, bytes > 0, bytes + size > mostBytes { isFirst = true }
    if isFirst { (objects, bytes, began) = (0, 0, now) }
    objects += 1
    bytes += size
    return isFirst
  }
}

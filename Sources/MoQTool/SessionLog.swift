import MoQ

/// Writes a line for each session of a relay that begins or ends: JSON to standard output, words to standard error.
///
/// The relay does not wait for whoever reads them: beyond a bound the oldest lines are left out.
final class SessionLog: Sendable {
  private let lines: AsyncStream<(RelaySessionEvent, Double)>
  private let continuation: AsyncStream<(RelaySessionEvent, Double)>.Continuation
  private let isJSON: Bool, isVerbose: Bool

  init(isJSON: Bool, isVerbose: Bool) {
    (self.isJSON, self.isVerbose) = (isJSON, isVerbose)
    (lines, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(65_536))
  }

  func note(_ event: RelaySessionEvent) { continuation.yield((event, wallClock())) }
  /// What was noted is still written; then `run` returns.
  func end() { continuation.finish() }

  func run() async {
    for await (event, time) in lines {
      if isJSON { try? Output.standard.line(Self.json(event, at: time).description) }
      if isVerbose { MoQTool.note(Self.words(event)) }
    }
  }

  static func json(_ event: RelaySessionEvent, at time: Double) -> JSON {
    switch event {
    case .began(let session):
      return .object([JSON.Member("event", .string("session-began"))] + members(session, at: time))
    case .ended(let session, let closure, let duration, let numbers):
      let more: JSON = .members([
        "seconds": .number((duration / .milliseconds(1)).rounded() / 1000), "ended_by": .string("\(closure.by)"),
        "code": .number(closure.code), "reason": .string(closure.phrase), "bytes_sent": .number(numbers.bytesSent),
        "bytes_received": .number(numbers.bytesReceived), "packets_lost": .number(numbers.packetsLost),
      ])
      return .object(
        [JSON.Member("event", .string("session-ended"))] + members(session, at: time) + (more.members ?? []))
    }
  }
  private static func members(_ session: RelaySession, at time: Double) -> [JSON.Member] {
    let all: JSON = .members([
      "time": .string(timestamp(time)), "connection_id": .string(session.connectionID),
      "peer": .string(session.peerAddress), "dialect": .optional(session.dialect),
      "implementation": .optional(session.implementation), "path": .optional(session.path),
    ])
    return all.members ?? []
  }

  /// What is enough to tell sessions apart.
  private static func short(_ id: String) -> String { String(id.prefix(8)) + id.drop { $0 != "-" } }

  static func words(_ event: RelaySessionEvent) -> String {
    switch event {
    case .began(let session):
      let name = session.implementation.map { ", which calls itself \(printable($0))" } ?? ""
      let path = session.path.map { ", for \(printable($0))" } ?? ""
      return
        "Session \(short(session.connectionID)) of \(session.peerAddress) in \(session.dialect ?? "?")\(name)\(path)"
    case .ended(let session, let closure, let duration, let numbers):
      return "Session \(short(session.connectionID)) ended after \(duration.shown): \(printable(closure.phrase)); "
        + "\(size(numbers.bytesReceived)) in, \(size(numbers.bytesSent)) out"
    }
  }
}

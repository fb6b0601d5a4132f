/// A recorded session of foreign peers, decoded.
public struct RecordingResult: Sendable {
  public enum Outcome: Equatable, Sendable {
    /// Everything was decoded; how much of what.
    case passed(String)
    /// What could not be decoded, or became other bytes when it was written again.
    case failed(String)
    case skipped(reason: String)
  }
  public var path: String
  public var outcome: Outcome
}

/// Decodes recordings whole: every stream and datagram, every message and object, with nothing left over, and
/// writes all of it again to the same bytes. No I/O: bytes in, results out.
public struct RecordingRunner: Sendable {
  /// Takes the streams and datagrams of a session out of those of its HTTP/3 connection.
  public typealias Unwrapping = @Sendable (RecordedTraffic) -> Result<RecordedTraffic, RecordingProblem>

  /// The dialects, and the profiles of peers that differ from the text.
  public var dialects: [any Dialect.Type]
  /// How recordings of WebTransport are read; nil: they are skipped.
  public var unwrapping: Unwrapping?
  public init(_ dialects: [any Dialect.Type], unwrapping: Unwrapping? = nil) {
    (self.dialects, self.unwrapping) = (dialects, unwrapping)
  }

  public func run(_ file: [UInt8], path: String) -> RecordingResult {
    RecordingResult(path: path, outcome: outcome(file))
  }

  private func outcome(_ file: [UInt8]) -> RecordingResult.Outcome {
    let json: JSON
    do { json = try JSON(parsing: file) } catch { return .failed("no JSON: \(error)") }
    guard let name = json["dialect"]?.text, let events = json["events"]?.elements else {
      return .skipped(reason: "not a recording")
    }
    let candidates = dialects.filter { $0.name == name }
    guard !candidates.isEmpty else { return .skipped(reason: "\(name) is not spoken here") }
    let isRaw = json["transport"]?.text == "raw-quic"
    guard isRaw || unwrapping != nil else { return .skipped(reason: "WebTransport is not unwrapped here") }
    var session: RecordedTraffic
    do throws(Problem) { session = try RecordedTraffic(events) } catch { return .failed(error.text) }
    if !isRaw, let unwrapping {
      switch unwrapping(session) {
      case .success(let inner): session = inner
      case .failure(let problem): return .failed("HTTP/3: \(problem.text)")
      }
    }
    var problems: [String] = []
    for candidate in candidates {
      do throws(Problem) { return .passed(try session.decode(candidate, json)) } catch {
        problems.append((candidate.profile.map { "(\($0)) " } ?? "") + error.text)
      }
    }
    return .failed(problems.joined(separator: "; "))
  }

  typealias Problem = RecordingProblem
  typealias Stream = RecordedStream
}

/// What is wrong with a recording, or with how it was read.
public struct RecordingProblem: Error {
  public var text: String
  public init(_ text: String) { self.text = text }
}

/// What one side sent on one stream.
public struct RecordedStream: Sendable {
  public var id: UInt64
  public var fromClient: Bool
  public var bytes: [UInt8]
  public var isFinished = false
  public init(id: UInt64, fromClient: Bool, bytes: [UInt8] = []) {
    (self.id, self.fromClient, self.bytes) = (id, fromClient, bytes)
  }
  public var isBidirectional: Bool { id & 2 == 0 }
  public var openedByClient: Bool { id & 1 == 0 }
  public var isOpener: Bool { openedByClient == fromClient }
  public var name: String { "stream \(id) from the \(fromClient ? "client" : "server")" }
}

/// All that both sides of a recorded connection sent.
public struct RecordedTraffic: Sendable {
  public var streams: [RecordedStream]
  public var datagrams: [[UInt8]]
  /// What a session of WebTransport was agreed to speak, where that was said.
  public var subprotocol: String?
  public init(streams: [RecordedStream] = [], datagrams: [[UInt8]] = []) {
    (self.streams, self.datagrams) = (streams, datagrams)
  }
}

extension RecordedTraffic {
  typealias Problem = RecordingProblem

  init(_ events: [JSON]) throws(Problem) {
    self.init()
    for event in events {
      let fromClient = event["from"]?.text == "client"
      if let hex = event["datagram"]?.text {
        guard let bytes = JSON.bytes(hex: hex) else { throw Problem("a datagram is no hex") }
        datagrams.append(bytes)
      }
      guard let id = event["stream"]?.integer else { continue }
      var index = streams.firstIndex { $0.id == id && $0.fromClient == fromClient }
      if index == nil, event["hex"] != nil || event["fin"] != nil {
        streams.append(RecordedStream(id: id, fromClient: fromClient))
        index = streams.count - 1
      }
      guard let index else { continue }
      if let hex = event["hex"]?.text {
        guard let bytes = JSON.bytes(hex: hex) else { throw Problem("\(streams[index].name) is no hex") }
        streams[index].bytes += bytes
      }
      if event["fin"]?.truth == true { streams[index].isFinished = true }
    }
  }

  func decode(_ dialect: any Dialect.Type, _ json: JSON) throws(Problem) -> String {
    var decoder = RecordingDecoder(dialect)
    for stream in streams {
      do throws(Problem) { try decoder.decode(stream) } catch { throw Problem("\(stream.name): \(error.text)") }
    }
    for (index, datagram) in datagrams.enumerated() {
      do throws(Problem) { try decoder.decode(datagram: datagram) } catch {
        throw Problem("datagram \(index): \(error.text)")
      }
    }
    for (side, key) in [(true, "client_messages"), (false, "server_messages")] {
      guard let listed = json[key]?.elements?.compactMap(\.text) else { continue }
      let found = decoder.names[side] ?? []
      guard found == Set(listed) else {
        throw Problem("\(key): found \(found.sorted()), the recording lists \(listed.sorted())")
      }
    }
    return decoder.summary
  }
}

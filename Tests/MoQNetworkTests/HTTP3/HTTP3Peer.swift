import MoQKernel
import Testing

@testable import MoQNetwork

/// The other end of an `HTTP3Core`, byte by byte.
struct HTTP3Peer {
  let core: HTTP3Core
  private let qpack = QPACK()
  /// Everything that the core wanted so far.
  private(set) var effects: [HTTP3Effect] = []
  /// Feeds one byte at a time.
  var isSlow = false

  /// A core with its peer's streams open and settings sent; a server's with a session on stream 0, a client's too.
  init(isServer: Bool, policy: WebTransportPolicy = WebTransportPolicy(), protocols: [String] = [], begins: Bool = true)
  {
    core = HTTP3Core(isServer: isServer, policy: policy, protocols: protocols)
    guard begins else { return }
    bytes(control, [0x00] + Self.frame(0x04, HTTP3Settings.ours(maximumSessions: 4).encoded()))
    bytes(control + 4, [0x02])
    bytes(control + 8, [0x03])
    if isServer {
      bytes(0, request())
    } else {
      core.connect(WebTransportRequest(authority: "here", protocols: protocols), on: 0)
      bytes(0, headers([(":status", "200")]))
    }
  }

  /// The peer's control stream; its QPACK streams are the next two.
  var control: Int64 { core.isServer ? 2 : 3 }

  mutating func bytes(_ stream: Int64, _ bytes: [UInt8], fin: Bool = false) {
    _ = attached(stream, bytes, fin: fin)
  }

  /// The same; returns what the core said of the last bytes.
  mutating func attached(_ stream: Int64, _ bytes: [UInt8], fin: Bool = false) -> HTTP3Core.Attachment? {
    var result: HTTP3Core.Attachment?
    if isSlow, bytes.count > 1 {
      for (index, byte) in bytes.enumerated() {
        guard !wasStopped(stream) else { break }
        result = [byte].withUnsafeBytes { core.received($0, fin: fin && index == bytes.count - 1, on: stream) }
        take()
        // From here on the bytes are the session's.
        if result != nil { break }
      }
    } else {
      result = bytes.withUnsafeBytes { core.received($0, fin: fin, on: stream) }
    }
    take()
    return result
  }

  /// What is stopped arrives no more.
  private func wasStopped(_ stream: Int64) -> Bool {
    effects.contains { if case .stop(stream, _) = $0 { true } else { false } }
  }

  mutating func reset(_ stream: Int64, _ code: UInt64 = 0) {
    core.wasReset(stream, code: code)
    take()
  }

  mutating func stop(_ stream: Int64, _ code: UInt64 = 0) {
    core.wasStopped(stream, code: code)
    take()
  }

  mutating func stopCritical() {
    core.criticalStreamWasStopped()
    take()
  }

  mutating func datagram(_ bytes: [UInt8]) -> HTTP3Core.Attachment? {
    defer { take() }
    return bytes.withUnsafeBytes { core.received(datagram: $0) }
  }

  mutating func take() { core.drain { effects.append($0) } }

  // MARK: What it says

  static func frame(_ type: UInt64, _ payload: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(frame: type, payload)
    return bytes
  }

  static func varints(_ values: UInt64...) -> [UInt8] {
    var bytes: [UInt8] = []
    for value in values { bytes.append(varint: value) }
    return bytes
  }

  /// A HEADERS frame.
  func headers(_ fields: [(String, String)]) -> [UInt8] {
    Self.frame(0x01, qpack.encode(fields.map { Field($0.0, $0.1) }, stream: 0) ?? [])
  }

  /// The fields of a CONNECT that is in order.
  static let connect = [
    (":method", "CONNECT"), (":protocol", "webtransport"), (":scheme", "https"), (":authority", "here:443"),
    (":path", "/"),
  ]

  /// A CONNECT with some of its fields replaced (nil: left out) and others behind them.
  func request(_ changes: [String: String?] = [:], _ more: [(String, String)] = []) -> [UInt8] {
    headers(
      Self.connect.compactMap { name, value in
        changes[name].map { $0.map { (name, $0) } } ?? (name, value)
      } + more)
  }

  /// A DATA frame with a capsule.
  static func capsule(_ type: UInt64, _ payload: [UInt8] = []) -> [UInt8] { frame(0x00, frame(type, payload)) }

  // MARK: What the core said

  /// The status that a server answered with.
  func status(on stream: Int64) -> String? {
    for case .write(stream, let bytes) in effects {
      var reader = FrameReader()
      let section = bytes.withUnsafeBytes { raw -> [UInt8]? in
        var rest = raw
        guard case .header(0x01, _) = reader.next(&rest), case .payload(let part, true) = reader.next(&rest) else {
          return nil
        }
        return [UInt8](part)
      }
      if let section, let fields = try? qpack.decode(section, stream: stream) {
        return fields.first { $0.name == ":status" }?.value
      }
    }
    return nil
  }

  /// The fields that a core wrote first on a stream.
  func fields(on stream: Int64) -> [Field] {
    for case .write(stream, let bytes) in effects {
      var reader = FrameReader()
      return bytes.withUnsafeBytes { raw -> [Field] in
        var rest = raw
        guard case .header(0x01, _) = reader.next(&rest), case .payload(let part, true) = reader.next(&rest) else {
          return []
        }
        return (try? qpack.decode([UInt8](part), stream: stream)) ?? []
      }
    }
    return []
  }

  /// Proves that the connection lives on, with the session on stream 0 and room for another.
  mutating func expectAlive(_ name: String) {
    #expect(!core.isOver, "\(name): the connection is over")
    #expect(core.sessions.contains(0), "\(name): the session beside it is over")
    isSlow = false
    let (unidirectional, bidirectional): (Int64, Int64) = core.isServer ? (4002, 4000) : (4003, 4001)
    #expect(attached(unidirectional, [0x40, 0x54, 0x00, 0xff]) == .init(session: 0, header: 3), "\(name)")
    #expect(attached(bidirectional, [0x40, 0x41, 0x00]) == .init(session: 0, header: 3), "\(name)")
    #expect(datagram([0x00, 0xff]) == .init(session: 0, header: 1), "\(name)")
    guard core.isServer else { return }
    bytes(4004, request())
    #expect(core.sessions.contains(4004), "\(name): no further session")
  }
}

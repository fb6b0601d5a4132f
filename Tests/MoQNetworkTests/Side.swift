import MoQKernel
import Synchronization
import Testing

@testable import MoQNetwork

/// What a connection told its handler.
enum Event: Sendable, Equatable {
  case connected(alpn: String)
  case opened(Int64)
  case ended(Int64, [UInt8])
  case wasReset(Int64, UInt64)
  case wasStopped(Int64, UInt64)
  case acknowledged(Int64)
  case streamClosed(Int64)
  case datagram([UInt8])
  case capReached
  /// As many bytes have arrived as were waited for.
  case progress(Int)
  case closed(ConnectionClose)
}

/// A handler that writes down what happens, and answers as it was told to.
final class Witness: ConnectionHandler {
  enum Behaviour { case silent, echo, hold, discard }
  let events: AsyncStream<Event>.Continuation
  var behaviour: Behaviour
  var connection: QUICConnection?
  var gathered: [Int64: [UInt8]] = [:]
  var held: [QUICStream] = []
  var received = 0
  var streamsEnded = 0, streamsOpened = 0, batches = 0
  var sent = 0
  /// Order in which streams' ends arrived.
  var order: [Int64] = []
  var onStreamClosed: ((QUICStream) -> Void)?
  var onDrained: (() -> Void)?
  var quiet = false
  var threshold = Int.max

  init(_ behaviour: Behaviour, _ events: AsyncStream<Event>.Continuation) {
    (self.behaviour, self.events) = (behaviour, events)
  }

  override func connected(_ connection: QUICConnection) {
    self.connection = connection
    events.yield(.connected(alpn: connection.alpn))
  }
  override func opened(_ stream: QUICStream) {
    streamsOpened += 1
    if !quiet { events.yield(.opened(stream.id)) }
  }
  override func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, fin: Bool) {
    received += bytes.count
    if received >= threshold {
      threshold = .max
      events.yield(.progress(received))
    }
    switch behaviour {
    case .silent, .echo:
      if behaviour == .echo, stream.isBidirectional, !stream.isLocal {
        stream.write(Bytes(copying: bytes))
        if fin { stream.finish() }
      }
      gathered[stream.id, default: []].append(contentsOf: bytes)
      stream.consumed(bytes.count)
    case .hold:
      gathered[stream.id, default: []].append(contentsOf: bytes)
      if !held.contains(where: { $0 === stream }) { held.append(stream) }
    case .discard: stream.consumed(bytes.count)
    }
    if fin {
      streamsEnded += 1
      order.append(stream.id)
      if !quiet { events.yield(.ended(stream.id, gathered[stream.id] ?? [])) }
    }
  }
  override func wasReset(_ stream: QUICStream, code: UInt64) {
    events.yield(.wasReset(stream.id, code))
    if behaviour == .echo, stream.isBidirectional, !stream.isLocal { stream.reset(code + 1) }
  }
  override func wasStopped(_ stream: QUICStream, code: UInt64) { events.yield(.wasStopped(stream.id, code)) }
  override func drained(_ stream: QUICStream, sent: Int) {
    self.sent += sent
    onDrained?()
  }
  override func acknowledged(_ stream: QUICStream) { if !quiet { events.yield(.acknowledged(stream.id)) } }
  override func closed(_ stream: QUICStream) {
    if !quiet { events.yield(.streamClosed(stream.id)) }
    onStreamClosed?(stream)
  }
  override func received(datagram: UnsafeRawBufferPointer) {
    events.yield(.datagram([UInt8](datagram)))
    if behaviour == .echo { connection?.send(datagram: Bytes(copying: datagram)) }
  }
  override func streamCapReached(_ connection: QUICConnection) { events.yield(.capReached) }
  override func afterBatch(_ connection: QUICConnection) { batches += 1 }
  override func closed(_ connection: QUICConnection, _ reason: ConnectionClose) {
    events.yield(.closed(reason))
    self.connection = nil
  }
}

/// The waiting end of an event stream: one consumer, events in order.
final class Events: Sendable {
  private let stream: AsyncStream<Event>
  private let seen = Mutex<[Event]>([])
  init(_ stream: AsyncStream<Event>) { self.stream = stream }

  /// The first event from now on that `wanted` accepts; the others are skipped.
  func first(_ wanted: (Event) -> Bool) async throws -> Event {
    for await event in stream {
      seen.withLock { $0.append(event) }
      if wanted(event) { return event }
    }
    throw Missing(seen: seen.withLock { $0.suffix(20).map { "\($0)".prefix(120).description } })
  }
  struct Missing: Error { let seen: [String] }

  func next(_ event: Event) async throws { _ = try await first { $0 == event } }

  func close() async throws -> ConnectionClose {
    guard case .closed(let reason) = try await first({ if case .closed = $0 { true } else { false } }) else {
      throw Missing(seen: [])
    }
    return reason
  }
  func connected() async throws -> String {
    let event = try await first {
      switch $0 {
      case .connected, .closed: true
      default: false
      }
    }
    guard case .connected(let alpn) = event else { throw Missing(seen: ["\(event)"]) }
    return alpn
  }
}

/// One end: a loop with an endpoint, the handlers of its connections, and what they told.
final class Side: Sendable {
  struct State {
    let endpoint: QUICEndpoint
    var witnesses: [Witness] = []
    var last: QUICConnection?
    var threshold = Int.max
    var behaviour: Witness.Behaviour
    let sink: AsyncStream<Event>.Continuation
  }
  final class Box {
    var state: State
    init(_ state: State) { self.state = state }
  }
  let loop: Loop
  let box: LoopBound<Box>
  let events: Events
  let port: UInt16

  private init(loop: Loop, box: LoopBound<Box>, events: Events, port: UInt16) {
    (self.loop, self.box, self.events, self.port) = (loop, box, events, port)
  }

  deinit { loop.shutdown() }

  /// Does `body` on the loop.
  func run<T: Sendable>(_ body: @escaping @Sendable (inout State) throws -> T) async throws -> T {
    try await loop.run { [box] in try body(&box.value.state) }
  }

  static let identity = Result { try TLSIdentity.selfSigned() }

  static func server(
    _ behaviour: Witness.Behaviour = .silent, at host: String = "127.0.0.1", port: UInt16 = 0,
    alpns: [String] = ["moq-00"],
    options: QUICOptions = QUICOptions(), identity: TLSIdentity? = nil, quiet: Bool = false
  ) async throws -> Side {
    let identity = try identity ?? Self.identity.get()
    let (stream, sink) = AsyncStream<Event>.makeStream()
    let loop = Loop(name: "server")
    let (box, bound) = try await loop.run { () throws -> (LoopBound<Box>, UInt16) in
      let box = Box(State(endpoint: QUICEndpoint(loop: loop), behaviour: behaviour, sink: sink))
      let bound = LoopBound(box, on: loop)
      let addresses = try box.state.endpoint.listen(
        on: Resolver.known(host, port: port) ?? [], identity: identity, alpns: alpns, options: options
      ) { connection in
        let box = bound.value
        let witness = Witness(box.state.behaviour, sink)
        witness.quiet = quiet
        witness.threshold = box.state.threshold
        box.state.witnesses.append(witness)
        box.state.last = connection
        return witness
      }
      return (bound, addresses.first?.port ?? 0)
    }
    return Side(loop: loop, box: box, events: Events(stream), port: bound)
  }

  static func client(
    _ behaviour: Witness.Behaviour = .silent, to port: UInt16, host: String = "127.0.0.1", serverName: String? = nil,
    alpns: [String] = ["moq-00"], trust: TLSTrust = .none, options: QUICOptions = QUICOptions(), quiet: Bool = false,
    early: @escaping @Sendable (QUICConnection) -> Void = { _ in }
  ) async throws -> Side {
    let (stream, sink) = AsyncStream<Event>.makeStream()
    let loop = Loop(name: "client")
    let box = try await loop.run { () -> LoopBound<Box> in
      let box = Box(State(endpoint: QUICEndpoint(loop: loop), behaviour: behaviour, sink: sink))
      let witness = Witness(behaviour, sink)
      witness.quiet = quiet
      box.state.witnesses.append(witness)
      box.state.last = box.state.endpoint.connect(
        host: host, port: port, serverName: serverName, alpns: alpns, trust: trust, options: options, handler: witness)
      if let connection = box.state.last { early(connection) }
      return LoopBound(box, on: loop)
    }
    return Side(loop: loop, box: box, events: Events(stream), port: 0)
  }

  /// Does `body` with the last connection on the loop.
  func withConnection<T: Sendable>(_ body: @escaping @Sendable (QUICConnection) throws -> T) async throws -> T {
    try await run { state in
      guard let connection = state.last else { throw Events.Missing(seen: ["no connection"]) }
      return try body(connection)
    }
  }
}

/// A seeded generator: the same content at both ends.
struct Xorshift: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed == 0 ? 0x9e37_79b9_7f4a_7c15 : seed }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

/// `count` bytes that depend on `seed` and place.
func content(_ seed: Int, _ count: Int) -> [UInt8] {
  var generator = Xorshift(UInt64(bitPattern: Int64(seed)) &* 0x2545_f491_4f6c_dd1d &+ 1)
  var bytes = [UInt8]()
  bytes.reserveCapacity(count + 8)
  while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
  bytes.removeLast(bytes.count - count)
  return bytes
}

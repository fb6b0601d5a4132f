import CBench
import MoQKernel
import MoQNetwork
import Synchronization

/// CPU time of one bulk transfer, in nanoseconds for each megabyte (10⁶ bytes), and its speed.
struct BulkCost: Sendable {
  var sender: Double
  var receiver: Double
  var megabytesPerSecond: Double
  var total: Double { sender + receiver }
}

/// Sends `megabytes` over one unidirectional stream on loopback, through the Swift shell and through its C twin.
func bulkTransfer(megabytes: Int) async throws -> (swift: BulkCost, c: BulkCost) {
  let bytes = megabytes * 1_000_000
  let swift = try await swiftTransfer(bytes)
  var result = cbench_result()
  guard cbench_transfer(UInt64(bytes), &result) == 0 else { throw BulkFailure.incomplete(result.received) }
  let c = BulkCost(
    sender: Double(result.sender_cpu) / Double(megabytes), receiver: Double(result.receiver_cpu) / Double(megabytes),
    megabytesPerSecond: Double(megabytes) * 1e9 / Double(max(result.wall, 1)))
  return (swift, c)
}

enum BulkFailure: Error {
  case incomplete(UInt64)
  case connection(ConnectionClose)
}

/// Keeps a megabyte queued on one stream until all is sent.
private final class BulkSender: ConnectionHandler {
  let chunk: Bytes
  var left: Int
  var cpu: UInt64 = 0
  let started: @Sendable () -> Void
  let done: @Sendable (Result<UInt64, BulkFailure>) -> Void

  init(
    _ bytes: Int, started: @escaping @Sendable () -> Void,
    done: @escaping @Sendable (Result<UInt64, BulkFailure>) -> Void
  ) {
    (left, self.started, self.done) = (bytes, started, done)
    chunk = Bytes([UInt8](repeating: 7, count: 64 << 10))
  }
  override func connected(_ connection: QUICConnection) {
    started()
    cpu = cbench_thread_cpu()
    fill(connection.open(bidirectional: false))
  }
  override func drained(_ stream: QUICStream, sent: Int) { fill(stream) }
  private func fill(_ stream: QUICStream) {
    while left > 0, stream.unsent < 1 << 20 {
      let piece = chunk.prefix(left)
      left -= piece.count
      stream.write(piece)
      if left == 0 { stream.finish() }
    }
  }
  override func acknowledged(_ stream: QUICStream) { done(.success(cbench_thread_cpu() - cpu)) }
  override func closed(_ connection: QUICConnection, _ reason: ConnectionClose) { done(.failure(.connection(reason))) }
}

/// Counts, and gives the credit back at once.
private final class BulkReceiver: ConnectionHandler {
  var received = 0
  var cpu: UInt64 = 0
  let done: @Sendable (Int, UInt64) -> Void
  init(_ done: @escaping @Sendable (Int, UInt64) -> Void) { self.done = done }
  override func connected(_ connection: QUICConnection) { cpu = cbench_thread_cpu() }
  override func received(_ stream: QUICStream, _ bytes: UnsafeRawBufferPointer, fin: Bool) {
    received += bytes.count
    stream.consumed(bytes.count)
    if fin { done(received, cbench_thread_cpu() - cpu) }
  }
}

/// A value that one thread hands to a waiting task.
private final class Box<Value: Sendable>: Sendable {
  private let values: AsyncStream<Value>
  private let sink: AsyncStream<Value>.Continuation
  init() { (values, sink) = AsyncStream.makeStream() }
  func put(_ value: Value) { sink.yield(value) }
  func take() async -> Value? {
    for await value in values { return value }
    return nil
  }
}

private func swiftTransfer(_ bytes: Int) async throws -> BulkCost {
  let serverLoop = Loop(name: "bulk-receiver"), clientLoop = Loop(name: "bulk-sender")
  defer {
    serverLoop.shutdown()
    clientLoop.shutdown()
  }
  let sent = Box<Result<UInt64, BulkFailure>>(), received = Box<(count: Int, cpu: UInt64, at: UInt64)>()
  let began = Atomic<UInt64>(0)
  let identity = try TLSIdentity.selfSigned()
  let port = try await serverLoop.run {
    let endpoint = QUICEndpoint(loop: serverLoop)
    let addresses = try endpoint.listen(
      on: [SocketAddress("127.0.0.1", port: 0)].compactMap { $0 }, identity: identity, alpns: ["bench"]
    ) { _ in BulkReceiver { received.put(($0, $1, cbench_now())) } }
    return addresses.first?.port ?? 0
  }
  try await clientLoop.run {
    let endpoint = QUICEndpoint(loop: clientLoop)
    let sender = BulkSender(bytes, started: { began.store(cbench_now(), ordering: .relaxed) }, done: { sent.put($0) })
    _ = endpoint.connect(host: "127.0.0.1", port: port, alpns: ["bench"], trust: .none, handler: sender)
  }
  guard let outcome = await sent.take() else { throw BulkFailure.incomplete(0) }
  let senderCPU = try outcome.get()
  guard let end = await received.take(), end.count == bytes else { throw BulkFailure.incomplete(0) }
  let megabytes = Double(bytes) / 1e6
  return BulkCost(
    sender: Double(senderCPU) / megabytes, receiver: Double(end.cpu) / megabytes,
    megabytesPerSecond: megabytes * 1e9 / Double(max(end.at &- began.load(ordering: .relaxed), 1)))
}

extension Suite {
  /// CPU for each megabyte of a bulk transfer, sender and receiver together, against C on the same shim.
  static let bulk = Suite(
    name: "bulk", summary: "one stream on loopback, against a minimal C sender and receiver",
    cases: [
      Case("bulk transfer", limit: 1.25) {
        var best: (swift: BulkCost, c: BulkCost)?
        for _ in 0..<4 {
          let run = try await bulkTransfer(megabytes: 200)
          guard let known = best else {
            best = run
            continue
          }
          best = (
            run.swift.total < known.swift.total ? run.swift : known.swift, run.c.total < known.c.total ? run.c : known.c
          )
        }
        guard let best else { throw BulkFailure.incomplete(0) }
        return Measurement(
          best.swift.total, twin: best.c.total, unit: "ns/MB",
          details: [
            ("sender", best.swift.sender, "ns/MB"), ("receiver", best.swift.receiver, "ns/MB"),
            ("C sender", best.c.sender, "ns/MB"), ("C receiver", best.c.receiver, "ns/MB"),
            ("speed", best.swift.megabytesPerSecond, "MB/s"), ("C speed", best.c.megabytesPerSecond, "MB/s"),
          ])
      }
    ])
}

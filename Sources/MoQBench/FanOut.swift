import Glibc
import MoQ
import Synchronization

/// What one relay did with one publisher and many subscribers, over QUIC on loopback.
struct FanOutRow: Sendable {
  var subscribers: Int
  var objectSize: Int
  /// Objects delivered to subscribers, all together.
  var delivered: Int
  var objectsPerSecond: Double
  var megabytesPerSecond: Double
  /// Nanoseconds of CPU of the relay's thread, and of the whole process (publisher and subscribers
  /// included), for each delivered object.
  var relayCPU: Double
  var processCPU: Double
  /// Resident bytes of the process at the end of the run, and what it grew by during the second half.
  var residentBytes: Int
  var growth: Int
  /// Nanoseconds from the publisher's write to the last byte at the subscriber, in a run at a quarter of the speed.
  var latencyP50: UInt64
  var latencyP99: UInt64
}

enum FanOutFailure: Error, CustomStringConvertible {
  case incomplete(String)
  var description: String {
    switch self {
    case .incomplete(let what): what
    }
  }
}

/// Publishes objects of `objectSize` bytes through a relay to `subscribers` subscribers, as fast as the slowest
/// of them takes them, about `megabytes` (10⁶ bytes) in all; then again at a quarter of that speed for the latency.
func fanOut(
  subscribers: Int, objectSize: Int, megabytes: Int = 200, dialect: String = "draft-14"
) async throws -> FanOutRow {
  let relayThread = "bench-relay"
  let (relayRuntime, sourceRuntime, sinkRuntime) = (
    Runtime(name: relayThread), Runtime(name: "bench-pub"), Runtime(name: "bench-sub")
  )
  var options = RelayOptions()
  options.server.certificate = .selfSigned()
  // Small enough to be full after the warm-up: what grows afterwards grows for ever.
  options.cache = 32 << 20
  let relay = try await RelayServer.start(on: "127.0.0.1:0", options: options, runtime: relayRuntime)
  let client = SessionOptions(dialects: .exactly(dialect), trust: .none)
  let url = "moqt://127.0.0.1:\(relay.port)"

  let source = try await Session.connect(to: url, options: client, on: sourceRuntime)
  let broadcast = try await source.publish("bench")
  let track = try await broadcast.track("t")
  let scores = (0..<subscribers).map { _ in Score() }
  var sinks: [Session] = [], readers: [Task<Void, any Error>] = []
  for score in scores {
    let sink = try await Session.connect(to: url, options: client, on: sinkRuntime)
    let subscription = try await sink.subscribe(to: "bench", track: "t", from: Filter.nextGroup)
    sinks.append(sink)
    readers.append(
      Task {
        for try await object in subscription.objects { score.took(object) }
      })
  }

  // Objects wait at most so long behind the slowest subscriber, far below what the relay's cache holds.
  let ahead = max(4, min(2_000, 8_000_000 / objectSize))
  let perGroup = max(1, min(50, 1_000_000 / objectSize))
  var written = 0
  func slowest() -> Int { scores.reduce(.max) { min($0, $1.count) } }
  func waitUntil(_ count: Int) async throws {
    let limit = monotonic() + 60_000_000_000
    while slowest() < count {
      guard monotonic() < limit else { throw FanOutFailure.incomplete("\(slowest()) of \(count) objects after 60 s") }
      try await Task.sleep(for: .microseconds(200))
    }
  }
  func publish(_ objects: Int, every interval: UInt64?) async throws {
    var next = monotonic(), left = objects
    while left > 0 {
      try await track.group { group in
        for _ in 0..<min(perGroup, left) {
          if let interval {
            next += interval
            let now = monotonic()
            if next > now { try await Task.sleep(for: .nanoseconds(Int64(next - now))) }
          } else if written % 16 == 0 || objectSize > 50_000 {
            try await waitUntil(written - ahead)
          }
          try await group.write(stamped(objectSize))
          written += 1
          left -= 1
        }
      }
    }
    try await waitUntil(written)
  }

  let total = max(40, min(40_000, megabytes * 1_000_000 / objectSize / subscribers))
  try await publish(max(total / 10, 2 * options.cache / (objectSize + 1_000)), every: nil)
  let warm = written
  let half = total / 2
  let (begin, cpu, thread) = (monotonic(), processCPU(), threadCPU(named: relayThread))
  try await publish(half, every: nil)
  let middle = residentBytes()
  try await publish(total - half, every: nil)
  let (elapsed, used) = (Double(monotonic() - begin), Double(processCPU() - cpu))
  let relayUsed = Double(threadCPU(named: relayThread) &- thread)
  let resident = residentBytes()
  let delivered = (written - warm) * subscribers
  let perSecond = Double(delivered) / elapsed * 1e9

  for score in scores { score.beginLatency() }
  let interval = UInt64(4 * elapsed / Double(total))
  try await publish(max(20, min(total, Int(2_000_000_000 / max(interval, 1)))), every: interval)
  let latencies = scores.flatMap { $0.latencies }.sorted()

  for reader in readers { reader.cancel() }
  await broadcast.finish()
  for session in sinks + [source] { await session.close() }
  await relay.close()
  guard !latencies.isEmpty else { throw FanOutFailure.incomplete("no latency was measured") }
  return FanOutRow(
    subscribers: subscribers, objectSize: objectSize, delivered: delivered, objectsPerSecond: perSecond,
    megabytesPerSecond: perSecond * Double(objectSize) / 1e6, relayCPU: relayUsed / Double(delivered),
    processCPU: used / Double(delivered), residentBytes: resident, growth: resident - middle,
    latencyP50: latencies[latencies.count / 2], latencyP99: latencies[latencies.count * 99 / 100])
}

/// An object of that size that begins with the time at which it was written.
private func stamped(_ size: Int) -> Bytes {
  var bytes = [UInt8](repeating: 0x5a, count: max(size, 8))
  var now = Runtime.now.nanoseconds
  for index in 0..<8 {
    bytes[index] = UInt8(truncatingIfNeeded: now)
    now >>= 8
  }
  return Bytes(bytes)
}

/// What one subscriber has got.
private final class Score: Sendable {
  private struct State {
    var count = 0
    var latencies: [UInt64] = []
    var isTiming = false
  }
  private let state = Mutex(State())
  var count: Int { state.withLock { $0.count } }
  var latencies: [UInt64] { state.withLock { $0.latencies } }
  func beginLatency() { state.withLock { $0.isTiming = true } }

  func took(_ object: ReceivedObject) {
    let sent = object.payload.withUnsafeBytes { bytes in
      (0..<min(8, bytes.count)).reduce(UInt64(0)) { $0 | UInt64(bytes[$1]) << UInt64(8 * $1) }
    }
    state.withLock { state in
      state.count += 1
      if state.isTiming { state.latencies.append(object.receivedAt.nanoseconds &- sent) }
    }
  }
}

/// Nanoseconds of CPU used by the threads of that name.
private func threadCPU(named name: String) -> UInt64 {
  var total: UInt64 = 0
  guard let folder = opendir("/proc/self/task") else { return 0 }
  defer { closedir(folder) }
  while let entry = readdir(folder) {
    let id = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    guard id.first != ".", text("/proc/self/task/\(id)/comm").hasPrefix(name) else { continue }
    total &+= text("/proc/self/task/\(id)/schedstat").split(separator: " ").first.flatMap { UInt64($0) } ?? 0
  }
  return total
}

/// Bytes of memory that the process has resident now.
private func residentBytes() -> Int {
  let pages = text("/proc/self/statm").split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
}

private func text(_ path: String) -> String {
  let file = open(path, O_RDONLY)
  guard file >= 0 else { return "" }
  defer { close(file) }
  var buffer = [UInt8](repeating: 0, count: 1024)
  let count = read(file, &buffer, buffer.count)
  return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
}

extension Suite {
  /// One publisher, one relay, many subscribers. What many cost is held against what one costs in the same run:
  /// an object that is delivered to the hundredth subscriber must not be dearer than one to the first.
  static let fanOut = Suite(
    name: "fan-out", summary: "one publisher through a relay to 1, 10, 100 subscribers, over QUIC",
    cases: [1_000, 10_000, 100_000].flatMap { size in
      [1, 10, 100].map { subscribers in
        Case("1 -> \(subscribers), \(size / 1_000) kB", limit: subscribers == 1 ? nil : fanOutLimit) {
          let row = try await MoQBench.fanOut(subscribers: subscribers, objectSize: size)
          var twin: Double?
          if subscribers == 1 { alone.withLock { $0[size] = row.relayCPU } } else { twin = try await costAlone(size) }
          return Measurement(
            row.relayCPU, twin: twin, unit: "ns/object",
            details: [
              ("objects", row.objectsPerSecond, "/s"), ("payload", row.megabytesPerSecond, "MB/s"),
              ("whole process", row.processCPU, "ns/object"), ("resident", Double(row.residentBytes) / 1e6, "MB"),
              ("growth", Double(row.growth) / 1e6, "MB"), ("latency p50", Double(row.latencyP50) / 1e3, "us"),
              ("latency p99", Double(row.latencyP99) / 1e3, "us"),
            ])
        }
      }
    })

  /// How much more CPU of the relay an object may cost for each of many subscribers than for one alone.
  private static let fanOutLimit = 1.2
  /// What the relay spent on an object for one subscriber alone, by the object's size.
  private static let alone = Mutex<[Int: Double]>([:])
  private static func costAlone(_ size: Int) async throws -> Double {
    if let known = alone.withLock({ $0[size] }) { return known }
    let cost = try await MoQBench.fanOut(subscribers: 1, objectSize: size).relayCPU
    alone.withLock { $0[size] = cost }
    return cost
  }
}

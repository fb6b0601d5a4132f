import Foundation
import MoQ
import Synchronization
import Testing

@testable import MoQTool

struct MetricsTests {
  @Test func `each metric has its help and type before its samples, once`() throws {
    var look = RelayOverview()
    look.statistics.counters.objectsIn = 12
    look.statistics.counters.groupsCut = 3
    look.meanRTT = .microseconds(1500)
    look.connections = ConnectionCounts(alive: 3, lingering: 1)
    look.sessions = [
      .init(dialect: "draft-14", transport: .quic, count: 2), .init(dialect: nil, transport: .webTransport, count: 1),
    ]
    let text = Metrics(look, delay: .milliseconds(2)).text
    #expect(text.hasSuffix("\n"))
    var types: [String: String] = [:], help: Set<String> = [], samples: Set<String> = [], current = ""
    for line in text.split(separator: "\n") {
      if let found = line.wholeMatch(of: /# HELP ([a-z_]+) (.+)/) {
        #expect(help.insert(String(found.1)).inserted, "\(line)")
        current = String(found.1)
      } else if let found = line.wholeMatch(of: /# TYPE ([a-z_]+) (counter|gauge)/) {
        #expect(found.1 == current && types.updateValue(String(found.2), forKey: current) == nil, "\(line)")
        #expect((found.2 == "counter") == current.hasSuffix("_total"), "\(line)")
      } else {
        let found = try #require(
          line.wholeMatch(of: /([a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? ([0-9.e+-]+)/), "\(line)")
        #expect(found.1 == current && types[current] != nil && Double(found.4) != nil, "\(line)")
        #expect(samples.insert("\(found.1)\(found.2 ?? "")").inserted, "\(line)")
      }
    }
    #expect(types.count > 25)
    for line in [
      "moq_received_objects_total 12", "moq_bridged_total{rule=\"groups_cut\"} 3",
      "moq_round_trip_seconds{of=\"mean\"} 0.0015",
      "moq_sessions{dialect=\"draft-14\",transport=\"quic\"} 2",
      "moq_sessions{dialect=\"\",transport=\"webtransport\"} 1",
      "moq_connections{state=\"alive\"} 3", "moq_connections{state=\"lingering\"} 1",
      "moq_loop_delay_seconds 0.002",
    ] { #expect(text.contains("\n\(line)\n"), "\(line)") }
  }

  @Test func `labels are escaped, numbers are what Prometheus reads`() {
    var metrics = Metrics()
    metrics.add("m", .gauge, "a\nb\\c", [.init(0.5, ["l": "q\"\\\n"])])
    #expect(metrics.text == "# HELP m a\\nb\\\\c\n# TYPE m gauge\nm{l=\"q\\\"\\\\\\n\"} 0.5\n")
    #expect(
      Metrics.number(.infinity) == "+Inf" && Metrics.number(-.infinity) == "-Inf" && Metrics.number(.nan) == "NaN")
    #expect(Metrics.number(1e14) == "100000000000000")
    var empty = Metrics()
    empty.add("m", .gauge, "nothing", [])
    #expect(empty.text == "")
  }
}

struct BoardTests {
  /// A clock that is moved by hand.
  private final class Hands: Sendable {
    private let moment = Mutex(ContinuousClock.now)
    var now: ContinuousClock.Instant { moment.withLock { $0 } }
    func move(_ time: Duration) { moment.withLock { $0 += time } }
  }
  /// Reads a few times on a thread of its own, as the helper's does.
  private func read(_ board: Board<Int>, times: Int = 1) async -> [Int?] {
    await withCheckedContinuation { done in
      Thread { done.resume(returning: (0..<times).map { _ in board.read()?.value }) }.start()
    }
  }

  @Test func `a value is fetched once, however many read it`() async {
    let fetched = Mutex(0), hands = Hands()
    let board = Board(patience: 600_000, clock: { hands.now }) {
      fetched.withLock {
        $0 += 1; return $0
      }
    }
    #expect(await read(board, times: 100) == Array(repeating: 1, count: 100))
    hands.move(Board<Int>.freshness - .nanoseconds(1))
    #expect(await read(board) == [1])
    hands.move(.nanoseconds(1))
    #expect(await read(board, times: 100) == Array(repeating: 2, count: 100))
    #expect(fetched.withLock { $0 } == 2)
  }

  @Test(.timeLimit(.minutes(2)))
  func `one that does not answer is waited for once, and what it had is shown`() async throws {
    let gate = AsyncStream<Void>.makeStream(), calls = Mutex(0), hands = Hands()
    let board = Board<Int>(patience: 500, clock: { hands.now }) {
      let call = calls.withLock {
        $0 += 1; return $0
      }
      if call == 2 { for await _ in gate.stream { break } }
      return call
    }
    while await read(board) != [1] {}
    hands.move(.seconds(3))
    // The fetch that will not answer has begun: tasks may have to wait for a thread.
    while calls.withLock({ $0 }) < 2 {
      _ = await read(board)
      await Task.yield()
    }
    // The first waits, up to its patience. Ten thousand that did so too would take more than an hour.
    #expect(await read(board, times: 10_000) == Array(repeating: 1, count: 10_000))
    #expect(calls.withLock { $0 } == 2)
    #expect(try #require(board.read()).age == .seconds(3))
    gate.continuation.yield()
    while await read(board) == [1] {}
    #expect(await read(board) == [2])
  }

  @Test func `nothing was ever there`() async {
    let board = Board<Int> { nil }
    #expect(await read(board) == [nil])
  }
}

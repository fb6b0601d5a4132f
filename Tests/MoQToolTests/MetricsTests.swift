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
  @Test func `a value is fetched once, however many read it`() async {
    let fetched = Mutex(0)
    let board = Board {
      fetched.withLock {
        $0 += 1; return $0
      }
    }
    let first = board.read()
    #expect(first?.value == 1)
    let until = ContinuousClock.now + Board<Int>.freshness
    var readings = 0
    while .now < until - .milliseconds(20) {
      #expect(board.read()?.value == 1)
      readings += 1
    }
    #expect(readings > 100)
    while board.read()?.value == 1 {}
    #expect(fetched.withLock { $0 } == 2)
  }

  @Test func `one that does not answer is waited for once, and what it had is shown`() async throws {
    let gate = AsyncStream<Void>.makeStream(), calls = Mutex(0)
    let board = Board<Int> {
      let call = calls.withLock {
        $0 += 1; return $0
      }
      if call == 2 { for await _ in gate.stream { break } }
      return call
    }
    #expect(board.read()?.value == 1)
    var started = ContinuousClock.now
    while calls.withLock({ $0 }) == 1 { started = .now; _ = board.read() }
    // The read that asked waited, up to its patience; those that follow do not, and say how old the value is.
    #expect(started.duration(to: .now) < .seconds(5))
    started = .now
    for _ in 0..<100 { #expect(board.read()?.value == 1) }
    #expect(started.duration(to: .now) < .milliseconds(400))
    #expect(try #require(board.read()).age >= .milliseconds(500))
    gate.continuation.yield()
    while board.read()?.value == 1 {}
    #expect(try #require(board.read()).value >= 2)
  }

  @Test func `nothing was ever there`() {
    #expect(Board<Int> { nil }.read() == nil)
  }
}

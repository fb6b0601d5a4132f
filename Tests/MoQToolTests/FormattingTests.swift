import Glibc
import MoQ
import Testing

@testable import MoQTool

@Suite struct FormattingTests {
  @Test func `numbers for people`() {
    #expect(decimal(1.25, 1) == "1.3")
    #expect(decimal(0.04, 1) == "0.0")
    #expect(decimal(-0.04, 1) == "0.0")
    #expect(decimal(-2.5, 2) == "-2.50")
    #expect(decimal(1234, 0) == "1234")
    #expect(decimal(.infinity, 1) == "inf")
    #expect(size(0) == "0 B")
    #expect(size(999) == "999 B")
    #expect(size(12_300) == "12.3 kB")
    #expect(size(4_000_000) == "4.0 MB")
    #expect(Duration.microseconds(1300).shown == "1.3 ms")
    #expect(Duration.milliseconds(2500).shown == "2.50 s")
  }
  @Test func `times there and back`() throws {
    #expect(timestamp(0) == "1970-01-01T00:00:00.000Z")
    #expect(timestamp(1_795_257_600.0625) == "2026-11-21T10:40:00.062Z")
    #expect(ClockTime.text(1_795_257_600.25) == "2026-11-21T10:40:00.250000Z")
    for seconds in [0, 951_782_399.5, 1_795_257_600.25, 4_102_444_799.000976] {
      let back = try #require(ClockTime.seconds(ClockTime.text(seconds)))
      #expect(abs(back - seconds) < 2e-6)
    }
    for bad in ["", "now", "2026-11-21 08:00:00.250000Z", "2026-11-21T08:00:00Z", "2026-11-21T08:00:00.25x000Z"] {
      #expect(ClockTime.seconds(bad) == nil)
    }
  }
  @Test func `JSON is one line, and in order`() {
    let line = JSON.line([
      "b": .string("x\"\n"), "a": .array([.optional(nil as UInt64?), .number(.max as UInt64), .number(0.5)]),
    ])
    #expect(line == #"{"b": "x\"\n", "a": [null, 18446744073709551615, 0.5]}"#)
  }
  @Test func `control characters of a peer do not reach the terminal`() {
    #expect(printable("a\u{1b}[31mb\u{7}\u{9b}é") == "a.[31mb..é")
  }
  @Test func `a namespace is held to its limits`() throws {
    #expect(try TrackNamespace(written: "a/b/c").count == 3)
    #expect(throws: Misuse.self) { try TrackNamespace(written: "/") }
    #expect(throws: Misuse.self) {
      try TrackNamespace(written: Array(repeating: "a", count: 33).joined(separator: "/"))
    }
    #expect(throws: Misuse.self) { try TrackNamespace(written: String(repeating: "a", count: 4097)) }
  }
  @Test func `where a subscription begins`() throws {
    #expect(try Command.filter("next") == .nextGroup)
    #expect(try Command.filter("current") == .currentGroup)
    #expect(try Command.filter("17") == .from(Location(17, 0)))
    #expect(throws: Misuse.self) { try Command.filter("-1") }
  }
}

@Suite struct GroupingTests {
  @Test func `by count`() {
    var grouping = Grouping(count: 3, after: nil)
    let begins = (0..<7).map { _ in grouping.begins(withObjectOf: 1) }
    #expect(begins == [true, false, false, true, false, false, true])
  }
  @Test func `by time`() {
    var grouping = Grouping(count: nil, after: .seconds(2))
    let start = ContinuousClock.now
    let begins = [0, 1, 1.9, 2, 3.9, 10].map { grouping.begins(withObjectOf: 1, at: start + .seconds($0)) }
    #expect(begins == [true, false, false, true, false, true])
  }
  @Test func `unless something is said, by a second or 4 MB`() {
    var grouping = Grouping(count: nil, after: nil)
    let start = ContinuousClock.now
    let begins = [(5_000_000, 0), (3_000_000, 0), (1_000_000, 0), (1, 0), (1, 1)].map {
      grouping.begins(withObjectOf: $0.0, at: start + .seconds($0.1))
    }
    #expect(begins == [true, true, false, true, true])
  }
}

@Suite struct ObjectSourceTests {
  /// The objects cut from a text that arrives in these pieces.
  func objects(of pieces: [String], size: Int? = nil) async throws -> [String] {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    let (input, output) = (ends[0], ends[1])
    defer { close(input) }
    async let written: Void = {
      for piece in pieces { _ = piece.withCString { Glibc.write(output, $0, strlen($0)) } }
      close(output)
    }()
    var source = try ObjectSource(files: [], input: "/dev/fd/\(input)", size: size), found: [String] = []
    while let object = try await source.next() { found.append(String(decoding: object.array, as: UTF8.self)) }
    await written
    return found
  }

  @Test func `a line is an object without its newline`() async throws {
    #expect(try await objects(of: ["one\ntwo\n\nfour"]) == ["one", "two", "", "four"])
    #expect(try await objects(of: ["o", "ne\nt", "wo", "\n", "\n"]) == ["one", "two", ""])
    #expect(try await objects(of: []) == [])
    let long = String(repeating: "x", count: 30_000)
    #expect(try await objects(of: [long, long, "\n", long]) == [long + long, long])
  }
  @Test func `pieces are of one size, but for the last`() async throws {
    #expect(try await objects(of: ["abcd", "efgh"], size: 3) == ["abc", "def", "gh"])
    #expect(try await objects(of: ["abcdef"], size: 3) == ["abc", "def"])
    #expect(try await objects(of: [], size: 3) == [])
  }
  @Test func `a file that is not there is missed at once`() {
    #expect(throws: Failure("cannot read /nonexistent: No such file or directory")) {
      try ObjectSource(files: ["/dev/null", "/nonexistent"], input: nil, size: nil)
    }
    #expect(throws: Failure.self) { try ObjectSource(files: [], input: "/nonexistent", size: nil) }
  }
  @Test func `a wait for input can be cancelled`() async throws {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let input = try Input(ends[0], name: "a pipe")
    let wait = Task { try await input.next() }
    wait.cancel()
    await #expect(throws: CancellationError.self) { try await wait.value }
  }
}

import Foundation
import MoQDrafts
import MoQKernel
import Testing

@Suite struct RecordingTests {
  /// Those that the package brings along.
  @Test func ownRecordings() throws {
    let results = try run(Files.package.appending(path: "Tests/Recordings"))
    #expect(results.count >= 50)
    for result in results {
      // Those of WebTransport are unwrapped by the network's module: the tool's tests read them.
      if result.path.contains("webtransport") { continue }
      guard case .passed = result.outcome else { Issue.record("\(result.path): \(result.outcome)"); continue }
    }
  }
  /// All there are, other dialects' and flavours' too: none may fail.
  @Test(.enabled(if: Files.exists(Files.shared.appending(path: "captures")), "the recordings are not here"))
  func allRecordings() throws {
    let results = try run(Files.shared.appending(path: "captures"))
    for result in results {
      if case .failed(let why) = result.outcome { Issue.record("\(result.path): \(why)") }
    }
    let passed = results.count { if case .passed = $0.outcome { true } else { false } }
    #expect(passed >= 50)
  }
  private func run(_ folder: URL) throws -> [RecordingResult] {
    let runner = RecordingRunner(dialects + profiles)
    return try Files.list(folder, suffix: ".json").map { path in
      runner.run(try Files.bytes(folder.appending(path: path)), path: path)
    }
  }
}

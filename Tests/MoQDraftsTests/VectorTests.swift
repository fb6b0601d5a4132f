import Foundation
import MoQDrafts
import MoQKernel
import Testing

@Suite struct VectorTests {
  /// The public vectors of each dialect that we speak.
  @Test(.enabled(if: Files.exists(Files.shared.appending(path: "vectors")), "the public vectors are not here"))
  func publicVectors() throws {
    let folder = Files.shared.appending(path: "vectors/transport")
    let results = try run(folder)
    #expect(results.count { $0.outcome == .passed } >= 217)
    #expect(results.count { if case .skipped = $0.outcome { true } else { false } } == 2)
  }

  /// Ours. Written from the texts, and always here.
  @Test func ownVectors() throws {
    let results = try run(Files.package.appending(path: "Vectors"))
    #expect(results.count { $0.outcome == .passed } == results.count)
    for dialect in dialects {
      #expect(results.contains { $0.path.contains(dialect.name) }, "\(dialect.name) has no vectors")
    }
  }

  private func run(_ folder: URL) throws -> [VectorResult] {
    var results: [VectorResult] = []
    for path in Files.list(folder, suffix: ".json") where !path.hasSuffix("meta.json") {
      guard let dialect = VectorRunner.dialect(of: path, among: dialects) else { continue }
      results += VectorRunner(dialect).run(try Files.bytes(folder.appending(path: path)), path: path)
    }
    for result in results {
      if case .failed(let why, let detail) = result.outcome {
        Issue.record("\(result.path) \(result.id) \(why)\n\(detail)")
      }
    }
    return results
  }
}

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
    #expect(results.count { $0.outcome == .passed } >= 225)
    #expect(results.count { if case .skipped = $0.outcome { true } else { false } } == 2)
  }

  /// Ours. Written from the texts, and always here.
  @Test func ownVectors() throws {
    let results = try run(Files.package.appending(path: "Vectors"))
    #expect(results.count { $0.outcome == .passed } == results.count)
    #expect(results.count >= 9_400)
    for dialect in codecs {
      #expect(results.contains { $0.path.contains(dialect.name) }, "\(dialect.name) has no vectors")
    }
  }

  /// The runner must be able to fail: a field, a byte, a category that are wrong, and it says where.
  @Test(arguments: [
    (#""hex": "0a000101", "decoded": {"request_id": "2"}"#, "reads differently: request_id", "bytes 3..<4"),
    (#""hex": "0a000102", "decoded": {"request_id": "2", "more": "1"}"#, "reads differently: more", "absent"),
    (#""hex": "0a00024002", "decoded": {"request_id": "2"}"#, "is written differently from byte 2 on", "[02]"),
    (#""hex": "0a000102", "canonical": false, "decoded": {"request_id": "2"}"#, "is canonical", ""),
    (#""hex": "0a00010203", "decoded": {"request_id": "2"}"#, "1 bytes are left", "[03]"),
    (#""hex": "0a0001", "decoded": {"request_id": "2"}"#, "is refused", ""),
    (#""hex": "0a0001", "error": "invalid_value""#, "is refused as incomplete", ""),
    (#""hex": "0a000102", "error": "incomplete""#, "is read", ""),
  ])
  func aWrongVectorFails(vector: String, says: String, detail: String) throws {
    let file = #"{"message_type": "unsubscribe", "vectors": [{"id": "x", "description": "", \#(vector)}]}"#
    let results = VectorRunner(Draft14.self).run(Array(file.utf8), path: "draft-14/messages/unsubscribe.json")
    guard case .failed(let why, let where_)? = results.first?.outcome else { Issue.record("\(results)"); return }
    #expect(why.hasPrefix(says))
    #expect(where_.contains(detail) || detail.isEmpty)
  }

  @Test func exceptionsAreReadFromTheirTable() {
    let table = """
      | vector | it expects | the text | peers |
      |---|---|---|---|
      | draft14 messages/publish-namespace-ok `basic` (`0700020100`) | a count | the id | all |
      """
    let list = VectorException.list(markdown: table)
    #expect(list.count == 1)
    #expect(list.first?.file == "messages/publish-namespace-ok")
    #expect(list.first?.hex == "0700020100")
  }

  private func run(_ folder: URL) throws -> [VectorResult] {
    var results: [VectorResult] = []
    for path in Files.list(folder, suffix: ".json") where !path.hasSuffix("meta.json") {
      guard let dialect = VectorRunner.dialect(of: path, among: codecs) else { continue }
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

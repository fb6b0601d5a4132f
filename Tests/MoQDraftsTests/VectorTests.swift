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
    for dialect in dialects {
      #expect(results.contains { $0.path.contains(dialect.name) }, "\(dialect.name) has no vectors")
    }
  }

  /// The runner must be able to fail: a field, a byte, a category that are wrong, and it says where.
  @Test(arguments: [
    (#""hex": "0a000101", "decoded": {"request_id": "2"}"#, "reads differently: request_id", "bytes 3..<4"),
    (#""hex": "0a000102", "decoded": {"request_id": "2", "more": "1"}"#, "reads differently: more", "absent"),
    (#""hex": "0a00024002", "decoded": {"request_id": "2"}"#, "is written differently from byte 2 on", "[02]"),
    (#""hex": "0a00024002", "canonical": false, "decoded": {"request_id": "3"}"#, "reads differently: request_id", ""),
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

  /// Published vectors that say the same thing as ours in other words, or leave some of it to the bytes.
  @Test(
    arguments: [
      (Draft12.self, "messages/requests-blocked", "1a00024064", #"{"maximum_request_id": "100"}"#),
      (
        Draft12.self, "messages/fetch", "16000706800102020300",
        #"""
        {"request_id": "6", "subscriber_priority": "128", "group_order": "1", "fetch_type": "2",
        "joining_subscribe_id": "2", "joining_start": "3", "parameters": {}}
        """#
      ),
      (
        Draft13.self, "messages/subscribe-namespace", "1100080101046c69766500",
        #"{"request_id": "1", "track_namespace_prefix": ["live"], "parameters": []}"#
      ),
      (
        Draft12.self, "messages/client-setup", "20001301c0000000ff00000c020104746573740240c8",
        #"""
        {"supported_versions": ["4278190092"], "parameters": [{"type": "0x1", "name": "path", "value": "test"},
        {"type": "0x2", "name": "max_request_id", "value": "200"}]}
        """#
      ),
      (
        Draft12.self, "messages/client-setup", "20001301c0000000ff00000c021104746573741240c8",
        #"""
        {"supported_versions": ["4278190092"], "parameters": [{"type": "0x11", "raw_hex": "74657374"},
        {"type": "0x12", "value": "200"}]}
        """#
      ),
      (
        Draft10.self, "data-streams/subgroup", "0401000080000004deadbeef",
        #"""
        {"stream_type": "stream_header_subgroup", "track_alias": "1", "group_id": "0", "subgroup_id": "0",
        "publisher_priority": "128", "objects": [{"object_id": "0", "payload_length": "4", "payload_hex": "deadbeef"}]}
        """#
      ),
      (
        Draft08.self, "data-streams/fetch-header", "05020000008002022a0302cafe04deadbeef",
        #"""
        {"stream_type": "fetch_header", "subscribe_id": "2", "objects": [{"group_id": "0", "subgroup_id": "0",
        "object_id": "0", "publisher_priority": "128", "extension_count": "2", "payload_hex": "deadbeef"}]}
        """#
      ),
      (
        Draft11.self, "data-streams/datagram", "010100008006022a0302cafedeadbeef",
        #"""
        {"stream_type": "object_datagram", "stream_type_id": "1", "track_alias": "1", "group_id": "0", "object_id": "0",
        "publisher_priority": "128", "extension_headers_length": "6", "payload_hex": "deadbeef"}
        """#
      ),
      (
        Draft12.self, "data-streams/subgroup", "180100800004deadbeef",
        #"""
        {"stream_type": "subgroup_header", "stream_type_id": "24", "track_alias": "1", "group_id": "0",
        "publisher_priority": "128", "contains_end_of_group": "1", "objects": [{"object_id": "0", "payload_hex": "deadbeef"}]}
        """#
      ),
      (
        Draft13.self, "data-streams/datagram", "0201030580cafe",
        #"""
        {"stream_type": "object_datagram", "stream_type_id": "2", "track_alias": "1", "group_id": "3", "object_id": "5",
        "publisher_priority": "128", "end_of_group": true, "payload_hex": "cafe"}
        """#
      ),
    ] as [(any Dialect.Type, String, String, String)])
  func otherWordsPass(dialect: any Dialect.Type, file: String, hex: String, decoded: String) {
    let type = file.split(separator: "/")[1].map { $0 == "-" ? "_" : $0 }
    let vectors = #"[{"id": "x", "hex": "\#(hex)", "decoded": \#(decoded)}]"#
    let json = #"{"message_type": "\#(String(type))", "vectors": \#(vectors)}"#
    let results = VectorRunner(dialect).run(Array(json.utf8), path: "\(dialect.name)/\(file).json")
    #expect(results.map(\.outcome) == [.passed])
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

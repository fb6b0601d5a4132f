import Foundation
import MoQDrafts
import MoQKernel
import Testing

@testable import MoQTool

/// What the commands that need no network print, to the letter.
@Suite struct OfflineTests {
  static let subscribe = "0300120101046c69766505766964656f8000000100"
  static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  static let publicVectors = "\(package)/../shared/vectors"
  static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  @Test func `decode prints every byte with its meaning`() async throws {
    let result = try await ToolProcess.run("decode", "--draft", "draft-14", Self.subscribe)
    #expect(result.status == 0)
    #expect(
      result.text == """
        draft-14 SUBSCRIBE, all 21 bytes
          0..<1       03                        Type = 0x3
          1..<3       00 12                     Length = 18
          3..<4       01                        Request ID = 1
          4..<10      01 04 6c 69 76 65         Track Namespace = live
          10..<16     05 76 69 64 65 6f         Track Name = "video"
          16..<17     80                        Subscriber Priority = 128
          17..<18     00                        Group Order = 0
          18..<19     00                        Forward = 0
          19..<20     01                        Filter Type = 1
          20..<21     00                        Parameters = 0
        Otherwise read:
          draft-14 OBJECT_DATAGRAM: all 21 bytes

        """)
  }

  @Test func `decode finds the dialect by itself, in any spacing, from standard input too`() async throws {
    let spaced = Self.subscribe.enumerated().map { $0.offset % 2 == 1 ? "\($0.element) " : "\($0.element)" }.joined()
    for words in [
      [Self.subscribe], spaced.split(separator: " ").map(String.init), ["0x" + Self.subscribe.uppercased()],
    ] {
      let result = try await ToolProcess.run(["decode"] + words)
      #expect(result.status == 0)
      #expect(result.text.hasPrefix("draft-14 SUBSCRIBE, all 21 bytes\n"))
    }
    let piped = try await ToolProcess.run("decode", "-", input: spaced + "\n")
    #expect(piped.text.hasPrefix("draft-14 SUBSCRIBE, all 21 bytes\n"))
    let raw = try await ToolProcess.run(["decode", "--raw", "-"], input: JSON.bytes(hex: Self.subscribe) ?? [])
    #expect(raw.text == piped.text)
  }

  @Test func `decode shows several messages, and where the last one ends too early`() async throws {
    let result = try await ToolProcess.run("decode", "--draft", "draft-14", Self.subscribe + "0a000105" + "03000a01")
    #expect(result.status == 1)
    #expect(result.text.contains("\n  21..<25                               UNSUBSCRIBE\n"))
    #expect(result.text.contains("\n  24..<25     05                          Request ID = 5\n"))
    #expect(
      result.sentence
        == "moq decode: nothing reads all 29 bytes; the best is draft-14 SUBSCRIBE, UNSUBSCRIBE, 26 of 29 bytes: "
        + "the bytes end inside Length at byte 26 (§9.7)")
  }

  @Test func `decode knows streams, datagrams and request streams`() async throws {
    let stream = try await ToolProcess.run("decode", "1401020380 00 05 68656c6c6f 01 00 03")
    #expect(stream.status == 0, "\(stream.errors)")
    #expect(stream.text.hasPrefix("draft-14 SUBGROUP_HEADER, all 15 bytes\n"))
    #expect(stream.text.contains(#"Object Payload = "hello""#))
    let group = try await ToolProcess.run("decode", "--draft", "moq-lite-01", "00 02 01 07 03 616263 00")
    #expect(group.status == 0, "\(group.errors)")
    #expect(group.text.hasPrefix("moq-lite-01 GROUP, all 9 bytes\n"), "\(group.text)")
    let request = try await ToolProcess.run("decode", "--draft", "moq-lite-01", "01 05 04 64656d6f")
    #expect(request.status == 0, "\(request.errors)")
    #expect(request.text.contains("0..<1       01                        Stream Type = 0x1\n"), "\(request.text)")
    let datagram = try await ToolProcess.run("decode", "--as", "datagram", Self.subscribe)
    #expect(datagram.text.hasPrefix("draft-14 OBJECT_DATAGRAM, all 21 bytes\n"))
  }

  @Test func `decode for machines`() async throws {
    let result = try await ToolProcess.run("decode", "--json", "--draft", "draft-14", "0a 00 01 05")
    #expect(
      result.text
        == #"{"hex": "0a000105", "readings": [{"dialect": "draft-14", "name": "UNSUBSCRIBE", "whole": true, "read": 4, "#
        + #""bytes": 4, "error": null, "warning": null, "notes": [{"name": "Type", "from": 0, "to": 1, "value": "0xa"}, "#
        + #"{"name": "Length", "from": 1, "to": 3, "value": "1"}, {"name": "Request ID", "from": 3, "to": 4, "value": "5"}], "#
        + #""decoded": {"message": "UNSUBSCRIBE", "fields": {"request_id": "5"}}}]}"# + "\n")
  }

  @Test(
    arguments: [
      (["zz"], #"moq decode: "z" is no hexadecimal digit (see: moq decode --help)"#),
      (
        ["123"],
        "moq decode: 3 hexadecimal digits are no whole number of bytes: the last one is half (see: moq decode --help)"
      ),
      (["0x"], "moq decode: there are no bytes to decode (see: moq decode --help)"),
      (
        ["00", "--draft", "draft-41"],
        #"moq decode: there is no dialect "draft-41"; did you mean draft-14? (see: moq decode --help)"#
      ),
      (
        ["40", "--as", "SUBSCRIBEOK_"],
        nil
      ),
      (
        ["00", "--as", "SUBSCRIPT"],
        #"moq decode: there is no message "SUBSCRIPT"; did you mean SUBSCRIBE? (see: moq decode --help)"#
      ),
      (["00", "--raw"], "moq decode: --raw is for standard input: moq decode --raw - (see: moq decode --help)"),
    ] as [([String], String?)])
  func `decode with wrong words`(_ words: [String], _ sentence: String?) async throws {
    let result = try await ToolProcess.run(["decode"] + words)
    guard let sentence else { return #expect(result.status == 1) }
    #expect(result.status == 2)
    #expect(result.sentence == sentence)
  }

  @Test func `spell draws a message's figure`() async throws {
    let result = try await ToolProcess.run("spell", "subscribe-ok", "--draft", "draft-14")
    #expect(result.status == 0)
    #expect(
      result.text == """
        draft-14 §9.8
        SUBSCRIBE_OK {
          Type (i) = 0x4,
          Length (16),
          Request ID (i),
          Track Alias (i),
          Expires (i),
          Group Order (8),
          Content Exists (8),
          [Largest Location (Location)],
          Number of Parameters (i),
          Parameters (..),
        }

        """)
    let json = try await ToolProcess.run("spell", "UNSUBSCRIBE", "--draft", "draft-14", "--json")
    #expect(
      json.text
        == #"{"dialect": "draft-14", "message": "UNSUBSCRIBE", "section": "§9.11", "type": 10, "#
        + #""fields": ["Type (i) = 0xA", "Length (16)", "Request ID (i)"]}"# + "\n")
  }
  @Test func `spell says what differs between two dialects`() async throws {
    let result = try await ToolProcess.run("spell", "SERVER_SETUP", "--between", "draft-14", "moq-lite-01")
    #expect(result.status == 0)
    #expect(result.text.hasPrefix("--- draft-14 SERVER_SETUP §9.3\n+++ moq-lite-01 SESSION_SERVER"))
    #expect(result.text.contains("\n- Length (16)\n") && result.text.contains("\n+ Message Length (i)\n"))
    #expect(result.text.contains("\n  Selected Version (i)\n"))
    let same = try await ToolProcess.run("spell", "--between", "draft-14", "draft-14")
    #expect(same.status == 0 && same.text.isEmpty, "\(same.text)\(same.errors)")
  }
  @Test(arguments: dialects.map { $0.name })
  func `spell draws every message of a dialect`(_ name: String) async throws {
    let dialect = try #require(dialects.named(name))
    let result = try await ToolProcess.run("spell", "--draft", name)
    #expect(result.status == 0, "\(result.errors)")
    let spoken = MessageKind.allCases.filter { dialect.speaks($0) }
    #expect(result.text.split(separator: "\n").count == spoken.count + 1)
    for kind in spoken { #expect(result.text.contains(" \(dialect.name(of: kind)) ")) }
  }
  @Test func `lines that differ, in order`() {
    func lines(_ old: String, _ new: String) -> String {
      difference(from: old.map(String.init), to: new.map(String.init)).map { $0.mark + $0.line }.joined()
    }
    #expect(lines("abc", "abc") == " a b c")
    #expect(lines("abc", "axc") == " a-b+x c")
    #expect(lines("", "ab") == "+a+b")
    #expect(lines("ab", "") == "-a-b")
    #expect(lines("abcd", "cdab") == "+c+d a b-c-d" || lines("abcd", "cdab") == "-a-b c d+a+b")
  }

  @Test func `drafts lists the dialects, names first`() async throws {
    let result = try await ToolProcess.run("drafts")
    #expect(result.status == 0)
    let lines = result.text.split(separator: "\n").dropFirst()
    #expect(lines.contains { $0.hasPrefix("draft-14 ") && $0.contains("0xff00000e  moq-00") && $0.contains("moq-dev") })
    func names(_ lines: some Sequence<Substring>) -> [String] { lines.map { String($0.prefix { $0 != " " }) } }
    #expect(names(lines) == dialects.map { $0.name })
    #expect(lines.contains { $0.hasPrefix("draft-07") && $0.contains("cloudflare") })
  }

  @Test(.enabled(if: exists(publicVectors), "the public vectors are not here"))
  func `the public vectors of draft-14`() async throws {
    let result = try await ToolProcess.run(
      "vectors", "verify", "--draft", "draft-14", "--except", "\(Self.publicVectors)/EXCEPTIONS.md", Self.publicVectors)
    #expect(result.status == 0, "\(result.text)")
    let last = try #require(
      result.text.split(separator: "\n").last?.wholeMatch(of: /(\d+) passed, 0 failed, 2 skipped/))
    #expect((Int(last.1) ?? 0) >= 220)
    let listed = try await ToolProcess.run("vectors", "list", "--draft", "draft-14", "--json", Self.publicVectors)
    #expect(listed.text.split(separator: "\n").count == (Int(last.1) ?? 0) + 2)
  }
  @Test func `our recordings`() async throws {
    let result = try await ToolProcess.run("captures", "verify", "\(Self.package)/Tests/Recordings")
    #expect(result.status == 0, "\(result.text)")
    #expect(result.text.split(separator: "\n").last?.wholeMatch(of: /\d+ passed, 0 failed, 0 skipped/) != nil)
  }

  @Test func `a vector that is wrong fails, and is shown`() async throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      atPath: "\(folder.path)/draft14/messages", withIntermediateDirectories: true)
    func vector(_ id: String, _ number: Int) -> String {
      #"{"id": "\#(id)", "description": "one", "hex": "0a000105", "decoded": {"request_id": "\#(number)"}}"#
    }
    let text = #"{"message_type": "unsubscribe", "vectors": [\#(vector("right", 5)), \#(vector("wrong", 6))]}"#
    _ = try folder.file("draft14/messages/unsubscribe.json", text.utf8)
    let result = try await ToolProcess.run("vectors", "verify", folder.path)
    #expect(result.status == 1)
    #expect(result.errors.isEmpty)
    let lines = result.text.split(separator: "\n")
    #expect(
      lines.first?.hasPrefix("failed: \(folder.path)/draft14/messages/unsubscribe.json wrong ") == true,
      "\(result.text)")
    #expect(lines.last == "1 passed, 1 failed, 0 skipped")
    let json = try await ToolProcess.run("vectors", "verify", "--json", folder.path)
    #expect(json.text.hasSuffix(#"{"passed": 1, "failed": 1, "skipped": 0}"# + "\n"))
    let explained = try await ToolProcess.run("vectors", "verify", "--explain", folder.path)
    #expect(
      explained.text.contains("right: one\n  0..<1       0a                        Type = 0xa\n"), "\(explained.text)")
    // A folder of a dialect that is not there is no success by accident.
    try FileManager.default.moveItem(atPath: "\(folder.path)/draft14", toPath: "\(folder.path)/draft99")
    let other = try await ToolProcess.run("vectors", "verify", folder.path)
    #expect(
      other.text == "skipped: draft99: 2 vectors of a dialect that is not spoken here\n0 passed, 0 failed, 2 skipped\n")
  }

  @Test(arguments: [["vectors", "verify"], ["vectors", "list"], ["captures", "verify"]])
  func `a folder that is not there, or has nothing in it`(_ command: [String]) async throws {
    let missing = try await ToolProcess.run(command + ["/nonexistent"])
    #expect(missing.status == 1)
    #expect(
      missing.sentence == "moq \(command.joined(separator: " ")): there is no /nonexistent; name a folder or a file")
    let folder = try TemporaryFolder()
    let empty = try await ToolProcess.run(command + [folder.path])
    #expect(empty.status == 1)
    #expect(empty.errors.contains(folder.path))
  }
}

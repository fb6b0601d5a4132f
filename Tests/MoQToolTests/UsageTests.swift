import Foundation
import Testing

@testable import MoQTool

/// Exit status and sentence of everything that can be wrong on a command line.
@Suite struct UsageTests {
  @Test(arguments: Command.all.map(\.name))
  func `help of every command, on standard output`(_ name: String) async throws {
    let result = try await ToolProcess.run(name.split(separator: " ").map(String.init) + ["--help"])
    #expect(result.status == 0)
    #expect(result.errors == "")
    #expect(result.text.hasPrefix("moq \(name): "))
    #expect(result.text.contains("\nExamples:\n"))
    // Not a terminal: no colour.
    #expect(!result.text.contains("\u{1b}"))
  }

  @Test func `versions of all that it is made of`() async throws {
    let result = try await ToolProcess.run("--version")
    #expect(result.status == 0)
    let names = result.text.split(separator: "\n").map { $0.split(separator: " ") }
    #expect(names.map { $0[0] } == ["moq", "ngtcp2", "GnuTLS", "nghttp3"])
    for name in names { #expect(name.count == 2 && name[1].contains("."), "\(name)") }
  }

  static let wrong: [(words: String, sentence: String)] = [
    ("", "moq: say what to do: moq COMMAND (see: moq --help)"),
    ("subscrbe", "moq: there is no command subscrbe; did you mean subscribe? (see: moq --help)"),
    ("--versoin", "moq: there is no option --versoin; did you mean --version? (see: moq --help)"),
    ("clock", #"moq clock: say what to do: "clock publish" or "clock subscribe" (see: moq clock --help)"#),
    ("relay --bnd x", "moq relay: there is no option --bnd; did you mean --bind? (see: moq relay --help)"),
    ("relay x", #"moq relay: "x" is one word too many (see: moq relay --help)"#),
    ("relay --cert a.pem", "moq relay: --cert needs its key: --key PEM (see: moq relay --help)"),
    ("relay --key a.pem", "moq relay: --key needs its certificate: --cert PEM (see: moq relay --help)"),
    ("relay --cache 0", #"moq relay: --cache wants a whole number, 1 to 1000000, not "0" (see: moq relay --help)"#),
    ("subscribe moqt://localhost a", "moq subscribe: TRACK is missing (see: moq subscribe --help)"),
    (
      "subscribe moqt://localhost a b --from soon",
      #"moq subscribe: --from wants next, current or the number of a group, not "soon" (see: moq subscribe --help)"#
    ),
    (
      "subscribe moqt://localhost a b --json --output -",
      "moq subscribe: --json writes to standard output, so the payloads cannot go there too; use --output FILE (see: moq subscribe --help)"
    ),
    (
      "subscribe moqt://localhost / b",
      #"moq subscribe: "/" is no namespace: write it as a/b/c (see: moq subscribe --help)"#
    ),
    (
      "publish moqt://localhost a b --size 1 --lines",
      "moq publish: --lines and --size exclude each other (see: moq publish --help)"
    ),
    (
      "publish moqt://localhost a b --group-every 2 --group-seconds 1",
      "moq publish: --group-every and --group-seconds exclude each other (see: moq publish --help)"
    ),
    (
      "publish moqt://localhost a b --rate fast",
      #"moq publish: --rate wants a number above 0, at most 1000000, not "fast" (see: moq publish --help)"#
    ),
    (
      "probe moqt://localhost --tls-ca a --tls-disable-verify",
      "moq probe: --tls-disable-verify and --tls-ca exclude each other (see: moq probe --help)"
    ),
    (
      "probe moqt://localhost --tls-fingerprint abc",
      #"moq probe: --tls-fingerprint wants a SHA-256, 64 hexadecimal digits, not "abc" (see: moq probe --help)"#
    ),
  ]

  @Test(arguments: wrong)
  func `wrong usage ends with 2 and says how it is meant`(_ wrong: (words: String, sentence: String)) async throws {
    let result = try await ToolProcess.run(wrong.words.split(separator: " ").map(String.init))
    #expect(result.status == 2)
    #expect(result.output.isEmpty)
    #expect(result.errors == wrong.sentence + "\n")
  }

  @Test(arguments: [
    "localhost:4443", "http://localhost", "moqt://", "moqt://a:b", "moqt://[::1", "moqt://u@h", "moqt://h:0",
  ])
  func `a bad URL ends with 2 and shows a good one`(_ url: String) async throws {
    let result = try await ToolProcess.run("subscribe", url, "a", "b")
    #expect(result.status == 2)
    #expect(result.errors.hasPrefix("moq subscribe: \"\(url)\" is not a URL that can be connected to: "))
    #expect(result.errors.contains("moqt://host:port/path"))
    #expect(result.errors.split(separator: "\n").count == 1)
  }
}

@Suite struct CertificateTests {
  @Test func `makes a pair of files, and never replaces them unasked`() async throws {
    let folder = try TemporaryFolder()
    let made = try await ToolProcess.run("cert", "--out", "tls", "--name", "relay.test", in: folder.path)
    #expect(made.status == 0)
    #expect(
      made.text.firstMatch(of: /^tls\/cert\.pem and tls\/key\.pem, valid for 10 days, SHA-256 [0-9a-f]{64}\n$/) != nil)
    let certificate = try String(contentsOfFile: "\(folder.path)/tls/cert.pem", encoding: .utf8)
    #expect(certificate.hasPrefix("-----BEGIN CERTIFICATE-----"))
    let key = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/tls/key.pem")
    #expect(key[.posixPermissions] as? Int == 0o600)

    let again = try await ToolProcess.run("cert", "--out", "tls", in: folder.path)
    #expect(again.status == 1)
    #expect(
      again.sentence
        == "moq cert: tls/cert.pem is there already; choose another folder with --out, or replace it with --force")
    #expect(try String(contentsOfFile: "\(folder.path)/tls/cert.pem", encoding: .utf8) == certificate)
    let forced = try await ToolProcess.run("cert", "--out", "tls", "--force", "--json", in: folder.path)
    #expect(forced.status == 0)
    #expect(
      forced.text.firstMatch(
        of: /^{"certificate": "tls\/cert.pem", "key": "tls\/key.pem", "sha256": "[0-9a-f]{64}"}\n$/)
        != nil)
  }
}

/// A folder that goes with its last reference.
final class TemporaryFolder: Sendable {
  let path: String
  init() throws {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("moq-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: false)
    path = url.path
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }
  func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    return "\(path)/\(name)"
  }
}

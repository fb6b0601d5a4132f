import Foundation
import Glibc
import Testing

@testable import MoQTool

/// What a user reads when the world is not as it should be: one sentence, and exit status 1.
@Suite(.serialized, .timeLimit(.minutes(3))) struct FailureTests {
  /// A UDP socket that never answers, and its port.
  final class Silence: Sendable {
    let descriptor: Int32
    let port: UInt16
    /// `listens`: a TCP socket instead, that takes connections.
    init(listens: Bool = false) {
      let made = socket(AF_INET, Int32(listens ? SOCK_STREAM.rawValue : SOCK_DGRAM.rawValue), 0)
      var address = sockaddr_in(), size = socklen_t(MemoryLayout<sockaddr_in>.size)
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          _ = bind(made, $0, size)
          _ = getsockname(made, $0, &size)
          if listens { _ = listen(made, 8) }
        }
      }
      (descriptor, port) = (made, UInt16(bigEndian: address.sin_port))
    }
    deinit { close(descriptor) }
  }

  /// The command failed, after that output, and said so in one sentence that has all of these words.
  func expect(
    _ result: ToolProcess.Result, _ words: String..., output: String = "", location: SourceLocation = #_sourceLocation
  ) {
    #expect(result.status == 1, "\(result.errors)", sourceLocation: location)
    #expect(result.text == output, sourceLocation: location)
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)", sourceLocation: location)
    for word in words { #expect(result.errors.contains(word), "\(result.errors)", sourceLocation: location) }
  }

  @Test func `nothing listens`() async throws {
    let port = Silence().port
    let result = try await ToolProcess.run("subscribe", "moqt://127.0.0.1:\(port)", "a", "b", "--timeout", "2")
    expect(result, "moq subscribe: ", "127.0.0.1:\(port)")
  }
  @Test func `something listens and does not answer`() async throws {
    let silence = Silence()
    let result = try await ToolProcess.run(
      "subscribe", "moqt://127.0.0.1:\(silence.port)", "a", "b", "--timeout", "0.5")
    expect(result, "moq subscribe: ", "127.0.0.1:\(silence.port)")
    let probe = try await ToolProcess.run("probe", "moqt://127.0.0.1:\(silence.port)", "--timeout", "0.5")
    #expect(probe.status == 1 && probe.text.contains(" no "))
  }
  @Test func `something listens, but on TCP`() async throws {
    let web = Silence(listens: true)
    let result = try await ToolProcess.run("subscribe", "moqt://127.0.0.1:\(web.port)", "a", "b", "--timeout", "2")
    expect(result, "127.0.0.1:\(web.port)", "answers there on TCP")
    let probe = try await ToolProcess.run("probe", "moqt://127.0.0.1:\(web.port)", "--timeout", "2")
    #expect(probe.status == 1 && probe.text.contains("answers there on TCP"), "\(probe.text)")
  }
  @Test func `the host has no address`() async throws {
    let result = try await ToolProcess.run("publish", "moqt://nowhere.invalid", "a", "b")
    expect(result, "moq publish: ", "nowhere.invalid")
  }
  @Test func `the certificate is not trusted`() async throws {
    let relay = try await RelayProcess()
    expect(
      try await ToolProcess.run("subscribe", relay.url, "a", "b"), "certificate",
      relay.url.replacing("moqt://", with: ""))
    let other = String(repeating: "ab", count: 32)
    expect(
      try await ToolProcess.run("subscribe", relay.url, "a", "b", "--tls-fingerprint", other), "certificate", "pinned",
      relay.fingerprint)
    let loud = try await ToolProcess.run("subscribe", relay.url, "a", "b", "--tls-disable-verify")
    #expect(loud.errors.hasPrefix("Warning: the certificate of "))
    try await relay.end()
  }
  @Test func `a certificate authority's file is not there`() async throws {
    expect(
      try await ToolProcess.run("subscribe", "moqt://127.0.0.1:1", "a", "b", "--tls-ca", "/nonexistent.pem"),
      "/nonexistent.pem")
  }
  @Test func `no dialect in common: what was offered, and what the peer has`() async throws {
    let relay = try await RelayProcess("--draft", "draft-14")
    let result = try await ToolProcess.run(relay.words("subscribe", "a", "b", "--draft", "moq-lite-01"))
    expect(result, "no dialect in common", "moq-lite-01", "draft-14", "--draft")
    try await relay.end()
  }
  @Test(arguments: EndToEndTests.drafts)
  func `an unknown track`(_ draft: String) async throws {
    let relay = try await RelayProcess()
    let result = try await ToolProcess.run(relay.words("subscribe", "no/such", "track", "--draft", draft))
    expect(result, "no/such", "track", "knows no such track")
    try await relay.end()
  }
  @Test func `the relay goes away under a publisher that waits`() async throws {
    let relay = try await RelayProcess()
    let publish = try ToolProcess(relay.words("publish", "a", "b", "-v"))
    _ = try await publish.errorLine(containing: "Waiting for a subscriber")
    try await relay.end()
    let result = try await publish.end()
    #expect(result.status == 1)
    #expect(
      result.errors.split(separator: "\n").last?.contains(relay.url.replacing("moqt://", with: "")) == true,
      "\(result.errors)")
  }
  @Test func `the port is in use`() async throws {
    let silence = Silence()
    expect(
      try await ToolProcess.run("relay", "--bind", "127.0.0.1:\(silence.port)"), "moq relay: ",
      "127.0.0.1:\(silence.port)",
      "in use", "choose another port")
  }
  @Test func `an address that is not ours`() async throws {
    expect(try await ToolProcess.run("relay", "--bind", "192.0.2.1:4443"), "192.0.2.1:4443", "no interface")
  }
  @Test func `a certificate and a key that do not fit`() async throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] { #expect(try await ToolProcess.run("cert", "--out", "\(folder.path)/\(name)").status == 0) }
    let mixed = [
      "relay", "--bind", "127.0.0.1:0", "--cert", "\(folder.path)/a/cert.pem", "--key", "\(folder.path)/b/key.pem",
    ]
    expect(try await ToolProcess.run(mixed), "a/cert.pem", "key")
    let missing = ["relay", "--bind", "127.0.0.1:0", "--cert", "/nonexistent.pem", "--key", "/nonexistent.pem"]
    expect(try await ToolProcess.run(missing), "cannot read /nonexistent.pem")
  }
  @Test func `a file that cannot be written`() async throws {
    expect(
      try await ToolProcess.run("subscribe", "moqt://127.0.0.1:1", "a", "b", "--output", "/nonexistent/x"),
      "cannot write /nonexistent/x")
  }

  /// As nobody, with a copy of the tool that nobody may run.
  static var canBecomeNobody: Bool { getuid() == 0 && access("/usr/bin/setpriv", X_OK) == 0 }
  static let asNobody = [
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
  ]

  @Test(.enabled(if: canBecomeNobody, "becoming nobody needs root and setpriv"))
  func `a port that only root may take`() async throws {
    let start =
      (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding: .utf8)) ?? "1024"
    guard let first = Int(start.trimmingCharacters(in: .whitespacesAndNewlines)), first > 443 else {
      try Test.cancel("every port is free for everybody here")
    }
    let folder = try TemporaryFolder()
    let result = try await ToolProcess.run(
      ["relay", "--bind", "127.0.0.1:443"], through: Self.asNobody, tool: try folder.publicTool())
    expect(result, "127.0.0.1:443", "permission denied", "1023")
  }
  @Test(.enabled(if: canBecomeNobody, "becoming nobody needs root and setpriv"))
  func `files that only root may read or write`() async throws {
    let folder = try TemporaryFolder(), tool = try folder.publicTool()
    #expect(try await ToolProcess.run("cert", "--out", "\(folder.path)/tls").status == 0)
    let words = [
      "relay", "--bind", "127.0.0.1:0", "--cert", "\(folder.path)/tls/cert.pem", "--key", "\(folder.path)/tls/key.pem",
    ]
    expect(try await ToolProcess.run(words, through: Self.asNobody, tool: tool), "tls/key.pem", "Permission denied")
    let cert = try await ToolProcess.run(
      ["cert", "--out", "\(folder.path)/tls", "--force"], through: Self.asNobody, tool: tool)
    expect(cert, "cannot write", "Permission denied")
  }
}

extension TemporaryFolder {
  /// A copy of the tool where everybody may run it.
  func publicTool() throws -> String {
    chmod(path, 0o755)
    try ToolProcess.exclusively {
      try FileManager.default.copyItem(atPath: ToolProcess.path, toPath: "\(path)/moq")
    }
    chmod("\(path)/moq", 0o755)
    return "\(path)/moq"
  }
}

import MoQ
import Testing

@testable import MoQTool

/// A peer of the tool that lives in the test, and leaves every request to it.
final class TestPeer: Sendable {
  let server: Server
  var place: String { "127.0.0.1:\(server.port)" }

  init() async throws {
    var options = ServerOptions()
    options.session.requests = .ask
    // Not before the tool's own deadlines.
    options.session.requestTimeout = .seconds(60)
    server = try await Server.listen(on: "127.0.0.1:0", options: options)
  }
  func words(_ command: String, _ rest: String...) -> [String] {
    [command, "moqt://\(place)"] + rest + ["--tls-fingerprint", server.fingerprint]
  }
  /// Takes one session, and lends it and each of its requests to `answer` until the session ends.
  func answer(_ answer: @escaping @Sendable (Session, IncomingRequest) async throws -> Void) -> Task<Void, any Error> {
    let sessions = server.sessions
    return Task {
      for await session in sessions {
        for await request in session.requests { try await answer(session, request) }
        return
      }
    }
  }
}

/// What a user reads when the peer says no, leaves, or says nothing.
extension FailureTests {
  @Test func `the peer refuses the namespace`() async throws {
    let peer = try await TestPeer()
    let answering = peer.answer { _, request in
      guard case .announce = request.kind else { return }
      request.reject(.unauthorized, "members only")
    }
    let result = try await ToolProcess.run(peer.words("publish", "private/room", "track", "--draft", "draft-14"))
    expect(result, "moq publish: ", "private/room", peer.place, "does not allow it", "members only", "token")
    try await answering.value
    await peer.server.close()
  }

  @Test(arguments: EndToEndTests.drafts)
  func `the peer leaves in the middle of a group`(_ draft: String) async throws {
    let peer = try await TestPeer()
    let (leave, left) = AsyncStream<Void>.makeStream()
    let answering = peer.answer { session, request in
      guard case .subscribe = request.kind else { return }
      let track = try await session.publish("half").track("group")
      request.accept()
      try await track.firstSubscriber()
      let group = try await track.beginGroup()
      try await group.write("first")
      for await _ in leave { await session.close(reason: "enough for today") }
    }
    let tool = try ToolProcess(peer.words("subscribe", "half", "group", "--lines", "--draft", draft))
    _ = try await tool.line(containing: "first")
    left.yield()
    left.finish()
    expect(
      try await tool.end(), "moq subscribe: ", "half/group", "the session with \(peer.place) ended", "enough for today",
      output: "first\n")
    try await answering.value
    await peer.server.close()
  }

  @Test(arguments: EndToEndTests.drafts)
  func `the peer never answers a subscription`(_ draft: String) async throws {
    let peer = try await TestPeer()
    let answering = peer.answer { _, _ in }
    let result = try await ToolProcess.run(
      peer.words("subscribe", "silent", "track", "--timeout", "1", "--draft", draft))
    expect(result, "moq subscribe: ", "silent/track", peer.place, "did not answer in time")
    try await answering.value
    await peer.server.close()
  }

  @Test func `the peer never answers an announcement`() async throws {
    let peer = try await TestPeer()
    let answering = peer.answer { _, _ in }
    let result = try await ToolProcess.run(
      peer.words("publish", "silent", "track", "--timeout", "1", "--draft", "draft-14"))
    expect(result, "moq publish: ", "silent", peer.place, "did not answer in time")
    try await answering.value
    await peer.server.close()
  }
}

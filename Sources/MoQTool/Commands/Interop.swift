import MoQ

extension Command {
  private static let relayURL = Option(
    "relay", short: "r", takes: .one("URL"),
    "the relay to test: moqt:// for raw QUIC, https:// for WebTransport (RELAY_URL; default https://localhost:4443)")
  private static let test = Option("test", short: "t", takes: .one("NAME"), "run this test only (TESTCASE)")
  private static let list = Option("list", short: "l", "list the tests, one name a line")
  private static let quick = Option("verbose", short: "v", "say on standard error what happens (VERBOSE=1)")
  private static let anyCertificate = Option(
    "tls-disable-verify", "believe any certificate (TLS_DISABLE_VERIFY=1): for tests only")

  static let interop = Command(
    name: "interop",
    summary: "test a relay as the public interoperability runner does",
    options: [
      ("Options", [relayURL, test, list, quick]),
      ("Connection", [.draft, anyCertificate, .authority, .fingerprint] + Option.tracing),
    ],
    details: "Prints TAP version 14. Options that are not given are taken from the environment, by the names in "
      + "parentheses; MOQT_DRAFT stands for --draft. Exit status: 0 all passed, 1 some failed, 127 there is no such test, dialect "
      + "or role. A test of something that the dialect lacks is skipped.",
    examples: [
      ("all tests against a relay on this machine", "moq interop -r moqt://localhost:4443 --tls-disable-verify"),
      ("one test, in one dialect", "moq interop -r moqt://relay.example -t setup-only --draft draft-14"),
      ("what there is to test", "moq interop --list"),
    ]
  ) { arguments in
    if arguments.has(list) {
      for test in InteropCase.all { try Output.standard.line(test.name) }
      return
    }
    if let role = Environment["MOQT_ROLE"], role != "client" {
      throw Unsupported("moq interop is a client, and MOQT_ROLE asks for \"\(role)\"")
    }
    var tests = InteropCase.all
    if let name = arguments.text(test) ?? Environment["TESTCASE"] {
      tests = tests.filter { $0.name == name }
      guard !tests.isEmpty else {
        let hint = suggestion(name, among: InteropCase.all.map(\.name))
        throw Unsupported("there is no test \"\(name)\"\(hint.isEmpty ? "; --list shows all" : hint)")
      }
    }
    var options = try SessionOptions(arguments)
    if arguments.texts(.draft).isEmpty, let draft = Environment["MOQT_DRAFT"] {
      guard Runtime.dialectNames.contains(draft) else {
        throw Unsupported("MOQT_DRAFT asks for \"\(draft)\"; there are \(Runtime.dialectNames.joined(separator: ", "))")
      }
      options.dialects = .exactly(draft)
    }
    let url = try SessionURL(arguments.text(relayURL) ?? Environment["RELAY_URL"] ?? "https://localhost:4443")
    let hasTrust = [anyCertificate, .authority, .fingerprint].contains(where: arguments.has)
    if !hasTrust, Environment.isSet("TLS_DISABLE_VERIFY") { options.trust = .none }
    let isVerbose = arguments.has(quick) || Environment.isSet("VERBOSE")
    let runner = InteropRunner(url: url, options: options, isVerbose: isVerbose)
    try await untilStopped { [tests] in
      guard try await runner.run(tests) else { throw Failed() }
    }
  }
}

/// Runs tests one after the other, and prints what came of each.
private struct InteropRunner {
  let url: SessionURL
  let options: SessionOptions
  let isVerbose: Bool

  /// Whether none failed.
  func run(_ tests: [InteropCase]) async throws -> Bool {
    var isGood = true
    for (index, test) in tests.enumerated() {
      var options = options
      (options.connectTimeout, options.requestTimeout) = (test.limit, test.limit)
      let run = InteropRun(url.description, options, isVerbose: isVerbose)
      if isVerbose { note(test.name) }
      let started = ContinuousClock.now
      let (outcome, failure) = await outcome(of: test, run)
      let took = ContinuousClock.now - started
      await run.closeAll()
      try Task.checkCancellation()
      // The dialect that the tests really speak is known once one has connected.
      if index == 0 { try Output.standard.line(TAP.head(comments(run.dialect), plan: tests.count)) }
      let details = run.dialect.map { [(name: "draft", value: $0)] } ?? []
      try Output.standard.line(
        TAP.point(index + 1, test.name, outcome, took: took, ids: run.ids, details: details))
      if case .failed = outcome { isGood = false }
      if let failure, run.ids.isEmpty, Self.isOfTheWay(failure) {
        // There is nobody to test.
        try Output.standard.line(TAP.bailOut(failure.message))
        return false
      }
    }
    return isGood
  }

  private func comments(_ dialect: String?) -> [String] {
    ["swift-moq \(Versions.tool), moq interop", "Relay: \(url)"] + (dialect.map { ["Draft: \($0)"] } ?? [])
  }
  private static func isOfTheWay(_ error: MoQError) -> Bool {
    [.nothingListens, .unknownHost, .untrusted, .noCommonDialect, .badOption, .unsupported, .badURL]
      .contains(error.code)
  }

  private func outcome(of test: InteropCase, _ run: InteropRun) async -> (TAP.Outcome, MoQError?) {
    do {
      try await within(test.limit) { try await test.body(run) }
      return (.passed, nil)
    } catch let lacks as InteropRun.Inapplicable {
      return (.skipped(lacks.reason), nil)
    } catch let other as InteropRun.Unexpected {
      return (.failed(expected: run.expected, received: other.received, message: other.message), nil)
    } catch is TooLate {
      let seconds = decimal(test.limit / .seconds(1), 1)
      return (.failed(expected: run.expected, received: "timeout", message: "not done within \(seconds) s"), nil)
    } catch let error as MoQError where error.code == .inexpressible {
      return (.skipped((error.cause as? CommandError)?.phrase ?? error.message), nil)
    } catch let error as MoQError {
      return (.failed(expected: run.expected, received: error.code.description, message: error.message), error)
    } catch {
      return (.failed(expected: run.expected, received: nil, message: "\(error)"), nil)
    }
  }

  private struct TooLate: Error {}
  private func within(_ limit: Duration, _ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await body() }
      group.addTask {
        try await Task.sleep(for: limit)
        throw TooLate()
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }
}

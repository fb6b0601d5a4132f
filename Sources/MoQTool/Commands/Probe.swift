import MoQ

extension Command {
  private static let urls = Operand(
    "URL", .many, "moqt://HOST[:PORT][/PATH], https:// for WebTransport; without a scheme both are tried")

  static let probe = Command(
    name: "probe",
    summary: "find out which dialects a peer speaks, and what it answers",
    operands: [urls],
    options: [("Options", [.json]), ("Connection", Option.connection)],
    details: "Connects once for each dialect, offering that one alone. Fails if none is agreed on.",
    examples: [
      ("whatever is there, over raw QUIC and WebTransport", "moq probe relay.example:4443"),
      ("a relay on this machine", "moq probe moqt://localhost:4443 --tls-disable-verify"),
      (
        "two relays, in one dialect, for a script",
        "moq probe --json --draft draft-14 moqt://a.example moqt://b.example"
      ),
    ]
  ) { arguments in
    let places = try arguments.operands.map { text in
      try (text.contains("://") ? [text] : SessionURL.Scheme.allCases.map { "\($0)://\(text)" }).map {
        try Destination($0, arguments)
      }
    }
    let drafts = arguments.texts(.draft)
    let dialects = drafts.isEmpty ? Runtime.dialectNames : drafts
    let isJSON = arguments.has(.json)
    try await untilStopped {
      var isSpokenByAll = true
      for destinations in places {
        var isSpokenHere = false
        for destination in destinations {
          if !isJSON { try Output.standard.line(Style(for: .standard).bold(destination.url.description)) }
          if try await isSpoken(by: destination, among: dialects, isJSON: isJSON) { isSpokenHere = true }
        }
        if !isSpokenHere { isSpokenByAll = false }
      }
      guard isSpokenByAll else { throw Failed() }
    }
  }

  /// Whether at least one dialect was agreed on. Prints what came of each.
  private static func isSpoken(by destination: Destination, among dialects: [String], isJSON: Bool) async throws -> Bool
  {
    var isSpoken = false
    let width = dialects.map(\.count).max() ?? 0
    for dialect in dialects {
      let result = await MoQ.probe(destination.url.description, dialect: dialect, options: destination.options)
      try Task.checkCancellation()
      let outcome = result.outcome.mapError { error in
        MoQError(error.code, error.message + error.hint(for: destination.url), cause: error.cause)
      }
      let answer = ProbeAnswer(dialect: dialect, url: destination.url.description, outcome: outcome)
      try Output.standard.line(isJSON ? answer.json.description : answer.line(width))
      switch result.outcome {
      case .success: isSpoken = true
      case .failure(let error):
        // The way there is the same for every dialect: saying it once is enough.
        let ofTheWay: [MoQError.Code] = [
          .nothingListens, .unknownHost, .untrusted, .badOption, .unsupported, .refused, .unauthorized, .noWebTransport,
        ]
        if ofTheWay.contains(error.code) { return isSpoken }
      }
    }
    return isSpoken
  }
}

/// What came of the offer of one dialect.
private struct ProbeAnswer {
  let dialect: String, url: String
  let outcome: Result<ProbeResult.Success, MoQError>

  func line(_ width: Int) -> String {
    let style = Style(for: .standard)
    let name = dialect + String(repeating: " ", count: max(0, width - dialect.count))
    switch outcome {
    case .success(let found):
      let parts = [
        found.dialect.alpn.map { "ALPN \($0)" }, found.dialect.subprotocol.map { "subprotocol \($0)" },
        found.dialect.version.map { "version 0x\(String($0, radix: 16))" },
        found.dialect.profile.map { "profile \($0)" }, found.peerImplementation.map(printable),
        "setup \(found.setupTime.shown)", "round trip \(found.smoothedRTT.shown)", found.peerAddress,
      ]
      return "  \(name)  \(style.green("ok"))  \(parts.compactMap(\.self).joined(separator: ", "))"
    case .failure(let error):
      return "  \(name)  \(style.red("no"))  \(error.message)"
    }
  }

  var json: JSON {
    var members: [(String, JSON)] = [("url", .string(url)), ("dialect", .string(dialect))]
    switch outcome {
    case .success(let found):
      members += [
        ("ok", .bool(true)), ("alpn", .optional(found.dialect.alpn)),
        ("subprotocol", .optional(found.dialect.subprotocol)), ("version", .optional(found.dialect.version)),
        ("profile", .optional(found.dialect.profile)), ("implementation", .optional(found.peerImplementation)),
        ("address", .string(found.peerAddress)), ("setup_ms", .number(found.setupTime.inMilliseconds)),
        ("rtt_ms", .number(found.smoothedRTT.inMilliseconds)),
      ]
    case .failure(let error):
      members += [("ok", .bool(false)), ("code", .string(error.code.description)), ("message", .string(error.message))]
    }
    return .object(members.map { JSON.Member($0.0, $0.1) })
  }
}

import MoQ

extension Command {
  private static let urls = Operand(
    "URL", .many, "moqt://HOST[:PORT][/PATH], https:// for WebTransport; without a scheme both are tried")

  static let probe = Command(
    name: "probe",
    summary: "find out which dialects a peer speaks, over what, and what it answers",
    operands: [urls],
    options: [("Options", [.json]), ("Connection", Option.connection)],
    details:
      "Connects once for each dialect, offering that one alone, and over raw QUIC and WebTransport both where the "
      + "URL leaves it open. Where none is agreed on it says what it met instead, and fails.",
    examples: [
      ("a relay on this machine, over raw QUIC and WebTransport", "moq probe localhost:4443 --tls-disable-verify"),
      (
        "two relays, in one dialect, for a script",
        "moq probe --json --draft draft-14 moqt://a.example https://b.example"
      ),
    ]
  ) { arguments in
    let targets = try arguments.operands.map { text in
      let hasScheme = text.contains("://")
      let urls = hasScheme ? [text] : SessionURL.Scheme.allCases.map { "\($0)://\(text)" }
      return try urls.map { try Destination($0, arguments) }
    }
    let drafts = arguments.texts(.draft)
    let run = ProbeRun(
      dialects: drafts.isEmpty ? Runtime.dialectNames : drafts, isJSON: arguments.has(.json),
      isVerbose: arguments.has(.verbose))
    try await untilStopped {
      var isSpokenByAll = true
      for target in targets where try await !run.isSpoken(at: target) { isSpokenByAll = false }
      guard isSpokenByAll else { throw Failed() }
    }
  }
}

/// Asks peers for dialects, one after the other, and prints what came of it.
private struct ProbeRun {
  let dialects: [String]
  let isJSON: Bool, isVerbose: Bool

  /// Whether at least one dialect was agreed on at one of a peer's URLs.
  func isSpoken(at urls: [Destination]) async throws -> Bool {
    var isSpoken = false, failure: MoQError?
    for (index, destination) in urls.enumerated() {
      if !isJSON { try Output.standard.line(Style(for: .standard).bold(destination.url.description)) }
      let (found, error) = try await ask(destination)
      isSpoken = isSpoken || found
      if failure == nil { failure = error }
      // Where nobody is, the other way there leads nowhere, too.
      if let error, [.nothingListens, .unknownHost].contains(error.code), index == 0 { break }
    }
    if !isSpoken, let failure, let destination = urls.first { try await tellWhatIsThere(destination, failure) }
    return isSpoken
  }

  /// Whether any of the dialects was agreed on, and the last failure.
  private func ask(_ destination: Destination) async throws -> (isSpoken: Bool, failure: MoQError?) {
    var isSpoken = false, failure: MoQError?
    let width = dialects.map(\.count).max() ?? 0
    for dialect in dialects {
      if isVerbose { note("Offering \(dialect) to \(destination.url)") }
      let result = await MoQ.probe(destination.url.description, dialect: dialect, options: destination.options)
      try Task.checkCancellation()
      let outcome = result.outcome.mapError { error in
        MoQError(error.code, error.message + error.hint(for: destination.url), cause: error.cause)
      }
      let answer = ProbeAnswer(dialect: dialect, url: destination.url.description, outcome: outcome)
      try Output.standard.line(isJSON ? answer.json.description : answer.line(width))
      switch outcome {
      case .success: isSpoken = true
      case .failure(let error):
        failure = error
        // The way there is the same for every dialect: saying it once is enough.
        let ofTheWay: [MoQError.Code] = [
          .nothingListens, .unknownHost, .untrusted, .badOption, .unsupported, .refused, .unauthorized,
          .noWebTransport,
        ]
        if ofTheWay.contains(error.code) || error.isWithoutWebTransport { return (isSpoken, error) }
      }
    }
    return (isSpoken, failure)
  }

  private func tellWhatIsThere(_ destination: Destination, _ failure: MoQError) async throws {
    let url = destination.url
    let met: String, sentence: String
    switch failure.code {
    case .unknownHost, .untrusted, .badOption, .unsupported: return
    case .nothingListens where answersOverTCP(url.host, url.port):
      (met, sentence) = (
        "only-tcp", "something answers at \(url.authority) on TCP, and nothing on UDP: a server without QUIC"
      )
    default:
      // One by one: a peer to which all are offered names only the one that it likes best.
      let others = await destination.spoken(besides: dialects)
      guard others.isEmpty else {
        (met, sentence) = ("moq", "\(url.authority) speaks \(others.joined(separator: ", ")), which was not asked for")
        break
      }
      let found = await encounter(at: url, options: destination.options)
      (met, sentence) = (found.rawValue, found.sentence(url))
    }
    try Task.checkCancellation()
    try Output.standard.line(
      isJSON
        ? JSON.line([
          "url": .string(url.description), "ok": .bool(false), "met": .string(met), "message": .string(sentence),
        ])
        : "  \(Style(for: .standard).yellow("met"))  \(sentence)")
  }
}

extension Encounter {
  fileprivate func sentence(_ url: SessionURL) -> String {
    let place = url.authority
    return switch self {
    case .nothing: "nothing answers at \(place) over UDP"
    case .otherProtocol:
      "\(place) is a QUIC server of another protocol: it takes neither a protocol of MoQ nor HTTP/3"
    case .http3WithoutWebTransport: "\(place) is an HTTP/3 server without WebTransport"
    case .webTransport where url.scheme == .moqt:
      "\(place) is an HTTP/3 server with WebTransport; try https://\(place)/, with the path that it serves MoQ at"
    case .webTransport:
      "\(place) has WebTransport, and no dialect of MoQ that was offered at this path; try another path, or moqt://\(place)"
    case .quic: "\(place) speaks QUIC; what is behind it cannot be told"
    }
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

import Glibc
import MoQ
import MoQHTTP
import struct MoQNetwork.TLSIdentity

extension Command {
  private static let bind = Option(
    "bind", takes: .one("HOST:PORT"), "listen there (default 127.0.0.1:4443); port 0: any that is free")
  private static let json = Option(
    "json", "print the ready line, and one for each session that begins or ends, as JSON")
  private static let certificate = Option(
    "cert", takes: .one("PEM"), "the certificate chain; without it one is made that lasts ten days")
  private static let key = Option("key", takes: .one("PEM"), "the certificate's key")
  private static let cache = Option(
    "cache", takes: .one("MB"), "keep at most so many megabytes of all tracks together (default 256)")
  private static let http = Option(
    "http", takes: .one("HOST:PORT"),
    "serve a page for browsers, /metrics, /announced, /health and /certificate.sha256 there over TCP: plain HTTP on a "
      + "loopback address, elsewhere TLS with the relay's certificate")
  private static let spoken = Option(
    "draft", short: "d", takes: .repeated("NAME"),
    "speak this dialect only; given several times: these, best first (moq drafts lists them)")

  private static let flavour = Option(
    "profile", takes: .repeated("NAME"),
    "assume that peers whose ways do not show differ from the text so; \"text\": in none (moq drafts lists them)")
  private static let origins = Option(
    "origin", takes: .repeated("ORIGIN"),
    "of web pages, only those from there may connect, as https://example.org (default: all)")
  private static let paths = Option(
    "path", takes: .repeated("/PATH"), "serve WebTransport at that path only (default: at every path)")
  private static let rawOnly = Option("raw-only", "serve no WebTransport")

  static let relay = Command(
    name: "relay",
    summary: "bring publishers and subscribers together, whatever dialect each speaks",
    options: [
      (
        "Options",
        [bind, http, certificate, key, spoken, flavour, cache, origins, paths, rawOnly, json, .verbose] + Option.tracing
      )
    ],
    details: "Prints one line when it is ready: where it listens, and the SHA-256 of its certificate, which "
      + "clients accept with --tls-fingerprint. SIGTERM or an interrupt ends it cleanly. What no option says is taken "
      + "from the environment, as the public interoperability runner sets it: MOQT_ROLE (which must be relay, else the "
      + "exit status is 127), MOQT_PORT, MOQT_CERT, MOQT_KEY, MOQT_MLOG_DIR, MOQT_DRAFT.",
    examples: [
      ("on this machine, with a certificate made on the spot", "moq relay"),
      ("for everybody", "moq relay --bind [::]:443 --cert fullchain.pem --key privkey.pem"),
      ("with a page to try it with in a browser", "moq relay --http 127.0.0.1:8080"),
      ("in two dialects only", "moq relay --draft draft-14 --draft moq-lite-01"),
      ("for peers whose draft-07 is moqtransport's", "moq relay --profile moqtransport"),
      ("for the pages of one site, at one path", "moq relay --origin https://example.org --path /moq"),
    ]
  ) { arguments in
    var options = RelayOptions()
    let surroundings = try RelayEnvironment(), identity: TLSIdentity
    switch (arguments.text(certificate) ?? surroundings.certificate, arguments.text(key) ?? surroundings.key) {
    case (let certificate?, let key?): identity = try TLSIdentity(certificateFile: certificate, keyFile: key)
    case (nil, nil): identity = try TLSIdentity.selfSigned()
    case (nil, _): throw Misuse("--key needs its certificate: --cert PEM")
    case (_, nil): throw Misuse("--cert needs its key: --key PEM")
    }
    options.server.certificate = .pem(certificate: identity.certificate, key: identity.key)
    options.server.session.dialects = try SessionOptions.Dialects(arguments)
    if arguments.texts(spoken).isEmpty, let draft = surroundings.draft {
      options.server.session.dialects = .exactly(draft)
    }
    options.server.session.profiles = try profileNames(arguments)
    options.server.session.traces = try TraceDirectory(arguments) ?? surroundings.traces()
    if let megabytes = try arguments.number(cache, in: 1...1_000_000) { options.cache = Int(megabytes) << 20 }
    options.server.webTransport = try webTransport(arguments)
    let address = arguments.text(bind) ?? surroundings.address ?? "127.0.0.1:4443"
    _ = try parsed(address, "bind")
    let page = try arguments.text(http).map { try parsed($0, "http") }
    let (isJSON, isVerbose) = (arguments.has(.json), arguments.has(.verbose))
    let log = isJSON || isVerbose ? SessionLog(isJSON: isJSON, isVerbose: isVerbose) : nil
    if let log { options.onSession = { log.note($0) } }

    try await untilStopped { [options] in
      let relay = try await RelayServer.start(on: address, options: options)
      try Output.standard.line(
        isJSON
          ? JSON.line(["address": .string(relay.address), "sha256": .string(relay.fingerprint)])
          : "Relay ready at moqt://\(relay.address), certificate SHA-256 \(relay.fingerprint)")
      let helper = try page.map { host, port in
        try RelayHTTP(
          host: host, port: port, identity: .init(certificate: identity.certificate, key: identity.key), relay: relay,
          options: options.server)
      }
      defer { helper?.stop() }
      if let helper {
        try Output.standard.line(isJSON ? JSON.line(["http": .string(helper.url)]) : "Page at \(helper.url)")
      }
      async let logged: Void? = log?.run()
      let watch = isVerbose ? Task { await report(on: relay) } : nil
      await relay.run()
      watch?.cancel()
      log?.end()
      await logged
      if isVerbose { note("Ended. \(await relay.statistics.shown)") }
    }
  }

  /// Whom WebTransport is served to; nil: to nobody.
  private static func webTransport(_ arguments: Arguments) throws -> WebTransportPolicy? {
    let (wanted, served) = (arguments.texts(origins), arguments.texts(paths))
    guard !arguments.has(rawOnly) else {
      guard wanted.isEmpty, served.isEmpty else { throw Misuse("--raw-only leaves nothing for --origin and --path") }
      return nil
    }
    var policy = WebTransportPolicy()
    for origin in wanted where !origin.contains("://") || origin.hasSuffix("/") {
      throw Misuse("--origin wants scheme and host, as https://example.org, not \"\(origin)\"")
    }
    for path in served where !path.hasPrefix("/") || path.contains("?") {
      throw Misuse("--path wants a path that begins with a slash and has no query, not \"\(path)\"")
    }
    if !wanted.isEmpty { policy.origins = .list(wanted) }
    if !served.isEmpty { policy.paths = served }
    return policy
  }

  /// Takes an address to listen on apart; no host: all addresses. Whether there is such an address is found out later.
  static func parsed(_ text: String, _ option: String) throws(Misuse) -> (host: String, port: UInt16) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    let host = parts.dropLast().joined(separator: ":")
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
    guard let port = parts.last.flatMap({ UInt16($0) }), !host.isEmpty, isBracketed || !host.contains(":") else {
      throw Misuse("--\(option) wants an address and a port, as 127.0.0.1:4443 or [::1]:4443, not \"\(text)\"")
    }
    return (isBracketed ? String(host.dropFirst().dropLast()) : host == "*" ? "" : host, port)
  }

  /// A line on standard error every ten seconds in which something changed.
  private static func report(on relay: RelayServer) async {
    var last: RelayStatistics?
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(10))
      let now = await relay.statistics
      if now != last, !Task.isCancelled { note(now.shown) }
      last = now
    }
  }
}

/// How the public interoperability runner starts a relay: by variables alone.
struct RelayEnvironment {
  /// Where its containers find certificate and key if nothing else is said.
  private static let mounted = (certificate: "/certs/cert.pem", key: "/certs/priv.key")

  let address: String?
  let certificate: String?, key: String?
  let draft: String?

  /// Traces are wanted in MOQT_MLOG_DIR. A relay runs without them if they cannot be had.
  func traces() -> TraceDirectory? {
    guard let path = Environment["MOQT_MLOG_DIR"] else { return nil }
    do {
      return try TraceDirectory(path)
    } catch {
      note("Warning: \(error.message)")
      return nil
    }
  }

  init() throws {
    let role = Environment["MOQT_ROLE"]
    if let role, role != "relay" { throw Unsupported("moq relay is a relay, and MOQT_ROLE asks for \"\(role)\"") }
    if let port = Environment["MOQT_PORT"] {
      guard UInt16(port) != nil else { throw Misuse("MOQT_PORT wants a port, 0 to 65535, not \"\(port)\"") }
      address = "*:\(port)"
    } else {
      address = role == nil ? nil : "*:4443"
    }
    var (certificate, key) = (Environment["MOQT_CERT"], Environment["MOQT_KEY"])
    if role != nil, certificate == nil, key == nil, [Self.mounted.certificate, Self.mounted.key].allSatisfy(isReadable)
    {
      (certificate, key) = (Self.mounted.certificate, Self.mounted.key)
    }
    (self.certificate, self.key) = (certificate, key)
    draft = Environment["MOQT_DRAFT"]
    if let draft, !Runtime.dialectNames.contains(draft) {
      throw Unsupported("MOQT_DRAFT asks for \"\(draft)\"; there are \(Runtime.dialectNames.joined(separator: ", "))")
    }
  }
}

private func isReadable(_ path: String) -> Bool { access(path, R_OK) == 0 }

extension RelayStatistics {
  /// For people, on one line.
  var shown: String {
    "\(sessions) sessions (\(sessionsAccepted) in all), \(broadcasts) broadcasts, \(tracks) tracks, "
      + "\(subscriptions) subscriptions; \(objectsReceived) objects in, \(objectsSent) out, "
      + "\(groupsSkipped) groups skipped; \(size(UInt64(max(cachedBytes, 0)))) kept"
  }
}

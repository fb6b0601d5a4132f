// From the connection to `.established`.

extension SessionCore {
  /// The transport is connected. `alpn` counts on raw QUIC, `subprotocol` on WebTransport, where `path` and
  /// `authority` are what the client's request names.
  public func connected(
    alpn: String?, subprotocol: String?, transport: TransportKind, path: String? = nil, authority: String? = nil
  ) {
    guard setup.connected(asClient: role == .client) else { return }
    self.transport = transport
    if role == .server { (peerPath, peerAuthority) = (path, authority) }
    agreed = transport == .quic ? alpn : subprotocol
    guard role == .client else { return awaitSetup() }
    do { try beginAsClient() } catch { shut(error) }
  }

  /// The transport has begun to connect, which is part of what takes time.
  public func connecting() { connectingSince = now }

  private func awaitSetup(for patience: Duration? = nil) {
    let end = (connectingSince ?? now).advanced(by: configuration.handshakeTimeout)
    setupPatience = patience ?? configuration.handshakeTimeout
    deadlines.add(.handshake, at: patience.map { min(end, now.advanced(by: $0)) } ?? end)
  }

  private func beginAsClient() throws(SessionFailure) {
    let openings = negotiation.openings(by: agreed, transport)
    self.openings = openings.map { candidates in candidates.map { $0.dialect.name } }
    guard openings.indices.contains(configuration.opening), let best = openings[configuration.opening].first,
      let first = best.handshake.first
    else {
      throw noDialect("none of them begins a session over \(agreed ?? "this transport")")
    }
    // Some peers say nothing at all to what they do not understand.
    awaitSetup(for: configuration.opening == openings.count - 1 ? nil : configuration.openingTimeout)
    // One message offers whatever begins with the same one.
    let group = openings[configuration.opening]
    var message = ClientSetup()
    for version in group.flatMap(\.handshake.versions) where !message.versions.contains(version) {
      message.versions.append(version)
    }
    message.parameters = ourParameters(
      group.reduce([]) { $0.union($1.handshake.clientParameters) }, mustSayPath: best.handshake.sign == .path)
    // One message offers dialects whose parameters differ: it is spelled by the first that has them all.
    let speller = group.first { $0.spells(message) } ?? best
    (handshake, offered) = (speller, group)
    let stream = openStream(.bidirectional, .control, use: .control)
    (controlIn, controlOut) = (stream, stream)
    try send(setup: .clientSetup(message), first, speller, on: stream)
  }
  /// A setup message in the speller's layouts, behind the stream's type where messages have none.
  private func send(
    setup message: Message, _ first: UInt64?, _ speller: Negotiation.Candidate, on stream: Stream
  ) throws(SessionFailure) {
    writer.clear()
    var skipped = 0
    do throws(WireError) {
      if let first {
        if case .typed = speller.codec.framing(of: message.kind) {} else { try writer.varint(first, "Stream Type") }
        skipped = writer.count
      }
      try speller.codec.encode(message, into: &writer)
    } catch {
      throw SessionFailure(.internalError, speller.codec.explain(error, in: message.kind).description)
    }
    let bytes = writer.withBytes { Bytes(copying: $0) }
    tapped(message.kind, bytes, after: skipped, speller.codec, on: stream)
    send(bytes, on: stream)
  }
  private func noDialect(_ answer: String) -> SessionFailure {
    SessionFailure(.versionNegotiationFailed, negotiation.failure(answer, agreed))
  }

  /// Our setup's parameters, as far as the layouts have them and the transport allows them.
  private func ourParameters(_ allowed: Set<Parameter.Key>, mustSayPath: Bool = false) -> [Parameter] {
    var list: [Parameter] = []
    // Publisher and subscriber, the only role that forbids nothing (§6.2.2.1 of draft-07).
    if allowed.contains(.role) { list.append(Parameter(.role, .number(3))) }
    func add(_ key: Parameter.Key, _ value: Parameter.Value?) {
      if let value, allowed.contains(key) { list.append(Parameter(key, value)) }
    }
    if role == .client, transport == .quic {
      let path = configuration.path ?? (mustSayPath ? "/" : nil)
      add(.path, path.map { .bytes(Array($0.utf8)) })
      add(.authority, configuration.authority.map { .bytes(Array($0.utf8)) })
    }
    add(.maxRequestID, .number(configuration.requestCredit))
    if role == .client { for token in setupTokens { add(.authorization, .token(token)) } }
    if configuration.tokenCacheBytes > 0 { add(.maxTokenCacheSize, .number(UInt64(configuration.tokenCacheBytes))) }
    add(.implementation, configuration.implementation.isEmpty ? nil : .bytes(Array(configuration.implementation.utf8)))
    return list
  }

  // MARK: The server reads the first stream

  /// Looks at the first bytes of a bidirectional stream while no dialect is chosen. Returns how many were used.
  func sniff(_ stream: Stream) throws(SessionFailure) {
    let bytes = stream.pending
    guard let first = firstVarint(bytes) else { return }
    let left = negotiation.left(by: agreed, transport).filter { $0.handshake.first == first.value }
    guard !left.isEmpty else {
      let known = negotiation.knows(first: first.value)
      guard known.isEmpty else { throw noDialect("the peer begins as \(known.joined(separator: " or ")) does") }
      throw noDialect("the peer's first bytes, 0x\(String(first.value, radix: 16)), begin no setup that we know")
    }
    var offered: [UInt64] = []
    let found = try reading(left) { candidate throws(SessionFailure) -> Read<ClientSetup> in
      guard let (message, used) = try setupMessage(.clientSetup, bytes, first, candidate, on: nil),
        case .clientSetup(let setup) = message
      else { return .incomplete }
      offered = setup.versions
      let sign = candidate.handshake.sign
      guard let version = candidate.handshake.versions.first(where: { offered.contains($0) }),
        sign == nil || setup.parameters.contains(where: { $0.key == sign })
      else { return .other }
      return .setup(setup, version: version, used: used)
    }
    guard let found else {
      guard !offered.isEmpty else { return }
      throw noDialect("the peer offered \(offered.map { "0x" + String($0, radix: 16) }.joined(separator: ", "))")
    }
    let (chosen, setup, version, used) = found
    handshake = chosen
    _ = try setupMessage(.clientSetup, bytes, first, chosen, on: stream)
    (controlIn, controlOut) = (stream, stream)
    stream.use = .control
    stream.pending.removeFirst(used)
    heldBytes -= bytes.count
    stream.credit += bytes.count
    try read(setup.parameters, chosen.handshake.clientParameters)
    var answer = ServerSetup()
    answer.version = version
    answer.parameters = ourParameters(chosen.handshake.serverParameters)
    try send(setup: .serverSetup(answer), nil, chosen, on: stream)
    try establish(chosen, setup.parameters)
    try controlArrived(stream)
  }

  /// The client reads the answer. Returns whether the setup is complete.
  func readServerSetup(_ stream: Stream) throws(SessionFailure) -> Bool {
    let bytes = stream.pending
    var answered: UInt64?
    let found = try reading(offered) { candidate throws(SessionFailure) -> Read<ServerSetup> in
      guard let (message, used) = try setupMessage(.serverSetup, bytes, nil, candidate, on: nil),
        case .serverSetup(let setup) = message
      else { return .incomplete }
      answered = setup.version
      guard candidate.handshake.versions.contains(setup.version) else { return .other }
      return .setup(setup, version: setup.version, used: used)
    }
    guard let (chosen, setup, _, used) = found else {
      guard let answered else { return false }
      throw noDialect("the peer chose 0x\(String(answered, radix: 16)), which was not offered")
    }
    stream.pending.removeFirst(used)
    handshake = chosen
    _ = try setupMessage(.serverSetup, bytes, nil, chosen, on: stream)
    try read(setup.parameters, chosen.handshake.serverParameters)
    try establish(chosen, setup.parameters)
    return true
  }

  /// What a candidate makes of a setup message.
  private enum Read<Setup> {
    case incomplete
    /// It is none of its versions.
    case other
    case setup(Setup, version: UInt64, used: Int)
  }
  /// The first candidate that finds itself in a setup. Those that begin alike differ in their parameters, so each
  /// reads it in its own layouts. nil: it is not whole yet, or it is nobody's.
  private func reading<Setup>(
    _ candidates: [Negotiation.Candidate],
    _ read: (Negotiation.Candidate) throws(SessionFailure) -> Read<Setup>
  ) throws(SessionFailure) -> (Negotiation.Candidate, Setup, version: UInt64, used: Int)? {
    var failure: SessionFailure?, wasRead = false
    for candidate in candidates {
      do throws(SessionFailure) {
        switch try read(candidate) {
        case .setup(let setup, let version, let used): return (candidate, setup, version, used)
        case .incomplete, .other: wasRead = true
        }
      } catch { failure = failure ?? error }
    }
    if !wasRead, let failure { throw failure }
    return nil
  }
  /// The setup message at the start of a stream, behind the stream's type where messages have none. `stream` nil:
  /// it is only tried, and a tap hears nothing of it.
  private func setupMessage(
    _ kind: MessageKind, _ bytes: [UInt8], _ first: (value: UInt64, size: Int)?, _ speller: Negotiation.Candidate,
    on stream: Stream?
  ) throws(SessionFailure) -> (Message, Int)? {
    let skipped = first.map { typeSize($0, speller, kind) } ?? 0
    let maximum = configuration.maximumControlMessage
    guard
      let (message, used) = try readMessage(
        bytes.span.bytes.extracting(skipped..<bytes.count), kind, speller.codec, maximum, on: stream)
    else { return nil }
    guard message.kind == kind else {
      throw SessionFailure(.protocolViolation, "the session begins with \(speller.codec.name(of: message.kind))")
    }
    return (message, used + skipped)
  }
  /// Bytes of the stream's type, where it is not the message's own.
  private func typeSize(
    _ first: (value: UInt64, size: Int), _ speller: Negotiation.Candidate, _ kind: MessageKind
  ) -> Int {
    if case .typed = speller.codec.framing(of: kind) { 0 } else { first.size }
  }
  private func firstVarint(_ bytes: [UInt8]) -> (value: UInt64, size: Int)? {
    var reader = WireReader(bytes.span.bytes), value: UInt64 = 0
    guard (try? reader.varint("Type", &value)) != nil else { return nil }
    return (value, reader.position)
  }

  /// What the peer's setup says. A PATH must come from a client on raw QUIC (§9.3.2.2 of draft-14).
  private func read(_ parameters: [Parameter], _ known: Set<Parameter.Key>) throws(SessionFailure) {
    if known.contains(.role) { try readRole(parameters) }
    for parameter in parameters {
      switch (parameter.key, parameter.value) {
      case (.path, .bytes(let bytes)):
        guard role == .server, transport == .quic else {
          throw SessionFailure(.invalidPath, "PATH comes \(role == .client ? "from the server" : "over WebTransport")")
        }
        // Some clients send an empty one.
        guard let text = String(validating: bytes, as: UTF8.self), text.isEmpty || text.hasPrefix("/") else {
          throw SessionFailure(.malformedPath, "PATH does not begin with a slash")
        }
        peerPath = text
      case (.authority, .bytes(let bytes)):
        // The number is also that of draft-14's printed MOQT_IMPLEMENTATION: from a server it is let go.
        guard role == .server else { continue }
        guard transport == .quic else { throw SessionFailure(.invalidAuthority, "AUTHORITY comes over WebTransport") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
          throw SessionFailure(.malformedAuthority, "AUTHORITY is not UTF-8")
        }
        peerAuthority = text
      case (.maxRequestID, .number(let limit)): credit = limit
      case (.implementation, .bytes(let bytes)): peerImplementation = String(decoding: bytes.prefix(256), as: UTF8.self)
      default: continue
      }
    }
  }

  /// The least alias of ours where it must not be taken for a request's id.
  private static var firstDistinctAlias: UInt64 { 1 << 20 }

  /// ROLE is owed where there is one (§6.2.2.1 of draft-07).
  private func readRole(_ parameters: [Parameter]) throws(SessionFailure) {
    guard let role = parameters.first(where: { $0.key == .role })?.value.number else {
      throw SessionFailure(.protocolViolation, "the setup has no ROLE")
    }
    guard let found = PeerRole(rawValue: role) else {
      throw SessionFailure(.protocolViolation, "ROLE is \(role), wanted 1 to 3")
    }
    peerRole = found
  }

  private func establish(
    _ chosen: Negotiation.Candidate, _ parameters: [Parameter]
  ) throws(SessionFailure) {
    guard case .open = setup.completed() else { throw violation("a second setup") }
    (dialect, codec, rules) = (chosen.dialect, chosen.codec, chosen.rules)
    profile = chosen.handshake.profile
    forms = codec?.objects
    if let found = profile(of: chosen, parameters) { adopt(found) }
    guard let rules else { return }
    switch rules.credit {
    case .streams: credit = .max
    case .maximumRequestID: creditGranted = configuration.requestCredit
    }
    if rules.profiles.contains(where: { $0.signs.contains(.leadingRequestID) }) { nextAlias = Self.firstDistinctAlias }
    switch rules.numbering {
    case .parity, .parityUnordered, .lenient:
      nextID = role == .client ? 0 : 1
      nextPeerID = role == .client ? 1 : 0
    case .free, .growing: (nextID, nextPeerID) = (0, 0)
    }
    try beginTokens(chosen, parameters)
    tap?.established(chosen.dialect, profile: profile, at: now)
    tell(.established)
    // What came before the setup, in the order of its coming.
    for stream in streams.all where !stream.isOurs {
      guard case .unknown = stream.use else { continue }
      try takeUp(stream, stream.kind == .unidirectional ? .receiving : .request)
    }
  }
}

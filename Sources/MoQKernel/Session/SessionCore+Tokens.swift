// Authorization tokens of both sides: what stands for them, and what they are.

/// What the tokens of one message of the peer come to.
struct PeerTokens {
  var values: [AuthorizationToken] = []
  /// Why the message must be refused, if it must.
  var refusal: RequestFailure?
}

extension SessionCore {
  /// The tokens that came with a request of the peer, each as its value; none once the request is answered.
  public func authorization(of key: RequestKey) -> [AuthorizationToken] {
    guard let request = requests[key], !request.isOurs else { return [] }
    return request.authorization
  }

  // MARK: The peer's

  /// Takes the tokens of a message in. What it registers is registered whatever becomes of the message.
  func tokens(in parameters: [Parameter], isSetup: Bool = false) throws(SessionFailure) -> PeerTokens {
    var found = PeerTokens()
    for parameter in parameters {
      guard case .token(let token) = parameter.value else { continue }
      switch token {
      case .value: found.values.append(token)
      case .register(let alias, let type, let value):
        switch peerTokens.register(alias, type: type, value) {
        case .registered: break
        case .taken: throw violation("token \(alias) is registered a second time", .duplicateTokenAlias)
        // The sender of a setup may not know of the limit: there it is a value (§9.3.2.5 of draft-14).
        case .full where isSetup: break
        case .full:
          throw violation(
            "token \(alias) of \(value.count) bytes has no room beside \(peerTokens.size) of \(peerTokens.limit)",
            .tokenCacheOverflow)
        }
        found.values.append(.value(type: type, value))
      case .alias(let alias):
        if let value = peerTokens[alias] {
          found.values.append(value)
        } else {
          found.refusal = try unknown(alias)
        }
      case .delete(let alias): if !peerTokens.delete(alias) { found.refusal = try unknown(alias) }
      }
    }
    return found
  }
  private func unknown(_ alias: UInt64) throws(SessionFailure) -> RequestFailure {
    guard case .exist(_, unknown: .refusesRequest)? = rules?.tokenAliases else {
      throw violation("there is no token \(alias)", .unknownTokenAlias)
    }
    return RequestFailure(.unknownTokenAlias, "there is no token \(alias)")
  }

  /// Keeps a request's tokens until it is answered. False: too many wait.
  func keep(_ tokens: [AuthorizationToken], for request: Request) -> Bool {
    let size = tokens.reduce(0) { $0 + $1.byteCount }
    guard tokenBytes + size <= configuration.maximumTokenBytes else { return false }
    tokenBytes += size
    request.authorization = tokens
    return true
  }
  /// The request is answered, or gone.
  func dropTokens(of request: Request) {
    guard !request.isOurs, !request.authorization.isEmpty else { return }
    tokenBytes -= request.authorization.reduce(0) { $0 + $1.byteCount }
    request.authorization = []
  }

  // MARK: Ours

  /// Both sides' caches begin with the setup: the peer's says how much it keeps of ours, and may bring tokens.
  func beginTokens(_ chosen: Negotiation.Candidate, _ setup: [Parameter]) throws(SessionFailure) {
    var overhead: UInt64 = 0, ours: UInt64 = 0, theirs: UInt64 = 0
    if case .exist(let cost, _) = chosen.rules.tokenAliases {
      (overhead, ours) = (UInt64(max(cost, 0)), UInt64(max(configuration.tokenCacheBytes, 0)))
      theirs = setup.first { $0.key == .maxTokenCacheSize }?.value.number ?? 0
    }
    peerTokens = TokenCache(limit: ours, overhead: overhead)
    ourTokens = TokenLedger(peer: TokenCache(limit: theirs, overhead: overhead))
    let found = try tokens(in: setup, isSetup: true)
    if let refusal = found.refusal { throw SessionFailure(.unknownTokenAlias, refusal.phrase) }
    peerAuthorization = found.values
    guard role == .client, chosen.handshake.clientParameters.contains(.authorization) else { return }
    // What our own setup has registered, in the same order and within the same limit as the peer did it.
    for token in setupTokens { _ = try? ourTokens.spoken(token) }
  }
  /// A setup can only bring tokens: nothing stands for one yet.
  var setupTokens: [AuthorizationToken] {
    configuration.authorization.filter {
      switch $0 {
      case .value, .register: true
      case .alias, .delete: false
      }
    }
  }
  /// Tokens of ours as parameters of a message; `ledger` notes what they do, for when the message has been sent.
  func spoken(_ tokens: [AuthorizationToken], _ ledger: inout TokenLedger) throws(CommandError) -> [Parameter] {
    // A dialect that has no words for them loses the wish, and nothing else.
    guard rules?.wishes.contains(.authorization) ?? false else { return [] }
    var parameters: [Parameter] = []
    for token in tokens {
      if let spoken = try ledger.spoken(token) { parameters.append(Parameter(.authorization, .token(spoken))) }
    }
    return parameters
  }
}

extension AuthorizationToken {
  var byteCount: Int {
    switch self {
    case .value(_, let value), .register(_, _, let value): 32 + value.count
    case .alias, .delete: 32
    }
  }
}

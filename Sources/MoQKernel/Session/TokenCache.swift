/// Authorization tokens that one side has registered with the other, by the numbers that stand for them
/// (§9.2.1.1 of draft-14). Their size stays within what the keeper has announced.
struct TokenCache {
  private var entries: [UInt64: (type: UInt64, value: [UInt8])] = [:]
  /// Bytes, as MAX_AUTH_TOKEN_CACHE_SIZE counts them (§9.3.2.4 of draft-14).
  private(set) var size: UInt64 = 0
  let limit: UInt64
  /// What an entry costs beside its value.
  private let overhead: UInt64

  init(limit: UInt64, overhead: UInt64) { (self.limit, self.overhead) = (limit, overhead) }

  enum OnRegister: Equatable {
    case registered
    /// The number stands for a token already, and may not stand for another.
    case taken
    case full
  }
  mutating func register(_ alias: UInt64, type: UInt64, _ value: [UInt8]) -> OnRegister {
    guard entries[alias] == nil else { return .taken }
    let cost = overhead + UInt64(value.count)
    guard cost <= limit, size <= limit - cost else { return .full }
    entries[alias] = (type, value)
    size += cost
    return .registered
  }
  /// False: the number stands for nothing.
  mutating func delete(_ alias: UInt64) -> Bool {
    guard let entry = entries.removeValue(forKey: alias) else { return false }
    size -= overhead + UInt64(entry.value.count)
    return true
  }
  /// What a number stands for, as a value.
  subscript(alias: UInt64) -> AuthorizationToken? { entries[alias].map { .value(type: $0.type, $0.value) } }
}

/// The tokens that we have registered: what the peer holds of them, and what it had no room for.
///
/// A number that the peer does not hold is spoken as the value that it stands for, which means the same; so who
/// registers a token need not know whether the dialect or the peer has room for it.
struct TokenLedger {
  private var held: TokenCache
  private var others: [UInt64: AuthorizationToken] = [:]

  init(peer held: TokenCache) { self.held = held }

  /// A token as it is to be sent; nil: there is nothing to send.
  mutating func spoken(_ token: AuthorizationToken) throws(CommandError) -> AuthorizationToken? {
    switch token {
    case .value: return token
    case .register(let alias, let type, let value):
      let plain = AuthorizationToken.value(type: type, value)
      if let known = held[alias] ?? others[alias] {
        // The same again, as when a request is repeated.
        guard known == plain else { throw CommandError(.wrongState, "token \(alias) is registered already") }
        return held[alias] == nil ? plain : .alias(alias)
      }
      if held.register(alias, type: type, value) == .registered { return token }
      others[alias] = plain
      return plain
    case .alias(let alias):
      if held[alias] != nil { return token }
      guard let plain = others[alias] else { throw CommandError(.wrongState, "no token is registered as \(alias)") }
      return plain
    case .delete(let alias):
      if held.delete(alias) { return token }
      guard others.removeValue(forKey: alias) != nil else {
        throw CommandError(.wrongState, "no token is registered as \(alias)")
      }
      return nil
    }
  }
}

/// Which dialects may be spoken, and how the choice is made: by ALPN or subprotocol, else by the first
/// bytes of the first stream, else by the list that is offered there.
///
/// The only place where the dialect is unknown.
struct Negotiation {
  /// One dialect by one handshake.
  struct Candidate {
    var dialect: any Dialect.Type
    var rules: Rules
    var handshake: Rules.Handshake
    /// Whether a client begins so unless it is asked for another way.
    var isFirst: Bool
    /// The dialect whose layouts are spoken after the handshake: a profile may have its own.
    var codec: any Dialect.Type { handshake.layouts ?? dialect }
    /// Whether one setup message can offer both.
    func begins(like other: Candidate) -> Bool {
      handshake.first == other.handshake.first && handshake.sign == other.handshake.sign
        && codec.framing(of: .clientSetup) == other.codec.framing(of: .clientSetup)
    }
    /// Whether it has a number of the other's, and needs no ALPN for it.
    func isTakenFor(_ other: Candidate) -> Bool {
      dialect == other.dialect && handshake.alpns == nil && handshake.first == other.handshake.first
        && !handshake.versions.allSatisfy { !other.handshake.versions.contains($0) }
    }
    /// Whether its layouts have words for all of a setup message.
    func spells(_ message: ClientSetup) -> Bool {
      var writer = WireWriter()
      return (try? codec.encode(.clientSetup(message), into: &writer)) != nil
    }
  }
  /// All that the options allow, best first.
  let candidates: [Candidate]
  /// All there are, to spell and to recognise handshakes with.
  private let registry: [Candidate]
  private let choice: DialectChoice

  init(_ options: SessionConfiguration, _ registry: [any Dialect.Type], as role: SessionCore.Role) {
    choice = options.dialects
    let wanted: [any Dialect.Type]
    switch options.dialects {
    case .automatic: wanted = registry
    case .list(let names): wanted = names.compactMap { name in registry.first { $0.name == name } }
    case .exactly(let name): wanted = registry.filter { $0.name == name }
    }
    self.registry = registry.flatMap { Self.expand($0, []) }
    // A server takes every handshake: each shows its own profile, and those that are asked for are of the others.
    candidates = wanted.flatMap { Self.expand($0, role == .client ? options.profiles : []) }
  }
  /// A dialect's handshakes; only those in a profile that is asked for, where one is.
  private static func expand(_ dialect: any Dialect.Type, _ profiles: [String]) -> [Candidate] {
    let rules = dialect.rules
    let all = rules.identification.handshakes
    let asked = all.filter { profiles.contains($0.profile ?? Self.text) }
    return (asked.isEmpty ? all : asked).enumerated().map { index, handshake in
      Candidate(dialect: dialect, rules: rules, handshake: handshake, isFirst: index == 0)
    }
  }
  /// The name by which the text's own way is asked for, where a profile would be the default.
  static let text = "text"

  var alpns: [String] {
    unique(
      byRank(
        candidates.filter(\.isFirst).map { first in
          let ways = candidates.filter { $0.dialect == first.dialect }
          return first.rules.identification.alpns.filter { alpn in ways.contains { $0.handshake.allows(alpn) } }
        }))
  }
  var subprotocols: [String] { unique(byRank(candidates.map { $0.rules.identification.subprotocols })) }
  /// Each dialect's best name before any dialect's second: a transport may not take all of them.
  private func byRank(_ lists: [[String]]) -> [[String]] {
    (0..<(lists.map(\.count).max() ?? 0)).map { rank in lists.compactMap { rank < $0.count ? $0[rank] : nil } }
  }
  private func unique(_ lists: [[String]]) -> [String] {
    lists.joined().reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// The candidates that an ALPN or a subprotocol leaves. One that no dialect knows (`h3`, none) leaves all.
  func left(by agreed: String?, _ transport: TransportKind) -> [Candidate] {
    func names(_ candidate: Candidate) -> [String] {
      transport == .quic ? candidate.rules.identification.alpns : candidate.rules.identification.subprotocols
    }
    var left = candidates
    if let agreed, registry.contains(where: { names($0).contains(agreed) }) {
      left = candidates.filter { names($0).contains(agreed) && $0.handshake.allows(agreed) }
    } else {
      // What is known by its ALPN alone is not meant.
      left = candidates.filter { candidate in
        candidate.handshake.alpns == nil || transport == .quic && candidate.handshake.sign != nil
          || candidates.allSatisfy { !$0.isTakenFor(candidate) }
      }
    }
    // A client begins in the way that this ALPN is for, else in the dialect's first that needs no sign.
    func isMeant(_ candidate: Candidate) -> Bool {
      guard let agreed, candidate.handshake.sign == nil else { return false }
      return candidate.handshake.alpns?.contains(agreed) ?? false
    }
    for index in left.indices {
      let same = left.indices.filter { left[$0].dialect == left[index].dialect }
      let first =
        same.first { isMeant(left[$0]) } ?? same.first {
          left[$0].handshake.sign == nil && left[$0].handshake.alpns == nil
        }
        ?? same.first
      left[index].isFirst = first == index || isMeant(left[index])
    }
    return left
  }
  /// The ways in which a client may begin, each with all that one setup message offers. The best is first; whoever
  /// does not understand it may understand another. What begins with a peer's own sign is not tried unasked.
  func openings(by agreed: String?, _ transport: TransportKind) -> [[Candidate]] {
    let left = left(by: agreed, transport).filter { $0.handshake.first != nil }
    let others = left.filter { !$0.isFirst && $0.handshake.sign == nil }
    var openings: [[Candidate]] = []
    for candidate in left.filter(\.isFirst) + others where !openings.contains(where: { $0[0].begins(like: candidate) })
    {
      openings.append(left.filter { $0.isFirst == candidate.isFirst && $0.begins(like: candidate) })
    }
    return openings
  }
  /// The dialects of all there are that begin so, allowed or not.
  func knows(first: UInt64) -> [String] {
    unique([registry.filter { $0.handshake.first == first }.map { $0.dialect.name }])
  }
  /// Used for codes while no dialect is chosen. Both sides must take the same one, so it does not depend on
  /// which dialects this session may end up with.
  var fallbackRules: Rules? { (registry.first ?? candidates.first)?.rules }
  func sessionReason(of code: UInt64) -> SessionReason {
    fallbackRules?.codes.sessionReason(of: code) ?? .unknown(code)
  }

  /// One text for every way to fail: what was offered, what the peer answered, what to try.
  func failure(_ answer: String, _ agreed: String?) -> String {
    let ours = candidates.isEmpty ? "nothing" : describe(candidates)
    let over = agreed.map { " over \($0)" } ?? ""
    let advice: String
    switch choice {
    case .automatic: advice = "the peer may speak another dialect, or not MoQ at all"
    case .list, .exactly: advice = "try without naming a dialect, or another one"
    }
    return "no common dialect: we speak \(ours)\(over); \(answer); \(advice)"
  }
  func describe(_ candidates: [Candidate]) -> String {
    unique([candidates.map { $0.dialect.name }]).map { name in
      let versions = candidates.filter { $0.dialect.name == name }.map { $0.handshake.versions }
      let codes = unique(versions.map { $0.map { "0x" + String($0, radix: 16) } })
      return name + (codes.isEmpty ? "" : " (\(codes.joined(separator: ", ")))")
    }.joined(separator: ", ")
  }
}

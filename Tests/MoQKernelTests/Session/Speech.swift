import MoQDrafts
import MoQKernel
import Testing

/// One way for a session to be spoken, for tests that go through all of them: a dialect by one of its handshakes.
struct Speech: Hashable, Sendable, CustomTestStringConvertible {
  var dialect: String
  /// The profile that the handshake is in; nil: the text.
  var profile: String?

  /// Every handshake of every dialect that sessions speak.
  static let allCases: [Speech] = dialects.flatMap { dialect in
    dialect.rules.identification.handshakes.map { Speech(dialect: dialect.name, profile: $0.profile) }
  }
  /// Those whose objects have ids, statuses and extension headers.
  static let withObjects = allCases.filter { !$0.isFrames }
  /// Those in which each announcement is a request.
  static let withRequests = allCases.filter { if case .requests = $0.rules.announcing { true } else { false } }
  static let draft14 = Speech(dialect: "draft-14", profile: nil)
  static let liteText = Speech(dialect: "moq-lite-01", profile: nil)
  static let liteMoqDev = Speech(dialect: "moq-lite-01", profile: "moq-dev")

  var type: any Dialect.Type { dialects.named(dialect) ?? Draft14.self }
  var handshake: Rules.Handshake? { type.rules.identification.handshakes.first { $0.profile == profile } }
  /// The layouts that are spoken.
  var codec: any Dialect.Type {
    handshake?.layouts ?? type.rules.profiles.first { $0.name == profile }?.layouts ?? type
  }
  /// The rules, the profile's where there is one.
  var rules: Rules {
    let rules = type.rules
    return rules.profiles.first { $0.name == profile }?.adjust(rules) ?? rules
  }
  /// Whether a group is a row of frames, and nothing more is said of an object.
  var isFrames: Bool { if case .frames = rules.objects { true } else { false } }
  var hasExtensions: Bool { codec.objects.hasExtensions }
  /// The most bytes that a payload can have, or a number that no test comes near.
  var maximumPayload: Int {
    if case .frames(.uint16?) = codec.objects.subgroup.content { 65_535 } else { 1 << 30 }
  }
  /// Whether the current group has to be fetched, since no filter says it.
  var joinsByItself: Bool {
    guard !rules.filters.contains(.currentGroup) else { return false }
    switch rules.fetching {
    case .missing, .group, .standalone: return false
    case .joiningRelative, .joining: return true
    }
  }
  /// A filter that the dialect can say, and that asks for nothing older.
  var liveFilter: Filter { rules.filters.contains(.nextObject) ? .nextObject : .currentGroup }

  var configuration: SessionConfiguration {
    var configuration = SessionConfiguration()
    configuration.dialects = .exactly(dialect)
    configuration.profiles = [profile ?? "text"]
    return configuration
  }
  /// What both sides would agree on over raw QUIC.
  var alpn: String? { SessionCore.alpns(for: configuration, registry: dialects).first }
  var testDescription: String { profile.map { "\(dialect) \($0)" } ?? dialect }
}

extension CodeTable<Reason> {
  /// What the other side makes of a reason: two reasons may share a number.
  func heard(_ reason: Reason) -> Reason { self.reason(of: code(of: reason)) }
}

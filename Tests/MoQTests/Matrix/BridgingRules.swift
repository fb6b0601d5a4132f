import MoQ
import MoQDrafts

/// What does not cross between two dialects: the rules of `Drafts/README.md`, by their names there.
enum BridgingRule: String, CaseIterable, Sendable {
  case namespaceText = "namespace-text"
  case objectIDs = "object-ids"
  case subgroups
  case statuses
  case extensions
  case priorities
  case datagrams
  case start
  case largest
  case fetch
  case fetchUpstream = "fetch-upstream"
  case trackStatus = "track-status"
  case trackStatusUpstream = "track-status-upstream"
  case update
}

/// What a rule asks of a dialect, from the dialect's own `rules` and layouts.
struct Abilities: Sendable {
  let hasNamespaceFields, hasObjectIDs, hasSubgroups, hasStatuses, hasExtensions, hasPriorities: Bool
  /// Whether a range is fetched as one.
  let fetchesRanges: Bool
  let hasDatagrams, tellsLargest, hasFetch, hasTrackStatus, hasUpdates: Bool
  /// Whether a subscription may begin with the next group, and with anything but the current one.
  let startsAtNextGroup, startsAnywhere: Bool

  init(_ dialect: any Dialect.Type) {
    let (rules, forms) = (dialect.rules, dialect.objects)
    var isObjects = false
    if case .objects = rules.objects { isObjects = true }
    (hasObjectIDs, hasPriorities) = (isObjects, isObjects)
    hasStatuses = forms.statuses.says(.doesNotExist)
    hasSubgroups = rules.subgroups == .exists
    hasExtensions = isObjects && forms.hasExtensions
    hasDatagrams = rules.datagrams == .exists
    hasTrackStatus = rules.trackStatus == .exists
    switch rules.fetching {
    case .missing: hasFetch = false
    case .group, .standalone, .joiningRelative, .joining: hasFetch = true
    }
    if case .group = rules.fetching { fetchesRanges = false } else { fetchesRanges = true }
    switch rules.updating {
    case .missing, .priorityOnly: hasUpdates = false
    case .narrowing, .changes, .answered: hasUpdates = true
    }
    startsAtNextGroup = rules.filters.contains(.nextGroup)
    startsAnywhere = rules.filters.contains(.nextObject)

    var answer = SubscribeOK()
    answer.largest = Location(1, 1)
    tellsLargest = dialect.says(.subscribeOK(answer))
    var announce = Announce(), publish = PublishNamespace()
    (announce.suffix, publish.namespace) = (Self.awkward, Self.awkward)
    hasNamespaceFields = dialect.says(.announce(announce)) || dialect.says(.publishNamespace(publish))
  }

  /// A namespace whose second field is not text without slashes.
  static let awkward = TrackNamespace([Array("matrix".utf8), Array("a/b".utf8)])
}

extension Dialect {
  fileprivate static func says(_ message: Message) -> Bool {
    var wire = WireWriter()
    return (try? encode(message, into: &wire)) != nil
  }
}

extension Bool {
  /// The rule, where this holds.
  func then(_ rule: BridgingRule) -> Set<BridgingRule> { self ? [rule] : [] }
}

// A subscription whose range has come whole, where its subscriber is the one to end it (§5.2 of transfork-03).

/// What has come of a subscription's range.
struct RangeProgress {
  /// The first group of the range; nil: the first that comes, since the publisher chooses it and does not say it.
  private(set) var first: UInt64?
  /// The last; nil: the range has no end, or the publisher ends the subscription.
  private(set) var last: UInt64?
  /// Groups that have come whole or will not come.
  private var groups = GroupRanges()
  /// A group after the range has begun: what still comes of it is on its way.
  var isPassed = false
  /// Whether a deadline looks at it again.
  var isTimed = false

  /// The subscription is accepted.
  mutating func expect(_ filter: Filter, _ rules: Rules, _ largest: Location?) {
    guard case .subscriber = rules.rangeEnd else { return }
    let isSaid = rules.filters.contains(.groups)
    switch filter {
    case .range(let start, let endGroup, _): (first, last) = (isSaid ? start.group : nil, endGroup)
    case .currentGroupThrough(let endGroup): (first, last) = (isSaid ? largest?.group : nil, endGroup)
    case .from(let start): first = isSaid ? start.group : nil
    case .currentGroup, .nextGroup, .nextObject: first = isSaid ? largest?.group : nil
    }
  }
  mutating func narrow(_ update: SubscriptionUpdate) {
    if let start = update.start { first = start.group }
    if let endGroup = update.endGroup { last = endGroup }
  }
  mutating func insert(_ arrived: ClosedRange<UInt64>) { groups.insert(arrived) }

  enum Judgement { case goesOn, isOver, mayBeOver }
  var judgement: Judgement {
    guard let last else { return .goesOn }
    if let first { return first <= last && groups.contains(first...last) ? .isOver : .goesOn }
    // What comes first need not be what was sent first.
    let lowest = groups.first ?? .max
    return isPassed || lowest <= last && groups.contains(lowest...last) ? .mayBeOver : .goesOn
  }
}

extension SessionCore {
  /// Whether a group is after a range that the dialect has no words for: its stream is stopped.
  func isBeyond(_ group: UInt64, _ subscription: Subscription) -> Bool {
    guard let last = subscription.arrived.last, group > last else { return false }
    if !subscription.arrived.isPassed {
      subscription.arrived.isPassed = true
      endIfWhole(subscription)
    }
    return true
  }
  /// A group's stream is over. Where there are gaps, one tells what becomes of a group that was cut.
  func groupEnded(_ group: UInt64, _ subscription: Subscription, wasCut: Bool) {
    guard subscription.arrived.last != nil || subscription.arrived.first != nil else { return }
    if wasCut, case .exists? = rules?.gaps { return }
    arrived(group...group, subscription)
  }
  func arrived(_ groups: ClosedRange<UInt64>, _ subscription: Subscription) {
    subscription.arrived.insert(groups)
    endIfWhole(subscription)
  }
  func endIfWhole(_ subscription: Subscription) {
    guard subscription.state.isLive else { return }
    switch subscription.arrived.judgement {
    case .goesOn: break
    case .isOver: endWhole(subscription)
    case .mayBeOver where subscription.arrived.isTimed: break
    case .mayBeOver:
      subscription.arrived.isTimed = true
      deadlines.add(.range(subscription.key), at: now.advanced(by: quietTime(of: subscription)))
    }
  }
  /// What came first has had time to be overtaken by what was sent before it.
  func rangeIsOver(_ subscription: Subscription) {
    subscription.arrived.isTimed = false
    guard subscription.state.isLive, subscription.streams.isEmpty else { return }
    if case .mayBeOver = subscription.arrived.judgement { endWhole(subscription) }
  }
  private func endWhole(_ subscription: Subscription) {
    let failure = RequestFailure(.subscriptionEnded, "the range has come whole")
    cancel(subscription, failure)
    tell(.ended(subscription.key, failure))
  }
}

// Groups that will not come, or not whole, where the dialect has words for them.

extension SessionCore {
  /// Tells the subscriber that groups will not come, or not whole. What it has a stream of or has been told already is
  /// left out, and everything where the dialect has no words for it.
  public func tell(_ gap: GroupGap, of key: RequestKey) {
    guard let rules, case .exists = rules.gaps, let served = requests[key] as? ServedSubscription, served.isAnswered,
      !served.isEnded
    else { return }
    let first = max(gap.groups.lowerBound, served.range?.start.group ?? 0)
    let last = min(gap.groups.upperBound, served.range?.endGroup ?? .max, WireLimits.varint)
    guard first <= last else { return }
    for groups in served.told.missing(in: first...last) {
      say(GroupGap(groups, gap.reason, code: gap.code), to: served, rules)
    }
    served.told.insert(first...last)
  }
  /// A group's stream that is reset, be it after its FIN, leaves a gap, which the publisher has to tell (§5.2 of
  /// transfork-03).
  func tellGap(of stream: Stream, _ code: UInt64) {
    guard let rules, let (key, group) = stream.carried, !stream.isSettled,
      let served = requests[key] as? ServedSubscription, served.isAnswered, !served.isEnded
    else { return }
    stream.carried = nil
    say(GroupGap(group...group, rules.codes.stream.meaning(of: code) ?? .unknown(code), code: code), to: served, rules)
  }
  /// A subscription ends: each group of its range up to the last one that was told of has to be told of (§5.2).
  func tellMissing(_ served: ServedSubscription) {
    guard let first = served.firstGroup ?? served.told.first, let last = served.told.last, first <= last else { return }
    tell(GroupGap(first...last, .doesNotExist), of: served.key)
  }
  /// A subscriber that takes nothing off its request's stream is told no more than has room there.
  private func say(_ gap: GroupGap, to served: ServedSubscription, _ rules: Rules) {
    guard let carrier = served.carrier, carrier.queued < configuration.highWater else {
      counters.gapsDropped += 1
      return
    }
    var m = SubscribeGap()
    (m.firstGroup, m.more) = (gap.groups.lowerBound, gap.groups.upperBound - gap.groups.lowerBound)
    // The application's own numbers go as they are.
    if case .unknown(let code) = gap.reason { m.code = code } else { m.code = rules.codes.stream.code(of: gap.reason) }
    m.code = gap.code ?? m.code
    try? answer(.subscribeGap(m), served)
  }

  /// SUBSCRIBE_GAP.
  func gapTold(_ m: SubscribeGap, _ carrier: Stream?) throws(SessionFailure) {
    guard let subscription = carrier?.request as? Subscription, let codes = rules?.codes else { return }
    let (last, overflow) = m.firstGroup.addingReportingOverflow(m.more)
    guard !overflow, last <= WireLimits.varint else { throw violation("a gap ends after the last group there can be") }
    let reason = codes.stream.meaning(of: m.code) ?? .unknown(m.code)
    tell(.gap(subscription.key, GroupGap(m.firstGroup...last, reason, code: m.code)))
    arrived(m.firstGroup...last, subscription)
  }
}

extension ServedSubscription {
  /// The first group that is owed; nil: the first that is sent.
  fileprivate var firstGroup: UInt64? {
    switch request.filter {
    case .currentGroup, .currentGroupThrough, .nextGroup, .nextObject: largest?.group
    case .from(let start), .range(let start, _, _): start.group
    }
  }
}

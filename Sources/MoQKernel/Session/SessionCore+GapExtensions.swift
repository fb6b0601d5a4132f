// What extension headers say there is not before their object: Prior Group ID Gap and Prior Object ID Gap (§11.1 and
// §11.3 of draft-14, the first also §10.1 of drafts 11 to 13). An object without extension headers never comes here.

/// How many groups and objects one object's extension headers say there are not right before it; nil: they do not say.
struct PriorGaps {
  private(set) var groups: UInt64?
  private(set) var objects: UInt64?

  init(_ info: ObjectInfo, _ rules: Rules.GapExtensions) throws(WireError) {
    try read(info.extensions, rules, areImmutable: false)
    if let groups, groups > info.group { throw .invalid(.priorGroups, groups, wanted: "at most the group's id") }
    if let objects, objects > info.id { throw .invalid(.priorObjects, objects, wanted: "at most the object's id") }
  }

  /// What is no row of key-value pairs says nothing, except where it has to be one (§11.2 of draft-14).
  private mutating func read(
    _ extensions: Bytes, _ rules: Rules.GapExtensions, areImmutable: Bool
  ) throws(WireError) {
    var reader = WireReader(extensions.span)
    while reader.remaining > 0 {
      guard let type = reader.varint(), let number = reader.varint(), type & 1 == 0 || reader.skip(number) else {
        guard areImmutable else { return }
        throw .invalid(.immutable, UInt64(extensions.count), wanted: "bytes that are key-value pairs")
      }
      switch type {
      case rules.groups: try Self.note(number, .priorGroups, rules, &groups)
      case rules.objects: try Self.note(number, .priorObjects, rules, &objects)
      case rules.immutable:
        guard !areImmutable else { throw .invalid(.immutable, type, wanted: "none within another") }
        // `number` bytes were passed over, so it is no more than there are.
        let end = reader.position
        try read(extensions[(end - Int(number))..<end], rules, areImmutable: true)
      default: break
      }
    }
  }
  private static func note(
    _ number: UInt64, _ field: WireError.Field, _ rules: Rules.GapExtensions, _ value: inout UInt64?
  ) throws(WireError) {
    guard value == nil || rules.mayRepeat && value == number else {
      throw .invalid(field, number, wanted: "to be said once")
    }
    value = number
  }
}

/// What a subscription's objects have said of groups that do not exist, and which of its groups have come: the latest
/// of each, so that contradictions are found without keeping all there ever was.
struct GapLog {
  private var told = Latest<(group: UInt64, count: UInt64)>()
  private var begun = Latest<UInt64>()
  private var newest: UInt64?

  /// Something of a group has come. False: it was said not to exist.
  @inline(__always) mutating func began(_ group: UInt64) -> Bool {
    if group == newest { return true }
    newest = group
    begun.append(group)
    return told.isEmpty || !told.contains { group < $0.group && group >= $0.group - $0.count }
  }
  /// An object says that `count` groups before its own do not exist. Returns them, if that is new.
  mutating func say(_ count: UInt64, before group: UInt64) throws(WireError) -> ClosedRange<UInt64>? {
    if let known = told.first(where: { $0.group == group }) {
      guard known.count == count else { throw .invalid(.priorGroups, count, wanted: "as in the group's other objects") }
      return nil
    }
    told.append((group, count))
    guard count > 0 else { return nil }
    let missing = (group - count)...(group - 1)
    guard !begun.contains(where: missing.contains) else {
      throw .invalid(.priorGroups, count, wanted: "no group that has come")
    }
    return missing
  }
}

/// The latest of what is appended, and no more than a bound.
private struct Latest<Element>: Sequence {
  private static var maximumCount: Int { 64 }
  private var elements: [Element] = []
  private var oldest = 0

  var isEmpty: Bool { elements.isEmpty }
  mutating func append(_ element: Element) {
    guard elements.count == Self.maximumCount else { return elements.append(element) }
    elements[oldest] = element
    oldest = (oldest + 1) % Self.maximumCount
  }
  /// In no order.
  func makeIterator() -> IndexingIterator<[Element]> { elements.makeIterator() }
}

extension SessionCore {
  /// Checks what an object on a stream says there is not before it, and tells of groups.
  ///
  /// - Parameter next: the least id that the stream's next object could have had.
  @inline(never) func noteGaps(
    before info: ObjectInfo, notBelow next: UInt64, _ stream: Stream
  ) throws(WireError) {
    guard let rules = rules?.gapExtensions else { return }
    let gaps = try PriorGaps(info, rules)
    if !stream.carriesFetch, let missing = gaps.objects, missing > 0, info.id - missing < next {
      throw .invalid(.priorObjects, missing, wanted: "no object that has come")
    }
    // What a fetch brings may lie anywhere in the track, and is the answer to no subscription.
    if let subscription = stream.request as? Subscription { try note(gaps, info.group, subscription) }
  }
  private func note(_ gaps: PriorGaps, _ group: UInt64, _ subscription: Subscription) throws(WireError) {
    guard let count = gaps.groups, let missing = try subscription.gaps.say(count, before: group) else { return }
    tell(.gap(subscription.key, GroupGap(missing, .doesNotExist)))
  }
  /// The same for an object in a datagram. False: the track is malformed, and the subscription is over or the session.
  @inline(__always) func fits(datagram info: ObjectInfo, _ subscription: Subscription) -> Bool {
    guard let rules = rules?.gapExtensions else { return true }
    let isKnown = subscription.gaps.began(info.group)
    return isKnown && info.extensions.isEmpty || fits(datagram: info, subscription, rules, isKnown: isKnown)
  }
  @inline(never) private func fits(
    datagram info: ObjectInfo, _ subscription: Subscription, _ rules: Rules.GapExtensions, isKnown: Bool
  ) -> Bool {
    do throws(WireError) {
      guard isKnown else { throw .groupInGap(info.group) }
      try note(try PriorGaps(info, rules), info.group, subscription)
      return true
    } catch {
      let phrase = "\(name) datagram: \(error)"
      if malformedTrackClosesSession {
        shut(SessionFailure(error.sessionReason, phrase))
      } else {
        malformed(subscription, phrase)
      }
      return false
    }
  }
}

extension WireError {
  /// Whether it is a contradiction within a track, whose messages are well formed.
  var isOfTheTrack: Bool {
    switch field.description {
    case "Object ID", "Object ID Delta", Field.priorGroups.description, Field.priorObjects.description,
      Field.immutable.description:
      true
    default: false
    }
  }
  static func groupInGap(_ group: UInt64) -> WireError {
    .invalid("Group ID", group, wanted: "one that was not said not to exist")
  }
}

extension WireError.Field {
  fileprivate static let priorGroups: Self = "Prior Group ID Gap"
  fileprivate static let priorObjects: Self = "Prior Object ID Gap"
  fileprivate static let immutable: Self = "Immutable Extensions"
}

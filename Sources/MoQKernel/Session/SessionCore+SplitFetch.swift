// A fetch of several groups where the dialect fetches one at a time: the track's state says where it ends, then the
// groups are fetched one after the other. Its owner sees one fetch with a stream for each group.

/// A fetch of several groups, in steps.
final class SplitFetch: Request {
  /// The most groups of one fetch: each costs a round trip, and how many of a range there are is not known.
  static var maximumGroups: UInt64 { 4_096 }

  var request: FetchRequest
  let track: TrackName
  let start: Location
  /// Inclusive; no later than the latest group once the track's state has come.
  var end: Location
  /// The group that is asked for; nil: none yet.
  var group: UInt64?
  /// The request that is under way.
  weak var step: Request?
  /// Whether its owner has had an answer.
  var hasBegun = false

  init(key: RequestKey, _ request: FetchRequest, _ track: TrackName, _ start: Location, through end: Location) {
    (self.request, self.track, self.start, self.end) = (request, track, start, end)
    super.init(key: key, isOurs: true)
  }
  /// It has no deadline of its own: its steps have theirs.
  override var isAnswered: Bool { true }
  override var isEnded: Bool { false }

  /// The group after the one that was asked for, in the order that is wanted; nil: that was the last.
  var next: UInt64? {
    switch (request.groupOrder, group) {
    case (.descending, nil): end.group
    case (.descending, let group?): group > start.group ? group - 1 : nil
    case (_, nil): start.group
    case (_, let group?): group < end.group ? group + 1 : nil
    }
  }
}

extension SessionCore {
  func fetchByGroup(
    _ request: FetchRequest, of track: TrackName, _ start: Location, through end: Location, _ rules: Rules
  ) throws(CommandError) -> RequestKey {
    guard case .exists = rules.trackStatus else {
      throw CommandError(.inexpressible, "\(name) can fetch no more than one group at a time")
    }
    guard start.group < end.group else { throw CommandError(.inexpressible, "the range ends before it begins") }
    let whole = SplitFetch(key: requests.reserveKey(), request, track, start, through: end)
    let question = StatusQuery(key: requests.reserveKey(), isOurs: true, track)
    (question.whole, question.authorization) = (whole, request.authorization)
    do { try submitted(question) } catch {
      requests.giveBack(whole.key)
      throw error
    }
    whole.step = question
    enter(whole)
    return whole.key
  }
  func cancel(_ whole: SplitFetch) {
    let step = whole.step
    remove(whole)
    if let step { cancel(step.key) }
  }

  /// How far the track reaches is known.
  func reaches(_ whole: SplitFetch, _ state: TrackState) {
    // Group 0 and no group look the same (§6.10 of transfork-03).
    let latest = state.largest?.group ?? 0
    guard whole.start.group <= latest else {
      return end(whole, RequestFailure(.noObjects, "the latest group is \(latest)"))
    }
    if latest < whole.end.group { whole.end = Location(latest, .max) }
    guard whole.end.group - whole.start.group < SplitFetch.maximumGroups else {
      return end(whole, RequestFailure(.excessiveLoad, "more than \(SplitFetch.maximumGroups) groups, one at a time"))
    }
    fetchNext(whole)
  }
  private func fetchNext(_ whole: SplitFetch) {
    guard let group = whole.next else {
      return end(whole, whole.hasBegun ? RequestFailure(.subscriptionEnded, "the fetch is complete") : .nothingThere)
    }
    whole.group = group
    let start = group == whole.start.group ? whole.start : Location(group, 0)
    let last = group == whole.end.group && whole.end.object < .max ? whole.end.object : nil
    var request = whole.request
    request.range = .standalone(whole.track, start: start, endGroup: group, endObject: last)
    let step = Fetching(key: requests.reserveKey(), request)
    (step.whole, step.authorization) = (whole, request.authorization)
    do throws(CommandError) { try submitted(step) } catch {
      return end(whole, RequestFailure(.internalError, error.phrase))
    }
    whole.step = step
  }
  /// The first group has begun to come.
  func stepBegan(_ whole: SplitFetch) {
    guard !whole.hasBegun else { return }
    whole.hasBegun = true
    var answer = FetchAnswer(end: whole.end)
    answer.groupOrder = whole.request.groupOrder == .descending ? .descending : .ascending
    tell(.fetching(whole.key, answer))
  }
  /// A group is complete, or (`wasCut`) was broken off, of which its stream's end has told.
  func stepEnded(_ whole: SplitFetch, wasCut: Bool) {
    guard wasCut else { return fetchNext(whole) }
    end(whole, RequestFailure(.subscriptionEnded, "a group was broken off"))
  }
  /// A group that there is not leaves the others to be fetched.
  func stepFailed(_ whole: SplitFetch, _ failure: RequestFailure) {
    switch failure.reason {
    case .doesNotExist where whole.group != nil, .noObjects where whole.group != nil: fetchNext(whole)
    default: end(whole, failure)
    }
  }
  private func end(_ whole: SplitFetch, _ failure: RequestFailure) {
    guard requests[whole.key] === whole else { return }
    remove(whole)
    tell(.ended(whole.key, failure))
  }
}

extension RequestFailure {
  fileprivate static var nothingThere: RequestFailure { RequestFailure(.noObjects, "none of the groups is there") }
}

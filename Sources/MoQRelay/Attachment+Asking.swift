import MoQKernel

// What a peer asks of the past and of tracks: FETCH and TRACK_STATUS.
extension Attachment {
  func fetch(_ key: RequestKey, _ request: FetchRequest) {
    guard fetches < origin.configuration.maximumFetches else {
      return refuse(key, RequestFailure(.excessiveLoad, "more than \(origin.configuration.maximumFetches) fetches"))
    }
    let name: TrackName, start: Location, end: Location
    switch request.range {
    case .standalone(let track, let from, let group, let object):
      (name, start, end) = (track, from, Location(group, object ?? .max))
    case .joining(let subscription, let before):
      guard case .egress(let egress)? = requests[subscription], let past = egress.answered else {
        return refuseFetch(key, RequestFailure(.invalidJoiningRequest, "no subscription with objects to join"))
      }
      (name, start, end) = (egress.track.name, Location(past.group - min(before, past.group), 0), past)
    case .joiningAbsolute(let subscription, let group):
      guard case .egress(let egress)? = requests[subscription], let past = egress.answered else {
        return refuseFetch(key, RequestFailure(.invalidJoiningRequest, "no subscription with objects to join"))
      }
      (name, start, end) = (egress.track.name, Location(group, 0), past)
    }
    guard origin.policy.allowSubscribe(name, session) else {
      return refuseFetch(key, RequestFailure(.unauthorized, "not allowed to fetch \(name)"))
    }
    guard start <= end else {
      return refuseFetch(key, RequestFailure(.invalidRange, "the range ends before it begins"))
    }
    fetches += 1
    requests[key] = .waitingFetch
    serve(key, request, name, start, end)
  }
  private func serve(_ key: RequestKey, _ request: FetchRequest, _ name: TrackName, _ start: Location, _ end: Location)
  {
    guard case .waitingFetch? = requests[key] else { return }
    guard let track = origin.track(name), let largest = track.largest else {
      return forward(key, request, name, start, end)
    }
    if let failure = track.end, failure.reason == .malformedTrack { return refuseFetch(key, failure) }
    let last = min(end, largest)
    if track.covers(start, through: last), !track.isStale(start, through: last) {
      guard start <= largest else {
        return refuseFetch(key, RequestFailure(.invalidRange, "the range begins after the largest object, \(largest)"))
      }
      guard FetchEgress.hasObjects(track, start, last) else {
        return refuseFetch(key, RequestFailure(.noObjects, "nothing from \(start) through \(last)"))
      }
      let order = request.groupOrder == .publisher ? track.groupOrder : request.groupOrder
      let fetch = FetchEgress(self, key: key, track: track, start: start, end: last, descending: order == .descending)
      requests[key] = .fetch(fetch)
      origin.counters.fetchesFromCache &+= 1
      do { try fetch.begin(priority: request.priority) } catch { fetch.abort(.internalError) }
    } else if track.backfills.contains(where: { start >= Location($0.group, 0) }) {
      // It is on its way here: answer once it is known whether it comes.
      track.waitingFetches.append { [weak self] in self?.serve(key, request, name, start, end) }
    } else {
      forward(key, request, name, start, last)
    }
  }
  /// Asks the publisher for what the cache does not cover.
  private func forward(
    _ key: RequestKey, _ request: FetchRequest, _ name: TrackName, _ start: Location, _ end: Location
  ) {
    guard let source = origin.publisher(of: name, askedBy: self) else {
      return refuseFetch(key, RequestFailure(.doesNotExist, "nobody publishes \(name.namespace)"))
    }
    guard source.abilities.fetch else {
      let dialect = source.session.dialect?.name ?? "the publisher's dialect"
      return refuseFetch(
        key, RequestFailure(.unknownStatusInRange, "not all of it is cached, and \(dialect) has no FETCH"))
    }
    var upstream = FetchRequest(
      .standalone(name, start: start, endGroup: end.group, endObject: end.object == .max ? nil : end.object))
    (upstream.priority, upstream.groupOrder) = (request.priority, request.groupOrder)
    let pipe = FetchPipe(from: source, to: self, key: key, priority: request.priority)
    if let track = origin.track(name), track.isLive { pipe.keeps(in: track, start, through: end) }
    do {
      try pipe.begin(upstream)
      origin.counters.fetchesForwarded &+= 1
    } catch {
      refuseFetch(key, RequestFailure(.internalError, "the publisher's session: \(error.phrase)"))
    }
  }
  private func refuseFetch(_ key: RequestKey, _ failure: RequestFailure) {
    origin.counters.fetchesRefused &+= 1
    if requests[key] != nil { fetchEnded(key) }
    session.reject(key, failure)
  }
  func fetchEnded(_ key: RequestKey) {
    if requests.removeValue(forKey: key) != nil { fetches -= 1 }
  }

  func status(_ key: RequestKey, _ name: TrackName) {
    guard origin.policy.allowSubscribe(name, session) else {
      return refuse(key, RequestFailure(.unauthorized, "not allowed to ask about \(name)"))
    }
    if let track = origin.track(name), track.isLive {
      return answer(key, TrackState(track.largest == nil ? .notYetBegun : .inProgress, largest: track.largest))
    }
    guard let source = origin.publisher(of: name, askedBy: self) else {
      return answer(key, TrackState(.doesNotExist))
    }
    do {
      let question = try source.session.trackStatus(name)
      source.use(question, for: .status(self, key))
    } catch {
      // The publisher's dialect has no such question, and nobody reads the track here.
      answer(key, TrackState(.unknown))
    }
  }
  func answer(_ key: RequestKey, _ state: TrackState) {
    guard isAttached else { return }
    do { try session.answer(key, state) } catch { session.reject(key, RequestFailure(.internalError, error.phrase)) }
  }
  func refuse(_ key: RequestKey, _ failure: RequestFailure) {
    guard isAttached else { return }
    session.reject(key, failure)
  }
}

import MoQKernel
import MoQNetwork

// What a session's handles ask for. Called on the loop, after `driver.tick()`.
extension SessionHost {
  /// Runs a command of the session and puts its error into words.
  func attempt<Value>(_ what: String, _ body: () throws(CommandError) -> Value) -> Result<Value, MoQError> {
    do {
      return .success(try body())
    } catch {
      return .failure(MoQError(error, doing: what, peer: peer, dialect: core.dialect?.name))
    }
  }

  func close(_ reason: String) {
    driver.tick()
    core.close(SessionFailure(.noError, reason))
  }

  // MARK: Subscriptions

  /// Whether a subscription to the current group takes a joining fetch.
  private var joinsGroups: Bool {
    guard let rules = core.dialect?.rules, !rules.filters.contains(.currentGroup) else { return false }
    return switch rules.fetching {
    case .missing, .group, .standalone: false
    case .joiningRelative, .joining: true
    }
  }

  func subscribe(_ feed: SubscriptionFeed) {
    guard !feed.isOver else { return }
    var request = feed.request
    if request.filter == .currentGroup, joinsGroups {
      // The two requests that mean the same, made here so that both answers are seen.
      request.filter = .nextObject
      feed.wantsJoin = true
    }
    switch attempt("subscribing to \(request.track)", { () throws(CommandError) in try core.subscribe(request) }) {
    case .success(let key):
      feed.key = key
      subscriptions[key] = feed
    case .failure(let error):
      close(feed, error)
    }
  }

  func update(_ feed: SubscriptionFeed, _ update: SubscriptionUpdate) -> Result<Void, MoQError> {
    guard let key = feed.key, !feed.isOver else {
      return .failure(MoQError(.ended, "the subscription to \(feed.request.track) has ended"))
    }
    let result = attempt("updating the subscription to \(feed.request.track)") { () throws(CommandError) in
      try core.update(key, update)
    }
    if case .success = result { feed.update = update }
    return result
  }

  func cancel(_ feed: SubscriptionFeed) {
    guard !feed.isOver else { return }
    for group in feed.groups.values { abandon(group) }
    if let key = feed.key {
      subscriptions[key] = nil
      core.cancel(key)
    }
    if let fetch = feed.join { core.cancel(fetch) }
    joinEnded(feed)
    feed.joined = nil
    close(feed, nil)
  }

  // MARK: Fetches

  func fetch(_ request: FetchRequest, _ fetch: FetchFeed) -> RequestKey? {
    switch attempt(fetch.what, { () throws(CommandError) in try core.fetch(request) }) {
    case .success(let key):
      fetches[key] = fetch
      return key
    case .failure(let error):
      fetch.answer.fulfil(.failure(error))
      finish(fetch.feed, .unmarked, error)
      return nil
    }
  }

  func cancelFetch(_ key: RequestKey) {
    guard let fetch = fetches.removeValue(forKey: key) else { return }
    abandon(fetch.feed)
    core.cancel(key)
    finish(fetch.feed, .unmarked, nil)
  }

  // MARK: Announcements

  func seek(_ feed: AnnouncementFeed) -> RequestKey? {
    let what = "asking for announcements below \(feed.name)"
    let sought = attempt(what) { () throws(CommandError) in
      try core.seekAnnouncements(prefix: feed.prefix, authorization: feed.authorization)
    }
    switch sought {
    case .success(let key):
      seekers[key] = feed
      for namespace in announcements.values where namespace.hasPrefix(feed.prefix) {
        feed.tell(Announcement(path: namespace, isActive: true))
      }
      return key
    case .failure(let error):
      feed.answer.fulfil(.failure(error))
      return nil
    }
  }

  func cancelSeeking(_ feed: AnnouncementFeed) {
    for (key, other) in seekers where other === feed {
      seekers[key] = nil
      core.cancel(key)
    }
  }
}

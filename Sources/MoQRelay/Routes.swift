import MoQKernel

/// Someone who publishes below a namespace.
final class Route {
  enum Source {
    case session(Attachment, RequestKey)
    case local(LocalBroadcast)
  }
  let namespace: TrackNamespace
  let source: Source
  /// A single track was offered (PUBLISH), not its namespace.
  let isOffer: Bool
  init(_ namespace: TrackNamespace, _ source: Source, isOffer: Bool = false) {
    (self.namespace, self.source, self.isOffer) = (namespace, source, isOffer)
  }

  /// Whether its session has said that it goes away.
  var isLeaving: Bool {
    if case .session(let owner, _) = source { owner.isLeaving } else { false }
  }
  /// Whether the namespace may be a track's path.
  var announcesTracks: Bool {
    if case .session(let owner, _) = source { owner.abilities.announcesTracks } else { false }
  }
  func isOf(_ attachment: Attachment) -> Bool {
    if case .session(let owner, _) = source { owner === attachment } else { false }
  }
}

/// Which namespaces are published, and by whom; several may publish one.
final class Routes {
  private var table: [TrackNamespace: [Route]] = [:]

  var count: Int { table.count }
  var namespaces: some Sequence<TrackNamespace> { table.keys }

  func all(of namespace: TrackNamespace) -> [Route] { table[namespace] ?? [] }

  func insert(_ route: Route) { table[route.namespace, default: []].append(route) }
  func remove(_ route: Route) -> Bool {
    guard var routes = table[route.namespace], let index = routes.firstIndex(where: { $0 === route }) else {
      return false
    }
    routes.remove(at: index)
    table[route.namespace] = routes.isEmpty ? nil : routes
    return true
  }

  /// Whether someone other than `attachment` publishes the namespace.
  func isPublished(_ namespace: TrackNamespace, besideOf attachment: Attachment) -> Bool {
    table[namespace]?.contains { !$0.isOf(attachment) } ?? false
  }
  /// Who can be asked for tracks of a namespace: the longest prefix first, then the latest announcement,
  /// since an older one may be of a session that is dead without our knowing. Those that are leaving come after
  /// all others, and whoever asks comes last: an application may publish and subscribe on one session.
  func publishers(of name: TrackName, askedBy asker: Attachment?) -> [Route] {
    var found: [Route] = [], leaving: [Route] = [], own: [Route] = []
    var prefix = TrackNamespace()
    func look(_ serves: (Route) -> Bool = { _ in true }) {
      for route in table[prefix] ?? [] where serves(route) {
        if let asker, route.isOf(asker) {
          own.append(route)
        } else if route.isLeaving {
          leaving.append(route)
        } else {
          found.append(route)
        }
      }
    }
    look()
    for field in name.namespace.fields {
      prefix.append(field)
      look()
    }
    // Where a track is a path, its own path may be what was announced.
    prefix.append(name.name)
    look { $0.announcesTracks }
    return found.reversed() + leaving.reversed() + own.reversed()
  }
}

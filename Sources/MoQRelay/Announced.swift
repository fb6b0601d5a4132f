import MoQKernel

/// A namespace that is published at an origin, and by whom.
public struct Announced: Equatable, Sendable {
  public var namespace: TrackNamespace
  /// The dialect of each session that publishes it; nil: the application itself.
  public var publishers: [String?]
  /// The names of its tracks that are read or kept, in order; at most `maximumTracks`.
  public var tracks: [[UInt8]] = []

  /// The most tracks that are listed of one namespace.
  public static var maximumTracks: Int { 100 }
}

extension Origin {
  /// At most `limit` of the namespaces that are published, in order of their names, and how many there are in all.
  public func announced(limit: Int) -> (namespaces: [Announced], total: Int) {
    let chosen = routes.namespaces.sorted { $0.encoded.lexicographicallyPrecedes($1.encoded) }.prefix(limit)
    var list = chosen.map { namespace in
      Announced(
        namespace: namespace,
        publishers: routes.all(of: namespace).map { route in
          if case .session(let attachment, _) = route.source { attachment.session.dialect?.name } else { nil }
        })
    }
    let place = Dictionary(uniqueKeysWithValues: list.enumerated().map { ($1.namespace, $0) })
    for name in tracks.keys {
      guard let index = place[name.namespace], list[index].tracks.count < Announced.maximumTracks else { continue }
      list[index].tracks.append(name.name)
    }
    for index in list.indices { list[index].tracks.sort { $0.lexicographicallyPrecedes($1) } }
    return (list, routes.count)
  }
}

import MoQKernel

/// Watches one side's events for what must never happen.
struct EventChecker {
  private struct Open {
    var request: RequestKey
    var last: Location?
    var isFetch = false
    var payloadLeft: UInt64 = 0
  }
  private var streams: [StreamKey: Open] = [:]
  private var requests: Set<RequestKey> = []
  private(set) var isEstablished = false
  private(set) var end: SessionEnd?
  private(set) var faults: [String] = []
  private(set) var objects = 0, payloadBytes = 0, streamsEnded = 0

  /// Requests of the peer that were told of and have not ended.
  var openRequests: Int { requests.count }
  var openStreams: Int { streams.count }

  mutating func note(_ event: Event) {
    if end != nil { faults.append("\(event) after the end") }
    switch event {
    case .established:
      if isEstablished { faults.append("established twice") }
      isEstablished = true
    case .closed(let end): self.end = end
    case .subscribeRequested(let key, _), .fetchRequested(let key, _), .trackStatusRequested(let key, _),
      .announced(let key, _), .interested(let key, _), .publishRequested(let key, _, _):
      if !requests.insert(key).inserted { faults.append("\(key) is requested twice") }
    case .withdrawn(let key, _):
      if requests.remove(key) == nil { faults.append("\(key) is withdrawn and was not requested") }
    case .subgroupBegan(let key, let request, _): began(key, request, isFetch: false)
    case .fetchBegan(let key, let request): began(key, request, isFetch: true)
    case .object(let key, let object):
      guard var open = streams[key] else { return faults.append("an object on \(key), which has not begun") }
      if open.payloadLeft > 0 { faults.append("an object on \(key) before the one before is whole") }
      if let last = open.last, !open.isFetch, object.location <= last {
        faults.append("\(object.location) after \(last) on \(key)")
      }
      if object.status != .normal, object.payloadLength > 0 { faults.append("a payload beside a status") }
      (open.last, open.payloadLeft) = (object.location, object.payloadLength)
      streams[key] = open
      objects += 1
    case .payload(let key, let part):
      guard var open = streams[key] else { return faults.append("payload on \(key), which has not begun") }
      if part.isEmpty { faults.append("an empty part") }
      if UInt64(part.count) > open.payloadLeft { faults.append("more payload than was said") }
      open.payloadLeft -= min(UInt64(part.count), open.payloadLeft)
      streams[key] = open
      payloadBytes += part.count
    case .streamEnded(let key, let reset):
      guard let open = streams.removeValue(forKey: key) else { return faults.append("\(key) ends and has not begun") }
      if reset == nil, open.payloadLeft > 0 { faults.append("FIN within an object") }
      streamsEnded += 1
    default: break
    }
  }
  /// The owner has answered with an end, or taken its end itself: none will come.
  mutating func forget(_ key: RequestKey) { requests.remove(key) }
  mutating func forget(_ key: StreamKey) { streams[key] = nil }

  private mutating func began(_ key: StreamKey, _ request: RequestKey, isFetch: Bool) {
    if streams[key] != nil { faults.append("\(key) begins twice") }
    streams[key] = Open(request: request, isFetch: isFetch)
  }
}

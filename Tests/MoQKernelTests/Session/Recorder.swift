import MoQKernel

/// Keeps all events of a pair, by side.
final class Recorder {
  private(set) var events: [[Event]] = [[], []]
  /// Takes each payload at once.
  init(_ pair: Pair, consumes: Bool = true) {
    // The pair keeps its recorder.
    pair.onEvent = { [unowned pair] side, event in
      self.events[side.rawValue].append(event)
      if consumes, case .payload(let stream, let part) = event { pair[side].consumed(part.count, on: stream) }
    }
  }
  /// What `pick` makes of the side's events, in order.
  func all<T>(_ side: Pair.Side, _ pick: (Event) -> T?) -> [T] { events[side.rawValue].compactMap(pick) }
  func first<T>(_ side: Pair.Side, _ pick: (Event) -> T?) -> T? { all(side, pick).first }

  func subscribeRequested(_ side: Pair.Side) -> [(RequestKey, SubscribeRequest)] {
    all(side) { if case .subscribeRequested(let key, let request) = $0 { (key, request) } else { nil } }
  }
  func ended(_ side: Pair.Side, _ key: RequestKey) -> RequestFailure? {
    first(side) { if case .ended(key, let failure) = $0 { failure } else { nil } }
  }
  func withdrawn(_ side: Pair.Side, _ key: RequestKey) -> RequestFailure? {
    first(side) { if case .withdrawn(key, let failure) = $0 { failure } else { nil } }
  }
  func announced(_ side: Pair.Side) -> [(RequestKey, TrackNamespace)] {
    all(side) { if case .announced(let key, let namespace) = $0 { (key, namespace) } else { nil } }
  }
  func interested(_ side: Pair.Side) -> [(RequestKey, TrackNamespace)] {
    all(side) { if case .interested(let key, let prefix) = $0 { (key, prefix) } else { nil } }
  }
  func accepted(_ side: Pair.Side, _ key: RequestKey) -> Bool {
    !all(side) { if case .accepted(key) = $0 { true } else { nil } }.isEmpty
  }
  /// Objects by place, payload put together; the streams they came on, and how each ended.
  func objects(_ side: Pair.Side) -> (payloads: [Location: [UInt8]], infos: [ObjectInfo], ends: [UInt64?]) {
    var payloads: [Location: [UInt8]] = [:], infos: [ObjectInfo] = [], ends: [UInt64?] = []
    var current: [StreamKey: Location] = [:]
    for event in events[side.rawValue] {
      switch event {
      case .object(let stream, let info):
        infos.append(info)
        current[stream] = info.location
        payloads[info.location, default: []] += []
      case .payload(let stream, let part): payloads[current[stream] ?? Location(0, 0), default: []] += part.array
      case .streamEnded(_, let reset): ends.append(reset)
      case .datagram(_, let info, let payload):
        infos.append(info)
        payloads[info.location] = payload.array
      default: break
      }
    }
    return (payloads, infos, ends)
  }
}

extension SessionCore {
  /// A whole object, payload and all.
  func send(_ object: ObjectInfo, _ bytes: [UInt8], on stream: StreamKey) throws(CommandError) {
    var object = object
    object.payloadLength = UInt64(bytes.count)
    try write(object, on: stream)
    if !bytes.isEmpty { write(payload: Bytes(bytes), on: stream) }
  }
}

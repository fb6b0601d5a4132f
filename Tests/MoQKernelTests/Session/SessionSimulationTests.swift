import MoQDrafts
import MoQKernel
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Two owners that do anything a session can be asked to, over a network that does anything a network can.
///
/// `MOQ_SEEDS` says how many seeds are run, `MOQ_SEED` runs that one alone; a seed that fails is printed.
@Suite struct SessionSimulationTests {
  static let seeds: Range<UInt64> = {
    func number(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
    if let one = number("MOQ_SEED") { return one..<(one + 1) }
    return 0..<(number("MOQ_SEEDS") ?? 20)
  }()

  @Test(arguments: Speech.allCases) func anything(_ speech: Speech) {
    for seed in Self.seeds {
      let world = SimulatedWorld(speech, seed: seed)
      let faults = world.run()
      #expect(faults == [], "\(speech) MOQ_SEED=\(seed)")
      if !faults.isEmpty { return }
    }
  }

  /// The same seed makes the same run, to the last event.
  @Test(arguments: Speech.allCases) func seedsReplay(_ speech: Speech) {
    for seed in 0..<5 as Range<UInt64> {
      let first = SimulatedWorld(speech, seed: seed), second = SimulatedWorld(speech, seed: seed)
      (first.isLogging, second.isLogging) = (true, true)
      _ = first.run()
      _ = second.run()
      #expect(first.log == second.log, "\(speech) MOQ_SEED=\(seed)")
      #expect(first.log.count > 20)
    }
  }
}

/// One run of the simulation: two owners, each with what it knows of its session.
final class SimulatedWorld {
  /// What an owner knows of its requests and streams.
  private struct Owner {
    var isEstablished = false, isOver = false
    /// Our requests that have not ended.
    var ours: [RequestKey] = []
    var subscriptions: [RequestKey] = []
    /// The peer's that we have not answered, and how they are answered.
    var unanswered: [(RequestKey, Kind)] = []
    var served: [RequestKey] = []
    var peers: [(RequestKey, Kind)] = []
    /// Our open data streams: what comes next on each.
    var sending: [(stream: StreamKey, group: UInt64, next: UInt64, fetch: RequestKey?)] = []
    var receiving: [StreamKey: (info: ObjectInfo, bytes: Int)] = [:]
    var unconsumed: [(StreamKey, Int)] = []
    var nextGroup: UInt64 = 0
  }
  private enum Kind { case subscribe, fetch, status, announce, interest, publish }

  let pair: Pair
  let speech: Speech
  private let isFrames: Bool
  private var owners = [Owner(), Owner()]
  private var generator: SeededGenerator
  private(set) var log: [String] = []
  var isLogging = false
  private var faults: [String] = []
  private let namespaces: [TrackNamespace] = ["live", "live/a", "live/a/b", "other"]

  init(_ speech: Speech, seed: UInt64) {
    (self.speech, isFrames) = (speech, speech.isFrames)
    generator = SeededGenerator(seed: seed ^ 0xabcd_ef01)
    var configuration = speech.configuration
    // Tight limits, so that they are met.
    configuration.maximumHeldStreams = 1 + Int(seed % 7)
    configuration.maximumHeldBytes = 5_000 + Int(seed % 11) * 3_000
    configuration.requestCredit = seed.isMultiple(of: 3) ? 8 : 1 << 32
    (configuration.highWater, configuration.lowWater) = (6_000, 2_000)
    pair = Pair(seed: seed, client: configuration, server: configuration, registry: dialects)
    pair.window = 2_000 + Int(seed % 5) * 4_000
    pair.onEvent = { [unowned self] side, event in self.note(side, event) }
  }

  /// Empty: all was well.
  func run() -> [String] {
    pair.connect(alpn: speech.alpn)
    let deathAt = generator.chance(15) ? generator.below(400) : Int.max
    for turn in 0..<400 {
      if turn == deathAt { pair.die() }
      for side in Pair.Side.allCases where generator.chance(40) { act(side) }
      for _ in 0..<generator.below(6) { _ = pair.step() }
      // Not before the setup: waiting then is the end.
      if generator.chance(2), owners.allSatisfy(\.isEstablished) { _ = pair.waitForDeadline() }
      pair.pump()
    }
    // Everything comes to rest, and to its end.
    if !pair.isDead {
      for _ in 0..<50 {
        pair.settle()
        for side in Pair.Side.allCases { consumeAll(side) }
        pair.settle()
        if !pair.waitForDeadline() { break }
      }
      check("at rest")
      let closer: Pair.Side = generator.chance(50) ? .client : .server
      pair[closer].close()
      pair.settle()
    }
    for side in Pair.Side.allCases {
      let owner = owners[side.rawValue], checker = pair.checkers[side]
      if checker.end == nil { faults.append("\(side) never ended") }
      if !owner.ours.isEmpty { faults.append("\(side): \(owner.ours) never ended") }
      if checker.openRequests > 0 { faults.append("\(side): \(checker.openRequests) requests of the peer never ended") }
      if checker.openStreams > 0 { faults.append("\(side): \(checker.openStreams) streams never ended") }
      if let end = checker.end, ![.noError, .unknown(0)].contains(end.reason) { faults.append("\(side): \(end)") }
    }
    return faults + pair.allFaults
  }
  private func check(_ when: String) {
    for side in Pair.Side.allCases {
      let core = pair[side]
      if core.heldStreams > core.configuration.maximumHeldStreams { faults.append("\(when): too many held streams") }
      if core.heldByteCount > core.configuration.maximumHeldBytes { faults.append("\(when): too many held bytes") }
    }
  }

  // MARK: What an owner does

  private func act(_ side: Pair.Side) {
    let core = pair[side]
    guard owners[side.rawValue].isEstablished, !owners[side.rawValue].isOver else { return }
    check("underway")
    let track = TrackName(namespaces[generator.below(namespaces.count)], "track\(generator.below(3))")
    switch generator.below(22) {
    case 0, 1, 2:
      let filters: [Filter] = [
        .currentGroup, .nextGroup, .nextObject, .from(Location(3, 0)),
        .range(Location(1, 0), endGroup: 9, endObject: nil),
      ]
      var request = SubscribeRequest(track, filter: filters[generator.below(filters.count)])
      request.priority = UInt8(generator.below(256))
      if !isFrames { request.forward = generator.chance(90) }
      if ask(side, { try core.subscribe(request) }) != nil {
        owners[side.rawValue].subscriptions.append(owners[side.rawValue].ours.last!)
      }
    case 3:
      var range = FetchRequest.Range.standalone(track, start: Location(0, 0), endGroup: 3, endObject: nil)
      if let key = any(owners[side.rawValue].subscriptions), generator.chance(50) {
        range = .joining(key, groupsBefore: 1)
      }
      _ = ask(side) { try core.fetch(FetchRequest(range)) }
    case 4: _ = ask(side) { try core.trackStatus(track) }
    case 5:
      let namespace = namespaces[generator.below(namespaces.count)]
      if let key = try? core.announce(namespace), !owners[side.rawValue].ours.contains(key) {
        owners[side.rawValue].ours.append(key)
      }
    case 6:
      _ = ask(side) {
        try core.seekAnnouncements(prefix: self.generator.chance(20) ? "" : self.namespaces[self.generator.below(4)])
      }
    case 7: _ = ask(side) { try core.publish(track, SubscribeAnswer()) }.map { owners[side.rawValue].served.append($0) }
    case 8, 9:
      guard let key = any(owners[side.rawValue].ours), generator.chance(40) else { return }
      end(side, key)
      core.cancel(key, RequestFailure(.cancelled, "enough"))
    case 10, 11, 12: answer(side)
    case 13, 14: open(side)
    case 15, 16, 17: write(side)
    case 18:
      if let (stream, count) = owners[side.rawValue].unconsumed.popLast() { core.consumed(count, on: stream) }
    case 19:
      guard let key = any(owners[side.rawValue].subscriptions) else { return }
      var update = SubscriptionUpdate()
      update.priority = UInt8(generator.below(256))
      if !isFrames, generator.chance(30) { update.endGroup = 5 }
      try? core.update(key, update)
    case 20:
      guard let key = any(owners[side.rawValue].served), generator.chance(30) else { return }
      stopServing(side, key)
      core.finish(key, RequestFailure(generator.chance(70) ? .trackEnded : .expired, "over"))
    default:
      guard
        let key = any(
          owners[side.rawValue].receiving.keys.sorted { ($0.slot, $0.generation) < ($1.slot, $1.generation) }),
        generator.chance(20)
      else { return }
      owners[side.rawValue].receiving[key] = nil
      owners[side.rawValue].unconsumed.removeAll { $0.0 == key }
      pair.checkers[side].forget(key)
      core.stop(stream: key, .cancelled)
    }
    pair.pump()
  }
  private func any<T>(_ list: [T]) -> T? { list.isEmpty ? nil : list[generator.below(list.count)] }
  private func ask(_ side: Pair.Side, _ command: () throws -> RequestKey) -> RequestKey? {
    guard let key = try? command() else { return nil }
    owners[side.rawValue].ours.append(key)
    return key
  }
  private func end(_ side: Pair.Side, _ key: RequestKey) {
    owners[side.rawValue].ours.removeAll { $0 == key }
    owners[side.rawValue].subscriptions.removeAll { $0 == key }
    stopServing(side, key)
  }
  private func stopServing(_ side: Pair.Side, _ key: RequestKey) {
    owners[side.rawValue].served.removeAll { $0 == key }
    owners[side.rawValue].ours.removeAll { $0 == key }
    owners[side.rawValue].peers.removeAll { $0.0 == key }
    owners[side.rawValue].unanswered.removeAll { $0.0 == key }
    pair.checkers[side].forget(key)
  }

  private func answer(_ side: Pair.Side) {
    let core = pair[side]
    guard !owners[side.rawValue].unanswered.isEmpty else { return }
    let (key, kind) = owners[side.rawValue].unanswered.remove(
      at: generator.below(owners[side.rawValue].unanswered.count))
    if generator.chance(20) {
      stopServing(side, key)
      return core.reject(key, RequestFailure(.doesNotExist, "no"))
    }
    switch kind {
    case .subscribe:
      try? core.accept(key, SubscribeAnswer(largest: isFrames || generator.chance(50) ? nil : Location(2, 3)))
      owners[side.rawValue].served.append(key)
    case .fetch:
      guard (try? core.accept(key, FetchAnswer(end: Location(3, 3)))) != nil, let stream = try? core.openFetch(key)
      else { return }
      owners[side.rawValue].sending.append((stream, 0, 0, key))
    case .status:
      try? core.answer(key, TrackState(generator.chance(50) ? .inProgress : .doesNotExist))
      stopServing(side, key)
    case .announce, .interest, .publish:
      core.accept(key)
      owners[side.rawValue].peers.append((key, kind))
    }
  }
  private func open(_ side: Pair.Side) {
    guard let key = any(owners[side.rawValue].served) else { return }
    let group = owners[side.rawValue].nextGroup
    owners[side.rawValue].nextGroup += 1
    let hasExtensions = !isFrames && generator.chance(30)
    let info = SubgroupInfo(
      group: group, subgroup: isFrames ? 0 : UInt64(generator.below(3)), endsGroup: generator.chance(30),
      hasExtensions: hasExtensions)
    guard let stream = try? pair[side].openSubgroup(key, info) else { return }
    owners[side.rawValue].sending.append((stream, group, 0, nil))
    if !isFrames, generator.chance(30) {
      _ = try? pair[side].send(
        datagram: ObjectInfo(group: group, id: 0), payload: Bytes(payload(group, 0, 30)), for: key)
    }
  }
  private func write(_ side: Pair.Side) {
    let core = pair[side]
    guard !owners[side.rawValue].sending.isEmpty else { return }
    let index = generator.below(owners[side.rawValue].sending.count)
    var sending = owners[side.rawValue].sending[index]
    switch generator.below(10) {
    case 0:
      owners[side.rawValue].sending.remove(at: index)
      // A fetch is over with its stream.
      if let fetch = sending.fetch { stopServing(side, fetch) }
      return core.finish(stream: sending.stream)
    case 1 where generator.chance(30):
      owners[side.rawValue].sending.remove(at: index)
      if let fetch = sending.fetch { stopServing(side, fetch) }
      return core.reset(stream: sending.stream, .deliveryTimeout)
    default: break
    }
    guard core.room(on: sending.stream) > 0 else { return }
    if !isFrames, generator.chance(20) { sending.next += UInt64(generator.below(5)) }
    let count = generator.chance(20) ? 0 : generator.below(5_000)
    let object = ObjectInfo(group: sending.group, id: sending.next, payloadLength: UInt64(count))
    if (try? core.write(object, on: sending.stream)) != nil {
      let bytes = payload(object.group, object.id, count)
      // In parts, and sometimes not whole.
      let cut = generator.below(count + 1)
      core.write(payload: Bytes(bytes[..<cut]), on: sending.stream)
      if generator.chance(95) { core.write(payload: Bytes(bytes[cut...]), on: sending.stream) }
      sending.next += 1
      owners[side.rawValue].sending[index] = sending
    }
  }
  private func consumeAll(_ side: Pair.Side) {
    for (stream, count) in owners[side.rawValue].unconsumed { pair[side].consumed(count, on: stream) }
    owners[side.rawValue].unconsumed = []
    while let sending = owners[side.rawValue].sending.popLast() {
      if let fetch = sending.fetch { stopServing(side, fetch) }
      pair[side].finish(stream: sending.stream)
    }
  }

  // MARK: What an owner hears

  /// The frequent ones by hand: printing a whole value takes long.
  private func line(_ side: Pair.Side, _ event: Event) -> String {
    switch event {
    case .object(let key, let info):
      "\(side.rawValue) object \(key.slot) \(info.group) \(info.id) \(info.payloadLength)"
    case .payload(let key, let part): "\(side.rawValue) payload \(key.slot) \(part.count)"
    default: "\(side.rawValue) \(event)"
    }
  }
  private func note(_ side: Pair.Side, _ event: Event) {
    if isLogging { log.append(line(side, event)) }
    func add(_ key: RequestKey, _ kind: Kind) { owners[side.rawValue].unanswered.append((key, kind)) }
    switch event {
    case .established: owners[side.rawValue].isEstablished = true
    case .closed: owners[side.rawValue].isOver = true
    case .subscribeRequested(let key, _): add(key, .subscribe)
    case .fetchRequested(let key, _): add(key, .fetch)
    case .trackStatusRequested(let key, _): add(key, .status)
    case .announced(let key, _): add(key, .announce)
    case .interested(let key, _): add(key, .interest)
    case .publishRequested(let key, _, _): add(key, .publish)
    case .withdrawn(let key, _): stopServing(side, key)
    case .ended(let key, _):
      if !owners[side.rawValue].ours.contains(key) { faults.append("\(side): \(key) ends, and is not open") }
      end(side, key)
    case .trackStatus(let key, _): end(side, key)
    case .subgroupBegan(let key, _, _), .fetchBegan(let key, _):
      owners[side.rawValue].receiving[key] = (ObjectInfo(group: 0, id: 0), 0)
    case .object(let key, let info): owners[side.rawValue].receiving[key] = (info, 0)
    case .payload(let key, let part):
      guard let (info, offset) = owners[side.rawValue].receiving[key] else { return }
      let whole = payload(info.group, info.id, Int(info.payloadLength))
      let id = info.id
      if part.array != Array(whole[offset..<(offset + part.count)]) {
        faults.append("payload of {\(info.group), \(id)} differs")
      }
      owners[side.rawValue].receiving[key] = (info, offset + part.count)
      if generator.chance(60) {
        pair[side].consumed(part.count, on: key)
      } else {
        owners[side.rawValue].unconsumed.append((key, part.count))
      }
    case .streamEnded(let key, _):
      owners[side.rawValue].receiving[key] = nil
    default: break
    }
  }
}

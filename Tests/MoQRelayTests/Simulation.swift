import MoQDrafts
import MoQKernel

@testable import MoQRelay

/// A network of sessions in memory: streams with flow control and a limited rate, delivered in pieces of
/// random size, streams overtaking each other. The same seed gives the same run.
final class Network {
  var random: SeededRandom
  private(set) var now = Instant(nanoseconds: 1_000_000_000)
  private(set) var links: [Link] = []
  /// Called after each step, for invariants.
  var check: () -> Void = {}
  let origin: Origin

  init(seed: UInt64, _ configuration: RelayConfiguration = RelayConfiguration(), policy: RelayPolicy = RelayPolicy()) {
    random = SeededRandom(seed: seed)
    origin = Origin(configuration, policy: policy)
  }

  /// Connects a client to the relay.
  func connect(_ dialect: String, rate: Int = .max) -> Link {
    var options = SessionConfiguration()
    options.dialects = .exactly(dialect)
    let client = SessionCore(role: .client, options: options, registry: dialects)
    let server = SessionCore(role: .server, options: SessionConfiguration(), registry: dialects)
    let link = Link(client, server, rate: rate)
    let attachment = origin.attach(server)
    link.b.onEvents = { attachment.handleEvents() }
    link.attachment = attachment
    links.append(link)
    for end in [link.a, link.b] { end.core.ticked(at: now) }
    let alpn = SessionCore.alpns(for: options, registry: dialects).first
    client.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    server.connected(alpn: alpn, subprotocol: nil, transport: .quic)
    return link
  }

  /// Lets a millisecond pass. False: nothing was left to do.
  @discardableResult func step() -> Bool {
    now = Instant(nanoseconds: now.nanoseconds + 1_000_000)
    origin.ticked(at: now)
    var isBusy = false
    for link in links.shuffled(using: &random) where !link.isDead {
      if link.step(at: now, &random) { isBusy = true }
    }
    check()
    return isBusy
  }
  /// Until nothing moves any more.
  func settle(_ limit: Int = 20_000) {
    var idle = 0
    for _ in 0..<limit {
      idle = step() ? 0 : idle + 1
      if idle > 2 { return }
    }
  }
  /// Until `condition` holds; false: it did not in time.
  @discardableResult func run(_ limit: Int = 20_000, until condition: () -> Bool) -> Bool {
    for _ in 0..<limit {
      if condition() { return true }
      step()
    }
    return condition()
  }
}

/// A client's session, the relay's session for it, and what is between them.
final class Link {
  let a: End, b: End
  weak var attachment: Attachment?
  /// Bytes that pass in each direction in a step.
  var rate: Int
  private(set) var isDead = false
  /// One datagram in so many is lost; 0: none.
  var datagramLoss: UInt64 = 0

  final class End {
    let core: SessionCore
    var onEvents: () -> Void = {}
    fileprivate var outgoing: [Pipe] = []
    fileprivate var byKey: [StreamKey: Ends] = [:]
    fileprivate var datagrams: [Bytes] = []
    fileprivate var closed: (code: UInt64, reason: String)?
    init(_ core: SessionCore) { self.core = core }
  }
  /// The two directions of a stream, as one end sees them.
  fileprivate struct Ends {
    var sending: Pipe?
    var receiving: Pipe?
  }
  /// One direction of one stream.
  fileprivate final class Pipe {
    let from: StreamKey
    var to: StreamKey?
    var queue: [Bytes] = []
    var queued = 0
    var priority: SendPriority
    var hasFin = false, isDone = false
    var reset: UInt64?
    var window = 256 << 10
    init(_ from: StreamKey, _ priority: SendPriority) { (self.from, self.priority) = (from, priority) }
    var hasWork: Bool { !isDone && (reset != nil || queued > 0 && window > 0 || queued == 0 && hasFin) }
  }

  init(_ a: SessionCore, _ b: SessionCore, rate: Int) {
    (self.a, self.b, self.rate) = (End(a), End(b), rate)
  }

  /// The client's side vanishes; the relay's learns of it.
  func kill() {
    isDead = true
    for end in [a, b] {
      end.core.transportClosed(SessionEnd(.transport, .noError, code: 0, phrase: "the line is cut"))
      end.onEvents()
    }
  }
  /// Bytes the client's (or relay's) transport holds.
  var queuedDown: Int { b.outgoing.reduce(0) { $0 + $1.queued } }

  func step(at now: Instant, _ random: inout SeededRandom) -> Bool {
    var isBusy = false
    for (end, other) in [(a, b), (b, a)] {
      end.core.ticked(at: now)
      end.onEvents()
      isBusy = collect(end, other) || isBusy
    }
    for (end, other) in [(a, b), (b, a)] { isBusy = deliver(end, other, &random) || isBusy }
    for (end, other) in [(a, b), (b, a)] {
      guard let closed = end.closed, !isDead else { continue }
      isDead = true
      other.core.transportClosed(SessionEnd(.peer, .noError, code: closed.code, phrase: closed.reason))
      other.onEvents()
      end.onEvents()
    }
    return isBusy
  }

  private func collect(_ end: End, _ other: End) -> Bool {
    var isBusy = false
    while end.core.hasWork {
      end.onEvents()
      end.core.drainEffects { effect in
        isBusy = true
        switch effect {
        case .open(let key, let kind, let priority):
          let pipe = Pipe(key, priority)
          end.outgoing.append(pipe)
          end.byKey[key] = Ends(sending: pipe)
          if let theirs = other.core.opened(kind) {
            pipe.to = theirs
            other.byKey[theirs] = Ends(receiving: pipe)
            if kind == .bidirectional {
              let back = Pipe(theirs, priority)
              back.to = key
              other.outgoing.append(back)
              other.byKey[theirs]?.sending = back
              end.byKey[key]?.receiving = back
            }
          }
        case .send(let key, let bytes):
          guard let pipe = end.byKey[key]?.sending else { return }
          pipe.queue.append(bytes)
          pipe.queued += bytes.count
        case .prioritize(let key, let priority): end.byKey[key]?.sending?.priority = priority
        case .finish(let key): end.byKey[key]?.sending?.hasFin = true
        case .reset(let key, let code): end.byKey[key]?.sending?.reset = code
        case .stop(let key, let code):
          guard let pipe = end.byKey[key]?.receiving, !pipe.isDone else { return }
          other.core.wasStopped(pipe.from, code: code)
        case .consumed(let key, let count): end.byKey[key]?.receiving?.window += count
        case .forget(let key): end.byKey[key] = nil
        case .datagram(let bytes): end.datagrams.append(bytes)
        case .close(let code, let reason): end.closed = (code, reason)
        }
      }
      if !end.core.hasWork { break }
    }
    return isBusy
  }

  private func deliver(_ end: End, _ other: End, _ random: inout SeededRandom) -> Bool {
    var budget = rate, isBusy = false
    for bytes in end.datagrams where datagramLoss == 0 || random.next() % datagramLoss != 0 {
      bytes.withUnsafeBytes { other.core.received(datagram: $0) }
      isBusy = true
    }
    end.datagrams = []
    // Priorities decide; equal ones in any order.
    let order = end.outgoing.filter(\.hasWork).shuffled(using: &random).sorted { $0.priority < $1.priority }
    for pipe in order {
      guard let to = pipe.to else { pipe.isDone = true; continue }
      isBusy = true
      if let code = pipe.reset {
        (pipe.isDone, pipe.queue, pipe.queued) = (true, [], 0)
        other.core.wasReset(to, code: code)
        end.core.acknowledged(pipe.from)
        continue
      }
      var passes = 0
      while budget > 0, pipe.queued > 0, pipe.window > 0, passes < 64 {
        passes += 1
        let first = pipe.queue[0]
        let most = min(first.count, pipe.window, budget)
        let count = random.next() % 4 == 0 ? 1 + Int(random.next() % UInt64(most)) : most
        let piece = first.prefix(count)
        if count == first.count { pipe.queue.removeFirst() } else { pipe.queue[0] = first.dropFirst(count) }
        pipe.queued -= count
        pipe.window -= count
        if rate != .max { budget -= count }
        let isLast = pipe.queued == 0 && pipe.hasFin
        piece.withUnsafeBytes { other.core.received($0, fin: isLast, on: to) }
        end.core.drained(pipe.from, count)
        if isLast { done(pipe, end) }
        // What is delivered may make more room, or a reset.
        if pipe.reset != nil { break }
      }
      if !pipe.isDone, pipe.reset == nil, pipe.queued == 0, pipe.hasFin {
        other.core.received(UnsafeRawBufferPointer(start: nil, count: 0), fin: true, on: to)
        done(pipe, end)
      }
    }
    end.outgoing.removeAll(where: \.isDone)
    return isBusy
  }
  private func done(_ pipe: Pipe, _ end: End) {
    pipe.isDone = true
    end.core.acknowledged(pipe.from)
  }
}

/// A client that publishes, as an application does.
final class SimulatedPublisher {
  let link: Link
  let origin: Origin
  let attachment: Attachment
  init(
    _ network: Network, _ dialect: String, _ configuration: RelayConfiguration = RelayConfiguration(), rate: Int = .max
  ) {
    origin = Origin(configuration)
    link = network.connect(dialect, rate: rate)
    let attachment = origin.attach(link.a.core, as: .publisher)
    self.attachment = attachment
    link.a.onEvents = { attachment.handleEvents() }
  }
}

/// A client that subscribes, and keeps what it gets.
final class SimulatedSubscriber {
  struct Got: Equatable {
    var info: ObjectInfo
    var payload: [UInt8]
  }
  struct Incoming {
    var request: RequestKey
    var isFetch: Bool
    var group: UInt64?
    var objects: [Got] = []
    var end: End?
    enum End: Equatable { case fin, reset }
  }
  let link: Link
  private(set) var streams: [StreamKey: Incoming] = [:]
  private(set) var order: [StreamKey] = []
  private(set) var datagrams: [Got] = []
  private(set) var answers: [RequestKey: SubscribeAnswer] = [:]
  private(set) var fetches: [RequestKey: FetchAnswer] = [:]
  private(set) var states: [RequestKey: TrackState] = [:]
  private(set) var ends: [RequestKey: RequestFailure] = [:]
  private(set) var gaps: [RequestKey: [GroupGap]] = [:]
  private(set) var announced: [TrackNamespace] = []
  private var announcements: [RequestKey: TrackNamespace] = [:]
  /// Tracks that the peer offered with PUBLISH, and the ends of such subscriptions.
  private(set) var offered: [(RequestKey, TrackName, SubscribeAnswer)] = []
  private(set) var withdrawn: [RequestFailure] = []
  /// Subscriptions that the peer has asked for and that were granted.
  private(set) var served: [RequestKey] = []
  /// What the next of them is answered with.
  var answer = SubscribeAnswer()
  private(set) var closed: SessionEnd?
  /// Whether payload is credited as it comes.
  var isReading = true { didSet { if isReading { credit() } } }
  private var unread: [(StreamKey, Int)] = []
  var onObject: (StreamKey, ObjectInfo) -> Void = { _, _ in }
  var session: SessionCore { link.a.core }

  init(_ network: Network, _ dialect: String, rate: Int = .max) {
    link = network.connect(dialect, rate: rate)
    link.a.onEvents = { [unowned self] in link.a.core.drainEvents { self.take($0) } }
  }
  private func credit() {
    for (stream, count) in unread { session.consumed(count, on: stream) }
    unread = []
  }
  private func take(_ event: Event) {
    switch event {
    case .subscribed(let key, let answer): answers[key] = answer
    case .fetching(let key, let answer): fetches[key] = answer
    case .trackStatus(let key, let state): states[key] = state
    case .ended(let key, let failure): ends[key] = failure
    case .gap(let key, let gap): gaps[key, default: []].append(gap)
    case .announced(let key, let namespace):
      announcements[key] = namespace
      announced.append(namespace)
      session.accept(key)
    case .interested(let key, _): session.accept(key)
    case .publishRequested(let key, let track, let answer): offered.append((key, track, answer))
    case .subscribeRequested(let key, _):
      served.append(key)
      try? session.accept(key, answer)
    case .withdrawn(let key, let failure):
      served.removeAll { $0 == key }
      if offered.contains(where: { $0.0 == key }) { withdrawn.append(failure) }
      if let gone = announcements.removeValue(forKey: key), let index = announced.firstIndex(of: gone) {
        announced.remove(at: index)
      }
    case .subgroupBegan(let stream, let key, let info):
      streams[stream] = Incoming(request: key, isFetch: false, group: info.group)
      order.append(stream)
    case .fetchBegan(let stream, let key):
      streams[stream] = Incoming(request: key, isFetch: true)
      order.append(stream)
    case .object(let stream, let info):
      streams[stream]?.objects.append(Got(info: info, payload: []))
      onObject(stream, info)
    case .payload(let stream, let part):
      if let count = streams[stream]?.objects.count, count > 0 {
        streams[stream]?.objects[count - 1].payload += part.array
      }
      if isReading { session.consumed(part.count, on: stream) } else { unread.append((stream, part.count)) }
    case .streamEnded(let stream, let code): streams[stream]?.end = code == nil ? .fin : .reset
    case .datagram(_, let info, let bytes): datagrams.append(Got(info: info, payload: bytes.array))
    case .closed(let end): closed = end
    default: break
    }
  }

  /// Streams in the order they came.
  var incoming: [Incoming] { order.compactMap { streams[$0] } }
  /// Whole objects of a group, over all streams of the subscription, in the order of the streams.
  func objects(of group: UInt64) -> [Got] {
    incoming.flatMap { $0.objects }.filter {
      $0.info.group == group && $0.info.payloadLength == UInt64($0.payload.count)
    }
  }
  func isComplete(_ group: UInt64) -> Bool {
    let streams = incoming.filter { $0.group == group && !$0.isFetch }
    return !streams.isEmpty && streams.allSatisfy { $0.end == .fin }
  }
}

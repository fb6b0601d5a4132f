import MoQKernel

/// Numbers that look random and are the same for the same seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 0x1234_5678_9abc_def1 }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
  mutating func below(_ bound: Int) -> Int { bound <= 1 ? 0 : Int(next() % UInt64(bound)) }
  mutating func chance(_ percent: Int) -> Bool { below(100) < percent }
}

/// Two sessions, a network between them that delays, splits and reorders as its seed says, and a clock.
final class Pair {
  /// One direction of one stream.
  final class Pipe {
    var bytes: [UInt8] = []
    var window: Int
    var hasFIN = false, isFINDelivered = false
    var reset: UInt64?
    var isOver = false
    var isAcknowledged = false
    init(window: Int) { self.window = window }
    var canDeliver: Bool {
      !isOver && (reset != nil || (!bytes.isEmpty && window > 0) || (bytes.isEmpty && hasFIN && !isFINDelivered))
    }
  }
  final class Link {
    let kind: StreamKind
    let opener: Side
    var keys: [StreamKey?] = [nil, nil]
    /// By the side that sends.
    var pipes: [Pipe?] = [nil, nil]
    var isRefused = false
    init(_ kind: StreamKind, _ opener: Side) { (self.kind, self.opener) = (kind, opener) }
  }
  enum Side: Int, CaseIterable {
    case client, server
    var other: Side { self == .client ? .server : .client }
  }

  let cores: [SessionCore]
  var generator: SeededGenerator
  var now: UInt64 = 1_000_000
  var links: [Link] = []
  var byKey: [[StreamKey: Link]] = [[:], [:]]
  var datagrams: [[[UInt8]]] = [[], []]
  var stops: [(Side, Link, UInt64)] = []
  var closes: [(Side, SessionEnd)] = []
  var isDead = false
  /// Percent.
  var datagramLoss = 10
  /// Bytes a stream may have in flight without credit.
  var window = 20_000
  /// What the transport would not bear; empty is well.
  var faults: [String] = []
  /// Told of each event, in order.
  var onEvent: (Side, Event) -> Void = { _, _ in }
  var checkers: [EventChecker]

  init(
    seed: UInt64, client: SessionConfiguration = SessionConfiguration(),
    server: SessionConfiguration = SessionConfiguration(), registry: [any Dialect.Type]
  ) {
    generator = SeededGenerator(seed: seed)
    cores = [
      SessionCore(role: .client, options: client, registry: registry),
      SessionCore(role: .server, options: server, registry: registry),
    ]
    checkers = [EventChecker(), EventChecker()]
    for side in Side.allCases { self[side].ticked(at: Instant(nanoseconds: now)) }
  }
  subscript(side: Side) -> SessionCore { cores[side.rawValue] }
  var client: SessionCore { cores[0] }
  var server: SessionCore { cores[1] }

  func connect(alpn: String? = nil, subprotocol: String? = nil, transport: TransportKind = .quic) {
    for side in Side.allCases { self[side].connected(alpn: alpn, subprotocol: subprotocol, transport: transport) }
    pump()
  }

  // MARK: Effects and events

  /// Carries out what both sides have to say, until they have nothing more.
  func pump() {
    var rounds = 0
    while client.hasWork || server.hasWork {
      rounds += 1
      if rounds > 10_000 { return faults.append("the sessions never rest") }
      for side in Side.allCases {
        self[side].drainEffects { perform($0, side) }
        self[side].drainEvents { event in
          checkers[side.rawValue].note(event)
          onEvent(side, event)
        }
      }
    }
  }
  private func perform(_ effect: Effect, _ side: Side) {
    switch effect {
    case .open(let key, let kind, _):
      let link = Link(kind, side)
      link.keys[side.rawValue] = key
      link.pipes[side.rawValue] = Pipe(window: window)
      if kind == .bidirectional { link.pipes[side.other.rawValue] = Pipe(window: window) }
      if byKey[side.rawValue][key] != nil { faults.append("\(key) is opened twice") }
      byKey[side.rawValue][key] = link
      links.append(link)
    case .send(let key, let bytes):
      guard let pipe = pipe(key, side, "send") else { return }
      if pipe.hasFIN || pipe.reset != nil { faults.append("bytes after the end of \(key)") }
      pipe.bytes += bytes.array
    case .prioritize(let key, _): _ = pipe(key, side, "prioritize")
    case .finish(let key):
      guard let pipe = pipe(key, side, "finish") else { return }
      if pipe.hasFIN || pipe.reset != nil { faults.append("a second end of \(key)") }
      pipe.hasFIN = true
    case .reset(let key, let code):
      guard let pipe = pipe(key, side, "reset") else { return }
      if pipe.reset != nil { faults.append("a second reset of \(key)") }
      pipe.reset = code
    case .stop(let key, let code):
      guard let link = byKey[side.rawValue][key] else { return faults.append("stop of \(key), which is not known") }
      stops.append((side.other, link, code))
    case .consumed(let key, let count):
      guard let link = byKey[side.rawValue][key] else { return faults.append("credit for \(key), which is not known") }
      link.pipes[side.other.rawValue]?.window += count
    case .forget(let key):
      if byKey[side.rawValue].removeValue(forKey: key) == nil { faults.append("\(key) is forgotten twice") }
    case .datagram(let bytes): datagrams[side.rawValue].append(bytes.array)
    case .close(let code, let reason):
      let end = SessionEnd(.peer, .unknown(code), code: code, phrase: reason)
      closes.append((side.other, end))
    }
  }
  private func pipe(_ key: StreamKey, _ side: Side, _ what: String) -> Pipe? {
    guard let link = byKey[side.rawValue][key] else {
      faults.append("\(what) on \(key), which is not known")
      return nil
    }
    guard let pipe = link.pipes[side.rawValue] else {
      faults.append("\(what) on \(key), which only receives")
      return nil
    }
    return pipe
  }

  // MARK: The network

  /// Delivers one thing. False: there is nothing to deliver.
  func step() -> Bool {
    guard !isDead else { return false }
    var choices: [() -> Void] = []
    for link in links where !link.isRefused {
      for sender in Side.allCases {
        guard let pipe = link.pipes[sender.rawValue], pipe.canDeliver else { continue }
        choices.append { self.deliver(link, from: sender, pipe) }
      }
    }
    for side in Side.allCases where !datagrams[side.rawValue].isEmpty {
      choices.append { self.deliverDatagram(from: side) }
    }
    for index in stops.indices { choices.append { self.deliverStop(index) } }
    if !closes.isEmpty {
      choices.append {
        let (side, end) = self.closes.removeFirst()
        self[side].transportClosed(end)
      }
    }
    guard !choices.isEmpty else { return false }
    now += UInt64(generator.below(2_000_000))
    for side in Side.allCases { self[side].ticked(at: Instant(nanoseconds: now)) }
    choices[generator.below(choices.count)]()
    pump()
    return true
  }
  private func deliver(_ link: Link, from sender: Side, _ pipe: Pipe) {
    let receiver = sender.other
    defer { if link.isRefused || link.pipes.allSatisfy({ $0?.isOver ?? true }) { links.removeAll { $0 === link } } }
    if link.keys[receiver.rawValue] == nil {
      guard pipe.reset == nil || !pipe.bytes.isEmpty || true, let key = self[receiver].opened(link.kind) else {
        // Refused: the transport stops and resets it by itself.
        link.isRefused = true
        if let key = link.keys[sender.rawValue], byKey[sender.rawValue][key] != nil {
          self[sender].wasStopped(key, code: 0)
          if link.kind == .bidirectional { self[sender].wasReset(key, code: 0) }
        }
        return
      }
      link.keys[receiver.rawValue] = key
      byKey[receiver.rawValue][key] = link
    }
    guard let key = link.keys[receiver.rawValue] else { return }
    // A reset overtakes what was not delivered, or comes after some of it.
    if let code = pipe.reset, pipe.bytes.isEmpty || generator.chance(50) {
      pipe.isOver = true
      if byKey[receiver.rawValue][key] != nil { self[receiver].wasReset(key, code: code) }
      return
    }
    let most = min(pipe.bytes.count, pipe.window)
    let count = generator.chance(30) ? min(most, 1 + generator.below(4)) : most == 0 ? 0 : 1 + generator.below(most)
    let chunk = Array(pipe.bytes.prefix(count))
    pipe.bytes.removeFirst(count)
    pipe.window -= count
    let fin = pipe.hasFIN && pipe.bytes.isEmpty && (count == 0 || generator.chance(70))
    if fin { (pipe.isFINDelivered, pipe.isOver) = (true, true) }
    if byKey[receiver.rawValue][key] != nil {
      chunk.withUnsafeBytes { self[receiver].received($0, fin: fin, on: key) }
    }
    if let own = link.keys[sender.rawValue], byKey[sender.rawValue][own] != nil {
      if count > 0 { self[sender].drained(own, count) }
      if fin { self[sender].acknowledged(own) }
    }
  }
  private func deliverDatagram(from side: Side) {
    let index = generator.below(datagrams[side.rawValue].count)
    let bytes = datagrams[side.rawValue].remove(at: index)
    if !generator.chance(datagramLoss) { bytes.withUnsafeBytes { self[side.other].received(datagram: $0) } }
  }
  private func deliverStop(_ index: Int) {
    let (side, link, code) = stops.remove(at: index)
    guard let key = link.keys[side.rawValue], byKey[side.rawValue][key] != nil else { return }
    self[side].wasStopped(key, code: code)
  }

  /// Delivers until nothing is on its way. True: it came to rest.
  @discardableResult func settle(limit: Int = 200_000) -> Bool {
    pump()
    for _ in 0..<limit where !step() { return true }
    faults.append("the network never rests")
    return false
  }
  /// Lets the time pass to the next deadline of either side. False: there is none.
  func waitForDeadline() -> Bool {
    guard let next = cores.compactMap(\.nextDeadline).min() else { return false }
    now = max(now, next.nanoseconds)
    for side in Side.allCases { self[side].ticked(at: Instant(nanoseconds: now)) }
    pump()
    return true
  }
  /// The connection is lost.
  func die() {
    isDead = true
    for side in Side.allCases {
      self[side].transportClosed(SessionEnd(.transport, .noError, code: 0, phrase: "no answer"))
    }
    pump()
  }
}

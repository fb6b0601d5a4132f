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
  // What is private to this file costs no check of exclusive access: the scan for what may be delivered is most of a run.
  /// One direction of one stream.
  fileprivate final class Pipe {
    var bytes: [UInt8] = []
    var window: Int
    var hasFIN = false, isFINDelivered = false
    var reset: UInt64?
    var isOver = false
    init(window: Int) { self.window = window }
    var canDeliver: Bool {
      if isOver { return false }
      if reset != nil { return true }
      return bytes.isEmpty ? hasFIN && !isFINDelivered : window > 0
    }
  }
  final class Link {
    fileprivate let kind: StreamKind
    fileprivate var keys = Each<StreamKey?>(nil, nil)
    /// By the side that sends.
    fileprivate var pipes = Each<Pipe?>(nil, nil)
    fileprivate var isRefused = false
    fileprivate var isOver: Bool { isRefused || pipes.client?.isOver ?? true && pipes.server?.isOver ?? true }
    fileprivate init(_ kind: StreamKind) { self.kind = kind }
  }
  enum Side: Int, CaseIterable {
    case client, server
    var other: Side { self == .client ? .server : .client }
  }
  /// What there is once for each side; unlike an array it needs no memory of its own.
  struct Each<Value> {
    var client: Value, server: Value
    init(_ client: Value, _ server: Value) { (self.client, self.server) = (client, server) }
    subscript(side: Side) -> Value {
      get { side == .client ? client : server }
      _modify { if side == .client { yield &client } else { yield &server } }
    }
    var both: [Value] { [client, server] }
    func map<Other>(_ transform: (Value) -> Other) -> [Other] { both.map(transform) }
  }

  let cores: Each<SessionCore>
  private var generator: SeededGenerator
  var now: UInt64 = 1_000_000
  private var links: [Link] = []
  var byKey = Each<[StreamKey: Link]>([:], [:])
  var datagrams = Each<[[UInt8]]>([], [])
  private var stops: [(Side, Link, UInt64)] = []
  private var closes: [(Side, SessionEnd)] = []
  var isDead = false
  /// Percent.
  var datagramLoss = 10
  /// Bytes a stream may have in flight without credit.
  var window = 20_000
  /// What the transport would not bear; empty is well.
  var faults: [String] = []
  /// Told of each event, in order.
  var onEvent: (Side, Event) -> Void = { _, _ in }
  var checkers = Each(EventChecker(), EventChecker())

  init(
    seed: UInt64, client: SessionConfiguration = SessionConfiguration(),
    server: SessionConfiguration = SessionConfiguration(), registry: [any Dialect.Type]
  ) {
    generator = SeededGenerator(seed: seed)
    cores = Each(
      SessionCore(role: .client, options: client, registry: registry),
      SessionCore(role: .server, options: server, registry: registry))
    for side in Side.allCases { self[side].ticked(at: Instant(nanoseconds: now)) }
  }
  subscript(side: Side) -> SessionCore { cores[side] }
  var client: SessionCore { cores.client }
  var server: SessionCore { cores.server }

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
          checkers[side].note(event)
          onEvent(side, event)
        }
      }
    }
  }
  private func perform(_ effect: Effect, _ side: Side) {
    switch effect {
    case .open(let key, let kind, _):
      let link = Link(kind)
      link.keys[side] = key
      link.pipes[side] = Pipe(window: window)
      if kind == .bidirectional { link.pipes[side.other] = Pipe(window: window) }
      if byKey[side][key] != nil { faults.append("\(key) is opened twice") }
      byKey[side][key] = link
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
      guard let link = byKey[side][key] else { return faults.append("stop of \(key), which is not known") }
      stops.append((side.other, link, code))
    case .consumed(let key, let count):
      guard let link = byKey[side][key] else { return faults.append("credit for \(key), which is not known") }
      link.pipes[side.other]?.window += count
    case .forget(let key):
      if byKey[side].removeValue(forKey: key) == nil { faults.append("\(key) is forgotten twice") }
    case .datagram(let bytes): datagrams[side].append(bytes.array)
    case .close(let code, let reason):
      let end = SessionEnd(.peer, .unknown(code), code: code, phrase: reason)
      closes.append((side.other, end))
    }
  }
  private func pipe(_ key: StreamKey, _ side: Side, _ what: String) -> Pipe? {
    guard let link = byKey[side][key] else {
      faults.append("\(what) on \(key), which is not known")
      return nil
    }
    guard let pipe = link.pipes[side] else {
      faults.append("\(what) on \(key), which only receives")
      return nil
    }
    return pipe
  }

  // MARK: The network

  /// Bytes of `side` that were not delivered yet.
  func waiting(from side: Side) -> Int { links.reduce(0) { $0 + ($1.pipes[side]?.bytes.count ?? 0) } }

  /// What the network may do next.
  private enum Delivery {
    case stream(Link, from: Side, Pipe)
    case datagram(from: Side)
    case stop(Int)
    case close
  }
  /// Kept for its room: a run takes thousands of steps.
  private var choices: [Delivery] = []

  /// Delivers one thing. False: there is nothing to deliver.
  func step() -> Bool {
    guard !isDead else { return false }
    choices.removeAll(keepingCapacity: true)
    for link in links where !link.isRefused {
      if let pipe = link.pipes.client, pipe.canDeliver { choices.append(.stream(link, from: .client, pipe)) }
      if let pipe = link.pipes.server, pipe.canDeliver { choices.append(.stream(link, from: .server, pipe)) }
    }
    for side in Side.allCases where !datagrams[side].isEmpty { choices.append(.datagram(from: side)) }
    for index in stops.indices { choices.append(.stop(index)) }
    if !closes.isEmpty { choices.append(.close) }
    guard !choices.isEmpty else { return false }
    now += UInt64(generator.below(2_000_000))
    for side in Side.allCases { self[side].ticked(at: Instant(nanoseconds: now)) }
    switch choices[generator.below(choices.count)] {
    case .stream(let link, let sender, let pipe): deliver(link, from: sender, pipe)
    case .datagram(let side): deliverDatagram(from: side)
    case .stop(let index): deliverStop(index)
    case .close:
      let (side, end) = closes.removeFirst()
      self[side].transportClosed(end)
    }
    pump()
    return true
  }
  private func deliver(_ link: Link, from sender: Side, _ pipe: Pipe) {
    let receiver = sender.other
    defer { if link.isOver { links.removeAll { $0 === link } } }
    if link.keys[receiver] == nil {
      guard let key = self[receiver].opened(link.kind) else {
        // Refused: the transport stops and resets it by itself.
        link.isRefused = true
        if let key = link.keys[sender], byKey[sender][key] != nil {
          self[sender].wasStopped(key, code: 0)
          if link.kind == .bidirectional { self[sender].wasReset(key, code: 0) }
        }
        return
      }
      link.keys[receiver] = key
      byKey[receiver][key] = link
    }
    guard let key = link.keys[receiver] else { return }
    // A reset overtakes what was not delivered, or comes after some of it.
    if let code = pipe.reset, pipe.bytes.isEmpty || generator.chance(50) {
      pipe.isOver = true
      if byKey[receiver][key] != nil { self[receiver].wasReset(key, code: code) }
      return
    }
    let most = min(pipe.bytes.count, pipe.window)
    let count = generator.chance(30) ? min(most, 1 + generator.below(4)) : most == 0 ? 0 : 1 + generator.below(most)
    let chunk = Array(pipe.bytes.prefix(count))
    pipe.bytes.removeFirst(count)
    pipe.window -= count
    let fin = pipe.hasFIN && pipe.bytes.isEmpty && (count == 0 || generator.chance(70))
    if fin { (pipe.isFINDelivered, pipe.isOver) = (true, true) }
    if byKey[receiver][key] != nil {
      chunk.withUnsafeBytes { self[receiver].received($0, fin: fin, on: key) }
    }
    if let own = link.keys[sender], byKey[sender][own] != nil {
      if count > 0 { self[sender].drained(own, count) }
      if fin { self[sender].acknowledged(own) }
    }
  }
  private func deliverDatagram(from side: Side) {
    let index = generator.below(datagrams[side].count)
    let bytes = datagrams[side].remove(at: index)
    if !generator.chance(datagramLoss) { bytes.withUnsafeBytes { self[side.other].received(datagram: $0) } }
  }
  private func deliverStop(_ index: Int) {
    let (side, link, code) = stops.remove(at: index)
    guard let key = link.keys[side], byKey[side][key] != nil else { return }
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
    guard let next = cores.map(\.nextDeadline).compactMap(\.self).min() else { return false }
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

import CQuic

/// One thread that does all the work of the endpoints, connections and actors that live on it.
///
/// A tick: sleep until a socket, a timer or another thread has something; read the clock once; take in
/// packets, then jobs, then timers; and at the end let everything that changed send at once. Nothing on
/// a loop is ever run twice at the same time, so nothing on it needs a lock.
public final class Loop: Sendable {
  let mailbox: Mailbox
  let bound: LoopBound<LoopCore>
  /// Pins an actor to this loop.
  public let executor: LoopExecutor
  /// Runs tasks on this loop.
  public let taskExecutor: LoopTaskExecutor

  /// Starts the thread.
  public init(name: String = "moq-loop") {
    let mailbox = Mailbox(), core = LoopCore(mailbox: mailbox)
    (self.mailbox, bound) = (mailbox, LoopBound(core, mailbox: mailbox))
    executor = LoopExecutor(mailbox: mailbox, core: core)
    taskExecutor = LoopTaskExecutor(mailbox: mailbox, core: core)
    core.executor = executor.asUnownedSerialExecutor()
    core.taskExecutor = taskExecutor.asUnownedTaskExecutor()
    core.start(name: name)
  }

  deinit { shutdown() }

  var core: LoopCore { bound.unchecked }

  /// Monotonic nanoseconds, read once a tick. On the loop only.
  public var now: UInt64 { core.now }

  /// Whether the caller is on the loop's thread.
  public var isCurrent: Bool { mailbox.isOnLoop }

  /// Stops the program unless the caller is on the loop's thread.
  public func checkCurrent() { mailbox.checkOnLoop() }

  /// Runs `body` on the loop, soon: within this tick if called on the loop. False if the loop has ended.
  @discardableResult
  public func post(_ body: @escaping @Sendable () -> Void) -> Bool {
    if mailbox.isOnLoop {
      core.ready.append(.body(body))
      return true
    }
    return mailbox.put(.body(body))
  }

  /// Runs `body` on the loop and returns what it returned; throws `NetworkError.shutDown` if the loop has ended.
  public func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      if !post({ continuation.resume(with: Result(catching: body)) }) {
        continuation.resume(throwing: NetworkError.shutDown)
      }
    }
  }

  /// A timer that is not armed yet. On the loop only.
  public func timer(_ action: @escaping () -> Void) -> LoopTimer { LoopTimer(core: bound.value, action: action) }

  /// Runs `action` at `time` (in the nanoseconds of `now`). On the loop only.
  @discardableResult
  public func schedule(at time: UInt64, _ action: @escaping () -> Void) -> LoopTimer {
    let timer = timer(action)
    timer.arm(at: time)
    return timer
  }

  /// Runs `action` when this tick's packets, jobs and timers are done, before anything is sent. On the loop only.
  public func afterTick(_ action: @escaping () -> Void) { bound.value.tickEnd.append(action) }

  /// Ends the loop: what was posted before still runs, endpoints close their connections, the thread ends.
  public func shutdown() {
    mailbox.put(.body { [bound] in bound.value.isStopping = true })
  }

  /// Waits until the thread has ended. Not on the loop itself.
  public func join() async {
    await withCheckedContinuation { continuation in
      if !mailbox.put(.body { [bound] in bound.value.atEnd.append { continuation.resume() } }) {
        continuation.resume()
      }
    }
  }
}

/// A descriptor that a loop watches.
class LoopSource {
  /// It can be read (or has an error).
  func readable() {}
  /// It can be written again.
  func writable() {}
}

/// Something that has work to do at the end of a tick.
open class LoopMember {
  final var isDirty = false
  init() {}
  /// Reports what happened in the tick to whoever uses it.
  func tell() {}
  /// Sends.
  func flush() {}
  /// The loop ends.
  func loopEnds() {}
}

/// The part of a loop that only its own thread touches.
final class LoopCore {
  let mailbox: Mailbox
  let poll: Int32
  var now = cq_now()
  var isStopping = false
  var ready: [Mailbox.Item] = []
  var timers = TimerQueue()
  var tickEnd: [() -> Void] = []
  var atEnd: [() -> Void] = []
  var executor: UnownedSerialExecutor?
  var taskExecutor: UnownedTaskExecutor?
  /// Buffers for packets, shared by all sockets of the loop.
  lazy var packets = PacketBuffers()
  /// Told when the loop ends.
  var members: [ObjectIdentifier: LoopMember] = [:]

  private var sources: [LoopSource?] = []
  private var freeSlots: [Int] = []
  private var generations: [UInt32] = []
  private var toTell: [LoopMember] = []
  private var toFlush: [LoopMember] = []
  private var batch: [Mailbox.Item] = []

  init(mailbox: Mailbox) {
    self.mailbox = mailbox
    poll = cq_poll_open()
    cq_poll_add(poll, mailbox.wakeDescriptor, .max)
  }

  deinit { cq_close(poll) }

  func start(name: String) {
    let retained = Unmanaged.passRetained(self).toOpaque()
    let failed = cq_thread_start(
      name,
      { context in
        guard let context else { return }
        Unmanaged<LoopCore>.fromOpaque(context).takeRetainedValue().run()
      }, retained)
    precondition(failed == 0, "no thread for the loop")
  }

  // MARK: Sources and members

  /// Watches `descriptor`; returns the key to stop it with.
  func watch(_ descriptor: Int32, _ source: LoopSource) -> UInt64 {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      sources[slot] = source
    } else {
      slot = sources.count
      sources.append(source)
      generations.append(0)
    }
    let key = UInt64(generations[slot]) << 32 | UInt64(slot)
    cq_poll_add(poll, descriptor, key)
    return key
  }

  /// Also says when `descriptor` can be written, or no longer.
  func watchWriting(_ descriptor: Int32, _ key: UInt64, _ on: Bool) {
    cq_poll_writing(poll, descriptor, key, on ? 1 : 0)
  }

  func unwatch(_ descriptor: Int32, _ key: UInt64) {
    cq_poll_remove(poll, descriptor)
    let slot = Int(key & 0xffff_ffff)
    guard slot < sources.count else { return }
    sources[slot] = nil
    generations[slot] &+= 1
    freeSlots.append(slot)
  }

  /// `member` has something to tell and to send at the end of this tick.
  @inline(__always)
  func mark(_ member: LoopMember) {
    guard !member.isDirty else { return }
    member.isDirty = true
    toTell.append(member)
  }

  // MARK: The loop

  private func run() {
    mailbox.enter()
    while true {
      tick()
      if isStopping { break }
    }
    end()
  }

  private func tick() {
    let events = withUnsafeTemporaryAllocation(of: cq_event.self, capacity: 64) { events -> Int in
      guard let base = events.baseAddress else { return 0 }
      var wait = Int64(-1)
      if !ready.isEmpty || !toTell.isEmpty || !tickEnd.isEmpty || isStopping {
        wait = 0
      } else {
        let next = timers.next
        if next != .max {
          let time = cq_now()
          wait = next > time ? Int64(clamping: next &- time) : 0
        }
      }
      if wait != 0, !mailbox.willSleep() { wait = 0 }
      let count = Int(cq_poll_wait(poll, base, 64, wait))
      mailbox.didWake()
      now = max(now, cq_now())
      for i in 0..<max(count, 0) { dispatch(base[i]) }
      return count
    }
    _ = events
    runJobs()
    while let timer = timers.due(at: now) { timer.action?() }
    endTick()
  }

  private func dispatch(_ event: cq_event) {
    if event.key == .max {
      cq_wake_clear(mailbox.wakeDescriptor)
      return
    }
    let slot = Int(event.key & 0xffff_ffff)
    guard slot < sources.count, generations[slot] == UInt32(event.key >> 32), let source = sources[slot] else { return }
    if event.readable != 0 { source.readable() }
    if event.writable != 0 { source.writable() }
  }

  /// Runs what was posted, and what that posts, but not for ever: sockets want their turn.
  private func runJobs() {
    for _ in 0..<16 {
      mailbox.take(&batch)
      if batch.isEmpty {
        swap(&batch, &ready)
      } else if !ready.isEmpty {
        batch.append(contentsOf: ready)
        ready.removeAll(keepingCapacity: true)
      }
      if batch.isEmpty { return }
      for item in batch { run(item) }
      batch.removeAll(keepingCapacity: true)
    }
  }

  func run(_ item: Mailbox.Item) {
    switch item {
    case .body(let body): body()
    case .job(let job, taskExecutor: false): if let executor { job.runSynchronously(on: executor) }
    case .job(let job, taskExecutor: true): if let taskExecutor { job.runSynchronously(on: taskExecutor) }
    }
  }

  private func endTick() {
    // Telling may mark others, as when a relay forwards; flushing tells nobody anything before the next tick.
    var rounds = 0
    while !tickEnd.isEmpty || !toTell.isEmpty {
      var actions: [() -> Void] = []
      swap(&actions, &tickEnd)
      for action in actions { action() }
      var told: [LoopMember] = []
      swap(&told, &toTell)
      for member in told { member.tell() }
      toFlush.append(contentsOf: told)
      for member in told { member.isDirty = false }
      rounds += 1
      if rounds >= 16 { break }
    }
    guard !toFlush.isEmpty else { return }
    var flushed: [LoopMember] = []
    swap(&flushed, &toFlush)
    for member in flushed { member.flush() }
    flushed.removeAll(keepingCapacity: true)
    if toFlush.isEmpty { swap(&flushed, &toFlush) }
  }

  private func end() {
    for member in Array(members.values) { member.loopEnds() }
    endTick()
    for _ in 0..<16 {
      runJobs()
      endTick()
    }
    // Taken out first: letting go of what is left may reach back here.
    let dying = (timers.removeAll(), sources, members)
    (sources, members) = ([], [:])
    withExtendedLifetime(dying) {}
    mailbox.close()
    for action in atEnd { action() }
    atEnd = []
    mailbox.leave()
    let left = ready
    ready = []
    for item in left { run(item) }
    mailbox.drainAfterEnd { run($0) }
  }
}

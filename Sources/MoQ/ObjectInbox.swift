import MoQKernel
import Synchronization

/// A whole object on its way from the loop to a consumer.
struct Parcel: Sendable {
  var info: ObjectInfo
  /// The payload's first part, as it arrived.
  var payload: Bytes
  /// Further parts: joined when the object is taken, off the loop.
  var rest: [Bytes]
  var receivedAt: Instant
  /// nil: a datagram.
  var stream: StreamKey?
  /// Bytes the peer gets credit for once the object is taken.
  var credit: Int

  var object: ReceivedObject {
    ReceivedObject(
      group: info.group, subgroup: info.subgroup, id: info.id, priority: info.priority, status: info.status,
      extensions: info.extensions, payload: rest.isEmpty ? payload : Bytes(joining: [payload] + rest),
      receivedAt: receivedAt, isDatagram: stream == nil)
  }
}

/// The objects of one group, or of one fetch, between the loop and the one task that takes them.
///
/// The loop puts in what came in a batch under one lock; the consumer takes one object at a time, and
/// the credit for what it has taken goes back to the loop in batches.
final class ObjectInbox: Sendable {
  /// So many taken bytes are credited at once, or fewer when the inbox has run empty.
  static let creditBatch = 128 << 10

  /// One stream of the group, in its own order.
  private struct Source {
    let stream: StreamKey?
    var parcels = Queue<Parcel>()
    var isOpen = true
  }

  private struct State {
    var sources: [Source] = []
    var count = 0
    var isFinished = false
    var isAbandoned = false
    var ending: ReceivedGroup.Ending?
    var failure: MoQError?
    /// Whether one source must have ended before the others count: its stream, once it is known.
    var isLed = false
    var leader: StreamKey?
    /// The last object that the leader brought: what others bring up to it is there twice.
    var through: Location?
    var lastLeader: StreamKey?
    /// Taken, and not yet told to the loop.
    var credits: [(stream: StreamKey, bytes: Int)] = []
    var owed = 0
    var isPosted = false
  }

  private let state = Mutex(State())
  private let gate = Gate()
  private let link: FeedLink

  /// Whether streams come one after the other, and are taken so.
  private let isSequential: Bool

  init(link: FeedLink, isSequential: Bool = false) { (self.link, self.isSequential) = (link, isSequential) }

  // MARK: The loop's side

  /// Adds what arrived, and says how many objects wait now. On an abandoned inbox: nil, and nothing is added.
  func put(_ parcels: [Parcel]) -> Int? {
    let (count, wake): (Int?, Bool) = state.withLock { state in
      guard !state.isAbandoned else { return (nil, false) }
      let wasEmpty = state.count == 0
      for parcel in parcels {
        let index = Self.source(parcel.stream, &state)
        state.sources[index].parcels.append(parcel)
      }
      state.count += parcels.count
      return (state.count, wasEmpty || state.isLed || state.sources.count > 1)
    }
    if wake { gate.open() }
    return count
  }

  private static func source(_ stream: StreamKey?, _ state: inout State) -> Int {
    if let index = state.sources.lastIndex(where: { $0.stream == stream && $0.isOpen }) { return index }
    state.sources.append(Source(stream: stream))
    return state.sources.count - 1
  }

  /// The stream has ended: what it brought can still be taken.
  func ended(_ stream: StreamKey) {
    let wake = state.withLock { state in
      if let index = state.sources.firstIndex(where: { $0.stream == stream }) {
        state.sources[index].isOpen = false
        if state.sources[index].parcels.isEmpty { state.sources.remove(at: index) }
      }
      guard state.isLed, state.leader == stream else { return false }
      (state.isLed, state.leader) = (false, nil)
      return true
    }
    if wake { gate.open() }
  }

  /// Nothing is to be taken before the stream that will be named (or `unlead` is called), and that stream's objects go first.
  func lead(_ stream: StreamKey?) { state.withLock { ($0.isLed, $0.leader, $0.lastLeader) = (true, stream, stream) } }
  func unlead() {
    state.withLock { ($0.isLed, $0.leader) = (false, nil) }
    gate.open()
  }

  /// No more will come.
  func finish(_ ending: ReceivedGroup.Ending, _ failure: MoQError? = nil) {
    state.withLock { state in
      guard !state.isFinished else { return }
      (state.isFinished, state.isLed, state.leader) = (true, false, nil)
      (state.ending, state.failure) = (ending, failure)
    }
    gate.open()
  }

  var isEmpty: Bool { state.withLock { $0.count == 0 } }

  /// What has been taken since the last call, and how many objects wait.
  func takeCredits() -> (credits: [(stream: StreamKey, bytes: Int)], count: Int) {
    state.withLock { state in
      defer { (state.credits, state.owed, state.isPosted) = ([], 0, false) }
      return (state.credits, state.count)
    }
  }

  // MARK: The consumer's side

  private enum Taken { case object(Parcel), repeated, end, failure(MoQError), nothing }

  private func take() -> (Taken, post: Bool) {
    state.withLock { state in
      guard let index = isSequential ? Self.first(state) : Self.next(state) else {
        guard state.isFinished || state.isAbandoned else { return (.nothing, Self.post(&state)) }
        defer { state.failure = nil }
        return (state.failure.map { .failure($0) } ?? .end, Self.post(&state))
      }
      guard let parcel = state.sources[index].parcels.popFirst() else { return (.nothing, false) }
      if !state.sources[index].isOpen, state.sources[index].parcels.isEmpty { state.sources.remove(at: index) }
      state.count -= 1
      var isRepeated = false
      if let leader = state.lastLeader {
        if parcel.stream == leader {
          state.through = parcel.info.location
        } else if let through = state.through {
          isRepeated = parcel.info.location <= through
        }
      }
      if let stream = parcel.stream {
        if state.credits.last?.stream == stream {
          state.credits[state.credits.count - 1].bytes += parcel.credit
        } else {
          state.credits.append((stream, parcel.credit))
        }
        state.owed += parcel.credit
      }
      let isDue = state.owed >= Self.creditBatch || state.count == 0
      return (isRepeated ? .repeated : .object(parcel), isDue ? Self.post(&state) : false)
    }
  }

  /// The source whose first object has the lowest id.
  private static func next(_ state: State) -> Int? {
    if state.sources.count == 1, !state.isLed { return state.sources[0].parcels.isEmpty ? nil : 0 }
    var best: (index: Int, at: Location)?
    for (index, source) in state.sources.enumerated() {
      if state.isLed, source.stream != state.leader || state.leader == nil { continue }
      guard let first = source.parcels.first else { continue }
      if let best, best.at <= first.info.location { continue }
      best = (index, first.info.location)
    }
    return best?.index
  }

  /// The first stream that has objects.
  private static func first(_ state: State) -> Int? { state.sources.firstIndex { !$0.parcels.isEmpty } }

  private static func post(_ state: inout State) -> Bool {
    guard !state.credits.isEmpty, !state.isPosted else { return false }
    state.isPosted = true
    return true
  }

  /// The next object; nil: there are no more. Throws `cancelled` with the task.
  func next(isolation: isolated (any Actor)? = #isolation) async throws(MoQError) -> ReceivedObject? {
    while true {
      let ticket = gate.ticket
      let (taken, post) = take()
      if post { link.consumed(self) }
      switch taken {
      case .object(let parcel): return parcel.object
      case .repeated: continue
      case .end: return nil
      case .failure(let failure): throw failure
      case .nothing: break
      }
      if Task.isCancelled { throw .cancelledTask }
      await gate.wait(ticket)
    }
  }

  /// The consumer wants no more: everything that waits counts as taken.
  func abandon() {
    let matters = state.withLock { state in
      guard !state.isAbandoned else { return false }
      state.isAbandoned = true
      for index in state.sources.indices {
        guard let stream = state.sources[index].stream else { continue }
        var bytes = 0
        while let parcel = state.sources[index].parcels.popFirst() { bytes += parcel.credit }
        if bytes > 0 { state.credits.append((stream, bytes)) }
      }
      (state.sources, state.count) = ([], 0)
      return !state.isFinished || !state.credits.isEmpty
    }
    gate.open()
    if matters { link.abandoned(self) }
  }

  var ending: ReceivedGroup.Ending? { state.withLock { $0.isFinished && $0.count == 0 ? $0.ending : nil } }
}

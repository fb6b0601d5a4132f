// Streams come and go here; what is on them is read in +Control, +RequestStreams and +Incoming.

extension SessionCore {
  // MARK: Inputs

  /// The peer has opened a stream. nil: refuse it (STOP_SENDING and RESET_STREAM).
  public func opened(_ kind: StreamKind) -> StreamKey? {
    guard !setup.isClosed, incomingStreams < configuration.maximumIncomingStreams else { return nil }
    let use: Stream.Use
    switch (rules?.control, kind) {
    case (nil, _): use = .unknown
    case (_?, .unidirectional): use = .receiving
    // A second bidirectional stream may be an error (§3.3 of draft-14); it is enough to refuse it.
    case (.oneStream?, .bidirectional): return nil
    case (.oneStreamBeside?, .bidirectional), (.streamPair?, .bidirectional), (.streams?, .bidirectional):
      use = .request
    }
    let stream = Stream(streams.reserveKey(), kind, isOurs: false, use: use)
    streams.insert(stream)
    incomingStreams += 1
    return stream.key
  }

  public func received(_ bytes: UnsafeRawBufferPointer, fin: Bool, on key: StreamKey) {
    guard !setup.isClosed, let stream = streams[key], !stream.isReceived else { return }
    do {
      if bytes.count > 0 { try take(bytes, stream) }
      if fin { try receiveEnded(stream, reset: nil) }
      giveCredit(stream)
      try checkQueues()
    } catch { shut(error) }
  }

  /// The peer will send no more on the stream (RESET_STREAM).
  public func wasReset(_ key: StreamKey, code: UInt64) {
    guard !setup.isClosed, let stream = streams[key], !stream.isReceived else { return }
    do {
      try receiveEnded(stream, reset: code)
      giveCredit(stream)
      try checkQueues()
    } catch { shut(error) }
  }

  /// The peer wants no more of the stream (STOP_SENDING).
  public func wasStopped(_ key: StreamKey, code: UInt64) {
    guard !setup.isClosed, let stream = streams[key], !stream.isSettled else { return }
    do { try sendingStopped(stream, code) } catch { shut(error) }
  }
  private func sendingStopped(_ stream: Stream, _ code: UInt64) throws(SessionFailure) {
    switch stream.use {
    case .sending,
      .exchange where !stream.isOurs:
      tell(.stopped(stream.key, code: code))
      let request = stream.request
      tellGap(of: stream, code)
      dropSending(stream, code)
      outgoingEnded(stream)
      settle(stream)
      if let fetch = request as? ServedFetch { tell(.withdrawn(fetch.key, RequestFailure(.cancelled))) }
    case .control: throw violation("the peer stops the control stream")
    case .request:
      dropSending(stream, code)
      // A responder that wants no more questions may still answer; a requester that wants no answer is gone.
      if stream.isOurs { settle(stream) } else { try carrierEnded(stream, reset: code) }
    // The peer wants no more updates of our request; its answer goes on.
    case .unknown, .receiving, .held, .refused, .exchange:
      dropSending(stream, code)
      settle(stream)
    }
  }

  /// `count` bytes handed over by `.send` have left the transport's queue.
  public func drained(_ key: StreamKey, _ count: Int) {
    guard let stream = streams[key] else { return }
    stream.queued = max(0, stream.queued &- max(count, 0))
    guard stream.isFull, stream.queued <= configuration.lowWater, !stream.isSent else { return }
    stream.isFull = false
    tell(.writable(key))
  }

  /// Everything on the stream, its FIN included, has arrived at the peer.
  public func acknowledged(_ key: StreamKey) {
    guard !setup.isClosed, let stream = streams[key], stream.isSent, !stream.isSettled else { return }
    stream.isSettled = true
    if case .sending = stream.use { tell(.delivered(key)) }
    settle(stream)
  }

  // MARK: Bytes

  /// Passes bytes on to whoever the stream is for.
  func take(_ bytes: UnsafeRawBufferPointer, _ stream: Stream) throws(SessionFailure) {
    switch stream.use {
    case .receiving: try objectsArrived(bytes, stream)
    case .exchange where stream.isOurs:
      fetchedArrive(stream)
      try objectsArrived(bytes, stream)
    case .control:
      stream.pending.append(contentsOf: bytes)
      stream.credit += bytes.count
      try controlArrived(stream)
    case .request, .exchange:
      stream.pending.append(contentsOf: bytes)
      stream.credit += bytes.count
      try requestArrived(stream)
    case .unknown:
      guard hold(bytes, stream) else {
        guard role == .server, stream.kind == .bidirectional, controlIn == nil else {
          return refuse(stream, .internalError)
        }
        throw SessionFailure(
          .protocolViolation, "the peer's setup is longer than \(configuration.maximumHeldBytes) bytes")
      }
      if role == .server, stream.kind == .bidirectional, controlIn == nil { try sniff(stream) }
    case .held:
      if !hold(bytes, stream) {
        counters.streamsDropped += 1
        refuse(stream, .internalError)
        stream.credit += bytes.count
      }
    case .refused: stream.credit += bytes.count
    case .sending: break
    }
  }
  /// Keeps bytes that nobody can read yet, and gives no credit for them. False: there are too many.
  private func hold(_ bytes: UnsafeRawBufferPointer, _ stream: Stream) -> Bool {
    guard heldBytes + bytes.count <= configuration.maximumHeldBytes else { return false }
    stream.pending.append(contentsOf: bytes)
    heldBytes += bytes.count
    return true
  }

  /// FIN (`reset` nil) or RESET_STREAM.
  func receiveEnded(_ stream: Stream, reset: UInt64?) throws(SessionFailure) {
    switch stream.use {
    case .unknown, .held:
      stream.heldEnd = reset.map { .reset($0) } ?? .fin
      if role == .server, stream.kind == .bidirectional, controlIn == nil, case .unknown = stream.use {
        throw SessionFailure(
          .protocolViolation, negotiation.failure("the peer ended the first stream within its setup", agreed))
      }
      return
    case .control: throw controlEnded(reset)
    case .request:
      stream.isReceived = true
      if reset == nil, !stream.isOurs, stream.grammar?.openerMayFinish ?? false {
        try openerFinished(stream)
      } else {
        try carrierEnded(stream, reset: reset)
      }
      return
    case .exchange:
      stream.isReceived = true
      if stream.isOurs {
        try fetchedEnd(stream, reset: reset)
      } else if let reset {
        withdraw(fetchOn: stream, reset)
      } else {
        try openerFinished(stream)
      }
    case .receiving:
      stream.isReceived = true
      try objectsEnded(stream, reset: reset)
    case .refused, .sending: stream.isReceived = true
    }
    settle(stream)
  }

  // MARK: Our half

  func openStream(_ kind: StreamKind, _ priority: SendPriority, use: Stream.Use) -> Stream {
    let stream = Stream(streams.reserveKey(), kind, isOurs: true, use: use)
    streams.insert(stream)
    perform(.open(stream.key, kind, priority))
    return stream
  }
  @inline(__always) func send(_ bytes: consuming Bytes, on stream: Stream) {
    let count = bytes.count
    guard count > 0, !stream.isSent else { return }
    stream.queued &+= count
    perform(.send(stream.key, bytes))
  }
  func finishSending(_ stream: Stream) {
    guard !stream.isSent else { return }
    stream.isSent = true
    perform(.finish(stream.key))
  }
  /// RESET_STREAM; what was queued will not be sent.
  func dropSending(_ stream: Stream, _ code: UInt64) {
    guard !stream.isSettled else { return }
    (stream.isSent, stream.isSettled, stream.queued) = (true, true, 0)
    perform(.reset(stream.key, code: code))
  }

  // MARK: The peer's half

  /// Asks for no more of a stream; what still comes is dropped, and credited.
  func refuse(_ stream: Stream, _ reason: StreamReason) {
    refuse(stream, code: rules?.codes.stream.code(of: reason) ?? 0)
  }
  func refuse(_ stream: Stream, code: UInt64) {
    switch stream.use {
    case .refused: return
    case .unknown, .held:
      heldBytes -= stream.pending.count
      stream.credit += stream.pending.count
      if let index = held.firstIndex(where: { $0 === stream }) { held.remove(at: index) }
      if stream.heldEnd != nil { stream.isReceived = true }
    case .receiving,
      .exchange where stream.isOurs:
      // A header that is not whole: nothing of it has been credited.
      stream.credit += stream.pending.count
    case .control, .request, .sending, .exchange: break
    }
    if stream.receivesObjects { stream.isWithoutObjects() }
    stream.use = .refused
    stream.pending = []
    // The owner will report nothing of it any more.
    stream.credit += stream.unconsumed
    stream.unconsumed = 0
    if !stream.isReceived { perform(.stop(stream.key, code: code)) }
    if stream.kind == .bidirectional { dropSending(stream, code) }
    giveCredit(stream)
    settle(stream)
  }

  /// Forgets a stream when nothing more can happen on it.
  func settle(_ stream: Stream) {
    guard stream.isReceived, stream.isSettled, stream.unconsumed == 0, streams[stream.key] === stream else { return }
    if let effect = credit(of: stream) { perform(effect) }
    stream.request?.detach(stream)
    if !stream.isOurs { incomingStreams -= 1 }
    streams.remove(stream)
    tap?.forgot(stream.key)
    perform(.forget(stream.key))
  }
}

// Requests that have a stream of their own: which message comes next is the stream's type and place.

extension SessionCore {
  func requestArrived(_ stream: Stream) throws(SessionFailure) {
    guard let codec, let rules else { return }
    if stream.grammar == nil {
      guard try identify(stream, codec, rules) else { return }
    }
    guard let grammar = stream.grammar else { return }
    let side = stream.isOurs ? grammar.acceptor : grammar.opener
    var used = 0
    let bytes = stream.pending
    while used < bytes.count, !setup.isClosed, stream.receivesMessages {
      var kind: MessageKind?
      if case .typed = codec.framing {
      } else {
        kind = stream.messagesReceived == 0 ? side.first : side.then
        guard kind != nil else { throw violation("a message that the stream does not have") }
      }
      let rest = bytes.span.bytes.extracting(used..<bytes.count)
      guard let (message, size) = try readPeerMessage(rest, kind, on: stream) else { break }
      used += size
      stream.messagesReceived += 1
      try handle(message, stream)
    }
    if used > 0, stream.receivesMessages { stream.pending.removeFirst(min(used, stream.pending.count)) }
  }
  /// Reads the stream's type. False: it has not come yet.
  private func identify(
    _ stream: Stream, _ codec: any Dialect.Type, _ rules: Rules
  ) throws(SessionFailure) -> Bool {
    let pending = stream.pending
    var reader = WireReader(pending.span.bytes, integers: forms?.integers ?? .quic), type: UInt64 = 0
    guard (try? reader.varint("Stream Type", &type)) != nil else { return false }
    let size = reader.position
    // The session's own stream comes once, and has come.
    guard let found = codec.requestStreams.first(where: { $0.type == type && $0.opener.first != .clientSetup }) else {
      switch rules.unknownStream {
      case .closesSession: throw violation("a stream of unknown type 0x\(String(type, radix: 16))")
      case .resetsStream:
        refuse(stream, .internalError)
        return false
      }
    }
    stream.grammar = found
    if !found.isMessageType { stream.pending.removeFirst(size) }
    return true
  }

  /// The peer has no more to say on a stream whose answer it still wants.
  func openerFinished(_ stream: Stream) throws(SessionFailure) {
    guard stream.pending.isEmpty, stream.messagesReceived > 0 else {
      throw violation("a request's stream ends within a message")
    }
    settle(stream)
  }
  /// The peer has ended its half of a request's stream, or wants no more of ours: the request is over.
  func carrierEnded(_ stream: Stream, reset: UInt64?) throws(SessionFailure) {
    guard let rules else { return }
    guard case .request = stream.use else { return settle(stream) }
    if reset == nil, !stream.pending.isEmpty || stream.grammar == nil || stream.messagesReceived == 0 && !stream.isOurs
    {
      throw violation("a request's stream ends within a message")
    }
    let request = stream.request
    stream.use = .refused
    stream.pending = []
    stream.request = nil
    request?.carrier = nil
    // Both halves end together. FIN is answered with FIN.
    if reset == nil { finishSending(stream) } else { dropSending(stream, reset ?? 0) }
    if !stream.isReceived { perform(.stop(stream.key, code: reset ?? 0)) }
    if let request {
      try ended(request, reset.map(rules.codes.requestFailure) ?? RequestFailure(.trackEnded), isReset: reset != nil)
    }
    settle(stream)
  }
  private func ended(_ request: Request, _ failure: RequestFailure, isReset: Bool) throws(SessionFailure) {
    switch request {
    case let request as Subscription: subscriptionEnded(request, failure, isReset: isReset)
    case let request as ServedSubscription: withdraw(request, RequestFailure(.cancelled, code: failure.code))
    case let request as Interest: interestEnded(request, failure)
    case let request as Fetching:
      if request.state.cancelled() { fail(request, failure) }
    case let request as ServedFetch:
      if request.state.end() { fail(request, failure) }
    case let request as Announcement: announcementEnded(request, failure)
    default: fail(request, failure)
    }
  }
}

// The control stream: messages with types, which belong to requests by their numbers. `handle` gets them
// as if each request had a stream of its own, which is how later drafts and moq-lite have it.

extension SessionCore {
  /// Reads the next whole message at the start of `bytes`; nil: more is needed. `kind` nil: its type says which.
  /// `stream` nil: it is only tried, and the tap does not hear of it.
  func readMessage(
    _ bytes: RawSpan, _ kind: MessageKind?, _ codec: any Dialect.Type, _ maximum: Int, on stream: Stream?
  ) throws(SessionFailure) -> (Message, Int)? {
    var found = kind
    do throws(WireError) {
      let framing = kind.map(codec.framing(of:)) ?? codec.framing
      // What has no length is read anew with each part that comes: it stays as short as those that have one.
      let maximum = framing == .bare ? min(maximum, WireLimits.message) : maximum
      guard let frame = try ControlFrame.find(in: bytes, framing, integers: codec.objects.integers, maximum: maximum)
      else { return nil }
      if let type = frame.type {
        guard let named = codec.kind(ofType: type) else {
          throw WireError(.unknownMessage, "Type", found: type, offset: 0)
        }
        found = named
      }
      guard let found else { throw WireError(.unknownMessage, "Type", offset: 0) }
      let count = frame.count ?? bytes.byteCount
      guard count <= bytes.byteCount else { return nil }
      var reader = WireReader(bytes.extracting(0..<count), integers: codec.objects.integers)
      do throws(WireError) {
        let message = try codec.decode(found, from: &reader)
        if let tap, let stream {
          tap.control(
            .parsed, found, bytes.extracting(0..<reader.position), in: codec, on: place(stream), at: now)
        }
        return (message, reader.position)
      } catch {
        // Without a length, only reading tells whether the message is whole.
        if frame.body == nil, error.kind == .truncated, bytes.byteCount < maximum { return nil }
        throw error
      }
    } catch {
      if let stream { tap?.control(.parsed, nil, bytes, in: codec, on: place(stream), at: now) }
      throw SessionFailure(error.sessionReason, codec.explain(error, in: found).description)
    }
  }

  func controlArrived(_ stream: Stream) throws(SessionFailure) {
    if !setup.isOpen {
      guard try readServerSetup(stream) else { return }
    }
    guard let rules else { return }
    var used = 0
    defer { if used > 0, !setup.isClosed { stream.pending.removeFirst(min(used, stream.pending.count)) } }
    let bytes = stream.pending
    while used < bytes.count, !setup.isClosed {
      var kind: MessageKind?
      if case .streams = rules.control {
        let session = grammar(of: .clientSetup)
        kind = role == .client ? session?.acceptor.then : session?.opener.then
        guard kind != nil else { throw violation("nothing follows on the session's stream") }
      }
      let rest = bytes.span.bytes.extracting(used..<bytes.count)
      guard let (message, size) = try readPeerMessage(rest, kind, on: stream) else { return }
      used += size
      try handle(message, nil)
    }
  }
  /// The control stream's end is the session's: a fault where the draft forbids it, else the peer's way to close.
  func controlEnded(_ reset: UInt64?) -> SessionFailure {
    guard setup.isOpen, case .streams = rules?.control else {
      let failure = violation("the peer \(reset == nil ? "ended" : "reset") the control stream")
      guard setup.isOpen else {
        return SessionFailure(.protocolViolation, negotiation.failure("the peer ended the session's stream", agreed))
      }
      return failure
    }
    let reason = reset.map { rules?.codes.sessionReason(of: $0) ?? .unknown($0) } ?? .noError
    perform(.close(code: 0, reason: ""))
    end(SessionEnd(.peer, reason, code: reset ?? 0, phrase: "the peer ended the session's stream"))
    return SessionFailure(.noError, "")
  }

  // MARK: Out

  /// A message in bytes, or why the dialect cannot say it.
  func encode(_ message: Message, type: UInt64? = nil) throws(CommandError) -> Bytes {
    guard let codec else { throw CommandError(.notOpen, "no dialect is chosen") }
    writer.clear()
    do throws(WireError) {
      if let type { try writer.varint(type, "Stream Type") }
      try codec.encode(message, into: &writer)
    } catch {
      throw CommandError(.inexpressible, codec.explain(error, in: message.kind).description)
    }
    return writer.withBytes { Bytes(copying: $0) }
  }
  func sendControl(_ message: Message) throws(CommandError) {
    guard let controlOut else { throw CommandError(.notOpen, "there is no control stream") }
    let bytes = try encode(message)
    tapped(message.kind, bytes, codec, on: controlOut)
    send(bytes, on: controlOut)
  }
  /// An answer of ours that must be sayable, made of what the peer sent or of what was checked before.
  func answer(_ message: Message, _ request: Request) throws(CommandError) {
    let bytes = try encode(message)
    dropTokens(of: request)
    guard let stream = request.carrier ?? controlOut else { return }
    tapped(message.kind, bytes, codec, on: stream)
    send(bytes, on: stream)
  }
  func phrase(_ failure: RequestFailure) -> [UInt8] {
    // Cut between characters, so that it stays UTF-8.
    var text = Substring(failure.phrase)
    while text.utf8.count > WireLimits.reasonPhrase { text = text.dropLast() }
    return Array(text.utf8)
  }

  // MARK: In

  /// One message of the peer. `carrier`: the request stream it came on, where it has one.
  func handle(_ message: Message, _ carrier: Stream?) throws(SessionFailure) {
    switch message {
    case .clientSetup, .serverSetup: throw violation("a second setup")
    case .sessionUpdate(let m): tell(.bitrate(m.bitrate))
    case .goAway(let m): try peerGoesAway(m)
    case .maxRequestID(let m): try creditArrived(m.limit)
    case .requestsBlocked(let m): peerIsBlocked(at: m.limit)

    case .subscribe(let m): try peerSubscribes(m, carrier)
    case .subscribeOK(let m): try subscriptionAccepted(m, carrier)
    case .subscribeError(let m): try refused(m, carrier, as: Subscription.self)
    case .subscribeGap(let m): try gapTold(m, carrier)
    case .subscribeUpdate(let m): try peerUpdates(m, carrier)
    case .unsubscribe(let m): try peerUnsubscribes(m)
    case .subscribeDone(let m): try subscriptionDone(m, carrier)
    case .publish(let m): try peerPublishes(m, carrier)
    case .publishOK(let m): try publishAccepted(m, carrier)
    case .publishError(let m): try refused(m, carrier, as: ServedSubscription.self)

    case .fetch(let m): try peerFetches(m, carrier)
    case .fetchOK(let m): try fetchAccepted(m, carrier)
    case .fetchError(let m): try refused(m, carrier, as: Fetching.self)
    case .fetchCancel(let m): try peerCancelsFetch(m)
    case .fetchUpdate(let m): try peerUpdatesFetch(m, carrier)

    case .trackStatus(let m): try peerAsksStatus(m, carrier)
    case .trackStatusOK(let m): try statusArrived(m, carrier)
    case .trackStatusError(let m): try refused(m, carrier, as: StatusQuery.self)

    case .publishNamespace(let m): try peerAnnounces(m, carrier)
    case .publishNamespaceOK(let m): try accepted(m, carrier, as: Announcement.self)
    case .publishNamespaceError(let m): try refused(m, carrier, as: Announcement.self)
    case .publishNamespaceDone(let m): try peerWithdraws(m)
    case .publishNamespaceCancel(let m): try peerCancelsAnnouncement(m)
    case .subscribeNamespace(let m): try peerIsInterested(m, carrier)
    case .subscribeNamespaceOK(let m): try accepted(m, carrier, as: Interest.self)
    case .subscribeNamespaceError(let m): try refused(m, carrier, as: Interest.self)
    case .unsubscribeNamespace(let m): try peerLosesInterest(m)
    case .announceInit(let m): try announcementsListed(m, carrier)
    case .announce(let m): try announcementTold(m, carrier)
    }
  }

  private func peerGoesAway(_ m: GoAway) throws(SessionFailure) {
    if case .serverOnly = rules?.goAway, role == .server { throw violation("GOAWAY from a client") }
    guard !peerIsGoingAway else { throw violation("a second GOAWAY") }
    guard role == .client || m.uri.isEmpty else { throw violation("GOAWAY from a client names another place") }
    peerIsGoingAway = true
    tell(.goingAway(uri: String(decoding: m.uri, as: UTF8.self)))
  }

  /// Whether the peer wants to hear of the bitrate.
  public var tellsBitrate: Bool { if setup.isOpen, case .exists? = rules?.bitrateUpdates { true } else { false } }
  /// The bitrate that the transport allows now, in bits per second; 0: not known. The peer is told where the dialect
  /// can say it, and if it has changed by a quarter or more since it was told last.
  public func measured(bitrate: UInt64) {
    let told = toldBitrate ?? 0
    let change = max(bitrate, told) - min(bitrate, told)
    // What is not known has not changed.
    guard change > 0, change >= told / 4 else { return }
    report(bitrate: bitrate)
  }
  /// Tells the peer the bitrate we expect, in bits per second; 0: not known. Left out where the dialect cannot.
  public func report(bitrate: UInt64) {
    guard tellsBitrate else { return }
    var message = SessionUpdate()
    message.bitrate = min(bitrate, WireLimits.varint)
    guard (try? sendControl(.sessionUpdate(message))) != nil else { return }
    toldBitrate = bitrate
  }
}

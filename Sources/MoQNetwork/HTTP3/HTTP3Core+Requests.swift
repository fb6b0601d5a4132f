import MoQKernel

// Request streams: a CONNECT and its answer, then capsules.

extension HTTP3Core {
  func readRequest(_ stream: HTTP3Stream, _ bytes: UnsafeRawBufferPointer, _ fin: Bool) throws(HTTP3Fault) {
    guard peerSettings != nil || !isServer else {
      earlyBytes += bytes.count
      guard earlyBytes <= Self.maximumEarlyBytes else {
        throw HTTP3Fault(.excessiveLoad, "requests of more than \(Self.maximumEarlyBytes) bytes, and no SETTINGS")
      }
      stream.pending.append(contentsOf: bytes)
      stream.pendingEnd = fin
      return
    }
    var rest = bytes
    while case .request(let phase) = stream.use, let piece = stream.frames.next(&rest) {
      switch piece {
      case .header(let type, let length): try requestFrameBegins(stream, phase, type, length)
      case .payload(let part, let isLast):
        switch stream.frameType {
        case FrameType.headers:
          stream.payload.append(contentsOf: part)
          guard isLast else { continue }
          let section = stream.payload
          stream.payload = []
          try readHeaders(stream, section)
        case FrameType.data: readData(stream, phase, part)
        default: continue
        }
      }
    }
    if fin, case .request(let phase) = stream.use { try requestEnded(stream, phase) }
    if fin, case .ignored = stream.use { streams[stream.id] = nil }
  }

  private func requestFrameBegins(
    _ stream: HTTP3Stream, _ phase: HTTP3Stream.RequestPhase, _ type: UInt64, _ length: UInt64
  ) throws(HTTP3Fault) {
    stream.frameType = type
    let misplaced = HTTP3Fault(
      .frameUnexpected, "frame \(ConnectionClose.hex(type)) on request stream \(stream.id) (RFC 9114 §7.2)")
    switch type {
    case FrameType.headers:
      // A CONNECT that was accepted carries DATA and nothing else (RFC 9114 §4.4).
      guard case .headers = phase else { throw misplaced }
      if length > UInt64(FieldSection.maximumBytes) { refuse(stream, .excessiveLoad) }
    case FrameType.data: if case .headers = phase { throw misplaced }
    case FrameType.webTransport:
      throw HTTP3Fault(.frameError, "the signal 0x41 within request stream \(stream.id) (draft-webtrans-http3 §4.3)")
    case FrameType.pushPromise:
      guard !isServer else { throw misplaced }
      throw HTTP3Fault(.idError, "PUSH_PROMISE, and no push was allowed (RFC 9114 §7.2.5)")
    case FrameType.cancelPush, FrameType.settings, FrameType.goAway, FrameType.maximumPush,
      FrameType.priorityOfRequest, FrameType.priorityOfPush:
      throw misplaced
    case _ where FrameType.ofHTTP2.contains(type): throw misplaced
    default: break
    }
  }

  private func readHeaders(_ stream: HTTP3Stream, _ section: [UInt8]) throws(HTTP3Fault) {
    let fields: [Field]
    do throws(QPACK.Failure) {
      fields = try qpack.decode(section, stream: stream.id)
    } catch {
      switch error {
      case .tooLarge: return refuse(stream, .excessiveLoad)
      case .malformed:
        throw HTTP3Fault(.decompressionFailed, "the fields on stream \(stream.id) cannot be read (RFC 9204 §6)")
      }
    }
    if isServer { answer(stream, fields) } else { readAnswer(stream, fields) }
  }

  // MARK: A server's

  private func answer(_ stream: HTTP3Stream, _ fields: [Field]) {
    guard let request = IncomingRequest(fields) else { return refuse(stream, .messageError) }
    switch request {
    case .other(let status): refuse(stream, status: status)
    case .webTransport(let request, let wantsDraft02):
      guard !isGoingAway else { return refuse(stream, .requestRejected) }
      guard policy.serves(path: request.path) else { return refuse(stream, status: 404) }
      guard policy.allows(origin: request.origin) else { return refuse(stream, status: 403) }
      guard sessions.count < policy.maximumSessions else { return refuse(stream, status: 429) }
      if let permittedSessions, sessions.count >= permittedSessions { return refuse(stream, .requestRejected) }
      let chosen = protocols.first { request.protocols.contains($0) }
      var fields = [Field(":status", "200")]
      if wantsDraft02 { fields.append(Field("sec-webtransport-http3-draft", "draft02")) }
      if let chosen { fields.append(Field("wt-protocol", StructuredField.item(chosen))) }
      guard respond(stream, fields) else { return refuse(stream, .internalError) }
      stream.use = .request(.open)
      open(WebTransportFacts(id: stream.id, request: request, chosen: chosen))
    }
  }

  private func respond(_ stream: HTTP3Stream, _ fields: [Field]) -> Bool {
    guard let section = qpack.encode(fields, stream: stream.id) else { return false }
    var bytes: [UInt8] = []
    bytes.append(frame: FrameType.headers, section)
    perform(.write(stream.id, bytes))
    return true
  }

  /// Answers with a status, and reads no more.
  private func refuse(_ stream: HTTP3Stream, status: Int) {
    guard respond(stream, [Field(":status", "\(status)")]) else { return refuse(stream, .internalError) }
    perform(.finish(stream.id))
    perform(.stop(stream.id, .noError))
    drop(stream)
  }

  // MARK: A client's

  private func readAnswer(_ stream: HTTP3Stream, _ fields: [Field]) {
    guard let request = stream.request, let response = IncomingResponse(fields) else {
      return refuse(stream, .messageError)
    }
    switch response.status {
    // Another answer follows.
    case 100..<200: return
    case 200..<300:
      if let chosen = response.chosen, !request.protocols.contains(chosen) {
        perform(.refused(stream.id, .protocolNotOffered(chosen)))
        return refuse(stream, .alpnError, isTold: true)
      }
      stream.use = .request(.open)
      open(WebTransportFacts(id: stream.id, request: request, chosen: response.chosen))
    case let status:
      perform(.refused(stream.id, .refused(status: status)))
      refuse(stream, .requestCancelled, isTold: true)
    }
  }

  // MARK: Either's

  /// The request comes to nothing, and its stream with it.
  private func refuse(_ stream: HTTP3Stream, _ code: HTTP3Code, isTold: Bool = false) {
    perform(.reset(stream.id, code))
    perform(.stop(stream.id, code))
    if !isServer, !isTold { perform(.refused(stream.id, .aborted(code, byPeer: false))) }
    drop(stream)
  }

  private func drop(_ stream: HTTP3Stream) {
    stream.use = .ignored
    stream.payload = []
    streams[stream.id] = nil
    forget(session: stream.id)
  }

  /// The peer reset the stream, or reads no more of it. It is off the books already.
  func requestAborted(_ stream: HTTP3Stream, _ code: HTTP3Code) {
    guard case .request(let phase) = stream.use else { return }
    stream.use = .ignored
    switch phase {
    case .headers:
      perform(.reset(stream.id, .requestCancelled))
      forget(session: stream.id)
      if !isServer { perform(.refused(stream.id, .aborted(code, byPeer: true))) }
    case .open:
      perform(.reset(stream.id, .requestCancelled))
      forget(session: stream.id)
      perform(.ended(session: stream.id, .aborted(code, byPeer: true)))
    case .closing: perform(.settled(session: stream.id))
    case .closed: break
    }
  }

  private func requestEnded(_ stream: HTTP3Stream, _ phase: HTTP3Stream.RequestPhase) throws(HTTP3Fault) {
    guard stream.frames.isBetweenFrames else {
      throw HTTP3Fault(.frameError, "request stream \(stream.id) ends within a frame (RFC 9114 §7.1)")
    }
    switch phase {
    case .headers: refuse(stream, .requestIncomplete)
    case .open:
      guard stream.capsules.isBetweenFrames else { return abort(stream, .messageError) }
      perform(.finish(stream.id))
      streams[stream.id] = nil
      forget(session: stream.id)
      perform(.ended(session: stream.id, .closed(code: 0, reason: "")))
    case .closing:
      streams[stream.id] = nil
      perform(.settled(session: stream.id))
    case .closed: streams[stream.id] = nil
    }
  }

  // MARK: Capsules

  private func readData(_ stream: HTTP3Stream, _ phase: HTTP3Stream.RequestPhase, _ bytes: UnsafeRawBufferPointer) {
    switch phase {
    case .open: break
    // What the peer said before it knew.
    case .closing, .headers: return
    case .closed:
      guard !bytes.isEmpty else { return }
      perform(.reset(stream.id, .messageError))
      perform(.stop(stream.id, .messageError))
      stream.use = .ignored
      streams[stream.id] = nil
      return
    }
    var rest = bytes
    while let piece = stream.capsules.next(&rest) {
      switch piece {
      case .header(let type, let length):
        stream.capsuleType = type
        guard let keeps = keepsCapsule(type, length) else { return malformed(stream) }
        stream.keepsCapsule = keeps
      case .payload(let part, let isLast):
        if stream.keepsCapsule { stream.payload.append(contentsOf: part) }
        guard isLast else { continue }
        let payload = stream.payload
        stream.payload = []
        if stream.keepsCapsule { readCapsule(stream, payload) }
        guard case .request(.open) = stream.use else {
          // Nothing may follow a CLOSE.
          if !rest.isEmpty { readData(stream, .closed, rest) }
          return
        }
      }
    }
  }

  /// Whether the capsule is read; nil: it may not be there, or has the wrong length.
  private func keepsCapsule(_ type: UInt64, _ length: UInt64) -> Bool? {
    switch type {
    case CapsuleType.close: length >= 4 && length <= UInt64(4 + Self.maximumReason) ? true : nil
    case CapsuleType.drain: length == 0 ? true : nil
    case CapsuleType.datagram: length <= 1 << 16
    case _ where CapsuleType.ofStreams.contains(type): nil
    // Among them flow control of the session, which is ignored while it is off: it is on only if both sides offer it,
    // and this one does not (draft-ietf-webtrans-http3-16 §5.1).
    default: false
    }
  }

  private func malformed(_ stream: HTTP3Stream) {
    stream.use = .ignored
    abort(stream, .messageError)
  }

  private func readCapsule(_ stream: HTTP3Stream, _ payload: [UInt8]) {
    switch stream.capsuleType {
    case CapsuleType.datagram: perform(.datagram(session: stream.id, Bytes(payload)))
    case CapsuleType.drain: perform(.drains(session: stream.id))
    default:
      guard let reason = String(validating: payload.dropFirst(4), as: UTF8.self) else { return malformed(stream) }
      let code = payload.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      stream.use = .request(.closed)
      perform(.finish(stream.id))
      forget(session: stream.id)
      perform(.ended(session: stream.id, .closed(code: code, reason: reason)))
    }
  }
}

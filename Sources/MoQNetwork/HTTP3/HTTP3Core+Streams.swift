import MoQKernel

// How streams begin, and those that belong to the connection as a whole.

extension HTTP3Core {
  func take(_ bytes: UnsafeRawBufferPointer, _ fin: Bool, _ id: Int64) throws(HTTP3Fault) -> Attachment? {
    guard let stream = streams[id] else { return try begin(nil, bytes, fin, id) }
    switch stream.use {
    case .beginning: return try begin(stream, bytes, fin, id)
    case .control: try readControl(stream, bytes)
    case .encoder:
      guard qpack.readEncoderStream(bytes) else {
        throw HTTP3Fault(.encoderStreamError, "the QPACK encoder stream makes no sense (RFC 9204 §6)")
      }
    case .decoder:
      guard qpack.readDecoderStream(bytes) else {
        throw HTTP3Fault(.decoderStreamError, "the QPACK decoder stream makes no sense (RFC 9204 §6)")
      }
    case .request: try readRequest(stream, bytes, fin)
    case .held: hold(stream, bytes, fin)
    case .ignored: if fin { streams[id] = nil }
    }
    if fin {
      switch stream.use {
      case .control, .encoder, .decoder:
        throw HTTP3Fault(.closedCriticalStream, "the peer ended its \(stream.name) stream (RFC 9114 §6.2.1)")
      default: break
      }
    }
    return nil
  }

  /// What the first integers of a stream say.
  private enum Beginning {
    case session(UInt64, size: Int)
    case type(UInt64, size: Int)
    case request
  }

  private static func beginning(_ bytes: UnsafeRawBufferPointer, _ id: Int64) -> Beginning? {
    guard let type = bytes.varint(at: 0) else { return nil }
    let opener = isBidirectional(id) ? FrameType.webTransport : StreamType.webTransport
    guard type.value == opener else {
      return isBidirectional(id) ? .request : .type(type.value, size: type.size)
    }
    guard let session = bytes.varint(at: type.size) else { return nil }
    return .session(session.value, size: type.size + session.size)
  }

  /// Most streams begin here and are a session's at once, without a trace.
  private func begin(
    _ known: HTTP3Stream?, _ bytes: UnsafeRawBufferPointer, _ fin: Bool, _ id: Int64
  ) throws(HTTP3Fault) -> Attachment? {
    let before = known?.pending ?? []
    let beginning =
      before.isEmpty
      ? Self.beginning(bytes, id) : (before + bytes.prefix(16)).withUnsafeBytes { Self.beginning($0, id) }
    guard let beginning else {
      streams[id] = nil
      guard !fin else { return endedBeforeItBegan(id) }
      let stream = known ?? HTTP3Stream(id, .beginning)
      // Less than two integers.
      stream.pending.append(contentsOf: bytes)
      streams[id] = stream
      return nil
    }
    let stream = known ?? HTTP3Stream(id, .beginning)
    stream.pending = []
    switch beginning {
    case .session(let session, let size):
      streams[id] = nil
      return try attach(stream, to: session, bytes, from: size - before.count, fin)
    case .type(let type, let size):
      streams[id] = stream
      try begin(stream, type)
      guard streams[id] != nil else { return nil }
      return try take(UnsafeRawBufferPointer(rebasing: bytes[(size - before.count)...]), fin, id)
    case .request:
      guard isServer else {
        throw HTTP3Fault(
          .streamCreationError, "a server opened a bidirectional stream that is no session's (RFC 9114 §6.1)")
      }
      nextRequest = max(nextRequest, id + 4)
      stream.use = .request(.headers)
      streams[id] = stream
      if !before.isEmpty {
        try before.span.bytes.withUnsafeBytes { raw throws(HTTP3Fault) in try readRequest(stream, raw, false) }
      }
      try readRequest(stream, bytes, fin)
      return nil
    }
  }

  /// A unidirectional stream may end whenever it likes; a request may not (RFC 9114 §4.1, §6.2).
  private func endedBeforeItBegan(_ id: Int64) -> Attachment? {
    guard Self.isBidirectional(id) else { return nil }
    perform(.reset(id, .requestIncomplete))
    if isServer { forget(session: id) }
    return nil
  }

  private func begin(_ stream: HTTP3Stream, _ type: UInt64) throws(HTTP3Fault) {
    func once(_ has: inout Bool) throws(HTTP3Fault) {
      guard !has else {
        throw HTTP3Fault(
          .streamCreationError, "a second stream of the type \(ConnectionClose.hex(type)) (RFC 9114 §6.2)")
      }
      has = true
    }
    switch type {
    case StreamType.control:
      try once(&hasControl)
      stream.use = .control
    case StreamType.encoder:
      try once(&hasEncoder)
      stream.use = .encoder
    case StreamType.decoder:
      try once(&hasDecoder)
      stream.use = .decoder
    case StreamType.push:
      guard !isServer else {
        throw HTTP3Fault(.streamCreationError, "a client opened a push stream (RFC 9114 §6.2.2)")
      }
      throw HTTP3Fault(.idError, "a push stream, and none was allowed (RFC 9114 §4.6)")
    default:
      stream.use = .ignored
      perform(.stop(stream.id, .streamCreationError))
      streams[stream.id] = nil
    }
  }

  // MARK: Streams of sessions

  private func attach(
    _ stream: HTTP3Stream, to session: UInt64, _ bytes: UnsafeRawBufferPointer, from start: Int, _ fin: Bool
  ) throws(HTTP3Fault) -> Attachment? {
    guard session & 3 == 0, session < 1 << 62 else {
      throw HTTP3Fault(
        .idError, "stream \(stream.id) names the session \(session), which no request opens (draft-webtrans-http3 §4)")
    }
    let id = Int64(session)
    if sessions.contains(id) { return Attachment(session: id, header: start) }
    guard !ended.contains(id) else {
      reject(stream, .sessionGone)
      return nil
    }
    guard heldStreams < Self.maximumHeldStreams else {
      reject(stream, .bufferedStreamRejected)
      return nil
    }
    heldStreams += 1
    arrivals += 1
    (stream.use, stream.arrival) = (.held(session: id), arrivals)
    streams[stream.id] = stream
    hold(stream, UnsafeRawBufferPointer(rebasing: bytes[start...]), fin)
    return nil
  }

  private func hold(_ stream: HTTP3Stream, _ bytes: UnsafeRawBufferPointer, _ fin: Bool) {
    guard heldBytes + bytes.count <= Self.maximumHeldBytes else { return reject(stream, .bufferedStreamRejected) }
    heldBytes += bytes.count
    stream.pending.append(contentsOf: bytes)
    stream.pendingEnd = stream.pendingEnd || fin
  }

  func reject(_ stream: HTTP3Stream, _ code: HTTP3Code) {
    letGo(stream)
    perform(.stop(stream.id, code))
    if Self.isBidirectional(stream.id) { perform(.reset(stream.id, code)) }
  }

  /// Takes a held stream off the books.
  func letGo(_ stream: HTTP3Stream) {
    streams[stream.id] = nil
    guard case .held = stream.use else { return }
    stream.use = .ignored
    heldStreams -= 1
    heldBytes -= stream.pending.count
  }

  /// What is held for a session, in the order of its coming.
  func held(for session: Int64) -> [HTTP3Stream] {
    guard heldStreams > 0 else { return [] }
    return streams.values.filter {
      if case .held(session) = $0.use { true } else { false }
    }.sorted { $0.arrival < $1.arrival }
  }

  /// A session is there: what was held for it is its own.
  func open(_ facts: WebTransportFacts) {
    sessions.insert(facts.id)
    perform(.established(facts))
    for stream in held(for: facts.id) {
      letGo(stream)
      perform(.attach(stream.id, session: facts.id, stream.pending, fin: stream.pendingEnd))
    }
    for datagram in heldDatagrams where datagram.session == facts.id {
      perform(.datagram(session: facts.id, datagram.bytes))
    }
    heldDatagrams.removeAll { $0.session == facts.id }
  }

  // MARK: The control stream

  private func readControl(_ stream: HTTP3Stream, _ bytes: UnsafeRawBufferPointer) throws(HTTP3Fault) {
    var rest = bytes
    while let piece = stream.frames.next(&rest) {
      switch piece {
      case .header(let type, let length):
        stream.frameType = type
        stream.keepsFrame = try keepsControlFrame(type, length)
      case .payload(let part, let isLast):
        if stream.keepsFrame { stream.payload.append(contentsOf: part.prefix(Self.maximumSettingsBytes)) }
        guard isLast else { continue }
        let payload = stream.payload
        stream.payload = []
        if stream.keepsFrame { try readControlFrame(stream.frameType, payload) }
      }
    }
  }

  /// Whether the frame is read. Throws if it has no place on a control stream.
  private func keepsControlFrame(_ type: UInt64, _ length: UInt64) throws(HTTP3Fault) -> Bool {
    guard peerSettings != nil || type == FrameType.settings else {
      throw HTTP3Fault(
        .missingSettings, "the control stream begins with frame \(ConnectionClose.hex(type)) (RFC 9114 §6.2.1)")
    }
    let misplaced = HTTP3Fault(
      .frameUnexpected, "frame \(ConnectionClose.hex(type)) on the control stream (RFC 9114 §7.2)")
    switch type {
    case FrameType.settings:
      guard peerSettings == nil else { throw HTTP3Fault(.frameUnexpected, "a second SETTINGS (RFC 9114 §7.2.4)") }
      guard length <= UInt64(Self.maximumSettingsBytes) else {
        throw HTTP3Fault(.excessiveLoad, "SETTINGS of \(length) bytes; at most \(Self.maximumSettingsBytes) are read")
      }
      return true
    case FrameType.webTransport:
      throw HTTP3Fault(.frameError, "the signal 0x41 on the control stream (draft-webtrans-http3 §4.3)")
    case FrameType.data, FrameType.headers, FrameType.pushPromise: throw misplaced
    case _ where FrameType.ofHTTP2.contains(type): throw misplaced
    case FrameType.maximumPush where !isServer: throw misplaced
    case FrameType.priorityOfRequest, FrameType.priorityOfPush:
      guard isServer else { throw misplaced }
      guard length > 0, length <= UInt64(Self.maximumSettingsBytes) else {
        throw HTTP3Fault(.frameError, "PRIORITY_UPDATE of \(length) bytes (RFC 9218 §7.2)")
      }
      return true
    case FrameType.goAway, FrameType.cancelPush, FrameType.maximumPush:
      guard length > 0, length <= 8 else {
        throw HTTP3Fault(
          .frameError, "frame \(ConnectionClose.hex(type)) of \(length) bytes holds no id (RFC 9114 §7.1)")
      }
      return true
    default: return false
    }
  }

  private func readControlFrame(_ type: UInt64, _ payload: [UInt8]) throws(HTTP3Fault) {
    if type == FrameType.settings {
      peerSettings = try HTTP3Settings(payload)
      return try settingsArrived()
    }
    let isPriority = type == FrameType.priorityOfRequest || type == FrameType.priorityOfPush
    let found = payload.withUnsafeBytes { $0.varint(at: 0) }
    guard let found, found.size == payload.count || isPriority else {
      throw HTTP3Fault(.frameError, "frame \(ConnectionClose.hex(type)) does not hold one id (RFC 9114 §7.1)")
    }
    let id = found.value
    switch type {
    case FrameType.goAway:
      guard isServer || id & 3 == 0 else {
        throw HTTP3Fault(.idError, "GOAWAY names \(id), which is no request's (RFC 9114 §5.2)")
      }
      if let before = peerGoAway, id > before {
        throw HTTP3Fault(.idError, "GOAWAY names \(id) after \(before) (RFC 9114 §5.2)")
      }
      if peerGoAway == nil { perform(.goingAway) }
      peerGoAway = id
    case FrameType.maximumPush:
      if let before = peerMaximumPush, id < before {
        throw HTTP3Fault(.idError, "MAX_PUSH_ID names \(id) after \(before) (RFC 9114 §7.2.7)")
      }
      peerMaximumPush = id
    case FrameType.cancelPush:
      throw HTTP3Fault(.idError, "CANCEL_PUSH of push \(id), which was never promised (RFC 9114 §7.2.3)")
    case FrameType.priorityOfRequest:
      guard id & 3 == 0 else {
        throw HTTP3Fault(.idError, "PRIORITY_UPDATE names \(id), which is no request's (RFC 9218 §7.2)")
      }
    case FrameType.priorityOfPush:
      throw HTTP3Fault(.idError, "PRIORITY_UPDATE of push \(id), which was never promised (RFC 9218 §7.2)")
    default: break
    }
  }

  /// Requests that came before the client's SETTINGS are read now; a client may make its own.
  private func settingsArrived() throws(HTTP3Fault) {
    guard isServer else {
      perform(.ready)
      return
    }
    let early = streams.values.filter { stream in
      if case .request = stream.use { !stream.pending.isEmpty || stream.pendingEnd } else { false }
    }.sorted { $0.id < $1.id }
    earlyBytes = 0
    for stream in early {
      let bytes = stream.pending, end = stream.pendingEnd
      stream.pending = []
      try bytes.span.bytes.withUnsafeBytes { raw throws(HTTP3Fault) in try readRequest(stream, raw, end) }
    }
  }
}

extension HTTP3Core {
  /// Whether bytes of the stream are kept for a session that is not there yet.
  func isHeld(_ id: Int64) -> Bool {
    guard heldStreams > 0, case .held = streams[id]?.use else { return false }
    return true
  }
}

// Objects in. Everything here runs once an object or once a part of a payload.

extension SessionCore {
  /// Bytes of a stream of objects, in any split: headers are put together, payload is passed on as it comes.
  func objectsArrived(_ bytes: UnsafeRawBufferPointer, _ stream: Stream) throws(SessionFailure) {
    var rest = bytes
    while rest.count > 0 {
      if stream.payloadLeft > 0 {
        let count = Int(min(UInt64(rest.count), stream.payloadLeft))
        let part = slabs.write(UnsafeRawBufferPointer(rebasing: rest[..<count]))
        stream.payloadLeft &-= UInt64(count)
        stream.unconsumed &+= count
        tell(.payload(stream.key, part))
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        continue
      }
      let used = try headerArrived(rest, stream)
      rest = UnsafeRawBufferPointer(rebasing: rest[used...])
      guard stream.receivesObjects, !setup.isClosed else {
        if rest.count > 0, !setup.isClosed { try take(rest, stream) }
        return
      }
    }
  }

  /// Reads one header, the stream's or an object's, from what is pending and what is new.
  /// Returns how many of the new bytes it took: all of them where the header is not whole.
  private func headerArrived(_ bytes: UnsafeRawBufferPointer, _ stream: Stream) throws(SessionFailure) -> Int {
    guard !stream.pending.isEmpty else {
      if let size = try readHeader(bytes, stream) {
        stream.credit &+= size
        return size
      }
      guard stream.receivesObjects else { return 0 }
      guard bytes.count <= Self.maximumHeader else { throw violation("an object's header is too long") }
      stream.pending.append(contentsOf: bytes)
      return bytes.count
    }
    // As few of the new bytes as the header may need, so that payload is not put together with it.
    let before = stream.pending.count
    var taken = 0
    while taken < bytes.count {
      let next = min(bytes.count, max(64, taken * 2))
      stream.pending.append(contentsOf: bytes[taken..<next])
      taken = next
      let pending = stream.pending
      let size = try pending.span.bytes.withUnsafeBytes { raw throws(SessionFailure) in try readHeader(raw, stream) }
      if let size {
        stream.pending.removeAll(keepingCapacity: size <= 256)
        stream.credit &+= size
        return max(size - before, 0)
      }
      guard stream.receivesObjects else {
        // Held: all that is pending stays so, and is accounted for.
        return taken
      }
    }
    guard stream.pending.count <= Self.maximumHeader else { throw violation("an object's header is too long") }
    return taken
  }
  /// The most bytes of a header that is put together: its numbers, and extension headers at their limit.
  private static var maximumHeader: Int { Int(WireLimits.extensions) + 128 }

  /// nil: it is not whole yet, or the stream turned out to be for nobody known.
  private func readHeader(_ bytes: UnsafeRawBufferPointer, _ stream: Stream) throws(SessionFailure) -> Int? {
    do throws(WireError) {
      var reader = WireReader(bytes.bytes, integers: integers), header = ObjectHeader()
      let next = stream.subgroup?.nextID ?? 0
      if try stream.subgroup?.read(&header, from: &reader) != nil {
        let info = ObjectInfo(header, &slabs)
        if !info.extensions.isEmpty { try noteGaps(before: info, notBelow: next, stream) }
        objectBegan(info, stream)
        return reader.position
      }
      if var fetch = stream.fetch {
        try fetch.read(&header, from: &reader)
        stream.fetch = fetch
        let info = ObjectInfo(header, &slabs)
        if !info.extensions.isEmpty { try noteGaps(before: info, notBelow: 0, stream) }
        objectBegan(info, stream)
        return reader.position
      }
    } catch {
      if error.kind == .truncated { return nil }
      try unreadable(error, stream)
      return nil
    }
    guard let forms else { return nil }
    return try readStreamHeader(bytes, stream, forms)
  }
  @inline(__always) private func objectBegan(_ info: consuming ObjectInfo, _ stream: Stream) {
    guard info.id <= stream.lastObject else { return fetchedEnough(stream) }
    stream.payloadLeft = info.payloadLength
    if let tap {
      tap.object(.parsed, info, isFetched: stream.carriesFetch, on: place(stream), at: now)
    }
    tell(.object(stream.key, info))
  }
  /// An object that cannot be: the track is malformed where the draft has that, else the session is closed.
  private func unreadable(_ error: WireError, _ stream: Stream) throws(SessionFailure) {
    let phrase = "\(name) object: \(error)"
    guard error.isOfTheTrack, !malformedTrackClosesSession else {
      throw SessionFailure(error.sessionReason, phrase)
    }
    malformed(stream, phrase)
  }
  /// Whether objects that cannot be close the session, and not only what brought them.
  var malformedTrackClosesSession: Bool { rules.map { $0.malformedTrack == .closesSession } ?? true }
  private func malformed(_ stream: Stream, _ phrase: String) {
    switch stream.request {
    case let subscription as Subscription: malformed(subscription, phrase)
    case let fetching as Fetching:
      let isHidden = isHidden(fetching), whole = fetching.whole
      cancel(fetching)
      if let whole { return stepFailed(whole, RequestFailure(.malformedTrack, phrase)) }
      if !isHidden { tell(.ended(fetching.key, RequestFailure(.malformedTrack, phrase))) }
    default: refuse(stream, .malformedTrack)
    }
  }

  // MARK: Whose stream it is

  private func readStreamHeader(
    _ bytes: UnsafeRawBufferPointer, _ stream: Stream, _ forms: ObjectForms
  ) throws(SessionFailure) -> Int? {
    if !knowsLeadingNumber { noteLeadingNumber(bytes) }
    let forms = self.forms ?? forms
    var reader = WireReader(bytes.bytes, integers: forms.integers)
    do throws(WireError) {
      var type: UInt64 = 0
      try reader.varint("Type", &type)
      reader.rewind(to: 0)
      if type == forms.fetch?.type, var fetch = FetchStream(forms) {
        try fetch.walkHeader(&reader)
        let size = reader.position
        guard try attachFetch(fetch, stream) else { return nil }
        if let tap { tap.fetch(.parsed, fetch, bytes.bytes.extracting(0..<size), on: place(stream), at: now) }
        return size
      }
      guard forms.subgroup.flags(of: type) != nil else {
        throw WireError(.invalid, "Type", found: type, wanted: "a type of data stream", offset: 0)
      }
      var subgroup = SubgroupStream(forms)
      try subgroup.walkHeader(&reader)
      let size = reader.position
      guard try attachSubgroup(subgroup, stream) else { return nil }
      if let tap { tap.subgroup(.parsed, subgroup, bytes.bytes.extracting(0..<size), on: place(stream), at: now) }
      return size
    } catch {
      if error.kind == .truncated { return nil }
      throw SessionFailure(error.sessionReason, "\(name) stream: \(error)")
    }
  }
  private func attachFetch(_ fetch: FetchStream, _ stream: Stream) throws(WireError) -> Bool {
    guard let fetching = ourIDs[fetch.requestID] as? Fetching, fetching.streams.isEmpty else {
      // FETCH_CANCEL crossed it, or nobody asked.
      drop(stream)
      return false
    }
    var fetch = fetch
    fetch.descending = fetching.request.groupOrder == .descending
    fetching.attach(stream)
    stream.fetch = fetch
    stream.isAnnounced = true
    tell(.fetchBegan(stream.key, fetching.subscription?.key ?? fetching.key))
    return true
  }
  private func attachSubgroup(_ subgroup: SubgroupStream, _ stream: Stream) throws(WireError) -> Bool {
    guard let subscription = aliases[subgroup.trackAlias] else {
      if retired.contains(subgroup.trackAlias) || rules?.alias != .publisher {
        drop(stream)
      } else {
        hold(stream, subgroup.trackAlias)
      }
      return false
    }
    guard subscription.isAnswered else {
      hold(stream, subgroup.trackAlias)
      return false
    }
    guard !isBeyond(subgroup.group, subscription), case .deliver = subscription.state.streamBegan() else {
      drop(stream)
      return false
    }
    if rules?.gapExtensions != nil, !subscription.gaps.began(subgroup.group) {
      let error = WireError.groupInGap(subgroup.group)
      if malformedTrackClosesSession { throw error }
      drop(stream)
      malformed(subscription, "\(name) stream: \(error)")
      return false
    }
    if subscription.state.announcedEnd != nil { prolong(subscription) }
    subscription.attach(stream)
    var subgroup = subgroup
    if subgroup.priority == nil { subgroup.priority = subscription.priority }
    stream.subgroup = subgroup
    stream.isAnnounced = true
    var isFrames = false
    if case .frames? = rules?.objects { isFrames = true }
    tell(
      .subgroupBegan(
        stream.key, subscription.key,
        SubgroupInfo(
          group: subgroup.group, subgroup: subgroup.subgroup ?? 0, priority: subgroup.priority ?? 128,
          endsGroup: isFrames || subgroup.flags.contains(.endOfGroup),
          hasExtensions: subgroup.flags.contains(.extensions))))
    return true
  }
  private func drop(_ stream: Stream) {
    counters.streamsDropped += 1
    refuse(stream, .cancelled)
  }
  /// Keeps a stream whose request is not known or not answered yet, within limits, for a short time.
  private func hold(_ stream: Stream, _ alias: UInt64) {
    guard held.count < configuration.maximumHeldStreams,
      heldBytes + stream.pending.count <= configuration.maximumHeldBytes
    else { return drop(stream) }
    held.append(stream)
    heldBytes += stream.pending.count
    stream.use = .held(alias: alias)
    deadlines.add(.held(stream.key), at: now.advanced(by: configuration.heldStreamTimeout))
  }

  // MARK: The end of a stream

  func objectsEnded(_ stream: Stream, reset: UInt64?) throws(SessionFailure) {
    stream.credit += stream.pending.count
    let isWhole = stream.pending.isEmpty && stream.payloadLeft == 0
    stream.pending = []
    if reset == nil, !isWhole, stream.hasObjects {
      // FIN within an object (§2.5 of draft-14).
      guard !malformedTrackClosesSession else { throw violation("a stream ends within an object") }
      return malformed(stream, "a stream ends within an object")
    }
    guard stream.isAnnounced else {
      // Ended before its header: nobody was told, nothing is known of it.
      if reset == nil, !isWhole { counters.streamsDropped += 1 }
      return
    }
    stream.isAnnounced = false
    let group = stream.subgroup?.group
    stream.isWithoutObjects()
    tell(.streamEnded(stream.key, reset: reset))
    let request = stream.request
    request?.detach(stream)
    switch request {
    case let subscription as Subscription:
      if case .end(let failure) = subscription.state.streamEnded() {
        finished(subscription, failure)
      } else if let group {
        groupEnded(group, subscription, wasCut: reset != nil)
      }
    case let fetching as Fetching:
      if case .end = fetching.state.streamEnded() { complete(fetching, wasCut: reset != nil) }
    default: break
    }
  }

  /// `count` bytes of payload have been used; the peer gets credit for as many.
  public func consumed(_ count: Int, on key: StreamKey) {
    guard count > 0, let stream = streams[key] else { return }
    let count = min(count, stream.unconsumed)
    guard count > 0 else { return }
    stream.unconsumed &-= count
    stream.credit &+= count
    giveCredit(stream)
    if stream.unconsumed == 0 { settle(stream) }
  }
  /// We want no more of an incoming stream (STOP_SENDING). Its `.streamEnded` does not come.
  public func stop(stream key: StreamKey, _ reason: StreamReason) {
    guard let stream = streams[key], stream.receivesObjects else { return }
    stream.isAnnounced = false
    let request = stream.request, group = stream.subgroup?.group
    request?.detach(stream)
    refuse(stream, reason)
    switch request {
    case let subscription as Subscription:
      if case .end(let failure) = subscription.state.streamEnded() {
        finished(subscription, failure)
      } else if let group {
        groupEnded(group, subscription, wasCut: true)
      }
    case let fetching as Fetching:
      if case .end = fetching.state.streamEnded() { complete(fetching, wasCut: true) }
    default: break
    }
  }

  // MARK: Datagrams

  public func received(datagram bytes: UnsafeRawBufferPointer) {
    guard setup.isOpen, let forms, var datagram = ObjectDatagram(forms) else {
      counters.datagramsDropped += 1
      return
    }
    if !knowsLeadingNumber {
      noteLeadingNumber(bytes)
      if let forms = self.forms, let other = ObjectDatagram(forms) { datagram = other }
    }
    do throws(WireError) {
      var reader = WireReader(bytes.bytes, integers: forms.integers), header = ObjectHeader()
      try datagram.read(&header, from: &reader)
      var info = ObjectInfo(header, &slabs)
      guard let subscription = subscription(of: datagram.trackAlias) else {
        return hold(datagram: bytes, datagram.trackAlias)
      }
      guard reader.remaining >= info.payloadLength else { throw .truncated("Object Payload") }
      let payload = slabs.write(UnsafeRawBufferPointer(rebasing: bytes[reader.position...]))
      info.payloadLength = UInt64(payload.count)
      if let tap { tap.datagram(.parsed, info, trackAlias: datagram.trackAlias, at: now) }
      hasReadDatagram = true
      guard fits(datagram: info, subscription) else { return }
      tell(.datagram(subscription.key, info, payload))
      try checkedQueues()
    } catch {
      if adoptReading(bytes) { return received(datagram: bytes) }
      shut(SessionFailure(error.sessionReason, "\(name) datagram: \(error)"))
    }
  }
  /// The most datagrams that wait for the answer to their subscription.
  private static var maximumHeldDatagrams: Int { 64 }
  private func hold(datagram bytes: UnsafeRawBufferPointer, _ alias: UInt64) {
    heldDatagrams.removeAll { $0.until < now }
    let mayBecomeKnown = rules?.alias == .publisher && !retired.contains(alias) || aliases[alias] != nil
    guard mayBecomeKnown, heldDatagrams.count < Self.maximumHeldDatagrams else {
      counters.datagramsDropped += 1
      return
    }
    heldDatagrams.append((alias, Bytes(copying: bytes), now.advanced(by: configuration.heldStreamTimeout)))
  }
  func releaseDatagrams(_ alias: UInt64) {
    let waiting = heldDatagrams.filter { $0.alias == alias && $0.until >= now }
    heldDatagrams.removeAll { $0.alias == alias }
    for (_, bytes, _) in waiting { bytes.withUnsafeBytes { received(datagram: $0) } }
  }
  private func checkedQueues() throws(WireError) {
    do throws(SessionFailure) { try checkQueues() } catch { shut(error) }
  }
  /// The one before is likely the one again.
  @inline(__always) private func subscription(of alias: UInt64) -> Subscription? {
    if let lastAlias, lastAlias.alias == alias { return lastAlias.subscription }
    guard let found = aliases[alias], found.isAnswered, !found.isEnded else { return nil }
    lastAlias = (alias, found)
    return found
  }
}

extension ObjectInfo {
  /// A header's values, with a copy of the extension headers, if there are any.
  @inline(__always) init(_ header: borrowing ObjectHeader, _ slabs: inout SlabWriter) {
    self.init(
      group: header.group, subgroup: header.subgroup, id: header.id, priority: header.priority ?? 128,
      status: header.status, extensions: header.extensions.byteCount > 0 ? slabs.write(header.extensions) : Bytes(),
      payloadLength: header.payloadLength)
  }
}

// Objects out.

extension SubgroupStream {
  /// The next object's id, where ids are counted; nil: objects say their own.
  var countedID: UInt64? { form.content.isFrames ? nextID : nil }
}

extension SessionCore {
  /// Opens a stream for a subgroup of a subscription that we serve.
  ///
  /// `priority` nil: the subscriber's and the publisher's priority, then the group in the wanted order.
  public func openSubgroup(_ key: RequestKey, _ info: SubgroupInfo, _ priority: SendPriority? = nil)
    throws(CommandError) -> StreamKey
  {
    let rules = try openRules()
    guard let served = requests[key] as? ServedSubscription, served.state.sends, let forms, !served.isQueued else {
      throw CommandError(.wrongState, "there is no such subscription, or it is not accepted")
    }
    var flags: SubgroupFlags = [], subgroup = info.subgroup
    if case .objects = rules.objects {
      if info.hasExtensions { flags.insert(.extensions) }
      if info.endsGroup { flags.insert(.endOfGroup) }
      if info.subgroup != 0 { flags.insert(.subgroupID) }
      flags.formIntersection(forms.subgroup.flags.union(forms.subgroup.always))
    } else {
      guard info.subgroup == 0 else { throw CommandError(.inexpressible, "\(name) has no subgroups") }
      subgroup = 0
    }
    var state = SubgroupStream(forms, flags: flags)
    (state.trackAlias, state.group, state.subgroup, state.priority) = (
      served.alias, info.group, subgroup, info.priority
    )
    writer.clear()
    do throws(WireError) { try state.walkHeader(&writer) } catch {
      throw CommandError(.inexpressible, "\(name) stream: \(error)")
    }
    let stream = openStream(.unidirectional, priority ?? sendPriority(served, info), use: .sending)
    stream.subgroup = state
    stream.owesGroupEnd =
      info.endsGroup && forms.subgroup.content.isSubgroup && !flags.contains(.endOfGroup)
      && forms.statuses.says(.endOfGroup)
    served.attach(stream)
    _ = served.state.opened()
    if case .exists = rules.gaps {
      served.told.insert(info.group)
      stream.carried = (key, info.group)
    }
    let bytes = writer.withBytes { slabs.write($0) }
    if let tap { tap.subgroup(.created, state, bytes.span, on: place(stream), at: now) }
    send(bytes, on: stream)
    return stream.key
  }
  private func sendPriority(_ served: ServedSubscription, _ info: SubgroupInfo) -> SendPriority {
    let order = served.request.groupOrder == .publisher ? served.groupOrder : served.request.groupOrder
    return SendPriority(
      subscriber: 1 + UInt16(served.request.priority), publisher: UInt16(info.priority),
      group: order == .descending ? ~info.group : info.group, subgroup: info.subgroup)
  }
  /// Opens the stream of a fetch that we serve.
  public func openFetch(_ key: RequestKey, _ priority: SendPriority? = nil) throws(CommandError) -> StreamKey {
    if case .group = try openRules().fetching { return try openGroup(key, priority) }
    guard let served = requests[key] as? ServedFetch, let forms, var state = FetchStream(forms), served.streams.isEmpty,
      served.isAnswered, !served.isEnded
    else { throw CommandError(.wrongState, "there is no such fetch, it is not accepted, or has its stream") }
    state.requestID = served.id ?? 0
    state.descending = served.request.groupOrder == .descending
    writer.clear()
    do throws(WireError) { try state.walkHeader(&writer) } catch {
      throw CommandError(.inexpressible, "\(name) stream: \(error)")
    }
    let stream = openStream(
      .unidirectional, priority ?? SendPriority(subscriber: 1 + UInt16(served.request.priority)), use: .sending)
    stream.fetch = state
    served.attach(stream)
    _ = served.state.opened()
    let bytes = writer.withBytes { slabs.write($0) }
    if let tap { tap.fetch(.created, state, bytes.span, on: place(stream), at: now) }
    send(bytes, on: stream)
    return stream.key
  }

  /// Writes an object's header; `object.payloadLength` bytes of payload must follow.
  ///
  /// Where a group is no more than frames, ids are counted from 0, and statuses and extension headers are
  /// left out: an object that is only a status writes nothing.
  public func write(_ object: ObjectInfo, on key: StreamKey) throws(CommandError) {
    guard let stream = streams[key], !stream.isSent, stream.payloadOwed == 0 else {
      throw CommandError(.wrongState, "the stream is over, or the object before is not whole")
    }
    writer.clear()
    let isBare = object.extensions.isEmpty || forms?.hasExtensions == false
    if isBare, !object.extensions.isEmpty { counters.objectsReduced &+= 1 }
    var status = object.status
    if status == .endOfGroup || status.endsTrack { stream.owesGroupEnd = false }
    if status != .normal, let forms, forms.subgroup.content.isSubgroup {
      status = forms.statuses.spelled(status, objectID: object.id)
      guard forms.statuses.says(status) else {
        // The end of a subgroup, which only draft-07 has: FIN says it.
        counters.objectsReduced &+= 1
        return
      }
    }
    do throws(WireError) {
      var header = ObjectHeader()
      (header.group, header.subgroup, header.id) = (object.group, object.subgroup, object.id)
      (header.priority, header.status, header.payloadLength) = (object.priority, status, object.payloadLength)
      if let id = stream.subgroup?.countedID {
        guard object.status == .normal else {
          counters.objectsReduced &+= 1
          return
        }
        if id != object.id || !object.extensions.isEmpty { counters.objectsReduced &+= 1 }
        header.id = id
      } else if !isBare {
        header.extensions = object.extensions.span
      }
      if try stream.subgroup?.write(header, to: &writer) == nil {
        guard var fetch = stream.fetch else { throw .inexpressible("object") }
        try fetch.write(header, to: &writer)
        stream.fetch = fetch
      }
    } catch {
      throw CommandError(.inexpressible, "\(name) object \(object.location): \(error)")
    }
    stream.payloadOwed = object.payloadLength
    if tap != nil { tapped(object, on: stream) }
    send(writer.withBytes { slabs.write($0) }, on: stream)
    noteQueue(stream)
  }
  /// Writes the next part of the current object's payload, without a copy. What exceeds it is left out.
  public func write(payload: consuming Bytes, on key: StreamKey) {
    guard let stream = streams[key], !stream.isSent, stream.payloadOwed > 0 else { return }
    if UInt64(payload.count) > stream.payloadOwed { payload = payload.prefix(Int(stream.payloadOwed)) }
    stream.payloadOwed &-= UInt64(payload.count)
    send(payload, on: stream)
    noteQueue(stream)
  }
  @inline(__always) private func noteQueue(_ stream: Stream) {
    if stream.queued >= configuration.highWater { stream.isFull = true }
  }
  /// How much more should be queued on the stream now. At 0 or below: wait for `.writable`.
  public func room(on key: StreamKey) -> Int {
    guard let stream = streams[key], !stream.isSent else { return 0 }
    return configuration.highWater - stream.queued
  }
  /// FIN. A stream whose current object is not whole is reset instead. Where the group ends with it and the
  /// dialect has no bit for that, a status says so before.
  public func finish(stream key: StreamKey) {
    guard let stream = streams[key], stream.sendsObjects, !stream.isSent else { return }
    guard stream.payloadOwed == 0 else { return reset(stream: key, .internalError) }
    if stream.owesGroupEnd, let state = stream.subgroup {
      try? write(
        ObjectInfo(group: state.group, subgroup: state.subgroup ?? 0, id: state.nextID, status: .endOfGroup), on: key)
    }
    finishSending(stream)
    outgoingEnded(stream)
  }
  public func reset(stream key: StreamKey, _ reason: StreamReason) {
    guard let stream = streams[key], stream.sendsObjects, !stream.isSettled else { return }
    let code = rules?.codes.stream.code(of: reason) ?? 0
    tellGap(of: stream, code)
    dropSending(stream, code)
    outgoingEnded(stream)
    settle(stream)
  }
  /// The stream takes no more of our objects; a fetch is over with it.
  func outgoingEnded(_ stream: Stream) {
    let request = stream.request
    noteFinal(stream, request)
    request?.detach(stream)
    stream.isWithoutObjects()
    // Updates of a fetch that is over do not matter any more.
    if case .exchange = stream.use { stream.use = .refused }
    if let served = request as? ServedFetch, served.state.end() { remove(served) }
  }
  public func prioritize(stream key: StreamKey, _ priority: SendPriority) {
    guard let stream = streams[key], !stream.isSettled else { return }
    perform(.prioritize(key, priority))
  }

  /// Sends an object in a datagram. False: it was not sent, since it is too large.
  public func send(datagram object: ObjectInfo, payload: Bytes, for key: RequestKey) throws(CommandError) -> Bool {
    let rules = try openRules()
    guard let served = requests[key] as? ServedSubscription, served.state.sends, !served.isQueued else {
      throw CommandError(.wrongState, "there is no such subscription, or it is not accepted")
    }
    guard case .exists = rules.datagrams, let forms, var datagram = ObjectDatagram(forms) else {
      throw CommandError(.inexpressible, "\(name) has no datagrams")
    }
    datagram.trackAlias = served.alias
    datagram.isStatus = object.status != .normal
    writer.clear()
    do throws(WireError) {
      var header = ObjectHeader()
      (header.group, header.id, header.priority) = (object.group, object.id, object.priority)
      header.status = forms.statuses.spelled(object.status, objectID: object.id)
      header.payloadLength = UInt64(payload.count)
      if !object.extensions.isEmpty, forms.hasExtensions { header.extensions = object.extensions.span }
      try datagram.write(header, to: &writer)
    } catch {
      throw CommandError(.inexpressible, "\(name) datagram \(object.location): \(error)")
    }
    guard writer.count + payload.count <= maximumDatagramSize else {
      counters.datagramsDropped += 1
      return false
    }
    served.final = served.final.map { max($0, object.location) } ?? object.location
    writer.append(payload.span)
    if let tap {
      var info = object
      info.payloadLength = UInt64(payload.count)
      tap.datagram(.created, info, trackAlias: served.alias, at: now)
    }
    perform(.datagram(writer.withBytes { slabs.write($0) }))
    return true
  }
}

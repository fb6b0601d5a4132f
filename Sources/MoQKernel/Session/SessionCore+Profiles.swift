// Peers that differ from the text: how one shows itself, and what follows.

extension SessionCore {
  /// Goes on in a profile of the dialect that is spoken.
  func adopt(_ found: Rules.Profile) {
    guard let handshake else { return }
    profile = found.name
    rules = found.adjust(handshake.rules)
    codec = found.layouts ?? handshake.codec
    forms = codec?.objects
  }
  /// The profiles that a peer may still show itself to be in: none where one is in use, or the text is asked for.
  /// That of a handshake which changes no rules says nothing of what follows.
  func profiles(showing sign: Rules.Sign) -> [Rules.Profile] {
    guard !configuration.profiles.contains(Negotiation.text), let handshake else { return [] }
    let all = handshake.rules.profiles
    guard profile == nil || profile == handshake.handshake.profile && !all.contains(where: { $0.name == profile })
    else { return [] }
    return all.filter { $0.signs.contains(sign) }
  }
  /// The profile of a setup: that of its handshake, one that is asked for, or one that the peer's setup shows.
  func profile(of chosen: Negotiation.Candidate, _ parameters: [Parameter]) -> Rules.Profile? {
    let profiles = chosen.rules.profiles
    if let name = chosen.handshake.profile { return profiles.first { $0.name == name } }
    if configuration.profiles.contains(Negotiation.text) { return nil }
    return profiles.first { configuration.profiles.contains($0.name) }
      ?? profiles.first { $0.signs.contains { $0.isShown(by: parameters, peerImplementation) } }
  }

  /// A message of the peer in the layouts that are spoken, else in those of a profile whose peers may send it so.
  func readPeerMessage(
    _ bytes: RawSpan, _ kind: MessageKind?, on stream: Stream
  ) throws(SessionFailure) -> (Message, Int)? {
    guard let codec else { return nil }
    let maximum = configuration.maximumControlMessage
    do throws(SessionFailure) { return try readMessage(bytes, kind, codec, maximum, on: stream) } catch {
      for candidate in profiles(showing: .reading) {
        guard let layouts = candidate.layouts,
          let found = try? readMessage(bytes, kind, layouts, maximum, on: stream)
        else { continue }
        adopt(candidate)
        return found
      }
      throw error
    }
  }
  /// Whether a datagram that cannot be read shows a profile in which it can. Only the first one may.
  func adoptReading(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard !hasReadDatagram else { return false }
    for candidate in profiles(showing: .reading) {
      guard let forms = candidate.layouts?.objects, var datagram = ObjectDatagram(forms) else { continue }
      var reader = WireReader(bytes.bytes, integers: forms.integers), header = ObjectHeader()
      guard (try? datagram.read(&header, from: &reader)) != nil, aliases[datagram.trackAlias] != nil else { continue }
      adopt(candidate)
      return true
    }
    return false
  }
  /// The number behind the type of the first stream or datagram of objects. Where it is an alias of ours, it is one,
  /// as the text has it; where it is the id of a subscription of ours, the peer leads with that. Our aliases are no
  /// ids, so one cannot be taken for the other.
  func noteLeadingNumber(_ bytes: UnsafeRawBufferPointer) {
    guard let handshake, !configuration.profiles.contains(Negotiation.text),
      let leading = handshake.rules.profiles.first(where: { $0.signs.contains(.leadingRequestID) })
    else { return knowsLeadingNumber = true }
    var reader = WireReader(bytes.bytes), type: UInt64 = 0, number: UInt64 = 0
    guard (try? reader.varint("Type", &type)) != nil, (try? reader.varint("Track Alias", &number)) != nil else {
      return
    }
    guard type != forms?.fetch?.type else { return }
    if aliases[number] != nil || retired.contains(number) {
      knowsLeadingNumber = true
      guard profile == leading.name else { return }
      profile = nil
      (rules, codec) = (handshake.rules, handshake.codec)
      forms = codec?.objects
    } else if ourIDs[number] is Subscription {
      knowsLeadingNumber = true
      if profile != leading.name { adopt(leading) }
    }
  }
}

import Foundation
import MoQDrafts
import MoQNetwork
import Testing

@testable import MoQKernel

/// One half of a recorded session is fed to a session of ours, which is told to ask and to answer what the
/// other half did. It must come to the same: established, every object delivered, nothing closed by us.
@Suite struct SessionReplayTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var path: String
    var role: SessionCore.Role
    var testDescription: String { "\(path) as \(role)" }
  }
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "../../Recordings").standardizedFileURL
  static let cases: [Case] = {
    let all = (FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String]) ?? []
    let paths = all.filter { $0.hasSuffix(".json") }.sorted()
    return paths.flatMap { [Case(path: $0, role: .client), Case(path: $0, role: .server)] }
  }()

  @Test func recordingsAreThere() { #expect(Self.cases.count >= 290) }

  @Test(arguments: cases) func replays(_ test: Case) throws {
    let bytes = try [UInt8](Data(contentsOf: Self.folder.appending(path: test.path)))
    let replay = try Replay(JSON(parsing: bytes), role: test.role)
    replay.run()
    #expect(replay.faults == [])
    #expect(replay.checker.isEstablished == replay.hasPeer)
    #expect(replay.closed == nil || replay.closedByPeer, "\(String(describing: replay.closed))")
    #expect(replay.delivered == replay.expected)
    #expect(replay.checker.faults == [])
  }
}

/// One recording, with a session in the place of one of its sides.
final class Replay {
  let core: SessionCore
  private(set) var checker = EventChecker()
  private(set) var faults: [String] = []
  private(set) var closed: SessionEnd?
  private(set) var closedByPeer = false
  /// Objects of the peer's data streams and datagrams that were told of, and that there are.
  private(set) var delivered = 0, expected = 0

  private let events: [JSON]
  private let ours: String
  private let dialect: any Dialect.Type
  /// Whether each request has a stream of its own, as in moq-lite and transfork.
  private let hasStreams: Bool
  /// Our session's aliases are no ids in draft-07, so that it can tell how a peer writes headers. The recorded ones
  /// were counted from 0, as its ids are.
  private let aliasesDiffer: Bool
  private let alpn: String
  /// Whether the session was one of WebTransport, and its subprotocol, if one was agreed on.
  private let isWebTransport: Bool, subprotocol: String?
  private var keys: [UInt64: StreamKey] = [:]
  private var refused: Set<UInt64> = []
  private var opened = (bidirectional: 0 as UInt64, unidirectional: 0 as UInt64)
  /// Bytes of our half that hold no whole message yet, by stream; and how many messages each has had.
  private var halves: [UInt64: (bytes: [UInt8], messages: Int)] = [:]
  private var data: [UInt64: [UInt8]] = [:]
  private var requests: [UInt64: RequestKey] = [:]
  /// The recorded ids of subscriptions, and ours, which are counted from 0 in the same order.
  private var subscriptions: [UInt64: UInt64] = [:]
  /// What is asked on each bidirectional stream, where streams have types.
  private var asked: [UInt64: RequestStream] = [:]
  private var unanswered: [(RequestKey, MessageKind)] = []
  private var served: [RequestKey] = []
  private var announcements: [TrackNamespace: RequestKey] = [:]
  /// What the peer has said on the control stream and holds no whole message yet, where its numbers are changed.
  private var unread: [UInt8] = []
  private lazy var ourIDs = foreignIDs()
  private var ourIDsDiffer: Bool { ourIDs.contains { $0 != $1 } }

  init(_ recording: JSON, role: SessionCore.Role) throws {
    isWebTransport = recording["transport"]?.text == "webtransport-h3"
    let recorded = try #require(recording["events"]?.elements)
    (events, subprotocol) = isWebTransport ? try Self.unwrapped(recorded) : (recorded, nil)
    alpn = recording["alpn"]?.text ?? ""
    let name = try #require(recording["dialect"]?.text), peer = recording["peer"]?.text?.lowercased() ?? ""
    // Where a peer differs from the text, what it wrote is read in its own way; our session is told nothing of that.
    dialect =
      switch (name, peer) {
      case ("moq-lite-01", let peer) where peer.contains("gomoqt v0.4"): Lite01Gomoqt04.self
      case ("moq-lite-01", let peer) where peer.contains("gomoqt"): Lite01Gomoqt.self
      case ("moq-lite-01", let peer) where peer.contains("moq-rs"): Lite01.self
      case ("moq-lite-01", _): Lite01MoqDev.self
      case ("transfork-03", let peer) where peer.contains("gomoqt"): Transfork03Gomoqt.self
      case ("transfork-03", let peer) where peer.contains("moq-rs"): Transfork03MoqRs.self
      case ("draft-07", let peer) where peer.contains("cloudflare") && !peer.contains("imquic"): Draft07Cloudflare.self
      case ("draft-07", let peer) where peer.contains("moqtransport"): Draft07MoQTransport.self
      case ("draft-07", let peer) where peer.contains("several drafts"): Draft07ImquicOffer.self
      case ("draft-10", let peer) where peer.contains("moqtransport"): Draft10MoQTransport.self
      default: try #require(dialects.named(name))
      }
    hasStreams = !dialect.requestStreams.isEmpty
    aliasesDiffer = name == "draft-07"
    ours = role == .client ? "client" : "server"
    var options = SessionConfiguration()
    if role == .client, hasStreams {
      // What the recorded client began with: an ALPN tells no flavour.
      options.dialects = .exactly(name)
      options.profiles = [dialect.profile ?? "text"]
    } else if role == .client, alpn == "moq-00" || isWebTransport {
      // What the recorded client offered: a session of ours would offer other drafts first.
      options.dialects = .exactly(name)
      let asked = dialect.profile
      if let profile = dialects.named(name)?.rules.profiles.first(where: { $0.name == asked && $0.signs.isEmpty }) {
        options.profiles = [profile.name]
      }
    }
    core = SessionCore(role: role, options: options, registry: dialects)
  }

  /// What happened to the WebTransport session of a recorded HTTP/3 connection, in the same order: its streams are
  /// numbered as on a connection of their own, and begin behind what says whose they are.
  private static func unwrapped(_ events: [JSON]) throws -> (events: [JSON], subprotocol: String?) {
    struct Half: Hashable { let stream: UInt64, fromClient: Bool }
    let outer = try RecordedTraffic(events), inner = try HTTP3Recording.unwrap(outer).get()
    #expect(outer.datagrams.isEmpty, "datagrams are not unwrapped here")
    // How many bytes in front are not the session's, and which stream of the session it is.
    var headers: [Half: (left: Int, stream: UInt64)] = [:]
    for stream in inner.streams {
      let id = stream.id & 3 == 0 ? stream.id + 4 : stream.id
      let whole = try #require(outer.streams.first { $0.id == id && $0.fromClient == stream.fromClient })
      headers[Half(stream: id, fromClient: stream.fromClient)] = (whole.bytes.count - stream.bytes.count, stream.id)
    }
    let own = try events.compactMap { event -> JSON? in
      guard let id = event["stream"]?.integer else { return event }
      let half = Half(stream: id, fromClient: event["from"]?.text == "client")
      guard let (left, stream) = headers[half] else { return nil }
      let bytes = try event["hex"]?.text.map { try #require(JSON.bytes(hex: $0)) }
      headers[half]?.left = max(0, left - (bytes?.count ?? 0))
      return .object(
        try #require(event.members).map { member in
          switch member.key {
          case "stream": JSON.Member("stream", .number("\(stream)"))
          case "hex": JSON.Member("hex", .string(JSON.hex((bytes ?? []).dropFirst(left))))
          default: member
          }
        })
    }
    return (own, inner.subprotocol)
  }

  /// The numbers of our half's requests, and what a session of ours would have for each: one recorded relay counts
  /// its own from 0, one library leaves its first number out.
  private func foreignIDs() -> [UInt64: UInt64] {
    guard case .parity = dialect.rules.numbering else { return [:] }
    var bytes: [UInt8] = [], ids: [UInt64: UInt64] = [:], next: UInt64 = ours == "client" ? 0 : 1
    for event in events where event["from"]?.text == ours && event["stream"]?.integer == 0 {
      bytes += event["hex"]?.text.flatMap(JSON.bytes(hex:)) ?? []
    }
    for message in messages(&bytes, nil) where dialect.rules.numbered.contains(message.kind) {
      switch message {
      case .subscribe(let m): ids[m.id] = next
      case .subscribeUpdate(let m): ids[m.id] = next
      case .fetch(let m): ids[m.id] = next
      case .publish(let m): ids[m.id] = next
      case .publishNamespace(let m): ids[m.id] = next
      case .subscribeNamespace(let m): ids[m.id] = next
      case .trackStatus(let m): ids[m.subscribe.id] = next
      default: continue
      }
      next += 2
    }
    return ids
  }

  /// Whether the other side said anything at all: one recorded relay never answers.
  var hasPeer: Bool { events.contains { $0["from"].map { $0.text != ours } ?? false } }

  func run() {
    core.ticked(at: Instant(nanoseconds: 1))
    core.connected(alpn: alpn, subprotocol: subprotocol, transport: isWebTransport ? .webTransport : .quic)
    drain()
    for event in events {
      core.ticked(at: Instant(nanoseconds: 1_000_000 * (1 + (event["t_ms"]?.integer ?? 0))))
      if let close = event["close"] {
        guard close["from"]?.text != ours else { break }
        closedByPeer = true
        core.transportClosed(SessionEnd(.peer, .noError, code: close["code"]?.integer ?? 0, phrase: ""))
        drain()
        break
      }
      event["from"]?.text == ours ? follow(event) : feed(event)
      drain()
    }
    // What the peer's data streams hold, read on its own.
    for bytes in data.values { expected += count(bytes) }
  }

  // MARK: The peer's half

  private func feed(_ event: JSON) {
    if let datagram = event["datagram"]?.text.flatMap(JSON.bytes(hex:)) {
      expected += 1
      return aliased(datagram).withUnsafeBytes { core.received(datagram: $0) }
    }
    guard let stream = event["stream"]?.integer else { return }
    let isUni = stream & 2 != 0
    if keys[stream] == nil, !isOurs(stream), !refused.contains(stream) {
      guard let key = core.opened(isUni ? .unidirectional : .bidirectional) else {
        refused.insert(stream)
        return
      }
      keys[stream] = key
    }
    guard let key = keys[stream] else { return faults.append("stream \(stream) is not known") }
    if let bytes = event["hex"]?.text.flatMap(JSON.bytes(hex:)) {
      var told = stream == 0 && ourIDsDiffer ? renumbered(bytes) : bytes
      if !isUni { noteType(of: stream, bytes, isOpener: !isOurs(stream)) }
      if isUni {
        if data[stream] == nil {
          if hasStreams { told = ofOurs(bytes) } else if bytes.first != 5 { told = aliased(bytes) }
        }
        data[stream, default: []] += bytes
      }
      told.withUnsafeBytes { core.received($0, fin: false, on: key) }
    }
    if case .bool(true)? = event["fin"] {
      core.received(UnsafeRawBufferPointer(start: nil, count: 0), fin: true, on: key)
    }
    if let code = event["reset"]?.integer { core.wasReset(key, code: code) }
    if let code = event["stop_sending"]?.integer { core.wasStopped(key, code: code) }
  }
  private func isOurs(_ stream: UInt64) -> Bool { stream & 1 == (ours == "client" ? 0 : 1) }
  private func noteType(of stream: UInt64, _ bytes: [UInt8], isOpener: Bool) {
    guard isOpener, asked[stream] == nil else { return }
    asked[stream] = dialect.requestStreams.first { $0.type == bytes.first.map { UInt64($0) } }
  }
  /// The header of a group with our subscription's id for the recorded one: gomoqt counts from 1.
  private func ofOurs(_ bytes: [UInt8]) -> [UInt8] {
    var reader = WireReader(bytes.span.bytes), group = SubgroupStream(dialect.objects), writer = WireWriter()
    do throws(WireError) {
      try group.walkHeader(&reader)
      guard let id = subscriptions[group.trackAlias] else {
        faults.append("a group of subscription \(group.trackAlias), which there is not")
        return bytes
      }
      group.trackAlias = id
      try group.walkHeader(&writer)
    } catch { faults.append("\(error)") }
    return writer.bytes + bytes[reader.position...]
  }
  /// The header of a stream or datagram with our alias for the recorded one, which is 0.
  private func aliased(_ bytes: [UInt8]) -> [UInt8] {
    guard aliasesDiffer else { return bytes }
    let place = dialect.objects.subgroup.leadingRequestID ? 2 : 1
    guard place < bytes.count, bytes[place] == 0 else {
      faults.append("an alias that is not 0")
      return bytes
    }
    return bytes[..<place] + [0x80, 0x10, 0, 0] + bytes[(place + 1)...]
  }
  /// Answers to the recorded relay's numbers become answers to ours, which have the server's parity.
  private func renumbered(_ bytes: [UInt8]) -> [UInt8] {
    unread += bytes
    var told: [UInt8] = []
    do throws(WireError) {
      while let frame = try ControlFrame.find(in: unread.span.bytes, dialect.framing), let count = frame.count,
        count <= unread.count, let kind = frame.type.flatMap(dialect.kind(ofType:))
      {
        var reader = WireReader(unread.span.bytes.extracting(0..<count)), writer = WireWriter()
        if let answer = try dialect.decode(kind, from: &reader).answer(numbered: { self.ourIDs[$0] ?? $0 }) {
          try dialect.encode(answer, into: &writer)
          told += writer.withBytes { [UInt8]($0) }
        } else {
          told += unread[..<count]
        }
        unread.removeFirst(count)
      }
    } catch { faults.append("\(error)") }
    return told
  }
  private func count(_ bytes: [UInt8]) -> Int {
    var reader = WireReader(bytes.span.bytes), count = 0
    do throws(WireError) {
      if bytes.first == 5, !hasStreams, var fetch = FetchStream(dialect.objects) {
        try fetch.walkHeader(&reader)
        while reader.remaining > 0 {
          var header = ObjectHeader()
          try fetch.read(&header, from: &reader)
          count += 1
          _ = reader.slice(min(Int(header.payloadLength), reader.remaining))
        }
      } else {
        var subgroup = SubgroupStream(dialect.objects)
        try subgroup.walkHeader(&reader)
        while reader.remaining > 0 {
          var header = ObjectHeader()
          try subgroup.read(&header, from: &reader)
          count += 1
          _ = reader.slice(min(Int(header.payloadLength), reader.remaining))
        }
      }
    } catch { if error.kind != .truncated { faults.append("\(error)") } }
    return count
  }

  // MARK: Our half: what it says is what our session is told to do

  private func follow(_ event: JSON) {
    guard let stream = event["stream"]?.integer, stream & 2 == 0 else { return }
    guard let bytes = event["hex"]?.text.flatMap(JSON.bytes(hex:)) else { return }
    var half = halves[stream] ?? ([], 0)
    half.bytes += bytes
    if half.messages == 0 { noteType(of: stream, half.bytes, isOpener: isOurs(stream)) }
    let list = messages(&half.bytes, hasStreams ? (stream, half.messages) : nil)
    half.messages += list.count
    halves[stream] = half
    for message in list { perform(message) }
  }
  /// The whole messages at the start of `bytes`, which they are taken from.
  private func messages(_ bytes: inout [UInt8], _ place: (stream: UInt64, before: Int)?) -> [Message] {
    var list: [Message] = []
    while !bytes.isEmpty {
      var kind: MessageKind?
      if let place {
        // What was asked on the stream, and who asked, tell.
        guard let form = asked[place.stream] else {
          faults.append("stream \(place.stream) has no type")
          break
        }
        let isOpener = isOurs(place.stream), side = isOpener ? form.opener : form.acceptor
        let isFirst = place.before + list.count == 0
        kind = isFirst ? side.first : side.then
        guard kind != nil else {
          faults.append("more than was expected on stream \(place.stream)")
          break
        }
        if isOpener, isFirst, !form.isMessageType { bytes.removeFirst() }
      }
      do throws(WireError) {
        let framing = kind.map(dialect.framing(of:)) ?? dialect.framing
        guard let frame = try ControlFrame.find(in: bytes.span.bytes, framing) else { break }
        // Where messages have no length, a recorded piece holds whole ones.
        let count = frame.count ?? bytes.count
        guard count <= bytes.count, let found = kind ?? frame.type.flatMap(dialect.kind(ofType:)) else { break }
        var reader = WireReader(bytes.span.bytes.extracting(0..<count))
        list.append(try dialect.decode(found, from: &reader))
        bytes.removeFirst(reader.position)
      } catch {
        faults.append("\(error)")
        break
      }
    }
    return list
  }

  private func answer(_ kind: MessageKind) -> RequestKey? {
    guard let index = unanswered.firstIndex(where: { $0.1 == kind }) else {
      faults.append("nothing to answer with \(kind)")
      return nil
    }
    return unanswered.remove(at: index).0
  }
  private func perform(_ message: Message) {
    do throws(CommandError) {
      switch message {
      case .clientSetup, .serverSetup, .sessionUpdate, .maxRequestID, .requestsBlocked, .goAway: return
      case .subscribe(let m):
        var request = SubscribeRequest(TrackName(m.namespace, m.name), filter: m.filter)
        (request.priority, request.groupOrder, request.forward) = (m.priority, m.groupOrder, m.forward)
        subscriptions[m.id] = UInt64(subscriptions.count)
        requests[m.id] = try core.subscribe(request)
      case .subscribeOK(let m):
        guard let key = answer(.subscribe) else { return }
        var answer = SubscribeAnswer(largest: m.largest)
        answer.groupOrder = m.groupOrder
        try core.accept(key, answer)
        served.append(key)
      case .subscribeError: answer(.subscribe).map { core.reject($0, RequestFailure(.doesNotExist)) }
      case .subscribeUpdate(let m):
        guard let key = requests[m.subscription] else { return }
        var update = SubscriptionUpdate()
        (update.start, update.endGroup, update.priority, update.forward) = (m.start, m.endGroup, m.priority, m.forward)
        try core.update(key, update)
      case .subscribeGap, .fetchUpdate: return
      case .unsubscribe(let m): requests[m.id].map { core.cancel($0) }
      case .subscribeDone: if !served.isEmpty { core.finish(served.removeFirst()) }
      case .publish(let m):
        requests[m.id] = try core.publish(TrackName(m.namespace, m.name), SubscribeAnswer(largest: m.largest))
      case .publishOK: answer(.publish).map { core.accept($0) }
      case .publishError: answer(.publish).map { core.reject($0, RequestFailure(.uninterested)) }
      case .fetch(let m):
        switch m.range {
        case .standalone(let namespace, let name, let start, let endGroup, let endObject):
          let track = TrackName(namespace, name)
          requests[m.id] = try core.fetch(
            FetchRequest(.standalone(track, start: start, endGroup: endGroup, endObject: endObject)))
        case .relative(let id, let groups):
          guard let key = requests[id] else { return }
          requests[m.id] = try core.fetch(FetchRequest(.joining(key, groupsBefore: groups)))
        case .absolute(let id, let group):
          guard let key = requests[id] else { return }
          requests[m.id] = try core.fetch(FetchRequest(.joiningAbsolute(key, group: group)))
        }
      case .fetchOK(let m): if let key = answer(.fetch) { try core.accept(key, FetchAnswer(end: m.end)) }
      case .fetchError: answer(.fetch).map { core.reject($0, RequestFailure(.doesNotExist)) }
      case .fetchCancel(let m): requests[m.id].map { core.cancel($0) }
      case .trackStatus(let m):
        requests[m.subscribe.id] = try core.trackStatus(TrackName(m.subscribe.namespace, m.subscribe.name))
      case .trackStatusOK: if let key = answer(.trackStatus) { try core.answer(key, TrackState(.inProgress)) }
      case .trackStatusError: answer(.trackStatus).map { core.reject($0, RequestFailure(.doesNotExist)) }
      case .publishNamespace(let m): announcements[m.namespace] = try core.announce(m.namespace)
      case .publishNamespaceOK: answer(.publishNamespace).map { core.accept($0) }
      case .publishNamespaceError: answer(.publishNamespace).map { core.reject($0, RequestFailure(.uninterested)) }
      case .publishNamespaceDone(let m): announcements[m.namespace].map { core.cancel($0) }
      case .publishNamespaceCancel: return
      case .subscribeNamespace(let m): requests[m.id] = try core.seekAnnouncements(prefix: m.prefix)
      case .subscribeNamespaceOK: answer(.subscribeNamespace).map { core.accept($0) }
      case .subscribeNamespaceError: answer(.subscribeNamespace).map { core.reject($0, RequestFailure(.prefixUnknown)) }
      case .unsubscribeNamespace: return
      case .announceInit(let m):
        for suffix in m.suffixes { announcements[suffix] = try core.announce(suffix) }
        answer(.subscribeNamespace).map { core.accept($0) }
      case .announce(let m):
        // In transfork it is also the first that is said to who asked.
        if unanswered.contains(where: { $0.1 == .subscribeNamespace }) {
          answer(.subscribeNamespace).map { core.accept($0) }
        }
        if m.status == .active {
          announcements[m.suffix] = try core.announce(m.suffix)
        } else {
          announcements[m.suffix].map { core.cancel($0) }
        }
      }
    } catch { faults.append("\(message): \(error)") }
    drain()
  }

  // MARK: What our session says

  private func drain() {
    core.drainEffects { effect in
      switch effect {
      case .open(let key, .bidirectional, _):
        keys[opened.bidirectional * 4 + (ours == "client" ? 0 : 1)] = key
        opened.bidirectional += 1
      case .close(_, let reason): faults.append("closed: \(reason)")
      default: break
      }
    }
    core.drainEvents { event in
      checker.note(event)
      switch event {
      case .closed(let end): closed = end
      case .subscribeRequested(let key, _): unanswered.append((key, .subscribe))
      case .fetchRequested(let key, _): unanswered.append((key, .fetch))
      case .trackStatusRequested(let key, _): unanswered.append((key, .trackStatus))
      case .announced(let key, _): if !hasStreams { unanswered.append((key, .publishNamespace)) }
      case .interested(let key, _): unanswered.append((key, .subscribeNamespace))
      case .publishRequested(let key, _, _): unanswered.append((key, .publish))
      case .object, .datagram: delivered += 1
      case .payload(let key, let part): core.consumed(part.count, on: key)
      default: break
      }
    }
  }
}

extension Message {
  /// The same answer to a request of another number; nil: it is no answer.
  fileprivate func answer(numbered: (UInt64) -> UInt64) -> Message? {
    func with<M>(_ message: M, _ id: WritableKeyPath<M, UInt64>) -> M {
      var message = message
      message[keyPath: id] = numbered(message[keyPath: id])
      return message
    }
    return switch self {
    case .subscribeOK(let m): .subscribeOK(with(m, \.id))
    case .subscribeError(let m): .subscribeError(with(m, \.id))
    case .subscribeDone(let m): .subscribeDone(with(m, \.id))
    case .publishOK(let m): .publishOK(with(m, \.id))
    case .publishError(let m): .publishError(with(m, \.id))
    case .fetchOK(let m): .fetchOK(with(m, \.id))
    case .fetchError(let m): .fetchError(with(m, \.id))
    case .publishNamespaceOK(let m): .publishNamespaceOK(with(m, \.id))
    case .publishNamespaceError(let m): .publishNamespaceError(with(m, \.id))
    case .subscribeNamespaceOK(let m): .subscribeNamespaceOK(with(m, \.id))
    case .subscribeNamespaceError(let m): .subscribeNamespaceError(with(m, \.id))
    default: nil
    }
  }
}

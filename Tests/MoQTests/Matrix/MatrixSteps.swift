import MoQ
import MoQDrafts
import Testing

/// What is tried with each pair of dialects, in this order.
enum MatrixStep: String, CaseIterable, Sendable {
  case current, groups, subgroups, ids, statuses, extensions, priorities, datagrams
  case start, fetch, status, update, leaving, unknown, names, gone

  /// Carries the step out. Returns what was lost on the way, and what should have been.
  func cross(_ at: Crossing) async throws -> (lost: Set<BridgingRule>, expected: Set<BridgingRule>) {
    switch self {
    case .current: try await at.current()
    case .groups: try await at.groups()
    case .subgroups: try await at.subgroups()
    case .ids: try await at.ids()
    case .statuses: try await at.statuses()
    case .extensions: try await at.extensions()
    case .priorities: try await at.priorities()
    case .datagrams: try await at.datagrams()
    case .start: try await at.start()
    case .fetch: try await at.fetch()
    case .status: try await at.status()
    case .update: try await at.update()
    case .leaving: try await at.leaving()
    case .unknown: try await at.unknown()
    case .names: try await at.names()
    case .gone: try await at.gone()
    }
  }
}

typealias Losses = (lost: Set<BridgingRule>, expected: Set<BridgingRule>)

// Objects.
extension Crossing {
  /// Whoever comes late gets the whole current group: what there was, then what comes.
  func current() async throws -> Losses {
    let track = try await stage(.current)
    try await track.group(4) { try await $0.write("before") }
    let writer = try await track.beginGroup(5)
    for object in 0..<3 { try await writer.write(matrixPayload(5, object, 100)) }

    let subscription = try await subscribe(.current)
    let group = try await subscription.group()
    try #require(group.sequence == 5)
    var objects = group.makeAsyncIterator()
    for id in 0..<3 as Range<UInt64> {
      let object = try #require(try await objects.next())
      try #require(object.id == id && object.payload == matrixPayload(5, Int(id), 100))
    }
    for object in 3..<5 { try await writer.write(matrixPayload(5, object, 100)) }
    try await writer.finish()
    for id in 3..<5 as Range<UInt64> {
      let object = try #require(try await objects.next())
      try #require(object.id == id && object.payload == matrixPayload(5, Int(id), 100))
    }
    try #require(try await objects.next() == nil)
    try #require(group.ending == .complete)
    return ([], [])
  }

  /// Groups of objects of many sizes, each with its end; then the end of the track.
  func groups() async throws -> Losses {
    let sizes = [300, 0, 1, 70_000, 0, 1_200, 0]
    let track = try await stage(.groups)
    let subscription = try await subscribe(.groups)
    try await track.firstSubscriber()
    for group in 0..<3 {
      try await track.group { writer in
        for (object, size) in sizes.enumerated() { try await writer.write(matrixPayload(group, object, size)) }
      }
      // Its end is understood before another group begins.
      let received = try await subscription.group(), objects = try await received.all()
      try #require(received.sequence == UInt64(group) && received.ending == .complete)
      try #require(objects.map(\.id) == (0..<UInt64(sizes.count)).map { $0 })
      for (object, size) in sizes.enumerated() {
        try #require(objects[object].payload == matrixPayload(group, object, size))
      }
    }
    await track.finish()
    try #require(try await subscription.rest().isEmpty)
    return ([], [])
  }

  /// Objects on several streams of one group.
  func subgroups() async throws -> Losses {
    let track = try await stage(.subgroups) { $0.usesSubgroups = true }
    let subscription = try await subscribe(.subgroups)
    try await track.firstSubscriber()
    try await track.group { writer in
      for object in 0..<6 {
        try await writer.write(matrixPayload(0, object, 50), subgroup: UInt64(object % 3))
      }
    }
    let group = try await subscription.group()
    let objects = try await group.all().sorted { $0.id < $1.id }
    try #require(group.ending == .complete)
    try #require(objects.map(\.id) == [0, 1, 2, 3, 4, 5])
    try #require(objects.map(\.payload) == (0..<6).map { matrixPayload(0, $0, 50) })
    let found = objects.map(\.subgroup)
    try #require(found == [0, 1, 2, 0, 1, 2] || found == [0, 0, 0, 0, 0, 0], "subgroups \(found)")
    return ((found[1] == 0).then(.subgroups), (!from.hasSubgroups || !to.hasSubgroups).then(.subgroups))
  }

  /// Object ids with gaps between them.
  func ids() async throws -> Losses {
    let track = try await stage(.ids)
    let subscription = try await subscribe(.ids)
    try await track.firstSubscriber()
    try await track.group { writer in
      for id in [0, 2, 7] as [UInt64] { try await writer.write(matrixPayload(0, Int(id), 20), id: id) }
    }
    let group = try await subscription.group(), objects = try await group.all()
    try #require(group.ending == .complete)
    try #require(objects.map(\.payload) == [0, 2, 7].map { matrixPayload(0, $0, 20) })
    let found = objects.map(\.id)
    try #require(found == [0, 2, 7] || found == [0, 1, 2], "ids \(found)")
    return ((found == [0, 1, 2]).then(.objectIDs), (!from.hasObjectIDs || !to.hasObjectIDs).then(.objectIDs))
  }

  /// An object that is said not to exist.
  func statuses() async throws -> Losses {
    let track = try await stage(.statuses)
    let subscription = try await subscribe(.statuses, keepsStatus: true)
    try await track.firstSubscriber()
    try await track.group { writer in
      try await writer.write("first")
      try await writer.write(Bytes(), status: .doesNotExist)
      try await writer.write("third")
    }
    let group = try await subscription.group()
    let objects = try await group.all().filter { $0.status != .endOfGroup }
    try #require(group.ending == .complete)
    let found = objects.map { "\($0.id) \($0.status) \($0.payload.count)" }
    let whole = ["0 normal 5", "1 doesNotExist 0", "2 normal 5"], reduced = ["0 normal 5", "1 normal 5"]
    try #require(found == whole || found == reduced, "\(found)")
    return ((found == reduced).then(.statuses), (!from.hasStatuses || !to.hasStatuses).then(.statuses))
  }

  func extensions() async throws -> Losses {
    // Type 2, a number; type 3, bytes.
    let headers = Bytes([0x02, 0x05, 0x03, 0x02, 0xab, 0xcd])
    let track = try await stage(.extensions) { $0.usesExtensions = true }
    let subscription = try await subscribe(.extensions)
    try await track.firstSubscriber()
    try await track.group { writer in
      try await writer.write(Bytes("with"), extensions: headers)
      try await writer.write("without")
    }
    let group = try await subscription.group(), objects = try await group.all()
    try #require(objects.map(\.payload) == [Bytes("with"), Bytes("without")])
    try #require(objects[1].extensions.isEmpty)
    let found = objects[0].extensions
    try #require(found == headers || found.isEmpty, "extensions \(found.array)")
    return (found.isEmpty.then(.extensions), (!from.hasExtensions || !to.hasExtensions).then(.extensions))
  }

  /// The publisher's priority, as objects carry it, or the answer to the subscription.
  func priorities() async throws -> Losses {
    let track = try await stage(.priorities) { $0.priority = 7 }
    let subscription = try await subscribe(.priorities)
    try await track.firstSubscriber()
    try await track.group { try await $0.write("urgent") }
    let object = try #require(try await subscription.group().all().first)
    try #require(object.payload == Bytes("urgent"))
    try #require(object.priority == 7 || object.priority == 128, "priority \(object.priority)")
    return ((object.priority == 128).then(.priorities), (from.hasPriorities && !to.hasPriorities).then(.priorities))
  }

  func datagrams() async throws -> Losses {
    let track = try await stage(.datagrams)
    let subscription = try await subscribe(.datagrams)
    try await track.firstSubscriber()
    var isOnStream: Set<Bool> = []
    for number in 0..<3 {
      // A datagram may be lost, even here: then another one is sent.
      var objects: [ReceivedObject] = []
      for attempt in 0..<20 where objects.isEmpty {
        let group = UInt64(number * 100 + attempt)
        try await track.sendDatagram(matrixPayload(number, attempt, 200), group: group)
        let received = try? await within(.seconds(3), "a datagram") { try await subscription.group() }
        guard let received else { continue }
        try #require(received.sequence == group)
        var iterator = received.makeAsyncIterator()
        let object = try #require(try await iterator.next())
        try #require(object.id == 0 && object.payload == matrixPayload(number, attempt, 200))
        objects.append(object)
      }
      isOnStream.insert(!(try #require(objects.first).isDatagram))
    }
    try #require(isOnStream.count == 1)
    return (isOnStream.contains(true).then(.datagrams), (!from.hasDatagrams || !to.hasDatagrams).then(.datagrams))
  }
}

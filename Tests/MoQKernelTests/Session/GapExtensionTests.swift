import MoQDrafts
import MoQKernel
import Testing

/// Extension headers that say which groups and objects there are not before theirs (§11 of draft-14, §10.1 of 11 to 13).
@Suite struct GapExtensionTests {
  static let dialects = DialectTests.drafts.filter { $0.rules.gapExtensions != nil }
  static let withImmutable = dialects.filter { $0.rules.gapExtensions?.immutable != nil }

  /// A subscription of ours to a track of the peer, whose objects are said one by one.
  private struct Track {
    let peer: Dialogue
    let key: RequestKey
    let alias: UInt64
    init(_ dialect: any Dialect.Type) throws {
      peer = try Dialogue(dialect, as: .client)
      key = try peer.core.subscribe(SubscribeRequest(TrackName("live", "a"), filter: .nextObject))
      guard case .subscribe(let asked)? = try peer.replies().messages.first else {
        throw DialectTests.Unheard()
      }
      alias = dialect.rules.alias == .publisher ? 7 : asked.trackAlias
      var ok = SubscribeOK()
      (ok.id, ok.trackAlias) = (asked.id, dialect.rules.alias == .publisher ? alias : 0)
      peer.send(.subscribeOK(ok))
      _ = peer.events()
    }
    /// A stream of objects without payload.
    func stream(_ group: UInt64, subgroup: UInt64 = 0, _ objects: (id: UInt64, extensions: [UInt8])...) throws {
      var state = SubgroupStream(peer.dialect.objects, flags: [.extensions, .subgroupID]), writer = WireWriter()
      (state.trackAlias, state.group, state.subgroup, state.priority) = (alias, group, subgroup, 3)
      try state.walkHeader(&writer)
      for (id, extensions) in objects {
        var object = ObjectHeader()
        object.id = id
        object.extensions = extensions.span.bytes
        try state.write(object, to: &writer)
      }
      let stream = try #require(peer.core.opened(.unidirectional))
      writer.withBytes { peer.core.received($0, fin: true, on: stream) }
    }
    func datagram(_ group: UInt64, _ extensions: [UInt8]) throws {
      var state = try #require(ObjectDatagram(peer.dialect.objects)), writer = WireWriter(), object = ObjectHeader()
      state.trackAlias = alias
      (object.group, object.priority, object.payloadLength) = (group, 3, 1)
      object.extensions = extensions.span.bytes
      try state.write(object, to: &writer)
      writer.append([0x55].span.bytes)
      writer.withBytes { peer.core.received(datagram: $0) }
    }
    func gaps() -> [GroupGap] {
      peer.events().compactMap { event in if case .gap(key, let gap) = event { gap } else { nil } }
    }
    /// Whether the track is malformed: its subscription has ended for that, or the session where that is the rule.
    func isMalformed() throws -> Bool {
      if case .closesSession = peer.dialect.rules.malformedTrack { return try peer.closed() == 0x3 }
      guard try peer.closed() == nil else { return false }
      return peer.events().contains {
        if case .ended(key, let failure) = $0 { failure.reason == .malformedTrack } else { false }
      }
    }
  }
  /// A number under an even type, as short as it goes.
  private static func pair(_ type: UInt64?, _ number: UInt64) throws -> [UInt8] {
    var writer = WireWriter(), type = try #require(type), number = number
    try writer.varint("Type", &type)
    try writer.varint("Value", &number)
    return writer.bytes
  }
  private static func groups(_ dialect: any Dialect.Type, _ count: UInt64) throws -> [UInt8] {
    try pair(dialect.rules.gapExtensions?.groups, count)
  }
  private static func objects(_ dialect: any Dialect.Type, _ count: UInt64) throws -> [UInt8] {
    try pair(dialect.rules.gapExtensions?.objects, count)
  }
  private static func immutable(_ dialect: any Dialect.Type, _ content: [UInt8]) throws -> [UInt8] {
    try pair(dialect.rules.gapExtensions?.immutable, UInt64(content.count)) + content
  }

  @Test("drafts 11 to 13 and 14 number it differently; others have none")
  func numbers() {
    let numbers = Self.dialects.map { "\($0.name) \($0.rules.gapExtensions?.groups ?? 0)" }
    #expect(Set(numbers) == ["draft-11 64", "draft-12 64", "draft-13 64", "draft-14 60"])
  }

  @Test("groups that do not exist are told once, whichever objects say it", arguments: dialects)
  func told(_ dialect: any Dialect.Type) throws {
    let track = try Track(dialect), two = try Self.groups(dialect, 2)
    try track.stream(7, (0, []))
    try track.stream(10, (0, two), (1, []), (2, [0x02, 0x09] + two))
    try track.stream(10, subgroup: 1, (5, two))
    #expect(track.gaps() == [GroupGap(8...9, .doesNotExist)])
    try track.stream(11, (0, try Self.groups(dialect, 0)))
    try track.stream(20, (0, try Self.groups(dialect, 8)))
    #expect(track.gaps() == [GroupGap(12...19, .doesNotExist)])
    #expect(try track.peer.closed() == nil)
  }
  @Test("a datagram says it as well", arguments: dialects)
  func toldByADatagram(_ dialect: any Dialect.Type) throws {
    let track = try Track(dialect)
    try track.datagram(4, try Self.groups(dialect, 4))
    #expect(track.gaps() == [GroupGap(0...3, .doesNotExist)])
    try track.datagram(2, [0x02, 0x01])
    #expect(try track.isMalformed())
  }

  @Test("contradictions make the track malformed", arguments: dialects)
  func contradictions(_ dialect: any Dialect.Type) throws {
    let one = try Self.groups(dialect, 1), two = try Self.groups(dialect, 2)
    func malformed(_ said: (Track) throws -> Void) throws -> Bool {
      let track = try Track(dialect)
      try said(track)
      return try track.isMalformed()
    }
    // More groups than there can be before it.
    #expect(try malformed { try $0.stream(1, (0, two)) })
    #expect(try malformed { try $0.datagram(1, two) })
    // Two objects of a group disagree, on one stream or on two.
    #expect(try malformed { try $0.stream(5, (0, one), (1, two)) })
    #expect(
      try malformed {
        try $0.stream(5, (0, one))
        try $0.stream(5, subgroup: 1, (1, two))
      })
    // A group that was said not to exist comes.
    #expect(
      try malformed {
        try $0.stream(5, (0, two))
        try $0.stream(4, (0, []))
      })
    // One that has come is said not to exist.
    #expect(
      try malformed {
        try $0.stream(4, (0, []))
        try $0.stream(5, (0, two))
      })
    // Twice in an object: never in draft-14, the same in the others.
    let mayRepeat = dialect.rules.gapExtensions?.mayRepeat == true
    #expect(try malformed { try $0.stream(5, (0, one + one)) } == !mayRepeat)
    #expect(try malformed { try $0.stream(5, (0, one + two)) })
  }

  @Test("what is said of objects agrees with what has come on the stream", arguments: withImmutable)
  func objects(_ dialect: any Dialect.Type) throws {
    let two = try Self.objects(dialect, 2)
    let track = try Track(dialect)
    try track.stream(5, (0, []), (3, two), (4, []))
    #expect(try track.peer.closed() == nil)
    for (first, second) in [(1 as UInt64, 2 as UInt64), (6, 8), (6, 7)] {
      let track = try Track(dialect)
      try track.stream(5, (first, first < 2 ? two : []), (second, two))
      #expect(try track.isMalformed(), "\(first) \(second)")
    }
    let again = try Track(dialect)
    try again.stream(5, (9, two + two))
    #expect(try again.isMalformed())
  }

  @Test("immutable extensions are extension headers too, and hold none of their kind", arguments: withImmutable)
  func immutable(_ dialect: any Dialect.Type) throws {
    let two = try Self.groups(dialect, 2), track = try Track(dialect)
    try track.stream(10, (0, try Self.immutable(dialect, two)))
    #expect(track.gaps() == [GroupGap(8...9, .doesNotExist)])
    for wrong in [try Self.immutable(dialect, []), [0x02], [0x03, 0x05, 0x01], [0x40]] {
      let track = try Track(dialect)
      try track.stream(10, (0, try Self.immutable(dialect, wrong)))
      #expect(try track.isMalformed(), "\(wrong)")
    }
  }

  @Test("what is no key-value pair, or in a dialect without them, says nothing", arguments: DialectTests.drafts)
  func nothing(_ dialect: any Dialect.Type) throws {
    guard dialect.objects.hasExtensions, dialect.objects.subgroup.fields.extensions == .length else { return }
    let track = try Track(dialect)
    try track.stream(1, (0, [0x03, 0x20, 0x01]), (1, [0xff]))
    if dialect.rules.gapExtensions == nil { try track.stream(1, subgroup: 1, (3, [0x3c, 0x09, 0x40, 0x40, 0x09])) }
    #expect(track.gaps() == [])
    #expect(try track.peer.closed() == nil)
  }

  @Test("however many are said, what is kept of them is bounded", arguments: dialects)
  func bounded(_ dialect: any Dialect.Type) throws {
    let track = try Track(dialect), one = try Self.groups(dialect, 1)
    var gaps = 0
    for number in 1...500 as ClosedRange<UInt64> {
      try track.stream(2 * number, (0, one))
      gaps += track.gaps().count
    }
    #expect(gaps == 500)
    try track.stream(999, (0, []))
    #expect(try track.isMalformed())
  }
}

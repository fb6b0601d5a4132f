import MoQDrafts
import MoQKernel
import Testing

/// What peers of moq-lite and transfork really send, in bytes: a profile reads it and writes it again, and the text
/// does neither.
@Suite struct StreamProfileTests {
  /// A message as bytes, read in a profile.
  struct Case: CustomTestStringConvertible, Sendable {
    var dialect: any Dialect.Type
    var hex: String
    var message: Message
    /// Whether the text reads the same bytes as the same message.
    var isTheTexts = false
    var testDescription: String { "\(dialect.name) \(dialect.profile ?? "") \(message.kind)" }
    init(
      _ dialect: any Dialect.Type, _ hex: String, _ message: Message, isTheTexts: Bool = false
    ) {
      (self.dialect, self.hex, self.message, self.isTheTexts) = (dialect, hex, message, isTheTexts)
    }
  }
  private static func subscribe(_ name: String, id: UInt64 = 0, _ adjust: (inout Subscribe) -> Void) -> Message {
    var m = Subscribe()
    (m.id, m.namespace, m.name, m.filter) = (id, "bench", Array(name.utf8), .currentGroup)
    adjust(&m)
    return .subscribe(m)
  }
  private static func info(_ adjust: (inout SubscribeOK) -> Void) -> Message {
    var m = SubscribeOK()
    adjust(&m)
    return .subscribeOK(m)
  }
  private static func interest(_ prefix: TrackNamespace) -> Message {
    var m = SubscribeNamespace()
    m.prefix = prefix
    return .subscribeNamespace(m)
  }
  private static func setup(_ version: UInt64) -> Message {
    var m = ClientSetup()
    (m.versions, m.parameters) = ([version], [Parameter(.path, .bytes([0x2f]))])
    return .clientSetup(m)
  }

  static let gomoqt: [Case] = [
    Case(Lite01Gomoqt.self, "0d01c0000000feedbabe0101012f", setup(0xfeed_babe)),
    Case(Lite01Gomoqt.self, "02012f", interest(""), isTheTexts: true),
    Case(Lite01Gomoqt.self, "08072f62656e63682f", interest("bench"), isTheTexts: true),
    Case(
      Lite01Gomoqt.self, "0e01062f62656e6368046461746100", subscribe("data", id: 1) { $0.priority = 255 },
      isTheTexts: true),
    Case(Lite01Gomoqt.self, "00", info { $0.priority = 128 }),
    Case(Lite01Gomoqt04.self, "000d01c0000000ff0dad010101012f", setup(0xff0d_ad01)),
    Case(Lite01Gomoqt04.self, "0002012f", interest("")),
    Case(
      Lite01Gomoqt04.self, "001001062f62656e63680464617461000000",
      subscribe("data", id: 1) { $0.priority = 255 }),
    Case(
      Lite01Gomoqt04.self, "001001062f62656e63680464617461070409",
      subscribe("data", id: 1) { m in
        (m.priority, m.filter) = (248, .range(Location(3, 0), endGroup: 8, endObject: nil))
      }),
    Case(Lite01Gomoqt04.self, "0000", info { $0.priority = 128 }),
    Case(Transfork03Gomoqt.self, "0d01c0000000ffffff000101012f", setup(0xffff_ff00)),
    Case(
      Transfork03Gomoqt.self, "11000b2f62656e63682f6461746100000000",
      subscribe("data") { $0.priority = 255 }),
    Case(Transfork03Gomoqt.self, "03000000", info { ($0.priority, $0.groupOrder) = (255, .publisher) }),
    Case(
      Transfork03Gomoqt.self, "03070502",
      info { ($0.priority, $0.largest, $0.groupOrder) = (248, Location(5, 0), .descending) }),
  ]
  static let moqRs: [Case] = [
    Case(
      Transfork03MoqRs.self, "000205" + "62656e6368" + "0464617461" + "8001000000",
      subscribe("data") { ($0.priority, $0.groupOrder) = (127, .descending) }),
    Case(
      Transfork03MoqRs.self, "80010025",
      info { ($0.priority, $0.groupOrder, $0.largest) = (127, .descending, Location(0x25, 0)) }),
    Case(
      Transfork02MoqRs.self, "000205" + "62656e6368" + "0464617461" + "8001000000",
      subscribe("data") { ($0.priority, $0.groupOrder) = (127, .descending) }),
    Case(
      Transfork02MoqRs.self, "80010025",
      info { ($0.priority, $0.groupOrder, $0.largest) = (127, .descending, Location(0x25, 0)) }),
    Case(
      Transfork04MoqRs.self, "000a" + "62656e63682f64617461" + "80000000",
      subscribe("data") { ($0.priority, $0.groupOrder) = (127, .ascending) }),
    Case(
      Transfork04MoqRs.self, "800125",
      info { ($0.priority, $0.groupOrder, $0.largest) = (127, .descending, Location(0x25, 0)) }),
    Case(Transfork04MoqRs.self, "0562656e6368", interest("bench")),
  ]

  @Test(arguments: gomoqt + moqRs) func isReadAndWritten(_ test: Case) throws {
    let bytes = try #require(JSON.bytes(hex: test.hex)), kind = test.message.kind
    var reader = WireReader(bytes.span.bytes)
    let message = try test.dialect.decode(kind, from: &reader)
    #expect(message == test.message && reader.remaining == 0)
    var writer = WireWriter()
    try test.dialect.encode(test.message, into: &writer)
    #expect(writer.bytes == bytes)
    let text = try #require(dialects.named(test.dialect.name))
    var strict = WireReader(bytes.span.bytes)
    let read = try? text.decode(kind, from: &strict)
    #expect((read == message && strict.remaining == 0) == test.isTheTexts)
  }

  /// gomoqt's own parser wants the slashes, so a peer that leaves them out is none.
  @Test(
    arguments: [
      ("0e01062f62656e6368046461746100", "0d010562656e6368046461746100", MessageKind.subscribe),
      ("08072f62656e63682f", "07062f62656e6368", .subscribeNamespace),
      ("02012f", "0100", .subscribeNamespace),
    ])
  func slashesAreWanted(rooted: String, bare: String, kind: MessageKind) throws {
    for (hex, isRead) in [(rooted, true), (bare, false)] {
      let bytes = try #require(JSON.bytes(hex: hex))
      var reader = WireReader(bytes.span.bytes)
      #expect(((try? Lite01Gomoqt.decode(kind, from: &reader)) != nil) == isRead, "\(hex)")
    }
  }
  /// A track has a name, so its path is not empty.
  @Test func aTrackHasAPath() throws {
    let rooted = try #require(JSON.bytes(hex: "0600012f00000000")), bare = try #require(JSON.bytes(hex: "000080000000"))
    var reader = WireReader(rooted.span.bytes)
    #expect(throws: WireError.self) { try Transfork03Gomoqt.decode(.subscribe, from: &reader) }
    var other = WireReader(bare.span.bytes)
    #expect(throws: WireError.self) { try Transfork04MoqRs.decode(.subscribe, from: &other) }
  }
  /// gomoqt's transfork names the last missing group, the text counts those after the first.
  @Test func gaps() throws {
    var gap = SubscribeGap()
    (gap.firstGroup, gap.more, gap.code) = (3, 4, 2)
    let bytes = try #require(JSON.bytes(hex: "03030702"))
    var writer = WireWriter(), reader = WireReader(bytes.span.bytes)
    try Transfork03Gomoqt.encode(.subscribeGap(gap), into: &writer)
    #expect(writer.bytes == bytes)
    #expect(try Transfork03Gomoqt.decode(.subscribeGap, from: &reader) == .subscribeGap(gap))
    // The last before the first.
    let wrong = try #require(JSON.bytes(hex: "03070302"))
    var again = WireReader(wrong.span.bytes)
    #expect(throws: WireError.self) { try Transfork03Gomoqt.decode(.subscribeGap, from: &again) }
  }
  /// An order that is left open has no words in moq-rs's flavours.
  @Test(arguments: [Transfork02MoqRs.self, Transfork03MoqRs.self, Transfork04MoqRs.self] as [any Dialect.Type])
  func ordersAreDecided(dialect: any Dialect.Type) {
    var open = SubscribeOK(), writer = WireWriter()
    open.groupOrder = .publisher
    #expect(throws: WireError.self) { try dialect.encode(.subscribeOK(open), into: &writer) }
  }
  /// A group's header and its frames have the length that the flavour's messages have.
  @Test(
    arguments: [
      (Lite01Gomoqt.self, "000201010268690161"), (Lite01Gomoqt04.self, "000002010100026869000161"),
      (Transfork03Gomoqt.self, "000201010268690161"), (Transfork03MoqRs.self, "0001010268690161"),
      (Transfork04MoqRs.self, "0001010268690161"),
    ] as [(any Dialect.Type, String)])
  func groups(dialect: any Dialect.Type, hex: String) throws {
    let bytes = try #require(JSON.bytes(hex: hex))
    var reader = WireReader(bytes.span.bytes), group = SubgroupStream(dialect.objects), lengths: [UInt64] = []
    try group.walkHeader(&reader)
    #expect(group.trackAlias == 1 && group.group == 1)
    while reader.remaining > 0 {
      var header = ObjectHeader()
      try group.read(&header, from: &reader)
      lengths.append(header.payloadLength)
      _ = reader.slice(Int(header.payloadLength))
    }
    #expect(lengths == [2, 1])
  }
  /// 16 bits bound a frame: more is refused, not cut.
  @Test func framesOf16BitsHaveABound() throws {
    var writer = WireWriter(), group = SubgroupStream(Lite01Gomoqt04.objects)
    try group.walkHeader(&writer)
    var header = ObjectHeader()
    header.payloadLength = 65_535
    try group.write(header, to: &writer)
    (header.id, header.payloadLength) = (1, 65_536)
    #expect(throws: WireError.self) { try group.write(header, to: &writer) }
  }
}

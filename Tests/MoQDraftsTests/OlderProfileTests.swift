import MoQDrafts
import MoQKernel
import Testing

/// What peers of drafts 07 to 12 really send, in bytes: a profile reads it, and the text's own dialect does not.
@Suite struct OlderProfileTests {
  private func bytes(_ hex: String) throws -> [UInt8] { try #require(JSON.bytes(hex: hex)) }

  @Test func cloudflareLeadsWithTheSubscribeID() throws {
    // Subscribe ID 3, alias 5, group 37, subgroup 0, priority 0; object 0: "ab".
    let stream = try bytes("0403052500000002" + "6162")
    let ours = Draft07Cloudflare.explain(stream: stream)
    #expect(ours.error == nil && ours.json["subscribe_id"]?.text == "3" && ours.json["track_alias"]?.text == "5")
    #expect(ours.json["group_id"]?.text == "37")
    #expect(Draft07.explain(stream: stream).error != nil)
    // Subscribe ID, alias, group, object, priority, status, length.
    let datagram = Draft07Cloudflare.explain(datagram: try bytes("0103052501000002" + "6162"))
    #expect(datagram.error == nil && datagram.json["payload_hex"]?.text == "6162")
  }

  @Test func datagramsOf07ComeInFourForms() throws {
    // Each is a payload "15" of group 0, object 1: what precedes it differs.
    #expect(Draft07.explain(datagram: try bytes("0100000100023135")).error == nil)
    #expect(Draft07Imquic.explain(datagram: try bytes("0100000100003135")).json["payload_hex"]?.text == "3135")
    #expect(Draft07MoQTransport.explain(datagram: try bytes("01000001003135")).json["payload_hex"]?.text == "3135")
    #expect(Draft07.explain(datagram: try bytes("01000001003135")).error != nil)
  }

  @Test func moqtransportLeavesTheOrderOpen() throws {
    let message = try bytes("0405000000" + "0000")
    var reader = WireReader(message.span.bytes)
    _ = try Draft07MoQTransport.decode(.subscribeOK, from: &reader)
    var strict = WireReader(message.span.bytes)
    #expect(throws: WireError.self) { try Draft07.decode(.subscribeOK, from: &strict) }
  }

  @Test(arguments: [Draft08Imquic.self, Draft09Imquic.self, Draft10Imquic.self] as [any Dialect.Type])
  func imquicLeavesOutWhatIsEmpty(dialect: any Dialect.Type) throws {
    let datagram = try bytes("01000001003232")
    #expect(dialect.explain(datagram: datagram).json["payload_hex"]?.text == "3232")
    let text = try #require(dialects.named(dialect.name))
    #expect(text.explain(datagram: datagram).error != nil)
  }

  @Test func moqtransportsDraft10IsHalf11() throws {
    let setup = try bytes("20001001c0000000ff00000a02020240640100")
    let explanation = Draft10MoQTransport.explain(setup)
    #expect(explanation.error == nil && explanation.json["parameters"]?["max_subscribe_id"]?.text == "100")
    #expect(Draft10.explain(setup).error != nil && Draft11.explain(setup).error != nil)
    // Request id, alias, namespace, name, priority, order, Forward, filter: as in 11.
    let subscribe = try bytes("03001500000105636c6f636b067365636f6e640000000100")
    #expect(Draft10MoQTransport.explain(subscribe).json["forward"]?.text == "0")
    // An object with a length of extension headers: as in 10.
    #expect(Draft10MoQTransport.explain(stream: try bytes("0400000000000002" + "6162")).error == nil)
  }

  @Test(
    arguments: [Draft07ImquicOffer.self, Draft08ImquicOffer.self, Draft09ImquicOffer.self, Draft10ImquicOffer.self]
      as [any Dialect.Type])
  func imquicsOfferHasPairs(dialect: any Dialect.Type) throws {
    let setup = try bytes("40400c01c0000000ff000007010214")
    #expect(dialect.explain(setup).error == nil)
    let text = try #require(dialects.named(dialect.name))
    #expect(text.explain(setup).error != nil)
    // All else is the draft's own.
    let answer = try bytes("40410cc0000000ff00000701" + "020101")
    #expect(dialect.explain(answer).json == text.explain(answer).json && text.explain(answer).error == nil)
  }

  /// A setup that a profile takes from another text is found there.
  @Test func setupsAreInTheSectionsOfTheirTexts() {
    let profiles: [any Dialect.Type] = [
      Lite01MoqDev.self, Lite01MoqDev202508.self, Draft10MoQTransport.self, Transfork03Gomoqt.self,
    ]
    #expect(profiles.map { $0.section(of: .clientSetup).description } == ["§9.3", "§6.2", "§8.2", "§6.2"])
    #expect(profiles.map { $0.section(of: .serverSetup).description } == ["§9.3", "§6.2", "§8.2", "§6.3"])
  }

  /// 0x08 to 0x0D are left over from 11 in one list of the text: read, never written (§9.4.2).
  @Test(arguments: [Draft12.self, Draft13.self] as [any Dialect.Type])
  func streamTypesOf11AreReadIn12(dialect: any Dialect.Type) throws {
    for type in 0x08...0x0D as ClosedRange<UInt64> {
      let flags = try #require(dialect.objects.subgroup.flags(of: type))
      #expect(dialect.objects.subgroup.type(for: flags) == type + 8)
    }
    #expect(dialect.objects.subgroup.flags(of: 0x0E) == nil && dialect.objects.subgroup.flags(of: 0x16) == nil)
  }

  /// The numbers 0x4 and 0x5 have meant three ends; what another draft says is turned into a draft's own.
  @Test func endsAreSpelledAsTheDraftHasThem() {
    #expect(Draft07.objects.statuses.spelled(.endOfTrack, objectID: 0) == .endOfTrackAndGroup)
    #expect(Draft10.objects.statuses.spelled(.endOfTrack, objectID: 0) == .endOfTrack)
    #expect(Draft13.objects.statuses.spelled(.endOfTrackAndGroup, objectID: 4) == .endOfTrack)
    #expect(Draft07.objects.statuses.says(.endOfSubgroup) && !Draft13.objects.statuses.says(.endOfSubgroup))
  }
}

import MoQDrafts
import MoQKernel
import Testing

/// Every error names dialect, message, field, offset, what was found, what is wanted, and the section.
@Suite struct ErrorTests {
  @Test(
    arguments: [
      (
        [0x03, 0, 0x0f, 0, 1, 1, 0x61, 1, 0x62, 128, 0, 1, 9, 0, 0, 0, 0, 0], MessageKind.subscribe,
        "draft-14 SUBSCRIBE: Filter Type at byte 12 is 9, wanted 1 to 4 (§9.7)"
      ),
      (
        [0x0b, 0, 4, 1, 2, 3, 0x44, 0x01], .subscribeDone,
        "draft-14 PUBLISH_DONE: the bytes end inside Error Reason at byte 6 (§9.12)"
      ),
      (
        [0x0b, 0, 5, 1, 2, 3, 0x44, 0x01], .subscribeDone,
        "draft-14 PUBLISH_DONE: Error Reason at byte 6 is 1025, wanted at most 1024 bytes (§9.12)"
      ),
      (
        [0x0a, 0, 2, 1, 2], .unsubscribe,
        "draft-14 UNSUBSCRIBE: 1 bytes are left after the last field at byte 4 (§9.11)"
      ),
      (
        [0x21, 0, 6, 1, 2, 2, 1, 2, 1], .serverSetup,
        "draft-14 SERVER_SETUP: parameter 2 at byte 7 comes twice, wanted it once (§9.3)"
      ),
      (
        [0x21, 0, 5, 1, 1, 3, 1, 9], .serverSetup,
        "draft-14 SERVER_SETUP: the value of Alias Type at byte 7 is malformed, wanted a Token (§9.3)"
      ),
      (
        [0x04, 0, 6, 1, 1, 0, 0, 0, 0], .subscribeOK,
        "draft-14 SUBSCRIBE_OK: Group Order at byte 8 is 0, wanted 1 or 2 (§9.8)"
      ),
    ] as [([UInt8], MessageKind, String)])
  func whatReadersSay(bytes: [UInt8], kind: MessageKind, says: String) throws {
    var reader = WireReader(bytes.span.bytes)
    let error = #expect(throws: WireError.self) { try Draft14.decode(kind, from: &reader) }
    #expect(Draft14.explain(try #require(error), in: kind).description == says)
  }

  @Test func whatWritersSay() throws {
    var m = Subscribe(), writer = WireWriter()
    m.namespace = TrackNamespace(["a/b".utf8.map { $0 }])
    m.filter = .currentGroup
    let error = #expect(throws: WireError.self) { try Lite01.encode(.subscribe(m), into: &writer) }
    #expect(
      Lite01.explain(try #require(error), in: .subscribe).description
        == "moq-lite-01 SUBSCRIBE: Broadcast Path cannot be said, wanted fields of UTF-8 that are not empty and hold no "
        + "slash (§6.9)")
    let unspoken = #expect(throws: WireError.self) { try Lite01.encode(.goAway(GoAway()), into: &writer) }
    #expect(unspoken?.kind == .inexpressible)
    #expect(writer.count == 0)
  }

  /// Each field of an answer that the dialect has no words for is named, and nothing is written.
  @Test func whatAnAnswerCannotSay() {
    let changes: [(String, (inout SubscribeOK) -> Void)] = [
      ("Request ID", { $0.id = 1 }), ("Track Alias", { $0.trackAlias = 1 }),
      ("Expires", { $0.expiresMilliseconds = 1 }),
      ("Group Order", { $0.groupOrder = .descending }), ("Largest Location", { $0.largest = Location(0, 0) }),
      ("Parameters", { $0.parameters = [Parameter(.deliveryTimeout, .number(1))] }),
    ]
    for (field, change) in changes {
      var m = SubscribeOK(), writer = WireWriter()
      change(&m)
      let error = #expect(throws: WireError.self) { try Lite01.encode(.subscribeOK(m), into: &writer) }
      #expect(error?.kind == .inexpressible && error?.field.description == field && writer.count == 0)
    }
  }

  @Test func aMalformedTokenClosesWithItsOwnReason() {
    let bytes: [UInt8] = [0x21, 0, 5, 1, 1, 3, 1, 9]
    var reader = WireReader(bytes.span.bytes)
    let error = #expect(throws: WireError.self) { try Draft14.decode(.serverSetup, from: &reader) }
    #expect(error?.sessionReason == .keyValueFormatting)
  }

  /// A tool shows what can be read before the error, and where it is.
  @Test func anExplanationGoesAsFarAsTheBytes() {
    let explanation = Draft14.explain([0x03, 0, 9, 0, 1, 1, 0x61, 1, 0x62, 128, 0, 7])
    #expect(explanation.error?.error.field == "Forward")
    #expect(
      explanation.notes.map(\.name).suffix(3) == ["Track Name", "Subscriber Priority", "Group Order"]
        || explanation.notes.last?.name == "Forward")
    #expect(explanation.notes.first == Note("Type", 0..<1, "0x3"))
    let unknown = Draft14.explain([0x3f, 0, 0])
    #expect(unknown.error?.error.kind == .unknownMessage)
    #expect(unknown.error?.description == "draft-14 message: no message has type 63")
  }
}

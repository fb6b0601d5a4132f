import MoQDrafts
import MoQKernel
import Testing

@Suite struct FrameTests {
  @Test func aMessageIsFoundWhenItsHeaderIsThere() throws {
    let bytes: [UInt8] = [0x40, 0x0a, 0x00, 0x01, 0x05]
    for count in 0..<4 {
      #expect(try ControlFrame.find(in: Array(bytes.prefix(count)).span.bytes, .typed(.uint16)) == nil)
    }
    let frame = try #require(try ControlFrame.find(in: bytes.span.bytes, .typed(.uint16)))
    #expect(frame.type == 0x0a)
    #expect(frame.header == 4)
    #expect(frame.count == 5)
  }

  @Test func aLengthBeyondTheLimitIsRefusedAtOnce() {
    let long: [UInt8] = [0x80, 0x01, 0x00, 0x00]
    #expect(throws: WireError.self) { try ControlFrame.find(in: long.span.bytes, .length(.varint)) }
    let error = #expect(throws: WireError.self) {
      try ControlFrame.find(in: long.span.bytes, .length(.varint), maximum: 1_000)
    }
    #expect(error?.kind == .tooLong)
    #expect(error?.found == 65_536)
    #expect(error?.offset == 0)
    #expect(throws: Never.self) { try ControlFrame.find(in: long.span.bytes, .length(.varint), maximum: 65_536) }
  }

  /// Lengths of every size, written before the body's is known.
  @Test(arguments: [0, 1, 63, 64, 65, 16_383, 16_384, 20_000])
  func lengthsOfEverySize(count: Int) throws {
    var m = AnnounceInit(), writer = WireWriter(capacity: 4)
    m.suffixes = [TrackNamespace(path: String(repeating: "x", count: min(count, 4_000)))]
    while m.suffixes.reduce(0, { $0 + $1.byteCount }) < count { m.suffixes.append("yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy") }
    try Lite01.encode(.announceInit(m), into: &writer)
    let bytes = writer.bytes
    let frame = try #require(try Lite01.frame(bytes.span.bytes))
    #expect(frame.count == bytes.count)
    var reader = WireReader(bytes.span.bytes)
    #expect(try Lite01.decode(.announceInit, from: &reader) == .announceInit(m))
  }

  @Test func aMessageOfMoreThan16BitsIsRefused() {
    var m = Subscribe(), writer = WireWriter()
    m.namespace = "a"
    m.parameters = (0..<2).map { _ in Parameter(.unknown(1 << 20 | 1), .bytes([UInt8](repeating: 0, count: 40_000))) }
    writer.append(([1, 2, 3] as [UInt8]).span.bytes)
    let error = #expect(throws: WireError.self) { try Draft14.encode(.subscribe(m), into: &writer) }
    #expect(error?.kind == .tooLong)
    #expect(writer.bytes == [1, 2, 3], "what was there before stays")
  }
}

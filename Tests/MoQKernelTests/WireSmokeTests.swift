import MoQDrafts
import MoQKernel
import Testing

@Suite struct WireSmokeTests {
  @Test func subscribeGoesThereAndBack() throws {
    var m = Subscribe()
    (m.id, m.namespace, m.name) = (1, "live", Array("video".utf8))
    m.filter = .nextGroup
    m.forward = false
    var wire = WireWriter()
    try Draft14.encode(.subscribe(m), into: &wire)
    let bytes = wire.bytes
    #expect(bytes == [3, 0, 0x12, 1, 1, 4, 0x6c, 0x69, 0x76, 0x65, 5, 0x76, 0x69, 0x64, 0x65, 0x6f, 0x80, 0, 0, 1, 0])
    var reader = WireReader(bytes.span.bytes)
    #expect(try Draft14.decode(.subscribe, from: &reader) == .subscribe(m))
  }
}

import MoQKernel
import Testing

@Suite struct IntegerTests {
  /// RFC 9000, appendix A.1.
  @Test(arguments: [
    (0xc2_19_7c_5e_ff_14_e8_8c as UInt64, 8, 151_288_809_941_952_652 as UInt64), (0x9d7f_3e7d, 4, 494_878_333),
    (0x7bbd, 2, 15_293), (0x25, 1, 37), (0x4025, 2, 37),
  ])
  func quic(wire: UInt64, size: Int, value: UInt64) {
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: wire >> UInt64(8 * (size - 1 - $0))) }
    var reader = WireReader(bytes.span.bytes)
    #expect(reader.varint() == value)
    #expect(reader.remaining == 0)
    // What follows does not matter, however much it is.
    for more in 1...9 {
      let longer = bytes + [UInt8](repeating: 0xff, count: more)
      var reader = WireReader(longer.span.bytes)
      #expect(reader.varint() == value)
      #expect(reader.remaining == more)
    }
    for cut in 0..<size {
      let part = Array(bytes.prefix(cut))
      var reader = WireReader(part.span.bytes)
      #expect(reader.varint() == nil)
      #expect(reader.position == 0)
    }
  }

  /// draft-ietf-moq-transport-18 §1.4.1.
  @Test(
    arguments: [
      ([0x25], 37), ([0x80, 0x25], 37), ([0xbb, 0xbd], 15_293), ([0xed, 0x7f, 0x3e, 0x7d], 226_442_877),
      ([0xfa, 0xa1, 0xa0, 0xe4, 0x03, 0xd8], 2_893_212_287_960),
      ([0xfc, 0x89, 0x98, 0xab, 0xc6, 0x6b, 0xc0], 151_288_809_941_952),
      ([0xfe, 0xfa, 0x31, 0x8f, 0xa8, 0xe3, 0xca, 0x11], 70_423_237_261_249_041),
      ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], UInt64.max),
    ] as [([UInt8], UInt64)])
  func leadingOnes(bytes: [UInt8], value: UInt64) throws {
    var reader = WireReader(bytes.span.bytes, integers: .leadingOnes)
    #expect(reader.varint() == value)
    #expect(reader.remaining == 0)
    for cut in 0..<bytes.count {
      let part = Array(bytes.prefix(cut))
      var reader = WireReader(part.span.bytes, integers: .leadingOnes)
      #expect(reader.varint() == nil)
    }
    var writer = WireWriter(integers: .leadingOnes)
    try writer.varint(value)
    #expect(writer.count <= bytes.count)
    let written = writer.bytes
    var again = WireReader(written.span.bytes, integers: .leadingOnes)
    #expect(again.varint() == value)
  }

  @Test func everyPowerOfTwoGoesThereAndBack() throws {
    for integers in [Integers.quic, .leadingOnes] {
      for bit in 0..<UInt64(integers == .quic ? 62 : 64) {
        for value in [1 << bit, (1 << bit) &- 1, (1 << bit) | 1] as [UInt64] {
          var writer = WireWriter(capacity: 1, integers: integers)
          try writer.varint(value)
          let bytes = writer.bytes
          var reader = WireReader(bytes.span.bytes, integers: integers)
          #expect(reader.varint() == value)
          #expect(reader.remaining == 0)
        }
      }
    }
  }

  @Test func whatRFC9000CannotWriteIsRefused() {
    for value in [1 << 62, UInt64.max] as [UInt64] {
      var writer = WireWriter()
      #expect(throws: WireError(.inexpressible, "Request ID", found: value, wanted: "less than 2^62")) {
        try writer.varint(value, "Request ID")
      }
      #expect(writer.count == 0)
    }
  }
}

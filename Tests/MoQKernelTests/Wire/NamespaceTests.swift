import MoQDrafts
import MoQKernel
import Testing

@Suite struct NamespaceTests {
  /// However a peer writes a field's length, equal namespaces are equal.
  @Test func lengthsAreCanonical() throws {
    let short: [UInt8] = [9, 0, 5, 2, 1, 0x61, 1, 0x62],
      long: [UInt8] = [9, 0, 9, 2, 0x40, 1, 0x61, 0x80, 0, 0, 1, 0x62]
    var a = WireReader(short.span.bytes), b = WireReader(long.span.bytes)
    let (first, second) = (
      try Draft14.decode(.publishNamespaceDone, from: &a), try Draft14.decode(.publishNamespaceDone, from: &b)
    )
    #expect(first == second)
    guard case .publishNamespaceDone(let m) = second else { Issue.record("\(second)"); return }
    #expect(m.namespace == "a/b")
    #expect(m.namespace.hashValue == TrackNamespace("a", "b").hashValue)
  }

  @Test func pathsLoseTheirOuterSlashes() throws {
    for text in ["live/room", "/live/room", "live//room/", "///live/room"] {
      let path = Array(text.utf8), bytes = [UInt8(path.count + 1), UInt8(path.count)] + path
      var reader = WireReader(bytes.span.bytes)
      guard case .subscribeNamespace(let m) = try Lite01.decode(.subscribeNamespace, from: &reader) else { return }
      #expect(m.prefix == TrackNamespace("live", "room"))
    }
  }

  /// Parts of every length that has an encoding of its own, alone and beside others.
  @Test func pathsOfLongParts() throws {
    let parts = [1, 63, 64, 65, 200, 1_000].map { [UInt8](repeating: 0x61, count: $0) } + [Array("é".utf8)]
    for first in parts {
      for second in parts {
        var m = SubscribeNamespace(), writer = WireWriter()
        m.prefix = TrackNamespace([first, second, first])
        try Lite01.encode(.subscribeNamespace(m), into: &writer)
        let bytes = writer.bytes
        var reader = WireReader(bytes.span.bytes)
        #expect(try Lite01.decode(.subscribeNamespace, from: &reader) == .subscribeNamespace(m))
        let path = first + [0x2f] + second + [0x2f] + first
        #expect(bytes.suffix(path.count) == path[...])
      }
    }
  }

  @Test func pathsAreText() {
    for path in [[0xff], [0xc3, 0x2f, 0xa9], [0x61, 0x2f, 0x80]] as [[UInt8]] {
      let bytes = [UInt8(path.count + 1), UInt8(path.count)] + path
      var reader = WireReader(bytes.span.bytes)
      #expect(throws: WireError.self) { try Lite01.decode(.subscribeNamespace, from: &reader) }
    }
  }

  @Test func whatAPathCannotSayIsRefused() {
    for fields in [["a/b"], ["a", ""], [""]] as [[String]] {
      var m = SubscribeNamespace(), writer = WireWriter()
      m.prefix = TrackNamespace(fields.map { Array($0.utf8) })
      #expect(throws: WireError.self) { try Lite01.encode(.subscribeNamespace(m), into: &writer) }
    }
    var m = SubscribeNamespace(), writer = WireWriter()
    m.prefix = TrackNamespace([[0xff, 0xfe]])
    #expect(throws: WireError.self) { try Lite01.encode(.subscribeNamespace(m), into: &writer) }
  }

  /// A namespace and a name as one row of parts, in either kind of integers: as the two put together are written.
  @Test(arguments: [Integers.quic, .leadingOnes]) func partsWithTheNameLast(integers: Integers) throws {
    for size in [1, 63, 64, 127, 128, 300] {
      var namespace = TrackNamespace([Array("live".utf8), [UInt8](repeating: 0x61, count: size)])
      var name = [UInt8](repeating: 0x62, count: size), whole = namespace
      whole.append(name)
      var writer = WireWriter(integers: integers), other = WireWriter(integers: integers)
      try writer.parts("Parts", "Part", &namespace, last: &name, NamespaceForm())
      try other.tuple("Parts", &whole, NamespaceForm())
      #expect(writer.bytes == other.bytes)
      let bytes = writer.bytes
      var reader = WireReader(bytes.span.bytes, integers: integers)
      var (read, last) = (TrackNamespace(), [UInt8]())
      try reader.parts("Parts", "Part", &read, last: &last, NamespaceForm())
      #expect(read == namespace && last == name && reader.remaining == 0)
    }
  }
}

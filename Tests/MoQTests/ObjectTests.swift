import MoQ
import Testing

/// What an object can be beside a payload in a group, written and read through the public API.
@Suite(.serialized) struct ObjectTests {
  /// Which dialects have words for datagrams, subgroups and extension headers.
  static func isRich(_ dialect: String) -> Bool { dialect != "moq-lite-01" }

  @Test("datagrams, or groups of one object where a dialect has none", arguments: Bridge.all)
  func datagrams(bridge: Bridge) async throws {
    try await within {
      let it = try await Bridged.open(bridge)
      var objects = it.subscription.objects.makeAsyncIterator()
      // One after the other: several at once may be reordered, and a queue that is full drops some.
      for number in 0..<20 as Range<UInt64> {
        try await it.track.sendDatagram(Bytes("datagram \(number)"))
        let object = try #require(try await objects.next())
        #expect(object.text == "datagram \(number)" && object.location == Location(number, 0))
        #expect(object.isDatagram == (Self.isRich(bridge.publisher) && Self.isRich(bridge.subscriber)))
      }
      await it.close()
    }
  }

  @Test("a datagram with numbers and extension headers of its own")
  func numberedDatagram() async throws {
    try await within {
      let direct = try await Direct.connect("draft-14")
      let track = try await direct.peer.publish("objects").track("data")
      let subscription = try await direct.client.subscribe(to: "objects", track: "data")
      try await track.firstSubscriber()
      let extensions = Bytes([0x3a, 0x05, 0x3f, 0x02, 0xaa, 0xbb])
      try await track.sendDatagram(Bytes("hello"), group: 9, id: 4, extensions: extensions)
      let object = try #require(try await subscription.objects.first(1).first)
      #expect(object.location == Location(9, 4) && object.isDatagram)
      #expect(object.text == "hello" && object.extensions == extensions)
      await direct.close()
    }
  }

  @Test("a group spread over subgroups is put together again", arguments: Bridge.all)
  func subgroups(bridge: Bridge) async throws {
    try await within {
      var options = TrackOptions()
      options.usesSubgroups = true
      let it = try await Bridged.open(bridge, options)
      try await it.track.group { writer in
        for number in 0..<9 as Range<UInt64> {
          try await writer.write(Bytes("object \(number)"), subgroup: number % 3, priority: UInt8(number % 3))
        }
      }
      await it.track.finish()
      let group = try #require(try await it.subscription.first(1).first)
      let objects = try await group.first(.max).sorted { $0.id < $1.id }
      #expect(objects.map(\.text) == (0..<9).map { "object \($0)" })
      #expect(objects.map(\.id) == Array(0..<9))
      let isKept = Self.isRich(bridge.publisher) && Self.isRich(bridge.subscriber)
      #expect(objects.map(\.subgroup) == (0..<9).map { isKept ? $0 % 3 : 0 })
      if isKept { #expect(objects.map(\.priority) == (0..<9).map { UInt8($0 % 3) }) }
      #expect(group.ending == .complete)
      await it.close()
    }
  }

  @Test("extension headers arrive where both dialects have them", arguments: Bridge.all)
  func extensions(bridge: Bridge) async throws {
    try await within {
      var options = TrackOptions()
      options.usesExtensions = true
      let it = try await Bridged.open(bridge, options)
      // An even type with a number, an odd one with bytes; and none.
      let headers = [Bytes([0x3a, 0x40, 0xff]), Bytes([0x3f, 0x03, 1, 2, 3]), Bytes()]
      try await it.track.group { writer in
        for (number, header) in headers.enumerated() { try await writer.write(Bytes("\(number)"), extensions: header) }
      }
      let objects = try await it.subscription.objects.first(3)
      #expect(objects.map(\.text) == ["0", "1", "2"])
      let isKept = Self.isRich(bridge.publisher) && Self.isRich(bridge.subscriber)
      #expect(objects.map(\.extensions) == (isKept ? headers : [Bytes(), Bytes(), Bytes()]))
      await it.close()
    }
  }

  @Test("ids with gaps, an object that does not exist, the end of a group")
  func statuses() async throws {
    try await within {
      let rich = Bridge(publisher: "draft-14", subscriber: "draft-14")
      let it = try await Bridged.open(rich, keepsStatus: true)
      try await it.track.group(3) { writer in
        try await writer.write(Bytes("two"), id: 2)
        try await writer.write(Bytes(), id: 5, status: .doesNotExist)
        try await writer.write(Bytes("nine"), id: 9)
        try await writer.write(Bytes(), status: .endOfGroup)
      }
      await it.track.finish()
      let objects = try await it.subscription.objects.first(.max)
      #expect(objects.prefix(4).map(\.location) == [2, 5, 9, 10].map { Location(3, $0) })
      #expect(objects.prefix(4).map(\.status) == [.normal, .doesNotExist, .normal, .endOfGroup])
      #expect(objects.map(\.text).filter { !$0.isEmpty } == ["two", "nine"])
      await it.close()
    }
  }

  @Test("what a track was not made for is refused at once")
  func refused() async throws {
    try await within {
      let direct = try await Direct.connect("draft-14")
      let track = try await direct.peer.publish("objects").track("plain")
      let writer = try await track.beginGroup()
      #expect(await code { try await writer.write(Bytes("x"), subgroup: 1) } == .badOption)
      #expect(await code { try await writer.write(Bytes("x"), extensions: Bytes([0x3a, 1])) } == .badOption)
      try await writer.write("fine")
      try await writer.finish()
      #expect(await code { try await writer.write("late") } == .ended)
      await direct.close()
    }
  }
}

/// Groups that a publisher says will not come.
@Suite(.serialized) struct SkippedGroupTests {
  @Test("reports of gaps reach subscribers whose dialect has them, through a relay")
  func reported() async throws {
    try await within {
      let it = try await Bridged.open(Bridge(publisher: "transfork-03", subscriber: "transfork-03"))
      try await it.track.group { try await $0.write("zero") }
      try await it.track.skip(1...4, because: .unknown(77))
      try await it.track.skip(5...5)
      #expect(
        try await it.subscription.gaps.first(2) == [
          GroupGap(1...4, .unknown(77), code: 77), GroupGap(5...5, .doesNotExist, code: 13),
        ])
      try await it.track.group { writer in
        #expect(writer.sequence == 6)
        try await writer.write("six")
      }
      await it.track.finish()
      #expect(try await it.subscription.gaps.first(1) == [])
      await it.close()
    }
  }

  @Test("groups that do not exist are told by the next group's objects", arguments: ["draft-11", "draft-14"])
  func extensionHeader(dialect: String) async throws {
    try await within {
      let direct = try await Direct.connect(dialect)
      let track = try await direct.peer.publish("gaps").track("data")
      let subscription = try await direct.client.subscribe(to: "gaps", track: "data", keepsStatus: true)
      try await track.firstSubscriber()
      try await track.skip(0...1)
      try await track.skip(2...999)
      try await track.group { writer in
        #expect(writer.sequence == 1_000)
        try await writer.write("thousand")
        try await writer.write("and")
      }
      let group = try #require(try await subscription.first(1).first)
      #expect(group.sequence == 1_000)
      #expect(try await group.first(2).map(\.text) == ["thousand", "and"])
      #expect(try await subscription.gaps.first(1) == [GroupGap(0...999, .doesNotExist)])
      let writer = try await track.beginGroup(7)
      try await writer.write("late")
      try await track.drained()
      await expectError(.ended, naming: "skipped") { try await writer.write("later") }
      await track.finish()
      #expect(try await subscription.gaps.first(1) == [])
      await direct.close()
    }
  }

  @Test("groups that do not exist are empty ones where a dialect has only statuses")
  func empty() async throws {
    try await within {
      let direct = try await Direct.connect("draft-10")
      let track = try await direct.peer.publish("gaps").track("data")
      let subscription = try await direct.client.subscribe(to: "gaps", track: "data", keepsStatus: true)
      try await track.firstSubscriber()
      try await track.skip(0...1)
      for group in try await subscription.first(2) {
        #expect(try await group.first(1).map(\.status) == [.endOfGroup])
        #expect(group.sequence <= 1)
      }
      try await track.group { #expect($0.sequence == 2) }
      await expectError(.badOption, naming: "2^62") { try await track.skip(7...UInt64.max) }
      await track.finish()
      #expect(try await subscription.gaps.first(1) == [])
      await direct.close()
    }
  }
}

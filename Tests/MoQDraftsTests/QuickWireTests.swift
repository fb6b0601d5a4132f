import MoQDrafts
@testable import MoQKernel
import Testing

/// Headers of objects are walked twice over: in a hurry, and carefully where that is lost. What comes out must never
/// tell which of the two it was. `MOQ_SEED` and `MOQ_CASES` as in `PropertyTests`.
@Suite struct QuickWireTests {
  let forms = (dialects + profiles).map { $0.objects }

  /// Bytes that are headers as often as not.
  private func bytes(_ random: inout SeededGenerator) -> [UInt8] {
    var writer = WireWriter()
    for _ in 0...random.below(6) {
      switch random.below(4) {
      case 0: _ = try? writer.varint(random.number())
      default: _ = try? writer.varint(UInt64(random.below(0x28)))
      }
    }
    return writer.bytes + random.bytes(upTo: 12)
  }
  private func stream(_ forms: ObjectForms, _ random: inout SeededGenerator) -> SubgroupStream {
    var stream = SubgroupStream(forms)
    stream.flags = SubgroupFlags(rawValue: UInt8(truncatingIfNeeded: random.next())).intersection(forms.subgroup.flags)
      .union(forms.subgroup.always)
    stream.next = !random.chance(3) ? UInt64(random.below(3)) : random.number()
    stream.subgroup = random.chance(3) ? nil : !random.chance(5) ? 0 : random.number()
    (stream.trackAlias, stream.group) = (random.number(), random.number())
    stream.priority = random.chance(5) ? nil : random.priority()
    return stream
  }
  private func header(_ random: inout SeededGenerator) -> ObjectInfo {
    let statuses: [ObjectStatus] = [
      .normal, .normal, .normal, .doesNotExist, .endOfGroup, .endOfTrack, .endOfTrackAndGroup, .endOfSubgroup,
    ]
    var info = ObjectInfo(group: random.number(), id: !random.chance(3) ? UInt64(random.below(4)) : random.number())
    info.status = random.element(statuses)
    info.priority = random.priority()
    info.extensions = !random.chance(3) ? Bytes() : Bytes([2, 1])
    info.payloadLength = random.chance(3) ? 0 : random.number()
    return info
  }
  /// All that a header says, and what became of its stream.
  private func text(_ o: borrowing ObjectHeader) -> String {
    let extensions = o.extensions.withUnsafeBytes { [UInt8]($0) }
    return
      "\(o.group) \(o.subgroup) \(o.id) \(String(describing: o.priority)) \(o.status) \(extensions) \(o.payloadLength)"
  }

  /// What came of a walk, as text.
  private func outcome(_ walk: () throws(WireError) -> String) -> String {
    do { return try walk() } catch { return "\(error)" }
  }
  /// How often something came of the walks in a hurry, and how often an error.
  private struct Tally {
    var accepted = 0, refused = 0
    /// As `outcome`, counted.
    mutating func outcome(_ walk: () throws(WireError) -> String) -> String {
      do {
        let text = try walk()
        accepted += 1
        return text
      } catch {
        refused += 1
        return "\(error)"
      }
    }
    /// Both often enough for the test to mean something: one in so many.
    func check(oneIn share: Int) {
      #expect(
        accepted > Cases.count / share && refused > Cases.count / share, "\(accepted) accepted, \(refused) refused")
    }
  }

  @Test func readsAsCarefully() {
    var random = SeededGenerator(seed: Cases.seed &+ 31), tally = Tally()
    for _ in 0..<Cases.count {
      let forms = random.element(forms), bytes = bytes(&random), before = stream(forms, &random)
      var (a, b) = (before, before)
      var reader = WireReader(bytes.span.bytes), second = WireReader(bytes.span.bytes)
      let one = tally.outcome { () throws(WireError) in
        var header = ObjectHeader()
        try a.read(&header, from: &reader)
        return text(header)
      }
      let two = outcome { () throws(WireError) in
        var header = ObjectHeader()
        try b.readCarefully(&header, &second)
        b.advance(past: header.id)
        b.finish(&header)
        return text(header)
      }
      let (quick, careful) = (
        "\(one) \(reader.position) \(a.nextID) \(String(describing: a.subgroup))",
        "\(two) \(second.position) \(b.nextID) \(String(describing: b.subgroup))"
      )
      if quick != careful { return fail("\(bytes): \(quick), carefully \(careful)") }
    }
    tally.check(oneIn: 10)
  }

  @Test func writesAsCarefully() {
    var random = SeededGenerator(seed: Cases.seed &+ 32), tally = Tally()
    for _ in 0..<Cases.count {
      let forms = random.element(forms), info = header(&random), before = stream(forms, &random)
      var a = before, id = info.id
      var writer = WireWriter(capacity: 16), second = WireWriter(capacity: 16)
      if forms.subgroup.content.isFrames, !random.chance(5) { id = a.nextID }
      let one = tally.outcome { () throws(WireError) in
        var header = ObjectHeader()
        (header.id, header.status, header.payloadLength) = (id, info.status, info.payloadLength)
        header.extensions = info.extensions.span
        try a.write(header, to: &writer)
        return "\(writer.bytes)"
      }
      let two = outcome { () throws(WireError) in
        try before.writeCarefully(id, info.extensions.span, info.status, info.payloadLength, &second)
        return "\(second.bytes)"
      }
      // Written or not, the stream is where it has to be.
      let next = a.nextID == (one == "\(writer.bytes)" ? id &+ 1 : before.nextID)
      if one != two || !next { return fail("\(info): \(one), carefully \(two); then \(a.nextID)") }
    }
    tally.check(oneIn: 20)
  }

  @Test func walksHeadersAsCarefully() {
    var random = SeededGenerator(seed: Cases.seed &+ 33), tally = Tally()
    func text(_ s: SubgroupStream) -> String {
      "\(s.flags) \(s.requestID) \(s.trackAlias) \(s.group) \(String(describing: s.subgroup)) \(String(describing: s.priority))"
    }
    for _ in 0..<Cases.count {
      let forms = random.element(forms)
      let type = forms.subgroup.base | UInt64(random.below(2) == 0 ? 0 : random.below(64))
      let bytes = (type < 0x40 ? [UInt8(type)] : []) + bytes(&random)
      var (a, b) = (SubgroupStream(forms), SubgroupStream(forms))
      var reader = WireReader(bytes.span.bytes), second = WireReader(bytes.span.bytes)
      let one = tally.outcome { () throws(WireError) in
        try a.walkHeader(&reader)
        return "\(text(a)) \(reader.position)"
      }
      let two = outcome { () throws(WireError) in
        try b.walkCarefully(&second)
        return "\(text(b)) \(second.position)"
      }
      if one != two { return fail("\(bytes): \(one), carefully \(two)") }

      var c = stream(forms, &random), d = c
      var writer = WireWriter(capacity: 16), other = WireWriter(capacity: 16)
      let three = outcome { () throws(WireError) in
        try c.walkHeader(&writer)
        return "\(text(c)) \(writer.bytes)"
      }
      let four = outcome { () throws(WireError) in
        try d.walkCarefully(&other)
        return "\(text(d)) \(other.bytes)"
      }
      if three != four { return fail("writing: \(three), carefully \(four)") }
    }
    tally.check(oneIn: 10)
  }

  @Test func datagramsAsCarefully() {
    var random = SeededGenerator(seed: Cases.seed &+ 34), tally = Tally()
    let datagrams = forms.compactMap { ObjectDatagram($0) }
    for _ in 0..<Cases.count {
      let before = random.element(datagrams)
      let types = (0..<40 as Range<UInt8>).filter { before.form.has(UInt64($0)) }
      let bytes = [random.chance(4) ? UInt8(random.below(40)) : random.element(types)] + bytes(&random)
      var (a, b) = (before, before)
      var reader = WireReader(bytes.span.bytes), second = WireReader(bytes.span.bytes)
      func said(_ d: ObjectDatagram) -> String { "\(d.requestID) \(d.trackAlias) \(d.endOfGroup) \(d.isStatus)" }
      let one = tally.outcome { () throws(WireError) in
        var header = ObjectHeader()
        try a.read(&header, from: &reader)
        return "\(text(header)) \(said(a))"
      }
      let two = outcome { () throws(WireError) in
        var header = ObjectHeader()
        try b.readCarefully(&header, &second)
        return "\(text(header)) \(said(b))"
      }
      if one != two || reader.position != second.position { return fail("\(bytes): \(one), carefully \(two)") }

      let info = self.header(&random)
      a = before
      (a.trackAlias, a.isStatus, a.endOfGroup) = (info.group, info.status != .normal, random.chance(5))
      b = a
      var writer = WireWriter(capacity: 16), careful = WireWriter(capacity: 16)
      let three = outcome { () throws(WireError) in
        var header = ObjectHeader()
        (header.group, header.id, header.priority, header.status) = (info.group, info.id, info.priority, info.status)
        header.payloadLength = info.payloadLength
        header.extensions = info.extensions.span
        try a.write(header, to: &writer)
        return "\(writer.bytes)"
      }
      let four = outcome { () throws(WireError) in
        try b.writeCarefully(
          info.group, info.id, info.priority, info.extensions.span, info.status, info.payloadLength, &careful)
        return "\(careful.bytes)"
      }
      if three != four { return fail("\(info): \(three), carefully \(four)") }
    }
    tally.check(oneIn: 10)
  }

  private func fail(_ what: String) { Issue.record("MOQ_SEED=\(Cases.seed) MOQ_CASES=\(Cases.count): \(what)") }
}

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

  @Test func readsAsCarefully() {
    var random = SeededGenerator(seed: Cases.seed &+ 31), accepted = 0, refused = 0
    for _ in 0..<Cases.count {
      let forms = random.element(forms), bytes = bytes(&random), before = stream(forms, &random)
      var (a, b) = (before, before), one = "", two = ""
      var reader = WireReader(bytes.span.bytes), second = WireReader(bytes.span.bytes)
      var header = ObjectHeader(), other = ObjectHeader()
      do throws(WireError) {
        try a.read(&header, from: &reader)
        one = text(header)
        accepted += 1
      } catch {
        one = "\(error)"
        refused += 1
      }
      do throws(WireError) {
        try b.readCarefully(&other, &second)
        b.advance(past: other.id)
        b.finish(&other)
        two = text(other)
      } catch { two = "\(error)" }
      one += " \(reader.position) \(a.nextID) \(String(describing: a.subgroup))"
      two += " \(second.position) \(b.nextID) \(String(describing: b.subgroup))"
      if one != two { return fail("\(bytes): \(one), carefully \(two)") }
    }
    #expect(accepted > Cases.count / 10 && refused > Cases.count / 10, "\(accepted) accepted, \(refused) refused")
  }

  @Test func writesAsCarefully() {
    var random = SeededGenerator(seed: Cases.seed &+ 32), accepted = 0, refused = 0
    for _ in 0..<Cases.count {
      let forms = random.element(forms), info = header(&random), before = stream(forms, &random)
      var a = before, one = "", two = ""
      var writer = WireWriter(capacity: 16), second = WireWriter(capacity: 16)
      var header = ObjectHeader()
      (header.id, header.status, header.payloadLength) = (info.id, info.status, info.payloadLength)
      if forms.subgroup.content.isFrames, !random.chance(5) { header.id = a.nextID }
      header.extensions = info.extensions.span
      do throws(WireError) {
        try a.write(header, to: &writer)
        one = "\(writer.bytes) \(a.nextID)"
        accepted += 1
      } catch {
        one = "\(error) \(a.nextID)"
        refused += 1
      }
      do throws(WireError) {
        try before.writeCarefully(header.id, header.extensions, header.status, header.payloadLength, &second)
        two = "\(second.bytes) \(header.id &+ 1)"
      } catch { two = "\(error) \(before.nextID)" }
      if one != two { return fail("\(info): \(one), carefully \(two)") }
    }
    #expect(accepted > Cases.count / 20 && refused > Cases.count / 20, "\(accepted) accepted, \(refused) refused")
  }

  @Test func walksHeadersAsCarefully() {
    var random = SeededGenerator(seed: Cases.seed &+ 33), accepted = 0, refused = 0
    func text(_ s: SubgroupStream) -> String {
      "\(s.flags) \(s.requestID) \(s.trackAlias) \(s.group) \(String(describing: s.subgroup)) \(String(describing: s.priority))"
    }
    for _ in 0..<Cases.count {
      let forms = random.element(forms)
      let type = forms.subgroup.base | UInt64(random.below(2) == 0 ? 0 : random.below(64))
      let bytes = (type < 0x40 ? [UInt8(type)] : []) + bytes(&random)
      var (a, b) = (SubgroupStream(forms), SubgroupStream(forms)), one = "", two = ""
      var reader = WireReader(bytes.span.bytes), second = WireReader(bytes.span.bytes)
      do throws(WireError) {
        try a.walkHeader(&reader)
        one = "\(text(a)) \(reader.position)"
        accepted += 1
      } catch {
        one = "\(error)"
        refused += 1
      }
      do throws(WireError) {
        try b.walkCarefully(&second)
        two = "\(text(b)) \(second.position)"
      } catch { two = "\(error)" }
      if one != two { return fail("\(bytes): \(one), carefully \(two)") }

      var (c, d) = (stream(forms, &random), SubgroupStream(forms))
      d = c
      var writer = WireWriter(capacity: 16), other = WireWriter(capacity: 16)
      do throws(WireError) {
        try c.walkHeader(&writer)
        one = "\(text(c)) \(writer.bytes)"
      } catch { one = "\(error)" }
      do throws(WireError) {
        try d.walkCarefully(&other)
        two = "\(text(d)) \(other.bytes)"
      } catch { two = "\(error)" }
      if one != two { return fail("writing: \(one), carefully \(two)") }
    }
    #expect(accepted > Cases.count / 10 && refused > Cases.count / 10, "\(accepted) accepted, \(refused) refused")
  }

  @Test func datagramsAsCarefully() {
    var random = SeededGenerator(seed: Cases.seed &+ 34), accepted = 0, refused = 0
    let datagrams = forms.compactMap { ObjectDatagram($0) }
    for _ in 0..<Cases.count {
      let before = random.element(datagrams)
      let types = (0..<40 as Range<UInt8>).filter { before.form.has(UInt64($0)) }
      let bytes = [random.chance(4) ? UInt8(random.below(40)) : random.element(types)] + bytes(&random)
      var (a, b) = (before, before), one = "", two = ""
      var reader = WireReader(bytes.span.bytes), second = WireReader(bytes.span.bytes)
      var header = ObjectHeader(), other = ObjectHeader()
      do throws(WireError) {
        try a.read(&header, from: &reader)
        one = "\(text(header)) \(a.requestID) \(a.trackAlias) \(a.endOfGroup) \(a.isStatus)"
        accepted += 1
      } catch {
        one = "\(error)"
        refused += 1
      }
      do throws(WireError) {
        try b.readCarefully(&other, &second)
        two = "\(text(other)) \(b.requestID) \(b.trackAlias) \(b.endOfGroup) \(b.isStatus)"
      } catch { two = "\(error)" }
      if one != two || reader.position != second.position { return fail("\(bytes): \(one), carefully \(two)") }

      let info = self.header(&random)
      (a, b) = (before, before)
      a.trackAlias = info.group
      a.isStatus = info.status != .normal
      a.endOfGroup = random.chance(5)
      b = a
      var writer = WireWriter(capacity: 16), careful = WireWriter(capacity: 16)
      var said = ObjectHeader()
      (said.group, said.id, said.priority, said.status) = (info.group, info.id, info.priority, info.status)
      said.payloadLength = info.payloadLength
      said.extensions = info.extensions.span
      do throws(WireError) {
        try a.write(said, to: &writer)
        one = "\(writer.bytes)"
      } catch { one = "\(error)" }
      do throws(WireError) {
        try b.writeCarefully(
          said.group, said.id, said.priority, said.extensions, said.status, said.payloadLength, &careful)
        two = "\(careful.bytes)"
      } catch { two = "\(error)" }
      if one != two { return fail("\(info): \(one), carefully \(two)") }
    }
    #expect(accepted > Cases.count / 10 && refused > Cases.count / 10, "\(accepted) accepted, \(refused) refused")
  }

  private func fail(_ what: String) { Issue.record("MOQ_SEED=\(Cases.seed) MOQ_CASES=\(Cases.count): \(what)") }
}

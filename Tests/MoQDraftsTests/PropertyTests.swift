import Foundation
import MoQDrafts
import MoQKernel
import Testing

/// What holds for any bytes and any message, tried with random ones. A failure prints the seed: `MOQ_SEED=…`
/// repeats the run, `MOQ_CASES=…` makes it longer.
@Suite struct PropertyTests {
  let all = dialects + profiles

  /// The bytes of all vectors in files whose path has this in it, to begin from.
  private static func corpus(_ part: String) -> [[UInt8]] {
    let folder = Files.package.appending(path: "Vectors")
    return Files.list(folder, suffix: ".json").filter { $0.contains(part) }.flatMap { path -> [[UInt8]] in
      guard let bytes = try? Files.bytes(folder.appending(path: path)), let json = try? JSON(parsing: bytes) else {
        return []
      }
      return (json["vectors"]?.elements ?? []).compactMap { $0["hex"]?.text.flatMap { JSON.bytes(hex: $0) } }
    }
  }
  static let messages = corpus("messages/")
  static let streams = corpus("subgroup") + corpus("fetch-header") + corpus("group.json")
  static let datagrams = corpus("datagram")

  /// Random bytes, or a vector with some bytes changed.
  private func bytes(_ random: inout SeededGenerator, _ corpus: [[UInt8]] = Self.messages) -> [UInt8] {
    guard !corpus.isEmpty, !random.chance(5) else { return random.bytes(upTo: 80) }
    var bytes = random.element(corpus)
    if bytes.count > 3_000, !random.chance(50) { bytes = random.element(corpus) }
    for _ in 0..<random.below(4) where !bytes.isEmpty {
      let place = random.below(bytes.count)
      switch random.below(5) {
      case 0: bytes[place] ^= 1 << UInt8(random.below(8))
      case 1: bytes[place] = random.element([0, 1, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xff])
      case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
      case 3: bytes.remove(at: place)
      default: bytes.removeLast(bytes.count - place)
      }
    }
    return bytes
  }

  /// Any bytes, read as any message: never a trap; what is accepted is written and read again to the same
  /// message, and never takes more bytes than it came in.
  @Test func anyBytesAsAMessage() {
    var random = SeededGenerator(seed: Cases.seed), accepted = 0
    for _ in 0..<Cases.count {
      let dialect = random.element(all), bytes = bytes(&random)
      let kind = kind(of: bytes, dialect, &random)
      var reader = WireReader(bytes.span.bytes, integers: dialect.objects.integers)
      guard let message = try? dialect.decode(kind, from: &reader) else { continue }
      accepted += 1
      var writer = WireWriter()
      guard (try? dialect.encode(message, into: &writer)) != nil, writer.count <= reader.position else {
        return fail(bytes, "\(dialect.name(of: kind)) is read but not written in as few bytes: \(message)")
      }
      let again = writer.bytes
      var second = WireReader(again.span.bytes, integers: dialect.objects.integers)
      guard let back = try? dialect.decode(kind, from: &second), back == message, second.remaining == 0 else {
        return fail(bytes, "\(dialect.name(of: kind)) became another message: \(message)")
      }
      // A tool's view of the same bytes is the same message.
      let explanation = dialect.explain(bytes, as: kind)
      guard explanation.message == message, explanation.count == bytes.count || explanation.count == reader.position
      else {
        return fail(bytes, "\(dialect.name(of: kind)) is explained as another message")
      }
    }
    #expect(accepted > Cases.count / 50, "hardly anything is accepted: \(accepted)")
  }

  /// Bytes in any split: a frame is found when its header is there, whatever follows, and its bound holds.
  @Test func anySplitOfControlMessages() {
    var random = SeededGenerator(seed: Cases.seed &+ 1)
    for _ in 0..<Cases.count {
      let dialect = random.element(all), bytes = bytes(&random), maximum = random.chance(3) ? 100 : WireLimits.message
      let whole = Result { try dialect.frame(bytes.span.bytes, maximum: maximum) }
      let cut = Array(bytes.prefix(random.below(bytes.count + 1)))
      switch (whole, Result { try dialect.frame(cut.span.bytes, maximum: maximum) }) {
      case (.success(let a), .success(let b)):
        guard b == nil || a == b, (a?.body ?? 0) <= maximum else {
          return fail(bytes, "cut at \(cut.count): \(b as Any)")
        }
      case (.failure, .success(let b)):
        guard b == nil else { return fail(bytes, "cut at \(cut.count): \(b as Any)") }
      case (.failure, .failure): break
      case (.success, .failure): return fail(bytes, "refused when cut at \(cut.count)")
      }
    }
  }

  /// Any bytes in any split, read as a data stream: the same objects as in one piece, never a trap, and what is
  /// accepted is written again to as few bytes.
  @Test func anyBytesAsAStream() {
    var random = SeededGenerator(seed: Cases.seed &+ 2), accepted = 0
    for _ in 0..<Cases.count {
      let dialect = random.element(all), bytes = bytes(&random, Self.streams), cut = random.below(bytes.count + 1)
      let whole = read(stream: bytes, dialect.objects), parts = read(stream: bytes, dialect.objects, cutAt: cut)
      guard whole == parts else { return fail(bytes, "cut at \(cut): \(parts) instead of \(whole)") }
      accepted += whole.objects.count
      if !whole.isRefused, whole.flags != nil {
        guard let again = written(whole, dialect.objects) else {
          return fail(bytes, "is read but not written: \(whole)")
        }
        guard again.count <= bytes.count, read(stream: again, dialect.objects) == whole else {
          return fail(bytes, "is written as \(again)")
        }
      }
      _ = dialect.explain(stream: bytes)
    }
    #expect(accepted > Cases.count / 50, "hardly anything is accepted: \(accepted)")
  }

  @Test func anyBytesAsADatagram() {
    var random = SeededGenerator(seed: Cases.seed &+ 3), accepted = 0
    for _ in 0..<Cases.count {
      let bytes = bytes(&random, Self.datagrams)
      _ = Draft14.explain(datagram: bytes)
      guard var datagram = ObjectDatagram(Draft14.objects) else { return fail([], "no datagrams") }
      var reader = WireReader(bytes.span.bytes), header = ObjectHeader()
      guard (try? datagram.read(&header, from: &reader)) != nil else { continue }
      accepted += 1
      var writer = WireWriter()
      guard (try? datagram.write(header, to: &writer)) != nil, writer.count <= reader.position else {
        return fail(bytes, "is not written in as few bytes")
      }
      if let payload = reader.slice(reader.remaining) { writer.append(payload) }
      let again = writer.bytes
      guard var second = ObjectDatagram(Draft14.objects) else { return }
      var back = WireReader(again.span.bytes), copy = ObjectHeader()
      guard (try? second.read(&copy, from: &back)) != nil, info(copy) == info(header) else {
        return fail(bytes, "became another object")
      }
    }
    #expect(accepted > Cases.count / 100, "hardly anything is accepted: \(accepted)")
  }

  /// Any message in every dialect: it comes back equal, or it is refused; never silently another one.
  @Test func anyMessageInEveryDialect() {
    var random = SeededGenerator(seed: Cases.seed &+ 4), said: [String: Int] = [:]
    let spoken = all.reduce(0) { sum, dialect in sum + MessageKind.allCases.count { dialect.speaks($0) } }
    // Few of the random messages can be said in the dialects that say least: those are waited for.
    for index in 0..<50 * Cases.count where index < Cases.count || said.count < spoken {
      let kind = MessageKind.allCases[index % MessageKind.allCases.count], message = random.message(kind)
      for dialect in all {
        var writer = WireWriter()
        do throws(WireError) { try dialect.encode(message, into: &writer) } catch {
          guard writer.count == 0 else { return fail(writer.bytes, "an error left bytes behind: \(message)") }
          continue
        }
        said["\(dialect.name)\(dialect.profile ?? "") \(kind)", default: 0] += 1
        let bytes = writer.bytes
        var reader = WireReader(bytes.span.bytes)
        do throws(WireError) {
          let back = try dialect.decode(kind, from: &reader)
          guard back == message, reader.remaining == 0 else { return fail(bytes, "\(message) became \(back)") }
        } catch {
          return fail(bytes, "\(dialect.explain(error, in: kind)): \(message)")
        }
        // Its JSON says all of it, up to the order of parameters.
        let json = dialect.explain(bytes, as: kind).json
        guard (try? dialect.compose(kind, from: json)) != nil else {
          return fail(bytes, "no message is made of \(json)")
        }
      }
    }
    let silent = all.flatMap { dialect in
      MessageKind.allCases.filter { dialect.speaks($0) && said["\(dialect.name)\(dialect.profile ?? "") \($0)"] == nil }
        .map { "\(dialect.name) \($0)" }
    }
    #expect(said.count == spoken, "never said: \(silent)")
  }

  /// Any text as JSON: never a trap, and what is accepted is printed and parsed again to the same value.
  @Test func anyTextAsJSON() {
    var random = SeededGenerator(seed: Cases.seed &+ 5)
    let pieces = [
      "{", "}", "[", "]", ",", ":", "\"", "\\", "u00e9", "1", "-0.5e9", "true", "null", " ", "a", "\\ud83d\\ude00",
    ]
    for _ in 0..<Cases.count / 4 {
      let text = (0..<random.below(30)).map { _ in random.element(pieces) }.joined()
      guard let json = try? JSON(parsing: Array(text.utf8)) else { continue }
      guard let back = try? JSON(parsing: Array(json.pretty.utf8)), back == json || text.contains("\":") else {
        return fail(Array(text.utf8), "is printed as \(json)")
      }
    }
    let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
    #expect(throws: JSON.Malformed.self) { try JSON(parsing: deep) }
  }

  // MARK: Helpers

  private func fail(_ bytes: [UInt8], _ what: String) {
    let hex = bytes.prefix(400).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    Issue.record("MOQ_SEED=\(Cases.seed) MOQ_CASES=\(Cases.count): \(hex) \(what)")
  }
  /// What the bytes begin with, where messages have types; else any message that the dialect has.
  private func kind(of bytes: [UInt8], _ dialect: any Dialect.Type, _ random: inout SeededGenerator) -> MessageKind {
    if let type = try? dialect.frame(bytes.span.bytes)?.type, let kind = dialect.kind(ofType: type) { return kind }
    return random.element(MessageKind.allCases.filter { dialect.speaks($0) })
  }

  struct Objects: Equatable {
    var flags: UInt8?
    var alias: UInt64 = 0
    var group: UInt64 = 0, subgroup: UInt64?
    var priority: UInt8?
    var isFetch = false
    var objects: [ObjectInfo] = []
    var payloads: [[UInt8]] = []
    var isRefused = false
  }
  private func info(_ header: borrowing ObjectHeader) -> ObjectInfo {
    ObjectInfo(
      group: header.group, subgroup: header.subgroup, id: header.id, priority: header.priority ?? 128,
      status: header.status, extensions: Bytes(copying: header.extensions), payloadLength: header.payloadLength)
  }
  /// Reads a stream as it would arrive: first the bytes before `cutAt`, then all.
  private func read(stream bytes: [UInt8], _ forms: ObjectForms, cutAt: Int? = nil) -> Objects {
    var result = Objects(), subgroup = SubgroupStream(forms), fetch = FetchStream(forms), used = 0, hasHeader = false
    for end in [cutAt ?? bytes.count, bytes.count] where !result.isRefused {
      let here = Array(bytes[..<end])
      var reader = WireReader(here.span.bytes, integers: forms.integers)
      _ = reader.skip(UInt64(used))
      do throws(WireError) {
        if !hasHeader {
          let mark = reader.position
          guard let type = reader.varint() else { continue }
          reader.rewind(to: mark)
          result.isFetch = type == forms.fetch?.type
          var (s, f) = (subgroup, fetch)
          if result.isFetch { try f?.walkHeader(&reader) } else { try s.walkHeader(&reader) }
          (subgroup, fetch, hasHeader, used) = (s, f, true, reader.position)
        }
        while reader.remaining > 0 {
          var header = ObjectHeader()
          let before = (subgroup, fetch)
          if result.isFetch {
            try fetch?.read(&header, from: &reader)
          } else {
            try subgroup.read(&header, from: &reader)
          }
          guard header.payloadLength <= UInt64(reader.remaining), let payload = reader.slice(Int(header.payloadLength))
          else {
            (subgroup, fetch) = before
            break
          }
          result.objects.append(info(header))
          result.payloads.append(payload.withUnsafeBytes { [UInt8]($0) })
          used = reader.position
        }
      } catch {
        if error.kind != .truncated { result.isRefused = true }
      }
    }
    if hasHeader {
      result.flags = subgroup.flags.rawValue
      result.alias = result.isFetch ? fetch?.requestID ?? 0 : subgroup.trackAlias
      (result.group, result.priority) = (subgroup.group, subgroup.priority)
      result.subgroup = subgroup.subgroup
    }
    return result
  }
  private func written(_ stream: Objects, _ forms: ObjectForms) -> [UInt8]? {
    guard let flags = stream.flags else { return nil }
    var writer = WireWriter(), subgroup = SubgroupStream(forms, flags: SubgroupFlags(rawValue: flags))
    var fetch = FetchStream(forms)
    (subgroup.trackAlias, subgroup.group, subgroup.priority) = (stream.alias, stream.group, stream.priority)
    subgroup.subgroup = stream.subgroup
    fetch?.requestID = stream.alias
    do throws(WireError) {
      if stream.isFetch { try fetch?.walkHeader(&writer) } else { try subgroup.walkHeader(&writer) }
      for (object, payload) in zip(stream.objects, stream.payloads) {
        let extensions = object.extensions
        var header = ObjectHeader()
        (header.group, header.subgroup, header.id) = (object.group, object.subgroup, object.id)
        (header.priority, header.status, header.payloadLength) = (object.priority, object.status, object.payloadLength)
        header.extensions = extensions.span
        if stream.isFetch { try fetch?.write(header, to: &writer) } else { try subgroup.write(header, to: &writer) }
        writer.append(payload.span.bytes)
      }
    } catch {
      return nil
    }
    return writer.bytes
  }
}

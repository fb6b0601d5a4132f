/// What a vector says, in the words that are used here. The public vectors of the drafts, and of their releases, write
/// the same thing in several ways; nothing of the wire depends on which.
enum VectorWording {
  /// Names of one field or type; the first are those of draft-14's vectors.
  private static let synonyms: [Set<String>] = [
    ["request_id", "maximum_request_id"], ["joining_request_id", "joining_subscribe_id"],
    ["namespace_prefix", "track_namespace_prefix"], ["subgroup_header", "stream_header_subgroup"],
  ]

  /// `theirs` reworded after `ours`, which was read from the vector's bytes.
  static func reworded(_ theirs: JSON, after ours: JSON) -> JSON {
    guard case .object(let members) = theirs else { return theirs }
    var words = members.map { (member) -> JSON.Member in
      switch (member.key, member.value) {
      case ("parameters", .array(let list)): JSON.Member(member.key, parameters(list))
      case ("stream_type", .string(let type)):
        JSON.Member(member.key, ours[member.key].flatMap { isSame($0.text ?? "", type) ? $0 : nil } ?? member.value)
      case ("contains_end_of_group", .string(let bit)), ("end_of_group", .string(let bit)):
        JSON.Member(member.key, .bool(bit == "1"))
      case ("objects", .array(let objects)):
        JSON.Member(member.key, .array(objects.indices.map { reworded(objects[$0], after: ours.object($0)) }))
      default: JSON.Member(ours[member.key] == nil ? name(of: member.key, in: ours) : member.key, member.value)
      }
    }
    // Extension headers that are only counted: which they are is in the bytes alone.
    let count = theirs["extension_headers_length"] ?? theirs["extension_count"]
    if let count = count?.integer, count > 0, theirs["extension_headers"] == nil,
      theirs["extension_headers_hex"] == nil, let hex = ours["extension_headers_hex"]
    {
      words.append(JSON.Member("extension_headers_hex", hex))
    }
    return .object(words)
  }

  private static func isSame(_ a: String, _ b: String) -> Bool {
    a == b || synonyms.contains { $0.contains(a) && $0.contains(b) }
  }
  private static func name(of key: String, in ours: JSON) -> String {
    ours.members?.first { isSame($0.key, key) }?.key ?? key
  }

  /// Parameters as a list, as releases since 0.14 have them, as the object that earlier ones and ours have.
  private static func parameters(_ list: [JSON]) -> JSON {
    var known: [JSON.Member] = [], unknown: [JSON] = []
    for entry in list {
      if let name = entry["name"]?.text {
        known.add(name, entry["value"] ?? .null)
      } else if let type = entry["type"]?.text,
        let code = UInt64(type.dropFirst(type.hasPrefix("0x") ? 2 : 0), radix: 16)
      {
        let bytes = entry["raw_hex"]?.text.flatMap { JSON.bytes(hex: $0) }
        unknown.append(.parameter(code, bytes.map { .bytes($0) } ?? .number(entry["value"]?.integer ?? 0)))
      }
    }
    if !unknown.isEmpty { known.append(JSON.Member("unknown", .array(unknown))) }
    return .object(known)
  }
}

extension [JSON.Member] {
  /// A member that comes again makes a list of its values.
  mutating func add(_ key: String, _ value: JSON) {
    guard let index = firstIndex(where: { $0.key == key }) else { return append(JSON.Member(key, value)) }
    self[index].value = .array((self[index].value.elements ?? [self[index].value]) + [value])
  }
}

extension JSON {
  /// A parameter that the dialect does not know.
  static func parameter(_ code: UInt64, _ value: Parameter.Value) -> JSON {
    var raw = value.bytes
    if case .number(let number) = value {
      var writer = WireWriter(capacity: 8)
      try? writer.varint(number)
      raw = writer.bytes
    }
    return .object([
      Member("id", .string("0x" + String(code, radix: 16))), Member("length", .integer(raw.count)),
      Member("raw_hex", .string(hex(raw))),
    ])
  }
  fileprivate func object(_ index: Int) -> JSON {
    guard let objects = self["objects"]?.elements, objects.indices.contains(index) else { return .null }
    return objects[index]
  }
}

import MoQKernel

/// A cached object that has come again: what comes is compared with it, and not kept.
struct Twin {
  private let run: Run
  private let end: Int
  private var part: Int
  private var offset = 0

  /// The object of `run` at `index`, which is whole.
  init(_ run: Run, _ index: Int) {
    self.run = run
    (part, end) = (Int(run.objects[index].firstPart), run.partEnd(of: index))
  }

  /// Whether the cached payload goes on with `piece`.
  mutating func goesOn(with piece: Bytes) -> Bool {
    // What has been evicted contradicts nothing any more.
    guard !run.isDropped else { return true }
    var rest = piece
    while !rest.isEmpty {
      guard part < end else { return false }
      let here = run.parts[part], count = min(rest.count, here.count - offset)
      guard rest.prefix(count) == here[offset..<offset + count] else { return false }
      rest = rest.dropFirst(count)
      offset += count
      if offset == here.count { (part, offset) = (part + 1, 0) }
    }
    return true
  }
}

extension ObjectInfo {
  /// In what a second copy of an object contradicts the first, its payload apart; nil: in nothing.
  ///
  /// Relays may change extension headers, and an object may cease to exist (§8.1 of draft-14).
  func contradiction(of first: ObjectInfo) -> String? {
    guard status != .doesNotExist, first.status != .doesNotExist else { return nil }
    if status != first.status { return "status" }
    if payloadLength != first.payloadLength { return "payload length" }
    if priority != first.priority { return "priority" }
    return subgroup == first.subgroup ? nil : "subgroup"
  }
}

extension Run {
  /// In what the object at `index` contradicts the one of another stream; nil: in nothing. Both are whole.
  func contradiction(at index: Int, of other: Run, at place: Int) -> String? {
    if let difference = objects[index].info.contradiction(of: other.objects[place].info) { return difference }
    var twin = Twin(other, place)
    for part in Int(objects[index].firstPart)..<partEnd(of: index) where !twin.goesOn(with: parts[part]) {
      return "payload"
    }
    return nil
  }
}

/// Which object ids a group of several subgroups has, so that one that comes in two of them is found.
struct ObjectIDs {
  /// Ids from here on are not remembered.
  static var limit: UInt64 { 1 << 16 }
  private var words: [UInt64] = []
  /// What it takes, in bytes.
  var size: Int { words.capacity * 8 }

  /// False: it was there.
  mutating func insert(_ id: UInt64) -> Bool {
    guard id < Self.limit else { return true }
    let word = Int(id >> 6), bit = (1 as UInt64) << (id & 63)
    while words.count <= word { words.append(0) }
    defer { words[word] |= bit }
    return words[word] & bit == 0
  }
}

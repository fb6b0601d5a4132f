extension VectorRunner {
  /// The first place where two JSON values differ.
  struct Difference {
    /// Keys and indices that lead there.
    var path: String
    var ours: JSON?
    var theirs: JSON?

    /// Both values, and the bytes of the field that holds ours.
    func detail(_ explanation: Explanation, _ bytes: [UInt8]) -> String {
      let key = path.split(separator: ".").last.map(String.init) ?? path
      let note = Self.find(key, in: explanation.notes)
      let place = note.map {
        "bytes \($0.bytes.lowerBound)..<\($0.bytes.upperBound)  \(around(bytes, $0.bytes.lowerBound))"
      }
      return "ours   \(ours.map { "\($0)" } ?? "absent")\ntheirs \(theirs.map { "\($0)" } ?? "absent")"
        + (place.map { "\n\($0)" } ?? "")
    }
    private static func find(_ key: String, in notes: [Note]) -> Note? {
      for note in notes {
        if VectorKeys.snake(note.name) == key { return note }
        if let part = find(key, in: note.parts) { return part }
      }
      return nil
    }
  }

  /// `exactly` false: what theirs leaves out is not compared. The public vectors of data streams differ in
  /// what they spell out.
  static func difference(_ ours: JSON, _ theirs: JSON, exactly: Bool, at path: String = "") -> Difference? {
    func at(_ key: some CustomStringConvertible) -> String { path.isEmpty ? "\(key)" : "\(path).\(key)" }
    switch (ours, theirs) {
    case (.object(let x), .object(let y)):
      for member in y {
        guard let value = ours[member.key] else {
          // An object that is not empty has no status on the wire, and an empty one no payload.
          if !exactly, member.key == "object_status", member.value.integer == 0 { continue }
          if !exactly, member.key == "payload_hex", member.value.text == "" { continue }
          return Difference(path: at(member.key), ours: nil, theirs: member.value)
        }
        if let found = difference(value, member.value, exactly: exactly, at: at(member.key)) { return found }
      }
      guard exactly else { return nil }
      return x.first { theirs[$0.key] == nil }.map { Difference(path: at($0.key), ours: $0.value, theirs: nil) }
    case (.array(let x), .array(let y)):
      for index in 0..<max(x.count, y.count) {
        guard index < x.count, index < y.count else {
          let (a, b) = (index < x.count ? x[index] : nil, index < y.count ? y[index] : nil)
          return Difference(path: at(index), ours: a, theirs: b)
        }
        if let found = difference(x[index], y[index], exactly: exactly, at: at(index)) { return found }
      }
      return nil
    default: return ours == theirs ? nil : Difference(path: path, ours: ours, theirs: theirs)
    }
  }

  /// Up to eight bytes before and after a place, that one in brackets.
  static func around(_ bytes: [UInt8], _ place: Int) -> String {
    let place = min(max(place, 0), bytes.count), from = max(place - 8, 0), to = min(place + 9, bytes.count)
    let before = bytes[from..<place].map { JSON.hex([$0]) },
      after = bytes[min(place + 1, to)..<to].map { JSON.hex([$0]) }
    let middle = place < bytes.count ? "[\(JSON.hex([bytes[place]]))]" : "[end]"
    return ((from > 0 ? ["…"] : []) + before + [middle] + after + (to < bytes.count ? ["…"] : [])).joined(
      separator: " ")
  }
}

private func around(_ bytes: [UInt8], _ place: Int) -> String { VectorRunner.around(bytes, place) }

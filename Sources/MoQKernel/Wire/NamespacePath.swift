extension TrackNamespace {
  /// The most bytes of a namespace that is written as one path.
  public static var maximumPath: Int { maximumBytes + maximumFields }

  /// Whether the fields and a name of `count` bytes stay within a bound.
  @inlinable func fits(with count: Int, _ maximum: Int = TrackNamespace.maximumBytes) -> Bool {
    // The encoding is never shorter than what it holds, so most need no counting.
    encoded.count + count <= maximum || byteCount + count <= maximum
  }

  /// Whether a field has no bytes.
  @usableFromInline var hasEmptyField: Bool { fields.contains { $0.isEmpty } }

  /// The parts between slashes; nil where `text` is not UTF-8. Slashes at its ends and doubled ones mean nothing.
  ///
  /// `text` is at most `maximumPath` bytes long.
  init?(splitting text: RawSpan) {
    var parts = 0, isASCII = true
    let encoded = text.withUnsafeBytes { text in
      // A part of 64 bytes or more has a length of two bytes, where the path has one slash.
      [UInt8](unsafeUninitializedCapacity: text.count + text.count / 64 + 1) { out, used in
        var index = 0, high: UInt8 = 0
        while index < text.count {
          let start = index
          while index < text.count, text[index] != UInt8(ascii: "/") {
            high |= text[index]
            index &+= 1
          }
          let size = index &- start
          index &+= 1
          guard size > 0 else { continue }
          if size < 0x40 {
            out[used] = UInt8(truncatingIfNeeded: size)
            used &+= 1
          } else {
            out[used] = 0x40 | UInt8(truncatingIfNeeded: size >> 8)
            out[used &+ 1] = UInt8(truncatingIfNeeded: size)
            used &+= 2
          }
          UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(out)[used..<(used &+ size)])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: text[start..<(start &+ size)]))
          used &+= size
          parts &+= 1
        }
        isASCII = high < 0x80
      }
    }
    guard isASCII || text.withUnsafeBytes({ String(validating: $0, as: UTF8.self) }) != nil else { return nil }
    self.init(count: parts, encoded: encoded)
  }

  /// Bytes of the fields joined by `/`; nil where splitting that again would give others, or where it is no text.
  var pathLength: Int? {
    guard count <= Self.maximumFields else { return nil }
    return encoded.withUnsafeBytes { bytes in
      var index = 0, length = 0, isText = true
      while let field = Self.field(bytes, &index) {
        guard !field.isEmpty else { return nil }
        var high: UInt8 = 0
        for byte in field {
          guard byte != UInt8(ascii: "/") else { return nil }
          high |= byte
        }
        // A slash ends no character, so a path is UTF-8 where its parts are.
        isText = isText && (high < 0x80 || String(validating: field, as: UTF8.self) != nil)
        length &+= field.count &+ (length > 0 ? 1 : 0)
      }
      return isText ? length : nil
    }
  }
  /// Writes the fields, joined by `/`, into exactly `pathLength` bytes.
  func writePath(into target: UnsafeMutableRawBufferPointer) {
    encoded.withUnsafeBytes { bytes in
      var index = 0, used = 0
      while let field = Self.field(bytes, &index), used &+ field.count &+ (used > 0 ? 1 : 0) <= target.count {
        if used > 0 {
          target[used] = UInt8(ascii: "/")
          used &+= 1
        }
        UnsafeMutableRawBufferPointer(rebasing: target[used..<(used &+ field.count)]).copyMemory(from: field)
        used &+= field.count
      }
    }
  }
  /// The field whose length is at `index`, which moves behind it.
  private static func field(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) -> UnsafeRawBufferPointer? {
    guard index < bytes.count else { return nil }
    let first = bytes[index], width = 1 << Int(first >> 6)
    guard bytes.count &- index >= width else { return nil }
    var size = Int(first & 0x3f)
    for offset in 1..<max(width, 1) { size = size << 8 | Int(bytes[index &+ offset]) }
    let start = index &+ width
    guard size <= bytes.count &- start else { return nil }
    index = start &+ size
    return UnsafeRawBufferPointer(rebasing: bytes[start..<index])
  }
}

extension [UInt8] {
  /// Whether the bytes are valid UTF-8.
  @usableFromInline var isUTF8: Bool {
    withUnsafeBytes { bytes in
      var high: UInt8 = 0
      for byte in bytes { high |= byte }
      return high < 0x80 || String(validating: bytes, as: UTF8.self) != nil
    }
  }
}

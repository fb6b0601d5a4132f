extension TrackNamespace {
  /// The most bytes of a namespace that is written as one path.
  public static var maximumPath: Int { maximumBytes + maximumFields }

  /// Whether the fields and a name of `count` bytes stay within a bound.
  @usableFromInline func fits(with count: Int, _ maximum: Int = TrackNamespace.maximumBytes) -> Bool {
    // The encoding is never shorter than what it holds, so most need no counting.
    encoded.count + count <= maximum || byteCount + count <= maximum
  }

  /// Whether a field has no bytes.
  @usableFromInline var hasEmptyField: Bool { fields.contains { $0.isEmpty } }

  /// The fields joined by `/`; nil where splitting that again would give others, or where it is no text.
  @usableFromInline var pathBytes: [UInt8]? {
    var path: [UInt8] = []
    path.reserveCapacity(encoded.count)
    for (index, field) in fields.enumerated() {
      guard !field.isEmpty, !field.contains(UInt8(ascii: "/")) else { return nil }
      if index > 0 { path.append(UInt8(ascii: "/")) }
      path += field
    }
    return count <= Self.maximumFields && path.isUTF8 ? path : nil
  }
}

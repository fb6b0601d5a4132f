import MoQKernel

/// Cuts a stream into frames: a type, a length, a payload. Capsules are written in the same way.
///
/// A payload is handed over in the pieces in which it arrives, so nothing but a header is ever kept.
struct FrameReader {
  enum Piece {
    /// A frame begins. Its payload follows, also if it is empty.
    case header(type: UInt64, length: UInt64)
    case payload(UnsafeRawBufferPointer, isLast: Bool)
  }

  /// A header of which only a part has arrived: at most 15 bytes.
  private var header: [UInt8] = []
  private var left: UInt64 = 0
  private var isInPayload = false
  /// Whether the stream may end here.
  var isBetweenFrames: Bool { header.isEmpty && !isInPayload }

  /// Takes the next piece off the front of `bytes`; nil: more bytes are needed.
  mutating func next(_ bytes: inout UnsafeRawBufferPointer) -> Piece? {
    if isInPayload {
      guard left == 0 || !bytes.isEmpty else { return nil }
      let piece = bytes.takeFirst(Int(min(left, UInt64(bytes.count))))
      left -= UInt64(piece.count)
      isInPayload = left > 0
      return .payload(piece, isLast: left == 0)
    }
    if header.isEmpty {
      if let (type, length, size) = Self.parse(bytes) {
        _ = bytes.takeFirst(size)
        return begin(type, length)
      }
      header.append(contentsOf: bytes.takeFirst(bytes.count))
      return nil
    }
    while !bytes.isEmpty {
      header.append(contentsOf: bytes.takeFirst(1))
      if let (type, length, _) = header.withUnsafeBytes(Self.parse) {
        header.removeAll(keepingCapacity: true)
        return begin(type, length)
      }
    }
    return nil
  }

  private mutating func begin(_ type: UInt64, _ length: UInt64) -> Piece {
    (left, isInPayload) = (length, true)
    return .header(type: type, length: length)
  }

  private static func parse(_ bytes: UnsafeRawBufferPointer) -> (type: UInt64, length: UInt64, size: Int)? {
    guard let type = bytes.varint(at: 0), let length = bytes.varint(at: type.size) else { return nil }
    return (type.value, length.value, type.size + length.size)
  }
}

extension UnsafeRawBufferPointer {
  /// The variable-length integer that begins at `offset`, and its size; nil: it is not there whole.
  func varint(at offset: Int) -> (value: UInt64, size: Int)? {
    guard offset < count else { return nil }
    var reader = WireReader(bytes.extracting(offset..<count))
    guard let value = reader.varint() else { return nil }
    return (value, reader.position)
  }

  /// Removes the first `n` bytes, of which there must be as many, and returns them.
  mutating func takeFirst(_ n: Int) -> UnsafeRawBufferPointer {
    let first = UnsafeRawBufferPointer(rebasing: self[..<n])
    self = UnsafeRawBufferPointer(rebasing: self[n...])
    return first
  }
}

extension [UInt8] {
  /// Appends a variable-length integer (RFC 9000 §16); what is above 2^62 - 1 is cut down to that.
  mutating func append(varint value: UInt64) {
    let value = Swift.min(value, 1 << 62 - 1)
    switch value {
    case ..<(1 << 6): append(UInt8(value))
    case ..<(1 << 14): append(bigEndian: value | 1 << 14, bytes: 2)
    case ..<(1 << 30): append(bigEndian: value | 2 << 30, bytes: 4)
    default: append(bigEndian: value | 3 << 62, bytes: 8)
    }
  }

  mutating func append(bigEndian value: UInt64, bytes: Int) {
    for i in (0..<bytes).reversed() { append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(i)))) }
  }

  /// Appends a frame or a capsule.
  mutating func append(frame type: UInt64, _ payload: [UInt8]) {
    append(varint: type)
    append(varint: UInt64(payload.count))
    append(contentsOf: payload)
  }
}

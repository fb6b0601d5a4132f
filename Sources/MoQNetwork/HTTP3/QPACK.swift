import CQuic

/// A field of a request or of its answer.
struct Field: Equatable {
  var name: String
  var value: String
  init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
}

/// The fields of one message, compressed.
enum FieldSection {
  /// The most bytes that a compressed section may have, and that its fields may have.
  static let maximumBytes = 16 << 10
  /// The most fields that are read.
  static let maximumFields = 128
}

/// nghttp3's QPACK without a dynamic table: no state is shared by messages, and none ever waits for another.
final class QPACK {
  private var encoder: OpaquePointer?
  private var decoder: OpaquePointer?

  init() {
    nghttp3_qpack_encoder_new(&encoder, 0, nghttp3_mem_default())
    nghttp3_qpack_decoder_new(&decoder, 0, 0, nghttp3_mem_default())
  }

  deinit {
    if let encoder { nghttp3_qpack_encoder_del(encoder) }
    if let decoder { nghttp3_qpack_decoder_del(decoder) }
  }

  /// The fields, compressed; nil: the library could not.
  func encode(_ fields: [Field], stream: Int64) -> [UInt8]? {
    guard let encoder else { return nil }
    // One block holds all names and values, so that their addresses hold while the library reads them.
    var text: [UInt8] = []
    for field in fields { text += Array(field.name.utf8) + Array(field.value.utf8) }
    var prefix = nghttp3_buf(), section = nghttp3_buf(), instructions = nghttp3_buf()
    nghttp3_buf_init(&prefix)
    nghttp3_buf_init(&section)
    nghttp3_buf_init(&instructions)
    defer {
      nghttp3_buf_free(&prefix, nghttp3_mem_default())
      nghttp3_buf_free(&section, nghttp3_mem_default())
      nghttp3_buf_free(&instructions, nghttp3_mem_default())
    }
    let result = text.withUnsafeMutableBufferPointer { text -> Int32 in
      var offset = 0
      func take(_ count: Int) -> UnsafeMutablePointer<UInt8>? {
        defer { offset += count }
        return text.baseAddress.map { $0 + offset }
      }
      var list = fields.map { field in
        let (nameCount, valueCount) = (field.name.utf8.count, field.value.utf8.count)
        return nghttp3_nv(
          name: take(nameCount), value: take(valueCount), namelen: nameCount, valuelen: valueCount,
          flags: UInt8(NGHTTP3_NV_FLAG_NONE))
      }
      return nghttp3_qpack_encoder_encode(
        encoder, &prefix, &section, &instructions, stream, &list, list.count)
    }
    guard result == 0 else { return nil }
    return Self.bytes(prefix) + Self.bytes(section)
  }

  private static func bytes(_ buffer: nghttp3_buf) -> [UInt8] {
    [UInt8](UnsafeBufferPointer(start: buffer.pos, count: buffer.last - buffer.pos))
  }

  /// Why a section was not read.
  enum Failure: Error { case malformed, tooLarge }

  func decode(_ section: [UInt8], stream: Int64) throws(Failure) -> [Field] {
    guard let decoder, !section.isEmpty else { throw .malformed }
    var context: OpaquePointer?
    guard nghttp3_qpack_stream_context_new(&context, stream, nghttp3_mem_default()) == 0, let context else {
      throw .malformed
    }
    defer { nghttp3_qpack_stream_context_del(context) }
    var fields: [Field] = [], size = 0, offset = 0
    while true {
      var pair = nghttp3_qpack_nv(), flags: UInt8 = 0
      let used = section.withUnsafeBufferPointer { bytes in
        nghttp3_qpack_decoder_read_request(
          decoder, context, &pair, &flags, bytes.baseAddress.map { $0 + offset }, bytes.count - offset, 1)
      }
      guard used >= 0 else { throw used == Int(NGHTTP3_ERR_QPACK_HEADER_TOO_LARGE) ? .tooLarge : .malformed }
      offset += used
      if flags & UInt8(NGHTTP3_QPACK_DECODE_FLAG_EMIT) != 0 {
        let field = Field(Self.text(pair.name), Self.text(pair.value))
        nghttp3_rcbuf_decref(pair.name)
        nghttp3_rcbuf_decref(pair.value)
        // As RFC 9114 §4.2.2 counts.
        size += field.name.utf8.count + field.value.utf8.count + 32
        fields.append(field)
        guard fields.count <= FieldSection.maximumFields, size <= FieldSection.maximumBytes else { throw .tooLarge }
      }
      if flags & UInt8(NGHTTP3_QPACK_DECODE_FLAG_FINAL) != 0 { return fields }
      // Nothing may refer to a table that has no room.
      if flags & UInt8(NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) != 0 { throw .malformed }
      if used == 0, flags == 0 { throw .malformed }
    }
  }

  private static func text(_ buffer: OpaquePointer?) -> String {
    guard let buffer else { return "" }
    let bytes = nghttp3_rcbuf_get_buf(buffer)
    return String(decoding: UnsafeBufferPointer(start: bytes.base, count: bytes.len), as: UTF8.self)
  }

  /// Reads what the peer's encoder says. False: it makes no sense, or wants a table.
  func readEncoderStream(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let decoder else { return false }
    guard !bytes.isEmpty else { return true }
    return nghttp3_qpack_decoder_read_encoder(
      decoder, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count) == bytes.count
  }

  /// Reads what the peer's decoder says. False: it makes no sense, or speaks of a table that there is not.
  func readDecoderStream(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let encoder else { return false }
    guard !bytes.isEmpty else { return true }
    return nghttp3_qpack_encoder_read_decoder(
      encoder, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count) == bytes.count
  }
}

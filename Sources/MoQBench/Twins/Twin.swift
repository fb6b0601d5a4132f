import MoQKernel

/// The codec of one dialect by hand, and the work of the benchmark done with it.
protocol Twin: SendableMetatype {
  /// Of which draft its streams are; 0: they are groups of frames. A constant of each conforming type, so that each
  /// has code of its own.
  static var number: Int { get }
  /// Whether the message that begins a group of frames has a length.
  static var hasLength: Bool { get }
  static func encode(_ message: Message, _ out: inout TwinWriter) throws(WireError)
  static func decode(_ kind: MessageKind, _ bytes: UnsafeRawBufferPointer) throws(WireError) -> Message

  // Requirements, so that they may be called through `any Twin.Type`. What they call of a twin is in extensions and is
  // no requirement: it would be called through its table, where a hand would write no call.
  /// Encodes a message and decodes it again, `n` times.
  static func trip(_ message: Message, _ n: Int)
  /// Writes a stream's header and an object's, and reads both from `bytes`, `n` times.
  static func subgroup(_ bytes: [UInt8], _ n: Int)
  /// Writes the headers of a stream's objects and reads those of `bytes`, `n` objects in all.
  static func objects(_ bytes: [UInt8], _ n: Int)
  /// Writes a datagram's header and reads that of `bytes`, `n` times.
  static func datagram(_ bytes: [UInt8], _ n: Int)
}

extension Twin {
  static func trip(_ message: Message, _ n: Int) {
    var writer = TwinWriter(capacity: 512), good = 0
    let kind = message.kind
    for _ in 0..<n {
      writer.clear()
      do throws(WireError) {
        try encode(message, &writer)
        let back = try decode(kind, writer.bytes)
        if back.kind == kind { good += 1 }
      } catch {}
    }
    precondition(good == n)
  }
}

/// A subgroup's stream between objects.
struct TwinStream {
  var flags: UInt8 = 0
  var alias: UInt64 = 0, group: UInt64 = 0
  var subgroup: UInt64? = 0
  var priority: UInt8 = 128
  var next: UInt64 = 0
}

/// What is known of an object before its payload.
struct TwinObject {
  var group: UInt64 = 0, subgroup: UInt64 = 0, id: UInt64 = 0
  var priority: UInt8? = 128
  var status = ObjectStatus.normal
  var extensions = UnsafeRawBufferPointer(start: nil, count: 0)
  var payloadLength: UInt64 = 0
}

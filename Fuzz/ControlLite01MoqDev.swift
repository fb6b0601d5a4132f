#if canImport(MoQKernel)
  import MoQDrafts
  import MoQKernel
#endif

/// Any bytes as control messages of moq-lite-01 as moq-dev speaks it: none traps, and what is accepted is written and read again to the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  typealias D = Lite01MoqDev
  let type = (try? D.frame(bytes.span.bytes))?.type
  for kind in MessageKind.allCases where D.speaks(kind) && (type == nil || D.type(of: kind) == type) {
    var reader = WireReader(bytes.span.bytes)
    _ = D.explain(bytes, as: kind)
    guard let message = try? D.decode(kind, from: &reader) else { continue }
    var writer = WireWriter()
    do { try D.encode(message, into: &writer) } catch { fatalError("read, but not written: \(error)") }
    precondition(writer.count <= reader.position, "written in more bytes")
    let again = writer.bytes
    var second = WireReader(again.span.bytes)
    precondition((try? D.decode(kind, from: &second)) == message && second.remaining == 0, "another message")
  }
  return 0
}

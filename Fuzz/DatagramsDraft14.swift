#if canImport(MoQKernel)
  import MoQDrafts
  import MoQKernel
#endif

/// Any bytes as a datagram of draft-14: nothing traps, and what is accepted is written again in as few bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  _ = Draft14.explain(datagram: bytes)
  var reader = WireReader(bytes.span.bytes), writer = WireWriter(), header = ObjectHeader()
  guard var datagram = ObjectDatagram(Draft14.objects), (try? datagram.read(&header, from: &reader)) != nil else {
    return 0
  }
  do { try datagram.write(header, to: &writer) } catch { fatalError("read, but not written: \(error)") }
  precondition(writer.count <= reader.position, "in more bytes")
  return 0
}

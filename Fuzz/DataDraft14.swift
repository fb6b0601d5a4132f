#if canImport(MoQKernel)
  import MoQDrafts
  import MoQKernel
#endif

/// Any bytes as a data stream of draft-14: nothing traps, reading ends, and each object that is accepted is written again
/// in as few bytes.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count)), forms = Draft14.objects
  _ = Draft14.explain(stream: bytes)
  var reader = WireReader(bytes.span.bytes), writer = WireWriter()
  var stream = SubgroupStream(forms)
  if (try? stream.walkHeader(&reader)) != nil {
    var again = stream, header = ObjectHeader()
    try? again.walkHeader(&writer)
    precondition(writer.count <= reader.position, "a header in more bytes")
    while (try? stream.read(&header, from: &reader)) != nil {
      do { try again.write(header, to: &writer) } catch { fatalError("read, but not written: \(error)") }
      precondition(writer.count <= reader.position, "an object in more bytes")
      guard header.payloadLength <= UInt64(reader.remaining), let payload = reader.slice(Int(header.payloadLength))
      else { break }
      writer.append(payload)
    }
  }
  reader = WireReader(bytes.span.bytes)
  if var fetch = FetchStream(forms), (try? fetch.walkHeader(&reader)) != nil {
    var again = fetch, header = ObjectHeader()
    writer.clear()
    try? again.walkHeader(&writer)
    while (try? fetch.read(&header, from: &reader)) != nil {
      do { try again.write(header, to: &writer) } catch { fatalError("read, but not written: \(error)") }
      precondition(writer.count <= reader.position, "an object in more bytes")
      guard header.payloadLength <= UInt64(reader.remaining), let payload = reader.slice(Int(header.payloadLength))
      else { break }
      writer.append(payload)
    }
  }
  return 0
}

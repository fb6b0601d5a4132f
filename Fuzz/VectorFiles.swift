#if canImport(MoQKernel)
  import MoQDrafts
  import MoQKernel
#endif

/// Any bytes as a file of vectors and as a recording: the runners say what is wrong, and never trap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = [UInt8](UnsafeBufferPointer(start: start, count: count))
  for path in ["messages/x.json", "data-streams/subgroup.json", "data-streams/datagram.json"] {
    _ = VectorRunner(Draft14.self).run(bytes, path: path)
    _ = VectorRunner(Lite01.self).run(bytes, path: path)
  }
  _ = RecordingRunner(dialects + profiles).run(bytes, path: "x")
  return 0
}

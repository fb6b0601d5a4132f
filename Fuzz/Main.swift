import MoQDrafts
import MoQKernel

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

// One program holds all targets, so that the library is built for them once; FUZZ_TARGET names the one to run.

/// What can be fed with bytes. It traps on what must not be.
struct Target: Sendable {
  let name: String
  let take: @Sendable (UnsafeRawBufferPointer) -> Void
}

extension Target {
  /// Three for each dialect that is read and written, one for each that sessions speak.
  static let all: [Target] =
    dialects.flatMap { dialect in
      let spoken = [dialect] + profiles.filter { $0.name == dialect.name }
      return [
        Target(name: "control-\(dialect.name)") { bytes in for each in spoken { control(each, bytes) } },
        Target(name: "data-\(dialect.name)") { bytes in for each in spoken { data(each, bytes) } },
        Target(name: "datagram-\(dialect.name)") { bytes in for each in spoken { datagram(each, bytes) } },
      ]
    } + dialects.map { dialect in Target(name: "session-\(dialect.name)") { session(dialect, $0) } }
    + [Target(name: "vector-files", take: vectorFiles)]

  static let chosen: Target = {
    let name = getenv("FUZZ_TARGET").map { String(cString: $0) } ?? ""
    if let target = all.first(where: { $0.name == name }) { return target }
    // Without a name: which there are.
    for target in all { print(target.name) }
    exit(name.isEmpty ? 0 : 2)
  }()

  /// Any bytes as a file of vectors and as a recording: the runners say what is wrong, and never trap.
  private static func vectorFiles(_ bytes: UnsafeRawBufferPointer) {
    let bytes = [UInt8](bytes)
    for path in ["messages/x.json", "data-streams/subgroup.json", "data-streams/datagram.json"] {
      _ = VectorRunner(dialects[0]).run(bytes, path: path)
      _ = VectorRunner(dialects[dialects.count - 1]).run(bytes, path: path)
    }
    _ = RecordingRunner(dialects + profiles).run(bytes, path: "x")
  }
}

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_: UnsafeMutablePointer<CInt>?, _: UnsafeMutableRawPointer?) -> CInt {
  _ = Target.chosen
  return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func take(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  Target.chosen.take(UnsafeRawBufferPointer(start: start, count: count))
  return 0
}

import MoQKernel
import MoQNetwork

/// A folder for traces: a qlog file (JSON text sequences) for each session, named by its `connectionID`.
///
/// Traces hold every control message, with its bytes, and the header of every object, but no payload; tokens are left
/// out. They are written beside the sessions' work: what would hold it up is dropped, counted, and told in the trace.
public final class TraceDirectory: Sendable {
  /// What came of it so far.
  public struct Counters: Sendable, Equatable {
    /// Sessions that were traced.
    public var sessions: UInt64
    /// Sessions that were not, as too many files were open.
    public var refused: UInt64
    /// Bytes left out, as too many waited to be written.
    public var droppedBytes: UInt64
    /// Files that could not be made, or not be written to their end.
    public var failures: UInt64
  }
  let folder: MoQNetwork.TraceDirectory

  /// Makes the folder, if it is not there. `sample`: one session in so many is traced.
  ///
  /// Throws `badOption` if the folder cannot be made or written to.
  public init(_ path: String, oneIn sample: UInt64 = 1) throws(MoQError) {
    do {
      folder = try MoQNetwork.TraceDirectory(path, oneIn: sample)
    } catch {
      throw MoQError(.badOption, "traces cannot go to \(path): \(error); choose another folder", cause: error)
    }
  }
  /// The counters of this moment.
  public var counters: Counters {
    let now = folder.counters
    return Counters(
      sessions: now.sessions, refused: now.refused, droppedBytes: now.droppedBytes, failures: now.failures)
  }
  /// Waits until what was traced so far is in its files. Blocks the thread.
  public func flush() { folder.flush() }
}

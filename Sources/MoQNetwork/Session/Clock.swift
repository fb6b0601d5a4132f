import CQuic
import Glibc
import MoQKernel

extension Instant {
  /// Now, on the clock of all loops.
  public static var now: Instant { Instant(nanoseconds: cq_now()) }

  /// The same moment in nanoseconds since 1970, by the system's clock.
  public var unixNanoseconds: UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    let wall = UInt64(max(time.tv_sec, 0)) &* 1_000_000_000 &+ UInt64(max(time.tv_nsec, 0))
    return wall &- Instant.now.nanoseconds &+ nanoseconds
  }
}

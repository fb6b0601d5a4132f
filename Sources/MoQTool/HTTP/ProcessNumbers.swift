import Glibc

/// What the system says of this process.
struct ProcessNumbers {
  let residentBytes: UInt64
  let cpuSeconds: Double

  /// nil: the system does not say.
  init?() {
    // Pages in all, then resident ones.
    var text = [UInt8](repeating: 0, count: 128)
    let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    let count = read(descriptor, &text, text.count)
    close(descriptor)
    let words = String(decoding: text.prefix(max(count, 0)), as: UTF8.self).split(separator: " ")
    guard words.count > 1, let pages = UInt64(words[1]) else { return nil }
    residentBytes = pages.multipliedReportingOverflow(by: UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0))).partialValue
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return nil }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
    cpuSeconds = seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }
}

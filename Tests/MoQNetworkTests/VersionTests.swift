import CQuic
import Glibc
import Testing

@testable import MoQNetwork

@Suite struct VersionTests {
  /// The headers that were compiled and the library that was loaded are of one version, and of the expected one.
  @Test func headerAndLibraryAgree() {
    let header = String(cString: cq_header_version()), library = String(cString: cq_library_version())
    #expect(header == library)
    if let expected = getenv("MOQ_NGTCP2_VERSION") {
      #expect((library + ".").hasPrefix(String(cString: expected) + "."))
    }
    let parts = header.split(separator: ".").compactMap { Int($0) }
    #expect((cq_keeps_remote_uni() != 0) == (parts[0] == 0 && parts[1] < 14))
  }
}

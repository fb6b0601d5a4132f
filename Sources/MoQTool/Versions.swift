import CQuic

/// What this tool is made of.
enum Versions {
  static let tool = "0.1.0"

  /// The libraries' versions are those that run, not those that were there when this was built.
  static var text: String {
    """
    moq \(tool)
    ngtcp2 \(String(cString: cq_library_version()))
    GnuTLS \(String(cString: cq_gnutls_version()))
    nghttp3 \(String(cString: cq_nghttp3_version()))

    """
  }
}

import CQuic

/// A server's certificate chain and its private key.
public struct TLSIdentity: Sendable {
  /// The chain, leaf first, in PEM.
  public let certificate: [UInt8]
  /// The private key in PEM.
  public let key: [UInt8]
  /// The SHA-256 of the leaf certificate in DER: what a client pins.
  public let sha256: [UInt8]

  /// Reads two PEM files.
  public init(certificateFile: String, keyFile: String) throws(NetworkError) {
    try self.init(certificate: Self.read(certificateFile), key: Self.read(keyFile), name: certificateFile)
  }

  /// Takes the text of two PEM files.
  public init(certificate: [UInt8], key: [UInt8], name: String = "the certificate") throws(NetworkError) {
    var digest = [UInt8](repeating: 0, count: 32)
    guard cq_certificate_digest(certificate, certificate.count, &digest) == 0 else {
      throw .certificate("\(name) holds no certificate in PEM form")
    }
    guard cq_certificate_matches(certificate, certificate.count, key, key.count) == 0 else {
      throw .certificate("the private key does not belong to \(name)")
    }
    (self.certificate, self.key, sha256) = (certificate, key, digest)
  }

  private init(certificate: [UInt8], key: [UInt8], sha256: [UInt8]) {
    (self.certificate, self.key, self.sha256) = (certificate, key, sha256)
  }

  /// A certificate made on the spot, signed by itself: ECDSA P-256, for localhost, 127.0.0.1, ::1 and `names`.
  ///
  /// Browsers accept a pinned one for at most 14 days of validity.
  public static func selfSigned(names: [String] = [], days: Int = 10) throws(NetworkError) -> TLSIdentity {
    let all = ["localhost", "127.0.0.1", "::1"] + names.filter { !$0.isEmpty && !$0.contains("\n") }
    var certificate = [UInt8](repeating: 0, count: 16 << 10), key = [UInt8](repeating: 0, count: 4 << 10)
    var digest = [UInt8](repeating: 0, count: 32)
    var certificateCount = certificate.count, keyCount = key.count
    let made = cq_certificate_make(
      all.joined(separator: "\n"), Int32(clamping: days), &certificate, &certificateCount, &key, &keyCount, &digest)
    guard made == 0 else {
      throw .certificate("no certificate could be made for \(all.joined(separator: ", "))")
    }
    return TLSIdentity(
      certificate: Array(certificate.prefix(certificateCount)), key: Array(key.prefix(keyCount)), sha256: digest)
  }

  /// `sha256` in hexadecimal.
  public var fingerprint: String { TLSFailure.hex(sha256) }

  static func read(_ path: String) throws(NetworkError) -> [UInt8] {
    var size = 0
    guard let memory = cq_file_read(path, 1 << 20, &size) else {
      throw .certificate("cannot read \(path): \(String(cString: cq_errno_text()))")
    }
    defer { cq_file_free(memory) }
    return [UInt8](UnsafeRawBufferPointer(start: memory, count: size))
  }
}

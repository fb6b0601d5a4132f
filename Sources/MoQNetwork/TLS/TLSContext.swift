import CQuic

/// Certificates, trust and protocols that the handshakes of many connections share.
final class TLSContext {
  let pointer: OpaquePointer
  let alpns: [String]

  deinit { cq_tls_config_free(pointer) }

  /// For a server.
  init(identity: TLSIdentity, alpns: [String], keyLog: String?) throws(NetworkError) {
    self.alpns = alpns
    pointer = try Self.make { error, size in
      cq_tls_server(
        identity.certificate, identity.certificate.count, identity.key, identity.key.count,
        alpns.joined(separator: "\n"),
        keyLog, error, size)
    }
  }

  /// For a client.
  init(trust: TLSTrust, alpns: [String], keyLog: String?) throws(NetworkError) {
    self.alpns = alpns
    let protocols = alpns.joined(separator: "\n")
    pointer = try Self.make { error, size in
      switch trust {
      case .system: cq_tls_client(Int32(CQ_TRUST_SYSTEM), nil, nil, 0, protocols, keyLog, error, size)
      case .file(let path): cq_tls_client(Int32(CQ_TRUST_FILE), path, nil, 0, protocols, keyLog, error, size)
      case .fingerprints(let pins):
        cq_tls_client(
          Int32(CQ_TRUST_PINS), nil, pins.filter { $0.count == 32 }.flatMap { $0 },
          pins.count { $0.count == 32 }, protocols, keyLog, error, size)
      case .none: cq_tls_client(Int32(CQ_TRUST_NONE), nil, nil, 0, protocols, keyLog, error, size)
      }
    }
  }

  private static func make(_ body: (UnsafeMutablePointer<CChar>?, Int) -> OpaquePointer?) throws(NetworkError)
    -> OpaquePointer
  {
    var error = [CChar](repeating: 0, count: 256)
    guard let made = body(&error, 255) else {
      let text = String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      throw .certificate(text.isEmpty ? "TLS could not be set up" : text)
    }
    return made
  }
}

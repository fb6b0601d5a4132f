/// Why a connection is over.
public enum ConnectionClose: Error, Sendable, Equatable {
  /// An application closed it with a code of its protocol.
  case application(code: UInt64, reason: String, byPeer: Bool)
  /// A QUIC stack closed it (RFC 9000 §20.1), or this one found the peer at fault.
  case transport(code: UInt64, reason: String, byPeer: Bool)
  /// The TLS handshake failed.
  case tls(TLSFailure, byPeer: Bool)
  /// Nothing arrived for the idle timeout.
  case idleTimeout
  /// The peer did not complete the handshake in time: it does not answer, or something drops its packets.
  case handshakeTimeout(address: String)
  /// The peer's machine says that nothing listens on the port (ICMP port unreachable).
  case refused(address: String)
  /// The network says that the peer cannot be reached.
  case unreachable(address: String, reason: String)
  /// The host's name has no address.
  case unresolved(host: String, reason: String)
  /// The peer has forgotten the connection, as after a restart.
  case statelessReset
  /// The peer speaks no version of QUIC that this side speaks.
  case version(offered: [UInt32])
  /// This side could not even begin: the text says why.
  case failed(String)
  /// An HTTP/3 connection was closed with one of HTTP/3's codes.
  case http3(HTTP3Code, reason: String, byPeer: Bool)
  /// A WebTransport session did not come about, or was cut off, while its connection was well.
  case webTransport(WebTransportFailure)
}

/// Why there is no WebTransport session, or not any more.
public enum WebTransportFailure: Sendable, Equatable {
  /// The server answered the request with this HTTP status.
  case refused(status: Int)
  /// The server speaks HTTP/3 and says nothing of WebTransport.
  case unsupported
  /// The server chose a subprotocol that was not offered.
  case protocolNotOffered(String)
  /// The request's stream was reset.
  case aborted(HTTP3Code, byPeer: Bool)
  /// The server did not answer the request in time.
  case noAnswer
}

/// What went wrong in a TLS handshake.
public enum TLSFailure: Sendable, Equatable {
  /// The two sides have no application protocol in common (alert 120).
  case noCommonProtocol(offered: [String])
  /// The certificate is signed by nobody this side trusts.
  case unknownAuthority
  /// The certificate's SHA-256 is none of the pinned ones.
  case fingerprintMismatch(found: [UInt8])
  /// The certificate is for another name.
  case wrongName(expected: String)
  /// The certificate is not valid any more, or not yet.
  case expired
  /// The certificate was rejected for another reason.
  case badCertificate(String)
  /// Any other alert of RFC 8446 §6.
  case alert(UInt8)
}

extension ConnectionClose: CustomStringConvertible {
  public var description: String {
    switch self {
    case .application(let code, let reason, let byPeer):
      "\(byPeer ? "the peer" : "this side") closed with code \(Self.hex(code))" + Self.quoted(reason)
    case .transport(let code, let reason, let byPeer):
      "\(byPeer ? "the peer reported" : "this side found") the QUIC error \(Self.name(ofTransport: code))"
        + Self.quoted(reason)
    case .tls(let failure, let byPeer): byPeer ? "the peer refused the handshake: \(failure)" : "\(failure)"
    case .idleTimeout: "nothing arrived for the idle timeout"
    case .handshakeTimeout(let address):
      "no answer from \(address): check host, port and firewall (UDP)"
    case .refused(let address): "nothing listens on \(address) (UDP): check the port, and that the server runs"
    case .unreachable(let address, let reason): "\(address) cannot be reached: \(reason)"
    case .unresolved(let host, let reason): "cannot find the address of \(host): \(reason)"
    case .statelessReset: "the peer has forgotten the connection (stateless reset), as after a restart"
    case .version(let offered):
      "the peer does not speak QUIC version 1; it offers "
        + (offered.isEmpty ? "nothing" : offered.map { Self.hex(UInt64($0)) }.joined(separator: ", "))
    case .failed(let text): text
    case .http3(let code, let reason, let byPeer):
      "\(byPeer ? "the peer reported" : "this side found") the HTTP/3 error \(code)" + Self.quoted(reason)
    case .webTransport(let failure): "\(failure)"
    }
  }

  static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
  private static func quoted(_ reason: String) -> String { reason.isEmpty ? "" : " “\(reason)”" }

  /// The name of an error code of RFC 9000 §20.1.
  static func name(ofTransport code: UInt64) -> String {
    let names = [
      "NO_ERROR", "INTERNAL_ERROR", "CONNECTION_REFUSED", "FLOW_CONTROL_ERROR", "STREAM_LIMIT_ERROR",
      "STREAM_STATE_ERROR", "FINAL_SIZE_ERROR", "FRAME_ENCODING_ERROR", "TRANSPORT_PARAMETER_ERROR",
      "CONNECTION_ID_LIMIT_ERROR", "PROTOCOL_VIOLATION", "INVALID_TOKEN", "APPLICATION_ERROR",
      "CRYPTO_BUFFER_EXCEEDED", "KEY_UPDATE_ERROR", "AEAD_LIMIT_REACHED", "NO_VIABLE_PATH",
    ]
    return code < UInt64(names.count) ? "\(names[Int(code)]) (\(hex(code)))" : hex(code)
  }
}

extension WebTransportFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .refused(let status):
      "the server answered the WebTransport request with HTTP status \(status)"
        + (Self.meanings[status].map { ": \($0)" } ?? "")
    case .unsupported: "it is an HTTP/3 server without WebTransport"
    case .protocolNotOffered(let name): "the server chose the subprotocol “\(name)”, which was not offered"
    case .aborted(let code, let byPeer):
      "\(byPeer ? "the peer" : "this side") cut the WebTransport session off with \(code)"
    case .noAnswer: "the server did not answer the WebTransport request in time"
    }
  }

  private static let meanings = [
    401: "a token is wanted", 403: "it does not admit this origin, or this user",
    404: "there is nothing at this path; check the URL", 405: "this path takes no WebTransport sessions",
    429: "it has as many sessions as it admits; try again later", 501: "it has no WebTransport",
    503: "it is overloaded or about to stop; try again later",
  ]
}

extension TLSFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noCommonProtocol(let offered):
      "no application protocol in common"
        + (offered.isEmpty ? "" : "; this side has \(offered.joined(separator: ", "))")
    case .unknownAuthority:
      "the server's certificate is signed by an unknown authority; pin its SHA-256, name the authority's file, or "
        + "do not verify"
    case .fingerprintMismatch(let found):
      "the server's certificate is not the pinned one; its SHA-256 is \(Self.hex(found))"
    case .wrongName(let expected): "the server's certificate is not for \(expected)"
    case .expired: "the server's certificate has expired or is not valid yet; check both clocks"
    case .badCertificate(let text):
      text.isEmpty ? "the certificate was rejected" : "the certificate was rejected: \(text)"
    case .alert(let number): "TLS alert \(number)" + (Self.names[number].map { " (\($0))" } ?? "")
    }
  }

  static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  /// RFC 8446 §6.
  static let names: [UInt8: String] = [
    10: "unexpected_message", 20: "bad_record_mac", 40: "handshake_failure", 42: "bad_certificate",
    43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
    47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
    70: "protocol_version", 71: "insufficient_security", 80: "internal_error", 90: "user_canceled",
    109: "missing_extension", 110: "unsupported_extension", 112: "unrecognized_name",
    113: "bad_certificate_status_response", 116: "certificate_required", 120: "no_application_protocol",
  ]
}

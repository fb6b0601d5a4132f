import MoQKernel
import MoQNetwork

// How failures of the floors below become sentences: what happened, where, what to try.

extension MoQError {
  /// A connection that did not come about, or died.
  init(_ close: ConnectionClose, peer: String, offered: [String] = []) {
    let text = "\(peer): \(close)"
    switch close {
    case .refused, .handshakeTimeout, .unreachable: self.init(.nothingListens, "no connection to \(text)", cause: close)
    case .unresolved: self.init(.unknownHost, "no connection: \(close)", cause: close)
    case .tls(.noCommonProtocol(offered: ["h3"]), _):
      self.init(
        .noWebTransport,
        "no session with \(peer): it is a QUIC server without HTTP/3, so there is no WebTransport. "
          + "Try moqt:// for raw QUIC.", cause: close)
    case .tls(.noCommonProtocol, _):
      let what = offered.isEmpty ? "" : " (ALPN \(offered.joined(separator: ", ")))"
      self.init(
        .noCommonDialect,
        "no dialect in common with \(peer): it accepts none of what was offered\(what), and TLS does not say what it has. "
          + "Offer others, or all (dialects: .automatic).",
        cause: close)
    case .tls(.alert, _): self.init(.transport, "no connection to \(text)", cause: close)
    case .tls(_, let byPeer):
      self.init(
        .untrusted,
        byPeer
          ? "\(peer) refused this side's handshake: \(close)"
          : "the certificate of \(peer) is not trusted: \(close)", cause: close)
    case .version: self.init(.nothingListens, "no connection to \(text)", cause: close)
    case .webTransport(let failure): self.init(failure, peer: peer, cause: close)
    case .http3(_, _, let byPeer):
      self.init(byPeer ? .transport : .violation, "the connection to \(peer) ended: \(close)", cause: close)
    case .application, .transport, .idleTimeout, .statelessReset, .failed:
      self.init(.transport, "the connection to \(peer) ended: \(close)", cause: close)
    }
  }

  /// A WebTransport session that did not come about, or was cut off.
  private init(_ failure: WebTransportFailure, peer: String, cause: ConnectionClose) {
    let code: Code =
      switch failure {
      case .refused(status: 401), .refused(status: 403): .unauthorized
      case .refused: .refused
      case .unsupported: .noWebTransport
      case .protocolNotOffered: .violation
      case .noAnswer: .timeout
      case .aborted: .sessionClosed
      }
    self.init(code, "no session with \(peer): \(failure)", cause: cause)
  }

  /// A session that is over.
  init(_ end: SessionEnd, _ close: ConnectionClose?, peer: String, offered: [String] = []) {
    let said = end.phrase.isEmpty ? "" : " “\(end.phrase)”"
    switch (end.cause, end.reason) {
    case (_, .versionNegotiationFailed):
      let what = offered.isEmpty ? "" : "; offered: \(offered.joined(separator: ", "))"
      self.init(.noCommonDialect, "no dialect in common with \(peer):\(said)\(what)", cause: end)
    case (.peer, .unauthorized):
      self.init(
        .unauthorized, "\(peer) closed the session: not authorized\(said). Give it a token that it accepts.", cause: end
      )
    case (.peer, .noError):
      self.init(.sessionClosed, "\(peer) closed the session\(said)", cause: end)
    case (.peer, let reason):
      self.init(
        .sessionClosed, "\(peer) closed the session with code \(hex(end.code)) (\(reason.words))\(said)", cause: end)
    case (.transport, _):
      if let close {
        self.init(close, peer: peer, offered: offered)
      } else {
        self.init(.transport, "the connection to \(peer) ended:\(said)", cause: end)
      }
    case (.local, .noError):
      self.init(.sessionClosed, "this side closed the session with \(peer)\(said)", cause: end)
    case (.local, .controlMessageTimeout), (.local, .dataStreamTimeout), (.local, .goAwayTimeout):
      self.init(.timeout, "\(peer) did not answer in time:\(said)", cause: end)
    case (.local, let reason):
      self.init(
        .violation, "the session with \(peer) was closed, since the peer broke a rule (\(reason.words)):\(said)",
        cause: end)
    }
  }

  /// A request that was refused, or that ended.
  init(_ failure: RequestFailure, doing what: String, peer: String) {
    let said = failure.phrase.isEmpty ? "" : " “\(failure.phrase)”"
    let number = failure.code.map { " with code \(hex($0))" } ?? ""
    switch failure.reason {
    case .doesNotExist, .prefixUnknown:
      self.init(
        .unknownTrack, "\(what): \(peer) knows no such track\(said). Check the names, and that the publisher is there.",
        cause: failure)
    case .unauthorized, .malformedToken, .unknownTokenAlias, .expiredToken:
      self.init(
        .unauthorized,
        "\(what): \(peer) does not allow it (\(failure.reason.words))\(said). Give it a token that it accepts.",
        cause: failure)
    case .timeout:
      self.init(.timeout, "\(what): \(peer) did not answer in time\(said)", cause: failure)
    case .notSupported:
      self.init(.refused, "\(what): \(peer) does not support it\(said)", cause: failure)
    case .sessionClosed:
      self.init(.sessionClosed, "\(what): the session with \(peer) ended before the answer\(said)", cause: failure)
    case .cancelled:
      self.init(.cancelled, "\(what): cancelled\(said)", cause: failure)
    case .trackEnded, .subscriptionEnded:
      self.init(.ended, "\(what): the publisher has ended it\(said)", cause: failure)
    default:
      self.init(.refused, "\(what): \(peer) said no\(number) (\(failure.reason.words))\(said)", cause: failure)
    }
  }

  /// A request that was accepted, and that the peer ended before its time.
  init(_ failure: RequestFailure, ending what: String, peer: String) {
    let said = failure.phrase.isEmpty ? "" : " “\(failure.phrase)”"
    switch failure.reason {
    case .cancelled, .trackEnded, .subscriptionEnded: self.init(failure, doing: what, peer: peer)
    case .sessionClosed:
      self.init(.sessionClosed, "\(what): the session with \(peer) ended\(said)", cause: failure)
    default:
      let number = failure.code.map { ", code \(hex($0))" } ?? ""
      self.init(
        .ended, "\(what): \(peer) ended it before its time (\(failure.reason.words)\(number))\(said)", cause: failure)
    }
  }

  /// A command that was not carried out.
  init(_ error: CommandError, doing what: String, peer: String, dialect: String?) {
    switch error.kind {
    case .inexpressible:
      self.init(
        .inexpressible, "\(what): \(dialect ?? "the dialect") has no words for it: \(error.phrase)", cause: error)
    case .notOpen: self.init(.sessionClosed, "\(what): \(error.phrase) (session with \(peer))", cause: error)
    case .wrongState: self.init(.ended, "\(what): \(error.phrase)", cause: error)
    case .limit: self.init(.limit, "\(what): \(error.phrase)", cause: error)
    }
  }

  /// An endpoint that was not set up.
  init(_ error: NetworkError) {
    let code: Code =
      switch error {
      case .portInUse: .addressInUse
      case .permissionDenied: .permissionDenied
      case .unresolved: .unknownHost
      case .addressNotAvailable, .certificate: .badOption
      case .noMemory, .system, .shutDown: .transport
      }
    self.init(code, "\(error)", cause: error)
  }
}

extension SessionClosure {
  init(_ end: SessionEnd, _ close: ConnectionClose?, peer: String) {
    self.init(
      by: end.cause == .local ? .local : end.cause == .peer ? .peer : .transport, reason: end.reason, code: end.code,
      phrase: MoQError(end, close, peer: peer).message)
  }
}

func hex(_ code: UInt64) -> String { "0x" + String(code, radix: 16) }

extension Reason {
  /// In words, for a sentence.
  var words: String { if case .unknown(let code) = self { "unknown code \(hex(code))" } else { spaced("\(self)") } }
}

extension SessionReason {
  var words: String { if case .unknown(let code) = self { "unknown code \(hex(code))" } else { spaced("\(self)") } }
}

/// `protocolViolation` as `protocol violation`.
private func spaced(_ name: String) -> String {
  var words = ""
  for character in name {
    if character.isUppercase { words += " " }
    words += character.lowercased()
  }
  return words
}

/// The options that several commands share.
extension Option {
  static let draft = Option(
    "draft", short: "d", takes: .repeated("NAME"),
    "speak this dialect only; given several times: try them in this order (moq drafts lists them)")
  static let profile = Option(
    "profile", takes: .repeated("NAME"),
    "take the peer to differ from the dialect's text in this way; \"text\": in none (moq drafts lists them)")
  static let json = Option("json", "print one JSON object a line")
  static let verbose = Option("verbose", short: "v", "say on standard error what happens")
  static let timeout = Option(
    "timeout", takes: .one("S"), "give up when connecting, or an answer, takes longer than S seconds (default 10)")

  static let disableVerify = Option(
    "tls-disable-verify", "believe any certificate: anyone between can read and change everything")
  static let authority = Option("tls-ca", takes: .one("FILE"), "believe certificates signed by one in this PEM file")
  static let fingerprint = Option(
    "tls-fingerprint", takes: .one("HEX"), "believe the certificate with this SHA-256, as moq relay prints it")

  static let qlog = Option(
    "qlog", takes: .one("DIR"), "leave a trace of each session there: qlog, named by connection id, without payloads")
  static let qlogSample = Option("qlog-sample", takes: .one("N"), "trace one session in N only")
  static let tracing: [Option] = [qlog, qlogSample]

  /// How a client reaches and trusts its peer.
  static let connection: [Option] = [draft, profile, disableVerify, authority, fingerprint, timeout, verbose] + tracing
}

extension Operand {
  static let url = Operand(
    "URL", "moqt://HOST[:PORT][/PATH] for raw QUIC, https:// for WebTransport; the port is 443 unless said")
  static let namespace = Operand("NAMESPACE", "where the track is published: a/b/c")
  static let track = Operand("TRACK", "the track's name")

  init(_ name: String, _ summary: String) { self.init(name, .one, summary) }
}

import Glibc
import MoQKernel
import MoQNetwork

extension Command {
  private static let folder = Option("out", short: "o", takes: .one("FOLDER"), "write the two files there (default .)")
  private static let names = Option(
    "name", takes: .repeated("HOST"), "a name or address it is for, beside localhost, 127.0.0.1 and ::1")
  private static let days = Option("days", takes: .one("N"), "for how long it is valid (default 10)")
  private static let force = Option("force", "replace files that are there")

  static let cert = Command(
    name: "cert",
    summary: "make a certificate for tests, signed by itself, and print its SHA-256",
    options: [("Options", [folder, names, days, force, .json])],
    details: "Writes cert.pem and key.pem (ECDSA P-256) for moq relay. Clients accept it with --tls-fingerprint; "
      + "browsers do so only if it is valid for 14 days at most.",
    examples: [
      ("here, for this machine", "moq cert"),
      (
        "for a name, then a relay with it",
        "moq cert --out tls --name relay.test && moq relay --cert tls/cert.pem --key tls/key.pem"
      ),
    ]
  ) { arguments in
    let folder = arguments.text(folder) ?? "."
    let days = try arguments.number(days, in: 1...3650) ?? 10
    let identity = try TLSIdentity.selfSigned(names: arguments.texts(names), days: Int(days))
    guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
      throw Failure("cannot make the folder \(folder): \(lastError()); choose another with --out")
    }
    let (certificate, key) = ("\(folder)/cert.pem", "\(folder)/key.pem")
    let paths = [certificate, key]
    if !arguments.has(force), let taken = paths.first(where: { path in access(path, F_OK) == 0 }) {
      throw Failure("\(taken) is there already; choose another folder with --out, or replace it with --force")
    }
    try save(identity.key, to: key, mode: 0o600)
    try save(identity.certificate, to: certificate, mode: 0o644)
    try Output.standard.line(
      arguments.has(.json)
        ? JSON.line(["certificate": .string(certificate), "key": .string(key), "sha256": .string(identity.fingerprint)])
        : "\(certificate) and \(key), valid for \(days) days, SHA-256 \(identity.fingerprint)")
  }

  /// Written beside and moved into place, so that nobody sees half a file, and a key is never readable by others.
  private static func save(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
    let draft = "\(path).\(getpid())"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else {
      throw Failure("cannot write \(draft): \(lastError()); choose another folder with --out")
    }
    defer { close(descriptor) }
    let file = Output(descriptor, name: draft)
    try bytes.withUnsafeBytes { bytes throws in try file.write(bytes) }
    try file.flush()
    guard rename(draft, path) == 0 else { throw Failure("cannot write \(path): \(lastError())") }
  }
}

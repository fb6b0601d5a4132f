extension Command {
  /// Every command, in the order of the help.
  static let all: [Command] = [
    relay, publish, subscribe, clockPublish, clockSubscribe, probe, interop, decode, spell, vectorsVerify, vectorsList,
    capturesVerify, cert,
    drafts,
  ]
}

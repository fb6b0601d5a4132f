/// Which server certificates a client accepts.
public enum TLSTrust: Sendable, Equatable {
  /// Those signed by an authority the system trusts.
  case system
  /// Those signed by an authority in a PEM file.
  case file(String)
  /// Those whose leaf, in DER, has one of these SHA-256 sums; names and dates do not count then.
  case fingerprints([[UInt8]])
  /// All. Whoever is in between can read and change everything.
  case none
}

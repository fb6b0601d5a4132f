import MoQKernel

/// The dialects that this package reads, writes and speaks in sessions, in order of preference.
public let dialects: [any Dialect.Type] = [
  Draft14.self,
  Lite01.self,
  Draft13.self,
  Draft12.self,
  Draft11.self,
  Draft10.self,
  Draft09.self,
  Draft08.self,
  Draft07.self,
  Transfork03.self,
]

/// Dialects as some peers speak them, where that is not what the text says.
public let profiles: [any Dialect.Type] = [
  Draft14MoqDev.self,
  Lite01MoqDev.self,
  Lite01MoqDev202508.self,
  Lite01Gomoqt.self,
  Lite01Gomoqt04.self,
  Transfork03Gomoqt.self,
  Transfork03MoqRs.self,
  Transfork02MoqRs.self,
  Transfork04MoqRs.self,
  Draft10MoQTransport.self,
  Draft10Imquic.self,
  Draft10ImquicOffer.self,
  Draft09Imquic.self,
  Draft09ImquicOffer.self,
  Draft08Imquic.self,
  Draft08ImquicOffer.self,
  Draft07Cloudflare.self,
  Draft07Imquic.self,
  Draft07MoQTransport.self,
  Draft07ImquicOffer.self,
]

extension [any Dialect.Type] {
  /// The dialect that people call so.
  public func named(_ name: String) -> (any Dialect.Type)? { first { $0.name == name } }
  /// The dialect that has this number in version lists.
  public func version(_ version: UInt64) -> (any Dialect.Type)? { first { $0.version == version } }
}

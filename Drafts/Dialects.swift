import MoQKernel

/// The dialects of this package, in order of preference.
public let dialects: [any Dialect.Type] = [
  Draft14.self,
  Lite01.self,
]

/// Dialects as some peers speak them, where that is not what the text says.
public let profiles: [any Dialect.Type] = [
  Draft14MoqDev.self,
  Lite01MoqDev.self,
]

extension [any Dialect.Type] {
  /// The dialect that people call so.
  public func named(_ name: String) -> (any Dialect.Type)? { first { $0.name == name } }
  /// The dialect that has this number in version lists.
  public func version(_ version: UInt64) -> (any Dialect.Type)? { first { $0.version == version } }
}

/// One parameter of a message, by its meaning. A dialect knows the number.
public struct Parameter: Equatable, Sendable {
  /// The most parameters that are accepted in one message.
  public static var maximumCount: UInt64 { 64 }
  public enum Key: Hashable, Sendable {
    case role, path, maxRequestID, authorization, maxTokenCacheSize, authority, implementation
    case deliveryTimeout, maxCacheDuration
    case unknown(UInt64)
  }
  public enum Value: Equatable, Sendable { case number(UInt64), bytes([UInt8]), token(AuthorizationToken) }
  public var key: Key
  public var value: Value
  public init(_ key: Key, _ value: Value) { (self.key, self.value) = (key, value) }
}

/// Since 11: a token, or a number that stands for one.
public enum AuthorizationToken: Equatable, Hashable, Sendable {
  case delete(alias: UInt64)
  case register(alias: UInt64, type: UInt64, [UInt8])
  case alias(UInt64)
  case value(type: UInt64, [UInt8])
}

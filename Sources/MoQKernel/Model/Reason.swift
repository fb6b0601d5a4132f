/// Why a request was refused or a subscription ended: meanings, not numbers. A dialect has the numbers.
public enum Reason: Hashable, Sendable {
  case internalError, unauthorized, timeout, notSupported, doesNotExist, invalidRange, uninterested
  case prefixUnknown, prefixOverlap, noObjects, invalidJoiningRequest, unknownStatusInRange, malformedTrack
  case malformedToken, unknownTokenAlias, expiredToken, duplicateSubscription, retryTrackAlias
  case trackEnded, subscriptionEnded, goingAway, expired, tooFarBehind, updateFailed, excessiveLoad
  /// The requester took it back.
  case cancelled
  /// The session ended before the answer.
  case sessionClosed
  /// A number this dialect does not define.
  case unknown(UInt64)
}

/// Why a session ends: meanings, not numbers.
public enum SessionReason: Hashable, Sendable {
  case noError, internalError, unauthorized, protocolViolation, invalidRequestID, duplicateTrackAlias
  case keyValueFormatting, tooManyRequests, invalidPath, malformedPath, goAwayTimeout, controlMessageTimeout
  case dataStreamTimeout, tokenCacheOverflow, duplicateTokenAlias, versionNegotiationFailed, malformedToken
  case unknownTokenAlias, expiredToken, invalidAuthority, malformedAuthority
  case unknown(UInt64)
}

/// Why a stream is reset or is asked to stop: meanings, not numbers.
public enum StreamReason: Hashable, Sendable {
  case internalError, cancelled, deliveryTimeout, sessionClosed, tooFarBehind, malformedTrack
  /// There is nothing to send, and there never will be.
  case doesNotExist
  case unknown(UInt64)
}

/// The answer "no" to a request, or its end.
public struct RequestFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public var reason: Reason
  /// At most 1,024 bytes reach the wire (§1.4.3).
  public var phrase: String
  /// The dialect's number, where the peer sent one.
  public var code: UInt64?
  public init(_ reason: Reason, _ phrase: String = "", code: UInt64? = nil) {
    (self.reason, self.phrase, self.code) = (reason, phrase, code)
  }
  public var description: String {
    phrase.isEmpty ? "\(reason)" : "\(reason): \(phrase)"
  }
}

/// Why a session is over.
public struct SessionFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public var reason: SessionReason
  public var phrase: String
  public init(_ reason: SessionReason, _ phrase: String) { (self.reason, self.phrase) = (reason, phrase) }
  public var description: String { "\(reason): \(phrase)" }
}

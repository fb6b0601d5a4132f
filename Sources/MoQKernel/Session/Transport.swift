/// A stream, as the session and its transport both call it.
///
/// The session hands out keys for streams of either side. A slot is reused, a key is not.
public struct StreamKey: Hashable, Sendable {
  public let slot: UInt32
  public let generation: UInt32
  @inlinable public init(slot: UInt32, generation: UInt32) { (self.slot, self.generation) = (slot, generation) }
}

public enum StreamKind: Sendable { case bidirectional, unidirectional }

/// In which order streams are sent when not all can be: lower first, field by field; equal ones take turns.
public struct SendPriority: Hashable, Comparable, Sendable {
  /// 0 for control streams, which go before all data.
  public var subscriber: UInt16
  public var publisher: UInt16
  /// The place of the group in the wanted order, then of the subgroup in its group.
  public var group: UInt64
  public var subgroup: UInt64
  @inlinable public init(subscriber: UInt16, publisher: UInt16 = 0, group: UInt64 = 0, subgroup: UInt64 = 0) {
    (self.subscriber, self.publisher, self.group, self.subgroup) = (subscriber, publisher, group, subgroup)
  }
  public static var control: SendPriority { SendPriority(subscriber: 0) }
  @inlinable public static func < (a: SendPriority, b: SendPriority) -> Bool {
    if a.subscriber != b.subscriber { return a.subscriber < b.subscriber }
    if a.publisher != b.publisher { return a.publisher < b.publisher }
    if a.group != b.group { return a.group < b.group }
    return a.subgroup < b.subgroup
  }
}

/// What a session asks of its transport. Effects are carried out in order.
public enum Effect: Sendable {
  /// Open a stream; what is sent before the peer allows it waits.
  case open(StreamKey, StreamKind, SendPriority)
  case send(StreamKey, Bytes)
  case prioritize(StreamKey, SendPriority)
  /// No more will be sent on the stream (FIN).
  case finish(StreamKey)
  case reset(StreamKey, code: UInt64)
  /// Ask the peer to send no more (STOP_SENDING).
  case stop(StreamKey, code: UInt64)
  /// So many received bytes have been used: give the peer credit for as many.
  case consumed(StreamKey, Int)
  /// The session has forgotten the stream; no effect will name it again.
  case forget(StreamKey)
  case datagram(Bytes)
  /// The session is over: send what is queued on control streams, then close with this code.
  case close(code: UInt64, reason: String)
}

/// What carries a session: streams, datagrams, statistics. ngtcp2 is one, WebTransport another, an
/// in-memory pair a third; an app on another platform can bring its own.
///
/// A driver feeds a `SessionCore` with what arrives and passes each effect to its transport.
public protocol Transport: AnyObject {
  var kind: TransportKind { get }
  var statistics: TransportStatistics { get }
  func perform(_ effect: Effect)
}

public enum TransportKind: Sendable { case quic, webTransport }

public struct TransportStatistics: Equatable, Sendable {
  public var smoothedRTT: Duration = .zero
  public var minimumRTT: Duration = .zero
  /// Bits per second the congestion controller would allow now; 0: not known.
  public var estimatedBitrate: UInt64 = 0
  public var bytesSent: UInt64 = 0
  public var bytesReceived: UInt64 = 0
  public var packetsSent: UInt64 = 0
  public var packetsLost: UInt64 = 0
  /// The largest datagram that fits now; 0: the peer takes none.
  public var maximumDatagramSize = 0
  public init() {}
}

/// A moment of the driver's monotonic clock, in nanoseconds. The kernel never reads a clock.
public struct Instant: Hashable, Comparable, Sendable {
  public var nanoseconds: UInt64
  @inlinable public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }
  @inlinable public static func < (a: Instant, b: Instant) -> Bool { a.nanoseconds < b.nanoseconds }
  public func advanced(by duration: Duration) -> Instant {
    let (seconds, attoseconds) = duration.components
    guard seconds >= 0 else { return self }
    let whole = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let sum = nanoseconds.addingReportingOverflow(whole.partialValue &+ UInt64(max(attoseconds, 0) / 1_000_000_000))
    return Instant(nanoseconds: whole.overflow || sum.overflow ? .max : sum.partialValue)
  }
}

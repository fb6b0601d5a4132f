/// Who watches what a session says and hears, message by message and header by header.
///
/// A class to be subclassed: a session that is not watched asks for one reference, and nothing else. All methods are
/// called within the session's own work, so they must not call back into it; what they are given is whole and has been
/// understood, except where it says otherwise.
open class SessionTap {
  /// Whether this side made it, or read it.
  public enum Direction: Sendable { case created, parsed }

  /// A stream, and which side opened it.
  public struct Place: Sendable {
    public var stream: StreamKey
    public var isOurs: Bool
    public init(stream: StreamKey, isOurs: Bool) { (self.stream, self.isOurs) = (stream, isOurs) }
  }

  public init() {}

  /// A control message in the layouts of `dialect`; `bytes` has its type and length, but not its stream's type.
  ///
  /// `kind` nil: it could not be read, and `bytes` is what there was of it. The session ends next.
  open func control(
    _ direction: Direction, _ kind: MessageKind?, _ bytes: RawSpan, in dialect: any Dialect.Type, on place: Place,
    at time: Instant
  ) {}
  /// A stream of a subgroup's objects (moq-lite: of a group's frames) begins; `bytes` is its header.
  open func subgroup(
    _ direction: Direction, _ header: SubgroupStream, _ bytes: RawSpan, on place: Place, at time: Instant
  ) {}
  /// The stream of a FETCH begins; `bytes` is its header.
  open func fetch(_ direction: Direction, _ header: FetchStream, _ bytes: RawSpan, on place: Place, at time: Instant) {}
  /// The header of an object, on a stream that has begun. `info.payloadLength` bytes follow.
  open func object(_ direction: Direction, _ info: ObjectInfo, isFetched: Bool, on place: Place, at time: Instant) {}
  /// A datagram; `info.payloadLength` bytes of it are the payload.
  open func datagram(_ direction: Direction, _ info: ObjectInfo, trackAlias: UInt64, at time: Instant) {}
  /// Nothing more will be told of the stream.
  open func forgot(_ stream: StreamKey) {}
  /// The dialect is agreed on.
  open func established(_ dialect: any Dialect.Type, profile: String?, at time: Instant) {}
  /// The session is over. Nothing is told after that.
  open func ended(_ end: SessionEnd, at time: Instant) {}
}

extension Dialect {
  /// How many bytes an integer takes.
  static func size(of number: UInt64) -> Int {
    var writer = WireWriter(capacity: 8, integers: objects.integers)
    try? writer.varint(number)
    return writer.count
  }
}

// Where the session tells its tap. On the path of every object these are one comparison with nil.
extension SessionCore {
  @inline(__always) func place(_ stream: Stream) -> SessionTap.Place {
    SessionTap.Place(stream: stream.key, isOurs: stream.isOurs)
  }
  /// A message goes out, after `skipped` bytes of its stream's type.
  func tapped(
    _ kind: MessageKind, _ bytes: Bytes, after skipped: @autoclosure () -> Int = 0, _ codec: (any Dialect.Type)?,
    on stream: Stream
  ) {
    guard let tap, let codec else { return }
    let start = min(skipped(), bytes.count)
    tap.control(.created, kind, bytes.span.extracting(start..<bytes.count), in: codec, on: place(stream), at: now)
  }
  func tapped(_ object: ObjectInfo, on stream: Stream) {
    var object = object
    // Where ids are counted, the one that was wanted may be another.
    if let next = stream.subgroup?.countedID { object.id = next &- 1 }
    tap?.object(.created, object, isFetched: stream.carriesFetch, on: place(stream), at: now)
  }
}

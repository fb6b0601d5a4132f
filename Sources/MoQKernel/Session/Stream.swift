/// One stream of the transport, as the session sees it.
///
/// What every object touches is read and written in single steps, never across a call, so the run-time
/// check of exclusive access, which costs more than the access, is left out there.
final class Stream {
  enum Use {
    /// The peer's, and what it is for is not known yet: its first bytes, or the dialect, are missing.
    case unknown
    /// Carries control messages of the session, or of all requests.
    case control
    /// Belongs to one request, which `request` holds once its first message has come.
    case request
    /// The same, and objects answer it: messages from its opener, objects back.
    case exchange
    /// Objects that the peer sends.
    case receiving
    /// The same, but whose they are is not known yet. Nothing of it is credited.
    case held(alias: UInt64)
    /// Objects that we send.
    case sending
    /// Whatever still arrives is dropped.
    case refused
  }

  /// Whether the peer sends objects here.
  @inline(__always) var receivesObjects: Bool {
    switch use {
    case .receiving: true
    case .exchange: isOurs
    default: false
    }
  }
  /// Whether we send objects here.
  @inline(__always) var sendsObjects: Bool {
    switch use {
    case .sending: true
    case .exchange: !isOurs
    default: false
    }
  }
  /// Whether objects here are fetched ones.
  var carriesFetch: Bool {
    if case .exchange = use { return true }
    return fetch != nil
  }
  /// Whether messages of a request arrive here.
  var receivesMessages: Bool {
    switch use {
    case .request: true
    case .exchange: !isOurs
    default: false
    }
  }

  // What is remembered from one object to the next, in the one direction in which they go. Neither: the stream's header
  // has not come yet, or objects are over. Not one enum, since it is changed where it lies, without a copy.
  @exclusivity(unchecked) var subgroup: SubgroupStream?
  @exclusivity(unchecked) var fetch: FetchStream?
  /// Whether objects go over it.
  var hasObjects: Bool { subgroup != nil || fetch != nil }
  /// Objects are over, or are not wanted any more.
  func isWithoutObjects() { (subgroup, fetch) = (nil, nil) }

  let key: StreamKey
  let kind: StreamKind
  let isOurs: Bool
  @exclusivity(unchecked) var use: Use
  /// Weak, since the request holds its streams; the session holds both.
  weak var request: Request?
  /// Where the request keeps it.
  var place = 0

  // Receiving.
  /// What has arrived and cannot be read yet.
  @exclusivity(unchecked) var pending: [UInt8] = []
  /// FIN or a reset has arrived, or nothing can.
  @exclusivity(unchecked) var isReceived: Bool
  /// How a held stream ended, to be told once it is known whose it is.
  var heldEnd: End?
  enum End { case fin, reset(UInt64) }
  /// Bytes that the session has used and not yet credited.
  @exclusivity(unchecked) var credit = 0
  /// Bytes of payload that the owner has and has not reported as used.
  @exclusivity(unchecked) var unconsumed = 0
  /// Whether it is among the session's creditors.
  @exclusivity(unchecked) var isCreditor = false
  /// Bytes of the current object's payload that are to come.
  @exclusivity(unchecked) var payloadLeft: UInt64 = 0
  /// Whether the owner was told of the stream, and so is owed its end.
  var isAnnounced = false
  /// The last object that is wanted.
  @exclusivity(unchecked) var lastObject: UInt64 = .max
  /// Which message of its stream comes next from the peer; for control streams: whether the setup is done.
  var messagesReceived = 0
  var grammar: RequestStream?

  // Sending.
  /// FIN or a reset was sent, or nothing can be.
  @exclusivity(unchecked) var isSent: Bool
  /// What was sent has arrived, or does not matter any more.
  @exclusivity(unchecked) var isSettled: Bool
  /// Bytes that the transport has not sent yet.
  @exclusivity(unchecked) var queued = 0
  /// Whether the owner waits for `.writable`.
  @exclusivity(unchecked) var isFull = false
  /// Bytes of the current object's payload that the owner owes.
  @exclusivity(unchecked) var payloadOwed: UInt64 = 0
  /// The group that it carries for which subscription, where a reset of it has to be told as a gap.
  var carried: (request: RequestKey, group: UInt64)?
  /// FIN ends the group, and the stream's type cannot say so: a status has to.
  var owesGroupEnd = false

  init(_ key: StreamKey, _ kind: StreamKind, isOurs: Bool, use: Use) {
    (self.key, self.kind, self.isOurs, self.use) = (key, kind, isOurs, use)
    isReceived = isOurs && kind == .unidirectional
    isSent = !isOurs && kind == .unidirectional
    isSettled = isSent
  }
}

import MoQKernel
import MoQNetwork
import Synchronization

/// What a session's loop and its handles share.
final class SessionShared: Sendable {
  let loop: Loop
  let closure = Promise<SessionClosure>()
  /// The connection is gone, after the session: the peer has been told.
  let gone = Promise<Void>()
  let move = Promise<SessionMove?>()
  private let bitrate = Mutex<UInt64?>(nil)

  init(loop: Loop) { self.loop = loop }

  var peerBitrate: UInt64? { bitrate.withLock { $0 } }
  func setPeerBitrate(_ bits: UInt64) { bitrate.withLock { $0 = bits } }
}

/// What a session turned out to be, once it is established.
struct SessionFacts: Sendable {
  let dialect: SessionDialect
  let transport: TransportKind
  let peerAddress: String
  let connectionID: String
  let peerImplementation: String?
  let peerPath: String?
  let peerAuthorization: [AuthorizationToken]
}

/// How an inbox, from any thread, reaches its feed on the loop.
final class FeedLink: Sendable {
  final class Ends {
    weak var host: SessionHost?
    weak var feed: ObjectFeed?
    init(_ host: SessionHost) { self.host = host }
  }
  let loop: Loop
  let ends: LoopBound<Ends>

  init(_ host: SessionHost) {
    loop = host.loop
    ends = LoopBound(Ends(host), on: host.loop)
  }

  /// Something has been taken.
  func consumed(_ inbox: ObjectInbox) {
    loop.post { [ends] in ends.value.host?.returnCredit(inbox, ends.value.feed) }
  }

  /// No more is wanted.
  func abandoned(_ inbox: ObjectInbox) {
    loop.post { [ends] in
      ends.value.host?.returnCredit(inbox, nil)
      if let feed = ends.value.feed { ends.value.host?.abandon(feed) }
    }
  }
}

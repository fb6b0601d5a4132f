// The one place that goes through all messages. A new one makes each `switch` here ask for it.

extension Dialect {
  /// Walks a message with whoever comes.
  @inlinable public static func walk(_ message: inout Message, _ wire: inout some Wire) throws(WireError) {
    switch message {
    case .clientSetup(var m):
      try CLIENT_SETUP.walk(&m, &wire)
      message = .clientSetup(m)
    case .serverSetup(var m):
      try SERVER_SETUP.walk(&m, &wire)
      message = .serverSetup(m)
    case .sessionUpdate(var m):
      try SESSION_UPDATE.walk(&m, &wire)
      message = .sessionUpdate(m)
    case .goAway(var m):
      try GOAWAY.walk(&m, &wire)
      message = .goAway(m)
    case .maxRequestID(var m):
      try MAX_REQUEST_ID.walk(&m, &wire)
      message = .maxRequestID(m)
    case .requestsBlocked(var m):
      try REQUESTS_BLOCKED.walk(&m, &wire)
      message = .requestsBlocked(m)
    case .subscribe(var m):
      try SUBSCRIBE.walk(&m, &wire)
      message = .subscribe(m)
    case .subscribeOK(var m):
      try SUBSCRIBE_OK.walk(&m, &wire)
      message = .subscribeOK(m)
    case .subscribeError(var m):
      try SUBSCRIBE_ERROR.walk(&m, &wire)
      message = .subscribeError(m)
    case .subscribeGap(var m):
      try SUBSCRIBE_GAP.walk(&m, &wire)
      message = .subscribeGap(m)
    case .subscribeUpdate(var m):
      try SUBSCRIBE_UPDATE.walk(&m, &wire)
      message = .subscribeUpdate(m)
    case .unsubscribe(var m):
      try UNSUBSCRIBE.walk(&m, &wire)
      message = .unsubscribe(m)
    case .subscribeDone(var m):
      try PUBLISH_DONE.walk(&m, &wire)
      message = .subscribeDone(m)
    case .publish(var m):
      try PUBLISH.walk(&m, &wire)
      message = .publish(m)
    case .publishOK(var m):
      try PUBLISH_OK.walk(&m, &wire)
      message = .publishOK(m)
    case .publishError(var m):
      try PUBLISH_ERROR.walk(&m, &wire)
      message = .publishError(m)
    case .fetch(var m):
      try FETCH.walk(&m, &wire)
      message = .fetch(m)
    case .fetchOK(var m):
      try FETCH_OK.walk(&m, &wire)
      message = .fetchOK(m)
    case .fetchError(var m):
      try FETCH_ERROR.walk(&m, &wire)
      message = .fetchError(m)
    case .fetchCancel(var m):
      try FETCH_CANCEL.walk(&m, &wire)
      message = .fetchCancel(m)
    case .fetchUpdate(var m):
      try FETCH_UPDATE.walk(&m, &wire)
      message = .fetchUpdate(m)
    case .trackStatus(var m):
      try TRACK_STATUS.walk(&m, &wire)
      message = .trackStatus(m)
    case .trackStatusOK(var m):
      try TRACK_STATUS_OK.walk(&m, &wire)
      message = .trackStatusOK(m)
    case .trackStatusError(var m):
      try TRACK_STATUS_ERROR.walk(&m, &wire)
      message = .trackStatusError(m)
    case .publishNamespace(var m):
      try PUBLISH_NAMESPACE.walk(&m, &wire)
      message = .publishNamespace(m)
    case .publishNamespaceOK(var m):
      try PUBLISH_NAMESPACE_OK.walk(&m, &wire)
      message = .publishNamespaceOK(m)
    case .publishNamespaceError(var m):
      try PUBLISH_NAMESPACE_ERROR.walk(&m, &wire)
      message = .publishNamespaceError(m)
    case .publishNamespaceDone(var m):
      try PUBLISH_NAMESPACE_DONE.walk(&m, &wire)
      message = .publishNamespaceDone(m)
    case .publishNamespaceCancel(var m):
      try PUBLISH_NAMESPACE_CANCEL.walk(&m, &wire)
      message = .publishNamespaceCancel(m)
    case .subscribeNamespace(var m):
      try SUBSCRIBE_NAMESPACE.walk(&m, &wire)
      message = .subscribeNamespace(m)
    case .subscribeNamespaceOK(var m):
      try SUBSCRIBE_NAMESPACE_OK.walk(&m, &wire)
      message = .subscribeNamespaceOK(m)
    case .subscribeNamespaceError(var m):
      try SUBSCRIBE_NAMESPACE_ERROR.walk(&m, &wire)
      message = .subscribeNamespaceError(m)
    case .unsubscribeNamespace(var m):
      try UNSUBSCRIBE_NAMESPACE.walk(&m, &wire)
      message = .unsubscribeNamespace(m)
    case .announceInit(var m):
      try ANNOUNCE_INIT.walk(&m, &wire)
      message = .announceInit(m)
    case .announce(var m):
      try ANNOUNCE.walk(&m, &wire)
      message = .announce(m)
    }
  }

  /// Reads a message, with type and length as it is framed. Like `walk`, but without a blank message in between.
  @inlinable @inline(__always)
  static func read(_ kind: MessageKind, from wire: inout WireReader) throws(WireError) -> Message {
    switch kind {
    case .clientSetup: .clientSetup(try decode(ClientSetup(), as: CLIENT_SETUP.self, framing(of: kind), from: &wire))
    case .serverSetup: .serverSetup(try decode(ServerSetup(), as: SERVER_SETUP.self, framing(of: kind), from: &wire))
    case .sessionUpdate:
      .sessionUpdate(try decode(SessionUpdate(), as: SESSION_UPDATE.self, framing(of: kind), from: &wire))
    case .goAway: .goAway(try decode(GoAway(), as: GOAWAY.self, framing(of: kind), from: &wire))
    case .maxRequestID:
      .maxRequestID(try decode(MaxRequestID(), as: MAX_REQUEST_ID.self, framing(of: kind), from: &wire))
    case .requestsBlocked:
      .requestsBlocked(try decode(RequestsBlocked(), as: REQUESTS_BLOCKED.self, framing(of: kind), from: &wire))
    case .subscribe: .subscribe(try decode(Subscribe(), as: SUBSCRIBE.self, framing(of: kind), from: &wire))
    case .subscribeOK: .subscribeOK(try decode(SubscribeOK(), as: SUBSCRIBE_OK.self, framing(of: kind), from: &wire))
    case .subscribeError:
      .subscribeError(try decode(RequestError(), as: SUBSCRIBE_ERROR.self, framing(of: kind), from: &wire))
    case .subscribeGap:
      .subscribeGap(try decode(SubscribeGap(), as: SUBSCRIBE_GAP.self, framing(of: kind), from: &wire))
    case .subscribeUpdate:
      .subscribeUpdate(try decode(SubscribeUpdate(), as: SUBSCRIBE_UPDATE.self, framing(of: kind), from: &wire))
    case .unsubscribe:
      .unsubscribe(try decode(RequestReference(), as: UNSUBSCRIBE.self, framing(of: kind), from: &wire))
    case .subscribeDone:
      .subscribeDone(try decode(SubscribeDone(), as: PUBLISH_DONE.self, framing(of: kind), from: &wire))
    case .publish: .publish(try decode(Publish(), as: PUBLISH.self, framing(of: kind), from: &wire))
    case .publishOK: .publishOK(try decode(PublishOK(), as: PUBLISH_OK.self, framing(of: kind), from: &wire))
    case .publishError:
      .publishError(try decode(RequestError(), as: PUBLISH_ERROR.self, framing(of: kind), from: &wire))
    case .fetch: .fetch(try decode(Fetch(), as: FETCH.self, framing(of: kind), from: &wire))
    case .fetchOK: .fetchOK(try decode(FetchOK(), as: FETCH_OK.self, framing(of: kind), from: &wire))
    case .fetchError: .fetchError(try decode(RequestError(), as: FETCH_ERROR.self, framing(of: kind), from: &wire))
    case .fetchCancel:
      .fetchCancel(try decode(RequestReference(), as: FETCH_CANCEL.self, framing(of: kind), from: &wire))
    case .fetchUpdate: .fetchUpdate(try decode(FetchUpdate(), as: FETCH_UPDATE.self, framing(of: kind), from: &wire))
    case .trackStatus:
      .trackStatus(try decode(TrackStatusRequest(), as: TRACK_STATUS.self, framing(of: kind), from: &wire))
    case .trackStatusOK:
      .trackStatusOK(try decode(TrackStatusOK(), as: TRACK_STATUS_OK.self, framing(of: kind), from: &wire))
    case .trackStatusError:
      .trackStatusError(try decode(RequestError(), as: TRACK_STATUS_ERROR.self, framing(of: kind), from: &wire))
    case .publishNamespace:
      .publishNamespace(try decode(PublishNamespace(), as: PUBLISH_NAMESPACE.self, framing(of: kind), from: &wire))
    case .publishNamespaceOK:
      .publishNamespaceOK(try decode(RequestReference(), as: PUBLISH_NAMESPACE_OK.self, framing(of: kind), from: &wire))
    case .publishNamespaceError:
      .publishNamespaceError(
        try decode(RequestError(), as: PUBLISH_NAMESPACE_ERROR.self, framing(of: kind), from: &wire))
    case .publishNamespaceDone:
      .publishNamespaceDone(
        try decode(RequestReference(), as: PUBLISH_NAMESPACE_DONE.self, framing(of: kind), from: &wire))
    case .publishNamespaceCancel:
      .publishNamespaceCancel(
        try decode(RequestError(), as: PUBLISH_NAMESPACE_CANCEL.self, framing(of: kind), from: &wire))
    case .subscribeNamespace:
      .subscribeNamespace(
        try decode(SubscribeNamespace(), as: SUBSCRIBE_NAMESPACE.self, framing(of: kind), from: &wire))
    case .subscribeNamespaceOK:
      .subscribeNamespaceOK(
        try decode(RequestReference(), as: SUBSCRIBE_NAMESPACE_OK.self, framing(of: kind), from: &wire))
    case .subscribeNamespaceError:
      .subscribeNamespaceError(
        try decode(RequestError(), as: SUBSCRIBE_NAMESPACE_ERROR.self, framing(of: kind), from: &wire))
    case .unsubscribeNamespace:
      .unsubscribeNamespace(
        try decode(RequestReference(), as: UNSUBSCRIBE_NAMESPACE.self, framing(of: kind), from: &wire))
    case .announceInit:
      .announceInit(try decode(AnnounceInit(), as: ANNOUNCE_INIT.self, framing(of: kind), from: &wire))
    case .announce: .announce(try decode(Announce(), as: ANNOUNCE.self, framing(of: kind), from: &wire))
    }
  }
  /// Writes a message, with type and length as it is framed. Like `walk`, but without a copy of the message.
  @inlinable @inline(__always)
  static func write(_ message: Message, to wire: inout WireWriter) throws(WireError) {
    switch message {
    case .clientSetup(let m): try encode(m, as: CLIENT_SETUP.self, framing(of: .clientSetup), into: &wire)
    case .serverSetup(let m): try encode(m, as: SERVER_SETUP.self, framing(of: .serverSetup), into: &wire)
    case .sessionUpdate(let m): try encode(m, as: SESSION_UPDATE.self, framing(of: .sessionUpdate), into: &wire)
    case .goAway(let m): try encode(m, as: GOAWAY.self, framing(of: .goAway), into: &wire)
    case .maxRequestID(let m): try encode(m, as: MAX_REQUEST_ID.self, framing(of: .maxRequestID), into: &wire)
    case .requestsBlocked(let m): try encode(m, as: REQUESTS_BLOCKED.self, framing(of: .requestsBlocked), into: &wire)
    case .subscribe(let m): try encode(m, as: SUBSCRIBE.self, framing(of: .subscribe), into: &wire)
    case .subscribeOK(let m): try encode(m, as: SUBSCRIBE_OK.self, framing(of: .subscribeOK), into: &wire)
    case .subscribeError(let m): try encode(m, as: SUBSCRIBE_ERROR.self, framing(of: .subscribeError), into: &wire)
    case .subscribeGap(let m): try encode(m, as: SUBSCRIBE_GAP.self, framing(of: .subscribeGap), into: &wire)
    case .subscribeUpdate(let m): try encode(m, as: SUBSCRIBE_UPDATE.self, framing(of: .subscribeUpdate), into: &wire)
    case .unsubscribe(let m): try encode(m, as: UNSUBSCRIBE.self, framing(of: .unsubscribe), into: &wire)
    case .subscribeDone(let m): try encode(m, as: PUBLISH_DONE.self, framing(of: .subscribeDone), into: &wire)
    case .publish(let m): try encode(m, as: PUBLISH.self, framing(of: .publish), into: &wire)
    case .publishOK(let m): try encode(m, as: PUBLISH_OK.self, framing(of: .publishOK), into: &wire)
    case .publishError(let m): try encode(m, as: PUBLISH_ERROR.self, framing(of: .publishError), into: &wire)
    case .fetch(let m): try encode(m, as: FETCH.self, framing(of: .fetch), into: &wire)
    case .fetchOK(let m): try encode(m, as: FETCH_OK.self, framing(of: .fetchOK), into: &wire)
    case .fetchError(let m): try encode(m, as: FETCH_ERROR.self, framing(of: .fetchError), into: &wire)
    case .fetchCancel(let m): try encode(m, as: FETCH_CANCEL.self, framing(of: .fetchCancel), into: &wire)
    case .fetchUpdate(let m): try encode(m, as: FETCH_UPDATE.self, framing(of: .fetchUpdate), into: &wire)
    case .trackStatus(let m): try encode(m, as: TRACK_STATUS.self, framing(of: .trackStatus), into: &wire)
    case .trackStatusOK(let m): try encode(m, as: TRACK_STATUS_OK.self, framing(of: .trackStatusOK), into: &wire)
    case .trackStatusError(let m):
      try encode(m, as: TRACK_STATUS_ERROR.self, framing(of: .trackStatusError), into: &wire)
    case .publishNamespace(let m):
      try encode(m, as: PUBLISH_NAMESPACE.self, framing(of: .publishNamespace), into: &wire)
    case .publishNamespaceOK(let m):
      try encode(m, as: PUBLISH_NAMESPACE_OK.self, framing(of: .publishNamespaceOK), into: &wire)
    case .publishNamespaceError(let m):
      try encode(m, as: PUBLISH_NAMESPACE_ERROR.self, framing(of: .publishNamespaceError), into: &wire)
    case .publishNamespaceDone(let m):
      try encode(m, as: PUBLISH_NAMESPACE_DONE.self, framing(of: .publishNamespaceDone), into: &wire)
    case .publishNamespaceCancel(let m):
      try encode(m, as: PUBLISH_NAMESPACE_CANCEL.self, framing(of: .publishNamespaceCancel), into: &wire)
    case .subscribeNamespace(let m):
      try encode(m, as: SUBSCRIBE_NAMESPACE.self, framing(of: .subscribeNamespace), into: &wire)
    case .subscribeNamespaceOK(let m):
      try encode(m, as: SUBSCRIBE_NAMESPACE_OK.self, framing(of: .subscribeNamespaceOK), into: &wire)
    case .subscribeNamespaceError(let m):
      try encode(m, as: SUBSCRIBE_NAMESPACE_ERROR.self, framing(of: .subscribeNamespaceError), into: &wire)
    case .unsubscribeNamespace(let m):
      try encode(m, as: UNSUBSCRIBE_NAMESPACE.self, framing(of: .unsubscribeNamespace), into: &wire)
    case .announceInit(let m): try encode(m, as: ANNOUNCE_INIT.self, framing(of: .announceInit), into: &wire)
    case .announce(let m): try encode(m, as: ANNOUNCE.self, framing(of: .announce), into: &wire)
    }
  }

  /// How the dialect spells a message.
  @inlinable public static func layout(of kind: MessageKind) -> any Layout.Type {
    switch kind {
    case .clientSetup: CLIENT_SETUP.self
    case .serverSetup: SERVER_SETUP.self
    case .sessionUpdate: SESSION_UPDATE.self
    case .goAway: GOAWAY.self
    case .maxRequestID: MAX_REQUEST_ID.self
    case .requestsBlocked: REQUESTS_BLOCKED.self
    case .subscribe: SUBSCRIBE.self
    case .subscribeOK: SUBSCRIBE_OK.self
    case .subscribeError: SUBSCRIBE_ERROR.self
    case .subscribeGap: SUBSCRIBE_GAP.self
    case .subscribeUpdate: SUBSCRIBE_UPDATE.self
    case .unsubscribe: UNSUBSCRIBE.self
    case .subscribeDone: PUBLISH_DONE.self
    case .publish: PUBLISH.self
    case .publishOK: PUBLISH_OK.self
    case .publishError: PUBLISH_ERROR.self
    case .fetch: FETCH.self
    case .fetchOK: FETCH_OK.self
    case .fetchError: FETCH_ERROR.self
    case .fetchCancel: FETCH_CANCEL.self
    case .fetchUpdate: FETCH_UPDATE.self
    case .trackStatus: TRACK_STATUS.self
    case .trackStatusOK: TRACK_STATUS_OK.self
    case .trackStatusError: TRACK_STATUS_ERROR.self
    case .publishNamespace: PUBLISH_NAMESPACE.self
    case .publishNamespaceOK: PUBLISH_NAMESPACE_OK.self
    case .publishNamespaceError: PUBLISH_NAMESPACE_ERROR.self
    case .publishNamespaceDone: PUBLISH_NAMESPACE_DONE.self
    case .publishNamespaceCancel: PUBLISH_NAMESPACE_CANCEL.self
    case .subscribeNamespace: SUBSCRIBE_NAMESPACE.self
    case .subscribeNamespaceOK: SUBSCRIBE_NAMESPACE_OK.self
    case .subscribeNamespaceError: SUBSCRIBE_NAMESPACE_ERROR.self
    case .unsubscribeNamespace: UNSUBSCRIBE_NAMESPACE.self
    case .announceInit: ANNOUNCE_INIT.self
    case .announce: ANNOUNCE.self
    }
  }
}

extension Message {
  /// A message with nothing said in it.
  @inlinable public init(blank kind: MessageKind) {
    self =
      switch kind {
      case .clientSetup: .clientSetup(ClientSetup())
      case .serverSetup: .serverSetup(ServerSetup())
      case .sessionUpdate: .sessionUpdate(SessionUpdate())
      case .goAway: .goAway(GoAway())
      case .maxRequestID: .maxRequestID(MaxRequestID())
      case .requestsBlocked: .requestsBlocked(RequestsBlocked())
      case .subscribe: .subscribe(Subscribe())
      case .subscribeOK: .subscribeOK(SubscribeOK())
      case .subscribeError: .subscribeError(RequestError())
      case .subscribeGap: .subscribeGap(SubscribeGap())
      case .subscribeUpdate: .subscribeUpdate(SubscribeUpdate())
      case .unsubscribe: .unsubscribe(RequestReference())
      case .subscribeDone: .subscribeDone(SubscribeDone())
      case .publish: .publish(Publish())
      case .publishOK: .publishOK(PublishOK())
      case .publishError: .publishError(RequestError())
      case .fetch: .fetch(Fetch())
      case .fetchOK: .fetchOK(FetchOK())
      case .fetchError: .fetchError(RequestError())
      case .fetchCancel: .fetchCancel(RequestReference())
      case .fetchUpdate: .fetchUpdate(FetchUpdate())
      case .trackStatus: .trackStatus(TrackStatusRequest())
      case .trackStatusOK: .trackStatusOK(TrackStatusOK())
      case .trackStatusError: .trackStatusError(RequestError())
      case .publishNamespace: .publishNamespace(PublishNamespace())
      case .publishNamespaceOK: .publishNamespaceOK(RequestReference())
      case .publishNamespaceError: .publishNamespaceError(RequestError())
      case .publishNamespaceDone: .publishNamespaceDone(RequestReference())
      case .publishNamespaceCancel: .publishNamespaceCancel(RequestError())
      case .subscribeNamespace: .subscribeNamespace(SubscribeNamespace())
      case .subscribeNamespaceOK: .subscribeNamespaceOK(RequestReference())
      case .subscribeNamespaceError: .subscribeNamespaceError(RequestError())
      case .unsubscribeNamespace: .unsubscribeNamespace(RequestReference())
      case .announceInit: .announceInit(AnnounceInit())
      case .announce: .announce(Announce())
      }
  }

  @inlinable public var kind: MessageKind {
    switch self {
    case .clientSetup: .clientSetup
    case .serverSetup: .serverSetup
    case .sessionUpdate: .sessionUpdate
    case .goAway: .goAway
    case .maxRequestID: .maxRequestID
    case .requestsBlocked: .requestsBlocked
    case .subscribe: .subscribe
    case .subscribeOK: .subscribeOK
    case .subscribeError: .subscribeError
    case .subscribeGap: .subscribeGap
    case .subscribeUpdate: .subscribeUpdate
    case .unsubscribe: .unsubscribe
    case .subscribeDone: .subscribeDone
    case .publish: .publish
    case .publishOK: .publishOK
    case .publishError: .publishError
    case .fetch: .fetch
    case .fetchOK: .fetchOK
    case .fetchError: .fetchError
    case .fetchCancel: .fetchCancel
    case .fetchUpdate: .fetchUpdate
    case .trackStatus: .trackStatus
    case .trackStatusOK: .trackStatusOK
    case .trackStatusError: .trackStatusError
    case .publishNamespace: .publishNamespace
    case .publishNamespaceOK: .publishNamespaceOK
    case .publishNamespaceError: .publishNamespaceError
    case .publishNamespaceDone: .publishNamespaceDone
    case .publishNamespaceCancel: .publishNamespaceCancel
    case .subscribeNamespace: .subscribeNamespace
    case .subscribeNamespaceOK: .subscribeNamespaceOK
    case .subscribeNamespaceError: .subscribeNamespaceError
    case .unsubscribeNamespace: .unsubscribeNamespace
    case .announceInit: .announceInit
    case .announce: .announce
    }
  }
}

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

  /// Reads a message's fields. Like `walk`, but without a blank message in between.
  @inlinable public static func read(_ kind: MessageKind, from wire: inout WireReader) throws(WireError) -> Message {
    switch kind {
    case .clientSetup:
      var m = ClientSetup()
      try CLIENT_SETUP.read(&m, from: &wire)
      return .clientSetup(m)
    case .serverSetup:
      var m = ServerSetup()
      try SERVER_SETUP.read(&m, from: &wire)
      return .serverSetup(m)
    case .sessionUpdate:
      var m = SessionUpdate()
      try SESSION_UPDATE.read(&m, from: &wire)
      return .sessionUpdate(m)
    case .goAway:
      var m = GoAway()
      try GOAWAY.read(&m, from: &wire)
      return .goAway(m)
    case .maxRequestID:
      var m = MaxRequestID()
      try MAX_REQUEST_ID.read(&m, from: &wire)
      return .maxRequestID(m)
    case .requestsBlocked:
      var m = RequestsBlocked()
      try REQUESTS_BLOCKED.read(&m, from: &wire)
      return .requestsBlocked(m)
    case .subscribe:
      var m = Subscribe()
      try SUBSCRIBE.read(&m, from: &wire)
      return .subscribe(m)
    case .subscribeOK:
      var m = SubscribeOK()
      try SUBSCRIBE_OK.read(&m, from: &wire)
      return .subscribeOK(m)
    case .subscribeError:
      var m = RequestError()
      try SUBSCRIBE_ERROR.read(&m, from: &wire)
      return .subscribeError(m)
    case .subscribeGap:
      var m = SubscribeGap()
      try SUBSCRIBE_GAP.read(&m, from: &wire)
      return .subscribeGap(m)
    case .subscribeUpdate:
      var m = SubscribeUpdate()
      try SUBSCRIBE_UPDATE.read(&m, from: &wire)
      return .subscribeUpdate(m)
    case .unsubscribe:
      var m = RequestReference()
      try UNSUBSCRIBE.read(&m, from: &wire)
      return .unsubscribe(m)
    case .subscribeDone:
      var m = SubscribeDone()
      try PUBLISH_DONE.read(&m, from: &wire)
      return .subscribeDone(m)
    case .publish:
      var m = Publish()
      try PUBLISH.read(&m, from: &wire)
      return .publish(m)
    case .publishOK:
      var m = PublishOK()
      try PUBLISH_OK.read(&m, from: &wire)
      return .publishOK(m)
    case .publishError:
      var m = RequestError()
      try PUBLISH_ERROR.read(&m, from: &wire)
      return .publishError(m)
    case .fetch:
      var m = Fetch()
      try FETCH.read(&m, from: &wire)
      return .fetch(m)
    case .fetchOK:
      var m = FetchOK()
      try FETCH_OK.read(&m, from: &wire)
      return .fetchOK(m)
    case .fetchError:
      var m = RequestError()
      try FETCH_ERROR.read(&m, from: &wire)
      return .fetchError(m)
    case .fetchCancel:
      var m = RequestReference()
      try FETCH_CANCEL.read(&m, from: &wire)
      return .fetchCancel(m)
    case .fetchUpdate:
      var m = FetchUpdate()
      try FETCH_UPDATE.read(&m, from: &wire)
      return .fetchUpdate(m)
    case .trackStatus:
      var m = TrackStatusRequest()
      try TRACK_STATUS.read(&m, from: &wire)
      return .trackStatus(m)
    case .trackStatusOK:
      var m = TrackStatusOK()
      try TRACK_STATUS_OK.read(&m, from: &wire)
      return .trackStatusOK(m)
    case .trackStatusError:
      var m = RequestError()
      try TRACK_STATUS_ERROR.read(&m, from: &wire)
      return .trackStatusError(m)
    case .publishNamespace:
      var m = PublishNamespace()
      try PUBLISH_NAMESPACE.read(&m, from: &wire)
      return .publishNamespace(m)
    case .publishNamespaceOK:
      var m = RequestReference()
      try PUBLISH_NAMESPACE_OK.read(&m, from: &wire)
      return .publishNamespaceOK(m)
    case .publishNamespaceError:
      var m = RequestError()
      try PUBLISH_NAMESPACE_ERROR.read(&m, from: &wire)
      return .publishNamespaceError(m)
    case .publishNamespaceDone:
      var m = RequestReference()
      try PUBLISH_NAMESPACE_DONE.read(&m, from: &wire)
      return .publishNamespaceDone(m)
    case .publishNamespaceCancel:
      var m = RequestError()
      try PUBLISH_NAMESPACE_CANCEL.read(&m, from: &wire)
      return .publishNamespaceCancel(m)
    case .subscribeNamespace:
      var m = SubscribeNamespace()
      try SUBSCRIBE_NAMESPACE.read(&m, from: &wire)
      return .subscribeNamespace(m)
    case .subscribeNamespaceOK:
      var m = RequestReference()
      try SUBSCRIBE_NAMESPACE_OK.read(&m, from: &wire)
      return .subscribeNamespaceOK(m)
    case .subscribeNamespaceError:
      var m = RequestError()
      try SUBSCRIBE_NAMESPACE_ERROR.read(&m, from: &wire)
      return .subscribeNamespaceError(m)
    case .unsubscribeNamespace:
      var m = RequestReference()
      try UNSUBSCRIBE_NAMESPACE.read(&m, from: &wire)
      return .unsubscribeNamespace(m)
    case .announceInit:
      var m = AnnounceInit()
      try ANNOUNCE_INIT.read(&m, from: &wire)
      return .announceInit(m)
    case .announce:
      var m = Announce()
      try ANNOUNCE.read(&m, from: &wire)
      return .announce(m)
    }
  }
  /// Writes a message's fields. Like `walk`, but without a copy of the message.
  @inlinable public static func write(_ message: Message, to wire: inout WireWriter) throws(WireError) {
    switch message {
    case .clientSetup(let m): try CLIENT_SETUP.write(m, to: &wire)
    case .serverSetup(let m): try SERVER_SETUP.write(m, to: &wire)
    case .sessionUpdate(let m): try SESSION_UPDATE.write(m, to: &wire)
    case .goAway(let m): try GOAWAY.write(m, to: &wire)
    case .maxRequestID(let m): try MAX_REQUEST_ID.write(m, to: &wire)
    case .requestsBlocked(let m): try REQUESTS_BLOCKED.write(m, to: &wire)
    case .subscribe(let m): try SUBSCRIBE.write(m, to: &wire)
    case .subscribeOK(let m): try SUBSCRIBE_OK.write(m, to: &wire)
    case .subscribeError(let m): try SUBSCRIBE_ERROR.write(m, to: &wire)
    case .subscribeGap(let m): try SUBSCRIBE_GAP.write(m, to: &wire)
    case .subscribeUpdate(let m): try SUBSCRIBE_UPDATE.write(m, to: &wire)
    case .unsubscribe(let m): try UNSUBSCRIBE.write(m, to: &wire)
    case .subscribeDone(let m): try PUBLISH_DONE.write(m, to: &wire)
    case .publish(let m): try PUBLISH.write(m, to: &wire)
    case .publishOK(let m): try PUBLISH_OK.write(m, to: &wire)
    case .publishError(let m): try PUBLISH_ERROR.write(m, to: &wire)
    case .fetch(let m): try FETCH.write(m, to: &wire)
    case .fetchOK(let m): try FETCH_OK.write(m, to: &wire)
    case .fetchError(let m): try FETCH_ERROR.write(m, to: &wire)
    case .fetchCancel(let m): try FETCH_CANCEL.write(m, to: &wire)
    case .fetchUpdate(let m): try FETCH_UPDATE.write(m, to: &wire)
    case .trackStatus(let m): try TRACK_STATUS.write(m, to: &wire)
    case .trackStatusOK(let m): try TRACK_STATUS_OK.write(m, to: &wire)
    case .trackStatusError(let m): try TRACK_STATUS_ERROR.write(m, to: &wire)
    case .publishNamespace(let m): try PUBLISH_NAMESPACE.write(m, to: &wire)
    case .publishNamespaceOK(let m): try PUBLISH_NAMESPACE_OK.write(m, to: &wire)
    case .publishNamespaceError(let m): try PUBLISH_NAMESPACE_ERROR.write(m, to: &wire)
    case .publishNamespaceDone(let m): try PUBLISH_NAMESPACE_DONE.write(m, to: &wire)
    case .publishNamespaceCancel(let m): try PUBLISH_NAMESPACE_CANCEL.write(m, to: &wire)
    case .subscribeNamespace(let m): try SUBSCRIBE_NAMESPACE.write(m, to: &wire)
    case .subscribeNamespaceOK(let m): try SUBSCRIBE_NAMESPACE_OK.write(m, to: &wire)
    case .subscribeNamespaceError(let m): try SUBSCRIBE_NAMESPACE_ERROR.write(m, to: &wire)
    case .unsubscribeNamespace(let m): try UNSUBSCRIBE_NAMESPACE.write(m, to: &wire)
    case .announceInit(let m): try ANNOUNCE_INIT.write(m, to: &wire)
    case .announce(let m): try ANNOUNCE.write(m, to: &wire)
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

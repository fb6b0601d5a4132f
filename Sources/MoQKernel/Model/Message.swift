/// Any control message, by its meaning.
public enum Message: Equatable, Sendable {
  case clientSetup(ClientSetup), serverSetup(ServerSetup), sessionUpdate(SessionUpdate)
  case goAway(GoAway), maxRequestID(MaxRequestID), requestsBlocked(RequestsBlocked)
  case subscribe(Subscribe), subscribeOK(SubscribeOK), subscribeError(RequestError), subscribeGap(SubscribeGap)
  case subscribeUpdate(SubscribeUpdate), unsubscribe(RequestReference), subscribeDone(SubscribeDone)
  case publish(Publish), publishOK(PublishOK), publishError(RequestError)
  case fetch(Fetch), fetchOK(FetchOK), fetchError(RequestError), fetchCancel(RequestReference)
  case fetchUpdate(FetchUpdate)
  case trackStatus(TrackStatusRequest), trackStatusOK(TrackStatusOK), trackStatusError(RequestError)
  case publishNamespace(PublishNamespace), publishNamespaceOK(RequestReference), publishNamespaceError(RequestError)
  case publishNamespaceDone(RequestReference), publishNamespaceCancel(RequestError)
  case subscribeNamespace(SubscribeNamespace), subscribeNamespaceOK(RequestReference)
  case subscribeNamespaceError(RequestError), unsubscribeNamespace(RequestReference)
  case announceInit(AnnounceInit), announce(Announce)
}

/// Which message, without its fields.
public enum MessageKind: String, CaseIterable, Hashable, Sendable {
  case clientSetup, serverSetup, sessionUpdate
  case goAway, maxRequestID, requestsBlocked
  case subscribe, subscribeOK, subscribeError, subscribeGap
  case subscribeUpdate, unsubscribe, subscribeDone
  case publish, publishOK, publishError
  case fetch, fetchOK, fetchError, fetchCancel, fetchUpdate
  case trackStatus, trackStatusOK, trackStatusError
  case publishNamespace, publishNamespaceOK, publishNamespaceError
  case publishNamespaceDone, publishNamespaceCancel
  case subscribeNamespace, subscribeNamespaceOK
  case subscribeNamespaceError, unsubscribeNamespace
  case announceInit, announce
}

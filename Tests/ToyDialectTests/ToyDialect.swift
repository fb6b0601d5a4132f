import MoQKernel

/// A dialect that no module of the package knows: a few messages on one stream, objects with absolute ids.
enum Toy: Dialect {
  static var name: String { "toy-1" }
  static var version: UInt64 { 0x746f_7931 }
  static var framing: Framing { .typed(.varint) }
  static var objects: ObjectForms {
    ObjectForms(
      statuses: StatusForm(valid: 0b1001),
      subgroup: SubgroupForm(base: 0x30, flags: [.subgroupID], ids: .absolute, section: "toy 3"))
  }

  enum CLIENT_SETUP: Layout {
    static var type: UInt64? { 0x74 }
    static var section: StaticString { "toy 1" }
    static func walk(_ m: inout ClientSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.numbers("Count", "Version", &m.versions)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  enum SERVER_SETUP: Layout {
    static var type: UInt64? { 0x75 }
    static var section: StaticString { "toy 1" }
    static func walk(_ m: inout ServerSetup, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Version", &m.version)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  enum SUBSCRIBE: Layout {
    static var type: UInt64? { 0x1 }
    static var section: StaticString { "toy 2" }
    static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Number", &m.id)
      try wire.tuple("Place", &m.namespace, NamespaceForm())
      try wire.bytes("Name", &m.name)
      try wire.byte("Priority", &m.priority)
      try wire.implied("Alias", &m.trackAlias, 0)
      try wire.implied("Order", &m.groupOrder, .publisher)
      try wire.implied("Forward", &m.forward, true)
      try wire.implied("Filter", &m.filter, .nextObject)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  enum SUBSCRIBE_OK: Layout {
    static var type: UInt64? { 0x2 }
    static var section: StaticString { "toy 2" }
    static func walk(_ m: inout SubscribeOK, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Number", &m.id)
      try wire.varint("Alias", &m.trackAlias)
      try wire.byte("Priority", &m.priority)
      try wire.implied("Expires", &m.expiresMilliseconds, 0)
      try wire.implied("Order", &m.groupOrder, .ascending)
      try wire.implied("Largest", &m.largest, nil)
      try wire.implied("Parameters", &m.parameters, [])
    }
  }
  enum SUBSCRIBE_ERROR: Layout {
    static var type: UInt64? { 0x3 }
    static var section: StaticString { "toy 2" }
    static func walk(_ m: inout RequestError, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Number", &m.id)
      try wire.varint("Why", &m.code)
      try wire.reason("Phrase", &m.reason)
    }
  }
  enum UNSUBSCRIBE: Layout {
    static var type: UInt64? { 0x4 }
    static var section: StaticString { "toy 2" }
    static func walk(_ m: inout RequestReference, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Number", &m.id)
    }
  }
  enum PUBLISH_DONE: Layout {
    static var type: UInt64? { 0x5 }
    static var section: StaticString { "toy 2" }
    static func walk(_ m: inout SubscribeDone, _ wire: inout some Wire) throws(WireError) {
      try wire.varint("Number", &m.id)
      try wire.varint("Why", &m.code)
      try wire.varint("Streams", &m.streamCount)
      try wire.reason("Phrase", &m.reason)
    }
  }

  typealias SESSION_UPDATE = Unspoken<SessionUpdate>
  typealias GOAWAY = Unspoken<GoAway>
  typealias MAX_REQUEST_ID = Unspoken<MaxRequestID>
  typealias REQUESTS_BLOCKED = Unspoken<RequestsBlocked>
  typealias SUBSCRIBE_UPDATE = Unspoken<SubscribeUpdate>
  typealias PUBLISH = Unspoken<Publish>
  typealias PUBLISH_OK = Unspoken<PublishOK>
  typealias PUBLISH_ERROR = Unspoken<RequestError>
  typealias FETCH = Unspoken<Fetch>
  typealias FETCH_OK = Unspoken<FetchOK>
  typealias FETCH_ERROR = Unspoken<RequestError>
  typealias FETCH_CANCEL = Unspoken<RequestReference>
  typealias FETCH_UPDATE = Unspoken<FetchUpdate>
  typealias SUBSCRIBE_GAP = Unspoken<SubscribeGap>
  typealias TRACK_STATUS = Unspoken<TrackStatusRequest>
  typealias TRACK_STATUS_OK = Unspoken<TrackStatusOK>
  typealias TRACK_STATUS_ERROR = Unspoken<RequestError>
  typealias PUBLISH_NAMESPACE = Unspoken<PublishNamespace>
  typealias PUBLISH_NAMESPACE_OK = Unspoken<RequestReference>
  typealias PUBLISH_NAMESPACE_ERROR = Unspoken<RequestError>
  typealias PUBLISH_NAMESPACE_DONE = Unspoken<RequestReference>
  typealias PUBLISH_NAMESPACE_CANCEL = Unspoken<RequestError>
  typealias SUBSCRIBE_NAMESPACE = Unspoken<SubscribeNamespace>
  typealias SUBSCRIBE_NAMESPACE_OK = Unspoken<RequestReference>
  typealias SUBSCRIBE_NAMESPACE_ERROR = Unspoken<RequestError>
  typealias UNSUBSCRIBE_NAMESPACE = Unspoken<RequestReference>
  typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>
  typealias ANNOUNCE = Unspoken<Announce>

  static var rules: Rules {
    let reasons = CodeTable<Reason>(
      fallback: 99, [(.doesNotExist, 1), (.trackEnded, 2), (.cancelled, 3), (.timeout, 4)])
    return Rules(
      identification: Rules.Identification(
        alpns: ["toy"], subprotocols: ["toy"],
        handshakes: [
          Rules.Handshake(
            first: 0x74, versions: [version], clientParameters: [], serverParameters: [], profile: nil, layouts: nil)
        ]),
      control: .oneStream, numbering: .parity, numbered: [.subscribe], credit: .streams, alias: .publisher,
      refusal: .message, announcing: .requests, namespaceReference: .byRequestID, emptyPrefix: .missing,
      filters: [.nextObject], wishes: [], answering: .full, gaps: .missing, gapExtensions: nil, naming: .pair,
      fetching: .missing,
      updating: .missing, afterUnsubscribe: .nothing, expiry: .objects, pastStart: .skipped, repeats: .allowed,
      rangeEnd: .publisher, pushing: .missing,
      trackStatus: .missing, goAway: .missing, bitrateUpdates: .missing, tokenAliases: .missing,
      datagrams: .missing,
      subgroups: .exists, objects: .objects, malformedTrack: .closesSession, publishers: .one,
      unknownStream: .closesSession, profiles: [],
      codes: Codes(
        subscribe: reasons, done: reasons, fetch: reasons, publish: reasons, trackStatus: reasons,
        publishNamespace: reasons, subscribeNamespace: reasons,
        session: CodeTable(fallback: 1, [(.noError, 0), (.protocolViolation, 2), (.versionNegotiationFailed, 3)]),
        stream: CodeTable(fallback: 0, [(.cancelled, 1)])))
  }
}

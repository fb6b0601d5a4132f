/// How one dialect behaves, where dialects differ: one value a dialect, small enums, no defaults.
///
/// The session asks these questions and no others; nothing outside `Drafts/` compares versions. A new
/// question is a new member here, and no dialect compiles until it answers.
public struct Rules: Sendable {
  public var identification: Identification
  public var control: ControlPlane
  public var numbering: Numbering
  /// Which messages take a number of that kind.
  public var numbered: Set<MessageKind>
  public var credit: Credit
  public var alias: AliasChooser
  public var refusal: Refusal
  public var announcing: Announcing
  /// How the end of an announcement or of an interest names it.
  public var namespaceReference: NamespaceReference
  public var emptyPrefix: Availability
  public var filters: Set<FilterKind>
  /// What a SUBSCRIBE can ask for beside a range and a priority.
  public var wishes: Set<Wish>
  /// What the answer to a SUBSCRIBE says of the track.
  public var answering: Answering
  /// Whether a publisher tells which groups will not come.
  public var gaps: Availability
  /// The extension headers by which an object says what there is not before it; nil: none are defined.
  public var gapExtensions: GapExtensions?
  public var naming: Naming
  public var fetching: Fetching
  public var updating: Updating
  /// What an UNSUBSCRIBE is answered with.
  public var afterUnsubscribe: AfterUnsubscribe
  /// What a delivery timeout is counted from.
  public var expiry: Expiry
  /// What a SUBSCRIBE is that starts before the current group.
  public var pastStart: PastStart
  /// Whether a session may have several subscriptions of one track at a time.
  public var repeats: Repeats
  /// Who ends a subscription whose range has come whole.
  public var rangeEnd: RangeEnd
  public var pushing: Availability
  public var trackStatus: Availability
  public var goAway: GoAwayRule
  public var bitrateUpdates: Availability
  public var tokenAliases: TokenAliases
  public var datagrams: Availability
  public var subgroups: Availability
  public var objects: ObjectRule
  public var malformedTrack: MalformedTrack
  public var publishers: Publishers
  public var unknownStream: UnknownStream
  public var profiles: [Profile]
  public var codes: Codes

  public init(
    identification: Identification, control: ControlPlane, numbering: Numbering, numbered: Set<MessageKind>,
    credit: Credit, alias: AliasChooser, refusal: Refusal, announcing: Announcing,
    namespaceReference: NamespaceReference, emptyPrefix: Availability, filters: Set<FilterKind>, wishes: Set<Wish>,
    answering: Answering, gaps: Availability, gapExtensions: GapExtensions?, naming: Naming, fetching: Fetching,
    updating: Updating, afterUnsubscribe: AfterUnsubscribe, expiry: Expiry, pastStart: PastStart, repeats: Repeats,
    rangeEnd: RangeEnd, pushing: Availability, trackStatus: Availability,
    goAway: GoAwayRule, bitrateUpdates: Availability, tokenAliases: TokenAliases, datagrams: Availability,
    subgroups: Availability, objects: ObjectRule, malformedTrack: MalformedTrack, publishers: Publishers,
    unknownStream: UnknownStream, profiles: [Profile],
    codes: Codes
  ) {
    (self.identification, self.control, self.numbering, self.numbered) = (identification, control, numbering, numbered)
    (self.credit, self.alias, self.refusal, self.announcing) = (credit, alias, refusal, announcing)
    (self.namespaceReference, self.emptyPrefix, self.filters) = (namespaceReference, emptyPrefix, filters)
    (self.wishes, self.answering, self.naming) = (wishes, answering, naming)
    (self.gaps, self.gapExtensions) = (gaps, gapExtensions)
    self.rangeEnd = rangeEnd
    self.repeats = repeats
    self.pastStart = pastStart
    self.expiry = expiry
    (self.fetching, self.updating, self.afterUnsubscribe) = (fetching, updating, afterUnsubscribe)
    (self.pushing, self.trackStatus, self.goAway) = (pushing, trackStatus, goAway)
    (self.bitrateUpdates, self.tokenAliases) = (bitrateUpdates, tokenAliases)
    (self.datagrams, self.subgroups) = (datagrams, subgroups)
    (self.objects, self.malformedTrack, self.publishers) = (objects, malformedTrack, publishers)
    (self.unknownStream, self.profiles, self.codes) = (unknownStream, profiles, codes)
  }
}

extension Rules {
  /// The names of the profiles there are, those of handshakes too.
  public var profileNames: [String] {
    (profiles.map(\.name) + identification.handshakes.compactMap(\.profile)).reduce(into: []) { names, name in
      if !names.contains(name) { names.append(name) }
    }
  }

  /// Whether a dialect has something at all.
  public enum Availability: Sendable { case exists, missing }

  /// How the dialect is recognised and asked for.
  public struct Identification: Sendable {
    /// ALPNs on raw QUIC, best first. One may cover several dialects.
    public var alpns: [String]
    /// WebTransport subprotocols, best first.
    public var subprotocols: [String]
    /// How a session may begin; a client takes the first, unless a profile asks for another.
    public var handshakes: [Handshake]
    public init(alpns: [String], subprotocols: [String], handshakes: [Handshake]) {
      (self.alpns, self.subprotocols, self.handshakes) = (alpns, subprotocols, handshakes)
    }
  }

  /// One way a session of the dialect may begin.
  public struct Handshake: Sendable {
    /// The first varint of the client's first bidirectional stream; nil: the ALPN alone decides.
    public var first: UInt64?
    /// The version numbers that mean this dialect in this handshake, best first.
    public var versions: [UInt64]
    /// What the setup messages may say.
    public var clientParameters: Set<Parameter.Key>, serverParameters: Set<Parameter.Key>
    /// The profile that a session begun so is in; nil: the text.
    public var profile: String?
    /// Whose layouts are spoken, the setup's too, where that profile spells some messages in its own way.
    public var layouts: (any Dialect.Type)?
    /// Over which of the dialect's ALPNs a session begins so; nil: over all.
    public var alpns: [String]?
    func allows(_ alpn: String) -> Bool { alpns?.contains(alpn) ?? true }
    /// What the client's setup says in this handshake, and in no other that begins alike.
    public var sign: Parameter.Key?
    public init(
      first: UInt64?, versions: [UInt64], clientParameters: Set<Parameter.Key>, serverParameters: Set<Parameter.Key>,
      profile: String?, layouts: (any Dialect.Type)?, alpns: [String]? = nil, sign: Parameter.Key? = nil
    ) {
      (self.first, self.versions, self.profile, self.layouts) = (first, versions, profile, layouts)
      (self.alpns, self.sign) = (alpns, sign)
      (self.clientParameters, self.serverParameters) = (clientParameters, serverParameters)
    }
  }

  /// A named way in which peers differ from the text. Off, unless a handshake is in it, a peer shows it by a sign,
  /// or it is asked for.
  public struct Profile: Sendable {
    public var name: String
    public var signs: [Sign]
    /// Whose layouts are spoken after the setup, where the profile spells some messages in its own way.
    public var layouts: (any Dialect.Type)?
    public var adjust: @Sendable (Rules) -> Rules
    public init(
      name: String, signs: [Sign], layouts: (any Dialect.Type)? = nil,
      adjust: @escaping @Sendable (Rules) -> Rules = { $0 }
    ) {
      (self.name, self.signs, self.layouts, self.adjust) = (name, signs, layouts, adjust)
    }
  }
  /// How a peer shows that it is in a profile.
  public enum Sign: Equatable, Sendable {
    /// Its MOQT_IMPLEMENTATION begins so.
    case implementation(String)
    /// Its setup has exactly these parameters.
    case setup([Parameter])
    /// It sends what can only be read in the profile's layouts: a message, or the first datagram.
    case reading
    /// The first stream of objects has the id of a subscription where the text has the track's alias.
    case leadingRequestID
    /// A server whose first request has id 0, which is a client's.
    case evenServerIDs

    func isShown(by setup: [Parameter], _ implementation: String?) -> Bool {
      switch self {
      case .implementation(let prefix): implementation?.hasPrefix(prefix) ?? false
      case .setup(let wanted): setup == wanted
      case .reading, .leadingRequestID, .evenServerIDs: false
      }
    }
  }

  /// Where control messages travel.
  public enum ControlPlane: Sendable {
    /// 07–15: all on the first bidirectional stream, each with its type.
    case oneStream
    /// 16: as `oneStream`, but for the requests that the dialect's `requestStreams` have.
    case oneStreamBeside
    /// 17 and later: a control stream from each side, and a bidirectional stream for each request.
    case streamPair(type: UInt64)
    /// moq-lite, transfork: the dialect's `requestStreams`; one of them, if any, is the session.
    case streams
  }

  /// Who counts requests, and how strictly.
  public enum Numbering: Sendable {
    /// moq-lite: the requester's choice; a number never comes twice.
    case free
    /// 07–10: each is more than the one before, by any step.
    case growing
    /// 11–16: even from the client, odd from the server, each two more than the one before.
    case parity
    /// 17 and later: as `parity`, in any order.
    case parityUnordered
    /// A profile for peers that count as they like: only growth is asked of the peer.
    case lenient
  }

  /// How many requests a peer may make.
  public enum Credit: Sendable {
    /// As many as there may be streams.
    case streams
    /// Request ids below MAX_REQUEST_ID. `blocked`: whether the stuck side can say so.
    case maximumRequestID(blocked: Availability)
  }

  /// Who chooses the number that data streams name their track by.
  public enum AliasChooser: Sendable {
    /// Through draft-11.
    case subscriber
    case publisher
    /// moq-lite: the request's own number.
    case requestID
  }

  /// How a request is refused, and how a subscription ends.
  public enum Refusal: Sendable {
    /// By a message with a code.
    case message
    /// By a reset of its stream; FIN is the end without an error.
    case streamReset
  }

  /// How announcements travel.
  public enum Announcing: Sendable {
    /// Each is a request, to be answered.
    case requests
    /// They are told on the stream of the interest that covers them.
    case onInterest(Beginning)
    /// How the publisher says that it has told of everything there was when it was asked.
    public enum Beginning: Sendable {
      /// moq-lite: the first message lists it, and is the answer.
      case list
      /// transfork: a message of its own follows. Nothing answers the interest.
      case live
    }
  }

  public enum NamespaceReference: Sendable { case byNamespace, byRequestID }

  /// The filters that the dialect's SUBSCRIBE can say.
  public enum FilterKind: Sendable {
    case currentGroup, nextGroup, nextObject, absolute
    /// From the beginning of a group, or of the current one, to an end if one is wanted.
    case groups
    /// 07: a range may end within a group.
    case endObject
    /// 07–10: `nextObject` is said as "latest object", which begins with the largest object itself.
    case latestObject
  }

  /// What a SUBSCRIBE may ask for.
  public enum Wish: Sendable, CaseIterable {
    /// Which groups go first; it may be left to the publisher.
    case groupOrder
    /// The same, but it must be said: ascending, where nobody cares.
    case chosenOrder
    case deliveryTimeout, authorization
  }

  public enum Answering: Sendable {
    /// All there is: the largest object, the order, how long the subscription lasts.
    case full
    /// The latest group, the order and a delivery timeout; group 0 and none look the same.
    case latestGroup
    /// Only the publisher's priority.
    case priority
  }

  /// The types of extension headers by which an object says what there is not before it.
  public struct GapExtensions: Equatable, Sendable {
    /// Prior Group ID Gap: how many groups right before the object's there are not, and never will be.
    public var groups: UInt64
    /// Prior Object ID Gap: the same of objects of its group; nil: not defined.
    public var objects: UInt64?
    /// Immutable Extensions, whose value is extension headers too; nil: not defined.
    public var immutable: UInt64?
    /// Whether an object may say the same a second time.
    public var mayRepeat: Bool
    public init(groups: UInt64, objects: UInt64?, immutable: UInt64?, mayRepeat: Bool) {
      (self.groups, self.objects, self.immutable, self.mayRepeat) = (groups, objects, immutable, mayRepeat)
    }
  }

  /// How a track is named.
  public enum Naming: Sendable {
    /// By a namespace and a name.
    case pair
    /// By one path, whose last part is the name here. An announced path may be a track, or hold tracks.
    case path
  }

  public enum Fetching: Sendable {
    case missing
    /// transfork: an object of a group and what follows it there, on the request's own stream.
    case group
    /// 07.
    case standalone
    /// 08–10.
    case joiningRelative
    case joining
  }

  public enum Updating: Sendable {
    /// There is no message for it.
    case missing
    /// Only the priority.
    case priorityOnly
    /// No answer; the range may only become smaller.
    case narrowing
    /// The same, and what is not named stays as it is.
    case changes
    /// Answered; the range may change either way.
    case answered
  }

  public enum AfterUnsubscribe: Sendable { case nothing, done }

  public enum Expiry: Sendable {
    /// An object is late that long after it has come.
    case objects
    /// transfork's Group Expires: a group is, after it has come whole.
    case groups
  }

  /// A start that is in the past.
  public enum PastStart: Sendable {
    /// 07: Invalid Range, if it is before the current group; what there is of that group is sent.
    case refused
    /// What follows the largest object is sent.
    case skipped
    /// transfork: each group from there on is sent, or told as a gap.
    case owed
  }

  /// What a SUBSCRIBE of a track is that the session is subscribed to already.
  public enum Repeats: Sendable { case allowed, violation }

  public enum RangeEnd: Sendable {
    /// With the message that ends any subscription.
    case publisher
    /// With FIN: nobody else knows that everything has come.
    case subscriber
  }

  public enum GoAwayRule: Sendable {
    case missing
    case serverOnly
    /// Both may; only a server may name another place.
    case both
  }

  /// Numbers that stand for authorization tokens.
  public enum TokenAliases: Sendable {
    /// 07–10, moq-lite: a token is its value, or there is none.
    case missing
    /// 11 and later. `overhead`: what a token in the cache costs beside its value, in bytes.
    case exist(overhead: Int, unknown: UnknownTokenAlias)
  }

  /// What a number that stands for no token does.
  public enum UnknownTokenAlias: Sendable { case refusesRequest, closesSession }

  /// What an object on a stream is.
  public enum ObjectRule: Sendable {
    /// Objects have ids, a status and, where the stream's type says so, extension headers.
    case objects
    /// Frames: counted from 0, nothing but a payload. FIN is the end of the group.
    case frames
  }

  /// What follows from objects that contradict each other.
  public enum MalformedTrack: Sendable {
    case closesSession
    /// The subscription that brought them ends; a relay may go on with another publisher.
    case endsSubscription
    /// 12 and later: the same, and a relay ends the track for all who read it. An object that comes twice has to come
    /// with the same properties and payload.
    case endsTrack
  }

  /// Which publishers of a track a relay subscribes to.
  public enum Publishers: Sendable {
    /// The one that it prefers; another takes over when that is gone.
    case one
    /// 12 and later: all of them at once.
    case all
  }

  /// What an unknown type at the start of a request's stream does.
  public enum UnknownStream: Sendable { case closesSession, resetsStream }
}

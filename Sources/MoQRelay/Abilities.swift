import MoQKernel

/// What can be said to a session, as far as the relay's choices depend on it.
struct Abilities: Equatable {
  /// Groups have subgroups, and objects have ids that are kept.
  var subgroups = true
  /// Objects may have a status.
  var statuses = true
  /// Objects may have extension headers.
  var extensions = true
  /// Objects may travel in datagrams.
  var datagrams = true
  /// The past can be asked for with FETCH.
  var fetch = true
  /// One group of it at a time.
  var fetchesGroups = false
  /// Groups that will not come can be told.
  var gaps = false
  /// The type of the extension header by which an object says how many groups before its own there are not.
  var gapExtension: UInt64?
  /// An answer to SUBSCRIBE names the largest object there is.
  var tellsLargest = true
  /// What is announced may be a track rather than a namespace.
  var announcesTracks = false
  /// The past of a subscription can be asked for by it.
  var joiningFetch = true
  /// A subscription may begin with the group that is current, its beginning included.
  var currentGroup = false
  /// What a subscription is that starts before the current group.
  var pastStart = Rules.PastStart.skipped
  /// What its delivery timeouts are counted from.
  var expiry = Rules.Expiry.objects
  /// The end of a subscription says how many streams it had.
  var countsStreams = true
  /// Tracks can be offered with PUBLISH.
  var pushes = false
  /// Objects that contradict each other end their track for all who read it, and what comes twice has to be the same.
  var endsMalformedTracks = false
  /// It is asked for a track together with all others that can be.
  var isAskedWithOthers = false
  /// Announcements are told only to interests that cover them, and the session sees to that.
  var announcesOnInterest = false
  init() {}

  init(_ dialect: any Dialect.Type) {
    let (rules, forms) = (dialect.rules, dialect.objects)
    subgroups = rules.subgroups == .exists
    if case .frames = rules.objects { extensions = false }
    statuses = forms.statuses.valid != StatusForm.none.valid
    datagrams = rules.datagrams == .exists
    switch rules.fetching {
    case .missing: (fetch, joiningFetch) = (false, false)
    case .group: (fetchesGroups, joiningFetch) = (true, false)
    case .standalone: joiningFetch = false
    case .joiningRelative, .joining: break
    }
    currentGroup = rules.filters.contains(.currentGroup)
    pastStart = rules.pastStart
    expiry = rules.expiry
    countsStreams = rules.refusal == .message
    pushes = rules.pushing == .exists
    if case .onInterest = rules.announcing { announcesOnInterest = true }
    announcesTracks = rules.naming == .path
    gaps = rules.gaps == .exists
    gapExtension = rules.gapExtensions?.groups
    isAskedWithOthers = rules.publishers == .all
    endsMalformedTracks = rules.malformedTrack == .endsTrack
    if case .full = rules.answering {} else { tellsLargest = false }
  }
}

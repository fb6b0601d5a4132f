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
  /// A subscription may begin with the group that is current, its beginning included.
  var currentGroup = false
  init() {}

  init(_ dialect: any Dialect.Type) {
    let forms = dialect.objects
    if case .frames = forms.subgroup.content { (subgroups, extensions, currentGroup) = (false, false, true) }
    statuses = forms.statuses.valid != StatusForm.none.valid
    datagrams = forms.datagram != nil
    fetch = forms.fetch != nil
  }
}

import MoQKernel

/// draft-ietf-moq-transport-10
///
/// Since 09: not one byte. The sections have new numbers.
public enum Draft10: Revision {
  public typealias Base = Draft09
  public static var name: String { "draft-10" }
  public static var version: UInt64 { 0xff00_000a }
  public static var objects: ObjectForms {
    var forms = Draft09.objects
    forms.subgroup.section = "§9.4.2"
    forms.fetch?.section = "§9.4.4"
    forms.datagram?.section = "§9.2"
    return forms
  }

  public static func moved(_ kind: MessageKind) -> StaticString? {
    switch kind {
    case .clientSetup, .serverSetup: "§8.2"
    case .goAway: "§8.3"
    case .maxRequestID: "§8.4"
    case .requestsBlocked: "§8.5"
    case .subscribe: "§8.6"
    case .subscribeOK: "§8.7"
    case .subscribeError: "§8.8"
    case .subscribeUpdate: "§8.9"
    case .unsubscribe: "§8.10"
    case .subscribeDone: "§8.11"
    case .fetch: "§8.12"
    case .fetchOK: "§8.13"
    case .fetchError: "§8.14"
    case .fetchCancel: "§8.15"
    case .trackStatus: "§8.16"
    case .trackStatusOK: "§8.17"
    case .publishNamespace: "§8.18"
    case .publishNamespaceOK: "§8.19"
    case .publishNamespaceError: "§8.20"
    case .publishNamespaceDone: "§8.21"
    case .publishNamespaceCancel: "§8.22"
    case .subscribeNamespace: "§8.23"
    case .subscribeNamespaceOK: "§8.24"
    case .subscribeNamespaceError: "§8.25"
    case .unsubscribeNamespace: "§8.26"
    default: nil
    }
  }
}

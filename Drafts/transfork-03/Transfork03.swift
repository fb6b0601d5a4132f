import MoQKernel

/// draft-lcurley-moq-transfork-03
///
/// Since 02: a track has one path of parts instead of a broadcast and a name; ANNOUNCE has a status and only the
/// suffix; GROUP_DROP is SUBSCRIBE_GAP; a fetch begins at a frame.
///
/// A stream's type and place say which message comes, and no message says how long it is. SESSION_CLIENT and
/// SESSION_SERVER are the kernel's CLIENT_SETUP and SERVER_SETUP, ANNOUNCE_PLEASE its SUBSCRIBE_NAMESPACE, INFO
/// both its SUBSCRIBE_OK and its TRACK_STATUS_OK. Of a path, the last part is the kernel's name of the track.
///
/// What is not here is as in moq-lite-01, which grew out of it; the messages are in `TransforkMessages`.
public enum Transfork03: Transfork {
  public typealias Base = Lite01
  public static var name: String { "transfork-03" }
  public static var version: UInt64 { 0xff0b_ad03 }
  public static var framing: Framing { .bare }
  public static var objects: ObjectForms {
    ObjectForms(
      subgroup: SubgroupForm(base: 0x0, content: .frames(nil), name: "GROUP", section: "§6.14"))
  }
  public static var requestStreams: [RequestStream] {
    [
      RequestStream(
        0x0, opener: .init(.clientSetup, then: .sessionUpdate), acceptor: .init(.serverSetup, then: .sessionUpdate)),
      RequestStream(0x1, opener: .init(.subscribeNamespace), acceptor: .init(.announce, then: .announce)),
      RequestStream(
        0x2, opener: .init(.subscribe, then: .subscribeUpdate), acceptor: .init(.subscribeOK, then: .subscribeGap)),
      RequestStream(0x3, opener: .init(.fetch, then: .fetchUpdate), acceptor: .objects, openerMayFinish: true),
      RequestStream(0x4, opener: .init(.trackStatus), acceptor: .init(.trackStatusOK), openerMayFinish: true),
    ]
  }

  public static var hand: TransforkHand { TransforkHand() }

  public typealias ANNOUNCE_INIT = Unspoken<AnnounceInit>

  public static func moved(_ kind: MessageKind) -> StaticString? {
    switch kind {
    case .clientSetup: "§6.2"
    case .serverSetup: "§6.3"
    case .sessionUpdate: "§6.4"
    default: nil
    }
  }
}

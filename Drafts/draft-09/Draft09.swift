import MoQKernel

/// draft-ietf-moq-transport-09
///
/// Since 08: the Latest Group filter is gone; extension headers are preceded by their bytes instead of their
/// number, and a datagram's status may have them too.
public enum Draft09: Revision {
  public typealias Base = Draft08
  public static var name: String { "draft-09" }
  public static var version: UInt64 { 0xff00_0009 }
  public static var objects: ObjectForms {
    ObjectForms(
      statuses: Draft08.objects.statuses,
      subgroup: SubgroupForm(base: 0x04, always: [.subgroupID, .extensions], section: "§8.4.1"),
      fetch: FetchForm(.full(.length), requestID: "Subscribe ID", section: "§8.4.3"),
      datagram: DatagramForm(types: 0b110, statusBit: 2, always: (.length, .length), section: "§8.2"))
  }

  public enum SUBSCRIBE: Amended {
    public typealias Former = Draft08.SUBSCRIBE
    public static func walk(_ m: inout Subscribe, _ wire: inout some Wire) throws(WireError) {
      try Draft07.SUBSCRIBE.walk(&m, &wire, .draft09)
    }
  }
}

/// What one side says of itself in its SETTINGS (RFC 9114 §7.2.4), as far as WebTransport needs it.
public struct HTTP3Settings: Equatable, Sendable {
  /// Numbers of settings.
  enum ID {
    static let qpackTableCapacity: UInt64 = 0x01
    static let maximumFieldSection: UInt64 = 0x06
    static let qpackBlockedStreams: UInt64 = 0x07
    static let extendedConnect: UInt64 = 0x08
    static let datagrams: UInt64 = 0x33
    /// As of draft-ietf-masque-h3-datagram-04; still sent by browsers.
    static let draftDatagrams: UInt64 = 0xff_d277
    /// HTTP/2's, which have no place here (RFC 9114 §7.2.4.1).
    static let ofHTTP2: ClosedRange<UInt64> = 0x02...0x05
  }

  /// A wording of WebTransport over HTTP/3, by the setting with which support for it is declared.
  ///
  /// Streams, datagrams and capsules look alike in all of them; see `upgradeToken` for what does not.
  public enum Generation: UInt64, CaseIterable, Sendable {
    /// draft-02, which Chromium and Firefox look for. 1: supported.
    case draft02 = 0x2b60_3742
    /// draft-07 to draft-12. The number of sessions on a connection.
    case draft07 = 0xc671_706a
    /// draft-13 and draft-14, as Safari has it. The number of sessions on a connection.
    case draft13 = 0x14e9_cd29
    /// draft-15 and later. 1: supported.
    case draft15 = 0x2c7c_f000

    /// What `:protocol` of the request is.
    var upgradeToken: String { self == .draft15 ? "webtransport-h3" : "webtransport" }
    /// Whether the value is a yes or a no.
    var isFlag: Bool { self == .draft02 || self == .draft15 }
  }

  public var maximumFieldSection: UInt64?
  public var extendedConnect = false
  public var datagrams = false
  /// How many sessions each generation may have on the connection, where it is spoken at all.
  public var sessions: [Generation: UInt64] = [:]

  /// The most settings that are read.
  static let maximumCount = 128

  public init() {}

  /// What this library says of itself: all generations at once, since each peer looks for its own.
  ///
  /// draft-13 allows several sessions only with flow control of its own, which is not offered.
  static func ours(maximumSessions: UInt64) -> HTTP3Settings {
    var settings = HTTP3Settings()
    settings.maximumFieldSection = UInt64(FieldSection.maximumBytes)
    (settings.extendedConnect, settings.datagrams) = (true, true)
    settings.sessions = [.draft02: 1, .draft07: max(maximumSessions, 1), .draft13: 1, .draft15: 1]
    return settings
  }

  /// The payload of a SETTINGS frame. QPACK's two are left at their default, 0: no dynamic table.
  func encoded() -> [UInt8] {
    var payload: [UInt8] = []
    func add(_ id: UInt64, _ value: UInt64?) {
      guard let value else { return }
      payload.append(varint: id)
      payload.append(varint: value)
    }
    add(ID.maximumFieldSection, maximumFieldSection)
    add(ID.extendedConnect, extendedConnect ? 1 : nil)
    add(ID.datagrams, datagrams ? 1 : nil)
    add(ID.draftDatagrams, datagrams ? 1 : nil)
    for generation in Generation.allCases { add(generation.rawValue, sessions[generation]) }
    return payload
  }

  /// Reads the payload of a SETTINGS frame. What is unknown is ignored.
  init(_ payload: [UInt8]) throws(HTTP3Fault) {
    var seen: Set<UInt64> = []
    var offset = 0
    while offset < payload.count {
      let pair = payload.withUnsafeBytes { bytes -> (UInt64, UInt64, Int)? in
        guard let id = bytes.varint(at: offset), let value = bytes.varint(at: offset + id.size) else { return nil }
        return (id.value, value.value, offset + id.size + value.size)
      }
      guard let (id, value, next) = pair else {
        throw HTTP3Fault(.frameError, "SETTINGS ends within a setting (RFC 9114 §7.1)")
      }
      guard seen.insert(id).inserted else {
        throw HTTP3Fault(.settingsError, "the setting \(ConnectionClose.hex(id)) comes twice (RFC 9114 §7.2.4)")
      }
      guard seen.count <= Self.maximumCount else {
        throw HTTP3Fault(.excessiveLoad, "more than \(Self.maximumCount) settings")
      }
      try take(id, value)
      offset = next
    }
  }

  private mutating func take(_ id: UInt64, _ value: UInt64) throws(HTTP3Fault) {
    func flag(_ section: String) throws(HTTP3Fault) -> Bool {
      guard value <= 1 else {
        throw HTTP3Fault(
          .settingsError, "the setting \(ConnectionClose.hex(id)) is \(value) and not 0 or 1 (\(section))")
      }
      return value == 1
    }
    switch id {
    case ID.ofHTTP2:
      throw HTTP3Fault(.settingsError, "the setting \(ConnectionClose.hex(id)) is HTTP/2's (RFC 9114 §7.2.4.1)")
    case ID.maximumFieldSection: maximumFieldSection = value
    case ID.extendedConnect: extendedConnect = try flag("RFC 9220 §3")
    case ID.datagrams: datagrams = try flag("RFC 9297 §2.1.1") || datagrams
    case ID.draftDatagrams: datagrams = datagrams || value == 1
    default:
      guard let generation = Generation(rawValue: id) else { return }
      if generation.isFlag { _ = try flag("draft-ietf-webtrans-http3 §3.1") }
      if value > 0 { sessions[generation] = value }
    }
  }
}

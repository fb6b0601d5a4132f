/// An error code of HTTP/3 (RFC 9114 §8.1), QPACK (RFC 9204 §8.3), HTTP datagrams (RFC 9297 §5.2) or
/// WebTransport (draft-ietf-webtrans-http3-16 §9.5).
public struct HTTP3Code: RawRepresentable, Hashable, Sendable {
  public let rawValue: UInt64
  public init(rawValue: UInt64) { self.rawValue = rawValue }
  private init(_ code: UInt64) { rawValue = code }

  public static let datagramError = HTTP3Code(0x33)
  public static let noError = HTTP3Code(0x100)
  public static let generalProtocolError = HTTP3Code(0x101)
  public static let internalError = HTTP3Code(0x102)
  public static let streamCreationError = HTTP3Code(0x103)
  public static let closedCriticalStream = HTTP3Code(0x104)
  public static let frameUnexpected = HTTP3Code(0x105)
  public static let frameError = HTTP3Code(0x106)
  public static let excessiveLoad = HTTP3Code(0x107)
  public static let idError = HTTP3Code(0x108)
  public static let settingsError = HTTP3Code(0x109)
  public static let missingSettings = HTTP3Code(0x10a)
  public static let requestRejected = HTTP3Code(0x10b)
  public static let requestCancelled = HTTP3Code(0x10c)
  public static let requestIncomplete = HTTP3Code(0x10d)
  public static let messageError = HTTP3Code(0x10e)
  public static let connectError = HTTP3Code(0x10f)
  public static let versionFallback = HTTP3Code(0x110)
  public static let decompressionFailed = HTTP3Code(0x200)
  public static let encoderStreamError = HTTP3Code(0x201)
  public static let decoderStreamError = HTTP3Code(0x202)
  /// More streams came before their session than are held.
  public static let bufferedStreamRejected = HTTP3Code(0x3994_bd84)
  /// The stream's session is over.
  public static let sessionGone = HTTP3Code(0x170d_7b68)
  /// The server named a subprotocol that was not offered.
  public static let alpnError = HTTP3Code(0x0817_b3dd)
}

extension HTTP3Code: CustomStringConvertible {
  public var description: String {
    Self.names[rawValue].map { "\($0) (\(ConnectionClose.hex(rawValue)))" } ?? ConnectionClose.hex(rawValue)
  }

  private static let names: [UInt64: String] = [
    0x33: "H3_DATAGRAM_ERROR", 0x100: "H3_NO_ERROR", 0x101: "H3_GENERAL_PROTOCOL_ERROR", 0x102: "H3_INTERNAL_ERROR",
    0x103: "H3_STREAM_CREATION_ERROR", 0x104: "H3_CLOSED_CRITICAL_STREAM", 0x105: "H3_FRAME_UNEXPECTED",
    0x106: "H3_FRAME_ERROR", 0x107: "H3_EXCESSIVE_LOAD", 0x108: "H3_ID_ERROR", 0x109: "H3_SETTINGS_ERROR",
    0x10a: "H3_MISSING_SETTINGS", 0x10b: "H3_REQUEST_REJECTED", 0x10c: "H3_REQUEST_CANCELLED",
    0x10d: "H3_REQUEST_INCOMPLETE", 0x10e: "H3_MESSAGE_ERROR", 0x10f: "H3_CONNECT_ERROR",
    0x110: "H3_VERSION_FALLBACK", 0x200: "QPACK_DECOMPRESSION_FAILED", 0x201: "QPACK_ENCODER_STREAM_ERROR",
    0x202: "QPACK_DECODER_STREAM_ERROR", 0x3994_bd84: "WT_BUFFERED_STREAM_REJECTED", 0x170d_7b68: "WT_SESSION_GONE",
    0x0817_b3dd: "WT_ALPN_ERROR", 0x045d_4487: "WT_FLOW_CONTROL_ERROR", 0x212c_0d48: "WT_REQUIREMENTS_NOT_MET",
  ]
}

/// The peer, or this side, is at fault, and the connection ends with this code.
struct HTTP3Fault: Error, Equatable {
  var code: HTTP3Code
  /// What was found, what was wanted, and where that is written.
  var reason: String
  init(_ code: HTTP3Code, _ reason: String) { (self.code, self.reason) = (code, reason) }
}

/// The part of HTTP/3's codes that stands for an application's 32-bit codes on WebTransport streams
/// (draft-ietf-webtrans-http3-16 §4.4). Every 31st code in it is reserved and stands for none.
enum WebTransportCode {
  static let first: UInt64 = 0x52e4_a40f_a8db
  static let last: UInt64 = 0x52e5_ac98_3162

  /// The HTTP/3 code for an application's; one above 32 bits is written as the largest there is.
  static func http(_ code: UInt64) -> UInt64 {
    let code = min(code, 0xffff_ffff)
    return first &+ code &+ code / 0x1e
  }

  /// The application's code; nil: the code is none of an application.
  static func application(_ code: UInt64) -> UInt64? {
    guard code >= first, code <= last, (code &- 0x21) % 0x1f != 0 else { return nil }
    let shifted = code &- first
    return shifted &- shifted / 0x1f
  }
}

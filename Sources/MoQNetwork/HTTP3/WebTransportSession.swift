import MoQKernel

/// A WebTransport session: carries a session's streams and datagrams on an HTTP/3 connection that it may share.
public final class WebTransportSession: SessionCarrier {
  /// Leads to: open (there is an answer), over (it is a refusal, or the connection is lost).
  /// - open: leads to closing (this side closes), over (the peer did, or the connection is lost).
  /// - closing: what is queued is sent and acknowledged first. Leads to: over.
  enum Phase { case asking, open, closing, over }
  var phase = Phase.asking
  /// The id of the stream with the request; nil: it has not been sent.
  var id: Int64?
  let request: WebTransportRequest
  let driver: SessionDriver
  /// Until then the answer must be there.
  var answerBy: UInt64
  /// The peer has ended streams because their session is over; by then it must have said so.
  private(set) var goneBy = UInt64.max
  /// How this side closes the session, and until when it waits for what is queued.
  private(set) var farewell: Farewell?
  struct Farewell {
    var code: UInt32, reason: String, by: UInt64
    var meaning: ConnectionClose { .application(code: UInt64(code), reason: reason, byPeer: false) }
  }

  private weak var http: HTTP3Connection?
  /// The connection, once it is there.
  private var link: QUICConnection?
  private var header = Bytes(), bidirectionalHeader = Bytes()
  private var datagramHeader = DatagramHeader()
  private var takesDatagrams = false

  init(_ http: HTTP3Connection, _ request: WebTransportRequest, _ driver: SessionDriver, answerBy: UInt64) {
    (self.http, self.request, self.driver, self.answerBy) = (http, request, driver, answerBy)
    super.init(.webTransport, nil)
  }

  /// The session is established.
  func begin(_ facts: WebTransportFacts, on connection: QUICConnection) {
    guard phase == .asking else { return }
    (phase, id, link) = (.open, facts.id, connection)
    takesDatagrams = http?.peerTakesDatagrams ?? false
    (subprotocol, path, authority) = (facts.chosen, facts.request.path, facts.request.authority)
    func prefix(_ type: UInt64) -> Bytes {
      var bytes: [UInt8] = []
      bytes.append(varint: type)
      bytes.append(varint: UInt64(facts.id))
      return Bytes(bytes)
    }
    (header, bidirectionalHeader) = (prefix(StreamType.webTransport), prefix(FrameType.webTransport))
    var quarter: [UInt8] = []
    quarter.append(varint: UInt64(facts.id) / 4)
    datagramHeader = DatagramHeader(quarter)
    driver.begin(on: connection, self)
  }

  /// The session is over, for whatever reason.
  func end(_ reason: ConnectionClose) {
    guard phase != .over else { return }
    phase = .over
    link = nil
    driver.ended(reason)
  }

  override var number: Int64 { id ?? 0 }

  override var maximumDatagramSize: Int {
    guard phase == .open, let link, takesDatagrams else { return 0 }
    return max(0, link.maximumDatagramSize - datagramHeader.count)
  }

  override func open(bidirectional: Bool, priority: SendPriority) -> QUICStream? {
    guard phase == .open, let link else { return nil }
    let stream = link.open(bidirectional: bidirectional, priority: priority)
    stream.handler = driver
    stream.write(header: bidirectional ? bidirectionalHeader : header)
    return stream
  }

  override func wireCode(_ code: UInt64) -> UInt64 { WebTransportCode.http(code) }
  /// A code that is none of an application counts as 0 (draft-ietf-webtrans-http3-16 §4.4).
  ///
  /// A peer that closes resets its streams as well, and that may arrive before the close and its reason.
  override func code(onWire code: UInt64) -> UInt64? {
    guard code == HTTP3Code.sessionGone.rawValue else { return WebTransportCode.application(code) ?? 0 }
    if goneBy == .max {
      goneBy = driver.loop.now &+ QUICConnection.closingPatience
      http?.seemsGone()
    }
    return nil
  }

  override func send(datagram: Bytes) {
    guard phase == .open, takesDatagrams else { return }
    link?.send(datagram: datagram, header: datagramHeader)
  }

  override func close(code: UInt64, reason: String) {
    switch phase {
    case .asking: http?.cancel(self, code: code, reason: reason)
    case .open:
      phase = .closing
      let patience = driver.loop.now &+ QUICConnection.closingPatience
      farewell = Farewell(code: UInt32(clamping: code), reason: reason, by: patience)
      http?.closes(self)
    case .closing, .over: break
    }
  }

  /// Whether everything that was queued has arrived.
  var isSettled: Bool {
    var isSettled = true
    link?.forEachStream { if $0.handler === driver, !$0.isSettled { isSettled = false } }
    return isSettled
  }
}

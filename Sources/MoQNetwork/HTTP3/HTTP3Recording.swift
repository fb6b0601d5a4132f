import MoQKernel

/// Takes a WebTransport session out of a recorded HTTP/3 connection, by reading each side as its peer would have.
///
/// Whatever either side sent must be in order by the rules of a live connection, and end between two frames.
public enum HTTP3Recording {
  /// The streams and datagrams of the connection's session, numbered as on a connection of their own.
  @Sendable public static func unwrap(_ traffic: RecordedTraffic) -> Result<RecordedTraffic, RecordingProblem> {
    do throws(RecordingProblem) { return .success(try take(traffic)) } catch { return .failure(error) }
  }

  private static func take(_ traffic: RecordedTraffic) throws(RecordingProblem) -> RecordedTraffic {
    let server = HTTP3Core(isServer: true), client = HTTP3Core(isServer: false)
    var result = RecordedTraffic(), request: WebTransportRequest?, isOpen = false

    // The connection's own streams first, the client's before the server's: what came too early would be held.
    func rank(_ stream: RecordedStream) -> Int {
      let isOwn = stream.id == 0 || (!stream.isBidirectional && (stream.bytes.first ?? 0) < 4)
      return (isOwn ? 0 : 4) + (stream.fromClient ? 0 : 2) + (stream.id == 0 ? 1 : 0)
    }
    for stream in traffic.streams.sorted(by: { rank($0) < rank($1) }) {
      let core = stream.fromClient ? server : client
      // Only the side that opens a stream says whose it is.
      guard stream.isOpener || stream.id == 0 else {
        result.streams.append(stream)
        continue
      }
      if stream.id == 0, !stream.fromClient {
        guard let request else { throw RecordingProblem("there is no request that stream 0 could answer") }
        client.connect(request, on: 0)
      }
      let attachment = stream.bytes.withUnsafeBytes {
        core.received($0, fin: stream.isFinished && stream.id != 0, on: Int64(stream.id))
      }
      var problem: RecordingProblem?
      core.drain { effect in
        switch effect {
        case .close(let code, let reason): problem = RecordingProblem("\(stream.name): \(code): \(reason)")
        case .refused(_, let failure): problem = RecordingProblem("\(stream.name): \(failure)")
        case .reset(_, let code), .stop(_, let code): problem = RecordingProblem("\(stream.name): refused with \(code)")
        case .established(let facts):
          if core === server { request = facts.request } else { (isOpen, result.subprotocol) = (true, facts.chosen) }
        default: break
        }
      }
      if let problem { throw problem }
      if let attachment {
        var inner = stream
        inner.bytes.removeFirst(attachment.header)
        result.streams.append(inner)
      }
    }
    guard isOpen else { throw RecordingProblem("no session was established") }
    for core in [server, client] {
      for stream in core.streams.values where !stream.isWhole {
        throw RecordingProblem("stream \(stream.id) ends within a frame")
      }
    }
    for datagram in traffic.datagrams {
      guard let attachment = datagram.withUnsafeBytes({ server.received(datagram: $0) }) else {
        throw RecordingProblem("a datagram of no session")
      }
      result.datagrams.append(Array(datagram[attachment.header...]))
    }
    // The request's stream is the first one of the connection, and none of the session's.
    for index in result.streams.indices where result.streams[index].id & 3 == 0 { result.streams[index].id -= 4 }
    result.streams.sort { ($0.id, $0.isOpener ? 0 : 1) < ($1.id, $1.isOpener ? 0 : 1) }
    return result
  }
}

extension HTTP3Stream {
  /// Whether nothing of it has arrived in part only.
  fileprivate var isWhole: Bool {
    switch use {
    case .control, .request: frames.isBetweenFrames && capsules.isBetweenFrames && pending.isEmpty
    case .encoder, .decoder, .ignored: true
    case .beginning, .held: false
    }
  }
}

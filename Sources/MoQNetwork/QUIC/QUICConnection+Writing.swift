import CQuic
import Glibc
import MoQKernel

/// Packets that the kernel did not take.
struct HeldPackets {
  var bytes: [UInt8]
  var segment: Int
  var ecn: UInt8
  var socket: UDPSocket
  var to: sockaddr_storage
  var toLength: socklen_t
  var from: sockaddr_storage
}

extension QUICConnection {
  /// Writes what may be written now: packet by packet, each time asking who is most urgent.
  func write() {
    guard let library, held == nil, !cq_isOver(library) else { return }
    if isBlocked, ngtcp2_conn_get_max_data_left(library) > 0 { isBlocked = false }
    let now = core.now, packet = Int(ngtcp2_conn_get_max_tx_udp_payload_size(library))
    let quantum = Int(ngtcp2_conn_get_send_quantum(library))
    let limit = max(1, min(quantum / packet, Int(CQ_TX_SIZE) / packet))
    var batch = Batch()
    guard let out = writer.pointee.out else { return }

    while batch.packets < limit {
      let written = writeNext(library, out + batch.size, packet, now)
      if written == Int(NGTCP2_ERR_WRITE_MORE) { continue }
      if written < 0 {
        fail(Int32(truncatingIfNeeded: written))
        break
      }
      if written == 0 { break }
      prefersStream.toggle()
      gather(written, out, &batch)
    }
    if batch.size > 0 { transmit(out, batch.size, batch.segment, batch.ecn) }
    ngtcp2_conn_update_pkt_tx_time(library, now)
    let expiry = ngtcp2_conn_get_expiry(library)
    // If the packet limit ended the loop the pacer has set a time; should it not have, go on soon.
    timer?.arm(at: batch.packets == limit ? min(expiry, now &+ 1_000_000) : expiry)
  }

  /// Equal packets that leave in one call.
  private struct Batch {
    var size = 0, segment = 0, packets = 0
    var ecn: UInt8 = 0
  }

  /// One step towards the next packet: the library's return value, or "write more" if nothing was finished.
  @inline(__always)
  private func writeNext(_ library: OpaquePointer, _ out: UnsafeMutablePointer<UInt8>, _ size: Int, _ now: UInt64)
    -> Int
  {
    if !datagrams.isEmpty, !(prefersStream && sendQueue.count > 0 && !isBlocked), let datagram = datagrams.first {
      return write(datagram, library, out, size, now)
    }
    while let stream = bareEnds.last {
      if stream.endSent || stream.sendingIsOver || stream.unsent > 0 || stream.id < 0 || stream.isClosed {
        bareEnds.removeLast()
        continue
      }
      let result = cq_write_stream(library, writer, out, size, cq_write_more | cq_write_fin, stream.id, 0, now)
      if writer.pointee.taken >= 0 {
        (stream.endSent, stream.endSentAlone) = (true, true)
        bareEnds.removeLast()
      } else if result == Int(NGTCP2_ERR_STREAM_SHUT_WR) || result == Int(NGTCP2_ERR_STREAM_NOT_FOUND) {
        bareEnds.removeLast()
        continue
      }
      return result
    }
    if !isBlocked, let top = sendQueue.top {
      return top._withUnsafeGuaranteedRef { write($0, library, out, size, now) }
    }
    return cq_write_stream(library, writer, out, size, 0, -1, 0, now)
  }

  @inline(__always)
  private func write(
    _ stream: QUICStream, _ library: OpaquePointer, _ out: UnsafeMutablePointer<UInt8>, _ size: Int, _ now: UInt64
  ) -> Int {
    let (count, bytes) = stream.chunks.fill(cq_writer_vec(writer), capacity: 32)
    let withEnd = stream.endQueued && bytes == stream.unsent
    let flags = withEnd ? cq_write_more | cq_write_fin : cq_write_more
    let result = cq_write_stream(library, writer, out, size, flags, stream.id, count, now)
    let taken = writer.pointee.taken
    if taken >= 0 {
      if stream.newlySent == 0 { drained.append(stream) }
      stream.newlySent &+= taken
      stream.unsent &-= taken
      stream.chunks.sent(taken)
      if withEnd, taken == bytes { stream.endSent = true }
      if stream.unsent == 0 { sendQueue.remove(stream) } else if result >= 0 { sendQueue.topWasServed() }
      return result
    }
    switch Int32(truncatingIfNeeded: result) {
    case NGTCP2_ERR_STREAM_DATA_BLOCKED:
      if ngtcp2_conn_get_max_data_left(library) == 0 {
        isBlocked = true
      } else {
        stream.isBlocked = true
        blockedStreams &+= 1
        sendQueue.remove(stream)
      }
      return Int(NGTCP2_ERR_WRITE_MORE)
    case NGTCP2_ERR_STREAM_SHUT_WR, NGTCP2_ERR_STREAM_NOT_FOUND:
      dropSending(stream)
      return Int(NGTCP2_ERR_WRITE_MORE)
    default: return result
    }
  }

  private func write(
    _ datagram: OutgoingDatagram, _ library: OpaquePointer, _ out: UnsafeMutablePointer<UInt8>, _ size: Int,
    _ now: UInt64
  ) -> Int {
    guard datagram.count <= maximumDatagramSize else {
      datagrams.removeFirst()
      numbers.datagramsDropped &+= 1
      return Int(NGTCP2_ERR_WRITE_MORE)
    }
    let result = datagram.payload.withUnsafeBytes { bytes in
      cq_write_datagram(
        library, writer, out, size, datagram.header.bytes.littleEndian, datagram.header.count,
        bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, numbers.datagramsSent, now)
    }
    if writer.pointee.accepted != 0 {
      datagrams.removeFirst()
      numbers.datagramsSent &+= 1
    } else if result == Int(NGTCP2_ERR_INVALID_ARGUMENT) || result == Int(NGTCP2_ERR_INVALID_STATE) {
      datagrams.removeFirst()
      numbers.datagramsDropped &+= 1
      return Int(NGTCP2_ERR_WRITE_MORE)
    }
    return result
  }

  /// Adds the packet that was just written behind the batch; sends the batch when it cannot grow.
  @inline(__always)
  private func gather(_ size: Int, _ out: UnsafeMutablePointer<UInt8>, _ batch: inout Batch) {
    batch.packets &+= 1
    let ecn = UInt8(truncatingIfNeeded: writer.pointee.info.ecn)
    if batch.size > 0, size <= batch.segment, ecn == batch.ecn, cq_writer_same_path(writer) != 0 {
      batch.size &+= size
      if size < batch.segment {
        transmit(out, batch.size, batch.segment, batch.ecn)
        batch.size = 0
      }
      return
    }
    if batch.size > 0 {
      transmit(out, batch.size, batch.segment, batch.ecn)
      memmove(out, out + batch.size, size)
    }
    cq_writer_take_path(writer)
    (batch.size, batch.segment, batch.ecn) = (size, size, ecn)
  }

  /// Hands packets to the socket of their path. What it does not take is kept and stops the writer.
  func transmit(_ data: UnsafeMutablePointer<UInt8>, _ size: Int, _ segment: Int, _ ecn: UInt8) {
    guard let socket = socket(for: cq_writer_from(writer)) else { return }
    numbers.bytesSent &+= UInt64(size)
    numbers.packetsSent &+= UInt64((size &+ segment &- 1) / max(segment, 1))
    guard held == nil else {
      // Already stopped within this tick: the little that follows is lost, and will be repeated.
      return
    }
    let length = writer.pointee.tolen
    let sent = socket.send(
      data, size, segment: segment, ecn: ecn, to: cq_writer_to(writer), length, from: cq_writer_from(writer))
    if sent >= Int64(size) { return }
    if sent < 0, sent != Int64(-EAGAIN), sent != Int64(-ENOBUFS) {
      return socketFailed(Int32(truncatingIfNeeded: -sent))
    }
    let done = Int(max(sent, 0))
    held = HeldPackets(
      bytes: [UInt8](UnsafeBufferPointer(start: data + done, count: size - done)), segment: segment, ecn: ecn,
      socket: socket,
      to: writer.pointee.to, toLength: length, from: writer.pointee.from)
    socket.wait(self)
  }

  func socketIsWritable() {
    guard var packets = held, state != .closed else { return }
    held = nil
    let size = packets.bytes.count
    let sent = packets.bytes.withUnsafeBufferPointer { bytes -> Int64 in
      guard let base = bytes.baseAddress else { return 0 }
      return withUnsafePointer(to: &packets.to) { to in
        withUnsafePointer(to: &packets.from) { from in
          packets.socket.send(
            base, size, segment: packets.segment, ecn: packets.ecn,
            to: UnsafeRawPointer(to).assumingMemoryBound(to: sockaddr.self), packets.toLength,
            from: UnsafeRawPointer(from).assumingMemoryBound(to: sockaddr.self))
        }
      }
    }
    if sent < Int64(size), sent >= 0 || sent == Int64(-EAGAIN) || sent == Int64(-ENOBUFS) {
      packets.bytes.removeFirst(Int(max(sent, 0)))
      held = packets
      packets.socket.wait(self)
    }
    core.mark(self)
  }

  /// The socket whose address a packet must come from.
  @inline(__always)
  func socket(for local: UnsafeMutablePointer<sockaddr>?) -> UDPSocket? {
    let candidates = isServer ? endpoint.listeners : sockets
    if candidates.count == 1 { return candidates[0] }
    var wanted = cq_address()
    if let local { cq_address_get(local, &wanted) }
    let address = SocketAddress(wanted)
    return candidates.first { $0.address == address }
      ?? candidates.first {
        $0.raw.pointee.wildcard != 0 && $0.address.isIPv6 == address.isIPv6 && $0.address.port == address.port
      }
      ?? candidates.first
  }
}

@inline(__always) private func cq_isOver(_ library: OpaquePointer) -> Bool { cq_is_over(library) != 0 }

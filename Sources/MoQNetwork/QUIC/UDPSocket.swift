import CQuic
import Glibc

/// What the sockets of one loop read into and write from.
final class PacketBuffers {
  /// nil: there was no memory for them. No socket opens then, so nothing is read or written.
  let pointer: OpaquePointer?
  let writer: UnsafeMutablePointer<cq_writer>

  init(_ pointer: OpaquePointer? = cq_buffers_new()) {
    (self.pointer, writer) = (pointer, cq_buffers_writer(pointer))
  }

  deinit { cq_buffers_free(pointer) }
}

/// One UDP socket on a loop.
final class UDPSocket: LoopSource {
  let raw: UnsafeMutablePointer<cq_socket>
  let core: LoopCore
  let address: SocketAddress
  /// Who gets its packets: a client's connection has sockets of its own, a listener shares one.
  unowned(unsafe) var connection: QUICConnection?
  unowned(unsafe) var endpoint: QUICEndpoint?
  private var key: UInt64 = 0
  private var isOpen = true
  /// Connections whose packets the kernel did not take yet.
  private var waiting: [QUICConnection] = []

  /// Opens and binds it; throws the error number, ENOMEM if the loop has no memory for packets.
  init(core: LoopCore, bind: SocketAddress, connect: SocketAddress? = nil, offload: Bool) throws(SystemError) {
    raw = .allocate(capacity: 1)
    self.core = core
    var from = bind.raw
    let result: Int32
    if core.packets.pointer == nil {
      result = -ENOMEM
    } else if let connect {
      var to = connect.raw
      result = cq_socket_open(raw, &from, &to, offload ? 1 : 0, 0)
    } else {
      result = cq_socket_open(raw, &from, nil, offload ? 1 : 0, 0)
    }
    var bound = cq_address()
    if result == 0 { cq_socket_address(raw, &bound) }
    address = SocketAddress(bound)
    super.init()
    guard result == 0 else {
      isOpen = false
      raw.deallocate()
      throw SystemError(number: -result)
    }
    key = core.watch(raw.pointee.fd, self)
  }

  /// A failed system call.
  struct SystemError: Error { let number: Int32 }

  func close() {
    guard isOpen else { return }
    isOpen = false
    (connection, endpoint, waiting) = (nil, nil, [])
    core.unwatch(raw.pointee.fd, key)
    cq_close(raw.pointee.fd)
    raw.deallocate()
  }

  deinit { close() }

  override func readable() {
    guard let buffers = core.packets.pointer else { return }
    // A bound on what one socket takes in before the others' turn; the rest is there in the next tick.
    for _ in 0..<4 {
      guard isOpen else { return }
      let count = cq_receive(raw, buffers)
      if count < 0 { connection?.socketFailed(-count) }
      if count <= 0 { return }
      for i in 0..<count {
        guard let packet = cq_received(buffers, i), let data = packet.pointee.data else { return }
        let size = Int(packet.pointee.size), segment = max(Int(packet.pointee.segment), 1)
        var offset = 0
        while offset < size {
          let part = min(segment, size &- offset)
          if let connection {
            connection.received(data + offset, part, packet)
          } else if let endpoint {
            endpoint.received(data + offset, part, packet, on: self)
          } else {
            return
          }
          offset &+= part
        }
      }
      if count < CQ_BATCH { return }
    }
  }

  /// Sends, and returns what cq_send returned.
  @inline(__always)
  func send(
    _ data: UnsafePointer<UInt8>, _ size: Int, segment: Int, ecn: UInt8, to: UnsafePointer<sockaddr>,
    _ length: socklen_t,
    from: UnsafePointer<sockaddr>?
  ) -> Int64 {
    guard isOpen else { return Int64(size) }
    return cq_send(raw, data, size, UInt32(truncatingIfNeeded: segment), ecn, to, length, from)
  }

  /// Tells `connection` when the socket takes packets again.
  func wait(_ connection: QUICConnection) {
    guard isOpen else { return }
    if waiting.isEmpty { core.watchWriting(raw.pointee.fd, key, true) }
    if !waiting.contains(where: { $0 === connection }) { waiting.append(connection) }
  }

  override func writable() {
    guard isOpen else { return }
    core.watchWriting(raw.pointee.fd, key, false)
    let ready = waiting
    waiting = []
    for connection in ready { connection.socketIsWritable() }
  }
}

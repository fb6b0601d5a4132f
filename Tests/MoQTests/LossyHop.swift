import Foundation
import Synchronization

/// A UDP hop that loses and reorders packets by a seed: clients talk to `port`, it talks to `target`.
final class LossyHop: Sendable {
  let port: UInt16
  private let isStopped = Atomic<Bool>(false)
  private let forwarded = Atomic<Int>(0)
  private let dropped = Atomic<Int>(0)

  var packets: Int { forwarded.load(ordering: .relaxed) }
  var lost: Int { dropped.load(ordering: .relaxed) }

  /// - Parameters:
  ///   - loss: of a hundred packets, in each direction.
  ///   - reordering: of a hundred packets, so many are held back behind later ones.
  init(to target: UInt16, loss: Int, reordering: Int, seed: UInt64) throws {
    let front = try Self.socket(port: 0)
    port = try Self.port(of: front)
    let work = Work(front: front, target: target, loss: loss, reordering: reordering, seed: seed)
    let box = Mutex<Work?>(work)
    Thread.detachNewThread { [self] in
      guard let work = box.withLock({ $0 }) else { return }
      while !isStopped.load(ordering: .relaxed) {
        work.step()
        forwarded.store(work.forwarded, ordering: .relaxed)
        dropped.store(work.dropped, ordering: .relaxed)
      }
      work.close()
    }
  }

  func stop() { isStopped.store(true, ordering: .relaxed) }

  struct Failure: Error { let call: String }

  static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }
  static func socket(port: UInt16) throws -> Int32 {
    let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(call: "socket") }
    var size: Int32 = 4 << 20
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4)
    var address = address(port)
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard bound == 0 else { throw Failure(call: "bind") }
    return descriptor
  }
  static func port(of descriptor: Int32) throws -> UInt16 {
    var address = sockaddr_in(), length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
    }
    guard result == 0 else { throw Failure(call: "getsockname") }
    return UInt16(bigEndian: address.sin_port)
  }
}

/// The hop's thread: nothing of it is touched elsewhere.
private final class Work: @unchecked Sendable {
  private struct Packet {
    let bytes: [UInt8]
    let from: Int32
    let to: sockaddr_in
  }
  private let front: Int32
  private let target: sockaddr_in
  private let loss: Int, reordering: Int
  private var random: Seeded
  /// The hop's own socket towards the target, for each client.
  private var backs: [(descriptor: Int32, client: sockaddr_in)] = []
  /// Packets that are held back, with how many more go before them.
  private var held: [(packet: Packet, after: Int)] = []
  private var buffer = [UInt8](repeating: 0, count: 65_536)
  private(set) var forwarded = 0
  private(set) var dropped = 0

  init(front: Int32, target: UInt16, loss: Int, reordering: Int, seed: UInt64) {
    (self.front, self.target, self.loss, self.reordering) = (front, LossyHop.address(target), loss, reordering)
    random = Seeded(seed)
  }

  func step() {
    var polls = [pollfd(fd: front, events: Int16(POLLIN), revents: 0)]
    polls += backs.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    // What is held back goes after two silent milliseconds at the latest.
    let count = poll(&polls, nfds_t(polls.count), held.isEmpty ? 50 : 2)
    if count == 0 {
      for (packet, _) in held { send(packet) }
      held = []
      return
    }
    for poll in polls where poll.revents & Int16(POLLIN) != 0 { receive(poll.fd) }
  }

  private func receive(_ descriptor: Int32) {
    for _ in 0..<64 {
      var address = sockaddr_in(), length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let count = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          recvfrom(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT), $0, &length)
        }
      }
      guard count > 0 else { return }
      let bytes = Array(buffer[0..<count])
      if descriptor == front {
        let known = backs.first { $0.client.sin_port == address.sin_port }
        let back: Int32
        if let known {
          back = known.descriptor
        } else {
          guard let fresh = try? LossyHop.socket(port: 0) else { return }
          backs.append((fresh, address))
          back = fresh
        }
        pass(Packet(bytes: bytes, from: back, to: target))
      } else if let back = backs.first(where: { $0.descriptor == descriptor }) {
        pass(Packet(bytes: bytes, from: front, to: back.client))
      }
    }
  }

  private func pass(_ packet: Packet) {
    if Int.random(in: 0..<100, using: &random) < loss {
      dropped += 1
      return
    }
    if Int.random(in: 0..<100, using: &random) < reordering {
      held.append((packet, Int.random(in: 1...8, using: &random)))
      return
    }
    send(packet)
    for index in held.indices { held[index].after -= 1 }
    for (packet, after) in held where after <= 0 { send(packet) }
    held.removeAll { $0.after <= 0 }
  }

  private func send(_ packet: Packet) {
    forwarded += 1
    var address = packet.to
    _ = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(packet.from, packet.bytes, packet.bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  func close() {
    Glibc.close(front)
    for back in backs { Glibc.close(back.descriptor) }
  }
}

import CQuic
import Glibc

@testable import MoQNetwork

/// A UDP hop on loopback that loses, delays and so reorders packets, the same way for the same seed.
///
/// Clients talk to `port`; each gets a socket of its own towards the server.
final class LossyHop: Sendable {
  let loop = Loop(name: "hop")
  let port: UInt16
  private let core: LoopBound<Core>

  init(to server: UInt16, seed: UInt64, lossPercent: Int, delayedPercent: Int = 10) async throws {
    let loop = loop
    (core, port) = try await loop.run {
      let core = Core(loop: loop, server: server, seed: seed, loss: lossPercent, delayed: delayedPercent)
      return (LoopBound(core, on: loop), core.port)
    }
  }

  deinit {
    loop.post { [core] in core.value.close() }
    loop.shutdown()
  }

  var counts: (passed: Int, dropped: Int, delayed: Int) {
    get async throws { try await loop.run { [core] in (core.value.passed, core.value.dropped, core.value.delayed) } }
  }

  final class Core {
    let loop: Loop
    let server: sockaddr_in
    var generator: Xorshift
    let loss: Int, late: Int
    var passed = 0, dropped = 0, delayed = 0
    var front: Wire?
    var links: [UInt64: Wire] = [:]
    var port: UInt16 = 0

    init(loop: Loop, server: UInt16, seed: UInt64, loss: Int, delayed: Int) {
      (self.loop, generator, self.loss, late) = (loop, Xorshift(seed), loss, delayed)
      self.server = Self.loopback(server)
      let front = Wire(loop)
      self.front = front
      port = front.port
      front.received = { [unowned self] bytes, from in
        let key = UInt64(from.sin_addr.s_addr) << 16 | UInt64(from.sin_port)
        let link = links[key] ?? makeLink(key, from)
        pass { [server = self.server] in link.send(bytes, to: server) }
      }
    }

    func makeLink(_ key: UInt64, _ client: sockaddr_in) -> Wire {
      let link = Wire(loop)
      links[key] = link
      link.received = { [unowned self] bytes, _ in pass { [unowned self] in front?.send(bytes, to: client) } }
      return link
    }

    func pass(_ send: @escaping () -> Void) {
      let dice = Int(generator.next() % 100)
      if dice < loss {
        dropped += 1
      } else if dice < loss + late {
        delayed += 1
        loop.schedule(at: loop.now + generator.next() % 8_000_000) { send() }
      } else {
        passed += 1
        send()
      }
    }

    func close() {
      front?.close()
      for link in links.values { link.close() }
    }

    static func loopback(_ port: UInt16) -> sockaddr_in {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      return address
    }
  }

  /// A plain UDP socket on a loop.
  final class Wire: LoopSource {
    let descriptor: Int32
    let core: LoopCore
    private var key: UInt64 = 0
    private(set) var port: UInt16 = 0
    var received: ([UInt8], sockaddr_in) -> Void = { _, _ in }

    init(_ loop: Loop) {
      core = loop.core
      descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
      super.init()
      var size: Int32 = 4 << 20
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4)
      setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &size, 4)
      var address = Core.loopback(0), length = socklen_t(MemoryLayout<sockaddr_in>.size)
      withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          _ = bind(descriptor, $0, length)
          getsockname(descriptor, $0, &length)
        }
      }
      port = UInt16(bigEndian: address.sin_port)
      key = core.watch(descriptor, self)
    }

    override func readable() {
      var buffer = [UInt8](repeating: 0, count: 2048)
      for _ in 0..<256 {
        var from = sockaddr_in(), length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let count = withUnsafeMutablePointer(to: &from) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
          }
        }
        guard count >= 0 else { return }
        received(Array(buffer.prefix(count)), from)
      }
    }

    func send(_ bytes: [UInt8], to: sockaddr_in) {
      var to = to
      withUnsafePointer(to: &to) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          _ = sendto(descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    }

    func close() {
      received = { _, _ in }
      core.unwatch(descriptor, key)
      Glibc.close(descriptor)
    }
  }
}

typealias LossyHopAddress = sockaddr_in

import CQuic
import MoQKernel

/// The bytes of a stream from the first unacknowledged one on, as a ring of shared pieces.
///
/// ngtcp2 does not copy what it is given, so a piece stays until all of it is acknowledged.
struct ChunkQueue: ~Copyable {
  private var base: UnsafeMutablePointer<Bytes>
  private var mask = 3
  /// Counting from the stream's first piece: the first one kept, the next one to send, the end.
  private var head = 0, next = 0, tail = 0
  private var sentOfNext = 0, acknowledgedOfHead = 0

  init() { base = .allocate(capacity: 4) }

  deinit {
    for i in head..<tail { (base + (i & mask)).deinitialize(count: 1) }
    base.deallocate()
  }

  mutating func append(_ bytes: consuming Bytes) {
    if tail &- head > mask { grow() }
    (base + (tail & mask)).initialize(to: bytes)
    tail &+= 1
  }

  private mutating func grow() {
    let larger = UnsafeMutablePointer<Bytes>.allocate(capacity: 2 * (mask + 1)), largerMask = 2 * mask + 1
    for i in head..<tail { (larger + (i & largerMask)).initialize(to: (base + (i & mask)).move()) }
    base.deallocate()
    (base, mask) = (larger, largerMask)
  }

  /// Points `vectors` at what is to be sent, up to `capacity` pieces and a packet's worth; returns pieces and bytes.
  borrowing func fill(_ vectors: UnsafeMutablePointer<ngtcp2_vec>, capacity: Int) -> (count: Int, bytes: Int) {
    var i = next, offset = sentOfNext, count = 0, bytes = 0
    while i < tail, count < capacity, bytes < 4096 {
      base[i & mask].withUnsafeBytes { piece in
        let rest = piece.count &- offset
        let start = piece.baseAddress?.advanced(by: offset).assumingMemoryBound(to: UInt8.self)
        vectors[count] = ngtcp2_vec(base: UnsafeMutablePointer(mutating: start), len: rest)
        bytes &+= rest
      }
      (count, i, offset) = (count &+ 1, i &+ 1, 0)
    }
    return (count, bytes)
  }

  /// `count` more bytes are in packets.
  mutating func sent(_ count: Int) {
    var left = count
    while left > 0, next < tail {
      let rest = base[next & mask].count &- sentOfNext
      if left < rest {
        sentOfNext &+= left
        return
      }
      (left, next, sentOfNext) = (left &- rest, next &+ 1, 0)
    }
  }

  /// The next `count` bytes have arrived: their memory is let go.
  mutating func acknowledged(_ count: Int) {
    var left = count
    while left > 0, head < tail {
      let rest = base[head & mask].count &- acknowledgedOfHead
      if left < rest {
        acknowledgedOfHead &+= left
        return
      }
      (base + (head & mask)).deinitialize(count: 1)
      (left, head, acknowledgedOfHead) = (left &- rest, head &+ 1, 0)
    }
  }

  /// Lets go of what is in no packet. The rest stays: the library may still send it again.
  mutating func dropUnsent() {
    let from = sentOfNext > 0 ? next &+ 1 : next
    if from < tail {
      for i in from..<tail { (base + (i & mask)).deinitialize(count: 1) }
      tail = from
    }
    (next, sentOfNext) = (tail, 0)
  }

  /// Lets go of everything, for a stream that the library knows no more.
  mutating func removeAll() {
    for i in head..<tail { (base + (i & mask)).deinitialize(count: 1) }
    (head, next, tail, sentOfNext, acknowledgedOfHead) = (0, 0, 0, 0, 0)
  }
}

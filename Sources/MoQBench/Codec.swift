import MoQDrafts
import MoQKernel

extension Suite {
  /// Encoding and decoding, against code written by hand for the one message in question.
  static let codec = Suite(
    name: "codec", summary: "messages and objects, encoded and decoded, against hand-written twins",
    cases: dialects.flatMap { Codec.cases(of: $0) })
}

enum Codec {
  /// A message may cost this much more than its twin.
  static let messages = 1.4
  /// A message of a few bytes costs some 50 ns more than its twin for being any message of any dialect, which is
  /// more than its twin costs at all.
  static let tinyMessages = 4.5
  /// An object with a borrowed payload may cost this much more.
  static let objects = 2.0
  /// A datagram's header is another one each time, and its type's bits decide about each field.
  static let datagrams = 4.5
  /// Objects of a stream, and bytes of each one's payload.
  static let count = 2_000, payload = 1_200

  static func cases(of dialect: any Dialect.Type) -> [Case] {
    dialect.framing == .length(.varint) ? lite(dialect) : draft(dialect)
  }

  private static func draft(_ dialect: any Dialect.Type) -> [Case] {
    let name = dialect.name, stream = Twin.Stream(.draft), datagram = Twin.datagram()
    return [
      Case("\(name) SUBSCRIBE", limit: messages) {
        race { n in
          trip(.subscribe(subscribe), dialect, n)
        } twin: { n in
          Twin.trip(
            n, TwinSubscribe(id: 4, namespace: subscribe.namespace), { $0.encode14(&$1) }, { .init(decoding14: $0) })
        }
      },
      Case("\(name) SUBSCRIBE_OK", limit: tinyMessages) {
        race { n in
          trip(.subscribeOK(subscribeOK), dialect, n)
        } twin: { n in
          Twin.trip(n, TwinSubscribeOK(id: 4, alias: 70_000), { $0.encode14(&$1) }, { .init(decoding14: $0) })
        }
      },
      Case("\(name) subgroup objects, read", limit: objects) {
        race { n in
          read(stream.bytes, dialect, n)
        } twin: { n in
          stream.read(n)
        }
      },
      Case("\(name) subgroup objects, written", limit: objects) {
        race { n in
          write(dialect, n)
        } twin: { n in
          Twin.write(.draft, n)
        }
      },
      Case("\(name) datagram, read", limit: datagrams) {
        race { n in
          read(datagram: datagram, dialect, n)
        } twin: { n in
          Twin.read(datagram: datagram, n)
        }
      },
    ]
  }

  private static func lite(_ dialect: any Dialect.Type) -> [Case] {
    let name = dialect.name, stream = Twin.Stream(.lite)
    return [
      Case("\(name) SUBSCRIBE", limit: messages) {
        race { n in
          trip(.subscribe(liteSubscribe), dialect, n)
        } twin: { n in
          Twin.trip(
            n, TwinSubscribe(id: 4, namespace: subscribe.namespace), { $0.encodeLite(&$1) }, { .init(decodingLite: $0) }
          )
        }
      },
      Case("\(name) SUBSCRIBE_OK", limit: tinyMessages) {
        race { n in
          trip(.subscribeOK(SubscribeOK()), dialect, n)
        } twin: { n in
          Twin.trip(n, TwinSubscribeOK(), { $0.encodeLite(&$1) }, { .init(decodingLite: $0) })
        }
      },
      Case("\(name) frames, read", limit: objects) {
        race { n in
          read(stream.bytes, dialect, n)
        } twin: { n in
          stream.read(n)
        }
      },
      Case("\(name) frames, written", limit: objects) {
        race { n in
          write(dialect, n)
        } twin: { n in
          Twin.write(.lite, n)
        }
      },
    ]
  }

  // MARK: What is said

  static let subscribe = {
    var m = Subscribe()
    (m.id, m.namespace, m.name, m.priority) = (4, "conference/room42/alice", Array("video-1080p".utf8), 100)
    m.filter = .range(Location(1000, 3), endGroup: 4000, endObject: nil)
    m.parameters = [Parameter(.unknown(0x21), .bytes(Array("token-0123456789".utf8)))]
    return m
  }()
  static let liteSubscribe = {
    var m = Subscribe()
    (m.id, m.namespace, m.name, m.priority) = (4, subscribe.namespace, subscribe.name, 100)
    m.filter = .currentGroup
    return m
  }()
  static let subscribeOK = {
    var m = SubscribeOK()
    (m.id, m.trackAlias, m.expiresMilliseconds, m.largest) = (4, 70_000, 60_000, Location(1000, 3))
    return m
  }()

  // MARK: Ours, as a session does it: through `any Dialect.Type`

  @inline(never) static func trip(_ message: Message, _ dialect: any Dialect.Type, _ n: Int) {
    let kind = message.kind
    var writer = WireWriter(capacity: 512), good = 0
    for _ in 0..<n {
      writer.clear()
      do throws(WireError) {
        try dialect.encode(message, into: &writer)
        var reader = WireReader(writer.span)
        if case let back = try dialect.decode(kind, from: &reader), back.kind == kind { good += 1 }
      } catch {}
    }
    precondition(good == n)
  }

  /// Reads a stream's objects and touches each one's id and payload, until `n` have been read.
  @inline(never) static func read(_ bytes: [UInt8], _ dialect: any Dialect.Type, _ n: Int) {
    let forms = dialect.objects
    var left = n, sum: UInt64 = 0
    while left > 0 {
      var reader = WireReader(bytes.span.bytes), stream = SubgroupStream(forms), header = ObjectHeader()
      guard (try? stream.walkHeader(&reader)) != nil else { return }
      while reader.remaining > 0, left > 0 {
        guard (try? stream.read(&header, from: &reader)) != nil,
          let payload = reader.slice(Int(header.payloadLength)), payload.byteCount > 0
        else { return }
        sum &+= header.id &+ UInt64(payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
        left -= 1
      }
    }
    precondition(sum > 0)
  }

  /// Writes headers into a buffer that is kept, as is done for each subscriber; payloads are not touched.
  @inline(never) static func write(_ dialect: any Dialect.Type, _ n: Int) {
    let forms = dialect.objects
    var writer = WireWriter(capacity: 16 * count), left = n
    while left > 0 {
      var stream = SubgroupStream(forms), header = ObjectHeader()
      writer.clear()
      try? stream.walkHeader(&writer)
      header.payloadLength = UInt64(payload)
      for id in 0..<min(count, left) {
        header.id = UInt64(id)
        try? stream.write(header, to: &writer)
      }
      left -= count
    }
    precondition(writer.count > 0)
  }

  @inline(never) static func read(datagram: [UInt8], _ dialect: any Dialect.Type, _ n: Int) {
    guard var walk = ObjectDatagram(dialect.objects) else { return }
    var sum: UInt64 = 0
    for _ in 0..<n {
      var reader = WireReader(datagram.span.bytes), header = ObjectHeader()
      guard (try? walk.read(&header, from: &reader)) != nil, let payload = reader.slice(reader.remaining) else {
        return
      }
      sum &+= header.id &+ UInt64(payload.unsafeLoad(fromByteOffset: 0, as: UInt8.self))
    }
    precondition(sum > 0)
  }
}

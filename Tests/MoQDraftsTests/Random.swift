import Foundation
import MoQKernel

/// Random numbers that a seed repeats (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
    return z ^ z >> 31
  }
  mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(next() % UInt64(bound)) : 0 }
  mutating func chance(_ oneIn: Int) -> Bool { below(oneIn) == 0 }
  mutating func element<T>(_ list: [T]) -> T { list[below(list.count)] }
}

/// How many cases a property is tried with, and from which seed: `MOQ_CASES` (more where
/// `CI` is set), `MOQ_SEED`.
enum Cases {
  private static let environment = ProcessInfo.processInfo.environment
  static let count = environment["MOQ_CASES"].flatMap { Int($0) } ?? (environment["CI"] == nil ? 20_000 : 250_000)
  static let seed = environment["MOQ_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
}

/// Random values: mostly at the ends of ranges, where mistakes are.
extension SeededGenerator {
  /// A number that RFC 9000 can write; once in a while one that it cannot.
  mutating func number() -> UInt64 {
    switch below(12) {
    case 0: 0
    case 1: element([63, 64, 16_383, 16_384, 0x3fff_ffff, 0x4000_0000])
    case 2: 0x3fff_ffff_ffff_ffff
    case 3: chance(4) ? element([0x4000_0000_0000_0000, .max]) : 1
    case 4...6: next() >> UInt64(2 + below(62))
    default: UInt64(below(20))
    }
  }
  mutating func bytes(upTo count: Int) -> [UInt8] {
    let length = chance(3) ? below(count + 1) : below(min(count, 12) + 1)
    return (0..<length).map { _ in UInt8(truncatingIfNeeded: next()) }
  }
  mutating func text() -> [UInt8] {
    chance(8) ? bytes(upTo: 40) : Array(element(["", "live", "video", "a/b", "zürich", "x", "/", "room 7"]).utf8)
  }
  mutating func namespace() -> TrackNamespace {
    let count = chance(20) ? below(40) : 1 + below(4)
    return TrackNamespace((0..<count).map { _ in chance(200) ? bytes(upTo: 5_000) : text() })
  }
  mutating func location() -> Location { Location(number(), number()) }
  mutating func order() -> GroupOrder { element([.publisher, .ascending, .descending]) }
  mutating func priority() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
  mutating func filter() -> Filter {
    switch below(7) {
    case 5: .currentGroupThrough(number())
    case 6: .range(Location(number(), 0), endGroup: number(), endObject: nil)
    case 0: .currentGroup
    case 1: .nextGroup
    case 2: .nextObject
    case 3: .from(location())
    default: .range(location(), endGroup: number(), endObject: chance(2) ? nil : number())
    }
  }
  mutating func token() -> AuthorizationToken {
    switch below(4) {
    case 0: .delete(alias: number())
    case 1: .register(alias: number(), type: number(), text())
    case 2: .alias(number())
    default: .value(type: number(), text())
    }
  }
  mutating func parameters() -> [Parameter] {
    (0..<(chance(3) ? below(5) : chance(300) ? 70 : 0)).map { _ in
      let key: Parameter.Key = element([
        .role, .path, .maxRequestID, .authorization, .maxTokenCacheSize, .authority, .implementation, .deliveryTimeout,
        .maxCacheDuration, .unknown(number()), .unknown(0x21), .unknown(0x22),
      ])
      let value: Parameter.Value = chance(3) ? .number(number()) : chance(2) ? .bytes(text()) : .token(token())
      return Parameter(key, value)
    }
  }
}

import MoQKernel

/// transfork-03 as the Rust crate moq-transfork 0.8 speaks it: a priority is one raw byte, an order is ascending
/// or descending and never left open, INFO is in another order, and "live" is never sent.
///
/// Known by ALPN `moqf-02`, which that implementation has on raw QUIC for every version.
public enum Transfork03MoqRs: Transfork, Variant {
  public typealias Base = Transfork03
  public static var profile: String? { "moq-rs" }
  public static var hand: TransforkHand {
    TransforkHand(hasRawPriority: true, hasDecidedOrder: true, endsWithLatest: true)
  }
}

/// The same under 0xff0bad02, the number that the crate's releases before 0.9 and the JavaScript client beside it
/// say: what they write is not the text of 02, and is that of 03 as far as `Transfork03MoqRs` has it.
public enum Transfork02MoqRs: Variant {
  public typealias Base = Transfork03MoqRs
  public static var profile: String? { "moq-rs-02" }
  public static var version: UInt64 { 0xff0b_ad02 }
}

/// The never published 0xff0bad04 of the Rust crate moq-transfork 0.9 and later: paths are one string, and there
/// is no Group Expires; otherwise as `Transfork03MoqRs`.
public enum Transfork04MoqRs: Transfork, Variant {
  public typealias Base = Transfork03MoqRs
  public static var profile: String? { "moq-rs-04" }
  public static var version: UInt64 { 0xff0b_ad04 }
  public static var hand: TransforkHand {
    var hand = Base.hand
    (hand.paths, hand.hasExpires) = (.string, false)
    return hand
  }
}

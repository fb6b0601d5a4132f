import MoQKernel

/// The numbers of parameters, draft by draft.
extension ParameterSpelling {
  /// §6.2.2 of draft-07.
  static var setup07: Self { .init(.lengths, role: 0, path: 1, maxRequestID: 2) }
  /// §7.2.2 of draft-08: ROLE is gone.
  static var setup08: Self { .init(.lengths, path: 1, maxRequestID: 2) }
  /// §8.3.2 of draft-11.
  static var setup11: Self { .init(.pairs, path: 1, maxRequestID: 2, maxTokenCacheSize: 4) }
  /// §8.3.2 of draft-12.
  static var setup12: Self { .init(.pairs, path: 1, maxRequestID: 2, authorization: 3, maxTokenCacheSize: 4) }
  /// AUTHORITY and MOQT_IMPLEMENTATION are both printed as 0x05 in 14 (§9.3.2); 15 has 0x07 for the latter, and so
  /// has every peer of 14.
  static var setup14: Self {
    .init(.pairs, path: 1, maxRequestID: 2, authorization: 3, maxTokenCacheSize: 4, authority: 5, implementation: 7)
  }

  /// §6.1.1 of draft-07, through 10.
  static var message07: Self { .init(.lengths, authorization: 2, deliveryTimeout: 3, maxCacheDuration: 4) }
  /// §8.2.1 of draft-11.
  static var message11: Self { .init(.pairs, authorization: 1, deliveryTimeout: 2, maxCacheDuration: 4) }
  /// §8.2.1 of draft-12, through 14: a token has the same number as in SETUP.
  static var message12: Self { .init(.pairs, authorization: 3, deliveryTimeout: 2, maxCacheDuration: 4) }
}

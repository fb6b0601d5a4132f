import MoQDrafts

/// The dialects whose bytes are known, as arguments of tests.
let dialectNames: [String] = dialects.map { $0.name }

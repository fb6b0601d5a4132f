import MoQDrafts

/// The registered dialects, as arguments of tests.
let dialectNames: [String] = dialects.map { $0.name }

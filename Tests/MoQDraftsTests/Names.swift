import MoQDrafts

/// The dialects whose bytes are known, as arguments of tests.
let dialectNames: [String] = codecs.map { $0.name }

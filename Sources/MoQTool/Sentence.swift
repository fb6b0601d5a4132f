import MoQ

/// Turns errors into the sentence that a user reads: what failed, where, and what to try.
enum Sentence {
  static func of(_ error: any Error) -> String {
    switch error {
    case let failure as Failure: failure.sentence
    case let error as MoQError: error.message
    case is CancellationError: "it was cancelled"
    default: "\(error)"
    }
  }

  /// Whether the command line was wrong, rather than the world.
  static func isMisuse(_ error: any Error) -> Bool {
    (error as? MoQError)?.code == .badURL
  }
}

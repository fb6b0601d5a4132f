/// Turns errors into the sentence that a user reads: what failed, where, and what to try.
enum Explanation {
  static func sentence(for error: any Error) -> String {
    switch error {
    case let failure as Failure: failure.sentence
    default: "\(error)"
    }
  }
}

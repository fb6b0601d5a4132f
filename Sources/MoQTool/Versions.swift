/// What this tool is made of.
enum Versions {
  static let tool = "0.1.0"
  static var text: String { "moq \(tool)\n" }
}

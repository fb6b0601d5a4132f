import Foundation

/// Where the tests' files are.
enum Files {
  /// The package's folder.
  static let package = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  /// Material beside the package, that is not everywhere: public vectors, drafts, recordings.
  static let shared = package.appending(path: "../shared").standardizedFileURL

  static func exists(_ folder: URL) -> Bool { FileManager.default.fileExists(atPath: folder.path) }

  /// All files below a folder whose name ends so, by path relative to it.
  static func list(_ folder: URL, suffix: String) -> [String] {
    let found =
      FileManager.default.enumerator(atPath: folder.resolvingSymlinksInPath().path)?.compactMap { $0 as? String } ?? []
    return found.filter { $0.hasSuffix(suffix) }.sorted()
  }
  static func bytes(_ file: URL) throws -> [UInt8] { [UInt8](try Data(contentsOf: file)) }
}

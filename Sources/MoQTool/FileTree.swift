import Foundation
import MoQKernel

/// Files that a command is pointed at: one, or all of a folder.
enum FileTree {
  /// The files at or below `path` whose names end so, in order. A file that is named itself is taken whatever its name.
  static func files(at path: String, suffix: String) throws -> [String] {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Failure("there is no \(path); name a folder or a file")
    }
    guard isFolder.boolValue else { return [path] }
    let found = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
    let root = path.hasSuffix("/") ? String(path.dropLast()) : path
    return found.filter { $0.hasSuffix(suffix) }.sorted().map { "\(root)/\($0)" }
  }

  static func contents(of path: String) throws -> [UInt8] {
    do { return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) } catch {
      throw Failure("cannot read \(path): \((error as NSError).localizedFailureReason ?? "it is not readable")")
    }
  }

  static func absolute(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}

/// What came of many checks. The last line says so: `N passed, N failed, N skipped`.
struct Tally {
  var passed = 0, failed = 0, skipped = 0

  func end(isJSON: Bool) throws {
    try Output.standard.line(
      isJSON
        ? JSON.line([
          "passed": .number(UInt64(passed)), "failed": .number(UInt64(failed)), "skipped": .number(UInt64(skipped)),
        ])
        : "\(passed) passed, \(failed) failed, \(skipped) skipped")
    if failed > 0 { throw Failed() }
  }
}

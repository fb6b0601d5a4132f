import CQuic
import Glibc
import MoQKernel

/// Files that a command is pointed at: one, or all of a folder.
enum FileTree {
  /// The most bytes of a file that are read.
  static let maximumSize = 256 << 20

  /// The files at or below `path` whose names end so, in order. A file that is named itself is taken whatever its name.
  static func files(at path: String, suffix: String) throws -> [String] {
    var about = stat()
    guard stat(path, &about) == 0 else { throw Failure("there is no \(path); name a folder or a file") }
    guard about.st_mode & S_IFMT == S_IFDIR else { return [path] }
    var folders = [path.hasSuffix("/") ? String(path.dropLast()) : path], found: [String] = []
    while let folder = folders.popLast() {
      for name in names(in: folder) where name != "." && name != ".." {
        let path = "\(folder)/\(name)"
        // Links to folders are not followed: they may lead in circles.
        if lstat(path, &about) == 0, about.st_mode & S_IFMT == S_IFDIR {
          folders.append(path)
        } else if name.hasSuffix(suffix) {
          found.append(path)
        }
      }
    }
    return found.sorted()
  }

  private static func names(in folder: String) -> [String] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      names.append(
        withUnsafeBytes(of: &entry.pointee.d_name) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return names
  }

  static func contents(of path: String) throws -> [UInt8] {
    var size = 0
    guard let memory = cq_file_read(path, maximumSize, &size) else {
      throw Failure("cannot read \(path): \(lastError())")
    }
    defer { cq_file_free(memory) }
    return [UInt8](UnsafeRawBufferPointer(start: memory, count: size))
  }

  /// The path of a file that is there, from the root.
  static func absolute(_ path: String) -> String {
    guard let whole = realpath(path, nil) else { return path }
    defer { free(whole) }
    return String(cString: whole)
  }
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

import Foundation
import MoQDrafts
import Testing

/// The registers at the end of the drafts' READMEs: what a text demands, and the test that shows it.
@Suite struct RegisterTests {
  private struct Row {
    var section: Substring, tests: [Substring], isGap: Bool, text: String
  }
  private static let readmes: [URL] = {
    let folder = Files.package.appending(path: "Drafts")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.sorted().map { folder.appending(path: "\($0)/README.md") }.filter {
      FileManager.default.fileExists(atPath: $0.path)
    }
  }()
  private func rows(_ readme: URL) throws -> [Row] {
    let text = try String(contentsOf: readme, encoding: .utf8)
    guard let register = text.range(of: "\n## Register\n") else { return [] }
    return text[register.upperBound...].split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|").map { $0.trimmingPrefix { $0 == " " } }
      guard cells.count == 3, let section = cells.first, section.hasPrefix("§"), let last = cells.last else {
        return nil
      }
      let words = last.split(separator: "`", omittingEmptySubsequences: false)
      // Every other piece stands between backticks.
      let tests = words.indices.filter { $0 % 2 == 1 }.map { words[$0] }
      return Row(section: section, tests: tests, isGap: last.hasPrefix("gap"), text: String(line))
    }
  }
  /// The functions of each suite, by the file that has both.
  private func declared() throws -> [String: Set<Substring>] {
    let folder = Files.package.appending(path: "Tests")
    let all = (FileManager.default.enumerator(atPath: folder.path)?.allObjects as? [String]) ?? []
    var declared: [String: Set<Substring>] = [:]
    for path in all where path.hasSuffix(".swift") {
      let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
      var functions: Set<Substring> = [], suites: [String] = []
      for match in text.matches(of: #/\bfunc (\w+)/#) { functions.insert(match.1) }
      for match in text.matches(of: #/(?:struct|class) (\w+)/#) { suites.append(String(match.1)) }
      for suite in suites { declared[suite, default: []].formUnion(functions) }
    }
    return declared
  }

  @Test func everyTestOfARegisterExists() throws {
    let declared = try declared()
    for readme in Self.readmes {
      for row in try rows(readme) {
        #expect(row.isGap || !row.tests.isEmpty, "\(row.text)")
        for test in row.tests {
          let names = test.split(separator: ".")
          try #require(names.count == 2, "\(test)")
          #expect(declared[String(names[0])]?.contains(names[1]) == true, "\(readme.path): \(test)")
        }
      }
    }
  }
  /// Every dialect has one; draft-14's, which the older ones refer to, is the long one.
  @Test func thereAreRegisters() throws {
    #expect(Self.readmes.count >= dialects.count)
    for readme in Self.readmes {
      let isModel = readme.path.contains("draft-14")
      #expect(try rows(readme).count >= (isModel ? 60 : 5), "\(readme.path)")
    }
  }
}

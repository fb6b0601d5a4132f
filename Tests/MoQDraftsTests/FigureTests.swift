import Foundation
import MoQDrafts
import MoQKernel
import Testing

/// A dialect's `figures.txt`.
struct Figures {
  struct Figure {
    var name: String
    var section: String
    /// As the text prints them.
    var printed: [WireTracer.Line] = []
    /// With errata mended.
    var meant: [WireTracer.Line] = []
  }
  var figures: [Figure] = []

  init(_ dialect: any Dialect.Type) throws {
    let file = Files.package.appending(path: "Drafts/\(dialect.name)/figures.txt")
    for line in String(decoding: try Files.bytes(file), as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#")
    {
      if line.hasPrefix("§") {
        let words = line.split(separator: " ", maxSplits: 1)
        figures.append(Figure(name: String(words[1]), section: String(words[0])))
        continue
      }
      let field = line.drop { $0 == " " }, last = figures.count - 1
      if field.hasPrefix("! ") {
        figures[last].meant.removeLast()
        figures[last].meant += try lines(field.dropFirst(2).prefix { $0 != ":" })
      } else {
        let lines = try lines(field)
        figures[last].meant += lines
        if !field.hasPrefix("= ") { figures[last].printed += lines }
      }
    }
  }
  subscript(name: String) -> Figure? { figures.first { $0.name == name } }

  /// A field; or, for `= NAME`, another figure's fields, without its type.
  private func lines(_ field: Substring) throws -> [WireTracer.Line] {
    let optional = field.hasPrefix("["), text = field.drop { $0 == "[" }.prefix { $0 != "]" }
    guard !text.isEmpty else { return [] }
    guard text.hasPrefix("= ") else { return [.init(String(text), optional: optional)] }
    let other = try #require(self[String(text.dropFirst(2))])
    return other.meant.filter { !$0.text.hasPrefix("Type (i)") }.map {
      .init($0.text, optional: optional || $0.optional)
    }
  }
}

/// The figures of a draft's text.
struct DraftText {
  let text: String
  init(_ dialect: any Dialect.Type) throws {
    let name = dialect.name.hasPrefix("draft") ? "moq-transport-\(dialect.name.suffix(2))" : dialect.name
    text = String(decoding: try Files.bytes(Files.shared.appending(path: "specs/\(name).md")), as: UTF8.self)
  }
  /// A figure's fields; nil where there is none of that name. Two figures of each draft have a title but no name.
  func figure(_ name: String) throws -> [WireTracer.Line]? {
    let titled = [
      "Subgroup Object": ["MOQT Subgroup Object Fields", "MOQT Subgroup Fields", "MOQT Group Stream Object Fields"],
      "Fetch Object": ["MOQT Fetch Object Fields"],
    ]
    let body: Substring
    if let titles = titled[name] {
      guard let end = titles.lazy.compactMap({ text.range(of: "title=\"\($0)\"") }).first else { return nil }
      let before = text[..<end.lowerBound]
      guard let from = before.range(of: "\n{\n", options: .backwards),
        let to = before.range(of: "\n}\n", options: .backwards)
      else { return nil }
      body = text[from.upperBound..<to.lowerBound]
    } else {
      let pattern = try Regex<(Substring, Substring)>(
        "(?m)^\(name == "Token" ? "T(?:oken|OKEN)" : name)(?: Message)?\\s*\\{\\n([^}]*)\\n\\}")
      guard let match = text.firstMatch(of: pattern) else { return nil }
      body = match.output.1
    }
    var depth = 0, lines: [WireTracer.Line] = []
    for line in body.split(separator: "\n") {
      depth += line.count { $0 == "[" }
      let bare = line.contains("(...)") ? line : line.replacing("...", with: "")
      let field = bare.trimmingCharacters(in: CharacterSet(charactersIn: " ,[]"))
      if !field.isEmpty { lines.append(.init(field, optional: depth > 0)) }
      depth -= line.count { $0 == "]" }
    }
    return lines
  }
}

@Suite struct FigureTests {
  @Test(arguments: dialectNames)
  func everyMessageIsItsFigure(name: String) throws {
    let dialect = try #require(dialects.named(name)), figures = try Figures(dialect)
    var compared: Set<String> = []
    for kind in MessageKind.allCases where dialect.speaks(kind) {
      let name = dialect.name(of: kind)
      let figure = try #require(figures[name], "figures.txt has no \(name)")
      #expect(try dialect.figure(of: kind) == figure.meant, "\(name)")
      // A message that consists of several figures is in the section of one of them.
      let section = dialect.section(of: kind).description
      #expect(section.hasPrefix("§"))
      #expect(figure.section == section || figure.section.hasPrefix(section + "."), "\(name) is in \(figure.section)")
      compared.insert(name)
    }
    #expect(compared.count >= 9)
  }

  @Test func theDataPlaneIsItsFigures() throws {
    let figures = try Figures(Draft14.self), forms = Draft14.objects, payload = WireTracer.Line("Object Payload (..)")
    let header = try WireTracer.figure { wire throws(WireError) in
      var stream = SubgroupStream(forms, flags: .subgroupID)
      try stream.walkHeader(&wire)
    }
    // The one condition that no type of 14 leaves open is the priority's.
    #expect(header.map(\.text) == figures["SUBGROUP_HEADER"]?.meant.map(\.text))
    #expect(header.filter(\.optional).map(\.text) == ["Subgroup ID (i)", "Publisher Priority (8)"])
    let object = try WireTracer.figure { wire throws(WireError) in
      var stream = SubgroupStream(forms), header = ObjectHeader()
      stream.begin(&header)
      try stream.walk(&header, &wire)
    }
    #expect(object + [payload] == figures["Subgroup Object"]?.meant)
    let fetch = try WireTracer.figure { wire throws(WireError) in
      guard var stream = FetchStream(forms) else { return }
      try stream.walkHeader(&wire)
    }
    #expect(fetch == figures["FETCH_HEADER"]?.meant.map { .init($0.text.replacing(" = 0x5", with: "")) })
    let fetched = try WireTracer.figure { wire throws(WireError) in
      guard var stream = FetchStream(forms) else { return }
      var header = ObjectHeader()
      try stream.walk(&header, &wire)
    }
    #expect(fetched + [payload] == figures["Fetch Object"]?.meant)
    let datagram = try WireTracer.figure { wire throws(WireError) in
      guard var datagram = ObjectDatagram(forms) else { return }
      var header = ObjectHeader()
      try datagram.walk(&header, &wire)
    }
    #expect((datagram + [payload]).map(\.text) == figures["OBJECT_DATAGRAM"]?.meant.map(\.text))
    #expect(try WireTracer.figure(AuthorizationToken.self, .alias(1)) == figures["Token"]?.meant)
  }

  @Test(arguments: [Lite01.self, Transfork03.self] as [any Dialect.Type])
  func aGroupIsItsFigures(dialect: any Dialect.Type) throws {
    let figures = try Figures(dialect), forms = dialect.objects
    let header = try WireTracer.figure { wire throws(WireError) in
      var stream = SubgroupStream(forms)
      try stream.walkHeader(&wire)
    }
    let type = try #require(figures["STREAM_TYPE"]?.meant.first)
    #expect("Stream \(header[0])" == type.text)
    #expect(Array(header.dropFirst()) == figures["GROUP"]?.meant)
    let frame = try WireTracer.figure { wire throws(WireError) in
      var stream = SubgroupStream(forms), header = ObjectHeader()
      stream.begin(&header)
      try stream.walk(&header, &wire)
    }
    // Bytes are a length and as many bytes.
    let whole = frame + [.init("Payload (..)")], bytes = [WireTracer.Line("Payload (b)")]
    let short = whole.map(\.text) == ["Payload Length (i)", "Payload (..)"] ? bytes : whole
    #expect(short == figures["FRAME"]?.meant)
  }

  /// What `figures.txt` says is printed is printed, and no figure of the text is missing in it.
  @Test(
    .enabled(if: Files.exists(Files.shared.appending(path: "specs")), "the drafts' texts are not here"),
    arguments: dialectNames)
  func theFiguresAreTheTexts(name: String) throws {
    let dialect = try #require(dialects.named(name)), text = try DraftText(dialect), figures = try Figures(dialect)
    for figure in figures.figures {
      guard let printed = try text.figure(figure.name) else {
        // A message that the text describes as "identical to" has a type and no figure.
        #expect(figure.printed.count == 1, "the text has no \(figure.name)")
        continue
      }
      #expect(printed == figure.printed, "\(figure.name)")
    }
    let names = text.text.matches(of: try Regex<(Substring, Substring)>("(?m)^([A-Z][A-Z_]+)(?: Message)?\\s*\\{$"))
    // The examples at a draft's end are no figures.
    let examples: Set = ["STREAM_HEADER_TRACK", "STREAM_HEADER_GROUP", "TOKEN"]
    for name in names.map({ String($0.output.1) }) where !examples.contains(name) {
      #expect(figures[name] != nil, "figures.txt has no \(name)")
    }
  }
}

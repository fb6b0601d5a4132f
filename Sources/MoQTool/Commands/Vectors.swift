import MoQDrafts
import MoQKernel

extension Command {
  private static let path = Operand(
    "PATH", .optional, "a folder of vectors in the public schema, or a file (default Vectors)")
  private static let draft = Option("draft", short: "d", takes: .repeated("NAME"), "only this dialect's vectors")
  private static let explain = Option("explain", "print what every byte of every vector means")
  private static let except = Option(
    "except", takes: .one("FILE"),
    "skip the vectors in this Markdown table: dialect file `id`, what it expects, the text")

  static let vectorsVerify = Command(
    name: "vectors verify",
    summary: "hold the dialects against test vectors, both ways",
    operands: [path],
    options: [("Options", [draft, explain, except, .json])],
    details: "Each vector is decoded and encoded again, or must be refused for the reason it gives. The folders of the "
      + "path say which dialect a file is of. Those of dialects that are not spoken here are skipped.",
    examples: [
      ("our own", "moq vectors verify"),
      ("the public ones of one dialect", "moq vectors verify ../shared/vectors --draft draft-14"),
    ]
  ) { arguments in
    let drafts = arguments.texts(draft), isJSON = arguments.has(.json)
    for name in drafts { try checkDialect(name, among: dialects.map { $0.name }) }
    var exceptions = VectorException.known
    if let file = arguments.text(except) {
      let listed = VectorException.list(markdown: String(decoding: try FileTree.contents(of: file), as: UTF8.self))
      guard !listed.isEmpty else { throw Failure("\(file) lists no exception; a row is | dialect file `id` | … | … |") }
      exceptions += listed
    }
    var tally = Tally(), unspoken: [String: Int] = [:]
    for file in try vectorFiles(arguments) {
      guard let dialect = file.dialect else {
        if drafts.isEmpty { unspoken[file.folder, default: 0] += file.vectors.count }
        continue
      }
      guard drafts.isEmpty || drafts.contains(dialect.name) else { continue }
      let results = VectorRunner(dialect, exceptions: exceptions).run(file.bytes, path: file.path)
      for (index, result) in results.enumerated() {
        tally.count(result.outcome)
        try Output.standard.write(isJSON ? "\(result.json)\n" : result.text)
        if arguments.has(explain), !isJSON, file.vectors.indices.contains(index) {
          try Output.standard.write(Reading.explained(file.vectors[index], in: dialect, path: file.path))
        }
      }
    }
    for (folder, count) in unspoken.sorted(by: { $0.key < $1.key }) {
      tally.skipped += count
      if !isJSON {
        try Output.standard.write("skipped: \(folder): \(count) vectors of a dialect that is not spoken here\n")
      }
    }
    try tally.end(isJSON: isJSON)
  }

  static let vectorsList = Command(
    name: "vectors list",
    summary: "list test vectors: what each is, and its bytes",
    operands: [path],
    options: [("Options", [draft, .json])],
    examples: [("ours", "moq vectors list"), ("one dialect's", "moq vectors list ../shared/vectors --draft draft-14")]
  ) { arguments in
    let drafts = arguments.texts(draft)
    for name in drafts { try checkDialect(name, among: dialects.map { $0.name }) }
    for file in try vectorFiles(arguments) where drafts.isEmpty || drafts.contains(file.dialect?.name ?? "") {
      for vector in file.vectors {
        let (id, hex) = (vector["id"]?.text ?? "?", vector["hex"]?.text ?? "")
        let what = vector["description"]?.text ?? "", refusal = vector["error"]?.text
        if arguments.has(.json) {
          try Output.standard.line(
            JSON.line([
              "file": .string(file.path), "id": .string(id), "description": .string(what), "hex": .string(hex),
              "error": .optional(refusal),
            ]))
        } else {
          let expectation = refusal.map { " (\($0))" } ?? ""
          try Output.standard.write("\(file.path) \(id)\(expectation): \(what)\n  \(hex)\n")
        }
      }
    }
  }

  private static func vectorFiles(_ arguments: Arguments) throws -> [VectorFile] {
    let path = arguments.operand(0) ?? "Vectors"
    let files = try FileTree.files(at: path, suffix: ".json").map { try VectorFile($0) }.filter { !$0.vectors.isEmpty }
    guard !files.isEmpty else {
      throw Failure("no vectors are in \(path); name a folder of vectors in the public schema")
    }
    return files
  }
}

/// A file that may hold vectors.
private struct VectorFile {
  let path: String
  let bytes: [UInt8]
  let vectors: [JSON]
  /// nil: none of ours.
  let dialect: (any Dialect.Type)?

  init(_ path: String) throws {
    self.path = path
    bytes = try FileTree.contents(of: path)
    do { vectors = try JSON(parsing: bytes)["vectors"]?.elements ?? [] } catch {
      throw Failure("\(path) is no JSON: \(error)")
    }
    dialect =
      VectorRunner.dialect(of: path, among: dialects)
      ?? VectorRunner.dialect(of: FileTree.absolute(path), among: dialects)
  }

  /// The folder that names the dialect, as far as it can be told: `draft07`.
  var folder: String {
    let folders = path.split(separator: "/").dropLast()
    return String(folders.first { $0.wholeMatch(of: /(draft|moq-lite|transfork)-?\d+/) != nil } ?? folders.last ?? "?")
  }
}

extension Tally {
  fileprivate mutating func count(_ outcome: VectorResult.Outcome) {
    switch outcome {
    case .passed: passed += 1
    case .failed: failed += 1
    case .skipped: skipped += 1
    }
  }
}

extension VectorResult {
  /// What is worth a line: all but success.
  fileprivate var text: String {
    let style = Style(for: .standard)
    switch outcome {
    case .passed: return ""
    case .skipped(let reason): return "skipped: \(path) \(id): \(reason)\n"
    case .failed(let why, let detail):
      let lines = detail.split(separator: "\n").map { "  \($0)\n" }.joined()
      return "\(style.red("failed:")) \(path) \(id) \(why)\n\(lines)"
    }
  }
  fileprivate var json: String {
    var members = [JSON.Member("file", .string(path)), JSON.Member("id", .string(id))]
    switch outcome {
    case .passed: members.append(JSON.Member("outcome", .string("passed")))
    case .skipped(let reason):
      members += [JSON.Member("outcome", .string("skipped")), JSON.Member("reason", .string(reason))]
    case .failed(let why, let detail):
      members += [JSON.Member("outcome", .string("failed")), JSON.Member("reason", .string(why))]
      members.append(JSON.Member("detail", .string(detail)))
    }
    return JSON.object(members).description
  }
}

/// One test vector, run.
public struct VectorResult: Sendable {
  public enum Outcome: Equatable, Sendable {
    case passed
    /// What is wrong in a line, and where: the field and the bytes around it.
    case failed(String, detail: String)
    case skipped(reason: String)
  }
  /// The file's path, as it was given.
  public var path: String
  public var id: String
  public var outcome: Outcome
  public init(path: String, id: String, outcome: Outcome) { (self.path, self.id, self.outcome) = (path, id, outcome) }
}

/// A vector that contradicts its draft, and is therefore not run.
public struct VectorException: Equatable, Sendable {
  /// The dialect's name without its dash, as the folders of the public vectors have it: `draft14`.
  public var dialect: String
  /// The end of the file's path, without its extension: `messages/publish-namespace-ok`.
  public var file: String
  public var id: String
  /// The bytes, so that a vector of the same name elsewhere is not meant.
  public var hex: String?
  public var reason: String
  public init(dialect: String, file: String, id: String, hex: String? = nil, reason: String) {
    (self.dialect, self.file, self.id, self.hex, self.reason) = (dialect, file, id, hex, reason)
  }

  /// Those we know of.
  public static var known: [VectorException] {
    [
      all(
        "draft08", "data-streams/datagram", "has the length that the figure of §8.2 prints; its prose has none",
        [
          "datagram-4byte-payload": "01010200800004deadbeef", "datagram-zero-payload": "010540643240000000",
          "datagram-end-of-group": "0101000580000003", "datagram-object-does-not-exist": "0101050780000001",
          "datagram-with-extensions": "010100008002022a0302cafe04deadbeef",
        ]),
      all(
        "draft11", "data-streams/datagram", "has status 5; §9.1.1.1 ends with 4",
        ["datagram-status-end-of-track": "02010b008005"]),
      all(
        "draft11", "data-streams/fetch-header", "has status 5; §9.1.1.1 ends with 4",
        ["fetch-end-of-track": "05020b000080000005"]),
      all(
        "draft11", "data-streams/subgroup", "has status 5; §9.1.1.1 ends with 4",
        ["subgroup-end-of-track": "080100800004deadbeef010005"]),
      all(
        "draft12", "data-streams/datagram", "is a status of type 2 or 3; by the tables of §9 and §9.3.1 it is 4 or 5",
        [
          "datagram-status": "020100058003", "datagram-status-does-not-exist": "020105078001",
          "datagram-status-end-of-track-and-group": "02010a068004", "datagram-status-end-of-track": "02010b008005",
          "datagram-status-with-extensions": "030100008006022a0302cafe03",
        ]),
      all(
        "draft12", "data-streams/fetch-header", "has status 5; §9.2.1.1 ends with 4",
        ["fetch-end-of-track": "05020b000080000005"]),
      all(
        "draft12", "data-streams/subgroup", "has status 5; §9.2.1.1 ends with 4",
        ["subgroup-end-of-track": "100100800004deadbeef010005"]),
      all(
        "draft14", "messages/publish-namespace-ok",
        "expects a parameter count; the figure of §9.24 has the request id alone", ["basic": "0700020100"]),
      all(
        "draft14", "messages/subscribe-namespace-ok",
        "expects a parameter count; the figure of §9.29 has the request id alone", ["basic": "1200020100"]),
    ].flatMap(\.self)
  }
  /// Vectors of a file by their ids and bytes, for one reason.
  private static func all(
    _ dialect: String, _ file: String, _ reason: String, _ vectors: KeyValuePairs<String, String>
  ) -> [VectorException] {
    vectors.map { VectorException(dialect: dialect, file: file, id: $0.key, hex: $0.value, reason: reason) }
  }

  /// Those of a Markdown table whose first column is: dialect, file, `id`, (`hex`), and whose second and third
  /// column say what the vector expects and what the text has.
  public static func list(markdown: String) -> [VectorException] {
    markdown.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false).map { trimmed($0) }
      guard cells.count >= 4, cells[0].isEmpty else { return nil }
      let quoted = cells[1].split(separator: "`", omittingEmptySubsequences: false)
      let words = (quoted.first ?? "").split(separator: " ")
      guard quoted.count >= 3, words.count == 2 else { return nil }
      return VectorException(
        dialect: String(words[0]), file: String(words[1]), id: String(quoted[1]),
        hex: quoted.count >= 5 ? String(quoted[3]) : nil, reason: "expects \(cells[2]); the text: \(cells[3])")
    }
  }
  private static func trimmed(_ cell: Substring) -> String {
    let rest = cell.drop { $0 == " " }
    return String(rest.prefix(rest.count - rest.reversed().prefix { $0 == " " }.count))
  }

  func covers(_ file: String, _ id: String, _ hex: String, of dialect: String) -> Bool {
    self.dialect.filter { $0 != "-" } == dialect.filter { $0 != "-" } && id == self.id && (self.hex ?? hex) == hex
      && (file == "\(self.file).json" || file.hasSuffix("/\(self.file).json"))
  }
}

/// Holds a dialect's layouts against test vectors in the public schema, both ways. No I/O: bytes in, results out.
public struct VectorRunner: Sendable {
  public var dialect: any Dialect.Type
  public var exceptions: [VectorException]
  public init(_ dialect: any Dialect.Type, exceptions: [VectorException] = VectorException.known) {
    (self.dialect, self.exceptions) = (dialect, exceptions)
  }

  /// The dialect whose name is a folder of the path, with its dash or without: `transport/draft14/codec/…`.
  public static func dialect(of path: String, among dialects: [any Dialect.Type]) -> (any Dialect.Type)? {
    let folders = Set(path.split(separator: "/").map { $0.filter { $0 != "-" } })
    return dialects.first { folders.contains($0.name.filter { $0 != "-" }) }
  }

  /// Runs a file's vectors. `path` decides what they are, and is what results are called by.
  public func run(_ file: [UInt8], path: String) -> [VectorResult] {
    let json: JSON
    do { json = try JSON(parsing: file) } catch {
      return [VectorResult(path: path, id: "file", outcome: .failed("no JSON: \(error)", detail: ""))]
    }
    guard let vectors = json["vectors"]?.elements, let type = json["message_type"]?.text else {
      return [VectorResult(path: path, id: "file", outcome: .skipped(reason: "not a file of vectors"))]
    }
    return vectors.map { vector in
      let id = vector["id"]?.text ?? "?", hex = vector["hex"]?.text ?? ""
      let exception = exceptions.first { $0.covers(path, id, hex, of: dialect.name) }
      let outcome = exception.map { .skipped(reason: $0.reason) } ?? run(vector, type, path)
      return VectorResult(path: path, id: id, outcome: outcome)
    }
  }

  func run(_ vector: JSON, _ type: String, _ path: String) -> VectorResult.Outcome {
    guard let hex = vector["hex"]?.text, let bytes = JSON.bytes(hex: hex) else {
      return .failed("has no hex", detail: "")
    }
    if type == "varint" { return runVarint(vector, bytes) }
    let stem = path.split(separator: "/").last.map { $0.prefix { $0 != "." } } ?? ""
    let explanation: Explanation, isMessage: Bool
    if path.contains("data-streams/") {
      isMessage = false
      explanation = stem.contains("datagram") ? dialect.explain(datagram: bytes) : dialect.explain(stream: bytes)
    } else {
      isMessage = true
      let kind = MessageKind.allCases.first { dialect.speaks($0) && dialect.name(of: $0).lowercased() == type }
      guard kind != nil || type == "unknown" else {
        return .skipped(reason: "\(dialect.name) has no \(type.uppercased())")
      }
      explanation = dialect.explain(bytes, as: kind)
    }
    if let category = vector["error"]?.text {
      return runError(category, explanation, bytes, isDatagram: isMessage ? nil : stem.contains("datagram"))
    }
    guard let decoded = vector["decoded"] else { return .failed("has neither decoded nor error", detail: "") }
    let expected = VectorWording.reworded(decoded, after: explanation.json)
    if let error = explanation.error {
      return .failed("is refused: \(error)", detail: Self.around(bytes, error.error.offset))
    }
    guard explanation.count == bytes.count else {
      return .failed("\(bytes.count - explanation.count) bytes are left", detail: Self.around(bytes, explanation.count))
    }
    if let difference = Self.difference(explanation.json, expected, exactly: isMessage) {
      return .failed("reads differently: \(difference.path)", detail: difference.detail(explanation, bytes))
    }
    return isMessage
      ? runEncoding(of: expected, explanation, bytes, isCanonical: vector["canonical"]?.truth ?? true)
      : runEncoding(ofData: expected, bytes, isCanonical: vector["canonical"]?.truth ?? true)
  }

  private func runVarint(_ vector: JSON, _ bytes: [UInt8]) -> VectorResult.Outcome {
    var reader = WireReader(bytes.span.bytes, integers: dialect.objects.integers)
    guard let value = reader.varint() else {
      return vector["error"]?.text == "incomplete" ? .passed : .failed("is refused as incomplete", detail: "")
    }
    guard reader.remaining == 0, vector["decoded"]?["value"]?.integer == value else {
      return .failed("reads as \(value), \(reader.remaining) bytes left", detail: "")
    }
    var writer = WireWriter(capacity: 9, integers: dialect.objects.integers)
    do throws(WireError) { try writer.varint(value) } catch {
      return .failed("cannot be written: \(error)", detail: "")
    }
    guard writer.bytes == bytes || vector["canonical"]?.truth == false else {
      return .failed("is written as \(JSON.hex(writer.bytes))", detail: "")
    }
    return .passed
  }

  /// A tool shows what the text forbids, where it can be read; so what is to be refused is read strictly as well.
  private func runError(
    _ category: String, _ explanation: Explanation, _ bytes: [UInt8], isDatagram: Bool?
  ) -> VectorResult.Outcome {
    var error = explanation.error
    if error == nil {
      do throws(WireError) {
        if let message = explanation.message { try dialect.check(message) }
        if let isDatagram { try isDatagram ? readDatagram(bytes) : readStream(bytes) }
      } catch let refused {
        error =
          explanation.kind.map { dialect.explain(refused, in: $0) }
          ?? MessageError(dialect: dialect.name, message: explanation.name, section: "", error: refused)
      }
    }
    guard let error else { return .failed("is read, though it is \(category)", detail: explanation.description) }
    let ours = error.error.category
    guard ours == category else {
      return .failed(
        "is refused as \(ours), not as \(category): \(error)", detail: Self.around(bytes, error.error.offset))
    }
    return .passed
  }

  /// The JSON makes the message that was read, and the message makes the bytes.
  private func runEncoding(
    of expected: JSON, _ explanation: Explanation, _ bytes: [UInt8], isCanonical: Bool
  ) -> VectorResult.Outcome {
    guard let kind = explanation.kind, let message = explanation.message else {
      return .failed("is no message", detail: "")
    }
    let composed: Message
    do throws(MessageError) { composed = try dialect.compose(kind, from: expected) } catch {
      return .failed("its JSON makes no message: \(error)", detail: "")
    }
    guard composed == message else {
      return .failed("its JSON makes another message", detail: "from JSON  \(composed)\nfrom bytes \(message)")
    }
    var writer = WireWriter(integers: dialect.objects.integers)
    do throws(WireError) { try dialect.encode(composed, into: &writer, checking: false) } catch {
      return .failed("cannot be written: \(dialect.explain(error, in: kind))", detail: "")
    }
    return compare(writer.bytes, bytes, isCanonical: isCanonical) { dialect.explain($0, as: kind).message == message }
  }

  /// What was written has the vector's bytes; where those are not canonical, it means the same.
  func compare(
    _ ours: [UInt8], _ theirs: [UInt8], isCanonical: Bool, _ isSame: ([UInt8]) -> Bool
  ) -> VectorResult.Outcome {
    if ours == theirs { return .passed }
    if !isCanonical {
      return isSame(ours)
        ? .passed : .failed("is written with another meaning", detail: JSON.hex(ours))
    }
    let place =
      zip(ours, theirs).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(ours.count, theirs.count)
    return .failed(
      "is written differently from byte \(place) on",
      detail: "ours   \(Self.around(ours, place))\ntheirs \(Self.around(theirs, place))")
  }
}

extension WireError {
  /// The category of the public schema.
  public var category: String {
    switch kind {
    case .truncated: "incomplete"
    case .unknownMessage: "unknown_message"
    case .duplicate: "duplicate_parameter"
    case .malformedValue: "invalid_parameter"
    case .invalid, .tooLong, .trailing, .inexpressible: "invalid_value"
    }
  }
}

/// What is answered to a GET; for HEAD the body stays away.
public struct HTTPResponse: Sendable, Equatable {
  public var status: Int
  public var contentType: String
  /// Beside `Content-Type`; names and values without line breaks.
  public var headers: [Header]
  public var body: [UInt8]

  public struct Header: Sendable, Equatable {
    public var name: String
    public var value: String
    public init(_ name: String, _ value: String) { (self.name, self.value) = (name, value) }
  }

  /// Answers are of this moment: nobody is to keep them, unless `headers` says otherwise.
  public init(
    _ status: Int = 200, _ contentType: String, _ body: [UInt8],
    headers: [Header] = [Header("Cache-Control", "no-store")]
  ) {
    (self.status, self.contentType, self.headers, self.body) = (status, contentType, headers, body)
  }
  /// A sentence for people.
  public static func text(_ text: String, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status, "text/plain; charset=utf-8", Array(text.utf8))
  }

  /// The header lines as the shim takes them. A line break in a value would begin a new one, so it goes.
  var lines: String {
    ([Header("Content-Type", contentType)] + headers).map { header in
      "\(header.name): \(header.value)".filter { !$0.isNewline } + "\n"
    }.joined()
  }
}

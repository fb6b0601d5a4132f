/// What the public test vectors call the fields of a message: mostly a figure's words in snake case.
struct VectorKeys {
  /// The message as the dialect calls it.
  let message: String

  func key(_ field: StaticString) -> String {
    switch (message, field.description) {
    case (_, "Error Reason"): "reason_phrase"
    // What 12 and 13 call so; the vectors of 14 have the longer name.
    case ("PUBLISH", "Largest"): "largest_location"
    case ("REQUESTS_BLOCKED", "Maximum Request ID"): "request_id"
    case ("SUBSCRIBE_NAMESPACE", "Track Namespace Prefix"): "namespace_prefix"
    default: Self.snake(field.description)
    }
  }
  /// The vectors lay a start and an end flat, and keep every other location whole.
  func flattened(_ field: StaticString) -> (group: String, object: String)? {
    switch (message, field.description) {
    case (_, "Start Location"), ("PUBLISH_OK", "Start"): ("start_group", "start_object")
    case ("FETCH", "End Location"): ("end_group", "end_object")
    default: nil
    }
  }
  /// "Supported Version", as two drafts print it, is supported_versions in the vectors.
  func plural(_ field: StaticString) -> String {
    let key = key(field)
    return key.hasSuffix("x") ? key + "es" : key.hasSuffix("s") ? key : key + "s"
  }
  /// "ContentExists", "Largest Group ID": content_exists, largest_group_id.
  static func snake(_ name: String) -> String {
    var key = "", wasLower = false
    for c in name {
      if c == " " {
        key += "_"
      } else {
        if wasLower && c.isUppercase { key += "_" }
        key += c.lowercased()
      }
      wasLower = c.isLowercase
    }
    return key
  }
  static let parameters: [Parameter.Key] = [
    .role, .path, .maxRequestID, .authorization, .maxTokenCacheSize, .authority, .implementation, .deliveryTimeout,
    .maxCacheDuration,
  ]
  /// The vectors' name of a parameter.
  static func key(_ key: Parameter.Key, _ form: ParameterSpelling.Form) -> String {
    switch key {
    case .role: "role"
    case .path: "path"
    case .maxRequestID: form == .pairs ? "max_request_id" : "max_subscribe_id"
    case .authorization: form == .pairs ? "authorization_token" : "authorization_info"
    case .maxTokenCacheSize: "max_auth_token_cache_size"
    case .authority: "authority"
    case .implementation: "moqt_implementation"
    case .deliveryTimeout: "delivery_timeout"
    case .maxCacheDuration: "max_cache_duration"
    case .unknown: "unknown"
    }
  }
  /// Bytes as the vectors write them: as text, where they are text.
  static func json(_ bytes: [UInt8]) -> JSON {
    if let text = String(validating: bytes, as: UTF8.self) { return .string(text) }
    return .object([JSON.Member("hex", .string(JSON.hex(bytes)))])
  }
  static func bytes(_ json: JSON?) -> [UInt8]? {
    switch json {
    case .string(let text)?: Array(text.utf8)
    case .object?: json?["hex"]?.text.flatMap { JSON.bytes(hex: $0) }
    default: nil
    }
  }
}

/// Meanings and their numbers, both ways.
public struct CodeTable<Meaning: Hashable & Sendable>: Sendable {
  /// The first row of a meaning is what is written; every row is read.
  public var rows: [(Meaning, UInt64)]
  /// Written for a meaning that has no row.
  public var fallback: UInt64
  public init(fallback: UInt64, _ rows: [(Meaning, UInt64)]) { (self.fallback, self.rows) = (fallback, rows) }

  public func code(of meaning: Meaning) -> UInt64 {
    rows.first { $0.0 == meaning }?.1 ?? fallback
  }
  /// nil: the dialect does not define the number.
  public func meaning(of code: UInt64) -> Meaning? {
    rows.first { $0.1 == code }?.0
  }
}

extension CodeTable where Meaning == Reason {
  public func reason(of code: UInt64) -> Reason { meaning(of: code) ?? .unknown(code) }
}

/// The numbers of one dialect: a table for each family of messages.
public struct Codes: Sendable {
  public var subscribe: CodeTable<Reason>
  public var done: CodeTable<Reason>
  public var fetch: CodeTable<Reason>
  public var publish: CodeTable<Reason>
  public var trackStatus: CodeTable<Reason>
  public var publishNamespace: CodeTable<Reason>
  public var subscribeNamespace: CodeTable<Reason>
  public var session: CodeTable<SessionReason>
  public var stream: CodeTable<StreamReason>
  public init(
    subscribe: CodeTable<Reason>, done: CodeTable<Reason>, fetch: CodeTable<Reason>, publish: CodeTable<Reason>,
    trackStatus: CodeTable<Reason>, publishNamespace: CodeTable<Reason>, subscribeNamespace: CodeTable<Reason>,
    session: CodeTable<SessionReason>, stream: CodeTable<StreamReason>
  ) {
    (self.subscribe, self.done, self.fetch, self.publish) = (subscribe, done, fetch, publish)
    (self.trackStatus, self.publishNamespace) = (trackStatus, publishNamespace)
    (self.subscribeNamespace, self.session, self.stream) = (subscribeNamespace, session, stream)
  }

  public func sessionReason(of code: UInt64) -> SessionReason { session.meaning(of: code) ?? .unknown(code) }

  /// A reset or a stop, as a request's end: where requests are streams, their codes are the only answer.
  public func requestFailure(ofReset code: UInt64) -> RequestFailure {
    RequestFailure(subscribe.reason(of: code), code: code)
  }
}

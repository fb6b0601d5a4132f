import MoQ
import MoQHTTP
import MoQPage

/// What a relay tells people and browsers over HTTP, beside its UDP port.
final class RelayHTTP: Sendable {
  private let server: HTTPServer
  var url: String { server.url }

  /// Listens on `host:port`; on loopback plain, elsewhere with the relay's certificate.
  init(host: String, port: UInt16, identity: HTTPServer.Identity, relay: RelayServer, options: ServerOptions) throws {
    let routes = RelayRoutes(
      facts: RelayRoutes.Facts(
        port: relay.port, fingerprint: relay.fingerprint, dialects: options.session.dialects.names,
        webTransport: options.webTransport),
      overview: Board { await relay.overview }, announced: Board { await relay.announced() })
    do {
      server = try HTTPServer(host: host, port: port, identity: { identity }, respond: { routes.answer($0) })
    } catch let failure as HTTPServer.Failure {
      throw Failure("no HTTP on \(host):\(port): \(failure); choose another address with --http")
    }
  }
  func stop() { server.stop() }
}

/// The paths there are, and what is answered.
struct RelayRoutes: Sendable {
  /// What does not change.
  struct Facts: Sendable {
    /// The UDP port.
    let port: UInt16
    /// The certificate's SHA-256 in hexadecimal.
    let fingerprint: String
    /// Those that sessions may speak.
    let dialects: [String]
    /// Whom WebTransport is served to; nil: to nobody.
    let webTransport: WebTransportPolicy?
  }
  let facts: Facts
  let overview: Board<RelayOverview>
  let announced: Board<AnnouncedList>

  func answer(_ path: String) -> HTTPResponse {
    switch path {
    case "/": page
    case "/certificate.sha256": certificate
    case "/health": health
    case "/announced": announcements
    case "/metrics": metrics
    default:
      .text(
        "There is nothing at this path; there are /, /certificate.sha256, /health, /announced, /metrics.\n", status: 404
      )
    }
  }

  /// Scripts and styles are in the page itself, and it talks to relays only.
  private static let policy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    + "connect-src 'self' https: http:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

  private var page: HTTPResponse {
    HTTPResponse(
      200, "text/html; charset=utf-8", Page.html,
      headers: [
        .init("Cache-Control", "no-cache"), .init("Content-Security-Policy", Self.policy),
        .init("Referrer-Policy", "no-referrer"),
      ])
  }
  /// Public, and of use to pages from elsewhere: they need it to connect.
  private var certificate: HTTPResponse {
    var response = HTTPResponse.text(facts.fingerprint)
    response.headers.append(.init("Access-Control-Allow-Origin", "*"))
    return response
  }
  private var health: HTTPResponse {
    let reading = overview.read()
    // A value that is older than a read may wait for means that the relay's thread does not answer.
    let isWell = reading.map { $0.age < .milliseconds(Board<RelayOverview>.patience) } ?? false
    return json(
      [
        "status": .string(isWell ? "ok" : "the relay does not answer"), "port": .number(UInt64(facts.port)),
        "sha256": .string(facts.fingerprint), "dialects": Self.list(facts.dialects),
        "webtransport": webTransport,
      ], status: isWell ? 200 : 503)
  }
  /// Null: there is none. Of the members null means any.
  private var webTransport: JSON {
    guard let policy = facts.webTransport else { return .null }
    let origins: JSON = if case .list(let list) = policy.origins { Self.list(list) } else { .null }
    return .members(["origins": origins, "paths": policy.paths.map(Self.list) ?? .null])
  }
  private static func list(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
  private var announcements: HTTPResponse {
    guard let list = announced.read()?.value else { return silent }
    return json([
      "announced": .array(
        list.announced.map { one in
          .members([
            "namespace": .string("\(one.namespace)"), "dialects": Self.list(one.dialects),
            "tracks": Self.list(one.tracks),
          ])
        }), "total": .number(UInt64(max(list.total, 0))),
    ])
  }
  private var metrics: HTTPResponse {
    guard let reading = overview.read() else { return silent }
    let text = Metrics(reading.value, delay: reading.delay).text
    return HTTPResponse(200, "text/plain; version=0.0.4; charset=utf-8", Array(text.utf8))
  }
  private var silent: HTTPResponse { .text("The relay does not answer.\n", status: 503) }

  private func json(_ members: KeyValuePairs<String, JSON>, status: Int = 200) -> HTTPResponse {
    HTTPResponse(status, "application/json", Array((JSON.line(members) + "\n").utf8))
  }
}

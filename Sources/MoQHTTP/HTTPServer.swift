import CHTTP
import Synchronization

/// A plain HTTP server for people and browsers, beside a relay: GET and HEAD, one request a connection.
///
/// It has a thread of its own, on which `respond` is called, one request at a time; nothing that a client does
/// reaches further than that call. What a client may use is in `Limits`: a request that is too long, has a body,
/// or takes too long is refused.
///
/// This file is the module's one use of unchecked sendability: the pointer is read and given up under the lock.
public final class HTTPServer: Sendable {
  /// What clients may use.
  public struct Limits: Sendable {
    /// Connections at a time, in all and from one address; more are closed at once.
    public var connections = 128
    public var connectionsOfOneAddress = 64
    /// After this long a connection is closed, whatever it does.
    public var seconds = 20
    /// The most bytes of a request line with its headers.
    public var requestBytes = 16 << 10
    public init() {}
  }

  /// Why there is no server, in a sentence.
  public struct Failure: Error, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// A certificate chain and its key, in PEM.
  public struct Identity: Sendable {
    let certificate: [UInt8], key: [UInt8]
    public init(certificate: [UInt8], key: [UInt8]) { (self.certificate, self.key) = (certificate, key) }
  }

  private struct Running: @unchecked Sendable { let server: OpaquePointer }
  private let running: Mutex<Running?>
  /// The address in digits, and the port that was taken.
  public let host: String
  public let port: UInt16
  /// Whether it speaks TLS.
  public let isEncrypted: Bool

  /// Where it is, for a browser.
  public var url: String {
    let isAny = host == "0.0.0.0" || host == "::"
    let name = isAny ? "localhost" : host.contains(":") ? "[\(host)]" : host
    return "\(isEncrypted ? "https" : "http")://\(name):\(port)/"
  }

  /// Listens on a TCP port; 0: any that is free. On a loopback address it speaks plain HTTP, elsewhere TLS.
  ///
  /// `identity` is asked for only where there is TLS.
  public init(
    host: String, port: UInt16, limits: Limits = Limits(), identity: () throws -> Identity,
    respond: @escaping @Sendable (_ path: String) -> HTTPResponse
  ) throws {
    var error = [CChar](repeating: 0, count: Int(CH_ERROR_SIZE))
    func failure(_ error: [CChar]) -> Failure {
      Failure(description: String(decoding: error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }
    var place = ch_place()
    guard ch_bind(host, port, &place, &error) == 0 else { throw failure(error) }
    let digits = withUnsafeBytes(of: place.host) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    (self.host, self.port, isEncrypted) = (digits, place.port, place.loopback == 0)
    let bounds = ch_limits(
      connections: UInt32(clamping: limits.connections),
      connections_of_one: UInt32(clamping: limits.connectionsOfOneAddress),
      seconds: UInt32(clamping: limits.seconds), memory: limits.requestBytes)
    let context = Unmanaged.passRetained(Responder(respond)).toOpaque()
    var server: OpaquePointer?
    do {
      if isEncrypted {
        let identity = try identity()
        let certificate = identity.certificate.map { CChar(bitPattern: $0) } + [0]
        let key = identity.key.map { CChar(bitPattern: $0) } + [0]
        server = ch_start(&place, certificate, key, bounds, Responder.answer, context, &error)
      } else {
        server = ch_start(&place, nil, nil, bounds, Responder.answer, context, &error)
      }
    } catch {
      ch_unbind(&place)
      Unmanaged<Responder>.fromOpaque(context).release()
      throw error
    }
    guard let server else {
      Unmanaged<Responder>.fromOpaque(context).release()
      throw failure(error)
    }
    responder = Unmanaged<Responder>.fromOpaque(context).takeRetainedValue()
    running = Mutex(Running(server: server))
  }

  /// What the thread calls; kept until it has ended.
  private let responder: Responder

  deinit { stop() }

  /// Closes all connections and ends the thread, after the call of `respond` that it may be in.
  public func stop() {
    let last = running.withLock { running in
      defer { running = nil }
      return running
    }
    if let last { ch_stop(last.server) }
  }
}

private final class Responder: Sendable {
  let respond: @Sendable (String) -> HTTPResponse
  init(_ respond: @escaping @Sendable (String) -> HTTPResponse) { self.respond = respond }

  /// What the shim calls with a request.
  static let answer: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?) -> Void = {
    context, path, request in
    guard let context, let path, let request else { return }
    let responder = Unmanaged<Responder>.fromOpaque(context).takeUnretainedValue()
    let response = responder.respond(String(cString: path))
    ch_answer(request, UInt32(clamping: response.status), response.lines, response.body, response.body.count)
  }
}

/// Why an endpoint could not be set up. Its description says what failed, where, and what to try.
public enum NetworkError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Another program listens there already.
  case portInUse(String)
  /// The system does not let this user listen there.
  case permissionDenied(String)
  /// No network interface of this machine has the address.
  case addressNotAvailable(String)
  /// The name has no address.
  case unresolved(host: String, reason: String)
  /// A certificate or key could not be read or does not fit.
  case certificate(String)
  /// The system has no memory left for the buffers of packets.
  case noMemory
  /// A system call failed otherwise.
  case system(call: String, place: String, reason: String)
  /// The loop or the endpoint has been shut down.
  case shutDown

  public var description: String {
    switch self {
    case .portInUse(let place):
      "cannot listen on \(place): the port is in use; stop the other program or choose another port"
    case .permissionDenied(let place):
      "cannot listen on \(place): permission denied; choose a port above 1023, or run with the privilege to bind it"
    case .addressNotAvailable(let place):
      "cannot listen on \(place): no interface of this machine has that address; try 0.0.0.0 or [::]"
    case .unresolved(let host, let reason):
      "cannot find the address of \(host): \(reason); check the name and the network"
    case .certificate(let text): text
    case .noMemory: "no memory for the buffers of packets: end other programs, or allow this one more"
    case .system(let call, let place, let reason): "\(call) failed for \(place): \(reason)"
    case .shutDown: "the endpoint has been shut down"
    }
  }
}

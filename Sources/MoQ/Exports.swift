// What a user of this module handles by the kernel's own names.
@_exported import MoQKernel
import MoQNetwork

/// Who may have a WebTransport session of a server: which origins, which paths, how many.
public typealias WebTransportPolicy = MoQNetwork.WebTransportPolicy
/// How many QUIC connections there are: alive, and lingering after their end.
public typealias ConnectionCounts = MoQNetwork.ConnectionCounts

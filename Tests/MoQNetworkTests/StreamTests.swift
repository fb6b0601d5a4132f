import MoQKernel
import Testing

@testable import MoQNetwork

@Suite(.timeLimit(.minutes(1)))
struct StreamTests {
  @Test func handshakeAndEcho() async throws {
    let server = try await Side.server(.echo)
    let client = try await Side.client(to: server.port)
    #expect(try await client.events.connected() == "moq-00")
    #expect(try await server.events.connected() == "moq-00")
    let id = try await client.withConnection { connection in
      let stream = connection.open(bidirectional: true)
      stream.write(Bytes("hello "))
      stream.write(Bytes("world"))
      stream.finish()
      return stream.id
    }
    #expect(id == 0)
    try await client.events.next(.ended(0, Array("hello world".utf8)))
    try await client.events.next(.streamClosed(0))
  }
}

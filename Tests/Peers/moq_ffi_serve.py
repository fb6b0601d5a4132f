"""moq-ffi 0.2 as a server with one origin for all its sessions: what a client publishes, others can subscribe to.

    moq_ffi_serve.py HOST:PORT

Prints the address that it listens on and the SHA-256 of its certificate, then serves until it is ended.
"""

import asyncio
import sys

import moq_ffi


async def hold(request: moq_ffi.MoqRequest) -> None:
    """A session lives as long as its object; how it ended is worth a line, not a failure of the server."""
    try:
        session = await request.ok()
        print("accepted", request.transport(), file=sys.stderr, flush=True)
        await session.closed()
    except moq_ffi.MoqError as error:
        print("session ended:", error, file=sys.stderr, flush=True)


async def main() -> None:
    server, origin = moq_ffi.MoqServer(), moq_ffi.MoqOriginProducer()
    server.set_bind(sys.argv[1])
    server.set_tls_generate(["localhost"])
    server.set_publish(origin)
    server.set_consume(origin)
    address = await server.listen()
    print(address, *server.cert_fingerprints(), flush=True)
    sessions = set()
    while (request := await server.accept()) is not None:
        task = asyncio.create_task(hold(request))
        sessions.add(task)
        task.add_done_callback(sessions.discard)


asyncio.run(main())

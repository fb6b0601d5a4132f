"""moq-rs as a server with one origin for all its sessions: what a client publishes, others can subscribe to.

    moq_rs_serve.py HOST:PORT

Prints the address that it listens on and the SHA-256 of its certificate, then serves until it is ended.
"""

import asyncio
import os
import sys

import moq


async def hold(request: moq.Request) -> None:
    """A session lives as long as its object; how it ended is worth a line, not a failure of the server."""
    try:
        session = await request.accept()
        print("accepted", request.transport, file=sys.stderr, flush=True)
        await session.closed()
    except moq.Error as error:
        print("session ended:", moq.protocol_error(error) or error, file=sys.stderr, flush=True)


async def main() -> None:
    async with moq.Server(sys.argv[1], tls_generate=["localhost"]) as server:
        print(server.local_addr, *server.cert_fingerprints(), flush=True)
        sessions = set()
        async for request in server:
            task = asyncio.create_task(hold(request))
            sessions.add(task)
            task.add_done_callback(sessions.discard)


if level := os.environ.get("MOQ_RS_LOG"):
    moq.log_level(level)
asyncio.run(main())

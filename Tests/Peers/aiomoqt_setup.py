"""aiomoqt 0.1 as a client, of which only the setup of draft-07 is of use.

    aiomoqt_setup.py MOQ LOGS    MOQ is our tool, LOGS a folder for the transcripts

Its CLIENT_SETUP has no ROLE, which draft-07 demands (§6.2.2.1): our relay must close the session and say so. With a
ROLE put into it, it is answered.
"""

import asyncio
import logging
import pathlib
import sys

import aiomoqt.client
from aiomoqt.types import SetupParamType
from aioquic.h3.events import DataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic_webtransport import relay_port, tool


async def setup(port: int, has_role: bool) -> bytes | None:
    """What the relay says on the request's stream (its CLOSE); None: the setup is complete."""
    plain = aiomoqt.client.ClientSetup
    if has_role:
        aiomoqt.client.ClientSetup = lambda versions, parameters: plain(
            versions=versions, parameters={SetupParamType.CLIENT_ROLE: b"\x03"}
        )
    # Its own configuration takes no datagrams, without which its HTTP/3 accepts no WebTransport.
    configuration = QuicConfiguration(is_client=True, alpn_protocols=["h3"], verify_mode=0, max_datagram_frame_size=65536)
    client = aiomoqt.client.MOQTClient("127.0.0.1", port, endpoint="moq", configuration=configuration)
    closed: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    try:
        async with asyncio.timeout(15), client.connect() as session:
            handle = session._h3.handle_event

            def watched(event):
                events = handle(event)
                for item in events:
                    if isinstance(item, DataReceived) and item.data and not closed.done():
                        closed.set_result(item.data)
                return events

            session._h3.handle_event = watched
            work = asyncio.create_task(session.initialize())
            await asyncio.wait((work, closed), return_when=asyncio.FIRST_COMPLETED)
            if closed.done():
                work.cancel()
                return closed.result()
            work.result()
            return None
    finally:
        aiomoqt.client.ClientSetup = plain


async def main() -> None:
    logging.disable(logging.CRITICAL)
    moq, logs = sys.argv[1], pathlib.Path(sys.argv[2])
    logs.mkdir(parents=True, exist_ok=True)
    passed = failed = 0
    async with tool(logs, "relay", moq, "relay", "--bind", "127.0.0.1:0", "--draft", "draft-07"):
        port = await relay_port(logs)
        for has_role, name in ((False, "without ROLE, is refused with the reason"), (True, "with ROLE, is answered")):
            try:
                said = await setup(port, has_role)
                assert said is None if has_role else said and b"ROLE" in said, f"the relay said {said}"
                passed += 1
                print(f"ok      aiomoqt 0.1's setup in draft-07, {name}", flush=True)
            except Exception as error:  # a peer's script may fail in any way
                failed += 1
                print(f"FAILED  aiomoqt 0.1's setup in draft-07, {name}: {error!r}; transcripts: {logs}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


asyncio.run(main())

"""aiomoqt as client and server, publisher and subscriber, over WebTransport with our tool at the other end.

    aiomoqt_exchange.py MOQ LOGS DRAFT...    MOQ is our tool, LOGS a folder for the transcripts; clients are tried in
                                             each draft, servers in the one draft that their version answers with,
                                             named to our client and not named

Prints a line a case and ends with `N passed, N failed, N skipped`.
"""

import asyncio
import logging
import pathlib
import sys

import aiomoqt.protocol
from aiomoqt.client import MOQTClientSession, MOQTSessionProtocol
from aiomoqt.messages import ObjectHeader, SubgroupHeader
from aiomoqt.server import MOQTServerSession
from aiomoqt.types import MOQTMessageType, SetupParamType
from aioquic.buffer import encode_uint_var
from aioquic_webtransport import certificate, relay_port, tool

NAMESPACE, TRACK = "demo/aiomoqt", "data"
GROUPS, OBJECTS = 6, 5
OWN_DRAFT = f"draft-{getattr(aiomoqt.protocol, 'MOQT_CUR_VERSION', 8) & 0xFF:02}"
SECONDS = 25
# Version 0.2 reads no object that came in two packets.
STEP = 137 if OWN_DRAFT != "draft-08" else 7
PAYLOADS = [
    [b"group %d object %d " % (group, index) + b"z" * ((group + 2 * index) * STEP + 1) for index in range(OBJECTS)]
    for group in range(GROUPS)
]
SENT = [payload for group in PAYLOADS for payload in group]


class Recorder:
    """What arrives on the data streams of a session, by group."""

    def __init__(self):
        self.streams: dict[int, int] = {}
        self.groups: dict[int, list[bytes]] = {}
        self.complete = asyncio.Event()
        self.error = None

    def watch(self, session: MOQTSessionProtocol) -> None:
        handle = session._moqt_handle_data_stream

        def watched(stream, *rest):
            item = handle(stream, *rest)
            if isinstance(item, SubgroupHeader):
                self.streams[stream] = item.group_id
            elif isinstance(item, ObjectHeader) and item.payload:
                self.groups.setdefault(self.streams[stream], []).append(bytes(item.payload))
                if sum(map(len, self.groups.values())) >= len(SENT):
                    self.complete.set()
            return item

        session._moqt_handle_data_stream = watched

    async def check(self) -> None:
        try:
            await asyncio.wait_for(self.complete.wait(), SECONDS)
        except TimeoutError:
            found = {group: len(objects) for group, objects in self.groups.items()}
            raise AssertionError(f"only these came: {found}") from None
        assert [self.groups[group] for group in sorted(self.groups)] == PAYLOADS, "other payloads came"


def publish_to(session: MOQTSessionProtocol) -> None:
    """Answers a SUBSCRIBE as aiomoqt does, then sends every group on a stream of its own."""

    async def generate(alias: int) -> None:
        await asyncio.sleep(0.2)  # its own SUBSCRIBE_OK goes out first
        for group, payloads in enumerate(PAYLOADS):
            stream = session._h3.create_webtransport_stream(session_id=session._session_id, is_unidirectional=True)
            header = SubgroupHeader(track_alias=alias, group_id=group, subgroup_id=0, publisher_priority=128)
            session._quic.send_stream_data(stream, header.serialize().data)
            for index, payload in enumerate(payloads):
                item = ObjectHeader(object_id=index, payload=payload, extensions={}).serialize()
                session._quic.send_stream_data(stream, item.data, end_stream=index == OBJECTS - 1)
            session.transmit()
            await asyncio.sleep(0.05)

    async def subscribed(own: MOQTSessionProtocol, message) -> None:
        own.default_message_handler(message.type, message)
        own._tasks.add(asyncio.create_task(generate(message.track_alias)))

    session.register_handler(MOQTMessageType.SUBSCRIBE, subscribed)


def offer(draft: str) -> list[str]:
    """What our client is told to offer: everything, if no draft is named."""
    return ["--draft", draft] if draft else []


async def our_subscriber(moq: str, logs: pathlib.Path, url: str, draft: str) -> None:
    output = logs / "received"
    words = [*offer(draft), "--tls-disable-verify", "--count", str(len(SENT)), "--output", str(output)]
    for attempt in range(20):
        async with tool(logs, "subscribe", moq, "subscribe", url, NAMESPACE, TRACK, *words) as process:
            status = await asyncio.wait_for(process.wait(), SECONDS)
        said = (logs / "subscribe.err").read_text()
        # The announcement may still be on its way.
        if status == 0 or "knows no such track" not in said:
            break
        await asyncio.sleep(0.1)
    assert status == 0, said
    assert output.read_bytes() == b"".join(SENT), f"{output.stat().st_size} other bytes came"


def our_publisher(moq: str, logs: pathlib.Path, url: str, draft: str):
    files = []
    for number, payload in enumerate(SENT):
        files.append(logs / f"object-{number:03}")
        files[-1].write_bytes(payload)
    words = [*offer(draft), "--tls-disable-verify", "--group-every", str(OBJECTS), "--rate", "50", "--files"]
    return tool(logs, "publish", moq, "publish", url, NAMESPACE, TRACK, *words, *map(str, files))


async def client_publishes(moq: str, logs: pathlib.Path, draft: str) -> None:
    async with tool(logs, "relay", moq, "relay", "--bind", "127.0.0.1:0", "--draft", draft):
        port = await relay_port(logs)
        async with MOQTClientSession("127.0.0.1", port, endpoint="moq").connect() as session:
            publish_to(session)
            await session.client_session_init()
            await session.announce(namespace=NAMESPACE, parameters={}, wait_response=True)
            await our_subscriber(moq, logs, f"https://127.0.0.1:{port}/moq", draft)


async def client_subscribes(moq: str, logs: pathlib.Path, draft: str) -> None:
    async with tool(logs, "relay", moq, "relay", "--bind", "127.0.0.1:0", "--draft", draft):
        port = await relay_port(logs)
        async with our_publisher(moq, logs, f"https://127.0.0.1:{port}/moq", draft):
            await asyncio.sleep(0.5)  # until it has announced
            async with MOQTClientSession("127.0.0.1", port, endpoint="moq").connect() as session:
                recorder = Recorder()
                recorder.watch(session)
                await session.client_session_init()
                await session.subscribe(namespace=NAMESPACE, track_name=TRACK, parameters={}, wait_response=True)
                await recorder.check()


def allow_subscriptions(session: MOQTSessionProtocol) -> None:
    """Of itself a server allows no subscription, and then its client may not make one."""
    answer = session.server_setup

    def answered() -> None:
        try:
            answer(parameters={SetupParamType.MAX_SUBSCRIBER_ID: 1000})
        except TypeError:  # version 0.2 wants it encoded
            answer(parameters={SetupParamType.MAX_SUBSCRIBER_ID: encode_uint_var(1000)})

    session.server_setup = answered


class Server:
    """aiomoqt's server, with `prepare` called for each session."""

    def __init__(self, logs: pathlib.Path, prepare):
        self.files, self.prepare = certificate(logs), prepare

    async def __aenter__(self) -> str:
        session = MOQTServerSession("127.0.0.1", 0, *self.files, endpoint="/moq")

        def protocol(*args, **kwargs):
            made = MOQTSessionProtocol(*args, **kwargs, session=session)
            allow_subscriptions(made)
            self.prepare(made)
            return made

        from aioquic.asyncio import serve

        self.server = await serve("127.0.0.1", 0, configuration=session.configuration, create_protocol=protocol)
        return f"https://127.0.0.1:{self.server._transport.get_extra_info('sockname')[1]}/moq"

    async def __aexit__(self, *_: object) -> None:
        self.server.close()


async def server_publishes(moq: str, logs: pathlib.Path, draft: str) -> None:
    async with Server(logs, publish_to) as url:
        await our_subscriber(moq, logs, url, draft)


async def server_subscribes(moq: str, logs: pathlib.Path, draft: str) -> None:
    recorder = Recorder()

    def prepare(session: MOQTSessionProtocol) -> None:
        async def announced(own: MOQTSessionProtocol, message) -> None:
            own.default_message_handler(message.type, message)
            await asyncio.sleep(0.1)
            own.subscribe(namespace=NAMESPACE, track_name=TRACK, parameters={})

        recorder.watch(session)
        session.register_handler(MOQTMessageType.ANNOUNCE, announced)

    async with Server(logs, prepare) as url, our_publisher(moq, logs, url, draft):
        await recorder.check()


async def main() -> None:
    logging.disable(logging.CRITICAL)
    moq, logs, drafts = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    cases = [(role, draft) for draft in drafts for role in (client_publishes, client_subscribes)]
    # Such a server does not understand how a client begins that offers everything: the next way is tried.
    cases += [(role, draft) for draft in (OWN_DRAFT, "") for role in (server_publishes, server_subscribes)]
    passed = failed = 0
    for number, (role, draft) in enumerate(cases):
        folder = logs / f"{number:02}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"aiomoqt's {role.__name__.replace('_', ' ')} in {draft or 'what is found'}"
        try:
            await asyncio.wait_for(role(moq, folder, draft), 2 * SECONDS)
            passed += 1
            print(f"ok      {name}: {len(SENT)} objects are the same, byte for byte", flush=True)
        except Exception as error:  # a peer's script may fail in any way
            failed += 1
            print(f"FAILED  {name}: {error!r}; transcripts: {folder}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    asyncio.run(main())

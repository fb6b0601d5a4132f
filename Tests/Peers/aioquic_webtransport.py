"""aioquic's HTTP/3 as a WebTransport client of our relay and as a server to our subscriber, in hand-made draft-14.

    aioquic_webtransport.py MOQ LOGS    MOQ is our tool, LOGS a folder for the transcripts

Prints a line a case and ends with `N passed, N failed, N skipped`.
"""

import asyncio
import contextlib
import datetime
import ipaddress
import pathlib
import re
import ssl
import sys

from aioquic.asyncio import serve
from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.buffer import Buffer, encode_uint_var
from aioquic.h3.connection import H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived, WebTransportStreamDataReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StreamReset
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DRAFT_14 = 0xFF00000E
CLIENT_SETUP, SERVER_SETUP, SUBSCRIBE, SUBSCRIBE_OK, SUBSCRIBE_ERROR = 0x20, 0x21, 0x03, 0x04, 0x05
CLOSE = 0x2843
OBJECTS = [b"object %d " % number + b"x" * (number * 700) for number in range(8)]


def varint(*values: int) -> bytes:
    return b"".join(encode_uint_var(value) for value in values)


def message(kind: int, payload: bytes) -> bytes:
    return varint(kind) + len(payload).to_bytes(2, "big") + payload


class Peer(QuicConnectionProtocol):
    """Either side; what arrives is gathered by stream, and `changed` is set with everything."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.h3 = H3Connection(self._quic, enable_webtransport=True)
        self.headers: dict[int, dict[bytes, bytes]] = {}
        self.capsules: dict[int, bytearray] = {}
        self.streams: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.resets: dict[int, int] = {}
        self.terminated = None
        self.changed = asyncio.Event()
        self.server = None

    def quic_event_received(self, event) -> None:
        if isinstance(event, ConnectionTerminated):
            self.terminated = (event.error_code, event.reason_phrase)
        if isinstance(event, StreamReset):
            self.resets[event.stream_id] = event.error_code
        for item in self.h3.handle_event(event):
            if isinstance(item, HeadersReceived):
                self.headers[item.stream_id] = dict(item.headers)
            elif isinstance(item, DataReceived):
                self.capsules.setdefault(item.stream_id, bytearray()).extend(item.data)
            elif isinstance(item, WebTransportStreamDataReceived):
                self.streams.setdefault(item.stream_id, bytearray()).extend(item.data)
            if getattr(item, "stream_ended", False):
                self.ended.add(item.stream_id)
            if self.server:
                self.server(self, item)
        self.changed.set()

    async def until(self, condition, what: str, seconds: float = 10):
        """Waits for events until `condition` is true."""
        async with asyncio.timeout(seconds):
            while not (value := condition()):
                assert self.terminated is None, f"{what}: the connection ended with {self.terminated}"
                self.changed.clear()
                await self.changed.wait()
            return value

    # A client's

    async def request(self, path: bytes = b"/", protocols: bytes = b'"moq-00"', **more: bytes) -> int:
        stream = self._quic.get_next_available_stream_id()
        fields = [
            (b":method", b"CONNECT"), (b":protocol", b"webtransport"), (b":scheme", b"https"),
            (b":authority", b"127.0.0.1"), (b":path", path), (b"sec-webtransport-http3-draft02", b"1"),
            (b"wt-available-protocols", protocols),
        ]  # fmt: skip
        fields += [(name.encode(), value) for name, value in more.items()]
        self.h3.send_headers(stream, fields)
        self.transmit()
        await self.until(lambda: stream in self.headers, "the answer")
        return stream

    def open(self, session: int, data: bytes) -> int:
        """A bidirectional stream. aioquic does not mark its own half of it as WebTransport, so that is done here."""
        stream = self.h3.create_webtransport_stream(session)
        with self.h3._get_or_create_stream(stream) as state:
            state.frame_type, state.session_id = 0x41, session
        self._quic.send_stream_data(stream, data)
        self.transmit()
        return stream

    async def set_up(self, session: int) -> int:
        control = self.open(session, message(CLIENT_SETUP, varint(1, DRAFT_14, 1, 2, 100)))
        answer = await self.until(lambda: len(self.streams.get(control, b"")) > 8 and self.streams[control], "SERVER_SETUP")
        assert answer[0] == SERVER_SETUP, answer.hex()
        assert Buffer(data=bytes(answer[3:])).pull_uint_var() == DRAFT_14, answer.hex()
        return control

    async def refused(self, control: int, request: int) -> None:
        """A subscription to what nobody publishes is answered: the session lives."""
        before = len(self.streams[control])
        name = varint(2) + b"".join(varint(len(part)) + part for part in (b"no", b"body")) + varint(1) + b"t"
        payload = varint(request) + name + bytes([128, 1, 1]) + varint(2, 0)
        self._quic.send_stream_data(control, message(SUBSCRIBE, payload))
        self.transmit()
        answer = await self.until(lambda: len(self.streams[control]) > before and self.streams[control][before:], "an answer")
        assert answer[0] == SUBSCRIBE_ERROR, answer.hex()

    def capsule(self, session: int, kind: int, payload: bytes, end: bool = False) -> None:
        self.h3.send_data(session, varint(kind, len(payload)) + payload, end_stream=end)
        self.transmit()

    def said_close(self, session: int):
        data = Buffer(data=bytes(self.capsules.get(session, b"")))
        while not data.eof():
            kind, size = data.pull_uint_var(), data.pull_uint_var()
            payload = data.pull_bytes(size)
            if kind == CLOSE:
                return int.from_bytes(payload[:4], "big"), payload[4:].decode()
        return None


@contextlib.asynccontextmanager
async def tool(logs: pathlib.Path, name: str, *words: str):
    with open(logs / f"{name}.out", "wb") as out, open(logs / f"{name}.err", "wb") as err:
        process = await asyncio.create_subprocess_exec(*words, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=err)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


async def relay_port(logs: pathlib.Path) -> int:
    """Where the relay that runs as `relay` listens."""
    async with asyncio.timeout(10):
        while not (found := re.search(r"127\.0\.0\.1:(\d+)", (logs / "relay.out").read_text())):
            await asyncio.sleep(0.02)
    return int(found[1])


@contextlib.asynccontextmanager
async def client(port: int):
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=["h3"], verify_mode=ssl.CERT_NONE, max_datagram_frame_size=65536
    )
    async with connect("127.0.0.1", port, configuration=configuration, create_protocol=Peer) as peer:
        yield peer


# What our relay does for a client


async def sessions(port: int) -> None:
    """Two sessions on one connection; one closes, the other lives on; aioquic sees the end of the request's stream."""
    async with client(port) as peer:
        first = await peer.request(b"/one", b'"moq-99", "moq-00"')
        assert peer.headers[first][b":status"] == b"200", peer.headers
        assert peer.headers[first][b"wt-protocol"] == b'"moq-00"', peer.headers
        assert peer.headers[first][b"sec-webtransport-http3-draft"] == b"draft02", peer.headers
        second = await peer.request(b"/two")
        controls = [await peer.set_up(session) for session in (first, second)]
        for control in controls:
            await peer.refused(control, 0)
        peer.capsule(first, CLOSE, (7).to_bytes(4, "big") + b"enough", end=True)
        await peer.until(lambda: first in peer.ended, "the end of the first session's stream")
        await peer.refused(controls[1], 2)


async def early(port: int) -> None:
    """A stream arrives before the request that opens its session."""
    async with client(port) as peer:
        session = peer._quic.get_next_available_stream_id()
        # aioquic opens streams in order; nothing of this one leaves yet.
        peer._quic.send_stream_data(session, b"")
        peer._quic.send_stream_data(
            session + 4, varint(0x41, session) + message(CLIENT_SETUP, varint(1, DRAFT_14, 1, 2, 100))
        )
        with peer.h3._get_or_create_stream(session + 4) as state:
            state.frame_type, state.session_id = 0x41, session
        peer.transmit()
        await peer.ping()
        fields = [
            (b":method", b"CONNECT"), (b":protocol", b"webtransport"), (b":scheme", b"https"),
            (b":authority", b"a"), (b":path", b"/"),
        ]  # fmt: skip
        peer.h3.send_headers(session, fields)
        peer.transmit()
        answer = await peer.until(lambda: peer.streams.get(session + 4), "SERVER_SETUP")
        assert answer[0] == SERVER_SETUP


async def reserved(port: int) -> None:
    """Reserved frames, streams and capsules change nothing."""
    async with client(port) as peer:
        peer._quic.send_stream_data(peer.h3._local_control_stream_id, varint(0x1F * 9 + 0x21, 3) + b"abc")
        stream = peer._quic.get_next_available_stream_id(is_unidirectional=True)
        peer._quic.send_stream_data(stream, varint(0x1F * 5 + 0x21) + b"whatever")
        session = await peer.request()
        peer.capsule(session, 0x29 * 4 + 0x17, b"whatever")
        control = await peer.set_up(session)
        await peer.refused(control, 0)


async def violation(port: int) -> None:
    """Nonsense on a control stream ends its session with a code and a reason, and no other."""
    async with client(port) as peer:
        first, second = await peer.request(), await peer.request()
        control = await peer.set_up(first)
        other = await peer.set_up(second)
        peer._quic.send_stream_data(control, message(0x3333, b"nonsense"))
        peer.transmit()
        code, reason = await peer.until(lambda: peer.said_close(first), "a CLOSE")
        assert code == 3 and reason, (code, reason)
        await peer.refused(other, 0)


async def requests(port: int) -> None:
    """What is no WebTransport is answered with a status."""
    async with client(port) as peer:
        stream = peer._quic.get_next_available_stream_id()
        fields = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a"), (b":path", b"/")]
        peer.h3.send_headers(stream, fields, end_stream=True)
        peer.transmit()
        await peer.until(lambda: stream in peer.headers, "an answer to GET")
        assert peer.headers[stream][b":status"] == b"404", peer.headers
        control = await peer.set_up(await peer.request())
        await peer.refused(control, 0)


# What our subscriber makes of a server


def certificate(folder: pathlib.Path) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return str(files[0]), str(files[1])


class Publisher:
    """Answers one session: setup, then the objects to whoever subscribes, half in streams and half in datagrams."""

    def __init__(self):
        self.requests: list[dict[bytes, bytes]] = []
        self.closes: list[tuple[int, str]] = []
        self.answered: set[int] = set()

    def __call__(self, peer: Peer, event) -> None:
        if isinstance(event, HeadersReceived):
            self.requests.append(dict(event.headers))
            fields = [(b":status", b"200"), (b"sec-webtransport-http3-draft", b"draft02"), (b"wt-protocol", b'"moq-00"')]
            peer.h3.send_headers(event.stream_id, fields)
        elif isinstance(event, WebTransportStreamDataReceived) and event.stream_id % 4 == 0:
            self.read(peer, event.stream_id, event.session_id)
        elif isinstance(event, DataReceived):
            if close := peer.said_close(event.stream_id):
                self.closes.append(close)
                peer._quic.send_stream_data(event.stream_id, b"", end_stream=True)
        peer.transmit()

    def read(self, peer: Peer, stream: int, session: int) -> None:
        data = peer.streams[stream]
        while len(data) >= 3 and len(data) >= (size := 3 + int.from_bytes(data[1:3], "big")):
            kind, payload = data[0], bytes(data[3:size])
            del data[:size]
            if kind == CLIENT_SETUP:
                peer._quic.send_stream_data(stream, message(SERVER_SETUP, varint(DRAFT_14, 1, 2, 100)))
            elif kind == SUBSCRIBE:
                request = Buffer(data=payload).pull_uint_var()
                peer._quic.send_stream_data(stream, message(SUBSCRIBE_OK, varint(request, 5, 0) + b"\1\0" + varint(0)))
                self.publish(peer, session)

    def publish(self, peer: Peer, session: int) -> None:
        for number, payload in enumerate(OBJECTS):
            stream = peer.h3.create_webtransport_stream(session, is_unidirectional=True)
            header = varint(0x18, 5, number) + b"\x80"  # subgroup 0, which ends its group
            peer._quic.send_stream_data(stream, header + varint(0, len(payload)) + payload, end_stream=True)


async def serves(moq: str, logs: pathlib.Path) -> None:
    """Our subscriber asks as it should, gets every object, and closes with a CLOSE that aioquic reads."""
    publisher = Publisher()

    def protocol(*args, **kwargs):
        peer = Peer(*args, **kwargs)
        peer.server = publisher
        return peer

    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"], max_datagram_frame_size=65536)
    configuration.load_cert_chain(*certificate(logs))
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=protocol)
    port = server._transport.get_extra_info("sockname")[1]
    output = logs / "received"
    async with tool(
        logs, "subscribe", moq, "subscribe", f"https://127.0.0.1:{port}/live?x=1", "a/b", "t", "--tls-disable-verify",
        "--draft", "draft-14", "--count", str(len(OBJECTS)), "--output", str(output),
    ) as process:  # fmt: skip
        status = await asyncio.wait_for(process.wait(), 20)
        assert status == 0, (status, (logs / "subscribe.err").read_text())
        async with asyncio.timeout(10):
            while not publisher.closes:
                await asyncio.sleep(0.02)
    server.close()
    assert output.read_bytes() == b"".join(OBJECTS), output.stat().st_size
    request = publisher.requests[0]
    assert request[b":path"] == b"/live?x=1" and request[b":protocol"] == b"webtransport", request
    assert b'"moq-00"' in request[b"wt-available-protocols"], request
    assert publisher.closes[0][0] == 0, publisher.closes


async def main() -> None:
    moq, logs = sys.argv[1], pathlib.Path(sys.argv[2])
    logs.mkdir(parents=True, exist_ok=True)
    passed = failed = 0

    async def run(name: str, body) -> None:
        nonlocal passed, failed
        try:
            await body
            passed += 1
            print("ok     ", name, flush=True)
        except (AssertionError, OSError, TimeoutError, ValueError) as error:
            failed += 1
            print(f"FAILED  {name}: {error!r}; transcripts: {logs}", flush=True)

    async with tool(logs, "relay", moq, "relay", "--bind", "127.0.0.1:0") as process:
        port = await relay_port(logs)
        for case in (sessions, early, reserved, violation, requests):
            await run(f"aioquic as a client: {case.__doc__}", case(port))
        assert process.returncode is None
    await run(f"aioquic as a server: {serves.__doc__}", serves(moq, logs))
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    asyncio.run(main())

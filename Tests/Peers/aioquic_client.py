"""aioquic as a client of a QUIC server that echoes: streams, datagrams, resets, key update, session ticket, close.

Usage: aioquic_client.py PORT. Prints one line for each thing that worked; the last one is "done".
"""

import asyncio
import ssl
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import DatagramFrameReceived, StreamDataReceived, StreamReset


def content(seed, count):
    """The same bytes as the Swift side's: a Weyl sequence."""
    return bytes(((seed * 131 + i * 7 + (i >> 8)) & 0xFF) for i in range(count))


class Client(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.streams = {}
        self.ended = {}
        self.datagrams = asyncio.Queue()
        self.resets = asyncio.Queue()

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            self.streams.setdefault(event.stream_id, bytearray()).extend(event.data)
            if event.end_stream:
                self.end_of(event.stream_id).set()
        elif isinstance(event, DatagramFrameReceived):
            self.datagrams.put_nowait(event.data)
        elif isinstance(event, StreamReset):
            self.resets.put_nowait((event.stream_id, event.error_code))

    def end_of(self, stream_id):
        return self.ended.setdefault(stream_id, asyncio.Event())


def say(text):
    print(text, flush=True)


async def main(port):
    tickets = []
    configuration = QuicConfiguration(
        is_client=True, alpn_protocols=["other", "moq-00"], verify_mode=ssl.CERT_NONE, max_datagram_frame_size=65536
    )

    def open_connection():
        return connect(
            "127.0.0.1",
            port,
            configuration=configuration,
            create_protocol=Client,
            session_ticket_handler=tickets.append,
        )

    async with open_connection() as client:
        quic = client._quic
        assert quic.tls.alpn_negotiated == "moq-00", quic.tls.alpn_negotiated
        say("connected")

        for size in (0, 1, 5000, 400_000):
            stream = quic.get_next_available_stream_id()
            quic.send_stream_data(stream, content(size, size), end_stream=True)
            client.transmit()
            await client.end_of(stream).wait()
            assert bytes(client.streams.get(stream, b"")) == content(size, size), size
        say("echoed")

        for i in range(300):
            stream = quic.get_next_available_stream_id(is_unidirectional=True)
            quic.send_stream_data(stream, content(i, 100 * (i % 5)), end_stream=True)
        client.transmit()
        say("streams sent")

        quic.send_datagram_frame(b"a datagram")
        client.transmit()
        assert await client.datagrams.get() == b"a datagram"
        say("datagram")

        quic.request_key_update()
        await client.ping()
        say("key update")

        # The server answers a reset of 5 with a reset of 6.
        stream = quic.get_next_available_stream_id()
        quic.send_stream_data(stream, b"to be reset")
        client.transmit()
        while stream not in client.streams:
            await client.ping()
        quic.reset_stream(stream, 5)
        client.transmit()
        assert await client.resets.get() == (stream, 6)
        say("reset")

        while not tickets:
            await client.ping()
        say("ticket")
        # A close overtakes what is queued: wait until the peer has all of the unidirectional streams.
        while any(stream & 2 and not of.sender.is_finished for stream, of in quic._streams.items()):
            await client.ping()
        quic.close(error_code=9, reason_phrase="from aioquic")
        client.transmit()

    configuration.session_ticket = tickets[0]
    async with open_connection() as client:
        assert client._quic.tls.session_resumed
        stream = client._quic.get_next_available_stream_id()
        client._quic.send_stream_data(stream, b"again", end_stream=True)
        client.transmit()
        await client.end_of(stream).wait()
        assert bytes(client.streams[stream]) == b"again"
        say("resumed")
    say("done")


asyncio.run(main(int(sys.argv[1])))

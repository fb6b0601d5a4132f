"""aioquic as a QUIC server that echoes streams and datagrams and asks for a Retry first.

Usage: aioquic_server.py CERTIFICATE KEY. Prints "port N", then "closed CODE REASON" when its first connection ends,
and leaves; after two minutes it leaves in any case.
A bidirectional stream is echoed; the end of a unidirectional one is answered on a unidirectional one of its own.
A stream that begins with "reset" is reset with 5 and stopped with 6.
"""

import asyncio
import sys

from aioquic.asyncio import serve
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, DatagramFrameReceived, StreamDataReceived


ended = asyncio.Event()


class Echo(QuicConnectionProtocol):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gathered = {}

    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived):
            stream = event.stream_id
            if event.data.startswith(b"reset"):
                self._quic.reset_stream(stream, 5)
                self._quic.stop_stream(stream, 6)
            elif stream & 2 == 0:
                self._quic.send_stream_data(stream, event.data, end_stream=event.end_stream)
            else:
                self.gathered.setdefault(stream, bytearray()).extend(event.data)
                if event.end_stream:
                    answer = self._quic.get_next_available_stream_id(is_unidirectional=True)
                    self._quic.send_stream_data(answer, bytes(self.gathered.pop(stream)), end_stream=True)
            self.transmit()
        elif isinstance(event, DatagramFrameReceived):
            self._quic.send_datagram_frame(event.data)
            self.transmit()
        elif isinstance(event, ConnectionTerminated):
            print("closed", event.error_code, event.reason_phrase, flush=True)
            ended.set()


async def main(certificate, key):
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["moq-00"], max_datagram_frame_size=65536)
    configuration.load_cert_chain(certificate, key)
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=Echo, retry=True)
    print("port", server._transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.wait_for(ended.wait(), 120)


asyncio.run(main(sys.argv[1], sys.argv[2]))

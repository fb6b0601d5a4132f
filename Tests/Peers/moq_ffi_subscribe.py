"""moq-ffi 0.2 as a subscriber: waits for the announcement, prints one line an object, ends after COUNT objects.

    moq_ffi_subscribe.py URL NAMESPACE TRACK COUNT
"""

import asyncio
import sys

import moq_ffi
import payloads


async def main() -> None:
    url, namespace, track_name = sys.argv[1:4]
    left = int(sys.argv[4])
    client, origin = moq_ffi.MoqClient(), moq_ffi.MoqOriginProducer()
    client.set_tls_disable_verify(True)
    client.set_consume(origin)
    session = await client.connect(url)
    broadcast = await origin.consume().announced_broadcast(namespace).available()
    print("announced", namespace, file=sys.stderr, flush=True)
    track = broadcast.subscribe_track(track_name)
    print("subscribed", track_name, file=sys.stderr, flush=True)
    # As they arrive: in order, it gives up groups as soon as a newer one is there.
    while left > 0 and (group := await track.recv_group()) is not None:
        index = 0
        while (payload := await group.read_frame()) is not None:
            payloads.say(group.sequence(), index, payload)
            index, left = index + 1, left - 1
    track.cancel()
    session.shutdown()


asyncio.run(main())

"""moq-ffi 0.2 as a publisher: waits for a first subscriber, writes the seed's groups, leaves when nobody listens any more.

    moq_ffi_publish.py URL NAMESPACE TRACK SEED GROUPS OBJECTS
"""

import asyncio
import sys

import moq_ffi
import payloads

GROUP_INTERVAL = 0.05  # seconds between groups: a live publisher, so that nothing needs a cache to arrive


async def main() -> None:
    url, namespace, track_name = sys.argv[1:4]
    seed, count, objects = map(int, sys.argv[4:7])
    client, origin = moq_ffi.MoqClient(), moq_ffi.MoqOriginProducer()
    client.set_tls_disable_verify(True)
    client.set_publish(origin)
    broadcast = moq_ffi.MoqBroadcastProducer()
    track = broadcast.publish_track(track_name)
    origin.publish(namespace, broadcast)
    session = await client.connect(url)
    print("announced", namespace, file=sys.stderr, flush=True)
    await track.used()
    print("a subscriber came", file=sys.stderr, flush=True)
    for group in payloads.groups(seed, count, objects):
        producer = track.append_group()
        for index, payload in enumerate(group):
            producer.write_frame(payload)
            payloads.say(producer.sequence(), index, payload)
        producer.finish()
        await asyncio.sleep(GROUP_INTERVAL)
    await track.unused()
    track.finish()
    session.shutdown()


asyncio.run(main())

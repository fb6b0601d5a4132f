"""moq-rs as a publisher: waits for a first subscriber, writes the seed's groups, leaves when nobody listens any more.

    moq_rs_publish.py URL NAMESPACE TRACK SEED GROUPS OBJECTS
"""

import asyncio
import os
import sys

import moq
import payloads

GROUP_INTERVAL = 0.05  # seconds between groups: a live publisher, so that nothing needs a cache to arrive


async def main() -> None:
    url, namespace, track_name = sys.argv[1:4]
    seed, count, objects = map(int, sys.argv[4:7])
    async with moq.Client(url, tls_verify=False, websocket_enabled=False, reconnect=False) as client:
        broadcast = client.create_broadcast(namespace)
        track = broadcast.publish_track(track_name)
        broadcast.announce()
        print("announced", namespace, file=sys.stderr, flush=True)
        await track.used()
        print("a subscriber came", file=sys.stderr, flush=True)
        time = 0
        for group in payloads.groups(seed, count, objects):
            producer = track.append_group()
            for index, payload in enumerate(group):
                producer.write_frame(payload, time)
                time += 1000
                payloads.say(producer.sequence, index, payload)
            producer.finish()
            await asyncio.sleep(GROUP_INTERVAL)
        await track.unused()
        track.finish()


if level := os.environ.get("MOQ_RS_LOG"):
    moq.log_level(level)
asyncio.run(main())

"""moq-rs as a subscriber: waits for the announcement, prints one line an object, ends after COUNT objects.

    moq_rs_subscribe.py URL NAMESPACE TRACK COUNT
"""

import asyncio
import os
import sys

import moq
import payloads

PATIENCE_MICROSECONDS = 60_000_000  # the default, no staleness tolerance, skips groups as soon as a newer one comes


async def main() -> None:
    url, namespace, track_name = sys.argv[1:4]
    left = int(sys.argv[4])
    async with moq.Client(url, tls_verify=False, websocket_enabled=False, reconnect=False) as client:
        broadcast = await client.announced_broadcast(namespace)
        print("announced", namespace, file=sys.stderr, flush=True)
        track = await broadcast.subscribe_track(track_name, moq.Subscription(max_age_us=PATIENCE_MICROSECONDS))
        print("subscribed", track_name, file=sys.stderr, flush=True)
        async for group in track:
            index = 0
            async for frame in group:
                payloads.say(group.sequence, index, frame.payload)
                index, left = index + 1, left - 1
            if left <= 0:
                break
        track.cancel()


if level := os.environ.get("MOQ_RS_LOG"):
    moq.log_level(level)
asyncio.run(main())

"""The payloads that both sides of a peer test know: any seed gives the same groups of the same objects everywhere.

    payloads.py list SEED GROUPS OBJECTS           one line an object: group, index, size, SHA-256
    payloads.py write SEED GROUPS OBJECTS DIR      each object in a file of its own, named in order
    payloads.py slice JSON-LINES PAYLOADS          the same list from what `moq subscribe --json --output` wrote
    payloads.py compare SENT RECEIVED              two such lists: the same objects in the same groups and order?
"""

import hashlib
import json
import pathlib
import random
import sys

SIZES = [0, 1, 63, 64, 1000, 1199, 1200, 16383, 16384, 100_000]


def groups(seed: int, count: int, objects: int) -> list[list[bytes]]:
    """`count` groups of `objects` payloads: every edge of SIZES in turn, with random sizes between them."""
    source = random.Random(seed)
    made, edge = [], 0
    for _ in range(count):
        group = []
        for index in range(objects):
            if index % 2 == 0:
                size, edge = SIZES[edge % len(SIZES)], edge + 1
            else:
                size = source.randrange(20_000)
            group.append(source.randbytes(size))
        made.append(group)
    return made


def line(group: int, index: int, payload: bytes) -> str:
    return f"{group} {index} {len(payload)} {hashlib.sha256(payload).hexdigest()}"


def say(group: int, index: int, payload: bytes) -> None:
    print(line(group, index, payload), flush=True)


def slice_lines(lines_path: str, payloads_path: str) -> None:
    """Objects may come group by group or interleaved; a line's place in its group is its order of arrival there."""
    data = pathlib.Path(payloads_path).read_bytes()
    offset, seen = 0, {}
    for text in pathlib.Path(lines_path).read_text().splitlines():
        if not text.startswith("{"):
            continue
        item = json.loads(text)
        if item.get("size") is None or item.get("status", "normal") not in ("normal", 0):
            continue
        size, group = int(item["size"]), int(item["group"])
        say(group, seen.get(group, 0), data[offset : offset + size])
        seen[group] = seen.get(group, 0) + 1
        offset += size
    if offset != len(data):
        sys.exit(f"{payloads_path} has {len(data)} bytes, its lines account for {offset}")


def compare(sent_path: str, received_path: str) -> None:
    """Group numbers may differ between the two ends (each counts as it likes); their order may not."""

    def read(path: str) -> list[list[tuple[int, str, str]]]:
        found: dict[int, list[tuple[int, str, str]]] = {}
        for text in pathlib.Path(path).read_text().splitlines():
            parts = text.split()
            if len(parts) == 4 and parts[0].isdigit():
                found.setdefault(int(parts[0]), []).append((int(parts[1]), parts[2], parts[3]))
        return [found[group] for group in sorted(found)]

    sent, received = read(sent_path), read(received_path)
    if not sent:
        sys.exit(f"{sent_path} lists no object")
    if len(sent) != len(received):
        sys.exit(f"{len(sent)} groups were sent, {len(received)} arrived")
    for number, (left, right) in enumerate(zip(sent, received)):
        if len(left) != len(right):
            sys.exit(f"group {number}: {len(left)} objects were sent, {len(right)} arrived")
        for (index, size, digest), (found_index, found_size, found_digest) in zip(left, right):
            if (index, size, digest) != (found_index, found_size, found_digest):
                sys.exit(f"group {number} object {index}: sent {size} bytes {digest[:16]}, object {found_index} arrived with {found_size} bytes {found_digest[:16]}")
    print(f"{sum(map(len, sent))} objects in {len(sent)} groups are the same, byte for byte")


def main() -> None:
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "slice":
        slice_lines(*arguments)
    elif command == "compare":
        compare(*arguments)
    else:
        seed, count, objects = map(int, arguments[:3])
        for group, payloads in enumerate(groups(seed, count, objects)):
            for index, payload in enumerate(payloads):
                if command == "write":
                    pathlib.Path(arguments[3], f"{group:06}-{index:06}").write_bytes(payload)
                else:
                    say(group, index, payload)


if __name__ == "__main__":
    main()

"""`moq probe` against a server of moq-rs or moq-ffi: it finds what both speak, over raw QUIC and WebTransport, and nothing else.

    probe.py MOQ PEER                            PEER moq-rs or moq-ffi

The last line counts; the exit status agrees.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
# Of their dialects (moq-lite from 01 on, IETF drafts from 14 on) those that sessions speak here.
WANTED = {(scheme, dialect) for scheme in ("moqt", "https") for dialect in ("draft-14", "moq-lite-01")}


def probe(moq: str, place: str) -> set[tuple[str, str]]:
    said = subprocess.run(
        [moq, "probe", place, "--json", "--tls-disable-verify"], capture_output=True, text=True, timeout=90
    )
    if said.returncode != 0:
        raise RuntimeError(f"moq probe ended with {said.returncode}: {said.stderr.strip()}")
    answers = [json.loads(line) for line in said.stdout.splitlines()]
    return {(answer["url"].partition(":")[0], answer["dialect"]) for answer in answers if answer["ok"]}


def main() -> None:
    server = subprocess.Popen(
        [sys.executable, HERE / f"{sys.argv[2].replace('-', '_')}_serve.py", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        line = server.stdout.readline()
        if not line:
            raise RuntimeError(f"{sys.argv[2]} did not start")
        place = line.split()[0]
        found = probe(sys.argv[1], place)
    finally:
        server.terminate()
        server.wait(10)
    for scheme, dialect in sorted(WANTED | found):
        verdict = "ok" if (scheme, dialect) in WANTED & found else "FAILED"
        print(f"{verdict:8}{dialect} over {scheme}://: {'found' if (scheme, dialect) in found else 'not found'}")
    failed = len(WANTED ^ found)
    print(f"{len(WANTED & found)} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


main()

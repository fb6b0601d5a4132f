"""Publisher, relay and subscriber as three processes, one or two of them foreign; the payloads are compared.

    exchange.py MOQ LOGS PEER [moqt|https]...    MOQ is our tool, LOGS a folder that keeps the transcripts of what
                                                 failed, PEER moq-rs or moq-ffi, over raw QUIC (moqt), over
                                                 WebTransport (https) or, if neither is named, over both

Prints a line a case and ends with `N passed, N failed, N skipped`.
"""

import contextlib
import dataclasses
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
SEED, GROUPS, OBJECTS = 7, 12, 20
NAMESPACE, TRACK = "demo/peers", "data"
SECONDS = 40
DIALECTS = ["draft-14", "moq-lite-01"]
# moq-ffi 0.2 gives up what it has not passed on when a publisher leaves, so ours goes on for a moment after the
# objects that are counted.
TAIL = {"moq-ffi": 10 * OBJECTS}


@dataclasses.dataclass
class Case:
    """Who publishes, relays and subscribes: `ours` or the peer, ours with the dialects that it is held to."""

    publisher: str
    relay: str
    subscriber: str
    scheme: str = "moqt"
    publisher_drafts: list[str] = dataclasses.field(default_factory=list)
    relay_drafts: list[str] = dataclasses.field(default_factory=list)
    subscriber_drafts: list[str] = dataclasses.field(default_factory=list)

    @property
    def tail(self) -> int:
        return max(TAIL.get(peer, 0) for peer in (self.relay, self.subscriber))

    def name(self) -> str:
        def part(who: str, drafts: list[str]) -> str:
            return f"{who} ({', '.join(drafts)})" if drafts else who

        transport = "WebTransport" if self.scheme == "https" else "raw QUIC"
        return f"{transport}: " + " -> ".join(
            [
                part(self.publisher, self.publisher_drafts),
                part(self.relay, self.relay_drafts),
                part(self.subscriber, self.subscriber_drafts),
            ]
        )


def cases(peer: str, scheme: str) -> list[Case]:
    """A relay that lists one dialect holds the peer to it; of two it takes the first that both have."""
    made = []
    for draft in DIALECTS:
        made.append(Case(peer, "ours", "ours", relay_drafts=[draft], subscriber_drafts=[draft]))
        made.append(Case("ours", "ours", peer, publisher_drafts=[draft], relay_drafts=[draft]))
        for other in DIALECTS:
            if other != draft:
                both = [draft, other]
                made.append(Case(peer, "ours", "ours", relay_drafts=both, subscriber_drafts=[other]))
                made.append(Case("ours", "ours", peer, publisher_drafts=[other], relay_drafts=both))
        made.append(Case("ours", peer, "ours", publisher_drafts=[draft], subscriber_drafts=[draft]))
        made.append(Case("ours", peer, peer, publisher_drafts=[draft]))
        made.append(Case(peer, peer, "ours", subscriber_drafts=[draft]))
    return [dataclasses.replace(case, scheme=scheme) for case in made]


class Failure(Exception):
    pass


class Stage:
    """The processes of one case. Each writes NAME.out and NAME.err; all are gone when the stage is left."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.running: dict[str, subprocess.Popen] = {}

    def start(self, name: str, *command: object) -> subprocess.Popen:
        words = [str(word) for word in command]
        (self.folder / f"{name}.command").write_text(" ".join(words) + "\n")
        with open(self.folder / f"{name}.out", "wb") as out, open(self.folder / f"{name}.err", "wb") as err:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.running[name] = process
        return process

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(errors="replace")

    def wait_for(self, name: str, pattern: str, seconds: float) -> re.Match:
        """The first match of `pattern` in what the process has written so far, stdout or stderr."""
        deadline = time.monotonic() + seconds
        while True:
            for stream in ("out", "err"):
                if found := re.search(pattern, self.text(f"{name}.{stream}")):
                    return found
            if (status := self.running[name].poll()) is not None:
                raise Failure(f"{name} ended with status {status} before it wrote {pattern!r}: {self.last(name)}")
            if time.monotonic() > deadline:
                raise Failure(f"{name} did not write {pattern!r} within {seconds} s: {self.last(name)}")
            time.sleep(0.02)

    def finish(self, name: str, seconds: float) -> None:
        try:
            status = self.running[name].wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{name} did not end in time: {self.last(name)}{self.others(name)}") from None
        if status != 0:
            raise Failure(f"{name} ended with status {status}: {self.last(name)}")

    def others(self, name: str) -> str:
        """What may have held it up: the processes of the case that are gone already."""
        gone = [(other, process.poll()) for other, process in self.running.items() if other != name]
        return "".join(f"; {other} had ended with {status}: {self.last(other)}" for other, status in gone if status)

    def last(self, name: str) -> str:
        lines = self.text(f"{name}.err").strip().splitlines()
        return lines[-1] if lines else "nothing on stderr"

    def end(self, name: str) -> None:
        process = self.running[name]
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(list(self.running)):
            self.end(name)


def script(peer: str, role: str) -> pathlib.Path:
    return HERE / f"{peer.replace('-', '_')}_{role}.py"


def held_to(drafts: list[str]) -> list[str]:
    return [word for draft in drafts for word in ("--draft", draft)]


def run(case: Case, moq: str, folder: pathlib.Path, sent: pathlib.Path, files: list[pathlib.Path]) -> str:
    python, total = sys.executable, GROUPS * OBJECTS
    deadline = time.monotonic() + SECONDS
    with Stage(folder) as stage:
        if case.relay == "ours":
            stage.start("relay", moq, "relay", "--bind", "127.0.0.1:0", *held_to(case.relay_drafts))
        else:
            stage.start("relay", python, script(case.relay, "serve"), "127.0.0.1:0")
        port = stage.wait_for("relay", r"127\.0\.0\.1:(\d+)", 15)[1]
        place = [f"{case.scheme}://127.0.0.1:{port}/", NAMESPACE, TRACK]

        if case.publisher == "ours":
            stage.start(
                "publisher", moq, "publish", *place, "--tls-disable-verify", *held_to(case.publisher_drafts),
                "--group-every", OBJECTS, "--rate", 400, "--files", *files, *files[: case.tail],
            )  # fmt: skip
        else:
            stage.start("publisher", python, script(case.publisher, "publish"), *place, SEED, GROUPS, OBJECTS)
            stage.wait_for("publisher", "announced", 15)

        if case.subscriber == "ours":
            received = subscribe_with_ours(stage, case, moq, place, total, deadline)
        else:
            stage.start("subscriber", python, script(case.subscriber, "subscribe"), *place, total)
            stage.finish("subscriber", deadline - time.monotonic())
            received = folder / "subscriber.out"

        said = subprocess.run(
            [python, HERE / "payloads.py", "compare", sent, received], capture_output=True, text=True, timeout=60
        )
        if said.returncode != 0:
            raise Failure(said.stderr.strip())
        if case.publisher == "ours":
            stage.finish("publisher", 15)  # it leaves when all is acknowledged
        return said.stdout.strip()


def subscribe_with_ours(
    stage: Stage, case: Case, moq: str, place: list[str], total: int, deadline: float
) -> pathlib.Path:
    """The peers do not say when their announcement has arrived, so a refusal that comes too early is asked again."""
    payload, received = stage.folder / "payloads", stage.folder / "received"
    early = time.monotonic() + 3
    while True:
        stage.start(
            "subscriber", moq, "subscribe", *place, "--tls-disable-verify", *held_to(case.subscriber_drafts),
            "--json", "--output", payload, "--count", total,
        )  # fmt: skip
        try:
            stage.finish("subscriber", deadline - time.monotonic())
            break
        except Failure:
            if stage.text("subscriber.out").strip() or time.monotonic() > early:
                raise
            time.sleep(0.2)
    with open(received, "w") as out:
        subprocess.run(
            [sys.executable, HERE / "payloads.py", "slice", stage.folder / "subscriber.out", payload],
            stdout=out, check=True, timeout=60,
        )  # fmt: skip
    return received


def main() -> None:
    # Ended from outside, it still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    moq, logs, peer, schemes = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4:] or ["moqt", "https"]
    shutil.rmtree(logs, ignore_errors=True)
    source = logs / "sent"
    source.mkdir(parents=True)
    generator = [sys.executable, str(HERE / "payloads.py")]
    subprocess.run([*generator, "write", str(SEED), str(GROUPS), str(OBJECTS), str(source)], check=True)
    sent = logs / "sent.list"
    with open(sent, "w") as out:
        subprocess.run([*generator, "list", str(SEED), str(GROUPS), str(OBJECTS)], stdout=out, check=True)
    files = sorted(source.iterdir())

    passed = failed = 0
    for number, case in enumerate(case for scheme in schemes for case in cases(peer, scheme)):
        folder = logs / f"{number:02}"
        folder.mkdir()
        started = time.monotonic()
        try:
            said = run(case, moq, folder, sent, files)
            passed += 1
            print(f"ok      {case.name()}: {said} ({time.monotonic() - started:.1f} s)", flush=True)
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            failed += 1
            print(f"FAILED  {case.name()}: {failure}; transcripts: {folder}", flush=True)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()

"""The page of `moq relay --http` in a browser: what it subscribes to and publishes, against our tool over raw QUIC.

    page.py MOQ FOLDER [PART]    MOQ is our tool; FOLDER gets screenshots and the transcripts of what failed;
                                 only cases whose names have PART in them
    BROWSER=firefox              Firefox, not Chromium

Prints a line a case and ends with `N passed, N failed, N skipped`.
"""

import contextlib
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "Peers"))

from chromium import Chromium  # noqa: E402
from exchange import Failure, Stage  # noqa: E402
from firefox import Firefox  # noqa: E402
from tab import BrowserError  # noqa: E402

DIALECTS = ["draft-14", "moq-lite-01"]
BROWSERS = {"chromium": Chromium, "firefox": Firefox}
WANTED = 120  # objects each way; the least that counts is 100


def check(condition: object, otherwise: str) -> None:
    if not condition:
        raise Failure(otherwise)


class Relay:
    """`moq relay --http`, and where it is."""

    def __init__(self, stage: Stage, moq: str, *options: str, name: str = "relay"):
        self.stage, self.moq, self.name = stage, moq, name
        stage.start(name, moq, "relay", "--bind", "127.0.0.1:0", "--http", "127.0.0.1:0", *options)
        found = stage.wait_for(name, r"127\.0\.0\.1:(\d+), certificate SHA-256 ([0-9a-f]{64})", 20)
        self.port, self.sha256 = found[1], found[2]
        self.http = stage.wait_for(name, r"Page at (http://127\.0\.0\.1:\d+)/", 20)[1]

    def tool(self, name: str, command: str, *words: object) -> None:
        """Starts the tool over raw QUIC; the words follow the URL."""
        place = [f"moqt://127.0.0.1:{self.port}", *words, "--tls-fingerprint", self.sha256, "-v"]
        self.stage.start(name, self.moq, *command.split(), *place)

    def get(self, path: str) -> str:
        with urllib.request.urlopen(self.http + path, timeout=20) as answer:
            return answer.read().decode()

    @contextlib.contextmanager
    def page(self, browser, dialect: str = "draft-14", http: str = "", **wishes: str):
        """The page in a tab, with its fields filled in; what it did wrong itself is a failure. `http`: who serves it."""
        hash_ = "&".join(f"{key}={value}" for key, value in {"dialect": dialect, **wishes}.items())
        with browser.open(f"{http or self.http}/#{hash_}") as page:
            page.wait("globalThis.app && app.isReady")
            yield page
            complaints = page.complaints()
            check(not complaints, f"the page has uncaught errors: {complaints}")


@contextlib.contextmanager
def elsewhere(relay: Relay):
    """Serves the page and nothing else: the address of a place that is no relay's helper."""
    html = relay.get("/").encode()

    class Place(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            found = self.path == "/"
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(html if found else b"nothing")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Place) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def connect(page, sentence: str = "Connected in", limit: float = 20) -> str:
    """Presses Connect, and waits for the sentence."""
    click(page, "connect")
    return said(page, sentence, limit=limit)


def click(page, name: str) -> None:
    page.run(f"document.getElementById('{name}').click()")


def fill(page, **fields: object) -> None:
    for name, value in fields.items():
        page.run(f"document.getElementById('{name}').value = {json.dumps(str(value))}")


def said(page, sentence: str, where: str = "said", limit: float = 20) -> str:
    """What the page says, once it holds `sentence`."""
    text = f"document.getElementById('{where}').textContent"
    try:
        page.wait(f"{text}.includes({json.dumps(sentence)})", limit)
    except BrowserError:
        raise Failure(f"the page should say “{sentence}”, and says “{page.run(text)}”") from None
    return page.run(text)


def subscribe(page, namespace: str, track: str) -> None:
    """A publisher's announcement may still be on its way, so a refusal that comes too early is asked again."""
    fill(page, namespace=namespace, track=track)
    deadline = time.monotonic() + 10
    while True:
        click(page, "subscribe")
        page.wait("app.subscription || document.getElementById('subscriptionSaid').dataset.kind === 'bad'", 15)
        if page.run("app.subscription !== null"):
            return
        if time.monotonic() > deadline:
            raise Failure(page.run("document.getElementById('subscriptionSaid').textContent"))
        time.sleep(0.1)


def objects(page, count: int, limit: float = 40) -> list[dict]:
    """All objects that have arrived, in order of their places, once there are `count`."""
    page.wait(f"app.total >= {count}", limit, f"{count} objects in the page")
    return sorted(page.run("app.objects"), key=lambda one: (one["group"], one["object"]))


def raw_lines(stage: Stage, relay: Relay, name: str, *words: object, seconds: float = 40) -> None:
    """Runs a raw subscriber to its end; one that came before the announcement asks again."""
    deadline = time.monotonic() + seconds
    while True:
        relay.tool(name, *words)
        try:
            return stage.finish(name, deadline - time.monotonic())
        except Failure:
            if "knows no such track" not in stage.text(f"{name}.err") or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


# What is announced, as it is listed.
LISTED = "[...document.querySelectorAll('#announced b')].map((one) => one.textContent).join()"


# The cases


def client_agrees_with_vectors(bench, stage, dialect):
    relay = Relay(stage, bench.moq)
    script = (HERE / "vectors.js").read_text()
    script = script[script.index("async (") :]
    files = [json.loads(file.read_text()) for file in sorted((ROOT / "Vectors" / dialect).glob("*/*.json"))]
    with relay.page(bench.browser) as page:
        result = page.run(f"({script})({json.dumps(dialect)}, {json.dumps(files)})")
    check(not result["wrong"], "; ".join(result["wrong"][:5]))
    check(result["agreed"] > 100, f"only {result['agreed']} vectors were compared")
    return f"{result['agreed']} vectors agree, {result['skipped']} are of no use to it"


def page_reads_a_clock(bench, stage, dialect, publisher):
    relay = Relay(stage, bench.moq)
    relay.tool("clock", "clock publish", "demo/clock", "--interval", "0.02", "--group-seconds", "1", "--draft", publisher)
    stage.wait_for("clock", "Connected", 20)
    with relay.page(bench.browser, dialect) as page:
        connect(page)
        page.wait("app.announced.has('demo/clock')", 20, "the announcement in the page")
        subscribe(page, "demo/clock", "now")
        raw_lines(stage, relay, "raw", "clock subscribe", "demo/clock", "--json", "--seconds", "3.5")
        arrived = [one["text"] for one in objects(page, WANTED)]
        check(not page.run("app.objects.some(({ datagram }) => datagram)"), "objects came in datagrams")
        latencies = page.run("app.objects.map(({ latency }) => latency).filter((latency) => latency !== null)")
        if (dialect, publisher) == ("draft-14", "moq-lite-01"):
            bench.pictures(page)
        metrics = relay.get("/metrics")
        check(
            f'moq_sessions{{dialect="{dialect}",transport="webtransport"}} 1' in metrics,
            "the metrics know no session over WebTransport",
        )
        click(page, "connect")
        said(page, "You closed the session.")
    check(all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", text) for text in arrived), "not all are times")
    check(arrived == sorted(set(arrived)), "times are not in order")
    # Both subscribers were there at the same time for a while: there they have seen the same.
    raw = sorted(json.loads(line)["payload"] for line in stage.text("raw.out").splitlines())
    first, last = max(raw[0], arrived[0]), min(raw[-1], arrived[-1])
    both = [[text for text in texts if first <= text <= last] for texts in (raw, arrived)]
    check(both[0] == both[1], f"{len(both[0])} objects over raw QUIC, {len(both[1])} in the page between {first} and {last}")
    check(len(both[0]) >= 100, f"only {len(both[0])} objects were compared")
    median = sorted(latencies)[len(latencies) // 2]
    return f"{len(both[0])} objects as over raw QUIC, latency {median:.1f} ms"


def page_publishes(bench, stage, dialect, subscriber):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, dialect) as page:
        connect(page)
        fill(page, publishNamespace="browser/text", publishTrack="words", text="word", rate=50)
        click(page, "publish")
        said(page, "announced", "publishSaid")
        raw_lines(
            stage, relay, "raw", "subscribe", "browser/text", "words", "--lines", "--count", WANTED,
            "--from", "current", "--draft", subscriber,
        )  # fmt: skip
        sent = page.run("app.publication.sent")
        click(page, "publish")
        said(page, "Stopped after", "publishSaid")
    got = stage.text("raw.out").splitlines()
    start = int(got[0].removeprefix("word "))
    check(got == [f"word {start + index}" for index in range(WANTED)], f"what arrived has gaps: {got[:3]} … {got[-3:]}")
    check(start <= 2 and sent >= WANTED, f"the first to arrive was number {start}")
    return f"{len(got)} objects, numbers {start} to {start + WANTED - 1}"


def datagrams_arrive(bench, stage):
    relay = Relay(stage, bench.moq)
    words = stage.folder / "words"
    words.write_text("".join(f"datagram {number}\n" for number in range(200)))
    relay.tool(
        "publisher", "publish", "demo/datagrams", "words", "--input", words, "--datagrams", "--rate", "60",
        "--draft", "draft-14",
    )  # fmt: skip
    stage.wait_for("publisher", "Waiting for a subscriber", 20)
    with relay.page(bench.browser, "draft-14") as page:
        connect(page)
        subscribe(page, "demo/datagrams", "words")
        arrived = objects(page, WANTED)
        check(all(one["datagram"] for one in arrived), "some came on streams")
    numbers = [int(one["text"].removeprefix("datagram ")) for one in arrived]
    check(numbers == sorted(set(numbers)) and numbers[-1] < 200, "they are not what was sent")
    return f"{len(numbers)} datagrams"


def datagrams_leave(bench, stage):
    relay = Relay(stage, bench.moq)
    payloads = stage.folder / "payloads"
    with relay.page(bench.browser, "draft-14") as page:
        connect(page)
        fill(page, publishNamespace="browser/datagrams", publishTrack="words", text="datagram", rate=50)
        page.run("document.getElementById('datagrams').checked = true")
        click(page, "publish")
        said(page, "announced", "publishSaid")
        raw_lines(
            stage, relay, "raw", "subscribe", "browser/datagrams", "words", "--json", "--output", payloads,
            "--lines", "--count", WANTED, "--draft", "draft-14",
        )  # fmt: skip
    lines = [json.loads(line) for line in stage.text("raw.out").splitlines()]
    check(all(line["datagram"] for line in lines if line["status"] == "normal"), "some came on streams")
    numbers = [int(text.removeprefix("datagram ")) for text in payloads.read_text().splitlines()]
    check(len(numbers) == WANTED and len(set(numbers)) == WANTED, "they are not what was sent")
    return f"{len(numbers)} datagrams, numbers {min(numbers)} to {max(numbers)}"


def announcements_come_and_go(bench, stage, dialect):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, dialect) as page:
        connect(page)
        relay.tool("clock", "clock publish", "demo/come/and/go")
        page.wait(f"{LISTED} === 'demo/come/and/go'", 20, "the announcement in the list")
        stage.end("clock")
        page.wait(f"{LISTED} === ''", 20, "an empty list")
        # A click on one that is listed subscribes.
        relay.tool("other", "clock publish", "demo/other", "--interval", "0.02")
        page.wait(f"{LISTED} === 'demo/other'", 20, "the announcement in the list")
        page.run("document.querySelector('#announced button').click()")
        objects(page, 10)
        stage.end("other")
        said(page, "done", "subscriptionSaid")
    return "listed, gone, listed and read"


def below(page, prefix: str) -> None:
    page.run(f"(() => {{ const field = document.getElementById('prefix'); field.value = {json.dumps(prefix)};"
             " field.dispatchEvent(new Event('change')); })()")


def prefix_is_asked_for(bench, stage, dialect):
    """What is below a prefix is listed by the session itself, without a helper that knows everything."""
    relay = Relay(stage, bench.moq)
    url = f"https://127.0.0.1:{relay.port}/"
    with elsewhere(relay) as place, relay.page(bench.browser, dialect, place, url=url, sha256=relay.sha256) as page:
        connect(page)
        relay.tool("clock", "clock publish", "demo/come/and/go")
        relay.tool("other", "clock publish", "demonstration/clock", "--interval", "0.02")
        stage.wait_for("clock", "Connected", 20)
        stage.wait_for("other", "Connected", 20)
        if dialect == "draft-14":
            said(page, "draft-14 lists what is below a prefix only", "nothing")
        else:
            page.wait(f"{LISTED} === 'demo/come/and/go,demonstration/clock'", 20, "both announcements in the list")
        below(page, "demo")
        page.wait(f"{LISTED} === 'demo/come/and/go'", 20, "the announcement below demo in the list")
        stage.end("clock")
        page.wait(f"{LISTED} === ''", 20, "an empty list")
        said(page, "Nothing is announced below demo yet.", "nothing")
        # Who subscribes to a name without a prefix sees what is beside it.
        below(page, "")
        subscribe(page, "demonstration/clock", "now")
        page.wait(f"{LISTED} === 'demonstration/clock'", 20, "the announcement beside the track in the list")
        objects(page, 10)
        # What was asked for before is taken back, so that the same can be asked for again.
        for prefix, shown in [("demonstration/clock", "demonstration/clock"), ("demo", ""), ("demonstration", "demonstration/clock")]:
            below(page, prefix)
            page.wait(f"app.asked.prefix === '{prefix}' && {LISTED} === '{shown}'", 20, f"“{shown}” below {prefix} in the list")
    return "listed below a prefix, and gone"


def unknown_track(bench, stage, dialect):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, dialect) as page:
        connect(page)
        fill(page, namespace="no/such", track="thing")
        click(page, "subscribe")
        # Firefox does not tell pages with which code a bidirectional stream was reset.
        knows = dialect == "draft-14" or not isinstance(bench.browser, Firefox)
        return said(page, "it does not exist" if knows else "does not say with which code", "subscriptionSaid")


def server_closes(bench, stage, dialect):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, dialect) as page:
        connect(page)
        stage.running["relay"].send_signal(signal.SIGTERM)
        sentence = said(page, "The server closed the session with code 0 (no error): “the relay ends”.")
        check(page.run("app.session === null"), "the page still has a session")
        stage.finish("relay", 20)
        return sentence


def server_closes_with_a_code(bench, stage):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, "draft-14") as page:
        connect(page)
        # A message that does not exist: §9 wants the session closed with PROTOCOL_VIOLATION.
        page.run("app.session.control.write(Uint8Array.of(0x3f, 0, 0))")
        sentence = said(page, "The server closed the session with code 3 (protocol violation): “")
        check(len(sentence) > 80, f"no reason is shown: {sentence}")
        return sentence


def wrong_hash(bench, stage):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, sha256="ab" * 32) as page:
        sentence = connect(page, "Wrong hash: the certificate of 127.0.0.1")
        check(relay.sha256[:16] in sentence and "ab" * 8 in sentence, sentence)
        fill(page, fingerprint="abcd")
        connect(page, "A SHA-256 has 64 hexadecimal digits; this one has 4.")
        fill(page, fingerprint=relay.sha256)
        connect(page)
        return sentence


def session_ends_while_asking(bench, stage, dialect):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, dialect) as page:
        connect(page)
        fill(page, namespace="demo/clock", track="now", publishNamespace="demo/mine")
        # What comes before the page's own question ends the session.
        page.run("(() => { app.session.subscribe('x'.repeat(5000), 'y', () => {}, () => {}).catch(() => {});"
                 " for (const name of ['subscribe', 'publish']) document.getElementById(name).click(); })()")  # fmt: skip
        sentence = said(page, "The server closed the session with code ")
        said(page, "The session ended.", "subscriptionSaid")
        check(page.run("app.session === null && app.subscription === null && app.publication === null"), "not all has ended")
        connect(page)
        return sentence


def long_names(bench, stage, dialect):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, dialect) as page:
        connect(page)
        many, long = "/".join("a" * 33), "ü" * 2048
        for namespace, track, sentence in [
            (many, "t", "A namespace has at most 32 parts; this one has 33."),
            (long, "t", "A namespace and a track have at most 4096 bytes together; these have 4097."),
        ]:
            fill(page, namespace=namespace, track=track, publishNamespace=namespace, publishTrack=track)
            click(page, "subscribe")
            said(page, sentence, "subscriptionSaid")
            click(page, "publish")
            said(page, sentence, "publishSaid")
        below(page, many)
        said(page, "A namespace has at most 32 parts; this one has 33.", "nothing")
        fill(page, namespace="/".join("a" * 32), track="t")
        click(page, "subscribe")
        # That one is asked for.
        said(page, "the server refused it", "subscriptionSaid")
        return sentence


def connection_is_lost(bench, stage, dialect):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser, dialect) as page:
        connect(page)
        stage.running["relay"].kill()
        stage.running["relay"].wait(10)
        # The browser hears of it when it has something to send.
        click(page, "publish")
        sentence = said(page, "The connection was lost", limit=60)
        # Firefox adds words of its own.
        check(isinstance(bench.browser, Firefox) or sentence == "The connection was lost.", sentence)
        check(page.run("app.session === null && app.publication === null"), "the page still has a session")
        return sentence


def unknown_path(bench, stage, dialect):
    relay = Relay(stage, bench.moq, "--path", "/", "--path", "/moq")
    url = f"https://127.0.0.1:{relay.port}/nowhere?x=1"
    # With the relay's helper to ask, and without it.
    with elsewhere(relay) as place:
        for http in ["", place]:
            with relay.page(bench.browser, dialect, http, url=url, sha256=relay.sha256) as page:
                sentence = connect(page, "Unknown path: 127.0.0.1")
                check("/nowhere?x=1" in sentence, sentence)
                fill(page, url=f"https://127.0.0.1:{relay.port}/moq")
                connect(page)
    return sentence


def path_is_known(bench, stage):
    """The page's address of the relay is where sessions are served, and nowhere else is."""
    relay = Relay(stage, bench.moq, "--path", "/moq")
    with relay.page(bench.browser) as page:
        connect(page)
        click(page, "connect")
        said(page, "You closed the session.")
        fill(page, url=f"https://127.0.0.1:{relay.port}/")
        return connect(page, "Unknown path: 127.0.0.1")


def refused_origin(bench, stage):
    relay = Relay(stage, bench.moq, "--origin", "https://example.org", "--origin", "https://example.com")
    with relay.page(bench.browser) as page:
        sentence = connect(page, "Refused origin: 127.0.0.1")
        check("https://example.org and https://example.com" in sentence and relay.http in sentence, sentence)
        return sentence


def no_web_transport(bench, stage):
    relay = Relay(stage, bench.moq, "--raw-only")
    with relay.page(bench.browser) as page:
        return connect(page, "No WebTransport: 127.0.0.1")


def nothing_there(bench, stage):
    relay = Relay(stage, bench.moq)
    with relay.page(bench.browser) as page:
        fill(page, url=f"{relay.http.replace('http:', 'https:')}/")
        sentence = connect(page, "nothing there answers WebTransport")
        fill(page, url="moqt://127.0.0.1/")
        connect(page, "is no address of WebTransport: write https://host:port/path.")
        return sentence


def no_common_protocol(bench, stage, dialect, spoken):
    relay = Relay(stage, bench.moq, "--draft", spoken)
    with relay.page(bench.browser, dialect) as page:
        sentence = connect(page, f"No common protocol: the server does not speak {dialect}")
        page.run(f"document.querySelector('[value=\"{spoken}\"]').click()")
        connect(page)
        return sentence


def http_by_tls(bench, stage):
    """Beyond loopback the page comes by TLS, with the certificate that the relay shows over QUIC."""
    stage.start("relay", bench.moq, "relay", "--bind", "127.0.0.1:0", "--http", "0.0.0.0:0")
    sha256 = stage.wait_for("relay", r"certificate SHA-256 ([0-9a-f]{64})", 20)[1]
    port = stage.wait_for("relay", r"Page at https://localhost:(\d+)/", 20)[1]
    certificate = stage.folder / "certificate.pem"
    certificate.write_text(ssl.get_server_certificate(("127.0.0.1", int(port)), timeout=20))
    import hashlib

    found = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).hexdigest()
    check(found == sha256, f"the certificate over TCP is {found}, over QUIC {sha256}")
    context = ssl.create_default_context(cafile=certificate)
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/health", timeout=20, context=context) as answer:
        check(json.load(answer)["status"] == "ok", "the relay is not well")
    return "one certificate for both"


class Bench:
    def __init__(self, moq: str, folder: pathlib.Path):
        self.moq, self.folder, self.browser = moq, folder, None

    def pictures(self, page) -> None:
        """What a person can look at: a minute of objects would take a minute, so it is as full as it has become."""
        for name, dark, width, height in [("light", False, 1280, 960), ("dark", True, 1280, 960), ("narrow", False, 390, 844)]:
            page.look(dark, width, height)
            time.sleep(0.4)  # for the plot, which is drawn twenty times a second
            page.screenshot(str(self.folder / f"{name}.png"), whole=name == "narrow")
        page.look()

    def cases(self):
        for dialect in DIALECTS:
            yield client_agrees_with_vectors, dialect
        for dialect in DIALECTS:
            other = next(one for one in DIALECTS if one != dialect)
            yield page_reads_a_clock, dialect, other
            yield page_reads_a_clock, dialect, dialect
            yield page_publishes, dialect, other
            yield page_publishes, dialect, dialect
            yield announcements_come_and_go, dialect
            yield prefix_is_asked_for, dialect
            yield unknown_track, dialect
            yield server_closes, dialect
            yield connection_is_lost, dialect
            yield session_ends_while_asking, dialect
            yield long_names, dialect
            yield unknown_path, dialect
            yield no_common_protocol, dialect, other
        # Older dialects on the other side.
        yield page_reads_a_clock, "draft-14", "draft-07"
        yield page_reads_a_clock, "moq-lite-01", "draft-12"
        yield page_publishes, "draft-14", "draft-09"
        yield page_publishes, "moq-lite-01", "draft-13"
        yield (datagrams_arrive,)
        yield (datagrams_leave,)
        yield (server_closes_with_a_code,)
        yield (wrong_hash,)
        yield (path_is_known,)
        yield (refused_origin,)
        yield (no_web_transport,)
        yield (nothing_there,)
        yield (http_by_tls,)

    def run(self, wanted: str) -> int:
        passed = failed = 0
        with BROWSERS[os.environ.get("BROWSER", "chromium")]() as self.browser:
            for number, (case, *arguments) in enumerate(self.cases()):
                name = " ".join([case.__name__.replace("_", " "), *arguments])
                if wanted not in name:
                    continue
                folder = self.folder / f"{number:02}"
                folder.mkdir()
                started = time.monotonic()
                try:
                    with Stage(folder) as stage:
                        result = case(self, stage, *arguments)
                    passed += 1
                    print(f"ok      {name}: {result} ({time.monotonic() - started:.1f} s)", flush=True)
                    shutil.rmtree(folder, ignore_errors=True)
                except (Failure, BrowserError, OSError, ValueError, IndexError, subprocess.SubprocessError) as failure:
                    failed += 1
                    print(f"FAILED  {name}: {failure}; transcripts: {folder}", flush=True)
        print(f"{passed} passed, {failed} failed, 0 skipped")
        return failed


def main() -> None:
    # Ended from outside, it still ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    moq, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sys.exit(Bench(moq, folder).run(sys.argv[3] if len(sys.argv) > 3 else "") > 0)


if __name__ == "__main__":
    main()

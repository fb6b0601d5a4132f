"""Chromium without a window, driven over its DevTools protocol by a pair of pipes. Standard library only."""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

from tab import BrowserError, Tab


class Chromium:
    """One browser process with a profile of its own, both gone after `with`."""

    def __init__(self, program="chromium"):
        self.program = program

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="moq-browser-")
        self.errors = open(os.path.join(self.profile, "stderr"), "wb+")
        to_browser, self.commands = os.pipe()
        self.answers, from_browser = os.pipe()

        def place_pipes():
            # The browser reads commands from 3 and writes answers to 4; the copies keep either from being closed early.
            reading, writing = os.dup(to_browser), os.dup(from_browser)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        arguments = [
            self.program, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
            "--no-first-run", "--no-default-browser-check", "--disable-gpu", "--disable-dev-shm-usage",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio",
            "--disable-background-timer-throttling", "--window-size=1280,900", "about:blank",
        ]
        if os.geteuid() == 0:
            arguments.insert(1, "--no-sandbox")
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
            close_fds=False, preexec_fn=place_pipes, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.events = b"", 0, []
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close", limit=5)
        except (BrowserError, OSError):
            pass
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            # Its group is its own: only what it started is in there.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        for descriptor in (self.commands, self.answers):
            os.close(descriptor)
        self.errors.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _message(self, until):
        while b"\0" not in self.buffer:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.answers], [], [], left)[0]:
                raise BrowserError("the browser did not answer in time")
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise BrowserError(f"the browser ended: {self.said()}")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def said(self):
        self.errors.flush()
        with open(self.errors.name, "rb") as file:
            return file.read()[-2000:].decode(errors="replace")

    def call(self, method, session=None, limit=30, **parameters):
        """Sends a command, and returns what it results in."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        until = time.monotonic() + limit
        while True:
            answer = self._message(until)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)
                del self.events[:-1000]

    def open(self, url, dark=False, width=1280, height=900):
        """A new tab with the page at `url`."""
        return Page(self, url, dark, width, height)


class Page(Tab):
    def __init__(self, browser, url, dark, width, height):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.look(dark, width, height)
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete'")

    def __exit__(self, *_):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **parameters):
        return self.browser.call(method, session=self.session, **parameters)

    def look(self, dark=False, width=1280, height=900):
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, script, limit=30):
        """The value of a JavaScript expression; a promise is waited for."""
        result = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True, limit=limit)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description") or details.get("text"))
        return result["result"].get("value")

    def picture(self, whole):
        return self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]

    def complaints(self):
        """What the page itself did wrong: uncaught errors."""
        return [
            event["params"]["exceptionDetails"].get("exception", {}).get("description", "an error")
            for event in self.browser.events
            if event["method"] == "Runtime.exceptionThrown" and event.get("sessionId") == self.session]

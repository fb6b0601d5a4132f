"""Firefox without a window, driven by its Marionette protocol. Standard library only; as `chromium.py` for tests."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from tab import BrowserError, Tab

PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.enabled": False,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.disable_open_during_load": False,
    "extensions.update.enabled": False,
    "marionette.port": 0,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.server": "",
}


class Firefox:
    """One browser process with a profile of its own, both gone after `with`."""

    def __init__(self, program="firefox-esr"):
        self.program = program

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="moq-browser-")
        with open(os.path.join(self.profile, "user.js"), "w") as file:
            for name, value in PREFERENCES.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self.errors = open(os.path.join(self.profile, "stderr"), "wb+")
        # Its home is its profile: nothing of the user's is touched.
        environment = {**os.environ, "HOME": self.profile, "MOZ_HEADLESS": "1", "MOZ_CRASHREPORTER_DISABLE": "1"}
        self.process = subprocess.Popen(
            [self.program, "--headless", "--marionette", "--no-remote", "--profile", self.profile, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors, env=environment, start_new_session=True)
        self.number, self.buffer = 0, b""
        try:
            self.socket = self._connect(time.monotonic() + 60)
            self._message(30)  # its greeting
            self.call("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}}, limit=60)
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.call("Marionette:Quit", flags=["eForceQuit"], limit=5)
        except (BrowserError, OSError):
            pass
        self._end()

    def _end(self):
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            # Its group is its own: only what it started is in there.
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
        self.errors.close()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _connect(self, until):
        place = os.path.join(self.profile, "MarionetteActivePort")
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with open(place) as file:
                    return socket.create_connection(("127.0.0.1", int(file.read())), 5)
            except (OSError, ValueError):
                time.sleep(0.05)  # the file is the only sign
        raise BrowserError(f"the browser did not begin: {self.said()}")

    def _message(self, limit):
        """The next message: its length in decimal digits, a colon, JSON."""
        until = time.monotonic() + limit
        while True:
            head, colon, rest = self.buffer.partition(b":")
            if colon and len(rest) >= int(head):
                self.buffer = rest[int(head):]
                return json.loads(rest[:int(head)])
            self.socket.settimeout(max(0.01, until - time.monotonic()))
            try:
                part = self.socket.recv(1 << 20)
            except TimeoutError:
                raise BrowserError("the browser did not answer in time") from None
            if not part:
                raise BrowserError(f"the browser ended: {self.said()}")
            self.buffer += part

    def said(self):
        self.errors.flush()
        with open(self.errors.name, "rb") as file:
            return file.read()[-2000:].decode(errors="replace")

    def call(self, command, limit=30, **parameters):
        """Sends a command, and returns what it results in."""
        self.number += 1
        data = json.dumps([0, self.number, command, parameters]).encode()
        self.socket.sendall(str(len(data)).encode() + b":" + data)
        while True:
            kind, number, error, result = self._message(limit)
            if (kind, number) == (1, self.number):
                if error:
                    raise BrowserError(f"{command}: {error.get('message')}")
                return result

    def open(self, url, **_):
        """A new tab with the page at `url`."""
        return Page(self, url)


class Page(Tab):
    def __init__(self, browser, url):
        self.browser = browser
        self.first = browser.call("WebDriver:GetWindowHandle")["value"]
        self.handle = browser.call("WebDriver:NewWindow", type="tab", focus=True)["handle"]
        browser.call("WebDriver:SwitchToWindow", handle=self.handle)
        browser.call("WebDriver:SetTimeouts", script=60_000, pageLoad=60_000)
        browser.call("WebDriver:Navigate", url=url, limit=60)
        self.run(
            "(() => { window.complaints = []; const note = (one) => window.complaints.push(String(one));"
            " addEventListener('error', ({ message }) => note(message));"
            " addEventListener('unhandledrejection', ({ reason }) => note(reason)); })()")

    def __exit__(self, *_):
        self.browser.call("WebDriver:CloseWindow")
        self.browser.call("WebDriver:SwitchToWindow", handle=self.first)

    def look(self, *_):
        """Firefox is not looked at: what the page looks like is Chromium's part."""

    def run(self, script, limit=30):
        """The value of a JavaScript expression; a promise is waited for."""
        result = self.browser.call(
            "WebDriver:ExecuteAsyncScript", limit=limit + 5, scriptTimeout=limit * 1000, args=[],
            script="const done = arguments[arguments.length - 1];"
            f" (async () => ({script}))().then((value) => done([value ?? null]), (error) => done([null, String(error)]));")
        value, *error = result["value"]
        if error:
            raise BrowserError(error[0])
        return value

    def picture(self, whole):
        return self.browser.call("WebDriver:TakeScreenshot", full=whole)["value"]

    def complaints(self):
        """What the page itself did wrong since it was there: uncaught errors."""
        return self.run("window.complaints")

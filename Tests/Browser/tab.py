"""What the tabs of every browser have in common, whatever the protocol is that drives it."""

import base64
import time


class BrowserError(Exception):
    pass


class Tab:
    """A page in a browser. Its class says how a script is `run`, and how a `picture` is taken."""

    def __enter__(self):
        return self

    def wait(self, condition, limit=30, what=None):
        """Waits until an expression is true, and returns its value."""
        until = time.monotonic() + limit
        while True:
            value = self.run(condition)
            if value:
                return value
            if time.monotonic() > until:
                raise BrowserError(f"{what or condition} did not come true within {limit} s")
            time.sleep(0.05)

    def screenshot(self, path, whole=False):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.picture(whole)))

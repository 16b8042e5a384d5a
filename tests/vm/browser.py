# SPDX-License-Identifier: LGPL-2.1-or-later
# SPDX-FileCopyrightText: 2026 The swupdate-jetson authors
"""Chromium without a screen, driven over its debugging pipe: one JSON message after the other, each
ended by a zero byte."""

import json
import os
import select
import subprocess
import time

from machine import Unexpected


class Browser:
    def __init__(self, profile, log):
        to_browser, self.out = os.pipe()
        self.into, from_browser = os.pipe()
        # The browser talks on file descriptors 3 and 4. bash: another sh knows one digit only.
        self.log = open(log, "wb")
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" 3<&{to_browser} 4>&{from_browser}', "browser", "chromium",
             "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
             "--no-first-run", "--disable-background-networking", f"--user-data-dir={profile}",
             "--remote-debugging-pipe"],
            pass_fds=(to_browser, from_browser), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=self.log)
        os.close(to_browser)
        os.close(from_browser)
        self.number = 0
        self.unread = b""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = None
        self.session = self.call("Target.attachToTarget",
                                 {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "DOM", "Runtime"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.into)
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def receive(self, deadline):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.into], [], [], max(deadline - time.monotonic(), 0))
            data = os.read(self.into, 65536) if ready else b""
            if not data:
                raise Unexpected("the browser does not answer")
            self.unread += data
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, parameters=None, seconds=600):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters or {}}
        if getattr(self, "session", None):
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + seconds
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Unexpected(f"{method}: {answer['error']}")
                return answer["result"]

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True})
        if "exceptionDetails" in result:
            raise Unexpected(f"in the page: {result['exceptionDetails']}")
        return result["result"].get("value")

    def open(self, url, ready, seconds=600):
        """Load a page and wait until an expression in it is true."""
        self.call("Page.navigate", {"url": url})
        deadline = time.monotonic() + seconds
        while not self.evaluate(ready):
            if time.monotonic() > deadline:
                raise Unexpected(f"{url}: '{ready}' did not become true")
            time.sleep(0.2)

    def choose_file(self, selector, path):
        """As a person who picks a file in the dialogue of the page."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
        self.call("DOM.setFileInputFiles", {"nodeId": node, "files": [str(path)]})

    def screenshot(self, path):
        import base64
        data = self.call("Page.captureScreenshot", {"format": "png"})["data"]
        path.write_bytes(base64.b64decode(data))

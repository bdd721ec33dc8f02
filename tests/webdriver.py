"""Chromium, driven over the WebDriver protocol with nothing but Python's own library."""

import http.client
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
         "--disable-background-networking", "--disable-component-update", "--disable-sync"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the name that the standard gives to a reference


def missing():
    """What must be installed first; empty if nothing."""
    return [package for package, program in [("chromium", "chromium"), ("chromium-driver", "chromedriver")]
            if not shutil.which(program)]


class Browser:
    """A window of its own, without history; `with` closes it."""

    def __init__(self, width=1200, height=900):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.pointer = "touch" if width < 600 else "mouse"
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.driver = subprocess.Popen(["chromedriver", f"--port={self.port}", "--log-level=OFF"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.session = None
        try:
            self.wait_for_driver()
            options = {"args": FLAGS + [f"--user-data-dir={self.profile.name}"], "binary": shutil.which("chromium"),
                       "mobileEmulation": {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 1,
                                                             "mobile": self.pointer == "touch",
                                                             "touch": self.pointer == "touch"}}}
            answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}}})
            self.session = "/session/" + answer["sessionId"]
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        try:
            if self.session:
                self.call("DELETE", self.session)
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.profile.cleanup()

    def wait_for_driver(self):
        for _ in range(600):
            try:
                if self.call("GET", "/status")["ready"]:
                    return
            except ConnectionError:
                time.sleep(0.1)
        raise RuntimeError("chromedriver does not answer")

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request(method, path, None if body is None else json.dumps(body))
        value = json.loads(connection.getresponse().read())["value"]
        connection.close()
        if isinstance(value, dict) and "error" in value:
            raise RuntimeError(f"{path}: {value['error']}: {value['message'].splitlines()[0]}")
        return value

    def open(self, path):
        self.call("POST", self.session + "/url", {"url": "file://" + os.path.abspath(path)})

    def run(self, script, *arguments):
        """The value of a function's body."""
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": list(arguments)})

    def find(self, selector):
        return self.call("POST", self.session + "/element", {"using": "css selector", "value": selector})

    def drag(self, selector, right):
        """Press on the element's middle, move to the right by that many pixels, let go."""
        move = {"type": "pointerMove", "duration": 0}
        steps = [{**move, "x": 0, "y": 0, "origin": self.find(selector)}, {"type": "pointerDown", "button": 0}]
        steps += [{**move, "duration": 20, "x": step, "y": 0, "origin": "pointer"} for step in (right // 2, right - right // 2)]
        steps += [{"type": "pointerUp", "button": 0}]
        self.call("POST", self.session + "/actions", {"actions": [
            {"type": "pointer", "id": "finger", "parameters": {"pointerType": self.pointer}, "actions": steps}]})

    def press(self, selector, key):
        self.call("POST", f"{self.session}/element/{self.find(selector)[ELEMENT]}/value", {"text": key})

    def console(self):
        """What the page has said or done wrong since the last time."""
        return [entry["message"] for entry in self.call("POST", self.session + "/se/log", {"type": "browser"})]

    def devtools(self, command, **parameters):
        return self.call("POST", self.session + "/goog/cdp/execute", {"cmd": command, "params": parameters})

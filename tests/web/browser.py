"""Headless Chromium by its DevTools protocol: pages are opened, asked and looked at. Needs websocket-client."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
START_SECONDS = 90.0


class PageError(Exception):
    """A script on a page failed."""


class Browser:
    """One page of a browser of its own, which ends with the context."""

    def __init__(self, profile: Path, options: Sequence[str] = ()) -> None:
        import websocket

        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", "--remote-allow-origins=*"]
        command = [str(EXECUTABLE), *flags, *options, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process = self._process.pid
        self._profile = profile
        self._next = 0
        self.events: list[dict[str, Any]] = []
        try:
            self._socket = websocket.create_connection(self._address(), timeout=240)
            targets = self._send("Target.getTargets")["targetInfos"]
            page = next(target["targetId"] for target in targets if target["type"] == "page")
            self._session: str | None = None
            self._session = self._send("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        except BaseException:
            self._process.kill()
            raise
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def _address(self) -> str:
        """Where the browser listens: it writes that into its profile."""
        place, end = self._profile / "DevToolsActivePort", time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            lines = place.read_text().split() if place.exists() else []
            if len(lines) == 2:
                return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
            time.sleep(0.1)
        raise TimeoutError("the browser does not start")

    def _send(self, method: str, **parameters: Any) -> Any:
        self._next += 1
        message = {"id": self._next, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._next:
                if "error" in answer:
                    raise PageError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, address: str, seconds: float = 60) -> None:
        """Goes to a page and waits until it has loaded."""
        self.events.clear()
        self._send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && location.href !== 'about:blank'", seconds)

    def run(self, script: str) -> Any:
        """The value of an expression; promises are awaited. Raises PageError."""
        answer = self._send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise PageError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = 60) -> None:
        """Until an expression is true. Raises TimeoutError."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.run(f"Boolean({condition})"):
                return
            time.sleep(0.1)
        raise TimeoutError(condition)

    def resize(self, width: int, height: int) -> None:
        """Size of the window's inside, in pixels."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._send("Emulation.setDeviceMetricsOverride", **metrics)

    def messages(self) -> list[str]:
        """What the page wrote to the console, errors of the browser's own included."""
        self.run("0")  # events that are on their way arrive first
        found = []
        for event in self.events:
            if event.get("method") == "Runtime.consoleAPICalled":
                found.append(" ".join(str(part.get("value", "")) for part in event["params"]["args"]))
            elif event.get("method") == "Log.entryAdded":
                found.append(event["params"]["entry"]["text"])
        return found

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self._send("Page.captureScreenshot", format="png")["data"]))

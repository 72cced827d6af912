"""A real browser for tests: Debian's Chromium, driven through ChromeDriver's JSON protocol (W3C
WebDriver) with the standard library alone."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import pytest

# Loopback only; a proxy of the environment has no business here.
_OPENER = build_opener(ProxyHandler({}))
CHROMIUM_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--hide-scrollbars", "--no-proxy-server"),
    *("--autoplay-policy=no-user-gesture-required", "--mute-audio"),
)
START_SECONDS = 60.0


@dataclass(frozen=True)
class ConsoleMessage:
    """A line of the browser's console."""

    level: str
    text: str


class Browser:
    """One window; use it in a `with` statement. Skips the test where Chromium is not installed."""

    def __init__(
        self, width: int = 1280, height: int = 900, dark: bool = False, flags: tuple[str, ...] = ()
    ) -> None:
        self._driver_path = shutil.which("chromedriver")
        self._chromium = shutil.which("chromium")
        if self._driver_path is None or self._chromium is None:
            pytest.skip("needs chromium and chromedriver (Debian: chromium chromium-driver)")
        self._size, self._dark, self._flags = (width, height), dark, flags

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self._root = f"http://127.0.0.1:{port}"
        # A session of its own, so that the browser's processes end with the driver.
        self._driver = subprocess.Popen(
            [str(self._driver_path), f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._open()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._call("DELETE", "")
        finally:
            self._stop()

    def visit(self, url: str) -> None:
        """Open a page and wait until it has loaded."""
        self._call("POST", "/url", {"url": url})

    def run(self, script: str, *arguments: Any) -> Any:
        """The value of a JavaScript function body; a promise is awaited."""
        value = {"script": script, "args": list(arguments)}
        return self._call("POST", "/execute/sync", value)

    def wait_for(self, condition: str, seconds: float = 60.0) -> None:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        while not self.run(f"return Boolean({condition})"):
            assert time.monotonic() < end, f"not true after {seconds:g} s: {condition}"
            time.sleep(0.1)

    def screenshot(self, path: Path, whole_page: bool = False) -> Path:
        """Write what is shown, or the page from top to bottom, as PNG."""
        options = {"format": "png", "captureBeyondViewport": whole_page}
        if whole_page:
            size = self.run(
                "const e = document.documentElement; return [e.clientWidth, e.scrollHeight]"
            )
            options["clip"] = {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}
        answer = self.devtools("Page.captureScreenshot", options)
        path.write_bytes(base64.b64decode(answer["data"]))
        return path

    def console(self) -> list[ConsoleMessage]:
        """What was logged since the last call."""
        entries = self._call("POST", "/se/log", {"type": "browser"})
        return [ConsoleMessage(entry["level"], entry["message"]) for entry in entries]

    def requests(self) -> list[str]:
        """The addresses that pages asked for since the last call."""
        urls = []
        for entry in self._call("POST", "/se/log", {"type": "performance"}):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls

    def devtools(self, command: str, parameters: dict[str, Any]) -> Any:
        """One command of the Chrome DevTools Protocol."""
        return self._call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def _open(self) -> None:
        options = {
            "binary": self._chromium,
            "args": [
                *CHROMIUM_FLAGS,
                *self._flags,
                f"--user-data-dir={self._profile.name}",
                f"--window-size={self._size[0]},{self._size[1]}",
            ],
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
            "timeouts": {"script": 300_000},
        }
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                answer = self._send("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
                break
            except URLError as error:
                if isinstance(error, HTTPError) or time.monotonic() > end:
                    raise
                time.sleep(0.1)
        self._session = f"/session/{answer['sessionId']}"
        width, height = self._size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.visit("about:blank")
        self.requests()

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._send(method, self._session + path, body)

    def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(
            self._root + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with _OPENER.open(request, timeout=330) as response:
                return json.load(response)["value"]
        except HTTPError as error:
            text = json.load(error)["value"]["message"]
            raise AssertionError(f"{method} {path}: {text}") from None

    def _stop(self) -> None:
        try:
            os.killpg(self._driver.pid, signal.SIGTERM)
            self._driver.wait(timeout=20)
        except ProcessLookupError:
            pass
        except subprocess.TimeoutExpired:
            os.killpg(self._driver.pid, signal.SIGKILL)
            self._driver.wait()
        self._profile.cleanup()

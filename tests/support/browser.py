"""A headless Chromium over its DevTools protocol: open a page from disk, ask it, take its picture.

`node_modules/@sparticuz/chromium` carries one for x86-64 Linux, with its libraries; elsewhere one on PATH
will do.
"""

from __future__ import annotations

import base64
import json
import os
import platform
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from everstock.artifacts import find_root

PACKED = "node_modules/@sparticuz/chromium/bin"
UNPACK = """
const fs = require("fs"), zlib = require("zlib"), { pipeline } = require("stream/promises");
const [from, to] = process.argv.slice(1);
const unpack = (name) => pipeline(
    fs.createReadStream(`${from}/${name}.br`), zlib.createBrotliDecompress(), fs.createWriteStream(`${to}/${name}`)
);
Promise.all(["chromium", "al2023.tar", "fonts.tar"].map(unpack)).catch((error) => {
    console.error(error);
    process.exit(1);
});
"""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-zygote",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
)
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{folder}</dir><dir>/usr/share/fonts</dir><cachedir>{folder}/cache</cachedir></fontconfig>
"""
PATIENCE_SECONDS = 60
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


class NoBrowser(Exception):
    """Neither the packed Chromium nor one on PATH."""


def find_browser(cache: Path) -> tuple[Path, dict[str, str]]:
    """The program and what it needs in its environment; the packed one is unpacked into `cache` once."""
    packed = find_root() / PACKED
    if packed.exists() and (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        return _unpacked(packed, cache)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return Path(found), {}
    raise NoBrowser("no Chromium: run `make setup` on x86-64 Linux, or put chromium on PATH (apt install chromium)")


def _unpacked(packed: Path, cache: Path) -> tuple[Path, dict[str, str]]:
    version = json.loads((packed.parent / "package.json").read_text())["version"]
    home = cache / f"chromium-{version}"
    if not home.exists():
        cache.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=cache))  # several test processes may be at it
        subprocess.run(["node", "-e", UNPACK, str(packed), str(fresh)], check=True, timeout=PATIENCE_SECONDS)
        for name in ("al2023", "fonts"):
            with tarfile.open(fresh / f"{name}.tar") as archive:
                archive.extractall(fresh / name, filter="data")
            (fresh / f"{name}.tar").unlink()
        (fresh / "chromium").chmod(0o755)
        (fresh / "fonts" / "fonts.conf").write_text(FONTS.format(folder=home / "fonts"))
        try:
            fresh.rename(home)
        except OSError:
            shutil.rmtree(fresh)
            if not home.exists():
                raise
    return home / "chromium", {"LD_LIBRARY_PATH": str(home / "al2023" / "lib"), "FONTCONFIG_PATH": str(home / "fonts")}


class Page:
    """One tab. `errors`: uncaught exceptions, and what the console calls an error; `requests`: every address asked."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._number = socket, 0
        self._session: str | None = None
        self.errors: list[str] = []
        self.requests: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._socket.send(json.dumps(message))
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            answer = json.loads(self._socket.recv(timeout=max(0.1, deadline - time.monotonic())))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._hear(answer)

    def _hear(self, event: dict[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description") or details["text"])
            case "Runtime.consoleAPICalled" if params["type"] == "error":
                self.errors.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(params["entry"]["text"])
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])

    def open(self, file: Path, width: int, height: int, *, dark: bool = False, phone: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.send("Emulation.setDeviceMetricsOverride", **size)
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=scheme)
        self.errors.clear()
        self.requests.clear()
        self.send("Page.navigate", url=file.resolve().as_uri())
        self.wait("document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression, promises awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise RuntimeError(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.ask(expression):
            if time.monotonic() > deadline:
                raise TimeoutError(expression)
            time.sleep(0.05)

    def picture(self, *, whole: bool = False) -> bytes:
        """PNG of the window, or of the page from top to bottom."""
        options: dict[str, Any] = {"captureBeyondViewport": whole}
        if whole:
            size = self.send("Page.getLayoutMetrics")["cssContentSize"]
            options["clip"] = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        return base64.b64decode(self.send("Page.captureScreenshot", format="png", **options)["data"])


@contextmanager
def browser(cache: Path) -> Iterator[Page]:
    """A tab of a Chromium that ends with the block."""
    program, needs = find_browser(cache)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        process = subprocess.Popen(
            [str(program), *FLAGS, f"--user-data-dir={home}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"HOME": home} | needs,
        )
        try:
            with connect(_address(process), max_size=None) as socket:
                yield Page(socket)
        finally:
            process.kill()
            process.wait()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "DevTools listening on " in line:
            return line.split("DevTools listening on ")[1].strip()
    raise RuntimeError(f"Chromium ended: {''.join(said)[-1000:]}")

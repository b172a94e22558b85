"""A headless Chromium, used as a person uses it: open, type, press, read, take a picture."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

from helpers import Program
from kind.cluster import eventually

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = ("--headless=new", "--no-sandbox", "--remote-debugging-port=0", "--window-size=1600,800")
_SECONDS = 60
_PICTURE_BYTES = 50_000_000


def why_no_browser() -> str | None:
    """Return what is missing for tests of pages, with what would enable them."""
    if _program() is None:
        return f"there is no browser: install one of {', '.join(_NAMES)}"
    return None


def _program() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def browser() -> Iterator[Page]:
    """An empty page for the length of the `with` block, in a browser that knows nothing of earlier ones."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(_program()), *_OPTIONS, f"--user-data-dir={profile}"]
        quiet = subprocess.DEVNULL
        with Program(*command, environment=os.environ, stdout=quiet, stderr=quiet):
            yield Page(_address(Path(profile)))


def _address(profile: Path) -> str:
    """Return where the browser's page takes commands (Chrome's DevTools protocol)."""
    told = profile / "DevToolsActivePort"
    port = eventually(lambda: told.read_text().split()[0], "the browser's port", _SECONDS)

    def address() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=_SECONDS) as answer:
            (page,) = (each for each in json.load(answer) if each["type"] == "page")
        return str(page["webSocketDebuggerUrl"])

    return eventually(address, "a page of the browser", _SECONDS)


class Page:
    """A page of the browser; what is not there yet is waited for."""

    def __init__(self, address: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection = self._loop.run_until_complete(_connect(address))
        self._asked = 0

    def open(self, url: str, *texts: str) -> None:
        """Go to an address, again if it comes by halves, until the page has all of `texts`."""

        def load() -> str:
            self._ask("Page.navigate", url=url)
            return self.read(*texts, seconds=_SECONDS / 3)

        eventually(load, url, 2 * _SECONDS)

    def type(self, field: str, text: str) -> None:
        """Type into the field that this CSS selector finds."""
        self._do(f"document.querySelector({json.dumps(field)}).focus()")
        self._ask("Input.insertText", text=text)

    def press(self, button: str) -> None:
        """Press the button whose text begins like this."""
        buttons = "[...document.querySelectorAll('button')]"
        self._do(f"{buttons}.find(button => button.innerText.startsWith({json.dumps(button)})).click()")

    def read(self, *texts: str, seconds: float = _SECONDS) -> str:
        """Return the page's visible text once it has all of `texts`."""

        def look() -> str:
            text = str(self._evaluate("document.body.innerText"))
            assert all(part in text for part in texts), f"the page says:\n{text}"
            return text

        return eventually(look, f"a page with {texts}", seconds)

    def picture(self, file: Path) -> None:
        """Save what is seen as a PNG."""
        file.write_bytes(base64.b64decode(self._ask("Page.captureScreenshot")["data"]))

    def _do(self, script: str) -> None:
        eventually(lambda: self._evaluate(f"({script}, true)"), script, _SECONDS)

    def _evaluate(self, script: str) -> Any:
        answer = self._ask("Runtime.evaluate", expression=script)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._asked += 1
        command = {"id": self._asked, "method": method, "params": parameters}
        answer = self._loop.run_until_complete(_answer(self._connection, command))
        assert "error" not in answer, f"{method}: {answer}"
        result: dict[str, Any] = answer["result"]
        return result


async def _connect(address: str) -> WebSocketClientConnection:
    return await websocket_connect(address, max_message_size=_PICTURE_BYTES)


async def _answer(connection: WebSocketClientConnection, command: dict[str, Any]) -> dict[str, Any]:
    await connection.write_message(json.dumps(command))
    while True:
        message = await connection.read_message()
        assert message is not None, "the browser is gone"
        answer: dict[str, Any] = json.loads(message)
        if answer.get("id") == command["id"]:
            return answer

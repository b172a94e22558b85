"""Mage's HTTP API as a client has to use it: an answer with status 200 may still be an error."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

# Mage's own constant: it names the client "the web UI" and protects nothing.
# MAGE.md: api-session
_API_KEY = "zkWlN0PkIKSN0C11CfUHUj84OT5XOJ6tDZ6bDRO2"
_ANSWER_SECONDS = 30


class ApiError(RuntimeError):
    """Mage refused or did not answer; the message quotes Mage."""


class MageApi:
    """The API of the Mage at `url` (with its base path), without a login until `log_in`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Content-Type": "application/json", "X-API-KEY": _API_KEY}

    def log_in(self, email: str, password: str) -> None:
        """Begin a session, which later calls use; raises `ApiError` if Mage refuses."""
        session = self.call("POST", "/api/sessions", {"session": {"email": email, "password": password}})[
            "session"
        ]
        self._headers["Cookie"] = f"oauth_token={session['token']}"

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Return the answer; raises `ApiError`."""
        status, text = self.request(method, path, body, self._headers)
        try:
            answer = json.loads(text)
        except ValueError:
            raise ApiError(f"{method} {path}: status {status}, not JSON") from None
        # MAGE.md: errors-with-status-200
        if not isinstance(answer, dict) or status != 200 or "error" in answer:
            raise ApiError(f"{method} {path}: {_reason(answer) or f'status {status}'}")
        return answer

    def request(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        """Return status and text of any answer; raises `ApiError` if there is none."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers or {}, method=method)  # noqa: S310 ours
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as response:  # noqa: S310
                return response.status, response.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            raise ApiError(f"{self._url} does not answer: {getattr(error, 'reason', error)}") from None


def _reason(answer: Any) -> str:
    """Return Mage's words without its traceback."""
    error = answer.get("error") if isinstance(answer, dict) else None
    words = error.get("message") or error.get("type") if isinstance(error, dict) else error
    return str(words or "").strip().partition("\n")[0]

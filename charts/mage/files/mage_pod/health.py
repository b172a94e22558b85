"""Answer a kubelet's probes over HTTP, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any

# Returns what is wrong; an empty text if nothing is.
Check = Callable[[], str]


def serve(port: int, checks: Mapping[str, Check]) -> None:
    """Answer GET on `port` for as long as the process lives: 200, or 503 with the reason in the body."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 5  # seconds; requests are answered one at a time

        def do_GET(self) -> None:
            check = checks.get(self.path)
            reason = check() if check else ""
            status = HTTPStatus.SERVICE_UNAVAILABLE if reason else HTTPStatus.OK
            # No date, no log: they take locks. If another thread forks meanwhile, the child never gets them.
            self.send_response_only(status if check else HTTPStatus.NOT_FOUND)
            self.end_headers()
            self.wfile.write(f"{reason or 'ok'}\n".encode())

        def log_message(self, *_: Any) -> None:
            pass

    threading.Thread(target=_Server(("", port), Handler).serve_forever, name="health", daemon=True).start()


class _Server(TCPServer):
    """Listens on all addresses; HTTPServer would look up the host's name."""

    address_family = socket.AF_INET6 if socket.has_dualstack_ipv6() else socket.AF_INET
    allow_reuse_address = True

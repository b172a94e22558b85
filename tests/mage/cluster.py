"""A cluster's API as far as our pods use it: a server that keeps Secrets and knows what an account may do."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMESPACE = "data"
TOKEN = "a-token-of-the-account"
_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


class Refused(Exception):
    """The API answers a request with an error."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message


class Cluster:
    """The state behind the API. `allowed` are the account's rights as (verb, resource)."""

    def __init__(self, allowed: set[tuple[str, str]]) -> None:
        self.allowed = allowed
        self.secrets: dict[str, dict[str, Any]] = {}
        self.before: dict[str, Callable[[], None]] = {}  # what somebody else does just before a request, by verb
        self.version = 0

    def keep(self, name: str, data: dict[str, str], labels: dict[str, str] | None = None) -> dict[str, Any]:
        """Store a Secret under a new version."""
        self.version += 1
        metadata = {"name": name, "namespace": NAMESPACE, "resourceVersion": str(self.version)}
        metadata |= {"labels": labels or {}}  # type: ignore[dict-item]
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": data}
        self.secrets[name] = secret
        return secret

    def answer(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any]:
        """Do what is asked; raises `Refused`."""
        if token.lower() != f"bearer {TOKEN}":
            raise Refused(401, "Unauthorized")
        if path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            return 201, self._review(body)
        verb, name = _VERBS[method], path.partition(f"/api/v1/namespaces/{NAMESPACE}/secrets")[2].strip("/")
        self.before.pop(verb, lambda: None)()
        if (verb, "secrets") not in self.allowed:
            raise Refused(403, f'secrets "{name}" is forbidden: the account cannot {verb} resource "secrets"')
        act: Callable[[str, Any], tuple[int, Any]] = getattr(self, f"_{verb}")
        return act(name, body)

    def _review(self, body: Any) -> Any:
        asked = body["spec"]["resourceAttributes"]
        resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
        return body | {"status": {"allowed": (asked["verb"], resource) in self.allowed}}

    def _get(self, name: str, _: Any) -> tuple[int, Any]:
        return 200, self._known(name)

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self.secrets:
            raise Refused(404, f'secrets "{name}" not found')
        return self.secrets[name]

    def _create(self, _: str, body: Any) -> tuple[int, Any]:
        metadata = body["metadata"]
        if metadata["name"] in self.secrets:
            raise Refused(409, f'secrets "{metadata["name"]}" already exists')
        return 201, self.keep(metadata["name"], body["data"], metadata.get("labels"))

    def _patch(self, name: str, body: Any) -> tuple[int, Any]:
        known = self._known(name)["metadata"]
        wanted = body["metadata"].get("resourceVersion", known["resourceVersion"])
        if wanted != known["resourceVersion"]:
            raise Refused(409, "the object has been modified; please apply your changes to the latest version")
        return 200, self.keep(name, self.secrets[name]["data"] | body["data"], known["labels"])

    def _delete(self, name: str, _: Any) -> tuple[int, Any]:
        self._known(name)
        del self.secrets[name]
        return 200, {"kind": "Status", "apiVersion": "v1", "status": "Success"}


@contextlib.contextmanager
def serving(cluster: Cluster, account: Path) -> Iterator[dict[str, str]]:
    """Serve the API; fill `account` like a service account's folder; yield the variables of a pod."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cluster))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(account))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    (account / "token").write_text(TOKEN)
    (account / "namespace").write_text(NAMESPACE)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(server.server_port)}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(cluster: Cluster) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            try:
                status, answer = cluster.answer(
                    self.command, self.path.partition("?")[0], self.headers.get("Authorization", ""), body
                )
            except Refused as refused:
                status, answer = refused.status, {"kind": "Status", "message": refused.message}
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 the base class' names

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _certificate(account: Path) -> Path:
    """Make a certificate for 127.0.0.1, which `ca.crt` in `account` vouches for; return the server's file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(host, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    account.mkdir(parents=True, exist_ok=True)
    public = certificate.public_bytes(serialization.Encoding.PEM)
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (account / "ca.crt").write_bytes(public)
    both = account.parent / "server.pem"
    both.write_bytes(public + key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return both

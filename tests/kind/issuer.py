"""A host of repositories as an API server and a job of CI see it: an issuer of OpenID Connect over HTTPS."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

JOB_PASSWORD = "password-of-the-job"  # a job may ask for tokens with it
_MINUTES = 5  # as GitHub's tokens last
_KEY = "1"  # its name


@dataclass
class Issuer:
    """An issuer whose addresses begin with `address`; `authority` is the file of its certificate authority.

    `claims` are those of the job that asks for a token, as a job on GitHub does.
    """

    address: str
    authority: Path
    key: str
    public: dict[str, str]
    claims: dict[str, str] = field(default_factory=dict)

    def token(self, path: str, audience: str = "mage", **claims: str) -> str:
        """Return a token of the issuer at `path` of this address."""
        now = int(time.time())
        times = {"iat": now, "nbf": now, "exp": now + _MINUTES * 60}
        about = {"iss": f"{self.address}/{path}", "aud": audience, "sub": "a job"}
        return jwt.encode(about | times | claims, self.key, "RS256", headers={"kid": _KEY})

    def job_on_github(self, **claims: str) -> dict[str, str]:
        """Return the variables of a job with these claims, which may ask for tokens."""
        self.claims = claims
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.address}/token?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": JOB_PASSWORD,
            "SSL_CERT_FILE": str(self.authority),
        }

    def answer(self, target: str, authorization: str | None) -> dict[str, Any] | None:
        """Return what there is at an address; None: nothing, or not for this caller."""
        path, asked = urlsplit(target).path, parse_qs(urlsplit(target).query)
        if path == "/token":
            allowed = authorization == f"Bearer {JOB_PASSWORD}"
            return {"value": self.token("github", *asked["audience"], **self.claims)} if allowed else None
        if path.endswith("/.well-known/openid-configuration"):
            return self._discovery(path.split("/")[1])
        if path == "/keys":
            return {"keys": [self.public]}
        return None

    def _discovery(self, path: str) -> dict[str, Any]:
        return {
            "issuer": f"{self.address}/{path}",
            "jwks_uri": f"{self.address}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
        }


@contextmanager
def serving(host: str, folder: Path) -> Iterator[Issuer]:
    """Serve an issuer at an address of this machine, with a certificate of its own."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    authority, secret = folder / "authority.crt", folder / "authority.key"
    authority.write_bytes(_certificate(host, key).public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = ThreadingHTTPServer((host, 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, secret)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    address = f"https://{host}:{server.server_port}"
    _Handler.issuer = Issuer(address, authority, secret.read_text(), _public(key))
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield _Handler.issuer
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer

    def do_GET(self) -> None:
        """Answer with JSON."""
        found = self.issuer.answer(self.path, self.headers["Authorization"])
        self.send_response(200 if found else 403)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: what was asked for may hold a password."""


def _public(key: RSAPrivateKey) -> dict[str, str]:
    """Return the public half as a JSON Web Key."""
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": _KEY, "n": _text(numbers.n), "e": _text(numbers.e)}


def _text(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8)
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _certificate(host: str, key: RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer of a test")])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )

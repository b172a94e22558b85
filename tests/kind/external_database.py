"""A PostgreSQL that is not the chart's: it lets in encrypted connections only; its password is hard to quote."""

from __future__ import annotations

import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from kind.cluster import Namespace
from kind.docker import build

IMAGE = "mage-tests/postgres-tls:1"  # see postgres/Dockerfile
NAME = "company-db"
USER = "mage"
PASSWORD = r"""a'b"c%d%40@e:f/g?h#i j$k$(HOME)\l&m=n"""
_HBA = "local all all trust\nhostssl all all all scram-sha-256\n"
_DATA, _TLS = "/var/lib/database", "/etc/tls"
_SERVE = f"""
initdb --username={USER} --pwfile=/etc/password/password --encoding=UTF8 --pgdata={_DATA}/15
exec postgres -D {_DATA}/15 -k {_DATA} -c listen_addresses='*' -c hba_file=/etc/hba/pg_hba.conf -c jit=off \
  -c ssl=on -c ssl_cert_file={_TLS}/tls.crt -c ssl_key_file={_TLS}/tls.key
"""


def build_image() -> str:
    """Build its image and return its name."""
    return build(IMAGE, "postgres")


def run_external_database(namespace: Namespace, image: str) -> None:
    """Run it in the namespace, with the Secrets NAME (password) and NAME-ca (ca.crt), until it answers."""
    authority = Authority("the company")
    certificate, key = authority.certify(NAME)
    namespace.make_secret(NAME, password=PASSWORD)
    namespace.make_secret(f"{NAME}-ca", **{"ca.crt": authority.certificate})
    namespace.make_secret(f"{NAME}-tls", **{"tls.crt": certificate, "tls.key": key})
    config = {"data": {"pg_hba.conf": _HBA}}
    namespace.apply(_object("v1", "ConfigMap", **config), _deployment(image), _service())
    namespace.kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=240s")


def values(ca_secret: str = f"{NAME}-ca") -> dict[str, Any]:
    """Return the chart's values that name it."""
    external = {"host": NAME, "name": "postgres", "user": USER, "sslMode": "verify-full"}
    secrets = {"passwordSecret": {"name": NAME}, "caSecret": {"name": ca_secret}}
    return {"postgres": {"enabled": False}, "database": {"external": external | secrets}}


def ask(namespace: Namespace, question: str) -> list[str]:
    """Ask it from within its pod; return the rows."""
    command = ["psql", f"--host={_DATA}", f"--username={USER}", "--dbname=postgres", "--no-align", "--tuples-only"]
    return namespace.kubectl("exec", f"deployment/{NAME}", "--", *command, f"--command={question}").splitlines()


class Authority:
    """A certificate authority of one's own."""

    def __init__(self, name: str) -> None:
        """Make it, for a day."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        made = self._builder(self._name, self._key).add_extension(constraints, critical=True)
        self.certificate = _pem(made.sign(self._key, hashes.SHA256()))

    def certify(self, host: str) -> tuple[str, str]:
        """Return a certificate for `host` and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        made = self._builder(_name(host), key).add_extension(names, critical=False)
        form = serialization.PrivateFormat.PKCS8
        private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        return _pem(made.sign(self._key, hashes.SHA256())), private.decode()

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now, hour = datetime.datetime.now(datetime.UTC), datetime.timedelta(hours=1)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        return builder.not_valid_before(now - hour).not_valid_after(now + 24 * hour)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _object(version: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": NAME}, **more}


def _service() -> dict[str, Any]:
    return _object("v1", "Service", spec={"selector": {"app": NAME}, "ports": [{"port": 5432}]})


def _deployment(image: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": NAME}}, "spec": _pod(image)}
    spec = {"selector": {"matchLabels": {"app": NAME}}, "template": template}
    return _object("apps/v1", "Deployment", spec=spec)


def _pod(image: str) -> dict[str, Any]:
    volumes: dict[str, Any] = {
        "data": {"emptyDir": {}},
        "password": {"secret": {"secretName": NAME}},
        "tls": {"secret": {"secretName": f"{NAME}-tls", "defaultMode": 0o440}},
        "hba": {"configMap": {"name": NAME}},
    }
    return {
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(image)],
        "volumes": [{"name": name} | volume for name, volume in volumes.items()],
    }


def _container(image: str) -> dict[str, Any]:
    paths = {"data": _DATA, "password": "/etc/password", "tls": _TLS, "hba": "/etc/hba"}
    ready = {"exec": {"command": ["pg_isready", f"--host={_DATA}"]}, "timeoutSeconds": 30, "periodSeconds": 2}
    return {
        "name": "postgres",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-ec", _SERVE],
        "readinessProbe": ready,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "runAsUser": 10001,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in paths.items()],
    }

"""Keep the Secret with the passwords and keys that nobody supplied: made once, never changed, never printed.

    python3 -m mage_pod.credentials create NAME KEY=KIND…
    python3 -m mage_pod.credentials delete NAME

KIND is password, fernet (Mage's secret key) or uuid. CREDENTIALS_LABELS (JSON) are the labels of a new Secret. The
service account's folder names the namespace.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import string
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mage_pod.waiting import NotInTime, until

T = TypeVar("T")

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_ATTEMPTS = 10
_ANSWER_SECONDS = 10
_REACH_SECONDS = 60  # a network policy lets a new pod connect only after some seconds
_ALPHABET = string.ascii_letters + string.digits  # no character that is special in a URL, a shell or SQL
_MAKERS: Mapping[str, Callable[[], str]] = {
    "password": lambda: "".join(secrets.choice(_ALPHABET) for _ in range(32)),
    # MAGE.md: secret-key-files
    "fernet": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "uuid": lambda: uuid.uuid4().hex,
}


class CredentialsError(RuntimeError):
    """The Secret could not be made or removed; the message gives the reason and the fix, and never a value."""


def main(arguments: list[str], account: Path = ACCOUNT) -> int:
    """Do what `arguments` say and print it; return the exit code."""
    try:
        verb, name, *pairs = arguments
    except ValueError:
        verb, name, pairs = "", "", []
    try:
        if verb == "create" and pairs:
            kinds = _kinds(pairs)
            print(Secret(name, account).create(kinds, json.loads(os.environ.get("CREDENTIALS_LABELS") or "{}")))
        elif verb == "delete" and not pairs:
            print(Secret(name, account).delete())
        else:
            raise CredentialsError("Write `create NAME KEY=KIND…` or `delete NAME`.")
    except CredentialsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _kinds(pairs: list[str]) -> dict[str, str]:
    kinds = dict(pair.partition("=")[::2] for pair in pairs)
    for key, kind in kinds.items():
        if kind not in _MAKERS:
            raise CredentialsError(f"{key}={kind}: the kind must be one of {', '.join(_MAKERS)}.")
    return kinds


def in_cluster(account: Path = ACCOUNT) -> Any:
    """Return a client of the cluster that this pod runs in; raises `CredentialsError` outside of one."""
    from kubernetes.client import ApiClient, Configuration
    from kubernetes.config.incluster_config import ConfigException, InClusterConfigLoader

    configuration = Configuration()
    configuration.retries = False
    try:
        InClusterConfigLoader(str(account / "token"), str(account / "ca.crt")).load_and_set(configuration)
    except ConfigException as error:
        raise CredentialsError(
            f"This pod has no service account: {error} Set automountServiceAccountToken: true."
        ) from None
    return ApiClient(configuration)


def namespace(account: Path = ACCOUNT) -> str:
    """Return the namespace of this pod."""
    return (account / "namespace").read_text().strip()


def reach(call: Callable[[], T]) -> T:
    """Repeat a call of the Kubernetes API until it answers; raises `CredentialsError` after a minute."""
    from urllib3.exceptions import HTTPError

    try:
        what = "an answer of the Kubernetes API"
        return until(call, what, _REACH_SECONDS, enough=lambda _: True, retry=HTTPError)
    except NotInTime as late:
        raise CredentialsError(
            f"The Kubernetes API does not answer: {type(late.seen).__name__}. Let this pod reach it: "
            "look at network policies and at KUBERNETES_SERVICE_HOST."
        ) from None


class Secret:
    """A Secret in the namespace of this pod."""

    def __init__(self, name: str, account: Path) -> None:
        from kubernetes.client import CoreV1Api

        self._api = CoreV1Api(in_cluster(account))
        self._name = name
        self._namespace = namespace(account)

    def create(self, kinds: Mapping[str, str], labels: Mapping[str, str]) -> str:
        """Make the Secret, or the keys that it lacks; return what was done."""
        for _ in range(_ATTEMPTS):
            found = self._ask("get", self._api.read_namespaced_secret)
            done = self._make(kinds, labels) if found is None else self._complete(found, kinds)
            if done:
                return done
        raise CredentialsError(f"Somebody else keeps changing {self}: find out who that is.")

    def delete(self) -> str:
        """Remove the Secret; return what was done."""
        gone = self._ask("delete", self._api.delete_namespaced_secret) is None
        return f"{self} was not there" if gone else f"deleted {self}"

    def __str__(self) -> str:
        return f"the Secret {self._name} in the namespace {self._namespace}"

    def _make(self, kinds: Mapping[str, str], labels: Mapping[str, str]) -> str | None:
        metadata = {"name": self._name, "labels": dict(labels)}
        body = {"metadata": metadata, "type": "Opaque", "data": _values(kinds)}
        made = self._ask("create", self._api.create_namespaced_secret, body)
        return made and f"created {self} with {', '.join(kinds)}"

    def _complete(self, found: Any, kinds: Mapping[str, str]) -> str | None:
        """Add the missing keys; return None if somebody else has changed the Secret since it was read."""
        missing = {key: kind for key, kind in kinds.items() if key not in (found.data or {})}
        if not missing:
            return f"kept {self}: it has all of {', '.join(kinds)}"
        # With this version the cluster refuses the patch if somebody else has changed the Secret meanwhile.
        body = {"metadata": {"resourceVersion": found.metadata.resource_version}, "data": _values(missing)}
        added = self._ask("patch", self._api.patch_namespaced_secret, body)
        return added and f"added {', '.join(missing)} to {self}"

    def _ask(self, verb: str, call: Callable[..., Any], body: object = None) -> Any:
        """Return the answer; None when somebody else was faster or there is no such Secret."""
        from kubernetes.client import ApiException

        name = () if verb == "create" else (self._name,)
        more = {} if body is None else {"body": body}
        try:
            return reach(lambda: call(*name, self._namespace, _request_timeout=_ANSWER_SECONDS, **more))
        except ApiException as error:
            if error.status == 409 or (error.status == 404 and verb != "create"):
                return None
            raise CredentialsError(self._explained(verb, error)) from None

    def _explained(self, verb: str, error: Any) -> str:
        """Return why the cluster refused. Its own words are quoted only about rights: there they hold no value."""
        if error.status == 403:
            said = json.loads(error.body or "{}").get("message", "forbidden")
            return f"The service account may not {verb} {self}: {said}. Let its Role allow {verb} on secrets."
        if error.status == 401:
            return f"The cluster refuses this service account's token, to {verb} {self}. Restart this pod."
        return f"The cluster refuses to {verb} {self}: {error.status} {error.reason}."


def _values(kinds: Mapping[str, str]) -> dict[str, str]:
    """Return a new value for each key, as the API takes it."""
    return {key: base64.b64encode(_MAKERS[kind]().encode()).decode() for key, kind in kinds.items()}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

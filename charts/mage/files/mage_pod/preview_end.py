"""Remove the namespace of a preview environment once its end has come, and with it this pod.

    python3 -m mage_pod.preview_end

The end is an annotation of the namespace. Without it, the namespace is no preview, and nothing is removed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mage_pod.credentials import ACCOUNT, CredentialsError, in_cluster, namespace, reach

UNTIL = "mage/preview-until"
_ANSWER_SECONDS = 10
_CLOCKS_DIFFER = timedelta(seconds=30)  # between the node of this pod and the one that says when it starts


class NoEnd(Exception):
    """The namespace stays; the message says why."""


def main(account: Path = ACCOUNT) -> int:
    """Remove the namespace if its end has come; print what was done and return the exit code."""
    from kubernetes.client import ApiException

    name = namespace(account)
    try:
        print(_end(name, account))
    except NoEnd as reason:
        print(f"the namespace {name} stays: {reason}")
    except ApiException as error:
        refused = f"{error.status} {error.reason}"
        print(
            f"The cluster refuses to look at the namespace {name} or to delete it: {refused}. "
            "Let the Role of this pod's account allow get and delete on it.",
            file=sys.stderr,
        )
        return 1
    except CredentialsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _end(name: str, account: Path) -> str:
    from kubernetes.client import CoreV1Api

    api = CoreV1Api(in_cluster(account))
    found = reach(lambda: api.read_namespace(name, _request_timeout=_ANSWER_SECONDS)).metadata
    until = _until(found.annotations or {})
    if datetime.now(UTC) + _CLOCKS_DIFFER < until:
        raise NoEnd(f"its end is {until.isoformat()}")
    reach(lambda: api.delete_namespace(name, body=_unchanged(found), _request_timeout=_ANSWER_SECONDS))
    return f"removed the namespace {name}: its end was {until.isoformat()}"


def _until(annotations: dict[str, str]) -> datetime:
    if UNTIL not in annotations:
        raise NoEnd(f"it is no preview, since it has no annotation {UNTIL}")
    try:
        return read_until(annotations[UNTIL])
    except ValueError:
        raise NoEnd(f"its annotation {UNTIL} is no time: {annotations[UNTIL]!r}") from None


def read_until(text: str) -> datetime:
    """Read an end; a time without a zone is in UTC. Raises `ValueError`."""
    until = datetime.fromisoformat(text)
    return until if until.tzinfo else until.replace(tzinfo=UTC)


def _unchanged(found: Any) -> dict[str, Any]:
    """Return the condition that nobody has changed the namespace, and so its end, since it was read."""
    return {"preconditions": {"uid": found.uid, "resourceVersion": found.resource_version}}


if __name__ == "__main__":
    sys.exit(main())

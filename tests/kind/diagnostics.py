"""What a namespace says of itself when a test in it failed: pods, events, logs of pods and of Mage's runs."""

from __future__ import annotations

from collections.abc import Iterator

from basics.process import CommandError
from kind.cluster import Namespace

_LINES = 40  # of each log
_RUN_LOGS = (
    f"find /var/lib/mage -name '*.log' -mmin -30 -exec sh -c 'echo \"- $1\"; tail -n {_LINES} \"$1\"' _ {{}} ';'"
)


def of(namespace: Namespace) -> str:
    """Return all of it as one text; what cannot be had is told in its place."""
    return "\n".join(_parts(namespace))


def _parts(namespace: Namespace) -> Iterator[str]:
    yield _said(namespace, "get", "pods,jobs,pvc", "--output=wide")
    yield _said(namespace, "get", "events", "--sort-by=.lastTimestamp")
    for pod in _said(namespace, "get", "pods", "--output=name").split():
        yield f"--- {pod}"
        yield _said(namespace, "logs", pod, "--all-containers", f"--tail={_LINES}", "--prefix")
        if "-web-" in pod:
            yield "--- logs of runs"
            yield _said(namespace, "exec", pod, "--container=mage", "--", "sh", "-c", _RUN_LOGS)


def _said(namespace: Namespace, *arguments: str) -> str:
    try:
        return namespace.kubectl(*arguments, seconds=60)
    except CommandError as error:
        return str(error)

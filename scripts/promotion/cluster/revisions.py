"""What Helm knows of a release: its revisions, and the objects, hooks and values of each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from basics.process import CommandError
from basics.yaml_file import LOADER
from promotion.cluster.state import Object
from promotion.cluster.target import Target

_NOT_FOUND = "release: not found"
_COMPLETED = ("deployed", "superseded")
_LAST = ("post-", "test")
_SUCCEEDED, _NOT_RUN = "Succeeded", "Unknown"
_SHOWN = 50  # Helm itself keeps ten


@dataclass(frozen=True)
class Revision:
    """One installation, upgrade or rollback of a Helm release, done or only tried."""

    number: int
    status: str  # in Helm's words: deployed, superseded, failed, pending-upgrade …
    manifest: str
    hooks: Sequence[Object]
    values: Mapping[str, Any]
    ends: Mapping[str, str]  # how its hooks ended that come after the rest, with the pods of `helm test`

    @property
    def objects(self) -> list[Object]:
        """What it installs, without the hooks."""
        return list(_objects(self.manifest))

    @property
    def release(self) -> int | None:
        """The number of the environment's release; None for what was installed without a release.yaml."""
        number: int | None = self.values.get("release", {}).get("number")
        return number

    @property
    def worked(self) -> bool:
        """Whether all of it came up, and no test of it failed.

        Helm calls a revision superseded also when it had failed; so the hooks are asked that it runs at the end.
        """
        return self.status in _COMPLETED and set(self.ends.values()) == {_SUCCEEDED}

    @property
    def is_pending(self) -> bool:
        """Whether Helm is at work on it, or was cut off."""
        return self.status.startswith("pending-")

    def __str__(self) -> str:
        return f"release {self.release} (revision {self.number})" if self.release else f"revision {self.number}"


def read_revision(text: str) -> Revision:
    """Read what helm prints as JSON about one revision."""
    shown = json.loads(text)
    hooks = shown.get("hooks") or []
    return Revision(
        number=shown["version"],
        status=shown["info"]["status"],
        manifest=shown["manifest"],
        hooks=[each for hook in hooks for each in _objects(hook["manifest"])],
        values=shown.get("config") or {},
        ends={hook["name"]: _end(hook) for hook in hooks if _is_last(hook) and _end(hook) != _NOT_RUN},
    )


def revisions(target: Target) -> Iterator[Revision]:
    """Yield the revisions of the environment's Helm release, newest first; none before the first installation."""
    try:
        history = json.loads(target.cluster.helm("history", target.release, "--output=json", f"--max={_SHOWN}"))
    except CommandError as error:
        if _NOT_FOUND in error.stderr:
            return
        raise
    for entry in sorted(history, key=lambda entry: -int(entry["revision"])):
        number = f"--revision={entry['revision']}"
        yield read_revision(target.cluster.helm("status", target.release, number, "--output=json"))


def _is_last(hook: Mapping[str, Any]) -> bool:
    """Tell whether the hook runs when everything else is up: the Job of the schedules, the pods of `helm test`."""
    return hook["kind"] in ("Job", "Pod") and any(event.startswith(_LAST) for event in hook["events"])


def _end(hook: Mapping[str, Any]) -> str:
    return (hook.get("last_run") or {}).get("phase") or _NOT_RUN


def _objects(manifest: str) -> Iterator[Object]:
    return filter(None, yaml.load_all(manifest, Loader=LOADER))

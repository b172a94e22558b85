"""A preview as the cluster knows it: a namespace with a label, and its commit and its end as annotations."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from basics import progress
from basics.errors import Conflict, UsageError
from basics.kubectl import Namespace
from mage_pod.preview_end import UNTIL, read_until

PREFIX = "preview-"
_LABEL = "mage/preview"  # its value is the environment
_COMMIT, _URL = "mage/preview-commit", "mage/preview-url"
_RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_LONGEST = 63 - len(PREFIX)  # of a namespace's name
_GONE_SECONDS = 300  # in which a namespace goes with everything in it


@dataclass(frozen=True)
class Preview:
    """What `environment` would be after the merge of `commit`; it ends at `until`. Not each has an address."""

    namespace: Namespace
    environment: str
    commit: str
    until: datetime
    url: str | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.namespace.name.removeprefix(PREFIX)

    @property
    def has_ended(self) -> bool:
        """Whether its end has come."""
        return self.until <= datetime.now(UTC)


def namespace_for(name: str, context: str | None) -> Namespace:
    """Return the namespace of the preview `name`; raise `UsageError` unless Kubernetes can use the name."""
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        told = f"{name!r} cannot name a preview: its namespace is {PREFIX}NAME"
        fix = f"use lower-case letters, digits and `-`, at most {_LONGEST}, e.g. pr-12"
        raise UsageError("bad-name", told, fix=fix)
    return Namespace(f"{PREFIX}{name}", context=context)


def previews(environment: str, context: str | None) -> list[Preview]:
    """Return the previews of `environment` that the cluster has, the first to end first."""
    everywhere = Namespace("default", context=context)
    found = everywhere.get("namespaces", f"--selector={_LABEL}={environment}")
    return sorted(
        (_preview(each, context) for each in found if not _goes(each)), key=lambda preview: preview.until
    )


def refuse_other(namespace: Namespace) -> None:
    """Raise `Conflict` for a namespace that is there and is no preview."""
    if (found := _found(namespace)) and _LABEL not in found["metadata"].get("labels", {}):
        told = f"{namespace} is no preview: it has no label {_LABEL}"
        raise Conflict("not-a-preview", told, fix="give the preview another name")


def claim(preview: Preview) -> None:
    """Make the namespace of `preview`, or move the end of the one that is there; wait for one on its way out."""
    namespace = preview.namespace
    refuse_other(namespace)
    if (found := _found(namespace)) and _goes(found):
        with progress.step(f"wait until the last {namespace} is gone"):
            namespace.kubectl("wait", "--for=delete", f"namespace/{namespace.name}", f"--timeout={_GONE_SECONDS}s")
    annotations = {UNTIL: f"{preview.until:%Y-%m-%dT%H:%M:%SZ}", _COMMIT: preview.commit}
    annotations |= {_URL: preview.url} if preview.url else {}
    labels = {_LABEL: preview.environment} | _RESTRICTED
    metadata = {"name": namespace.name, "labels": labels, "annotations": annotations}
    namespace.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def remove(namespace: Namespace) -> bool:
    """Have the cluster remove the preview in `namespace`; return whether there was one."""
    refuse_other(namespace)
    found = _found(namespace)
    if found is None or _goes(found):
        return False
    namespace.kubectl("delete", "namespace", namespace.name, "--ignore-not-found", "--wait=false")
    return True


def remove_ended(environment: str, context: str | None) -> None:
    """Remove each preview that should have removed itself: one that was cut off before it could."""
    for preview in previews(environment, context):
        if preview.has_ended:
            progress.say(f"remove the preview {preview.name}, which has ended", "yellow")
            remove(preview.namespace)


def _found(namespace: Namespace) -> dict[str, Any] | None:
    shown = namespace.kubectl("get", "namespace", namespace.name, "--ignore-not-found", "--output=json")
    return json.loads(shown) if shown.strip() else None


def _goes(found: dict[str, Any]) -> bool:
    return "deletionTimestamp" in found["metadata"]


def _preview(found: dict[str, Any], context: str | None) -> Preview:
    metadata = found["metadata"]
    namespace, annotations = Namespace(metadata["name"], context=context), metadata.get("annotations", {})
    return Preview(
        namespace,
        metadata["labels"][_LABEL],
        annotations.get(_COMMIT, ""),
        _until(annotations.get(UNTIL, ""), namespace),
        annotations.get(_URL),
    )


def _until(text: str, namespace: Namespace) -> datetime:
    try:
        return read_until(text)
    except ValueError:
        words = namespace.command("annotate", "namespace", namespace.name, f"{UNTIL}=2027-01-31T09:15:00Z")
        told = f"the annotation {UNTIL} of {namespace} is no time: {text!r}"
        raise Conflict("not-a-preview", told, fix=" ".join([*words, "--overwrite"])) from None

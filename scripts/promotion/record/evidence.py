"""What the result of a smoke test depends on, and which earlier results are therefore still valid."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from promotion.configuration.environment import Environment
from promotion.options import SMOKE_KINDS
from promotion.pipelines.project import Project
from promotion.record.release import Evidence

SMOKE_VERSION = "1"  # change it when smoke tests start to prove more


def evidence_keys(project: Project, platform: str, environment: Environment) -> dict[str, str]:
    """Return, for each pipeline, the digest of everything that the result of its smoke test depends on.

    That is the pipeline, the pipelines whose tables it reads, the digest of the `platform`, the connections and
    the executor. It does not depend on sizes and schedules, which a smoke test does not use.
    """
    databases = [(name, "postgres.databases") for name in environment.databases]
    connections = sorted([*environment.settings.items(), *environment.secrets.items(), *databases])
    shared = [SMOKE_VERSION, environment.name, platform, repr(connections), environment.executor]
    begun = hashlib.sha256("\n".join(shared).encode())
    return {name: _key(begun.copy(), project, name) for name in project.pipelines}


def _key(digest: hashlib._Hash, project: Project, name: str) -> str:
    for run in project.needed_first([name]):
        digest.update(f"\n{run} {project.digest(run)}".encode(errors="surrogateescape"))
    return f"sha256:{digest.hexdigest()}"


def accepted(known: Iterable[Evidence], asked: str) -> dict[str, Evidence]:
    """Return, by key, those of `known` that are enough where evidence of the kind `asked` is required."""
    enough = SMOKE_KINDS[SMOKE_KINDS.index(asked) :]
    return {evidence.key: evidence for evidence in known if evidence.kind in enough}

"""Dev with a stand-in for kubectl, which tells of runs in its cluster what a test says."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from helpers import Result, call_script, push, write_policy, write_program

LABELS = {"app.kubernetes.io/instance": "mage-dev"}


def now() -> datetime:
    return datetime.now(UTC)


def runs(completed: int, failed: int, at: datetime | None = None, run: int = 41) -> dict[str, Any]:
    """Return runs of one pipeline with one release, as the scheduler's status has them; `run` was the last."""
    last = {
        "run": run,
        "status": "failed" if failed else "completed",
        "at": (at or now()).isoformat(),
        "block": "load_stock" if failed else None,
    }
    counts = {"completed": completed, "failed": failed, "last": last}
    return {"scheduled": counts, "first": last}


class Dev:
    """The clone, and what kubectl tells of dev's cluster."""

    def __init__(self, clone: Path) -> None:
        self.clone, self.folder = clone, clone.parent / "cluster"
        self.folder.mkdir()
        answers = (
            f'*" events "*) echo \'{{"items": []}}\';; *" get "*) cat "{self.folder}/objects";; '
            f'*" logs "*) cat "{self.folder}/status"; . "{self.folder}/then";;'
        )
        write_program(clone.parent / "programs" / "kubectl", f'case " $* " in {answers} esac')
        self.then("")
        self.installed(2)
        self.tells()

    def installed(self, release: int, started: datetime | None = None) -> None:
        """Let the cluster run that release, since its scheduler has started."""
        containers = [{"name": "mage", "env": [{"name": "ENV", "value": "dev"}]}]
        stateful_set = {
            "kind": "StatefulSet",
            "metadata": {
                "name": "mage-scheduler",
                "uid": "1",
                "annotations": {"mage/release": str(release)},
                "labels": LABELS,
            },
            "spec": {"replicas": 1, "template": {"spec": {"containers": containers}}},
            "status": {"updateRevision": "two"},
        }
        pod = {
            "kind": "Pod",
            "metadata": {"name": "mage-scheduler-0", "uid": "2", "labels": {"controller-revision-hash": "two"}},
            "spec": {"containers": []},
            "status": {"phase": "Running", "startTime": (started or now()).isoformat()},
        }
        (self.folder / "objects").write_text(json.dumps({"items": [stateful_set, pod]}))

    def tells(self, problem: str | None = None, **of: Mapping[int, Mapping[str, Any]]) -> None:
        """Let the scheduler tell of these runs: by pipeline, and by the number of the release."""
        status = {
            "format": 1,
            "at": now().isoformat(),
            "release": 2,
            "problem": problem,
            "triggers": [],
            "runs": of,
        }
        (self.folder / "status").write_text(json.dumps(status) + "\n")

    def then(self, script: str) -> None:
        """Let this happen after the scheduler was asked."""
        (self.folder / "then").write_text(script)

    def watch(self, *more: str) -> Result:
        return call_script(self.clone, "promote", "watch", "dev", "--json", *more, PATH=self.path)

    @property
    def path(self) -> str:
        return f"{self.clone.parent / 'programs'}:{os.environ['PATH']}"

    def policy(self, **keys: Any) -> None:
        """Watch dev for an hour, with these keys."""
        write_policy(self.clone, "dev", **{"watch": "1h", **keys})
        push(self.clone)

    def error(self, result: Result, code: str = "failed-in-cluster", exit_code: int = 7) -> dict[str, Any]:
        error: dict[str, Any] = result.document["error"]
        assert (error["code"], result.exit_code) == (code, exit_code), result.stderr
        return error

"""A plan kept in a file: what was read and approved is applied later, exactly as it is or not at all.

`{format_version, request, plan, digests}`. `digests` has one entry per key of the other two: it tells which keys
were changed by hand. It is not a signature: whoever can write the file can also write the digests.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from basics.errors import Conflict, UsageError
from basics.output_file import write_file
from promotion.options import Options
from promotion.planning.document import plan_document
from promotion.planning.plan import Plan
from promotion.record.release import CONFIGURATION, FORMAT_VERSION, PLATFORM, Release

# Everything else that the file says must still be true. These may change: a refusal may be gone, evidence may have
# been added, the source may have a new commit that changes nothing in the plan, next runs move on, and
# another clone has its own name for the remote.
_MAY_DIFFER = {
    "destination",
    "refusals",
    "smoke.reused",
    "approvals.plan",
    "approvals.by",
    "source.commit",
    "schedules.next_before",
    "schedules.next_after",
}

_WRITE = "scripts/promote.py SRC DST --plan -o FILE"


@dataclass(frozen=True)
class PlannedPromotion:
    """The content of a plan file: the promotion, and the plan that was shown."""

    path: Path
    source: str
    target: str
    options: Options
    plan: Mapping[str, Any]

    @property
    def again(self) -> str:
        """The command that writes the file again."""
        words = ["scripts/promote.py", self.source, self.target, self.options.arguments, "--plan -o"]
        return " ".join([*filter(None, words), shlex.quote(str(self.path))])

    def refuse_if_stale(self, plan: Plan) -> None:
        """Raise `Conflict` when `plan`, computed now, is not what the file says."""
        now = json.loads(json.dumps(plan_document(plan)))
        allowed = _MAY_DIFFER | (
            {"smoke.due"} if set(plan.verdict.due) <= set(self.plan["smoke"]["due"]) else set()
        )
        if different := [key for key in dict.fromkeys(_differences(self.plan, now)) if not _is_in(key, allowed)]:
            raise Conflict(
                "stale-plan",
                f"{self.path} is out of date: {', '.join(different)} changed",
                fix=f"{self.again}, and read the new plan",
            )

    def released(self, plan: Plan) -> Release | None:
        """Return the release that this plan became; None if it was not applied."""
        becomes = {row["name"]: row["after"] for row in self.plan["pipelines"]}
        becomes |= {PLATFORM: self.plan["platform"]["after"], CONFIGURATION: self.plan["configuration"]["after"]}
        for release in plan.request.target.releases:
            if release.number == self.plan["number"]:
                same = all(release.digests.get(name) == digest for name, digest in becomes.items())
                return release if same else None
        return None


def write_plan_file(plan: Plan, path: Path) -> None:
    """Write `plan` to `path`; the file is written as a whole or not at all."""
    request = plan.request
    content = {
        "request": {
            "source": request.source.endpoint.environment,
            "target": request.environment.name,
            "options": asdict(request.options),
        },
        "plan": plan_document(plan),
    }
    document = {"format_version": FORMAT_VERSION, **content, "digests": _digests(content)}
    write_file(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def read_plan_file(path: Path) -> PlannedPromotion:
    """Read what `write_plan_file` wrote; raise `UsageError` for anything else."""
    try:
        document = json.loads(path.read_bytes())
        content = {key: document[key] for key in ("request", "plan")}
        if changed := _changed(document["digests"], _digests(content)):
            problem = f"{path}: {', '.join(changed)} was changed by hand"
            raise UsageError("plan-edited", problem, fix=f"write a new one: {_WRITE}")
        request = content["request"]
        options = Options(**{key: _frozen(value) for key, value in request["options"].items()})
        return PlannedPromotion(path, request["source"], request["target"], options, content["plan"])
    except OSError as error:
        raise UsageError("no-plan-file", f"{path}: {error.strerror}", fix=f"write it first: {_WRITE}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{path} is not a plan file of this version ({type(error).__name__}: {error})"
        raise UsageError("no-plan-file", problem, fix=f"write it first: {_WRITE}") from error


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _digests(content: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    return {
        f"{part}.{key}": hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
        for part in content
        for key, value in content[part].items()
    }


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    return sorted(key for key in {*then, *now} if then.get(key) != now.get(key))


def _differences(then: Any, now: Any, prefix: str = "") -> Iterator[str]:
    """Yield the full keys whose values differ; two lists of equal length are compared row by row."""
    for key in sorted({*then, *now}):
        old, new = then.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, f"{prefix}{key}.")
        elif _are_rows(old, new):
            for pair in zip(old, new, strict=True):
                yield from _differences(*pair, f"{prefix}{key}.")
        elif old != new:
            yield f"{prefix}{key}"


def _is_in(key: str, allowed: Collection[str]) -> bool:
    """Tell whether `key`, or a key above it, is among `allowed`."""
    return any(f"{key}.".startswith(f"{known}.") for known in allowed)


def _are_rows(then: Any, now: Any) -> bool:
    lists = isinstance(then, list) and isinstance(now, list) and len(then) == len(now)
    return lists and all(isinstance(row, dict) for row in [*then, *now])

"""What an installation would change in the cluster, and what runs after it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from basics.wording import counted
from promotion.deploying.check import Running
from promotion.deploying.differences import Change, Field
from promotion.deploying.plan import Plan
from promotion.showing.result import Lines, Shown

_SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
_POD = "spec.template.spec."  # in front of most keys that change


@dataclass(frozen=True)
class ShownDeployment:
    """What an installation would change."""

    plan: Plan
    exit_code: int = 0
    key: ClassVar[str] = "deployment"
    markdown: ClassVar[str | None] = None

    @property
    def document(self) -> dict[str, Any]:
        """The plan for programs."""
        plan = self.plan
        return {
            "environment": plan.target.environment,
            "release": plan.release.number,
            "context": plan.target.cluster.context,
            "namespace": plan.target.cluster.name,
            "current": plan.current
            and {
                "revision": plan.current.number,
                "release": plan.current.release,
                "status": plan.current.status,
            },
            "changes": [asdict(change) for change in plan.changes],
        }

    @property
    def lines(self) -> Lines:
        """The plan for people."""
        return list(_lines(self.plan))


def _lines(plan: Plan) -> Iterator[tuple[str, str]]:
    yield f"{plan.what.capitalize()} → {plan.target}", "bold"
    now = f"{plan.current}, {plan.current.status}" if plan.current else "nothing"
    yield f"Now  {now}", ""
    for change in plan.changes:
        yield from _of_change(change)
    if plan.is_empty:
        yield "Nothing to change in the cluster.", "green"
    elif not plan.changes:
        yield "No object would change, but the last installation did not end well: it is done again.", "yellow"
    else:
        told = (f"{sum(each.what == what for each in plan.changes)} {what}" for what in _SIGNS)
        yield f"{counted(len(plan.changes), 'object')}: {', '.join(told)}", "bold"


def _of_change(change: Change) -> Iterator[tuple[str, str]]:
    sign, style = _SIGNS[change.what]
    yield f"  {sign} {change.kind} {change.name}", style
    for field in change.fields:
        yield f"      {_told(field)}", ""


def _told(field: Field) -> str:
    if field.before is None or field.after is None:
        sign, value = ("+", field.after) if field.before is None else ("-", field.before)
        return f"{sign} {field.key.removeprefix(_POD)}: {value}"
    return f"{field.key.removeprefix(_POD)}: {field.before} → {field.after}"


def shown_running(running: Running, *, changed: bool) -> Shown:
    """Return what runs now as the result of a command; `changed` tells whether it was installed just now."""
    what = f"{running.environment} runs release {running.release} (revision {running.revision})"
    passed = f"every pod is of it, and {counted(len(running.checks), 'check')} of helm test passed"
    document = asdict(running) | {"changed": changed}
    return Shown("deployed", document, [(f"{what}: {passed}", "bold green")])

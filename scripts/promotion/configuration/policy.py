"""`environments/<env>/policy.yaml`: what a release of the environment must satisfy. Unknown keys are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from basics.wording import near
from basics.yaml_file import malformed, mapping
from promotion.configuration.cluster import NOWHERE, Place, read_place
from promotion.configuration.freeze import Window, read_window
from promotion.configuration.zone import read_zone
from promotion.options import SMOKE_KINDS
from promotion.repository.git import MAIN

GATES = ("static", "smoke")
# What a watch does with a version that fails in the cluster: only say so, keep it from going on, or take it back.
TELL, HOLD, ROLLBACK = "tell", "hold", "rollback"
_ON_FAILURE = (TELL, HOLD, ROLLBACK)

_TEN_YEARS = 87_660  # hours
_DURATION = re.compile(r"(\d+(?:\.\d+)?)([mhd])")
_HOURS = {"m": 1 / 60, "h": 1, "d": 24}


@dataclass(frozen=True)
class StandingHold:
    """A decision on `main` that `pipeline` (None: the whole environment) stays as it is."""

    pipeline: str | None
    reason: str


@dataclass(frozen=True)
class People:
    """Git identities, by e-mail; `*` in a pattern stands for anything."""

    patterns: tuple[str, ...] = ("*",)

    def __contains__(self, identity: object) -> bool:
        """Tell whether `identity`, in the form `Name <email>`, matches a pattern."""
        return any(fnmatchcase(email(str(identity)), pattern.lower()) for pattern in self.patterns)

    def __str__(self) -> str:
        return ", ".join(self.patterns) or "nobody"


EVERYBODY = People()


@dataclass(frozen=True)
class Policy:
    """Where promotions to an environment may come from, who may make them, and what they must pass."""

    source: str
    gates: tuple[str, ...]
    smoke: str = SMOKE_KINDS[0]  # the kind of evidence that the smoke gate asks for
    promoters: People = field(default=EVERYBODY)
    signed: bool = False  # releases and approvals must be signed commits
    approvals: int = 0  # how many, of people other than the promoter
    approvers: People = field(default=EVERYBODY)  # the promoters, if the policy names none
    soak: float = 0  # hours in the source environment
    runs: int = 0  # completed scheduled runs in the source environment
    freezes: tuple[Window, ...] = ()
    holds: tuple[StandingHold, ...] = ()
    zone: str = "UTC"  # for the times that people read
    cluster: Place = field(default=NOWHERE)  # where the environment is installed
    watch: float = 0  # hours after its installation that a release is watched
    on_failure: str = TELL  # what the watch does with a version that fails


def email(identity: str) -> str:
    """Return the e-mail of `Name <email>` in lower case: git also ignores the case."""
    return identity.rpartition("<")[2].rstrip(">").lower()


def read_policy(path: str, content: dict[str, Any]) -> Policy:
    """Read the content of a policy.yaml; raise `Malformed` for the first error."""
    known = ("source", "gates", *_OPTIONAL)
    _refuse_unknown(path, "", content, known)
    source, gates = content.get("source"), content.get("gates")
    if not isinstance(source, str):
        raise malformed(path, "source", "is missing", f"name `{MAIN}` or an environment")
    if not isinstance(gates, list) or any(gate not in GATES for gate in gates):
        raise malformed(path, "gates", f"is not a list of {', '.join(GATES)}", "write `gates: [static, smoke]`")
    optional = {key: read(path, key, content[key]) for key, read in _OPTIONAL.items() if key in content}
    optional.setdefault("approvers", optional.get("promoters", EVERYBODY))
    for key in ("soak", "runs"):
        if source == MAIN and optional.get(key):
            raise malformed(path, key, f"nothing runs on {MAIN}", f"write `{key}: 0` or leave it out")
    if optional.get("on_failure", TELL) != TELL and not optional.get("watch"):
        raise malformed(path, "on_failure", "nothing is watched", "write e.g. `watch: 2h`, or leave it out")
    return Policy(source, tuple(gates), **optional)


def _refuse_unknown(path: str, above: str, content: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in content:
        if key not in known:
            raise malformed(path, f"{above}{key}", "is unknown", near(key, known))


def _smoke(path: str, key: str, value: Any) -> str:
    if value not in SMOKE_KINDS:
        raise malformed(path, key, f"{value!r} is not a kind of evidence", near(str(value), SMOKE_KINDS))
    return str(value)


def _people(path: str, key: str, value: Any) -> People:
    if not isinstance(value, list) or not value or not all(isinstance(entry, str) and entry for entry in value):
        raise malformed(path, key, "is not a list of e-mail addresses", f'write e.g. `{key}: ["*@example.com"]`')
    return People(tuple(value))


def _yes_or_no(path: str, key: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise malformed(path, key, f"{value!r} is neither true nor false", f"write `{key}: true` or leave it out")
    return value


def _count(path: str, key: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise malformed(path, key, f"{value!r} is not a number", f"write e.g. `{key}: 1`")
    return value


def _entries(path: str, key: str, value: Any, known: tuple[str, ...]) -> list[tuple[str, dict[str, Any]]]:
    """Return the entries of a list of mappings, each with its key; refuse one without a reason."""
    if not isinstance(value, list):
        raise malformed(path, key, "is not a list", f"write `{key}: []` if there are none")
    entries = []
    for number, item in enumerate(value):
        name = f"{key}[{number}]"
        entry = mapping(path, name, item)
        _refuse_unknown(path, f"{name}.", entry, known)
        if not isinstance(entry.get("reason"), str) or not entry["reason"].strip():
            raise malformed(path, f"{name}.reason", "is missing", "say why, for people who are refused")
        entries.append((name, entry))
    return entries


def _hours(path: str, key: str, value: Any) -> float:
    """Read a duration: a number with its unit, or a plain number of hours."""
    written = _DURATION.fullmatch(value) if isinstance(value, str) else None
    hours = float(written[1]) * _HOURS[written[2]] if written else value
    if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours < _TEN_YEARS:
        raise malformed(path, key, f"{value!r} is not a duration", f"write e.g. `{key}: 30m`, 2h or 1d")
    return hours


def _on_failure(path: str, key: str, value: Any) -> str:
    if value not in _ON_FAILURE:
        raise malformed(path, key, f"{value!r} is nothing that can be done", near(str(value), _ON_FAILURE))
    return str(value)


def _freezes(path: str, key: str, value: Any) -> tuple[Window, ...]:
    known = ("start", "end", "zone", "reason")
    return tuple(read_window(path, name, entry) for name, entry in _entries(path, key, value, known))


def _holds(path: str, key: str, value: Any) -> tuple[StandingHold, ...]:
    holds = []
    for name, entry in _entries(path, key, value, ("pipeline", "reason")):
        pipeline = entry.get("pipeline")
        if "pipeline" in entry and not isinstance(pipeline, str):
            fix = "name one pipeline, or leave the key out to hold the whole environment"
            raise malformed(path, f"{name}.pipeline", "is not a name", fix)
        holds.append(StandingHold(pipeline, entry["reason"]))
    return tuple(holds)


_OPTIONAL: Mapping[str, Callable[[str, str, Any], Any]] = {
    "smoke": _smoke,
    "promoters": _people,
    "signed": _yes_or_no,
    "approvals": _count,
    "approvers": _people,
    "soak": _hours,
    "runs": _count,
    "freezes": _freezes,
    "holds": _holds,
    "zone": read_zone,
    "cluster": read_place,
    "watch": _hours,
    "on_failure": _on_failure,
}

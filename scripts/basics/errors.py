"""Every way in which a command says no, with its exit code.

PromotionError            1   could not find out
├── UsageError           64   the command line is wrong
├── GateRefused           3   a gate said no
│   └── Malformed             a file that people write cannot be understood
├── PolicyRefused         4   the target's policy says no
│   └── NotYet                with time, or an approval, it becomes a yes
├── Conflict              5   shared file, stale plan, lost race
├── GateCouldNotRun       6   no verdict yet: a gate could not run, a pull request is not merged
├── Unhealthy             7   in the cluster, the release did not become healthy
├── Declined            130   the question was answered with no
└── Interrupted         130   Ctrl-C
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that is wrong: what, where, and what to type or edit next."""

    path: str
    line: int | None
    code: str
    problem: str
    fix: str
    environments: tuple[str, ...] = ()  # those that it concerns, where it depends on them

    @property
    def where(self) -> str:
        """Where the problem is, in the form that editors open: `file:line`."""
        return f"{self.path}:{self.line}" if self.line else self.path


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return each of `findings` once, by place; what several environments have in common names them all.

    Of the same fault in a file that each environment has, the first place is told.
    """
    first: dict[Finding, Finding] = {}
    for finding in findings:
        fault = _without_environment(finding)
        before = first.setdefault(fault, finding)
        names = dict.fromkeys((*before.environments, *finding.environments))
        first[fault] = replace(before, environments=tuple(names))
    return sorted(first.values(), key=lambda finding: (finding.path, finding.line or 0, finding.problem))


def _without_environment(finding: Finding) -> Finding:
    common = replace(finding, environments=())
    for name in finding.environments:
        if f"/{name}/" in finding.path:
            common = replace(common, path=finding.path.replace(f"/{name}/", "/*/"), line=None)
    return common


class PromotionError(Exception):
    """A refusal: a stable code, what is wrong and the exact next step."""

    exit_code = 1

    def __init__(self, code: str, message: str, *, fix: str = "", findings: Sequence[Finding] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fix = fix
        self.findings = tuple(findings)


class UsageError(PromotionError):
    """The command line asks for something that does not exist."""

    exit_code = 64


class GateRefused(PromotionError):
    """A gate looked and said no."""

    exit_code = 3


class Malformed(GateRefused):
    """A file that people write cannot be understood; `finding` says which and where."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code, f"{finding.where}: {finding.problem}", fix=finding.fix, findings=[finding])
        self.finding = finding


class PolicyRefused(PromotionError):
    """The target's policy does not allow this promotion."""

    exit_code = 4


class NotYet(PolicyRefused):
    """The policy says no for now: the plan can be kept, and applied when time has passed or others approved it."""


class Conflict(PromotionError):
    """Somebody else's state is in the way: a shared file, a moved branch."""

    exit_code = 5


class GateCouldNotRun(PromotionError):
    """A gate, or the check of a merge, has no verdict yet: try again, this is not a no."""

    exit_code = 6


class Unhealthy(PromotionError):
    """The release is on its branch, but it did not become healthy in the cluster."""

    exit_code = 7


class Declined(PromotionError):
    """The person at the terminal said no."""

    exit_code = 130


class Interrupted(PromotionError):
    """Ctrl-C or a signal ended the command; a push at that moment may have succeeded or not."""

    exit_code = 130

    def __init__(
        self, left: str = "the environment has the old release or the new one", *, fix: str = "scripts/status.py"
    ) -> None:
        super().__init__("interrupted", f"interrupted: {left}", fix=fix)

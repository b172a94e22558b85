"""What a cluster tells of an environment beyond its pods: who installs it, first runs, changes by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from basics.errors import PromotionError
from basics.process import CommandError
from promotion.cluster.agent import Agent, find_agent
from promotion.cluster.first_runs import FirstRun, first_runs
from promotion.cluster.hand_changes import read_hand_changes
from promotion.cluster.images import running_images
from promotion.cluster.live import Live
from promotion.cluster.scheduler import find_scheduler
from promotion.cluster.target import Target
from promotion.configuration.schedule import Schedule
from promotion.record.release import Release

T = TypeVar("T")


@dataclass(frozen=True)
class Deviation:
    """What is not as git has it, or does not work, and the next command."""

    problem: str
    next: str


@dataclass(frozen=True)
class Details:
    """What runs; who installs it; its images, by digest where known; first runs; deviations; what is not known."""

    live: Live
    agent: Agent | None = None
    images: Sequence[str] = ()
    first_runs: Sequence[FirstRun] = ()
    deviations: Sequence[Deviation] = ()
    unknown: Sequence[str] = ()

    def to_document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "place": self.live.place,
            "release": self.live.release,
            "problems": self.live.problems,
            "agent": asdict(self.agent) if self.agent else None,
            "images": self.images,
            "first_runs": [vars(run) | {"at": run.at.isoformat() if run.at else None} for run in self.first_runs],
            "deviations": [vars(each) for each in self.deviations],
            "unknown": self.unknown,
        }


def read_details(
    live: Live, target: Target, current: Release, schedules: Mapping[str, Schedule], now: datetime
) -> Details:
    """Ask further what runs in the place of `live`. It needs to read only; what it may not read is not known."""
    if not live.installed:
        return Details(live)
    reader = _Reader()
    agent = reader.part("who installs it", lambda: _agent(target))
    images = reader.part("the images", lambda: _images(target)) or []
    status = reader.part(
        "how runs and triggers are", lambda: find_scheduler(target.environment, target.cluster).status()
    )
    changed = reader.part("what was changed by hand", lambda: read_hand_changes(target.cluster, target.selector))
    if agent and agent.state is None and agent.object:
        reader.unknown.append(f"the state of {agent.object} in namespace {agent.namespace}: it may not be read")
    is_current = live.release == str(current.number)
    ran = list(first_runs(current, status, schedules, now)) if status and is_current else []
    by_hand = [*(f"trigger {line}" for line in (status.triggers if status else ())), *(changed or ())]
    again = (agent or Agent("Helm")).again(target.environment)
    deviations = [
        *_of_agent(agent),
        *(Deviation(line, again) for line in by_hand),
        *_of_first_runs(ran, target.environment),
    ]
    return Details(live, agent, images, ran, deviations, reader.unknown)


class _Reader:
    """Reads one part after the other, and notes what cannot be read."""

    def __init__(self) -> None:
        self.unknown: list[str] = []

    def part(self, name: str, read: Callable[[], T]) -> T | None:
        """Return what `read` returns, None where it fails."""
        try:
            return read()
        except CommandError as error:
            why = error.last_line
        except PromotionError as error:
            why = " ".join(str(error).split())
        self.unknown.append(f"{name}: {why}")
        return None


def _agent(target: Target) -> Agent | None:
    selector = f"--selector={target.selector}"
    return next((find_agent(each, target.cluster) for each in target.cluster.get("statefulsets", selector)), None)


def _images(target: Target) -> list[str]:
    pods = target.cluster.get("pods", f"--selector={target.selector}")
    return sorted({each.digest or each.image for each in running_images(pods, target.environment)})


def _of_agent(agent: Agent | None) -> Iterator[Deviation]:
    if agent and not agent.fine:
        yield Deviation(str(agent), f"kubectl --namespace={agent.namespace} describe {agent.object}")


def _of_first_runs(ran: Sequence[FirstRun], environment: str) -> Iterator[Deviation]:
    for run in ran:
        if run.state == "failed":
            back = f"scripts/rollback.py {environment} -p {run.pipeline} --reason TEXT"
            yield Deviation(str(run), f"look at the log of run {run.run} in Mage, mend it on main, or: {back}")

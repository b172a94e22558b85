"""What the scheduler's pod says of its runs and triggers, read from its log; tests/kind reads a real one."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from basics.errors import PromotionError
from basics.kubectl import Namespace
from helpers import write_program
from promotion.cluster.scheduler import Scheduler
from promotion.cluster.scheduler_status import Counts, Ended, Runs, SchedulerStatus, read_status

AT = datetime(2013, 1, 2, 3, 4, tzinfo=UTC)
FAILED = {"run": 41, "status": "failed", "at": AT.isoformat(), "block": "load_stock"}
COMPLETED = {"run": 43, "status": "completed", "at": AT.isoformat()}


def line(**said: Any) -> str:
    usual = {"format": 1, "at": AT.isoformat(), "release": 7, "problem": None, "triggers": [], "runs": {}}
    return json.dumps(usual | said)


def test_runs_are_told_by_pipeline_and_release() -> None:
    entry = {
        "scheduled": {"failed": 1, "last": FAILED},
        "other": {"completed": 2, "last": COMPLETED},
        "running": 1,
        "first": FAILED,
    }
    status = read_status(line(triggers=["daily: status is inactive"], runs={"stock": {"7": entry, "6": {}}}))
    failed, completed = Ended(41, "failed", AT, "load_stock"), Ended(43, "completed", AT)
    runs = Runs(Counts(0, 1, failed), Counts(2, 0, completed), 1, failed)
    assert status == SchedulerStatus(AT, 7, None, ["daily: status is inactive"], {"stock": {7: runs, 6: Runs()}})
    assert (runs.completed, runs.failed, runs.last) == (2, 1, completed)
    assert Runs().last is None


@pytest.mark.parametrize("text", ["", "Traceback", "[]", "{}", line(format=2)])
def test_what_is_no_status_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"another version|Expecting value"):
        read_status(text)


def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str) -> Scheduler:
    """Return one whose log is `log`; kubectl is a stand-in, as no cluster is here."""
    (tmp_path / "log").write_text(log)
    programs = tmp_path / "programs"
    write_program(programs / "kubectl", f'echo "$*" > "{tmp_path}/asked"; cat "{tmp_path}/log"')
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return Scheduler(Namespace("dev"), "mage-dev", "mage-dev-scheduler-0", AT, 7)


def test_the_last_whole_line_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = f"{line(release=6)}\n{line()}\n" + '{"format": 1, "at"'
    assert scheduler(tmp_path, monkeypatch, log).status() == SchedulerStatus(AT, 7, triggers=[])
    asked = (tmp_path / "asked").read_text()
    assert asked == "--namespace=dev logs mage-dev-scheduler-0 --container=status --since=3m\n"


@pytest.mark.parametrize(
    ("log", "told"),
    [("", "has said nothing for 3m"), ("Traceback\n", "cannot be read"), ("{}\n", "cannot be read")],
)
def test_a_container_that_does_not_say_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, log: str, told: str
) -> None:
    with pytest.raises(PromotionError, match=told) as raised:
        scheduler(tmp_path, monkeypatch, log).status()
    assert raised.value.code == "cannot-observe"

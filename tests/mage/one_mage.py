"""One Mage for many projects: it starts once, and every project runs in a fork of it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from helpers import SCRIPTS, Program
from mage.pods import FILES
from mage.projects import Block, write_project
from promotion.layout import PROJECT
from promotion.repository.tree import Tree
from runtime.run import worker_environment
from runtime.worker import Mage

TESTS = Path(__file__).parents[1]
_SECONDS = 60  # a block that waits for what is not there would wait for ever
_WARM_UP = [Block("warm_up", "@custom\ndef warm_up(*args, **kwargs):\n    return 1\n", type="custom")]


@dataclass(frozen=True)
class Outcome:
    """What a run showed: its error, and of each block the name, the status, and what it printed."""

    pipeline: str
    error: str | None
    blocks: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class OneMage:
    """The process that forks, and the folder that every project lies in, in its turn."""

    server: Connection
    scratch: Path

    def run(self, tree: Tree, pipelines: Sequence[str]) -> list[Outcome]:
        """Run `pipelines` in turn, up to the first that fails, in a project of the files `tree` and nothing else.

        A run is also one of the global data product of the pipeline's name, if there is such a product.
        """
        _clear(self.scratch)
        tree.write_to(self.scratch)
        self.server.send(list(pipelines))
        outcomes: list[Outcome] = self.answer()
        return outcomes

    def answer(self) -> Any:
        """Wait for what the process says next."""
        try:
            return self.server.recv()
        except EOFError:
            raise AssertionError((self.scratch / "log").read_text()) from None


@contextmanager
def one_mage(scratch: Path, environment: dict[str, str]) -> Iterator[OneMage]:
    """Start Mage with `environment` and what it needs itself; all that it writes is in `scratch`."""
    variables = worker_environment(environment, scratch / PROJECT, scratch)
    ours, theirs = Pipe()
    program = f"from mage.one_mage import serve; serve({str(scratch)!r}, {theirs.fileno()})"
    with Program(
        *(sys.executable, "-P", "-c", program),
        # Without the project of this repository.
        environment=variables | {"PYTHONPATH": f"{TESTS}:{SCRIPTS}:{FILES}"},
        stdout=None,
        stderr=None,
        pass_fds=[theirs.fileno()],
    ):  # Mage has a process of its own beside it
        theirs.close()
        mage = OneMage(ours, scratch)
        mage.answer()
        yield mage


def _clear(scratch: Path) -> None:
    """Leave nothing of the project before: neither its files nor its runs and their outputs."""
    for folder in (scratch / "data", scratch / PROJECT):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copy(scratch / "empty.db", scratch / "metadata.db")


# In the other process


def serve(folder: str, descriptor: int) -> None:
    """Answer each request that comes by `descriptor`, from a fork."""
    scratch, requests = Path(folder), Connection(descriptor)
    with (scratch / "log").open("w+b") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.chdir(scratch)
    sys.path.insert(0, str(scratch))
    mage = _warm(scratch)
    requests.send("ready")
    while True:
        try:
            pipelines = requests.recv()
        except EOFError:
            return
        child = os.fork()
        if child == 0:
            signal.alarm(_SECONDS)
            requests.send(_run(mage, pipelines))
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            requests.send([Outcome(pipelines[-1], "killed, or not at an end in time")])


def _warm(scratch: Path) -> Mage:
    """Start Mage and have it run something once: what it imports and works out meanwhile, no fork does again."""
    write_project(scratch, {"warm_up": _WARM_UP}).rename(scratch / PROJECT)
    mage = Mage(scratch / PROJECT, sensor_seconds=0)
    assert _outcome(mage, "warm_up").error is None
    from mage_ai.orchestration.db import db_connection, engine

    db_connection.session.remove()
    engine.dispose()  # no fork may use a connection of another process
    (scratch / "metadata.db").rename(scratch / "empty.db")
    return mage


def _run(mage: Mage, pipelines: Sequence[str]) -> list[Outcome]:
    outcomes = []
    for name in pipelines:
        outcomes.append(_outcome(mage, name))
        if outcomes[-1].error:  # what waits for a run that failed would wait for long
            break
    return outcomes


def _outcome(mage: Mage, name: str) -> Outcome:
    """Run the pipeline, and keep the record of it that the scheduler keeps, which others look for."""
    events: list[dict[str, Any]] = []
    mage.run(name, {}, lambda event, **content: events.append(content | {"event": event}))
    error = events.pop()["error"]
    run = mage.pipeline_run.query.order_by(mage.pipeline_run.id.desc()).first()
    if run:
        run.update(status=run.PipelineRunStatus.FAILED if error else run.PipelineRunStatus.COMPLETED)
        run.pipeline_schedule.update(global_data_product_uuid=name)
    blocks = (
        (str(event["block"]), str(event["status"]), f"{event.get('output')}{event.get('error')}")
        for event in events
        if event["event"] == "block"
    )
    return Outcome(name, error, tuple(blocks))

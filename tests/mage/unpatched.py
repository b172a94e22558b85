"""Mage as it is installed, without anything of ours: one process for many questions, and one server."""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import pytest

from helpers import SCRIPTS, Program
from mage.pods import FILES, free_port
from mage_pod.mage_api import ApiError, MageApi
from mage_pod.waiting import NotInTime, until
from runtime.run import worker_environment

TESTS = Path(__file__).parents[1]
_SECONDS = 60  # a question that waits for what does not come would wait for ever


@dataclass(frozen=True)
class Unpatched:
    """A process that has imported Mage; each question is asked in a fork of it, with a database of its own."""

    asking: Connection

    def ask(self, module: str, function: str) -> tuple[str, str]:
        """Call a function there, and return its verdict."""
        self.asking.send((module, function))
        answer: tuple[str, str] = self.asking.recv()
        return answer


@contextlib.contextmanager
def unpatched(scratch: Path, project: Path) -> Iterator[Unpatched]:
    """Start Mage on `project`; all that it writes is in `scratch`."""
    ours, theirs = Pipe()
    program = f"from mage.unpatched import serve; serve({str(scratch)!r}, {theirs.fileno()})"
    environment = worker_environment({}, project, scratch)
    with (scratch / "log").open("wb") as log:
        process = Program(
            *(sys.executable, "-P", "-c", program),
            environment=environment | {"PYTHONPATH": f"{TESTS}:{SCRIPTS}:{FILES}"},
            cwd=scratch,
            stdout=log,
            stderr=log,
            pass_fds=[theirs.fileno()],
        )
    theirs.close()
    with process:
        yield Unpatched(ours)


def serve(folder: str, descriptor: int) -> None:
    """Answer each question that comes by `descriptor`, from a fork."""
    scratch, questions = Path(folder), Connection(descriptor)
    _import_mage(scratch)
    while True:
        try:
            module, function = questions.recv()
        except EOFError:
            return
        shutil.copy(scratch / "empty.db", scratch / "metadata.db")
        child = os.fork()
        if child == 0:
            signal.alarm(_SECONDS)
            questions.send(verdict(getattr(importlib.import_module(module), function).question))
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            questions.send(("error", f"killed, or not answered within {_SECONDS} s: see {scratch / 'log'}"))


def _import_mage(scratch: Path) -> None:
    from mage_ai.orchestration.db import db_connection, engine
    from mage_ai.orchestration.db.models import secrets
    from mage_ai.orchestration.db.models.base import Base
    from mage_ai.server import server  # imports nearly all of it

    assert secrets.Secret
    assert server.start_server
    Base.metadata.create_all(engine)
    db_connection.start_session()
    engine.dispose()  # no fork may use a connection of another process
    (scratch / "metadata.db").rename(scratch / "empty.db")


def verdict(question: Callable[[], None]) -> tuple[str, str]:
    """Ask a question. Return yes, no or error, and what was said."""
    try:
        question()
    except (AssertionError, pytest.fail.Exception) as error:
        return "no", str(error)
    except Exception:  # noqa: BLE001 whatever Mage raises now
        return "error", traceback.format_exc()
    return "yes", ""


class Server:
    """`mage start`, as its maker starts it."""

    def __init__(self, project: Path, **variables: str) -> None:
        self.project = project
        self.port = free_port()
        self.database, self._log = project.parent / "server.db", project.parent / "server.log"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(project.parent),
            "ENV": "staging",
            "MAGE_DATA_DIR": str(project.parent / "data"),
            "MAGE_DATABASE_CONNECTION_URL": f"sqlite:///{self.database}",
            "REQUIRE_USER_AUTHENTICATION": "1",
            "SCHEDULER_TRIGGER_INTERVAL": "1",
            "DEFAULT_EXECUTOR_TYPE": "local_python_force",
            "DISABLE_AUTO_BROWSER_OPEN": "1",
        }
        command = [sys.executable, "-P", "-m", "mage_ai.cli.main", "start", str(project)]
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        with self._log.open("wb") as log:
            self._process = Program(
                *command, *address, environment=environment | variables, cwd=project.parent, stdout=log, stderr=log
            )
        self.process = psutil.Process(self._process.pid)

    @cached_property
    def api(self) -> MageApi:
        """Its API, with a session of the owner whom Mage makes where nobody names one."""
        api = MageApi(f"http://127.0.0.1:{self.port}")
        try:
            until(lambda: self._lets_in(api), "open for its owner", 60)
        except (AssertionError, NotInTime) as error:  # which would be an answer
            raise RuntimeError(f"{error}\n{self._log.read_text()[-3000:]}") from None
        return api

    def _lets_in(self, api: MageApi) -> bool:
        assert self._process.poll() is None, "it has ended by itself"
        try:
            api.log_in("admin@admin.com", "admin")
        except ApiError:
            return False
        return True

    def stop(self) -> None:
        """End it with all that it started, also what outlives its parent."""
        processes = [*self.process.children(recursive=True), self.process]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()

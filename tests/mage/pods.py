"""Run the modules of `mage_pod` as a pod runs them, and look at what they do."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from helpers import Program
from mage_pod import __file__ as package
from mage_pod.waiting import until
from runtime.postgres import Server

FILES = Path(package).parents[1]
_MIGRATE = (
    "from mage_pod import database; database.configure();"
    "from mage_ai.orchestration.db.database_manager import database_manager; database_manager.run_migrations()"
)


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs: nobody may have collected one that has ended."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Database:
    """One environment's metadata database."""

    server: Server
    name: str

    @property
    def url(self) -> str:
        return self.server.url(self.name)

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        with (
            contextlib.closing(psycopg2.connect(self.url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(question, values)
            return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """End all sessions and let nobody in, as a server does that restarts."""
        self._allow(False)
        try:
            yield
        finally:
            self._allow(True)

    def _allow(self, allowed: bool) -> None:
        with contextlib.closing(psycopg2.connect(self.server.url())) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(f'ALTER DATABASE "{self.name}" ALLOW_CONNECTIONS {allowed}')
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND NOT %s",
                (self.name, allowed),
            )


def migrate(database: Database) -> None:
    """Bring Mage's schema into the database."""
    environment = os.environ | {"PYTHONPATH": str(FILES), "DB_URL": database.url, "MAGE_DATA_DIR": "/tmp"}
    subprocess.run([sys.executable, "-c", _MIGRATE], env=environment, cwd="/tmp", check=True, capture_output=True)


@contextlib.contextmanager
def copy_of(template: Database) -> Iterator[Database]:
    """A database like `template`, which nobody uses, for the length of the `with` block."""
    database = Database(template.server, f"mage_{uuid.uuid4().hex[:8]}")
    with contextlib.closing(psycopg2.connect(template.server.url())) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f'CREATE DATABASE "{database.name}" TEMPLATE "{template.name}"')
    try:
        yield database
    finally:
        template.server.drop_database(database.name)


class Pod:
    """A running module of `mage_pod`."""

    def __init__(self, module: str, project: Path, database: Database, **variables: str) -> None:
        self.port = free_port()
        self.project, self.database = project, database
        self.log = project.parent / f"{module}-{self.port}.log"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(FILES),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(project.parent / "home"),  # is not there, as in a pod
            "ENV": "dev",
            "MAGE_POD_PORT": str(self.port),
            "DB_URL": database.url,
            "MAGE_REPO_PATH": str(project),
            "MAGE_DATA_DIR": str(project.parent / "data"),
            "DEFAULT_EXECUTOR_TYPE": "local_python_force",
            "REQUIRE_USER_AUTHENTICATION": "1",
            "DISABLE_NOTEBOOK_EDIT_ACCESS": "1",
            "DISABLE_TERMINAL": "1",
            "DISABLE_AUTORELOAD": "1",
        }
        with self.log.open("wb") as log:
            self.process = Program(
                *(sys.executable, "-P", "-m", f"mage_pod.{module}"),
                environment=environment | variables,
                stdout=log,
                stderr=log,
                preexec_fn=_adopt_orphans,
            )

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Return status and body; status 0 when nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        return self.get("/-/ready")[0] == 200

    def wait_until_ready(self) -> None:
        until(self.is_ready, "ready", 60)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self, seconds: float = 20) -> int:
        """Return the exit code, once it has ended by itself."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pytest.fail(f"has not ended after {seconds} s:\n{self.log.read_text()[-3000:]}")

    def processes(self) -> list[psutil.Process]:
        """Return what it started and is still there."""
        try:
            children: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return children

    def kill(self) -> None:
        """End it and all it started, whatever it does."""
        for process in [*self.processes(), self.process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait(10)


def _adopt_orphans() -> None:
    """Become for our descendants what the first process of a container is for its."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER, linux/prctl.h


@contextlib.contextmanager
def running(pod: Pod) -> Iterator[Pod]:
    """The pod, ended at the end of the `with` block."""
    try:
        yield pod
    finally:
        pod.kill()

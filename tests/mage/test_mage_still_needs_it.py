"""Each entry of charts/mage/MAGE.md, asked of Mage as it is installed, without anything of ours.

The name of a test is the name of its entry. A mend's test shows the fault, so it fails once Mage has none; what we
rely on has a test that it is there.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import functools
import importlib.util
import inspect
import io
import logging
import os
import re
import signal
import socket
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from importlib.abc import MetaPathFinder
from importlib.metadata import requires, version
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest

import mage_page
from mage.pods import is_alive
from mage.projects import Block, write_project
from mage.unpatched import Server, Unpatched, unpatched, verdict
from mage_pod.waiting import until

Question = Callable[..., None]

_MAGE = Path(cast(Any, importlib.util.find_spec("mage_ai")).submodule_search_locations[0])
_CALLBACK = "@callback('failure')\ndef told(*args, **kwargs):\n    open('told', 'a').write('again ')\n"
_BROKEN = "@callback('success')\ndef broken(*args, **kwargs):\n    raise ValueError('spilled milk')\n"
_UNKNOWN = "@condition\ndef unknown(*args, **kwargs):\n    raise ValueError('nobody knows')\n"
_FALL = "@custom\ndef fall(*args, **kwargs):\n    raise ValueError('why')\n"
_NAP = "@custom\ndef nap(*args, **kwargs):\n    import time\n    time.sleep(60)\n"
_PIPELINES = {
    "plain": [Block("hello", "@custom\ndef hello(*args, **kwargs):\n    print('good day')\n", type="custom")],
    "for_people": [
        Block(f"a_{kind}", type=kind) for kind in ("chart", "group", "markdown", "pipeline", "scratchpad")
    ],
    "fails": [Block("fall", _FALL, type="custom")],
    "naps": [Block("nap", _NAP, type="custom")],
    "unguarded": [Block("unguarded", type="custom")],
    "in_a_pod": [
        Block("load", type="custom", options={"executor_type": "k8s"}),
        Block("told", _CALLBACK, ["load"], type="callback"),
    ],
    "as_one_job": [Block("one", type="custom")],
    "addons": [
        Block("asks", "@custom\ndef asks(*args, **kwargs):\n    return 1\n", type="custom"),
        Block("unknown", _UNKNOWN, ["asks"], type="conditional"),
        Block("calls", "@custom\ndef calls(*args, **kwargs):\n    return 1\n", type="custom"),
        Block("broken", _BROKEN, ["calls"], type="callback"),
        Block("fall", _FALL, type="custom"),
    ],
}
_ONE_JOB = {"run_pipeline_in_one_process": True, "executor_type": "k8s"}
_UNGUARDED = (
    "from mage_ai.data_preparation.decorators import custom\n\n@custom\ndef f(*args, **kwargs):\n    return 1\n"
)
_EXECUTOR_CONFIG = """\
metadata: {namespace: here, labels: {a: b}}
service_account_name: executor
container_config: {name: mage, working_dir: /}
resource_limits: {memory: 1Gi}
pod:
  service_account_name: executor
  affinity:
    podAffinity:
      preferredDuringSchedulingIgnoredDuringExecution:
        - {weight: 1, topologyKey: host}
job: {backoff_limit: 0, active_deadline_seconds: 60, ttl_seconds_after_finished: 60}
"""


def _project(folder: Path) -> Path:
    project = write_project(folder, _PIPELINES, as_one_job=_ONE_JOB)
    (project / "custom" / "unguarded.py").write_text(_UNGUARDED)
    for block in _PIPELINES["for_people"]:
        (project / f"{block.type}s" / f"{block.uuid}.py").unlink()
    return project


@pytest.fixture(scope="module", autouse=True)
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that starts while the tests that need none are done; its notebook is closed."""
    folder = tmp_path_factory.mktemp("server")
    started = Server(_project(folder), DISABLE_NOTEBOOK_EDIT_ACCESS="1")
    yield started
    started.stop()


@pytest.fixture(scope="module")
def mage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unpatched]:
    folder = tmp_path_factory.mktemp("mage")
    with unpatched(folder, _project(folder)) as started:
        yield started


def mend(question: Question) -> Question:
    """Make a test that fails when what `question` states of Mage is no longer so."""
    return _test(question, "Mage {version} does not need the mend {name} any more: take it out. {said}")


def relied_on(question: Question) -> Question:
    """Make a test that fails when what `question` states of Mage is no longer so."""
    return _test(question, "Mage {version} has changed what {name} relies on: adapt it. {said}")


def _test(question: Question, told: str) -> Question:
    name = question.__name__.removeprefix("test_").replace("_", "-")

    def conclude(answer: str, said: str) -> None:
        if answer == "no":
            text = told.format(version=version("mage-ai"), name=name, said=said)
            pytest.fail(f"{text}\nSee {name} in charts/mage/MAGE.md.", pytrace=False)
        assert answer == "yes", f"Mage cannot be asked about {name} (charts/mage/MAGE.md) like this:\n{said}"

    def asked_in_a_fork(mage: Unpatched) -> None:
        conclude(*mage.ask(__name__.removeprefix("tests."), question.__name__))

    def asked_of_the_server(server: Server) -> None:
        conclude(*verdict(lambda: question(server)))

    asked: Any = asked_of_the_server if inspect.signature(question).parameters else asked_in_a_fork
    functools.update_wrapper(asked, question)
    del asked.__wrapped__  # pytest would look for its arguments
    asked.question = question
    return cast(Question, asked)


# What questions have in common; all this is in a fork.


def _trigger(pipeline: str = "plain", **fields: Any) -> Any:
    from mage_ai.orchestration.db.models.schedules import PipelineSchedule

    given = {"name": "t", "schedule_type": "api", "status": "active", "repo_path": os.environ["MAGE_REPO_PATH"]}
    return PipelineSchedule.create(pipeline_uuid=pipeline, **(given | fields))


def _run(pipeline: str = "plain", trigger: Any = None, **fields: Any) -> Any:
    from mage_ai.orchestration.db.models.schedules import PipelineRun

    given = {"execution_date": datetime.now(UTC), "status": PipelineRun.PipelineRunStatus.RUNNING}
    number = (trigger or _trigger(pipeline)).id
    return PipelineRun.create(pipeline_schedule_id=number, pipeline_uuid=pipeline, **(given | fields))


@contextlib.contextmanager
def _imports() -> Iterator[list[str]]:
    """The modules that are looked for meanwhile."""
    looked: list[str] = []

    class Finder(MetaPathFinder):
        def find_spec(self, name: str, *_: Any) -> None:
            looked.append(name)

    sys.meta_path.insert(0, Finder())
    yield looked
    sys.meta_path.pop(0)


class _Queue:
    """A queue that only notes."""

    def __init__(self) -> None:
        from mage_ai.orchestration import job_manager
        from mage_ai.orchestration.queue.queue_factory import QueueFactory

        self.calls: list[str] = []
        self.jobs: list[str] = []
        QueueFactory.queue = self
        job_manager.job_manager = job_manager.JobManager()

    def enqueue(self, job_id: str, *_: Any) -> None:
        self.jobs.append(job_id)

    def has_job(self, *_: Any, **__: Any) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: self.calls.append(name)


def _reload_database(url: str) -> Any:
    from mage_ai.orchestration import db

    os.environ["MAGE_DATABASE_CONNECTION_URL"] = url
    return importlib.reload(db)


def _raise(error: BaseException) -> Any:
    raise error


def _unavailable() -> Exception:
    from sqlalchemy.exc import OperationalError

    return OperationalError("select 1", {}, Exception("server closed the connection"))


def _watched_job(**answers: Any) -> Any:
    """Mage's manager of a Job, with a cluster of `answers`."""
    from mage_ai.services.k8s import job_manager

    job_manager.time = SimpleNamespace(sleep=lambda _: None)
    manager = object.__new__(job_manager.JobManager)
    manager.job_name, manager.namespace, manager.logger, manager.logging_tags = "job", "here", None, {}
    manager.batch_api_client = SimpleNamespace(**answers)
    return manager


# The database


@mend
def test_password_encoded_again() -> None:
    db = _reload_database("postgresql+psycopg2://user:p%40ss@127.0.0.1:1/mage")
    assert db.engine.url.password != "p@ss", "After a connection that failed the password is as it was given."


@mend
def test_password_taken_as_url() -> None:
    from mage_ai.orchestration.db.setup import get_postgres_connection_url
    from sqlalchemy import make_url

    os.environ |= {"DB_USER": "user", "DB_PASS": "p@ss:w/rd", "DB_NAME": "mage", "DB_HOST": "here"}
    with contextlib.suppress(ValueError):
        assert make_url(get_postgres_connection_url()).host != "here", "DB_PASS is encoded."


@mend
def test_driver_not_brought() -> None:
    with pytest.raises(ModuleNotFoundError):
        _reload_database("postgresql://user:word@127.0.0.1:1/mage")


@mend
def test_endless_wait_for_database() -> None:
    from sqlalchemy import event

    db, seen = _reload_database("postgresql+psycopg2://user:word@127.0.0.1:1/mage"), {}

    def look(_: Any, __: Any, ___: Any, parameters: dict[str, Any]) -> None:
        seen.update(parameters)
        raise _unavailable()

    event.listen(db.engine, "do_connect", look)
    with contextlib.suppress(Exception):
        db.engine.connect()
    assert "host" in seen, seen
    limits = {key for key in seen if "timeout" in key or "keepalive" in key}
    assert not limits, f"Mage sets {limits}."


@mend
def test_zone_of_server_ignored() -> None:
    trigger = _trigger(schedule_type="time", schedule_interval="@once")
    minutes_ago = datetime.now(UTC) - timedelta(minutes=5)
    trigger.start_time = minutes_ago.astimezone(timezone(timedelta(hours=2)))  # as such a server tells it
    assert not trigger.should_schedule(), "Mage starts it."
    trigger.start_time = minutes_ago
    assert trigger.should_schedule()


@mend
def test_restart_not_outlasted() -> None:
    from mage_ai.orchestration.db import safe_db_query

    tries: list[float] = []

    @safe_db_query  # type: ignore[untyped-decorator]
    def ask() -> None:
        tries.append(time.monotonic())
        raise _unavailable()

    with pytest.raises(type(_unavailable())):
        ask()
    assert tries[-1] - tries[0] < 1, f"Mage tries {len(tries)} times, and waits in between."


@mend
def test_failed_migration_ignored() -> None:
    from mage_ai.orchestration.triggers.loop_time_trigger import LoopTimeTrigger
    from mage_ai.server import scheduler_manager

    started: list[Any] = []
    _Queue()
    LoopTimeTrigger.start = lambda self: started.append(self)
    scheduler_manager.database_manager.run_migrations = lambda: _raise(RuntimeError("no such table"))
    with contextlib.suppress(RuntimeError):
        scheduler_manager.run_scheduler()
    assert started, "The scheduler does not start after a migration that failed."


@relied_on
def test_run_tables() -> None:
    from mage_ai.orchestration.db import engine
    from mage_ai.orchestration.db.models.schedules import PipelineRun

    run = _run("plain", _trigger(schedule_type="time", schedule_interval="@daily"))
    run.update(status=PipelineRun.PipelineRunStatus.COMPLETED)
    question = (
        "SELECT r.status, t.schedule_type, t.schedule_interval, r.pipeline_uuid, r.created_at IS NULL,"
        " r.backfill_id FROM pipeline_run AS r JOIN pipeline_schedule AS t ON t.id = r.pipeline_schedule_id"
    )
    with engine.connect() as connection:
        row = connection.exec_driver_sql(question).one()
    assert row == ("COMPLETED", "TIME", "@daily", "plain", 0, None), row


@relied_on
def test_user_table() -> None:
    import bcrypt
    from mage_ai.authentication.passwords import generate_salt, verify_password
    from mage_ai.orchestration.db import engine
    from mage_ai.orchestration.db.models.oauth import User

    assert generate_salt().startswith(b"$2b$14$")
    User.create(username="o", email="o@example.com", password_hash="", password_salt="")
    salt = bcrypt.gensalt(4)  # quick
    given = (bcrypt.hashpw(b"word", salt).decode(), salt.decode(), "o@example.com")
    with engine.begin() as connection:
        question = 'UPDATE "user" SET password_hash = ?, password_salt = ? WHERE email = ?'
        connection.exec_driver_sql(question, given)
    User.query.session.expire_all()
    assert verify_password("word", User.query.one().password_hash)


@mend
def test_dates_without_zone() -> None:
    run = _run()
    run.refresh()
    assert run.get_variables()["execution_date"].tzinfo is None, "Dates from SQLite have a zone."


# The owner


def _make_owner(password: str) -> tuple[str, list[float]]:
    """Start as the server does, and return the hash of the owner's password and the pauses."""
    import bcrypt
    from mage_ai.orchestration.db.models.oauth import User
    from mage_ai.server import server

    pauses: list[float] = []
    server.sleep = pauses.append
    server.generate_salt = lambda: bcrypt.gensalt(4)  # quick
    server.DEFAULT_OWNER_PASSWORD = password
    server.initialize_user_authentication(server.ProjectType.STANDALONE)
    return User.query.one().password_hash, pauses


@mend
def test_owner_password_once() -> None:
    first, second = _make_owner("first"), _make_owner("second")
    assert first[0] == second[0], "Mage follows DEFAULT_OWNER_PASSWORD."


@mend
def test_pause_of_five_seconds() -> None:
    _, pauses = _make_owner("word")
    assert pauses == [5], pauses


# Triggers and runs


@mend
def test_day_that_never_comes() -> None:
    from mage_ai.orchestration.triggers.loop_time_trigger import LoopTimeTrigger

    _Queue()
    _trigger(schedule_type="time", schedule_interval="0 0 30 2 *", last_enabled_at=datetime.now(UTC))
    with pytest.raises(ValueError, match="failed to find prev date"):
        LoopTimeTrigger().run()


@mend
def test_runs_lose_their_trigger() -> None:
    trigger = _trigger()
    run = _run("plain", trigger)
    trigger.delete()
    run.refresh()
    assert run.pipeline_schedule_id is None, "A run keeps its trigger."


@mend
def test_waiting_runs_all_start() -> None:
    from mage_ai.orchestration.pipeline_scheduler import schedule_all

    _Queue()
    trigger = _trigger(status="inactive")
    runs = [_run("plain", trigger, status="initial") for _ in range(3)]

    def statuses() -> list[str]:
        schedule_all()
        return [run.status.value for run in runs]

    assert statuses() == ["initial"] * 3, "Runs of a paused trigger do not wait for it."
    trigger.update(status="active")
    assert statuses() == ["running"] * 3, "Runs that waited for a trigger do not all start with it."


@relied_on
def test_trigger_rows() -> None:
    from mage_ai.orchestration.db import db_connection
    from mage_ai.orchestration.db.models.schedules import BlockRun, PipelineRun, PipelineSchedule

    from mage_pod.schedules import _columns, fields

    schedule = {"pipeline": "plain", "interval": "@daily", "enabled": True, "timeout": 60}
    target = _columns(fields("nightly", schedule, os.environ))
    session = db_connection.session
    row = PipelineSchedule.create(commit=False, **target, last_enabled_at=datetime.now(UTC))
    session.flush()
    assert row.id
    assert row.timeout == 60
    assert (row.tag_associations, row.event_matchers) == ([], [])
    row.update(commit=False, status="inactive")
    session.rollback()
    assert not PipelineSchedule.query.all(), "commit=False commits."
    row = PipelineSchedule.create(**target)
    assert row.pipeline_runs_count == 0
    assert row.current_execution_date() <= datetime.now(UTC)
    with pytest.raises(ValueError, match="Cron expression"):
        row.update(commit=False, schedule_interval="61 * * * *")
    run = _run("plain", row, status="initial")
    waiting = PipelineRun.query.filter_by(pipeline_schedule_id=row.id, status="initial")
    assert [found.id for found in waiting] == [run.id]
    assert BlockRun.pipeline_run_id is not None
    row.delete(commit=False)
    session.rollback()
    assert PipelineSchedule.query.one().name == "nightly"


@relied_on
def test_scheduler_loop() -> None:
    from mage_ai.orchestration.triggers.loop_time_trigger import LoopTimeTrigger

    queue, run = _Queue(), _run()
    loop = LoopTimeTrigger()
    loop.run()
    assert loop.trigger_interval > 0
    assert queue.jobs == [f"block_run_{run.block_runs[0].id}"], queue.jobs


@mend
def test_error_ends_all_jobs() -> None:
    from mage_ai.orchestration.triggers import time_trigger
    from mage_ai.server import scheduler_manager

    queue = _Queue()
    scheduler_manager.database_manager.run_migrations = lambda: None
    time_trigger.schedule_all = lambda: _raise(RuntimeError("one bad turn"))
    with pytest.raises(RuntimeError):
        scheduler_manager.run_scheduler()
    assert "stop" in queue.calls, "The jobs go on."


@mend
def test_two_schedulers() -> None:
    from mage_ai.orchestration.utils.distributed_lock import DistributedLock

    first, second = DistributedLock(), DistributedLock()
    assert first.try_acquire_lock("pipeline_schedule_1"), "Mage's lock is granted to nobody."
    assert second.try_acquire_lock("pipeline_schedule_1"), "Mage's lock holds."


@mend
def test_outlives_its_parent() -> None:
    from mage_ai.server import scheduler_manager

    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        scheduler_manager.run_scheduler = lambda: time.sleep(60)
        scheduler_manager.scheduler_manager.start_scheduler()
        os.write(writer, str(scheduler_manager.scheduler_manager.get_scheduler_pid()).encode())
        time.sleep(60)
    scheduler = psutil.Process(int(os.read(reader, 20)))
    os.kill(parent, signal.SIGTERM)
    os.waitpid(parent, 0)
    try:
        with contextlib.suppress(psutil.TimeoutExpired):
            scheduler.wait(1)
        assert is_alive(scheduler), "The scheduler ends with the server."
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            scheduler.kill()


@mend
def test_memory_guard() -> None:
    from mage_ai.orchestration import pipeline_scheduler_original as scheduler

    _Queue()
    scheduler.get_memory = lambda: (1, 99, 100)
    kept, cancelled = _run(), _run()
    for run, executor_type in ((kept, "local_python_force"), (cancelled, "local_python")):
        os.environ["DEFAULT_EXECUTOR_TYPE"] = executor_type
        scheduler.PipelineScheduler(run).schedule()
    assert kept.status.value == "running", "local_python_force does not keep a run from being cancelled."
    assert cancelled.status.value == "cancelled", "A run is not cancelled where memory looks full."


# Jobs


@mend
def test_job_lost_in_queue() -> None:
    import multiprocessing

    from mage_ai.orchestration.queue.config import QueueConfig
    from mage_ai.orchestration.queue.process_queue import ProcessQueue

    queue, done = ProcessQueue(QueueConfig.load(config={})), Path("done")
    queue.start()
    queue.worker_pool_proc = multiprocessing.Process(target=time.sleep, args=[0.1])  # has found nothing, and ends
    queue.worker_pool_proc.start()
    queue.enqueue("job", done.touch)
    queue.worker_pool_proc.join()
    queue.clean_up_jobs()
    assert queue.has_job("job"), "The job is not taken for one that runs."
    time.sleep(1.5)  # a pool that is there looks every second
    assert not done.exists(), "The job was done."


@relied_on
def test_queue_methods() -> None:
    from mage_ai.orchestration.job_manager import JobManager, JobType
    from mage_ai.orchestration.queue.queue_factory import QueueFactory

    from mage_pod.jobs import JobQueue

    QueueFactory.queue = JobQueue(1)
    manager = JobManager()
    manager.add_job(JobType.BLOCK_RUN, 1, print, "job")
    assert manager.has_block_run_job(1, logger=None, logging_tags={})
    manager.kill_block_run_job(1)
    manager.clean_up_jobs()
    assert not manager.has_block_run_job(1)
    manager.add_job(JobType.PIPELINE_RUN, 1, print, "job")
    assert manager.has_pipeline_run_job(1)
    manager.kill_pipeline_run_job(1)
    assert not manager.has_pipeline_run_job(1)


@relied_on
def test_job_session() -> None:
    from mage_ai.orchestration.db import db_connection
    from mage_ai.orchestration.db.process import start_session_and_run

    before = db_connection.session
    assert start_session_and_run(lambda: db_connection.session) is not before


@mend
def test_manager_socket() -> None:
    from mage_ai.orchestration.queue.config import QueueConfig
    from mage_ai.orchestration.queue.process_queue import ProcessQueue

    from runtime import run

    address = ProcessQueue(QueueConfig.load(config={})).mp_manager.address
    assert address.startswith(tempfile.gettempdir()), address
    assert run._SOCKET_FOLDER + len(address) - len(tempfile.gettempdir()) <= 107, "The path may be longer."


@mend
def test_end_of_block_lost() -> None:
    import requests  # type: ignore[import-untyped]
    from mage_ai.data_preparation.executors.block_executor import BlockExecutor
    from mage_ai.orchestration.db.models.schedules import BlockRun

    run = _run()
    executor = BlockExecutor(run.pipeline, "hello", run.execution_partition)
    BlockRun.update = lambda *_, **__: _raise(_unavailable())
    with pytest.raises(requests.RequestException):
        executor._BlockExecutor__update_block_run_status(
            BlockRun.BlockRunStatus.COMPLETED, block_run_id=run.block_runs[0].id
        )


@mend
def test_run_mixes_commits() -> None:
    from mage_ai.settings.repo import set_repo_path

    project = Path(os.environ["MAGE_REPO_PATH"])
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "link")
        link.symlink_to(project.parent)
        set_repo_path(str(link / project.name))
        run = _run("plain", _trigger(repo_path=str(link / project.name)))
        assert run.pipeline.blocks_by_uuid.keys() == {"hello"}
        link.unlink()
        link.symlink_to(write_project(Path(folder, "newer"), {"plain": [Block("newer", type="custom")]}).parent)
        assert run.pipeline.blocks_by_uuid.keys() == {"newer"}, "A run keeps the code that it began with."


# Executors


@relied_on
def test_executor_command() -> None:
    import typer
    from mage_ai.cli.main import app
    from mage_ai.data_preparation.executors.k8s_block_executor import K8sBlockExecutor
    from mage_ai.data_preparation.executors.k8s_pipeline_executor import K8sPipelineExecutor

    run = _run("in_a_pod")
    block = K8sBlockExecutor(run.pipeline, "load", run.execution_partition)._run_commands(block_run_id=1)
    pipeline = K8sPipelineExecutor(run.pipeline)._run_commands(pipeline_run_id=1)
    begin = ["/app/run_app.sh", "mage", "run", os.environ["MAGE_REPO_PATH"], "in_a_pod"]
    assert block[:5] == begin
    assert pipeline[:5] == begin
    command = typer.main.get_command(app).commands["run"]  # type: ignore[attr-defined]
    for given in (block[3:], pipeline[3:]):
        command.make_context("run", given)


class _Job:
    """Takes the place of Mage's manager of a Job."""

    calls: list[str] = []  # noqa: RUF012 of all of them

    def __init__(self, job_name: str, namespace: str, logger: Any, logging_tags: Any) -> None:
        self.calls.append("made")

    def run_job(self, command: Any, k8s_config: Any = None) -> None:
        self.calls.append("run")
        raise RuntimeError("the Job failed")

    def delete_job(self) -> None:
        self.calls.append("deleted")


def _with_jobs() -> tuple[Any, Any]:
    from mage_ai.data_preparation.executors import k8s_block_executor, k8s_pipeline_executor

    for module in (k8s_block_executor, k8s_pipeline_executor):
        module.K8sJobManager = _Job
    return k8s_block_executor.K8sBlockExecutor, k8s_pipeline_executor.K8sPipelineExecutor


@relied_on
def test_job_manager() -> None:
    from mage_ai.services.k8s.job_manager import JobManager

    of_block, of_pipeline = _with_jobs()
    run = _run("in_a_pod")
    with pytest.raises(RuntimeError, match="the Job failed"):
        of_block(run.pipeline, "load", run.execution_partition)._execute(block_run_id=run.block_runs[0].id)
    of_pipeline(run.pipeline).cancel(pipeline_run_id=run.id)
    assert _Job.calls == ["made", "run", "made", "deleted"], _Job.calls
    deleted: list[Any] = []
    job = _watched_job(
        delete_namespaced_job=lambda **given: deleted.append(given["name"]),
        create_namespaced_job=lambda **given: SimpleNamespace(status=""),
    )
    job.create_job({})
    with contextlib.suppress(AttributeError):  # it tells the status of an answer that is none
        job.delete_job()
    assert deleted == ["job"]
    inspect.signature(JobManager.create_job_object).bind(job, "command", k8s_config={})
    inspect.signature(JobManager.load_config).bind()


@mend
def test_job_failure_told_again() -> None:
    of_block, _ = _with_jobs()
    run = _run("in_a_pod")
    block_run = run.block_runs[0]
    block_run.update(status="failed")  # as Mage in the pod has written
    told: list[Any] = []
    with pytest.raises(RuntimeError, match="the Job failed"):
        of_block(run.pipeline, "load", run.execution_partition).execute(
            block_run_id=block_run.id,
            pipeline_run_id=run.id,
            on_failure=lambda *_, **__: told.append("on_failure"),
            global_vars={},
            retry_config={"retries": 0},
        )
    assert told, "The scheduler does not tell a failure that the pod has told."
    assert Path("told").read_text() == "again ", "The scheduler does not call back where the pod has."


@mend
def test_job_made_again() -> None:
    from mage_ai.orchestration.pipeline_scheduler import PipelineScheduler

    _, of_pipeline = _with_jobs()
    run, queue = _run("as_one_job"), _Queue()
    with pytest.raises(RuntimeError, match="the Job failed"):
        of_pipeline(run.pipeline).execute(pipeline_run_id=run.id, global_vars={})
    run.refresh()
    PipelineScheduler(run).schedule()
    assert queue.jobs == [f"pipeline_run_{run.id}"], f"The run is {run.status}."


@mend
def test_job_lost_from_sight() -> None:
    from kubernetes.client import ApiException

    job = _watched_job(read_namespaced_job=lambda **_: _raise(ApiException(503)))
    assert job.job_exists() is False, "An error of the cluster is not taken for a no."


@mend
def test_job_reason_lost() -> None:
    status = SimpleNamespace(succeeded=None, failed=1, conditions=[SimpleNamespace(reason="DeadlineExceeded")])
    job = _watched_job(
        read_namespaced_job=lambda **_: SimpleNamespace(status=status),
        delete_namespaced_job=lambda **_: SimpleNamespace(status="deleted"),
    )
    with pytest.raises(Exception, match="job") as failure:
        job.run_job("command")
    assert str(failure.value) == "Failed to execute k8s job job"


@mend
def test_job_ends_with_its_pod() -> None:
    from mage_ai.services.k8s.config import K8sExecutorConfig

    job = _watched_job()
    container = SimpleNamespace(name="mage", env=[], env_from=None, volume_mounts=[], image="mage")
    job.container_name, job.api_version = "mage", "batch/v1"
    spec = SimpleNamespace(
        containers=[container],
        volumes=[],
        tolerations=None,
        node_selector=None,
        scheduler_name=None,
        image_pull_secrets=None,
    )
    job.pod_config = SimpleNamespace(spec=spec)
    made = job.create_job_object("command", k8s_config=K8sExecutorConfig.load(config={}))
    assert (made.spec.pod_failure_policy, made.spec.backoff_limit) == (None, 0)


@mend
def test_begun_block_never_ends() -> None:
    from mage_ai.data_preparation.executors.pipeline_executor import PipelineExecutor

    run = _run()
    for block_run in run.block_runs:
        block_run.update(status="running")  # by a pod that was killed
    PipelineExecutor(run.pipeline, run.execution_partition).execute(pipeline_run_id=run.id, global_vars={})
    statuses = {block_run.status for block_run in run.block_runs}
    assert statuses == {"running"}, statuses


@mend
def test_job_of_another_release() -> None:
    from kubernetes.client import V1Container, V1Pod, V1PodSpec
    from mage_ai.services.k8s.config import K8sExecutorConfig

    container = V1Container(name="mage", image="newer", env=[], volume_mounts=[])
    job = _watched_job()
    job.api_version, job.container_name = "batch/v1", "mage"
    job.pod_config = V1Pod(spec=V1PodSpec(containers=[container], volumes=[]))
    made = job.create_job_object("command", k8s_config=K8sExecutorConfig.load(config={}))
    assert made.spec.template.spec.containers[0].image == "newer", "A run's Job has the image of its beginning."


@mend
def test_job_left_running() -> None:
    from mage_ai.orchestration.pipeline_scheduler import stop_pipeline_run

    _with_jobs()
    run, queue = _run("in_a_pod"), _Queue()
    run.block_runs[0].update(status="running")
    stop_pipeline_run(run, run.pipeline)
    assert queue.calls == ["kill_job"], queue.calls
    assert _Job.calls == [], "The Job of a cancelled block is removed."


# Start of a process


@mend
def test_heavy_imports() -> None:
    from mage_ai.shared.complex import is_model_sklearn

    assert {"sklearn.utils", "memory_profiler"} <= sys.modules.keys(), "Mage's imports have become fewer."
    for module in [name for name in sys.modules if name.partition(".")[0] == "sklearn"]:
        del sys.modules[module]
    with _imports() as looked:
        is_model_sklearn(1)
    assert "sklearn" in looked, "Mage asks without the package whether something is a model of it."


@relied_on
def test_start_of_mage() -> None:
    from mage_ai.data_preparation.repo_manager import init_project_uuid
    from mage_ai.orchestration import job_manager
    from mage_ai.orchestration.queue.queue_factory import QueueFactory
    from mage_ai.server import server
    from mage_ai.server.setup import initialize_globals
    from mage_ai.settings import SERVER_LOGGING_FORMAT, SERVER_VERBOSITY
    from mage_ai.settings.repo import get_repo_path, set_repo_path
    from mage_ai.shared.constants import InstanceType
    from mage_ai.shared.logger import set_logging_format

    for each in mage_page.imports():
        assert importlib.util.find_spec(each.module), f"{each.file}: Mage has no {each.module}."
        for name in each.names:
            there = importlib.import_module(each.module)
            found = hasattr(there, name) or importlib.util.find_spec(f"{each.module}.{name}")
            assert found, f"{each.file}: {each.module} has no {name}."
    QueueFactory.queue = object()
    job_manager.job_manager = None
    initialize_globals()
    assert job_manager.get_job_manager().queue is QueueFactory.queue
    set_repo_path("/somewhere/project")
    assert get_repo_path() == "/somewhere/project"
    inspect.signature(init_project_uuid).bind(root_project=True)
    set_logging_format(logging_format=SERVER_LOGGING_FORMAT, level=SERVER_VERBOSITY)
    inspect.signature(server.start_server).bind(port="1", project="p", instance_type=InstanceType.WEB_SERVER)
    set_repo_path(os.environ["MAGE_REPO_PATH"])
    inspect.signature(server.make_app().add_handlers).bind(".*", [])


@mend
def test_secret_stores_looked_for() -> None:
    from mage_ai.data_preparation.shared.utils import get_template_vars

    get_template_vars()
    with _imports() as looked:
        get_template_vars()
    stores = {"mage_ai.services.aws.secrets_manager.secrets_manager", "mage_ai.services.azure.key_vault.key_vault"}
    assert stores <= set(looked), f"Mage looks only for {looked}."


@mend
def test_metadata_rendered_again() -> None:
    from mage_ai.data_preparation import repo_manager

    template, texts = repo_manager.Template, []

    def rendered(text: str) -> Any:
        texts.append(text)
        return template(text)

    repo_manager.Template = rendered
    for _ in range(2):
        repo_manager.get_repo_config()
    assert len(texts) > 1, "Mage remembers metadata.yaml."


@mend
def test_autoreload_in_dev() -> None:
    from mage_ai.server import server
    from tornado import autoreload

    autoreload.start = lambda *_: None
    os.environ["ENV"] = "dev"
    assert server.make_app().settings["autoreload"], "ENV=dev does not make Mage restart."
    server.DISABLE_AUTORELOAD = True
    assert not server.make_app().settings["autoreload"], "DISABLE_AUTORELOAD does not help."


@mend
def test_next_port() -> None:
    from mage_ai.server import server

    class Taken(Exception):
        pass

    ports: list[int] = []

    def listen(port: int, **_: Any) -> None:
        ports.append(port)
        raise Taken

    server.make_app = lambda **_: SimpleNamespace(listen=listen)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(Taken):
            asyncio.run(server.main(host="127.0.0.1", port=taken, status_only=True))
    assert taken < ports[0] < taken + 100, ports


@mend
def test_ui_copied_into_data() -> None:
    from mage_ai.server import server

    copied: list[str] = []

    def copy(_: str, to: str) -> None:
        copied.append(to)
        Path(to).mkdir(parents=True)

    server.shutil.copytree = copy
    server.replace_base_path("mage/dev")
    assert copied[0].startswith(os.environ["MAGE_DATA_DIR"]), copied


@mend
def test_scheduler_looked_for() -> None:
    from mage_ai.server import server

    log = io.StringIO()
    logging.getLogger("mage_ai.server.scheduler_manager").addHandler(logging.StreamHandler(log))
    server.check_scheduler_status()
    assert "stopped" in log.getvalue(), "Mage does not tell of a scheduler that is not to be."


@mend
def test_health_without_database() -> None:
    from mage_ai.orchestration.db import engine
    from mage_ai.server import server
    from sqlalchemy import event
    from tornado.httpclient import AsyncHTTPClient

    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2]))

    async def status() -> int:
        listening = server.make_app().listen(0, "127.0.0.1")
        (port,) = {each.getsockname()[1] for each in listening._sockets.values()}
        answer = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/api/status")
        return int(answer.code)

    assert asyncio.run(status()) == 200
    assert not asked, "Mage asks its database before it says that all is well."


@relied_on
def test_session_check() -> None:
    from mage_ai.api import middleware
    from mage_ai.server import server

    from mage_pod.gate import close_endpoints

    statuses: list[int] = []
    request = SimpleNamespace(headers={}, method="GET", query_arguments={})
    handler = SimpleNamespace(request=request, bypass_oauth_check=False, set_status=statuses.append)
    middleware.REQUIRE_USER_AUTHENTICATION = True
    middleware.OAuthMiddleware.prepare(handler)
    assert statuses == [401]
    assert request.current_user is None
    assert not issubclass(server.PrometheusMetricsHandler, middleware.OAuthMiddleware), "It asks by itself."
    close_endpoints([])


@relied_on
def test_secret_key_files() -> None:
    from mage_ai.data_preparation.shared import secrets
    from mage_ai.orchestration.constants import Entity

    folder = Path(os.environ["MAGE_DATA_DIR"], "secrets")
    folder.mkdir(parents=True, exist_ok=True)
    key = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    (folder / "key").write_text(key)
    (folder / "uuid").write_text("1234")
    secrets.create_secret("word", "hidden")
    assert secrets.get_secret_value("word") == "hidden"
    assert secrets._get_encryption_key(Entity.GLOBAL)[0] in (key, key.encode())
    assert {file.name for file in folder.iterdir()} == {"key", "uuid"}


# Blocks


def _execute(run: Any, block_run: Any) -> Any:
    from mage_ai.orchestration import pipeline_scheduler_original as scheduler

    return scheduler.run_block(run.id, block_run.id, run.get_variables(), {})


@relied_on
def test_run_block() -> None:
    run = _run()
    assert not run.all_blocks_completed(include_failed_blocks=True)
    run.update_block_run_statuses(run.initial_block_runs)
    (block_run,) = run.executable_block_runs()
    outcome = _execute(run, block_run)
    run.refresh()
    block_run.refresh()
    assert isinstance(outcome["output"], list)
    assert block_run.status.value == "completed"
    assert run.all_blocks_completed()
    assert run.pipeline.get_block("hello").timeout is None


@relied_on
def test_block_is_text() -> None:
    run = _run("fails")
    with pytest.raises(ValueError, match="why"):
        _execute(run, run.block_runs[0])
    error = run.block_runs[0].metrics["error"]
    assert error["error"] == "why"
    assert 'File "<string>", line' in error["message"]


@mend
def test_block_asks_for_a_pod() -> None:
    from mage_ai.data_preparation.executors.executor_factory import ExecutorFactory
    from mage_ai.data_preparation.models.constants import ExecutorType

    pipeline = _run("in_a_pod").pipeline
    assert type(ExecutorFactory.get_block_executor(pipeline, "load")).__name__ == "K8sBlockExecutor"
    local = ExecutorFactory.get_block_executor(pipeline, "load", executor_type=ExecutorType.LOCAL_PYTHON)
    assert type(local).__name__ == "BlockExecutor"


@mend
def test_run_waits_for_scheduler() -> None:
    from mage_ai.orchestration.triggers import api, global_data_product

    assert api.create_and_start_pipeline_run is global_data_product.create_and_start_pipeline_run
    run = api.trigger_pipeline("plain")
    assert [each.status.value for each in (run, *run.block_runs)] == ["initial"] * 2, "Mage runs it by itself."
    assert callable(global_data_product.sleep)


@relied_on
def test_templates_stand_alone() -> None:
    from mage_ai.data_preparation.models.block.sql.utils.shared import interpolate_vars

    assert interpolate_vars("SELECT '{{ variables('day') }}'", {"day": "today"}) == "SELECT 'today'"
    with pytest.raises(TypeError, match="no loader"):
        interpolate_vars("{% include 'custom/hello.py' %}")


@relied_on
def test_io_clients() -> None:
    from promotion.pipelines.io_clients import keys_of, reads

    found = {client: keys for file in (_MAGE / "io").glob("*.py") for client, keys in keys_read(file)}
    assert len(found) > 20
    for client, keys in found.items():
        known = keys_of(client)
        assert known is not None, f"Mage has a client {client}: add the keys that it reads."
        # A key that is read beside another, or instead of another.
        not_read = [key for key in keys if not (reads(known, key, keys) or reads(known, key, ()))]
        assert not_read == [], f"{client} reads other keys."


def keys_read(file: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield the clients in a file of Mage, each with the keys that its `with_config` looks up."""
    for client in (node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef)):
        nodes = (node for method in client.body for node in ast.walk(method) if named(method) == "with_config")
        keys = [
            node.attr
            for node in nodes
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ConfigKey"
        ]
        if keys:
            yield client.name, keys


def named(method: ast.stmt) -> str:
    return method.name if isinstance(method, ast.FunctionDef) else ""


@relied_on
def test_io_template() -> None:
    import yaml

    from promotion.pipelines.io_template import _ALL, _VARIABLES

    template = yaml.safe_load((_MAGE / "data_preparation/templates/repo/io_config.yaml").read_text())["default"]
    for keys, text in _ALL.items():
        value = template
        for key in keys:
            value = value[key]
        assert str(value) == text, f"The template has another value for {keys}."
    asked = {key: value for key, value in template.items() if "env_var" in str(value)}
    assert asked == {key: f"{{{{ env_var('{key}') }}}}" for key in _VARIABLES}


@relied_on
def test_sinks_with_profile() -> None:
    from mage_ai.streaming.constants import GENERIC_IO_SINK_TYPES

    from promotion.pipelines import demands

    assert {sink.value for sink in GENERIC_IO_SINK_TYPES} == demands._SINKS_WITH_PROFILE


@mend
def test_secrets_only_in_database() -> None:
    from mage_ai.data_preparation.shared.secrets import get_secret_value

    os.environ["OF_THE_ENVIRONMENT"] = "found"
    assert get_secret_value("OF_THE_ENVIRONMENT") is None


@relied_on
def test_secret_functions() -> None:
    from promotion.pipelines.secret_stores import CLOUDS, FUNCTIONS, PYTHON

    for module, function in PYTHON:
        path = _MAGE.parent / f"{module.replace('.', '/')}.py"  # not imported: a cloud's package may be missing
        assert f"def {function}(" in path.read_text(), f"{module} has no {function}."
    offered = (_MAGE / "data_preparation/shared/utils.py").read_text()
    assert {name for name in FUNCTIONS if name in offered} == FUNCTIONS.keys() - {"gcp_secret_var"}
    services = "".join(file.read_text() for file in (_MAGE / "services").rglob("*.py"))
    extras = {re.split(r"[=<>\[; ]", each)[0] for each in requires("mage-ai") or ()}
    for cloud in CLOUDS.values():
        assert extras.issuperset(cloud.packages)
        assert [name for name in cloud.variables if name not in services] == []


@relied_on
def test_pipeline_calls() -> None:
    from mage_ai.orchestration.run_status_checker import check_status
    from mage_ai.orchestration.triggers.api import trigger_pipeline

    from promotion.pipelines import pipeline_calls

    functions = {trigger_pipeline: (), check_status: (datetime.now(UTC),)}
    assert tuple(function.__name__ for function in functions) == pipeline_calls._FUNCTIONS
    for function, more in functions.items():
        assert next(iter(inspect.signature(function).parameters)) == "pipeline_uuid"
        with pytest.raises(Exception, match=r"no_such_pipeline|Pipeline not found"):
            function("no_such_pipeline", *more)


@mend
def test_sensor_sleeps_a_minute() -> None:
    from mage_ai.data_preparation.models import block

    slept: list[float] = []
    answers = iter([False, True])
    block.time = SimpleNamespace(sleep=slept.append)
    block.SensorBlock("s", "s", "sensor").execute_block_function(lambda: next(answers), [])
    assert slept == [60], slept


@mend
def test_print_goes_to_log() -> None:
    from mage_ai.data_preparation.models import block

    lines: list[str] = []
    logger = SimpleNamespace(log=lambda _, line, **__: lines.append(line))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        block.StreamToLogger(logger, logging_tags={}).write("good day\n")
    assert (lines, printed.getvalue()) == (["good day"], "")


@mend
def test_addon_errors_swallowed() -> None:
    from runtime.worker import Complaints

    run, complaints = _run("addons"), Complaints()
    logging.getLogger().handlers = [complaints]
    block_runs = {each.block_uuid: each for each in run.block_runs}
    expected = {"asks": ("condition_failed", "nobody knows"), "calls": ("completed", "spilled milk")}
    for block, (status, said) in expected.items():
        complaints.start()
        _execute(run, block_runs[block])
        assert block_runs[block].status.value == status
        assert said in str(complaints.text()), f"{complaints.text()} is not what the log is read for."


@mend
def test_missing_variable_is_none() -> None:
    from mage_ai.io.config import ConfigFileLoader

    found = ConfigFileLoader(Path(os.environ["MAGE_REPO_PATH"], "io_config.yaml"))["POSTGRES_HOST"]
    assert found == "None", f"Mage reads {found!r} where a variable is not set."


@relied_on
def test_sql_sample() -> None:
    from mage_ai.data_preparation.models.block.sql import execute_raw_sql

    from runtime import worker

    queries: list[str] = []

    def execute(given: list[str], **_: Any) -> list[None]:
        queries.extend(given)
        return [None]

    loader = SimpleNamespace(execute_queries=execute)
    execute_raw_sql(loader, None, "INSERT INTO days VALUES (1)", should_query=True)
    assert queries[-1].endswith(f"LIMIT {worker._SQL_SAMPLE}"), queries


@relied_on
def test_blocks_for_people() -> None:
    from promotion.pipelines.pipeline import NOT_RUN

    run = _run("for_people")
    for block_run in run.block_runs:
        _execute(run, block_run)
        block_run.refresh()
        assert block_run.status.value == "completed"
    assert {str(block.type) for block in run.pipeline.blocks_by_uuid.values()} == NOT_RUN


@relied_on
def test_decorators() -> None:
    from mage_ai.data_preparation import decorators

    from promotion.gates import block_gate

    tables = (block_gate._DECORATOR, block_gate._STREAMING, block_gate._INTEGRATION)
    for name in {name for table in tables for name in table.values()}:
        assert hasattr(decorators, name), f"Mage has no decorator {name}."
    run = _run("unguarded")
    with pytest.raises(Exception, match="does not have any decorated functions"):
        _execute(run, run.block_runs[0])


@relied_on
def test_block_files() -> None:
    from mage_ai.data_preparation.models.block import Block as MageBlock
    from mage_ai.data_preparation.models.constants import BlockType

    from promotion.pipelines.pipeline import _OF_MAGES_OWN, BLOCK_TYPES
    from promotion.pipelines.pipeline import Block as OurBlock

    folder = Path(os.environ["MAGE_REPO_PATH"])
    kinds = ["callback", "conditional", "custom", "data_exporter", "data_loader", "sensor", "transformer"]
    for kind in kinds:
        for language in ("python", "sql", "r"):
            found = MageBlock("b", "nested/b", kind, language=language, configuration={}).file_path
            ours = OurBlock("nested/b", kind, language).default_path
            assert Path(found) == folder / ours, f"{kind}, {language}: {found} is not {ours}."
    assert {kind.value for kind in BlockType} == BLOCK_TYPES | _OF_MAGES_OWN
    declared = MageBlock("b", "b", "transformer", configuration={"file_path": "custom/hello.py"})
    assert Path(declared.file_path) == folder / "custom/hello.py"


@relied_on
def test_trigger_times() -> None:
    from promotion.configuration.interval import times

    for interval in ("@hourly", "@daily", "@weekly", "@monthly", "30 6 * * mon-fri", "0 0 1 1,7 *"):
        trigger = _trigger(schedule_type="time", schedule_interval=interval)
        last = trigger.current_execution_date()
        assert last <= datetime.now(UTC)
        expected = next(iter(times(interval, last)))
        assert trigger.next_execution_date() == expected, f"{interval} after {last} is {expected} for us."


@relied_on
def test_executor_config() -> None:
    from mage_ai.services.k8s import config, constants

    from promotion.gates.job_settings import _KEYS

    file = Path("k8s.yaml")
    file.write_text(_EXECUTOR_CONFIG)
    os.environ["K8S_CONFIG_FILE"] = str(file.absolute())
    importlib.reload(constants)
    loaded = importlib.reload(config).K8sExecutorConfig.load(config={})
    assert _KEYS - {"k8s_executor_config"} == set(loaded.__dataclass_fields__)
    with pytest.raises(TypeError):
        config.K8sExecutorConfig.load(config={"memory": "8Gi"})
    assert (loaded.namespace, loaded.meta.labels) == ("here", {"a": "b"})
    assert (loaded.container_config["working_dir"], loaded.resource_limits) == ("/", {"memory": "1Gi"})
    assert loaded.pod_config.service_account_name == "executor"
    assert loaded.pod_config.affinity.pod_affinity
    assert (loaded.job_config.active_deadline_seconds, loaded.job_config.backoff_limit) == (60, 0)
    with_requests = config.K8sExecutorConfig.load(config={"resource_requests": {"memory": "2Gi"}})
    assert with_requests.resource_limits == {"memory": "1Gi"}, "Limits of the chart do not hold beside requests."
    wrapped = {"k8s_executor_config": {}, "resource_limits": {"cpu": 1}}
    assert config.K8sExecutorConfig.load(config=wrapped).resource_limits == {"memory": "1Gi"}


@mend
def test_affinity_of_its_own_form() -> None:
    from mage_ai.services.k8s.utils import parse_affinity_config

    term = {"labelSelector": {"matchLabels": {"a": "b"}}, "topologyKey": "host"}
    for preference, terms in (
        ("preferredDuringSchedulingIgnoredDuringExecution", [{"weight": 1, "podAffinityTerm": term}]),
        ("requiredDuringSchedulingIgnoredDuringExecution", [term]),
    ):
        with pytest.raises(ValueError, match="must not be `None`"):
            parse_affinity_config({"podAffinity": {preference: terms}})


@relied_on
def test_pipeline_loads() -> None:
    from mage_ai.data_preparation.models.pipeline import Pipeline

    Pipeline.get("plain").validate("the pipeline's blocks")
    with pytest.raises(Exception, match="no_such_pipeline"):
        Pipeline.get("no_such_pipeline")


# The server


@mend
def test_well_known_owner(server: Server) -> None:
    assert server.api.call("GET", "/api/pipelines")["pipelines"], "Nobody is admin."


@relied_on
def test_api_session(server: Server) -> None:
    from mage_pod.mage_api import MageApi
    from mage_pod.release_test import _REFUSED

    assert server.api.call("GET", "/api/pipelines/plain")["pipeline"]["uuid"] == "plain"
    stranger = MageApi(f"http://127.0.0.1:{server.port}")
    with pytest.raises(Exception, match=_REFUSED):
        stranger.log_in("admin@admin.com", "wrong")


@mend
def test_errors_with_status_200(server: Server) -> None:
    status, text = server.api.request("GET", "/api/pipelines/none", headers=server.api._headers)
    assert '"error"' in text, text
    assert status == 200, f"A pipeline that is not there is answered by {status}."


@mend
def test_served_without_login(server: Server) -> None:
    from mage_pod import release_test

    assert server.api
    open_to_all = [*release_test._ENDPOINTS["events"], *release_test._ENDPOINTS["event-streams"]]
    open_to_all += [*release_test._ENDPOINTS["analyses"], *release_test._ENDPOINTS["status"]]
    for path in open_to_all:
        status, _ = server.api.request("GET", path)
        assert status not in release_test._CLOSED, f"{path} is closed: {status}."


@mend
def test_shell_before_login(server: Server) -> None:
    from tornado.websocket import websocket_connect

    def shells() -> list[psutil.Process]:
        return [each for each in server.process.children() if each.name() == "bash"]

    async def connect() -> None:
        await websocket_connect(f"ws://127.0.0.1:{server.port}/websocket/terminal?term_name=t")
        for _ in range(50):
            if shells():
                return
            await asyncio.sleep(0.1)

    assert server.api
    asyncio.run(connect())
    assert shells(), "A connection without a login gets no shell."


@mend
def test_deaf_to_sigterm(server: Server) -> None:
    assert server.api
    caught = Path(f"/proc/{server.process.pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    assert not int(caught, 16) >> (signal.SIGTERM - 1) & 1, "Mage listens to SIGTERM."


@mend
def test_kernel_for_nobody(server: Server) -> None:
    assert server.api
    kernels = [each for each in server.process.children() if "ipykernel_launcher" in each.cmdline()]
    assert kernels, "Mage starts no kernel where the notebook is closed."


@relied_on
def test_migrations(server: Server) -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from mage_pod import schema

    given = Config()
    given.set_main_option("script_location", str(schema._migrations().parent))
    scripts = ScriptDirectory.from_config(given)
    assert schema.head() == scripts.get_current_head()
    assert schema.known() == {script.revision for script in scripts.walk_revisions()}
    assert server.api
    with contextlib.closing(sqlite3.connect(server.database)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(schema.head(),)]


@mend
def test_writes_into_project(server: Server) -> None:
    assert server.api
    assert (server.project / ".ssh_tunnel" / "aws_emr.json").exists(), "Mage writes nothing into its project."


@relied_on
def test_api_runs(server: Server) -> None:
    from mage_pod import mage_runs

    with mage_runs.temporary_trigger(server.api, "fails", "try", 300) as trigger:
        number = mage_runs.start(server.api, trigger, {"execution_date": "2013-02-08"})
        run = mage_runs.ended(server.api, number, 300)
        shown = server.api.call("GET", "/api/pipelines/fails/pipeline_schedules")["pipeline_schedules"]
    with mage_runs.temporary_trigger(server.api, "naps", "try", 60) as trigger:
        number = mage_runs.start(server.api, trigger)
        until(lambda: mage_runs.ended(server.api, number, 0)["status"] == "running", "running", 60)
        mage_runs.cancel(server.api, number)
        assert mage_runs.ended(server.api, number, 0)["status"] == "cancelled"
    assert run["status"] == "failed", run
    assert run["execution_date"].startswith("2013-02-08")
    assert mage_runs.failures(run) == {"fall": "why"}
    assert {"name", "pipeline_uuid", "schedule_interval", "status", "variables", "settings"} <= shown[0].keys()


@mend
def test_execution_date_is_ignored(server: Server) -> None:
    from mage_pod import mage_runs

    with mage_runs.temporary_trigger(server.api, "plain", "dated", 60) as trigger:
        given = {"pipeline_run": {"variables": {"execution_date": "2013-02-08"}}}
        run = server.api.call("POST", f"/api/pipeline_schedules/{trigger}/pipeline_runs", given)["pipeline_run"]
        mage_runs.cancel(server.api, run["id"])
    made = datetime.fromisoformat(run["execution_date"]).replace(tzinfo=UTC)
    assert datetime.now(UTC) - made < timedelta(minutes=5), "A run takes its date from its variables."


@relied_on
def test_api_logs(server: Server) -> None:
    from promotion.smoke.sandboxes.api_runs import run_through_api
    from runtime.run import Run

    result = run_through_api(lambda: contextlib.nullcontext(server.api), Run("addons"), list)
    found = {block.block: block for block in result.blocks}
    assert {name: block.status for name, block in found.items()} == {
        "asks": "skipped",
        "calls": "completed",
        "fall": "failed",
    }
    assert "nobody knows" in str(found["asks"].error)
    assert "spilled milk" in str(found["calls"].error)
    assert str(found["fall"].error).startswith("why\nits log:\n")
    assert 'File "<string>", line' in str(found["fall"].error)

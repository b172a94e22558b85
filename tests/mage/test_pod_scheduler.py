"""The scheduler's pod: its real process, with a real database."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from mage.pods import Database, Pod, copy_of, is_alive, running
from mage.projects import Block, write_project
from mage_pod.waiting import until

_MARKED = """\
    import os, pathlib, subprocess, time
    def mark(what):
        with pathlib.Path({folder!r}, '{name}').open('a') as file:
            file.write(f'{{what}} {{os.getpid()}}\\n')
    def wait(name):
        while not pathlib.Path({folder!r}, name).exists():
            time.sleep(0.02)

    @custom
    def block(*args, **kwargs):
        mark('START')
        {code}
        mark('END')
"""


@dataclass(frozen=True)
class Site:
    """A project, its database and what its blocks leave behind."""

    project: Path
    database: Database

    def pod(self, **variables: str) -> Pod:
        return Pod("scheduler", self.project, self.database, **{"SCHEDULER_TRIGGER_INTERVAL": "1"} | variables)

    def trigger(self, pipeline: str, **settings: Any) -> int:
        """Start a run as the web does; return its number."""
        ((schedule,),) = self.database.ask(
            "INSERT INTO pipeline_schedule (name, pipeline_uuid, schedule_type, status, repo_path, settings)"
            " VALUES ('test', %s, 'API', 'ACTIVE', %s, %s) RETURNING id",
            pipeline,
            str(self.project),
            json.dumps(settings),
        )
        ((run,),) = self.database.ask(
            "INSERT INTO pipeline_run (pipeline_schedule_id, pipeline_uuid, status, execution_date)"
            " VALUES (%s, %s, 'INITIAL', now()) RETURNING id",
            schedule,
            pipeline,
        )
        assert isinstance(run, int)
        return run

    def status(self, run: int) -> str:
        ((status,),) = self.database.ask("SELECT status::text FROM pipeline_run WHERE id = %s", run)
        return str(status)

    def completes(self, run: int, seconds: float = 20) -> None:
        until(lambda: self.status(run) == "COMPLETED", "completed", seconds)

    def blocks(self, run: int) -> dict[str, str]:
        rows = self.database.ask("SELECT block_uuid, status::text FROM block_run WHERE pipeline_run_id = %s", run)
        return dict(rows)

    def marks(self, block: str, what: str = "START") -> list[int]:
        """Return the processes in which the block began (or ended), one for each time."""
        file = self.project.parent / block
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [int(pid) for mark, pid in lines if mark == what]

    def begins(self, block: str, times: int = 1) -> int:
        """Wait until the block has begun so many times; return its process."""
        until(lambda: len(self.marks(block)) >= times, f"begun: {block}")
        return self.marks(block)[-1]

    def release(self, name: str = "go") -> None:
        (self.project.parent / name).touch()


def marked(folder: Path, name: str, code: str = "pass", **more: Any) -> Block:
    """A block that tells when it starts and ends; `wait('x')` in its code waits for `release('x')`."""
    return Block(name, _MARKED.format(folder=str(folder), name=name, code=code), type="custom", **more)


@pytest.fixture
def site(template: Database, tmp_path: Path) -> Iterator[Site]:
    """A site of the test's own, without a scheduler."""
    with copy_of(template) as database:
        yield make_site(tmp_path, database)


@pytest.fixture(scope="module")
def shared(template: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where each pipeline belongs to one test."""
    with copy_of(template) as database:
        yield make_site(tmp_path_factory.mktemp("shared"), database)


@pytest.fixture(scope="module")
def scheduler(shared: Site) -> Iterator[Pod]:
    """A scheduler that is at work."""
    with running(shared.pod(SCHEDULER_CONCURRENCY="2", SCHEDULER_STUCK_SECONDS="3")) as pod:
        pod.wait_until_ready()
        yield pod


def make_site(folder: Path, database: Database) -> Site:
    pipelines = {
        "trivial": [marked(folder, "first"), marked(folder, "second", upstream=["first"])],
        "waiting": [marked(folder, "slow", "wait('slow may end')"), marked(folder, "next", upstream=["slow"])],
        "killed": [marked(folder, "victim", "wait('victim may end')")],
        "patient": [marked(folder, "patient", "wait('patient may end')")],
        "ending": [marked(folder, "ending", "wait('ending may end')")],
        "wide": [marked(folder, f"wide{n}", "wait('wide may end')") for n in range(3)],
        "spawning": [marked(folder, "spawner", "subprocess.Popen(['sleep', '300']); wait('never')")],
        "mixed": [
            marked(folder, "far"),
            marked(folder, "near", "wait('near may end')", options={"executor_type": "local_python_force"}),
        ],
        "leaving": [marked(folder, "leaver", "subprocess.run('sleep 0.2 & exit', shell=True)")],
    }
    return Site(write_project(folder, pipelines), database)


@pytest.mark.usefixtures("scheduler")
def test_a_triggered_run_completes_within_six_seconds(shared: Site) -> None:
    shared.completes(shared.trigger("trivial"), seconds=6)
    assert len(shared.marks("first", "END")) == len(shared.marks("second", "END")) == 1


@pytest.mark.usefixtures("scheduler")
def test_a_block_whose_process_was_killed_runs_again(shared: Site) -> None:
    run = shared.trigger("killed")
    os.kill(shared.begins("victim"), signal.SIGKILL)
    shared.begins("victim", times=2)
    shared.release("victim may end")
    shared.completes(run)
    assert len(shared.marks("victim", "END")) == 1


@pytest.mark.usefixtures("scheduler")
def test_no_more_blocks_run_at_once_than_allowed(shared: Site) -> None:
    run = shared.trigger("wide")
    until(lambda: started_of(shared) == 2, "two of three blocks begun")
    until(lambda: list(shared.blocks(run).values()).count("QUEUED") == 1, "the third block is queued")
    shared.release("wide may end")
    shared.completes(run)
    assert started_of(shared) == 3


def started_of(site: Site) -> int:
    return sum(len(site.marks(f"wide{n}")) for n in range(3))


@pytest.mark.usefixtures("scheduler")
def test_a_run_that_took_too_long_ends_with_all_it_started(shared: Site) -> None:
    run = shared.trigger("spawning", timeout=1)
    family = [psutil.Process(shared.begins("spawner"))]
    family += wait_for_children(family[0])
    until(lambda: shared.status(run) == "FAILED", "failed")
    until(lambda: not any(is_alive(process) for process in family), "ended")


def wait_for_children(process: psutil.Process) -> list[psutil.Process]:
    until(lambda: process.children(), "a parent")
    children: list[psutil.Process] = process.children()
    return children


def test_what_a_block_leaves_behind_does_not_stay_a_zombie(shared: Site, scheduler: Pod) -> None:
    shared.completes(shared.trigger("leaving"))
    until(lambda: not scheduler.processes(), "all collected")


def test_while_the_database_is_away_blocks_go_on(shared: Site, scheduler: Pod) -> None:
    run = shared.trigger("patient")
    process = psutil.Process(shared.begins("patient"))
    with shared.database.away():
        until(lambda: scheduler.get("/-/ready")[0] == 503, "not ready")
        assert "the database:" in scheduler.get("/-/ready")[1]
        assert scheduler.get("/-/live")[0] == 200
        assert is_alive(process)
    scheduler.wait_until_ready()
    shared.release("patient may end")
    shared.completes(run)
    assert len(shared.marks("patient")) == 1


def test_a_block_that_ends_while_the_database_is_away_does_not_run_again(shared: Site, scheduler: Pod) -> None:
    run = shared.trigger("ending")
    shared.begins("ending")
    with shared.database.away():
        shared.release("ending may end")
        until(lambda: "Waiting for the database" in scheduler.log.read_text(), "waiting")
    shared.completes(run)
    assert len(shared.marks("ending")) == 1


def test_a_loop_that_hangs_is_not_alive(shared: Site, scheduler: Pod) -> None:
    with locked(shared.database):
        until(lambda: scheduler.get("/-/live")[0] == 503, "dead")
        assert "the loop has not completed a turn for" in scheduler.get("/-/live")[1]
    until(lambda: scheduler.get("/-/live")[0] == 200, "alive")


@contextlib.contextmanager
def locked(database: Database) -> Iterator[None]:
    """Let nobody read Mage's triggers."""
    with contextlib.closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE pipeline_schedule")
        yield


def test_nothing_is_written_into_the_project(shared: Site, scheduler: Pod) -> None:
    scheduler.terminate()
    assert scheduler.exit_code() == 0
    kinds = {path.name for path in shared.project.iterdir()}
    assert kinds == {"metadata.yaml", "io_config.yaml", "custom", "pipelines"}


def test_at_the_end_a_running_block_finishes_and_no_other_begins(site: Site) -> None:
    with running(site.pod()) as pod:
        run = site.trigger("waiting")
        site.begins("slow")
        pod.terminate()
        until(lambda: pod.get("/-/ready") == (503, "stopping\n"), "stopping")
        assert pod.get("/-/live")[0] == 200
        site.release("slow may end")
        assert pod.exit_code() == 0
    assert len(site.marks("slow", "END")) == 1
    assert site.blocks(run) == {"slow": "COMPLETED", "next": "INITIAL"}
    with running(site.pod()):
        site.completes(run)
    assert (len(site.marks("slow")), len(site.marks("next"))) == (1, 1)


def test_neither_the_next_block_nor_the_end_waits_for_the_next_turn(site: Site) -> None:
    run = site.trigger("trivial")
    with running(site.pod(SCHEDULER_TRIGGER_INTERVAL="600")) as pod:
        site.completes(run)
        pod.terminate()
        assert pod.exit_code() == 0


def test_a_block_that_does_not_end_in_time_runs_again_later(site: Site) -> None:
    with running(site.pod(SCHEDULER_DRAIN_SECONDS="1")) as pod:
        run = site.trigger("waiting")
        block = psutil.Process(site.begins("slow"))
        pod.terminate()
        assert pod.exit_code(seconds=6) == 0
        assert not is_alive(block)
    site.release("slow may end")
    with running(site.pod()):
        site.completes(run)
    assert (len(site.marks("slow")), len(site.marks("slow", "END"))) == (2, 1)


def test_as_long_as_a_block_of_a_killed_scheduler_runs_the_next_one_waits(site: Site) -> None:
    with running(site.pod()) as first:
        run = site.trigger("waiting")
        block = psutil.Process(site.begins("slow"))
        first.process.kill()
        first.process.wait()
        with running(site.pod()) as second:
            until(lambda: "another scheduler" in second.get("/-/ready")[1], "waiting")
            assert second.get("/-/live")[0] == 200
            block.kill()
            site.begins("slow", times=2)
            site.release("slow may end")
            site.completes(run)


def test_a_scheduler_that_was_replaced_ends_with_its_blocks(site: Site) -> None:
    with running(site.pod()) as pod:
        site.trigger("waiting")
        block = psutil.Process(site.begins("slow"))
        with another_scheduler(site.database):
            assert pod.exit_code() == 1
        assert not is_alive(block)


@contextlib.contextmanager
def another_scheduler(database: Database) -> Iterator[None]:
    """Cut the scheduler's connections and take its lock before it comes back."""
    with contextlib.closing(psycopg2.connect(database.url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        cursor.execute("SELECT pg_advisory_lock(1296123749, hashtext(current_schema()))")
        yield


def test_at_the_end_what_only_watches_a_job_is_not_waited_for(site: Site, cluster: Cluster) -> None:
    with running(site.pod(DEFAULT_EXECUTOR_TYPE="k8s", **cluster.variables)) as pod:
        run = site.trigger("mixed")
        site.begins("near")
        until(lambda: cluster.jobs, "a Job made for the other block")
        until(lambda: len(pod.processes()) == 2, "both at work")
        pod.terminate()
        until(lambda: len(pod.processes()) == 1, "one at work")
        site.release("near may end")
        assert pod.exit_code() == 0
    assert site.blocks(run) == {"far": "RUNNING", "near": "COMPLETED"}


def test_nor_is_it_while_the_database_is_away(site: Site, cluster: Cluster) -> None:
    with running(site.pod(DEFAULT_EXECUTOR_TYPE="k8s", **cluster.variables)) as pod:
        run = site.trigger("killed")
        until(lambda: cluster.jobs, "a Job made")
        with site.database.away():
            cluster.conditions = [{"type": "Complete", "status": "True"}]  # it has a result to report
            until(lambda: "Waiting for the database" in pod.log.read_text(), "waiting")
            pod.terminate()
            assert pod.exit_code() == 0
    assert site.status(run) == "RUNNING"


def test_an_api_server_that_answers_with_errors_for_a_while_does_not_fail_a_block(
    site: Site, cluster: Cluster
) -> None:
    with running(site.pod(DEFAULT_EXECUTOR_TYPE="k8s", **cluster.variables)):
        run = site.trigger("killed")
        cluster.refusals = 3  # before there is a Job
        until(lambda: cluster.jobs, "a Job made", 60)
        cluster.refusals = 3  # while it runs
        until(lambda: not cluster.refusals, "refused", 60)
        cluster.conditions = [{"type": "Complete", "status": "True"}]
        site.completes(run, 60)
    assert len(cluster.jobs) == 1


def test_a_scheduler_without_rights_fails_the_block_with_what_it_may_not(site: Site, cluster: Cluster) -> None:
    cluster.forbids = True
    with running(site.pod(DEFAULT_EXECUTOR_TYPE="k8s", **cluster.variables)):
        run = site.trigger("killed")
        until(lambda: site.status(run) == "FAILED", "failed", 60)
    ((metrics,),) = site.database.ask("SELECT metrics FROM block_run WHERE pipeline_run_id = %s", run)
    assert metrics["error"]["error"] == "The cluster refuses what the executor asks for: 403 cannot get pods"


class Cluster(ThreadingHTTPServer):
    """As much of a Kubernetes API as Mage's executor asks for; its Jobs end when a test says so."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), ClusterHandler)
        self.jobs: list[str] = []
        self.conditions: list[dict[str, str]] = []
        self.refusals = 0
        self.forbids = False
        names = {"cluster": "here", "user": "mage"}
        config = {
            "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}],
            "users": [{"name": "mage", "user": {"token": "token"}}],
            "contexts": [{"name": "here", "context": names}],
            "current-context": "here",
        }
        (folder / "kubeconfig").write_text(json.dumps(config))
        self.variables = {"KUBECONFIG": str(folder / "kubeconfig"), "HOSTNAME": "pod", "KUBE_NAMESPACE": "default"}


class ClusterHandler(BaseHTTPRequestHandler):
    server: Cluster

    def do_GET(self) -> None:
        if self.server.forbids:
            self._answer(403, {"message": "cannot get pods"})
            return
        if self.server.refusals:
            self.server.refusals -= 1
            self._answer(503, {"message": "the server is currently unable to handle the request"})
            return
        container = {"name": "mage", "image": "mage", "env": [], "volumeMounts": []}
        pod = {"metadata": {"name": "pod"}, "spec": {"containers": [container], "volumes": []}}
        is_pod = "/pods/" in self.path
        known = is_pod or self.path.rsplit("/", 1)[1] in self.server.jobs
        self._answer(200 if known else 404, pod if is_pod else {"metadata": {}, "status": self._status()})

    def _status(self) -> dict[str, Any]:
        ended = self.server.conditions
        return {"conditions": ended, "succeeded": 1} if ended else {"active": 1}

    def do_POST(self) -> None:
        job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.jobs.append(job["metadata"]["name"])
        self._answer(201, job)

    def _answer(self, status: int, body: object) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with Cluster(tmp_path) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()

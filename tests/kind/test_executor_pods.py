"""Blocks as Jobs of Kubernetes, in a namespace that enforces the restricted Pod Security level."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from basics.process import CommandError
from kind.cluster import eventually
from kind.release import Release, mounted_project
from mage.projects import WAREHOUSE_LOGIN, Block, write_project
from mage_pod import mage_runs

MEMORY = "700Mi"
# Kubernetes would read some of it as variables, YAML as a number, a shell as commands.
GREETING = "good morning $(ENV) $(HOME) $$ \"\" '' `id` \\ é 中 😀\n0123"
AT_ONCE = 4
WIDE = 10

# The first says where it runs and with what; the second, another Job, takes that to the warehouse.
_TELL = """
import os
import pandas

@data_loader
def tell(*args, **kwargs):
    print('said by the block')
    return pandas.DataFrame([{name: os.environ[name] for name in ('HOSTNAME', 'ENV', 'GREETING')}])
"""
_EXPORT = (
    WAREHOUSE_LOGIN
    + """
import os, psycopg2

@data_exporter
def export(told, *args, **kwargs):
    with psycopg2.connect(**warehouse_login()) as connection, connection.cursor() as cursor:
        cursor.execute('CREATE TABLE told (loader text, env text, greeting text, exporter text)')
        cursor.execute('INSERT INTO told VALUES (%s, %s, %s, %s)', [*told.iloc[0], os.environ['HOSTNAME']])
"""
)
_CALLBACK = """
@callback('success')
def succeeded(*args, **kwargs):
    print('called back')
"""
_CUSTOM = """
import time

@custom
def block(*args, **kwargs):
    {}
"""


def custom(name: str, code: str) -> Block:
    return Block(name, _CUSTOM.format(code), type="custom")


# The first copy goes on until it is ended; another one must not find it at work.
HOLD = """\
import fcntl, os, pathlib
    path = pathlib.Path(os.environ['MAGE_DATA_DIR'], f"held-{kwargs['pipeline_run_id']}")
    with path.open('a+', buffering=1) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        begun_before = path.read_text()
        print('begun', file=file)
        while not begun_before:
            time.sleep(1)"""
GREEDY = "taken = [bytearray(32 * 2**20) for _ in range(1000)]"
PIPELINES = {
    "telling": [
        Block("tell", _TELL, type="data_loader"),
        Block("export", _EXPORT, ["tell"], type="data_exporter"),
        Block("call", _CALLBACK, ["tell"], type="callback"),
    ],
    "greedy": [custom("take", GREEDY)],
    "greedy_in_one": [custom("take_in_one", GREEDY)],
    "sleeping": [custom("sleep", "time.sleep(600)")],
    "held": [custom("hold", HOLD)],
    "held_in_one": [custom("hold_in_one", HOLD)],
    "suicidal": [custom("suicide", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")],
    "failing": [custom("fail", "raise ValueError('no flights today')")],
    "wide": [custom(f"wide_{number}", "return [1]") for number in range(WIDE)],
}


@pytest.fixture(scope="module")
def release(releases: Callable[..., Release], tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release whose blocks run as Jobs."""
    prepared = releases("executor")
    in_one = {"run_pipeline_in_one_process": True}
    folder = tmp_path_factory.mktemp("executor")
    project = write_project(folder, PIPELINES, greedy_in_one=in_one, held_in_one=in_one)
    values = {
        "env": "dev",
        "executor": {"type": "k8s", "resources": {"limits": {"memory": MEMORY}}},
        "scheduler": {"concurrency": AT_ONCE},
        "postgres": {"databases": ["warehouse"]},
        "io": {"settings": {"GREETING": GREETING}},
    }
    mounted = mounted_project(prepared.namespace, project)
    return prepared.install({**values, **mounted})


@pytest.fixture(scope="module")
def telling(release: Release) -> mage_runs.Run:
    """A run that completed."""
    run = release.run("telling")
    assert run["status"] == "completed", mage_runs.failures(run)
    return run


@pytest.mark.usefixtures("telling")
def test_a_block_has_the_release_s_environment_and_the_data_of_the_block_before_it(release: Release) -> None:
    columns = "loader, env, encode(convert_to(greeting, 'UTF8'), 'hex'), exporter"  # it has a line break
    ((loader, env, greeting, exporter),) = release.sql(f"SELECT {columns} FROM told", "warehouse")
    assert (env, bytes.fromhex(greeting).decode()) == ("dev", GREETING)
    assert loader != exporter
    assert all(name.startswith(f"{release.full_name}-data-prep-block-") for name in (loader, exporter))


def test_its_output_is_visible_in_mage_s_api(release: Release, telling: mage_runs.Run) -> None:
    number = block_run(telling, "tell")["id"]
    outputs = release.api().call("GET", f"/api/block_runs/{number}/outputs")
    assert "good morning" in json.dumps(outputs)


def test_its_log_is_visible_in_mage_s_api(release: Release, telling: mage_runs.Run) -> None:
    assert "said by the block" in logs(release, telling)


def test_its_callback_runs_once(release: Release, telling: mage_runs.Run) -> None:
    assert logs(release, telling).count("called back") == 1


@pytest.mark.usefixtures("telling")
def test_its_job_is_removed(release: Release) -> None:
    eventually(lambda: not release.namespace.get("jobs", f"--selector={EXECUTOR}"), "no Job left")


def test_one_that_takes_too_much_memory_fails_the_run_which_says_so(release: Release) -> None:
    run = release.run("greedy")
    assert mage_runs.failures(run)["take"].endswith(
        f"its pod was killed: out of memory (executor.resources.limits.memory: {MEMORY})."
    )
    assert pods_made(release, f"block-{block_run(run, 'take')['id']}") == 1


def test_so_does_a_pipeline_in_one_process(release: Release) -> None:
    run = release.run("greedy_in_one")
    assert run["status"] == "failed"
    assert "out of memory" in mage_runs.failures(run)["take_in_one"]
    assert pods_made(release, f"pipeline-{run['id']}") == 1


def test_while_it_runs_its_node_is_not_drained(release: Release) -> None:
    number = release.start("held")
    pod = eventually(lambda: running_pod(release), "a running pod")
    with pytest.raises(CommandError, match="disruption budget"):
        evict(release, pod)
    mage_runs.cancel(release.api(), number)
    eventually(lambda: not release.pods("executor"), "nothing left", 120)


def evict(release: Release, pod: str) -> str:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    path = f"/api/v1/namespaces/{release.namespace.name}/pods/{pod}/eviction"
    return release.namespace.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))


def evict_all_the_same(release: Release, pod: str) -> None:
    release.namespace.kubectl(
        "delete", "poddisruptionbudget", f"{release.full_name}-executor", "--ignore-not-found"
    )
    eventually(lambda: evict(release, pod), "an eviction")


def delete(release: Release, pod: str) -> None:
    release.namespace.kubectl("delete", "pod", pod, "--wait=false")


def kill(release: Release, pod: str) -> None:
    """SIGKILL its first process, as the kernel does when the node is out of memory."""
    (container,) = (
        each["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
        for each in release.pods("executor")
        if each["metadata"]["name"] == pod
    )
    release.namespace.cluster.in_node("ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL", container)


@pytest.mark.parametrize("pipeline", ["held", "held_in_one"])
@pytest.mark.parametrize("end", [evict_all_the_same, delete, kill])
def test_after_a_pod_that_the_platform_ends_it_runs_again_and_completes(
    release: Release, end: Callable[[Release, str], None], pipeline: str
) -> None:
    number = release.start(pipeline)
    held = f"/var/lib/mage/held-{number}"
    eventually(lambda: release.execute("web", "cat", held), "the block begun", 120)
    end(release, str(running_pod(release)))
    run = release.ended(number)
    assert run["status"] == "completed", mage_runs.failures(run)
    assert release.execute("web", "cat", held).split() == ["begun", "begun"]


def test_one_that_is_killed_again_and_again_fails_the_run_which_says_so(release: Release) -> None:
    run = release.run("suicidal")
    assert mage_runs.failures(run)["suicide"].endswith("its pod was killed from outside, with exit code 137.")
    assert pods_made(release, f"block-{block_run(run, 'suicide')['id']}") == 4


def test_when_its_run_is_cancelled_its_job_is_removed(release: Release) -> None:
    number = release.start("sleeping")
    eventually(lambda: running_pod(release), "another running pod")
    mage_runs.cancel(release.api(), number)
    eventually(lambda: not release.namespace.get("jobs,pods", f"--selector={EXECUTOR}"), "nothing left", 120)


def test_one_that_raises_fails_the_run_with_its_error(release: Release) -> None:
    run = release.run("failing")
    assert mage_runs.failures(run) == {"fail": "no flights today"}
    assert pods_made(release, f"block-{block_run(run, 'fail')['id']}") == 1


def test_no_more_run_at_once_than_allowed(release: Release) -> None:
    number = release.start("wide")
    counts: list[int] = []

    def ended() -> bool:
        jobs = release.namespace.get("jobs", f"--selector={EXECUTOR}")
        counts.append(sum(job["status"].get("active", 0) for job in jobs))
        ((status,),) = release.sql(f"SELECT status FROM pipeline_run WHERE id = {number}")
        return status not in ("INITIAL", "RUNNING")

    eventually(ended, "ended", seconds=900)
    run = release.ended(number)
    assert [block["status"] for block in run["block_runs"]] == ["completed"] * WIDE
    assert max(counts) == AT_ONCE


EXECUTOR = "app.kubernetes.io/component=executor"


def block_run(run: mage_runs.Run, block: str) -> dict[str, Any]:
    return next(one for one in run["block_runs"] if one["block_uuid"] == block)


def logs(release: Release, run: mage_runs.Run) -> str:
    """Return all of the run's logs as Mage's UI gets them."""
    path = f"/api/pipelines/{run['pipeline_uuid']}/logs?pipeline_run_id[]={run['id']}"
    return json.dumps(release.api().call("GET", path))


def running_pod(release: Release) -> str | None:
    """Return the name of an executor pod that runs."""
    names = [pod["metadata"]["name"] for pod in release.pods("executor") if pod["status"]["phase"] == "Running"]
    return names[0] if names else None


def pods_made(release: Release, end: str) -> int:
    """Return how many pods the Jobs with this end of their name had: also of those that are gone."""
    events = release.namespace.get("events", "--field-selector=reason=SuccessfulCreate,involvedObject.kind=Job")
    return sum(event["involvedObject"]["name"].endswith(f"-{end}") for event in events)

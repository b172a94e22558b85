"""`project.source: git`: every pod follows one branch, and a run stays with the commit that it began with."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from basics.process import CommandError
from helpers import git, push, write
from kind.cluster import eventually
from kind.git_server import GitServer
from kind.release import Release
from mage.projects import Block, write_project

PERIOD = 5  # seconds between two looks at the repository
EXECUTORS = {"in_jobs": "k8s", "in_the_scheduler": "local_python_force"}  # pipelines by name
SEEN = "/var/lib/mage/seen"
# Says of which text it is and of which the module that it imports; the first block waits until it may end.
BLOCK = """
@{kind}
def act(*args, **kwargs):
    import pathlib, time
    from project.utils.marker import TEXT
    run = pathlib.Path('{seen}') / kwargs['name']
    run.mkdir(parents=True, exist_ok=True)
    (run / '{uuid}').write_text('{text} ' + TEXT)
    while '{uuid}' == 'first' and kwargs.get('waits') and not pathlib.Path(f'{{run}}.go').exists():
        time.sleep(0.2)
    return 1
"""


def write_text(clone: Path, text: str) -> None:
    """Write a project whose every file says `text`."""
    pipelines = {name: [_block("first", text), _block("last", text, "first")] for name in EXECUTORS}
    settings = {name: {"executor_type": executor} for name, executor in EXECUTORS.items()}
    project = write_project(clone.parent / text, pipelines, **settings)
    files = {f"project/{path.relative_to(project)}": path.read_bytes() for path in project.rglob("*.*")}
    write(clone, {**files, "project/utils/__init__.py": "", "project/utils/marker.py": f"TEXT = '{text}'\n"})


def _block(uuid: str, text: str, *upstream: str) -> Block:
    kind = "transformer" if upstream else "data_loader"
    return Block(uuid, BLOCK.format(kind=kind, seen=SEEN, uuid=uuid, text=text), upstream, type=kind)


@dataclass(frozen=True)
class Source:
    """A release that follows a branch, and the clone that pushes to it."""

    clone: Path
    release: Release

    def push(self, text: str) -> str:
        """Push a project that says `text`, wait until the pods have it, and return its commit."""
        write_text(self.clone, text)
        push(self.clone, text)
        commit = git(self.clone, "rev-parse", "HEAD")
        eventually(lambda: self.commits() == {commit}, f"pods at {text}", seconds=120)
        return commit

    def commits(self) -> set[str]:
        """Return the commits that web and scheduler read."""
        links = [self.release.execute(pod, "readlink", "/srv/release") for pod in ("web", "scheduler")]
        return {Path(link.strip()).name for link in links}

    def seen(self, run: str) -> dict[str, str]:
        """Return what each block of the run has said."""
        look = f"cd {SEEN}/{run} 2>/dev/null && grep --with-filename '' *; true"
        lines = self.release.execute("scheduler", "sh", "-c", look).splitlines()
        return dict(line.split(":", 1) for line in lines)

    def pods(self) -> list[tuple[str, int]]:
        """Return each pod with the number of its restarts."""
        pods = [pod for component in ("web", "scheduler") for pod in self.release.pods(component)]
        return [
            (pod["metadata"]["uid"], sum(one["restartCount"] for one in pod["status"]["containerStatuses"]))
            for pod in pods
        ]


def values(url: str, image: str) -> dict[str, object]:
    """Return the values that make a release follow main of the repository at `url`."""
    repository, _, tag = image.rpartition(":")
    git = {"repository": url, "period": f"{PERIOD}s", "image": {"repository": repository, "tag": tag}}
    return {
        "env": "dev",
        "project": {"source": "git", "folder": "project", "git": git},
        "executor": {"type": "k8s"},
        "postgres": {"databases": ["warehouse"]},
    }


@pytest.fixture(scope="module")
def source(
    git_server: GitServer,
    git_image: str,
    releases: Callable[..., Release],
    tmp_path_factory: pytest.TempPathFactory,
) -> Source:
    """A release that follows a branch with one commit."""
    clone = git_server.clone(tmp_path_factory.mktemp("source") / "clone")
    write_text(clone, "one")
    push(clone, "one")
    return Source(clone, releases("go").install(values(git_server.url, git_image)))


@pytest.mark.parametrize("pipeline", EXECUTORS)
def test_every_pod_runs_the_commit_of_the_branch(source: Source, pipeline: str) -> None:
    assert len(source.commits()) == 1
    assert source.release.run(pipeline, {"name": pipeline})["status"] == "completed"
    assert source.seen(pipeline) == {"first": "one one", "last": "one one"}


def test_a_push_arrives_without_a_restart(source: Source) -> None:
    before = source.pods()
    source.push("two")
    assert source.release.run("in_jobs", {"name": "after-push"})["status"] == "completed"
    assert source.seen("after-push") == {"first": "two two", "last": "two two"}
    assert source.pods() == before


@pytest.mark.parametrize("pipeline", EXECUTORS)
def test_a_run_stays_with_the_commit_that_it_began_with(source: Source, pipeline: str) -> None:
    name = f"stays-{pipeline}"
    source.push(f"before-{pipeline}")
    run = source.release.start(pipeline, {"name": name, "waits": True})
    eventually(lambda: source.seen(name), "the first block begun", seconds=180)
    source.push(f"after-{pipeline}")
    source.release.execute("scheduler", "touch", f"{SEEN}/{name}.go")
    assert source.release.ended(run)["status"] == "completed"
    assert set(source.seen(name).values()) == {f"before-{pipeline} before-{pipeline}"}


def test_a_wrong_address_is_told_by_every_pod(
    git_server: GitServer, git_image: str, releases: Callable[..., Release]
) -> None:
    release = releases("go-wrong")
    wrong = values(git_server.url.replace("pipelines.git", "no-such.git"), git_image)
    with pytest.raises(CommandError, match="schedules"):
        release.install({**wrong, "database": {"timeoutSeconds": 20}}, wait=False)
    for component in ("web", "scheduler"):
        look = functools.partial(_last_words, release, component)
        assert "git-sync: fatal:" in eventually(look, f"last words of the {component}", 300)


def _last_words(release: Release, component: str) -> str:
    """Return why `prepare` of the component's pod ended last."""
    (pod,) = release.pods(component)
    statuses = {one["name"]: one for one in pod["status"]["initContainerStatuses"]}
    states = [statuses["prepare"][key].get("terminated", {}) for key in ("state", "lastState")]
    return "".join(state.get("message", "") for state in states)

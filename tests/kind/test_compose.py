"""`docker compose up`: Mage on this machine, with what the chart makes sure of in a cluster."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpers import PROJECT, ROOT, command, example_checkout, write
from kind.cluster import eventually, one_at_a_time
from kind.docker import docker, why_no_docker
from mage.projects import Block
from mage.projects import write_project as write_mage_project
from mage_pod import mage_runs
from mage_pod.mage_api import ApiError, MageApi

NAME = f"compose-test-{os.getpid()}"
OWNER = 1234  # of the project's files, and so of Mage
CODE = """
@custom
def note(*args, **kwargs):
    import os
    print(f"{os.getuid()} {os.environ['REGION']} {'WAREHOUSE_PASSWORD' in os.environ} SAID")
    assert 'JWT_SECRET' not in os.environ
"""
VALUES = """\
io: {settings: {REGION: "a$b 'c'"}}
postgres: {databases: [warehouse]}
"""


def compose_command() -> list[str]:
    """Return how Compose is called here; empty if there is none."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]) and not subprocess.run([*words, "version"], capture_output=True).returncode:
            return words
    return []


def why_no_compose() -> str | None:
    """Return what is missing, with what would enable these tests."""
    return why_no_docker() or (None if compose_command() else "there is no Docker Compose: install its plugin")


pytestmark = [
    pytest.mark.skipif(why_no_compose() is not None, reason=why_no_compose() or ""),
    pytest.mark.timeout(1500),  # the first build of our image installs every package
]


@dataclass(frozen=True)
class Stack:
    """The containers of one folder."""

    folder: Path
    image: str
    port: int

    def compose(self, *arguments: str) -> str:
        variables = {"MAGE_IMAGE": self.image, "MAGE_PORT": str(self.port), "COMPOSE_PROJECT_NAME": NAME}
        done = subprocess.run(
            [*compose_command(), *arguments],
            cwd=self.folder,
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done.stdout

    def up(self) -> None:
        self.compose("up", "--detach", "--no-build")

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "--quiet", service).split()

    def password(self) -> str:
        shown = self.compose(
            "exec", "-T", "web", "sh", "-c", ". /credentials/web.env; echo $DEFAULT_OWNER_PASSWORD"
        )
        return shown.strip()

    def api(self, password: str, email: str = "owner@example.com") -> MageApi:
        """Log in, as soon as Mage answers."""
        api = MageApi(f"http://127.0.0.1:{self.port}")
        api.log_in(email, password)
        return api

    def logged_in(self) -> MageApi:
        def answer() -> MageApi | None:
            try:
                return self.api(self.password())
            except ApiError:
                return None

        found = eventually(answer, "a login", seconds=180)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A small project of another user, and everything that `up` starts."""
    with one_at_a_time("build"):
        checkout = example_checkout(tmp_path_factory.mktemp("image"))
        built = subprocess.run(
            command("image", "build"), cwd=checkout, capture_output=True, text=True, check=False
        )
    assert built.returncode == 0, built.stderr
    folder = tmp_path_factory.mktemp("a team's work")
    shutil.copy(ROOT / "compose.yaml", folder)
    for name in ("compose", "charts/mage/files", "packages"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True)
    project = write_mage_project(folder, {"noted": [Block("note", CODE, type="custom")]})
    if project != folder / PROJECT:
        project.rename(folder / PROJECT)
    write(folder, {"environments/dev/values.yaml": VALUES})
    for path in (folder / PROJECT, *(folder / PROJECT).rglob("*")):
        os.chown(path, OWNER, OWNER)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    stack = Stack(folder, built.stdout.strip(), port)
    try:
        stack.up()
        yield stack
    finally:
        stack.compose("down", "--volumes")


def said_by(api: MageApi, number: int) -> str:
    """Return what the block of a run printed."""
    assert mage_runs.ended(api, number, 120)["status"] == "completed"
    logs = api.call("GET", f"/api/pipelines/noted/logs?pipeline_run_id[]={number}")["logs"][0]
    return "".join(file["content"] for file in logs["block_run_logs"])


def test_every_service_becomes_healthy_and_nothing_listens_outside_this_machine(stack: Stack) -> None:
    stack.logged_in()
    for service in ("web", "scheduler", "postgres"):
        (container,) = stack.containers(service)

        def healthy(container: str = container) -> bool:
            return docker("inspect", "--format", "{{.State.Health.Status}}", container) == "healthy"

        eventually(healthy, f"health of {service}", seconds=120)
        bound = docker("inspect", "--format", "{{json .HostConfig.PortBindings}}", container)
        assert ("127.0.0.1" in bound) == (service == "web"), bound
        assert "0.0.0.0" not in bound


def test_only_the_password_that_was_made_opens_mage(stack: Stack) -> None:
    stack.logged_in()
    for email, password in (("admin@admin.com", "admin"), ("owner@example.com", "admin")):
        with pytest.raises(ApiError):
            stack.api(password, email)
    with pytest.raises(ApiError):
        MageApi(f"http://127.0.0.1:{stack.port}").call("GET", "/api/pipelines")
    everything = stack.compose("logs") + stack.compose("config")
    assert stack.password() not in everything


def test_a_pipeline_runs_as_the_owner_of_the_files_and_an_edit_counts_at_once(stack: Stack) -> None:
    api = stack.logged_in()
    trigger = mage_runs.make_trigger(api, "noted", "by hand", 120)
    assert f"{OWNER} a$b 'c' True SAID" in said_by(api, mage_runs.start(api, trigger))
    file = stack.folder / PROJECT / "custom" / "note.py"
    file.write_text(file.read_text().replace("SAID", "SAID ANOTHER THING"))
    assert "SAID ANOTHER THING" in said_by(api, mage_runs.start(api, trigger))


def test_data_and_passwords_outlive_the_containers(stack: Stack) -> None:
    api, password = stack.logged_in(), stack.password()
    trigger = mage_runs.make_trigger(api, "noted", "to be kept", 120)
    stack.compose("down")
    stack.up()
    again = stack.logged_in()
    assert stack.password() == password
    kept = again.call("GET", "/api/pipelines/noted/pipeline_schedules")["pipeline_schedules"]
    assert trigger in [each["id"] for each in kept]

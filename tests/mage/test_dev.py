"""`make dev`, started, used and stopped as a person does it, on a checkout in a folder with a space."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from basics.errors import PromotionError
from helpers import EXAMPLE, ROOT, Program
from mage_pod import mage_api
from mage_pod.waiting import until
from runtime import web

WRITTEN_BY_USE = ("__pycache__", ".file_versions", ".preferences.yaml")
pytestmark = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="looks for processes left behind in /proc: needs Linux"
)


class Dev:
    """A running `scripts/dev.py`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        environment = {name: value for name, value in os.environ.items() if name != "LOCAL_POSTGRES_URL"}
        script = root / "scripts" / "dev.py"
        self.process = Program(sys.executable, script, environment=environment, stderr=subprocess.STDOUT)
        self.output = ""

    def read_until(self, pattern: str) -> None:
        """Read what it says until `pattern` appears."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if re.search(pattern, self.output):
                return
        pytest.fail(f"dev.py ended:\n{self.output}")

    def said(self, pattern: str) -> str:
        """Return the group of `pattern` in what it said."""
        found = re.search(pattern, self.output)
        assert found, self.output
        return found[1]

    def call(self, path: str, body: dict[str, Any] | None = None, token: str = "") -> Any:
        """Call Mage's API."""
        headers = {"Content-Type": "application/json", "X-API-KEY": mage_api._API_KEY}
        if token:
            headers["Cookie"] = f"oauth_token={token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.said(r"Mage +(http\S+)") + path, data, headers)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    @functools.cached_property
    def token(self) -> str:
        """What a login with what it printed brings."""
        login = {"email": self.said(r"log in as +(\S+)"), "password": self.said(r"password +(\S+)\n")}
        token: str = self.call("/api/sessions", {"session": login})["session"]["token"]
        return token

    def start(self, pipeline: str, **run: str) -> int:
        """Start a run of the pipeline by a trigger of its own; return the run's number."""
        trigger = {"name": "by hand", "schedule_type": "api", "status": "active", "settings": {"timeout": 120}}
        path = f"/api/pipelines/{pipeline}/pipeline_schedules"
        schedule = self.call(path, {"pipeline_schedule": trigger}, self.token)["pipeline_schedule"]["id"]
        runs = f"/api/pipeline_schedules/{schedule}/pipeline_runs"
        number: int = self.call(runs, {"pipeline_run": run}, self.token)["pipeline_run"]["id"]
        return number

    def triggers(self, pipeline: str) -> list[dict[str, Any]]:
        """Return the pipeline's triggers as the UI shows them."""
        answer = self.call(f"/api/pipelines/{pipeline}/pipeline_schedules", token=self.token)
        triggers: list[dict[str, Any]] = answer["pipeline_schedules"]
        return triggers

    def stop(self, number: signal.Signals) -> int:
        """Stop it as Ctrl-C (SIGINT) or a service manager (SIGTERM) does; return its exit code."""
        os.killpg(self.process.pid, number)
        output, _ = self.process.communicate(timeout=30)
        self.output += output
        return self.process.returncode


def processes_of(root: Path) -> list[str]:
    """The command lines of processes that work for the checkout at `root`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            facts = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if os.fsencode(root) in facts:
                found.append((process / "cmdline").read_text())
    return found


def server_below(parent: int) -> int | None:
    """The process of Mage's server among the descendants of `parent`."""
    for thread in Path(f"/proc/{parent}/task").iterdir():
        for child in (thread / "children").read_text().split():
            # Not its supervisor, whose command line has the server's at its end.
            if (
                Path(f"/proc/{child}/cmdline")
                .read_text()
                .startswith(f"{sys.executable}\0-P\0-m\0mage_ai.cli.main\0")
            ):
                return int(child)
            if found := server_below(int(child)):
                return found
    return None


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("my checkout")
    for base, folder in (
        (ROOT, "scripts"),
        (ROOT, "charts/mage/files"),
        (EXAMPLE, "environments"),
        (EXAMPLE, "mage_project"),
    ):
        shutil.copytree(
            base / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__", ".file_versions")
        )
    return root


@pytest.fixture(scope="module")
def running(checkout: Path) -> Iterator[Dev]:
    """A first start, while somebody else has Mage's port."""
    with socket.socket() as somebody:
        with contextlib.suppress(OSError):  # then another Mage has it
            somebody.bind((web._HOST, web._USUAL_PORT))
            somebody.listen()
        started = Dev(checkout)
        with started.process:
            started.read_until("the data stays")
            yield started
            if started.process.poll() is None:
                started.stop(signal.SIGINT)


def test_a_busy_port_is_reported_and_another_one_taken(running: Dev) -> None:
    assert "Port 6789 is in use" in running.output
    assert running.said(r"Mage +http://127.0.0.1:(\d+)") != "6789"


def test_the_printed_login_works(running: Dev) -> None:
    assert running.token


def test_without_a_login_there_is_no_access(running: Dev) -> None:
    assert running.call("/api/pipelines")["error"]["code"] == 403


def test_what_it_keeps_for_itself_only_its_user_may_read(running: Dev, checkout: Path) -> None:
    assert {(checkout / ".local" / name).stat().st_mode & 0o077 for name in ("owner-password", "jwt-secret")} == {
        0
    }


def test_dev_s_schedules_are_paused_triggers(running: Dev) -> None:
    (trigger,) = running.triggers("flights_daily")
    assert (trigger["name"], trigger["schedule_interval"], trigger["status"]) == (
        "flights-daily",
        "@daily",
        "inactive",
    )
    assert trigger["settings"] == {"timeout": 1800}


def test_a_triggered_run_of_flights_daily_fills_the_warehouse(running: Dev, checkout: Path) -> None:
    run = running.start("flights_daily", execution_date="2013-02-08")
    nudged = time.monotonic() + 20

    def completed() -> bool:
        nonlocal nudged
        if time.monotonic() > nudged:
            # Mage can forget a queued job until the next one comes: its worker pool ends as the job arrives.
            running.start("airport_reference")
            nudged = float("inf")
        status = running.call(f"/api/pipeline_runs/{run}", token=running.token)["pipeline_run"]["status"]
        assert status != "failed"
        return bool(status == "completed")

    until(completed, "completed", 90)
    assert warehouse(running, checkout, "SELECT count(*), count(dep_delay) FROM mart.flights") == (930, 458)


def test_stopping_by_ctrl_c_is_no_failure(running: Dev) -> None:
    assert running.stop(signal.SIGINT) == 0


def test_a_stopped_server_leaves_no_process_behind(running: Dev, checkout: Path) -> None:
    assert running.process.poll() is not None
    assert processes_of(checkout) == []


def test_the_project_is_as_it_was(running: Dev, checkout: Path) -> None:
    excluded = [f"--exclude={name}" for name in WRITTEN_BY_USE]
    folders = [EXAMPLE / "mage_project", checkout / "mage_project"]
    compared = subprocess.run(["diff", "-r", *excluded, *folders], capture_output=True, check=False)
    assert compared.stdout == b""


@pytest.mark.usefixtures("running")
def test_a_second_start_keeps_login_and_data_and_follows_changed_schedules(checkout: Path) -> None:
    change_schedules(checkout)
    again = Dev(checkout)
    again.read_until("the data stays")
    assert {(t["name"], t["schedule_interval"]) for t in again.triggers("flights_daily")} == {
        ("flights-daily", "@hourly"),
        ("by hand", None),
    }
    assert again.triggers("airport_reference") == []
    assert warehouse(again, checkout, "SELECT count(*) FROM mart.flights") == (930,)
    again.stop(signal.SIGTERM)
    assert processes_of(checkout) == []


def change_schedules(checkout: Path) -> None:
    """Let flights-daily run hourly and take airport-reference away."""
    path = checkout / "environments/dev/values.yaml"
    values = yaml.safe_load(path.read_text())
    values["schedules"]["flights-daily"]["interval"] = "@hourly"
    del values["schedules"]["airport-reference"]
    path.write_text(yaml.safe_dump(values))


def warehouse(running: Dev, checkout: Path, question: str) -> tuple[Any, ...] | None:
    connection = psycopg2.connect(
        host="127.0.0.1",
        port=running.said(r"postgresql://\S+:(\d+)/"),
        user="postgres",
        password=(checkout / ".local/postgres/password").read_text(),
        dbname="warehouse",
    )
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()


def told_at_the_end(dev: Dev) -> tuple[int, str]:
    """Wait until it ends by itself; return its exit code and the code of its error."""
    output, _ = dev.process.communicate(timeout=240)
    dev.output += output
    return dev.process.returncode, dev.said(r"error\[(.+?)\]")


@pytest.fixture
def stopped(running: Dev, checkout: Path) -> Path:
    """A checkout that has its databases and serves nothing."""
    if running.process.poll() is None:
        running.stop(signal.SIGINT)
    return checkout


def test_a_server_that_ends_by_itself_is_told(stopped: Path) -> None:
    again = Dev(stopped)
    again.read_until("the data stays")
    server = server_below(again.process.pid)
    assert server
    os.kill(server, signal.SIGKILL)
    assert told_at_the_end(again) == (1, "mage-ended")
    assert processes_of(stopped) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "code"),
    [
        ("environments/dev/values.yaml", "pipeline: flights_daily", "pipeline: nowhere", "schedules-not-taken"),
        ("mage_project/metadata.yaml", "", "features: [\n", "mage-not-started"),
    ],
)
def test_what_keeps_it_from_serving_is_told(stopped: Path, path: str, old: str, new: str, code: str) -> None:
    before = (stopped / path).read_text()
    (stopped / path).write_text(before.replace(old, new, 1))
    assert told_at_the_end(Dev(stopped)) == (1, code)
    (stopped / path).write_text(before)
    assert processes_of(stopped) == []


def test_a_machine_without_a_free_port_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "_HOST", "192.0.2.1")  # an address that no machine has
    with pytest.raises(PromotionError) as refusal:
        web.free_port()
    assert refusal.value.code == "no-free-port"

"""`make dev`: PostgreSQL and Mage's web UI with its scheduler on this checkout, until Ctrl-C."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from basics.errors import GateRefused, PromotionError
from promotion.configuration.environment import Environment, load_environment
from promotion.layout import ENVIRONMENTS, PROJECT
from promotion.pipelines.demands import opened_profiles
from promotion.pipelines.io_config import text_of
from promotion.pipelines.own_name import project_in
from promotion.pipelines.project import Project
from promotion.repository.tree import Tree, tree_of_folder
from runtime.binding import BindingError, bind_locally
from runtime.postgres import Server, ServerError, local_server
from runtime.python_path import python_path
from runtime.run import temporary_folder
from runtime.source_data import load_source
from runtime.web import Web, free_port, local_web

_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_EMAIL = "dev@example.com"
_WAREHOUSE = "warehouse"


@dataclass(frozen=True)
class Checkout:
    """The folders of one checkout. Git ignores `local`, which keeps all data from one start to the next."""

    root: Path

    @property
    def project(self) -> Path:
        """The Mage project."""
        return project_in(self.root)

    @property
    def pod_code(self) -> Path:
        """The package of Python that runs in Mage's pods."""
        return self.root / "charts" / "mage" / "files"

    @property
    def local(self) -> Path:
        """Data of this machine alone."""
        return self.root / ".local"

    @property
    def log(self) -> Path:
        """What Mage writes to its terminal."""
        return self.local / "mage.log"


def serve(root: Path) -> None:
    """Serve the checkout at `root` until Ctrl-C or SIGTERM; raise `PromotionError` where that is not possible."""
    for number in _ENDINGS:
        signal.signal(number, _interrupt)
    try:
        _serve(Checkout(root))
    except KeyboardInterrupt:
        _say("Stopped. The data stays in .local/ for the next start.")
    except BindingError as error:
        raise GateRefused("cannot-bind", str(error), fix="see docs/how-to/connections-and-secrets.md") from error
    except ServerError as error:
        raise PromotionError("no-server", error.problem, fix=error.fix) from error


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    for ending in _ENDINGS:
        signal.signal(ending, signal.SIG_IGN)  # one signal is enough: from here on everything ends
    _say("\nStopping…")
    raise KeyboardInterrupt


def _say(text: str) -> None:
    print(text, flush=True)


def _serve(checkout: Checkout) -> None:
    dev = _dev_environment(checkout)
    checkout.local.mkdir(exist_ok=True)
    _say("Starting PostgreSQL and Mage; the first start takes half a minute…")
    with local_server(checkout.local / "postgres") as server:
        for name in {"mage", "warehouse"} - server.databases():
            server.create_database(name)
        load_source(server)
        password = _kept_secret(checkout.local / "owner-password")
        environment = _environment(checkout, dev, server, password)
        with local_web(checkout.project, port=free_port(), environment=environment, log=checkout.log) as web:
            _wait_until_ready(web, password, checkout)
            _apply_schedules(checkout, dev, environment)
            _greet(web, password, server, checkout)
            code = web.process.wait()
            problem = f"Mage ended by itself with exit code {code}; {web.last_words()}"
            raise PromotionError("mage-ended", problem, fix="correct what it names, and start again")


def _wait_until_ready(web: Web, password: str, checkout: Checkout) -> None:
    if not web.wait_until_it_takes(_EMAIL, password):
        raise PromotionError(
            "mage-not-started",
            f"Mage did not start; {web.last_words()}",
            fix=f"if the password in {checkout.local / 'owner-password'} was changed or lost: "
            f"remove {checkout.local} to start anew",
        )


def _dev_environment(checkout: Checkout) -> Environment:
    return load_environment(_tree(checkout, ENVIRONMENTS), "dev")


def _tree(checkout: Checkout, folder: str) -> Tree:
    files = (checkout.root / folder).rglob("*")
    return tree_of_folder(checkout.root, {file.relative_to(checkout.root).as_posix() for file in files})


def _environment(checkout: Checkout, dev: Environment, server: Server, password: str) -> dict[str, str]:
    """Return Mage's environment variables: dev's values, bound to `server`."""
    project = Project(_tree(checkout, PROJECT))
    opened = opened_profiles(project)
    bound = bind_locally(text_of(project.tree), opened, dev.settings, dev.secrets, server, _WAREHOUSE)
    own = {
        "ENV": dev.name,
        # MAGE.md: autoreload-in-dev
        "DISABLE_AUTORELOAD": "1",  # ENV=dev turns it on; it restarts the server whenever a file changes
        "SCHEDULER_TRIGGER_INTERVAL": "2",  # seconds; each level of a pipeline waits for one interval
        # MAGE.md: memory-guard
        "DEFAULT_EXECUTOR_TYPE": "local_python_force",  # the other value cancels runs when memory looks full
        "MAGE_DATABASE_CONNECTION_URL": server.url("mage").replace("postgresql://", "postgresql+psycopg2://"),
        "MAGE_DATA_DIR": str(checkout.local / "mage"),
        "MAGE_REPO_PATH": str(checkout.project),
        "PYTHONPATH": python_path(checkout.project),
        "REQUIRE_USER_AUTHENTICATION": "1",
        "DEFAULT_OWNER_EMAIL": _EMAIL,
        "DEFAULT_OWNER_USERNAME": "dev",
        "DEFAULT_OWNER_PASSWORD": password,
        "JWT_SECRET": _kept_secret(checkout.local / "jwt-secret"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    inherited = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    return {**inherited, **temporary_folder(os.environ.get("TMPDIR")), **bound, **own}


def _kept_secret(file: Path) -> str:
    """Return the secret in `file`; the first call makes it, readable by us alone."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(18))
    return file.read_text()


def _apply_schedules(checkout: Checkout, dev: Environment, environment: Mapping[str, str]) -> None:
    """Make triggers of this Mage from dev's schedules, as the chart's Job does in a cluster; the UI shows them."""
    wanted = json.dumps({name: schedule.entry for name, schedule in dev.schedules.items()})
    command = [sys.executable, "-P", "-m", "mage_pod.schedules", "/dev/stdin"]
    done = subprocess.run(
        command,
        input=wanted,
        env={**environment, "PYTHONPATH": str(checkout.pod_code)},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        problem = f"Mage did not take the schedules of {dev.name}:\n{done.stderr.strip()[-2000:]}"
        raise PromotionError("schedules-not-taken", problem, fix="correct what it names in the values of dev")
    for line in done.stdout.splitlines():
        if "set back" in line:
            _say(line)


def _greet(web: Web, password: str, server: Server, checkout: Checkout) -> None:
    _say(
        f"""
Mage        {web.address}
log in as   {_EMAIL}
password    {password}

databases   postgresql://{server.user}@{server.host}:{server.port}/   warehouse, source, mage
            password in {checkout.local / "postgres" / "password"}
Mage's log  {checkout.log}

Ctrl-C stops Mage and PostgreSQL; the data stays."""
    )

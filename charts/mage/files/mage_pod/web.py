"""Run Mage's web server in the foreground: until SIGTERM, and then for a few seconds more.

    python3 -m mage_pod.web

WEB_OPEN names the endpoints that `gate` leaves open, separated by commas; WEB_DRAIN_SECONDS is how long a stopping
server still answers. It listens on MAGE_POD_PORT (6789), where /-/live and /-/ready never have the base path.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from tornado.web import Application, RequestHandler

from mage_pod import schema
from mage_pod.gate import close_endpoints
from mage_pod.jobs import JobQueue
from mage_pod.startup import start_mage

_PORT = "6789"
_ANSWER_SECONDS = 4  # less than a kubelet waits for the answer
_REVISION = text("SELECT version_num FROM alembic_version")


def main() -> None:
    """Serve until SIGTERM."""
    readiness = Readiness()
    # MAGE.md: deaf-to-sigterm
    signal.signal(signal.SIGTERM, readiness.stop)
    os.environ["DISABLE_AUTO_BROWSER_OPEN"] = "1"
    start_mage(JobQueue(concurrency=0))  # jobs are the scheduler's
    _leave_out_notebook()
    close_endpoints(os.environ.get("WEB_OPEN", "").split(","))
    # MAGE.md: start-of-mage
    from mage_ai.server import server
    from mage_ai.shared.constants import InstanceType

    _adapt(server, readiness)
    server.start_server(
        port=os.environ.get("MAGE_POD_PORT", _PORT),
        project=os.environ["MAGE_REPO_PATH"],
        instance_type=InstanceType.WEB_SERVER,
    )


class Readiness:
    """Whether this server should get requests."""

    def __init__(self) -> None:
        """Begin without a known problem."""
        self._stopping = False
        self._schema_seen = False

    def stop(self, *_: object) -> None:
        """Answer requests that the cluster still sends for some seconds, then end."""
        if not self._stopping:
            self._stopping = True
            threading.Timer(float(os.environ.get("WEB_DRAIN_SECONDS", "5")), _end).start()

    async def trouble(self) -> str:
        """Return why this server should get no requests."""
        if self._stopping:
            return "stopping"
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._database_trouble), _ANSWER_SECONDS)
        except TimeoutError:
            return f"the database has not answered for {_ANSWER_SECONDS} s"

    def _database_trouble(self) -> str:
        # MAGE.md: health-without-database
        from mage_ai.orchestration.db import engine

        try:
            with engine.connect() as connection:
                found = connection.scalar(_REVISION)
        except SQLAlchemyError as error:
            return f"the database: {str(error).splitlines()[0]}"
        # Seen once is enough: a newer release migrates the schema while this server still answers.
        self._schema_seen = self._schema_seen or found == schema.head()
        return "" if self._schema_seen else f"the schema is at {found}, but this image needs {schema.head()}"


def _end() -> None:
    """End at once, with all processes that were started."""
    for process in psutil.Process().children(recursive=True):
        process.kill()
    sys.stdout.flush()
    os._exit(0)


class Probe(RequestHandler):
    """Answer a kubelet's probe, without a line in the log."""

    def _log(self) -> None:
        pass


class Live(Probe):
    """Whether the event loop turns: any answer shows it."""

    def get(self) -> None:
        """Answer."""
        self.write("ok\n")


class Ready(Probe):
    """Whether requests should be sent here."""

    def initialize(self, readiness: Readiness) -> None:
        """Take the argument of the route."""
        self.readiness = readiness

    async def get(self) -> None:
        """Answer 200, or 503 with the reason."""
        reason = await self.readiness.trouble()
        self.set_status(503 if reason else 200)
        self.write(f"{reason or 'ok'}\n")


def _leave_out_notebook() -> None:
    """Start no notebook kernel where nobody may use it. Call it before the server is imported."""
    # MAGE.md: kernel-for-nobody
    from mage_ai.server import active_kernel, subscriber
    from mage_ai.settings import is_disable_pipeline_edit_access

    if is_disable_pipeline_edit_access():
        active_kernel.switch_active_kernel = lambda *_, **__: None
        subscriber.get_messages = lambda callback: None


def _adapt(server: Any, readiness: Readiness) -> None:
    """Replace what does not fit a pod in Mage's server module: each is a name that the module imported."""
    scratch = Path(tempfile.mkdtemp(prefix="mage-web-"))
    make_app = server.make_app

    def make_app_with_probes(**options: Any) -> Application:
        app: Application = make_app(**options)
        probes = [(r"/-/live", Live), (r"/-/ready", Ready, {"readiness": readiness})]
        app.add_handlers(r".*", probes)  # type: ignore[arg-type]
        return app

    # MAGE.md: start-of-mage
    server.make_app = make_app_with_probes
    # MAGE.md: pause-of-five-seconds
    server.sleep = lambda seconds: None  # Mage waits "after creating the tables", which exist already
    # MAGE.md: next-port
    server.is_port_in_use = lambda *_, **__: False  # otherwise Mage takes the next port, where nobody looks
    # MAGE.md: writes-into-project
    server.file_path_aws_emr = lambda: str(scratch / "aws_emr.json")  # the project is read-only
    # MAGE.md: ui-copied-into-data
    server.get_variables_dir = lambda: str(scratch)  # where the UI is copied to when it has a base path
    # MAGE.md: scheduler-looked-for
    server.check_scheduler_status = lambda: None  # it would log every 20 seconds that none runs here


if __name__ == "__main__":
    main()

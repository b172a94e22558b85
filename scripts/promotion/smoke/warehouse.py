"""The warehouse of runs on this machine: a database of the local server, and the variables that lead to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2

from basics import progress
from basics.errors import GateCouldNotRun, GateRefused
from promotion.configuration.environment import Environment
from promotion.pipelines.demands import opened_profiles
from promotion.pipelines.io_config import text_of
from promotion.pipelines.project import Project
from runtime.binding import BindingError, bind_locally
from runtime.postgres import EXTERNAL_SERVER, ServerError, local_server
from runtime.run import WorkerError
from runtime.source_data import DATABASE as SOURCE
from runtime.source_data import load_source

# `make dev` keeps its databases here, too, so that the source data is loaded once for both.
_DATA = Path(__file__).resolve().parents[3] / ".local" / "postgres"


@dataclass(frozen=True)
class Warehouse:
    """What a run gets: its environment variables, and the address of the tables that it writes."""

    variables: Mapping[str, str] = field(repr=False)
    url: str = field(repr=False)


@contextmanager
def local_warehouse(
    project: Project, environment: Environment, database: str, *, drop: bool
) -> Iterator[Warehouse]:
    """Bind `project`, as `environment` runs it, to `database`, which is made if missing.

    With `drop` the database is removed at the end; otherwise the next run uses it again. Every failure of Mage or
    PostgreSQL, in the `with` block too, is raised as `GateCouldNotRun`.
    """
    opened = opened_profiles(project)
    try:
        with ExitStack() as stack:
            what = f"the source data and {database}" if SOURCE in opened else database
            with progress.step(f"PostgreSQL with {what}"):
                server = stack.enter_context(local_server(None if drop else _DATA, join=True))
                if SOURCE in opened:
                    load_source(server)
                if drop:
                    stack.callback(server.drop_database, database)
                if database not in server.databases():
                    server.create_database(database)
            io_config, unknown = text_of(project.tree), environment.from_cluster
            bound = bind_locally(io_config, opened, environment.settings, unknown, server, database)
            yield Warehouse(bound | {"ENV": environment.name}, server.url(database))
    except BindingError as error:
        raise GateRefused("cannot-bind", str(error), fix="see docs/how-to/connections-and-secrets.md") from error
    except ServerError as error:
        raise GateCouldNotRun("no-server", error.problem, fix=error.fix) from error
    except psycopg2.Error as error:
        fix = f"try again; if it persists, look at {_DATA / 'log'} or at {EXTERNAL_SERVER}"
        raise GateCouldNotRun("no-server", f"PostgreSQL: {str(error).strip()}", fix=fix) from error
    except WorkerError as error:
        raise GateCouldNotRun("mage-could-not-run", str(error), fix="make .venv/installed") from error

"""Make sure that Mage's project, variables, database and schema are there before Mage starts.

Each pod runs this first. Mage itself would start without them and fail later: it prints a failed migration and
ignores it. DATABASE_TIMEOUT (seconds) limits the waiting. The web's pod knows the owner's password
(DEFAULT_OWNER_PASSWORD): there Mage's owner gets it when it has changed.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 it is a class

from mage_pod import database, deferred, owner, schema
from mage_pod.sigterm import end_at_sigterm
from mage_pod.waiting import NotInTime, until

_TIMEOUT = "300"
# Any number except that of Mage's own lock, which gives up after 30 seconds.
_LOCK = 6789_0001
# `env_var('NAME')`, but neither `env_var('NAME', 'default')` nor one with `or` or `| default`.
# MAGE.md: missing-variable-is-none
_NEEDED = re.compile(r"""env_var\(\s*['"](\w+)['"]\s*\)(?!\s*(?:or\b|\|\s*d(?:efault)?\b))""")


class NotReady(Exception):
    """Mage cannot start; the message says why and what to do."""


def main() -> int:
    """Prepare and return the exit code."""
    end_at_sigterm()
    try:
        deadline = _deadline()
        project = _project(deadline)
        _check_name(project)
        _tell_missing_variables(project, os.environ)
        with _database(deadline) as connection:
            _bring_to_head(connection, deadline)
            if "DEFAULT_OWNER_PASSWORD" in os.environ:
                _say(owner.follow_secret(connection, os.environ))
    except (NotReady, database.DatabaseSettingsError) as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    return 0


def _say(text: str) -> None:
    print(text, flush=True)


def _deadline() -> float:
    seconds = os.environ.get("DATABASE_TIMEOUT") or _TIMEOUT
    if not seconds.isdecimal():
        raise NotReady(f"DATABASE_TIMEOUT is {seconds!r}: set it to a number of seconds.")
    return time.monotonic() + int(seconds)


def _project(deadline: float) -> Path:
    """Wait for the project's folder: a sidecar may still be fetching it."""
    if "MAGE_REPO_PATH" not in os.environ:
        raise NotReady("MAGE_REPO_PATH is not set: set it to the folder of the Mage project.")
    project = Path(os.environ["MAGE_REPO_PATH"])

    def there() -> str | None:
        return None if project.is_dir() else f"is not there{_git_sync_error(project)}"

    if problem := _wait(there, deadline, f"the project {project}"):
        raise NotReady(
            f"The project {project} {problem}: bake it into the image (project.source: image, project.folder), or "
            "correct project.git and look into the log of git-sync (project.source: git)."
        )
    return project


def _git_sync_error(project: Path) -> str:
    """Return why git-sync cannot fetch the project."""
    file = project.parents[1] / "git-sync-error.json"
    try:
        error = json.loads(file.read_text())["Err"]
    except OSError:
        return ""
    return f" (git-sync: {' '.join(error.split())})"


def _check_name(project: Path) -> None:
    """Refuse a project under another name than the one it gives itself: Mage would not find blocks by that."""
    folder = project.resolve()
    for link in (folder.parent / "packages").glob("*"):
        if link.is_symlink() and link.resolve() == folder and link.name != project.name:
            raise NotReady(
                f"The project calls itself {link.name}, but Mage gets it as {project}: set project.folder to "
                f"packages/{link.name} in the environment's values, or install with release.yaml, which does."
            )


def _tell_missing_variables(project: Path, environ: Mapping[str, str]) -> None:
    """Name the variables that are missing; only the static gate knows whether a block of the release uses them."""
    file = project / "io_config.yaml"
    text = file.read_text() if file.exists() else ""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    missing = sorted(set(_NEEDED.findall("\n".join(lines))) - environ.keys())
    if missing:
        _say(
            f"{file} reads {', '.join(missing)} from the environment, and nothing supplies it: a block that uses "
            'it gets the text "None". Add it to io.settings (a value) or io.secrets (a reference to a Secret).'
        )


@contextmanager
def _database(deadline: float) -> Iterator[Connection]:
    """Wait for the database and connect to it."""
    described = database.described(os.environ)

    def answers() -> str | None:
        try:
            with schema.connected(os.environ, min(10, deadline - time.monotonic())):
                return None
        except psycopg2.Error as error:
            return " ".join(str(error).split())

    if problem := _wait(answers, deadline, f"the {described}"):
        raise NotReady(
            f"Mage cannot connect to the {described}: {problem}. Correct postgres or database.external in the "
            "environment's values, or start the database; this pod tries for database.timeoutSeconds."
        )
    with schema.connected(os.environ) as connection:
        yield connection


def _wait(problem: Callable[[], str | None], deadline: float, what: str) -> str | None:
    """Call `problem` until it returns None or the deadline passes; return the last problem. Print each new one."""

    def say(found: str) -> None:
        _say(f"Waiting for {what}: {found}")

    try:
        return until(
            problem, what, deadline - time.monotonic(), enough=lambda found: found is None, on_change=say, pause=1
        )
    except NotInTime as late:
        return str(late.seen)


def _bring_to_head(connection: Connection, deadline: float) -> None:
    """Migrate unless the schema is at head; if several pods start at once, one migrates and the others wait."""
    if _at_head(connection):
        return
    if problem := _wait(lambda: _locked_elsewhere(connection), deadline, "another pod that migrates"):
        raise NotReady(f"{problem} for longer than database.timeoutSeconds: look into its log.")
    if not _at_head(connection):
        _migrate(schema.revision(connection))
        if not _at_head(connection):
            raise NotReady("Mage's migrations ended, but the schema is not at head: look at the lines above.")


def _locked_elsewhere(connection: Connection) -> str | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))
        return None if cursor.fetchone() == (True,) else "another pod has been migrating the schema"


def _at_head(connection: Connection) -> bool:
    """Whether the schema is at this image's head; raises `NotReady` if only a newer Mage knows the schema."""
    now, head = schema.revision(connection), schema.head()
    if now is not None and now not in schema.known():
        raise NotReady(
            f"The schema in the {database.described(os.environ)} is at revision {now}, which only a newer "
            f"Mage knows (this image's head is {head}): run an image with the newer Mage, or restore a backup "
            "from before its migration."
        )
    if now == head:
        _say(f"Mage's schema is at head {head}.")
    return now == head


def _migrate(now: str | None) -> None:
    """Run Mage's own migrations in one transaction, all or none; raises `NotReady` with their error."""
    _say(f"Bringing Mage's schema from {now or 'nothing'} to {schema.head()}…")
    database.configure()
    # Imported only here: it takes seconds, and most pods find the schema at head.
    deferred.import_mage()
    # MAGE.md: failed-migration-ignored
    from mage_ai.orchestration.db import set_db_schema
    from mage_ai.orchestration.db.database_manager import database_manager

    try:
        set_db_schema()
        database_manager.run_migrations()
    except Exception as error:  # noqa: BLE001 whatever Mage raises is the reason
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise NotReady(
            f"Mage's schema could not be migrated from {now or 'nothing'} to {schema.head()}: {reason}. "
            f"The {database.described(os.environ)} is unchanged: mend what the reason names, or restore a backup; "
            "this pod then tries again."
        ) from None


if __name__ == "__main__":
    sys.exit(main())

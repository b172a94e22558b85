"""What a pod does before Mage starts, with a real database in each state that it can be in."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mage_ai.authentication import passwords

from helpers import Program, Result
from mage.pods import FILES, Database, copy_of
from mage_pod import schema
from mage_pod.prepare import _LOCK
from runtime.postgres import Server

# In front of everything else, so that `import mage_ai` fails.
_NO_MAGE = "raise RuntimeError('Mage was imported')\n"


class Prepare:
    """`mage_pod.prepare` for one project and one database."""

    def __init__(self, project: Path, database: Database, **variables: str) -> None:
        server = database.server
        self.project, self.database = project, database
        self.variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(FILES),
            "HOME": str(project.parent),
            "MAGE_REPO_PATH": str(project),
            "MAGE_DATA_DIR": str(project.parent / "data"),
            "DATABASE_TIMEOUT": "2",
            "DB_HOST": server.host,
            "DB_PORT": str(server.port),
            "DB_NAME": database.name,
            "DB_USER": server.user,
            "DB_PASS": server.password,
            **variables,
        }

    def start(self, **variables: str) -> Program:
        return Program(sys.executable, "-P", "-m", "mage_pod.prepare", environment=self.variables | variables)

    def run(self, **variables: str) -> Result:
        process = self.start(**variables)
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode in (0, 1), stderr
        assert self.variables["DB_PASS"] not in stdout + stderr
        return Result(process.returncode, stdout, stderr)

    def refused(self, **variables: str) -> str:
        """The last line of what it said when it refused."""
        result = self.run(**variables)
        assert result.exit_code == 1, result.stdout
        return result.stderr.strip().splitlines()[-1]

    def at_head(self) -> bool:
        return self.database.ask("SELECT version_num FROM alembic_version") == [(schema.head(),)]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "mage_project"
    folder.mkdir()
    return folder


@pytest.fixture
def fresh(project: Path, server: Server, database: str) -> Prepare:
    """With an empty database."""
    return Prepare(project, Database(server, database))


@pytest.fixture
def ready(project: Path, template: Database) -> Iterator[Prepare]:
    """With a database that is at head."""
    with copy_of(template) as database:
        yield Prepare(project, database)


@pytest.fixture(scope="module")
def broken(server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[str]]:
    """What it says of a database where somebody has a table of the same name as Mage; the tables afterwards."""
    database = Database(server, "broken")
    server.create_database(database.name)
    database.ask("CREATE TABLE pipeline_run (note text)")
    said = Prepare(tmp_path_factory.mktemp("broken"), database).refused()
    tables = database.ask("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    server.drop_database(database.name)
    return said, [name for (name,) in tables]


@contextmanager
def silent_host() -> Iterator[str]:
    """The port of somebody who takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield str(listener.getsockname()[1])


def test_a_project_under_another_name_than_its_own_is_refused(ready: Prepare, project: Path) -> None:
    link = project.parent / "packages/unit_3"
    link.parent.mkdir()
    link.symlink_to("../mage_project")
    assert "set project.folder to packages/unit_3" in ready.refused()
    assert ready.run(MAGE_REPO_PATH=str(link)).exit_code == 0


def test_an_empty_database_gets_mage_s_schema(fresh: Prepare) -> None:
    result = fresh.run()
    assert (result.exit_code, fresh.at_head()) == (0, True), result.stderr
    assert f"Bringing Mage's schema from nothing to {schema.head()}" in result.stdout


def test_the_head_is_the_one_that_mage_s_own_migration_tool_finds() -> None:
    code = (
        "from pathlib import Path; import importlib.util; from alembic.script import ScriptDirectory;"
        "mage = Path(importlib.util.find_spec('mage_ai').origin).parent;"
        "print(ScriptDirectory(str(mage / 'orchestration/db/migrations')).get_current_head())"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == schema.head()


def test_a_schema_at_head_is_found_without_importing_mage(ready: Prepare, tmp_path: Path) -> None:
    package = tmp_path / "in_front" / "mage_ai"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(_NO_MAGE)
    (package / "orchestration").symlink_to(schema._migrations().parents[2])
    result = ready.run(PYTHONPATH=f"{package.parent}:{FILES}")
    assert result.exit_code == 0, result.stderr
    assert f"at head {schema.head()}" in result.stdout


def test_a_pod_whose_schema_is_at_head_waits_for_nobody(ready: Prepare) -> None:
    with someone_migrating(ready):
        assert ready.run().exit_code == 0


def test_a_schema_of_an_older_mage_is_brought_to_head(ready: Prepare) -> None:
    (before,) = schema._parents()[schema.head()]
    ready.database.ask("DROP TABLE generic_job; DROP TYPE jobtype, jobstatus")
    ready.database.ask("UPDATE alembic_version SET version_num = %s", before)
    result = ready.run()
    assert (result.exit_code, ready.at_head()) == (0, True), result.stderr


def test_a_schema_of_a_newer_mage_is_refused(ready: Prepare) -> None:
    ready.database.ask("UPDATE alembic_version SET version_num = 'fedcba987654'")
    assert "at revision fedcba987654, which only a newer Mage knows" in ready.refused()


def test_a_migration_that_fails_is_told_with_its_reason(broken: tuple[str, list[str]]) -> None:
    said, _ = broken
    assert "could not be migrated from nothing to" in said
    assert 'relation "pipeline_run" already exists' in said


def test_a_migration_that_fails_leaves_the_database_as_it_was(broken: tuple[str, list[str]]) -> None:
    _, tables = broken
    assert tables == ["pipeline_run"]


def test_two_pods_at_once_on_an_empty_database_both_succeed(fresh: Prepare) -> None:
    pods = [fresh.start(DATABASE_TIMEOUT="60") for _ in range(2)]
    output = [pod.communicate(timeout=60) for pod in pods]
    assert [pod.returncode for pod in pods] == [0, 0], output
    assert sum("Bringing Mage's schema" in stdout for stdout, _ in output) == 1


@contextmanager
def someone_migrating(prepare: Prepare) -> Iterator[None]:
    """Another pod is at it for longer than anybody waits."""
    with schema.connected(prepare.variables) as other:
        other.cursor().execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        yield


def test_a_pod_waits_for_another_one_that_migrates(fresh: Prepare) -> None:
    with someone_migrating(fresh):
        assert "another pod has been migrating the schema for longer than" in fresh.refused()


def test_a_database_that_is_not_there_is_named(fresh: Prepare) -> None:
    said = fresh.refused(DB_NAME="no_such")
    server = fresh.database.server
    assert f"Mage cannot connect to the database no_such at {server.host}, port {server.port}: " in said
    assert 'database "no_such" does not exist' in said


def test_a_database_that_appears_in_time_is_used(ready: Prepare, server: Server) -> None:
    name = f"{ready.database.name}_late"
    process = ready.start(DB_NAME=name, DATABASE_TIMEOUT="30")
    assert "Waiting for the database" in process.line()
    with copy_of(ready.database) as late:
        server_rename(ready.database, late.name, name)
        assert process.communicate(timeout=30)[0].strip().endswith(f"at head {schema.head()}.")
        server_rename(ready.database, name, late.name)


def server_rename(database: Database, old: str, new: str) -> None:
    Database(database.server, "postgres").ask(f'ALTER DATABASE "{old}" RENAME TO "{new}"')


def test_a_wrong_password_is_told_within_the_timeout(fresh: Prepare) -> None:
    started = time.monotonic()
    assert "password authentication failed" in fresh.refused(DB_PASS="hunter2-wrong")
    assert time.monotonic() - started < 20


def test_a_host_that_never_answers_is_given_up_within_the_timeout(fresh: Prepare) -> None:
    started = time.monotonic()
    with silent_host() as port:
        said = fresh.refused(DB_PORT=port)
    assert f"Mage cannot connect to the database {fresh.database.name} at 127.0.0.1, port {port}: " in said
    assert "timeout expired" in said
    assert time.monotonic() - started < 20


def test_a_pod_that_is_deleted_while_it_waits_ends_at_once(ready: Prepare) -> None:
    with ready.start(DB_PORT="1", DATABASE_TIMEOUT="600") as process:
        assert process.line().startswith("Waiting for the database")
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM


def test_a_host_that_nobody_knows_is_named(fresh: Prepare) -> None:
    assert "no-such-host.invalid" in fresh.refused(DB_HOST="no-such-host.invalid")


def test_database_settings_that_are_missing_are_named(fresh: Prepare) -> None:
    assert "DB_USER" in fresh.refused(DB_USER="")


def test_variables_that_io_config_reads_and_nobody_supplies_are_named_with_the_key_to_set(ready: Prepare) -> None:
    keys = ("\"{{ env_var('HAVE') }}\"", '{{ env_var("LACK") }}', "{{env_var('LACK_TOO')|tojson}}")
    text = "".join(["default:\n", *(f"  KEY_{number}: {key}\n" for number, key in enumerate(keys))])
    (ready.project / "io_config.yaml").write_text(text)
    done = ready.run(HAVE="")
    assert done.exit_code == 0, "only the static gate knows whether a block of the release uses them"
    assert "io_config.yaml reads LACK, LACK_TOO from the environment" in done.stdout
    assert "Add it to io.settings (a value) or io.secrets" in done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "A: \"{{ env_var('LACK', 'default') }}\"",
        "A: \"{{ env_var('LACK') or 'default' }}\"",
        "A: \"{{ env_var('LACK') | default('x') }}\"",
        "# A: \"{{ env_var('LACK') }}\"",
    ],
)
def test_a_variable_that_io_config_can_do_without_is_not_asked_for(ready: Prepare, line: str) -> None:
    (ready.project / "io_config.yaml").write_text(f"default:\n  {line}\n")
    assert "LACK" not in ready.run().stdout


def test_a_project_that_is_not_there_is_named(ready: Prepare) -> None:
    said = ready.refused(MAGE_REPO_PATH="/no/such/project")
    assert "/no/such/project is not there" in said
    assert "git-sync" in said


def test_what_keeps_git_sync_from_fetching_the_project_is_told(ready: Prepare, tmp_path: Path) -> None:
    (tmp_path / "git-sync-error.json").write_text(
        '{"Msg": "error syncing repo", "Err": "fatal: no such\\nrepository"}'
    )
    said = ready.refused(MAGE_REPO_PATH=str(tmp_path / "release" / "project"))
    assert "is not there (git-sync: fatal: no such repository)" in said


def test_a_project_that_appears_in_time_is_used(ready: Prepare, tmp_path: Path) -> None:
    late = tmp_path / "late"
    process = ready.start(MAGE_REPO_PATH=str(late), DATABASE_TIMEOUT="30")
    assert f"Waiting for the project {late}" in process.line()
    late.symlink_to(ready.project)  # as git-sync does it
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_timeout_that_is_no_number_is_refused(ready: Prepare) -> None:
    assert "DATABASE_TIMEOUT is 'soon'" in ready.refused(DATABASE_TIMEOUT="soon")


OWNER = "owner@example.com"


@pytest.fixture
def owned(ready: Prepare) -> Prepare:
    """With Mage's owner, and a web that has started with the password that the owner was made with."""
    ready.variables |= {"DEFAULT_OWNER_EMAIL": OWNER, "DEFAULT_OWNER_PASSWORD": "the first"}
    ready.database.ask("""INSERT INTO "user" (email, username) VALUES (%s, 'owner'), ('else', 'else')""", OWNER)
    change_in_the_ui(ready, "the first")
    assert ready.run().exit_code == 0
    return ready


def change_in_the_ui(prepare: Prepare, password: str) -> None:
    salt = passwords.generate_salt()
    written = passwords.create_bcrypt_hash(password, salt)
    prepare.database.ask('UPDATE "user" SET password_hash = %s WHERE email = %s', written, OWNER)


def owner_has(prepare: Prepare, password: str) -> bool:
    """Whether Mage would let the owner in."""
    ((kept,),) = prepare.database.ask('SELECT password_hash FROM "user" WHERE email = %s', OWNER)
    return bool(passwords.verify_password(password, kept))


def test_a_changed_owner_password_is_given_to_the_owner(owned: Prepare) -> None:
    result = owned.run(DEFAULT_OWNER_PASSWORD="the second")
    assert f"{OWNER} has the Secret's new owner-password" in result.stdout
    assert owner_has(owned, "the second")
    assert owned.database.ask("SELECT password_hash FROM \"user\" WHERE username = 'else'") == [(None,)]


def test_a_password_that_was_changed_in_the_ui_stays(owned: Prepare) -> None:
    change_in_the_ui(owned, "mine")
    assert owned.run().exit_code == 0
    assert owner_has(owned, "mine")


def test_a_changed_owner_password_replaces_one_that_was_changed_in_the_ui(owned: Prepare) -> None:
    change_in_the_ui(owned, "mine")
    for _ in range(2):
        assert owned.run(DEFAULT_OWNER_PASSWORD="the second").exit_code == 0
    assert owner_has(owned, "the second")


def test_an_owner_from_before_anything_was_noted_keeps_the_password(owned: Prepare) -> None:
    owned.database.ask("DROP TABLE mage_pod_owner_password")
    assert owned.run(DEFAULT_OWNER_PASSWORD="the second").exit_code == 0
    assert owner_has(owned, "the first")


def test_a_changed_owner_password_of_nobody_is_told_until_it_is_somebody_s(owned: Prepare) -> None:
    changed = {"DEFAULT_OWNER_PASSWORD": "the second"}
    told = owned.run(DEFAULT_OWNER_EMAIL="boss@example.com", **changed).stdout
    assert "no user has the address boss@example.com" in told
    assert owned.run(**changed).exit_code == 0
    assert owner_has(owned, "the second")


def test_the_owner_s_password_is_neither_told_nor_kept_in_clear(owned: Prepare) -> None:
    result = owned.run(DEFAULT_OWNER_PASSWORD="the second")
    kept = owned.database.ask("SELECT hash FROM mage_pod_owner_password")
    assert "the second" not in f"{result.stdout}{result.stderr}{kept}"


def test_web_pods_that_start_at_once_give_the_password_together(owned: Prepare) -> None:
    pods = [owned.start(DEFAULT_OWNER_PASSWORD="the second") for _ in range(3)]
    said = [pod.communicate(timeout=60)[0] for pod in pods]
    assert [pod.returncode for pod in pods] == [0, 0, 0]
    assert sum("has the Secret's new owner-password" in text for text in said) == 1

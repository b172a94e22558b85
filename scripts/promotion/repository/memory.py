"""Results worked out from contents, kept by the ids of the contents: nothing is lost when they are deleted."""

from __future__ import annotations

import hashlib
import pickle
import sqlite3
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from zlib import crc32

import yaml

T = TypeVar("T")

_CODE = Path(__file__).parents[1]
_UNKNOWN = object()
_ONE_BY_ONE = 300  # after so many questions of one kind, all values of the kind are read at once: that is faster
_PATIENCE = 1  # seconds to wait for another process that writes
_LARGEST = 512 * 2**20  # bytes; a larger file is replaced by one with what the last command used
_TABLE = "create table if not exists memory (kind, key, value, sum, primary key (kind, key)) without rowid"


class Memory:
    """Values by kind and key, in one SQLite file in `folder`; None keeps them for this process alone.

    A value must depend only on its key and on the code of this package: other code uses another file.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = _File(folder / f"memory-{_version()}.sqlite") if folder else None
        self._values: dict[str, dict[str, Any]] = defaultdict(dict)  # those that were read or worked out
        self._new: dict[str, dict[str, Any]] = defaultdict(dict)
        self._asked: Counter[str] = Counter()

    def recall(self, kind: str, key: str, work_out: Callable[[], T]) -> T:
        """Return the value of `key`, worked out if it is not known."""
        value = self.known(kind, key, _UNKNOWN)
        if value is _UNKNOWN:
            value = work_out()
            self.remember(kind, key, value)
        return value  # type: ignore[no-any-return]

    def known(self, kind: str, key: str, unknown: Any = None) -> Any:
        """Return the value of `key`, or `unknown`."""
        values = self._values[kind]
        if key not in values and self._file and self._asked[kind] <= _ONE_BY_ONE:
            self._asked[kind] += 1
            read = self._file.read(kind, key if self._asked[kind] <= _ONE_BY_ONE else None)
            values.update({other: value for other, value in read.items() if other not in values})
        return values.get(key, unknown)

    def remember(self, kind: str, key: str, value: object) -> None:
        """Keep `value` for `key`; it replaces an older one."""
        self._values[kind][key] = self._new[kind][key] = value

    def at_hand(self, kind: str) -> Mapping[str, Any]:
        """Return the values of `kind` that were read or worked out until now."""
        return self._values[kind]

    def save(self) -> None:
        """Write the new values in one step; if the file cannot be written, they are not kept."""
        if self._new and self._file:
            with suppress(OSError, sqlite3.Error, RecursionError):  # values of very deep YAML raise the last one
                self._file.write(self._new, self._values)
                self._new.clear()


class _File:
    """A SQLite file of pickled values: if it is damaged, they are worked out again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_damaged = False
        self._connection: sqlite3.Connection | None = None
        with suppress(OSError, sqlite3.Error):  # for example a folder without access
            if path.is_file():
                self._connection = sqlite3.connect(path, timeout=_PATIENCE)

    def read(self, kind: str, key: str | None) -> dict[str, Any]:
        """Return the value of `key`, or for None all of `kind`, each by its key; missing ones are left out."""
        if self._connection is None or self._is_damaged:
            return {}
        query, values = "select key, value, sum from memory where kind = ?", [kind]
        try:
            if key is None:
                rows = self._connection.execute(query, values)
            else:
                rows = self._connection.execute(f"{query} and key = ?", [*values, _encoded(key)])
            return {_decoded(key): _value(*row) for key, *row in rows}
        except sqlite3.OperationalError:  # no table yet, or locked for long: do not ask again
            self._connection = None
            return {}
        except Exception:  # noqa: BLE001 (pickle may raise anything)
            self._is_damaged = True
            return {}

    def write(self, new: Mapping[str, Mapping[str, Any]], used: Mapping[str, Mapping[str, Any]]) -> None:
        """Add what is `new`; a file that is damaged or too large is replaced by one with what was `used`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None  # later questions find the new values in `Memory`
        if self._is_damaged or (self._path.exists() and self._path.stat().st_size > _LARGEST):
            self._remove(lambda name: name.startswith(self._path.name))
            new = used
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection, connection:
            connection.execute(_TABLE)
            connection.executemany("insert or replace into memory values (?, ?, ?, ?)", _rows(new))
        self._remove(lambda name: not name.startswith(self._path.name))  # files of other code

    def _remove(self, which: Callable[[str], bool]) -> None:
        """Remove files of this folder; the names of SQLite's own files begin with the name of this one."""
        for file in self._path.parent.iterdir():
            if which(file.name):
                file.unlink(missing_ok=True)


def _rows(values: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, bytes, bytes, int]]:
    for kind, known in sorted(values.items()):  # in the order of the file: that is faster
        for key, value in sorted(known.items()):
            content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            yield kind, _encoded(key), content, crc32(content)


def _value(content: bytes, checksum: int) -> Any:
    if crc32(content) != checksum:
        raise ValueError("the value changed on disk")
    return pickle.loads(content)  # noqa: S301 (whoever can write below .git can run code anyway)


def _encoded(key: str) -> bytes:
    return key.encode(errors="surrogateescape")  # paths that are not UTF-8 are part of keys


def _decoded(key: bytes) -> str:
    return key.decode(errors="surrogateescape")


@cache
def _version() -> str:
    """Return a name for the code that works the values out: other code may work out other values."""
    digest = hashlib.sha256(f"{sys.version} {yaml.__version__}".encode())
    for path in sorted(_CODE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]

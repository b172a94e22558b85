"""What was worked out from a content, kept by the content's id: nothing is lost when it is deleted."""

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
_ONE_BY_ONE = 300  # questions of one kind, after which all of the kind is read: that takes less time than the rest
_PATIENCE = 1  # seconds for somebody else who writes
_LARGEST = 512 * 2**20  # bytes; a larger file is begun anew with what the last command used
_TABLE = "create table if not exists memory (kind, key, value, sum, primary key (kind, key)) without rowid"


class Memory:
    """Values by kind and key, in one SQLite file in `folder`; None keeps them for this process alone.

    A value must depend on nothing but its key and on the code of this package: other code has another file.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._file = _File(folder / f"memory-{_version()}.sqlite") if folder else None
        self._values: dict[str, dict[str, Any]] = defaultdict(dict)  # as far as they were read or worked out
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
        """Keep `value` for `key`, in the place of what was known."""
        self._values[kind][key] = self._new[kind][key] = value

    def at_hand(self, kind: str) -> Mapping[str, Any]:
        """Return what was read or worked out of `kind` until now."""
        return self._values[kind]

    def save(self) -> None:
        """Write what is new in one step; a file that cannot be written is done without."""
        if self._new and self._file:
            with suppress(OSError, sqlite3.Error, RecursionError):  # the last one by values of very deep YAML
                self._file.write(self._new, self._values)
                self._new.clear()


class _File:
    """A SQLite file of pickled values: whatever is wrong with it, they can be worked out again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_damaged = False
        self._connection: sqlite3.Connection | None = None
        with suppress(OSError, sqlite3.Error):  # a folder that nobody may enter, say
            if path.is_file():
                self._connection = sqlite3.connect(path, timeout=_PATIENCE)

    def read(self, kind: str, key: str | None) -> dict[str, Any]:
        """Return the value of `key` by its key, None for all of `kind`; what is not there is left out."""
        if self._connection is None or self._is_damaged:
            return {}
        query, values = "select key, value, sum from memory where kind = ?", [kind]
        try:
            if key is None:
                rows = self._connection.execute(query, values)
            else:
                rows = self._connection.execute(f"{query} and key = ?", [*values, _encoded(key)])
            return {_decoded(key): _value(*row) for key, *row in rows}
        except sqlite3.OperationalError:  # no table yet, or locked for long: it would be again
            self._connection = None
            return {}
        except Exception:  # noqa: BLE001 (pickle raises what it likes)
            self._is_damaged = True
            return {}

    def write(self, new: Mapping[str, Mapping[str, Any]], used: Mapping[str, Mapping[str, Any]]) -> None:
        """Add what is `new`; a file that is damaged or too large is begun anew with what was `used`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None  # who reads on has all that is new at hand
        if self._is_damaged or (self._path.exists() and self._path.stat().st_size > _LARGEST):
            self._remove(lambda name: name.startswith(self._path.name))
            new = used
        with closing(sqlite3.connect(self._path, timeout=_PATIENCE)) as connection, connection:
            connection.execute(_TABLE)
            connection.executemany("insert or replace into memory values (?, ?, ?, ?)", _rows(new))
        self._remove(lambda name: not name.startswith(self._path.name))  # of other code

    def _remove(self, which: Callable[[str], bool]) -> None:
        """Remove files beside this one; the names of those that SQLite itself keeps begin with its own."""
        for file in self._path.parent.iterdir():
            if which(file.name):
                file.unlink(missing_ok=True)


def _rows(values: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, bytes, bytes, int]]:
    for kind, known in sorted(values.items()):  # in the order of the file, which is written faster
        for key, value in sorted(known.items()):
            content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            yield kind, _encoded(key), content, crc32(content)


def _value(content: bytes, checksum: int) -> Any:
    if crc32(content) != checksum:
        raise ValueError("a disk, or somebody, changed it")
    return pickle.loads(content)  # noqa: S301 (who writes below .git runs code of theirs anyway)


def _encoded(key: str) -> bytes:
    return key.encode(errors="surrogateescape")  # paths that are not UTF-8 are part of keys


def _decoded(key: bytes) -> str:
    return key.decode(errors="surrogateescape")


@cache
def _version() -> str:
    """Return a name for the code that works the values out: with other code they may be others."""
    digest = hashlib.sha256(f"{sys.version} {yaml.__version__}".encode())
    for path in sorted(_CODE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]

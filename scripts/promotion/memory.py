"""What was worked out from a content, kept by the content's id: nothing is lost when it is deleted."""

from __future__ import annotations

import hashlib
import pickle
import sys
import tempfile
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

T = TypeVar("T")

_CODE = Path(__file__).parent
_UNKNOWN = object()
_AT_ONCE = 3  # values of one key that are kept for `recall_where`: the source has one, the target another
_VARIANTS = 8  # files of one kind with variants (`kind@variant`)
_LARGEST = 64 * 2**20  # bytes of one kind; beyond it only what the last command used is kept


@dataclass
class _Kind:
    values: dict[Hashable, Any]
    new: dict[Hashable, Any] = field(default_factory=dict)


class Memory:
    """Values by kind and key, in one file per kind below `folder`; None keeps them for this process alone.

    A value must depend on nothing but its key and on the code of this package: other code reads other files.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._kinds: dict[str, _Kind] = {}

    def recall(self, kind: str, key: Hashable, work_out: Callable[[], T]) -> T:
        """Return the value of `key`, worked out if it is not known."""
        known = self._kind(kind)
        value = known.values.get(key, _UNKNOWN)
        if value is _UNKNOWN:
            value = known.new[key] = known.values[key] = work_out()
        return value  # type: ignore[no-any-return]

    def recall_where(
        self, kind: str, key: Hashable, still_holds: Callable[[T], bool], work_out: Callable[[], T]
    ) -> T:
        """Return the value of `key` that `still_holds`, worked out if none of the newest does.

        For what depends on more than its key, and can tell whether that is as it was.
        """
        known = self._kind(kind)
        values: tuple[T, ...] = known.values.get(key, ())
        for value in values:
            if still_holds(value):
                return value
        value = work_out()
        known.new[key] = known.values[key] = (value, *values)[:_AT_ONCE]
        return value

    def known(self, kind: str) -> Mapping[Hashable, Any]:
        """Return all that is remembered as `kind`."""
        return self._kind(kind).values

    def knows(self, kind: str, key: Hashable) -> bool:
        """Tell whether the value of `key` needs no working out."""
        return key in self._kind(kind).values

    def _kind(self, name: str) -> _Kind:
        if name not in self._kinds:
            self._kinds[name] = _Kind(self._read(name))
        return self._kinds[name]

    def save(self) -> None:
        """Write what is new, each file in one step; a folder that cannot be written is done without."""
        for name, kind in self._kinds.items():
            if kind.new and self._folder is not None:
                with suppress(OSError):
                    self._write(self._folder, name, kind)

    def _read(self, name: str) -> dict[Hashable, Any]:
        if self._folder is None:
            return {}
        try:
            content = (self._folder / _file(name)).read_bytes()
            return dict(pickle.loads(content))  # noqa: S301 (who writes below .git runs code of theirs anyway)
        except Exception:  # noqa: BLE001 (whatever is wrong with it, it can be worked out again)
            return {}

    @staticmethod
    def _write(folder: Path, name: str, kind: _Kind) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        content = pickle.dumps(kind.values, pickle.HIGHEST_PROTOCOL)
        if len(content) > _LARGEST:
            content = pickle.dumps(kind.new, pickle.HIGHEST_PROTOCOL)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".new-", delete=False) as file:
            file.write(content)
        Path(file.name).replace(folder / _file(name))
        _remove_outdated(folder, name)


def _remove_outdated(folder: Path, name: str) -> None:
    """Remove what other code wrote of the kind, and the oldest of many variants."""
    family, is_variant, _ = name.partition("@")
    files = sorted(folder.glob(f"{family}[@-]*"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    current = [file for file in files if file.name.endswith(f"-{_version()}")]
    for file in {*files} - {*current[: _VARIANTS if is_variant else 1]}:
        file.unlink(missing_ok=True)


def _file(name: str) -> str:
    return f"{name}-{_version()}"


@cache
def _version() -> str:
    """Return a name for the code that works the values out: with other code they may be others."""
    digest = hashlib.sha256(f"{sys.version} {yaml.__version__}".encode())
    for path in sorted(_CODE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]

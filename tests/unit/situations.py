"""Situations that tests begin in: each is made once in a process, out of another one, and copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from helpers import git, make_clone, remote_of

_CHANGES: dict[str, tuple[str, Callable[[Path], object]]] = {}


@dataclass(frozen=True)
class Situations:
    """A folder with what was made so far; `project`, a clone whose main is pushed, is the first."""

    root: Path

    def copy(self, name: str, folder: Path) -> Path:
        """Copy a clone and its remote to `folder`, which is made; return the clone."""
        shutil.copytree(self._made(name), folder, symlinks=True)
        clone = folder / "clone"
        assert remote_of(clone).is_dir()
        return clone

    def _made(self, name: str) -> Path:
        folder = self.root / name
        if not folder.exists():
            if name in _CHANGES:
                origin, change = _CHANGES[name]
                clone = self.copy(origin, folder)
                change(clone)
            else:
                clone = make_clone(folder)
            for repository in (clone, remote_of(clone)):  # each copy is some files then instead of hundreds
                git(repository, "repack", "-a", "-d", "--quiet")
        return folder


def situation(origin: str) -> Callable[[Callable[[Path], object]], Any]:
    """Make a fixture of what changes the clone of the situation `origin`: it is a clone in which that was done."""

    def decorate(change: Callable[[Path], object]) -> Any:
        name = change.__name__
        assert name not in _CHANGES, f"there are two situations {name}"
        _CHANGES[name] = origin, change

        def fixture(situations: Situations, tmp_path: Path) -> Path:
            return situations.copy(name, tmp_path / "a team's work")

        fixture.__doc__ = change.__doc__
        return pytest.fixture(name=name)(fixture)

    return decorate

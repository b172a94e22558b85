"""The names in the current clone: a shell completes them, and a misspelt word is compared with them."""

from __future__ import annotations

from pathlib import Path

from promotion.cli.place import clone_around
from promotion.layout import ENVIRONMENTS, PROJECT


def environments(**_: object) -> list[str]:
    """Return the environments that the clone configures."""
    return _folders(ENVIRONMENTS)


def sources(**_: object) -> list[str]:
    """Return what can be promoted from."""
    from promotion.repository.git import MAIN

    return [MAIN, *environments()]


def pipelines(**_: object) -> list[str]:
    """Return the pipelines in the clone's work tree."""
    return _folders(f"{PROJECT}/pipelines")


def _folders(path: str) -> list[str]:
    folder = clone_around(Path.cwd()) / path
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else []

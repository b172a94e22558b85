"""Copies of an image's project, which outlive the image's pods."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

_BESIDE = "packages"  # what the project imports beside itself
_KEPT = 5
_logger = logging.getLogger(__name__)


@cache  # an image does not change
def copy_of(project: Path, copies: Path) -> Path:
    """Return the copy in `copies` of the folder around `project`, made now unless it is there; the oldest ones go.

    Where nothing can be written, it returns that folder: runs then go on with the newest code, as without copies.
    """
    folders = [folder for folder in (project, project.parent / _BESIDE) if folder.is_dir()]
    copy = copies / _digest(folders)
    try:
        copies.mkdir(exist_ok=True)
        if not copy.is_dir():
            _make(folders, copy)
        os.utime(copy)
        for old in sorted(copies.iterdir(), key=lambda folder: folder.stat().st_mtime)[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        _logger.warning(
            "Runs will go on with newer code after an upgrade: the project cannot be copied: %s", error
        )
        return project.parent
    return copy


def _make(folders: Sequence[Path], copy: Path) -> None:
    """Make the copy as a whole or not at all, also where two do it at once."""
    made = Path(tempfile.mkdtemp(dir=copy.parent))
    for folder in folders:
        shutil.copytree(folder, made / folder.name, symlinks=True)
    made.chmod(0o755)
    try:
        made.rename(copy)
    except OSError:
        shutil.rmtree(made)
        if not copy.is_dir():
            raise


def _digest(folders: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in _files(folders):
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes()
        for part in (str(path).encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def _files(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file())

"""The packages that a project asks for: in its folder or, if it has no such file, in the nearest one around it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from promotion.adopting.beside import folders_around
from promotion.adopting.changes import Change, Left
from promotion.adopting.source import Source
from promotion.layout import PROJECT

_FILE = "requirements.txt"
_HERE = f"{PROJECT}/{_FILE}"
_NAMES_FILES = re.compile(r"^\s*(-r|-c|-e|--requirement|--constraint|--editable|\.{0,2}/)", re.MULTILINE)


def with_packages_around(source: Source) -> Source:
    """Return `source` with the file around it that its team installs, unless the project has one of its own.

    Others stay behind, and so does one that names further files: a person knows which packages the project needs.
    """
    around = [file for folder in folders_around(source.folder) if (file := folder / _FILE).is_file()]
    has_own = _asks(source.folder / _FILE)
    taken = next((file for file in around[:1] if not has_own and _stands_alone(file)), None)
    why = f"write the packages that the project needs into {_HERE}"
    left = [Left(_from_there(source, file), why) for file in around if file != taken]
    files = {**source.files, _FILE: taken} if taken else source.files
    return replace(source, files=files, left=(*source.left, *left))


def changes_of_packages(source: Source) -> list[Change]:
    """Return what a person is told of a file that comes from around the project."""
    file = source.files.get(_FILE)
    if file is None or file.is_relative_to(source.folder):
        return []
    return [Change(_HERE, f"is {_from_there(source, file)}: the project has none of its own")]


def _asks(file: Path) -> bool:
    """Tell whether the file asks for a package: the one that `mage init` writes is empty."""
    text = file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
    return any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines())


def _stands_alone(file: Path) -> bool:
    return not _NAMES_FILES.search(file.read_text(encoding="utf-8", errors="replace"))


def _from_there(source: Source, file: Path) -> str:
    return os.path.relpath(file, source.folder)

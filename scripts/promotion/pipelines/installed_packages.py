"""What is installed on this machine: the packages, their modules, and what Mage asks for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions, requires
from pathlib import Path, PurePath
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_MAGE = "mage-ai"


class Modules(NamedTuple):
    """Dotted names of modules; in those that are not `solid`, a folder without code, others can add modules."""

    all: frozenset[str]
    solid: frozenset[str]


@cache
def packages_by_module() -> Mapping[str, list[str]]:
    """Return the packages by the modules that they supply: reading them takes seconds."""
    return packages_distributions()


@cache
def of_mages_extras() -> Mapping[str, Requirement]:
    """Return what Mage and its extras ask for, by the canonical names of the packages; nothing without Mage."""
    try:
        wanted = [Requirement(text) for text in requires(_MAGE) or ()]
    except PackageNotFoundError:
        return {}
    return {canonicalize_name(each.name): each for each in wanted}


def file_of_mage(module: str) -> Path:
    """Return the file of a module of Mage, which may be missing."""
    return Path(str(distribution(_MAGE).locate_file(f"{module.replace('.', '/')}.py")))


@cache
def modules_of(packages: frozenset[str]) -> Modules | None:
    """Return the modules of `packages`; None if one of them is not installed here, so nobody can tell."""
    modules: set[str] = set()
    solid: set[str] = set()
    for package in packages:
        try:
            files = _files(distribution(package))
        except PackageNotFoundError:
            return None
        if not files:
            return None
        for file in files:
            parts = (*file.parts[:-1], file.name.partition(".")[0])
            dotted = parts[:-1] if parts[-1] == "__init__" else parts
            modules.update(".".join(dotted[:length]) for length in range(1, len(dotted) + 1))
            solid.add(".".join(dotted))
    return Modules(frozenset(modules), frozenset(solid))


def _files(installed: Distribution) -> list[PurePath]:
    """Return the files of code; empty if the package does not say which, or is a link to a folder."""
    files = [file for file in installed.files or () if ".." not in file.parts]
    if any(file.name.startswith("__editable__") for file in files):
        return []
    code = [file for file in files if file.suffix in (".py", ".so", ".pyd")]
    return list(code or files)

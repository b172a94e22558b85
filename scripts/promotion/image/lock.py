"""The lock of all packages: what the project asks for and what Mage asks for, in versions that fit each other."""

from __future__ import annotations

import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import requires
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from basics.errors import Finding, GateRefused
from basics.process import CommandError, run
from promotion.layout import PROJECT
from promotion.pipelines.requirements import (
    LOCK,
    Asked,
    applies,
    asked_packages,
    locked_packages,
    requirement_files,
)
from promotion.repository.tree import Tree, tree_of_folder

_OF_THIS_MACHINE = "requirements-dev.txt"
_OURS = "pyproject.toml"
_MAGE = "mage-ai"
_COMPILE = ("-m", "uv", "pip", "compile", "--quiet", "--no-emit-index-url", "--python-version", "3.11")


class Change(NamedTuple):
    """A package of the image whose version changed; None where it was not there, or no longer is."""

    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.name}  {self.before or 'new'} → {self.after or 'gone'}"


def lock_packages(root: Path) -> list[Change]:
    """Write both locks of the clone at `root` and return what changed for the image.

    If no versions fit each other, raises `GateRefused` with both sides and writes nothing.
    """
    before = _tree(root)
    with tempfile.TemporaryDirectory(prefix=".lock-", dir=root) as folder:
        scratch = Path(folder)
        constraints = f"{scratch.name}/{LOCK}"
        for name in (LOCK, _OF_THIS_MACHINE):
            shutil.copy(root / name, scratch)  # what still fits stays as it is there
        files = [_OURS, *requirement_files(before)]
        try:
            _compile(root, scratch / LOCK, *files)
            _compile(root, scratch / _OF_THIS_MACHINE, *files, "--group", "dev", "-c", constraints)
        except CommandError as error:
            raise _refusal(before, error) from error
        dev = scratch / _OF_THIS_MACHINE
        dev.write_text(dev.read_text().replace(constraints, LOCK))  # where uv says who asks for a package
        for name in (LOCK, _OF_THIS_MACHINE):
            (scratch / name).replace(root / name)
    return list(_changes(locked_packages(before), locked_packages(_tree(root))))


def _tree(root: Path) -> Tree:
    files = [LOCK, _OURS, *(file.relative_to(root).as_posix() for file in (root / PROJECT).rglob("*"))]
    return tree_of_folder(root, {path for path in files if (root / path).is_file()})


def _compile(root: Path, lock: Path, *arguments: str) -> None:
    run(sys.executable, *_COMPILE, "--custom-compile-command", "make lock", *arguments, "-o", str(lock), cwd=root)


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Change(name, before.get(name), after.get(name))


# Why no versions fit


def _refusal(tree: Tree, error: CommandError) -> Exception:
    if "No solution found" not in error.stderr:
        return error
    return GateRefused(
        "packages-conflict",
        f"no versions of all packages fit each other:\n{error.stderr}",
        fix=f"change what {PROJECT}/requirements.txt asks for, then: make lock",
        findings=conflicts(tree),
    )


def conflicts(tree: Tree) -> list[Finding]:
    """Return what people ask for and Mage or this repository excludes, as far as it shows without the registry."""
    if not {LOCK, _OURS} <= tree.keys():
        return []
    return list(_conflicts(asked_packages(tree), _others(tree), locked_packages(tree)))


def _others(tree: Tree) -> list[tuple[str, Requirement]]:
    """Return what Mage and this repository ask for themselves, each with who does."""
    ours = map(Requirement, tomllib.loads(tree.text(_OURS))["project"]["dependencies"])
    mages = filter(applies, map(Requirement, requires(_MAGE) or ()))
    return [*((_MAGE, each) for each in mages), *((_OURS, each) for each in ours)]


def _conflicts(
    asked: Iterable[Asked], others: Iterable[tuple[str, Requirement]], locked: Mapping[str, str]
) -> Iterator[Finding]:
    for each in asked:
        against = (
            f"{owner} asks for {other.name}{other.specifier}"
            for owner, other in others
            if canonicalize_name(other.name) == each.name
            and each.name in locked
            and not _meet(each.requirement.specifier, other.specifier, locked[each.name])
        )
        for side in islice(against, 1):
            problem = f"asks for {each.requirement}, but {side}"
            fix = f"ask for {each.requirement.name} alone, or for versions that both allow"
            yield Finding(each.path, each.line, "packages-conflict", problem, fix)


def _meet(one: SpecifierSet, other: SpecifierSet, locked: str) -> bool:
    """Tell whether a version may be in both: one that is locked or named."""
    named = {specifier.version.removesuffix(".*") for specifier in (*one, *other)}
    return any((one & other).contains(version, prereleases=True) for version in {locked, *named})

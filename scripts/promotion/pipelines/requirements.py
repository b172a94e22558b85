"""The packages that a project asks for, and those that its image installs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from promotion.layout import PROJECT
from promotion.repository.tree import Tree

if TYPE_CHECKING:
    from packaging.requirements import Requirement

LOCK = "requirements.txt"
_LOCKED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^]]*\])? *(?:===?|@) *([^\s;]+)")
_COMMENT = re.compile(r"(^|\s)#.*$")
# What the image is, whatever this machine is.
_IMAGE = {
    "os_name": "posix",
    "platform_system": "Linux",
    "python_version": "3.11",
    "sys_platform": "linux",
}


@dataclass(frozen=True)
class Asked:
    """One line of a file of requirements."""

    path: str
    line: int
    requirement: Requirement

    @property
    def name(self) -> str:
        """The package's name in the one form that is compared: lower-case letters, digits and `-`."""
        return canonicalize_name(self.requirement.name)


def requirement_files(tree: Tree) -> list[str]:
    """Return where people write packages: the project's own file, and those beside a `dbt_project.yml`."""
    folders = [
        path.removesuffix("/dbt_project.yml")
        for path in tree.paths_at(PROJECT)
        if path.endswith("/dbt_project.yml")
    ]
    own = [PROJECT, *(folder for folder in folders if "/dbt_packages/" not in folder)]
    paths = (f"{folder}/requirements.txt" for folder in dict.fromkeys(own))
    return [path for path in paths if path in tree and tree.is_text(path)]


def asked_packages(tree: Tree) -> list[Asked]:
    """Return the packages that people wrote for the image; options, addresses and other systems are left out."""
    return [asked for path in requirement_files(tree) for asked in _asked(path, tree.text(path))]


def _asked(path: str, text: str) -> Iterator[Asked]:
    written = [(number, _COMMENT.sub("", line).strip()) for number, line in enumerate(text.splitlines(), 1)]
    if not any(line for _, line in written):
        return
    from packaging.requirements import InvalidRequirement, Requirement  # imported here: it takes 0.02 s

    for number, line in written:
        with suppress(InvalidRequirement):
            requirement = Requirement(line)
            if applies(requirement):
                yield Asked(path, number, requirement)


def applies(requirement: Requirement) -> bool:
    """Tell whether the image needs `requirement`: a marker may keep it for other systems, or for an extra."""
    return not requirement.marker or requirement.marker.evaluate({**_IMAGE, "extra": ""})


def locked_packages(tree: Tree) -> Mapping[str, str]:
    """Return the packages of the image, each with its version or its address; empty if `tree` has no lock."""
    lines = tree.text(LOCK).splitlines() if LOCK in tree else []
    found = (match for line in lines if (match := _LOCKED.match(line)))
    return {canonicalize_name(match[1]): match[2] for match in found}

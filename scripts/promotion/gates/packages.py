"""The image must have what the project asks for, and every package that a block imports at each run."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from basics.errors import Finding
from basics.wording import few
from promotion.gates.cloud_secrets import missing_packages
from promotion.gates.dbt_packages import dbt_findings
from promotion.gates.mage_clients import Imported, imports_of_mage
from promotion.layout import PROJECT
from promotion.pipelines.certain_imports import certain_imports
from promotion.pipelines.demands import demands_of
from promotion.pipelines.own_name import how_to_name, importable
from promotion.pipelines.project import Project
from promotion.pipelines.python_modules import files_of_module, imported_modules
from promotion.pipelines.references.values import Import
from promotion.pipelines.requirements import LOCK, Asked, asked_packages, locked_packages
from promotion.pipelines.supplied_modules import is_known_here, likely_packages, missing_modules
from promotion.repository.tree import Tree

_LOCK_ANEW = "run make lock, and promote all pipelines: packages are of the platform"
_INSTALLS = re.compile(r"^(?!\s*#).*\b(pip|conda)\S* install ")


def package_findings(project: Project, pipelines: Collection[str]) -> Iterator[Finding]:
    """Yield what the image lacks for `pipelines`; nothing for a tree that does not say what its image has."""
    tree = project.tree
    locked = locked_packages(tree)
    if not locked or _installs_more(tree):
        return
    asked = asked_packages(tree)
    yield from _not_locked(asked, locked)
    yield from dbt_findings(project, pipelines, locked)
    promised = {each.name for each in asked}
    yield from missing_packages(demands_of(project, pipelines).secrets, locked, promised)
    imports = [each for name in pipelines for each in project.recall("imports", name, _imports_of_others)]
    missing: dict[str, list[_Missing]] = defaultdict(list)
    for imported in dict.fromkeys(imports):
        around = _folders_in_its_name(tree, imported, promised | set(locked))
        if around:
            problem = f"imports {imported.module}, which the project has, but not under that name"
            fix = _under_its_name(tree, imported.module, around)
            yield Finding(imported.path, imported.line, "import-missing", problem, fix)
        else:
            for each in _missing(imported, frozenset(locked), promised):
                missing[each.package].append(each)
    yield from (_told_once(tree, package, places) for package, places in missing.items())


def _folders_in_its_name(tree: Tree, imported: Imported, packages: Collection[str]) -> int:
    """Return how many folders around a module of the project are in its name: those where it comes from.

    0 if the project has no such module, or what is imported is of a package.
    """
    parts = imported.module.count(".") + 1
    found = next((around for around in range(1, parts + 1) if _has(tree, imported, around)), 0)
    if not found or is_known_here(imported.module):  # in this order: the second reads what is installed here
        return 0
    return 0 if canonicalize_name(likely_packages(imported.module)[0]) in packages else found


def _has(tree: Tree, imported: Imported, around: int) -> bool:
    """Tell whether the project has what is imported if the first `around` parts of its name are folders around."""
    rest = [PROJECT, *imported.module.split(".")[around:]]
    return any(f"{'/'.join(path)}.py" in tree for path in (rest, *([*rest, name] for name in imported.names)))


def _under_its_name(tree: Tree, module: str, around: int) -> str:
    """Return how the module of the project is found, in whose name `around` folders are around it."""
    first, *rest = module.split(".")
    return how_to_name(tree, first) if around == 1 else f"write {'.'.join([PROJECT, *rest[around - 1 :]])} instead"


def _installs_more(tree: Tree) -> bool:
    """Tell whether the Dockerfile installs packages of Python beside those of the lock."""
    lines = tree.text("Dockerfile").splitlines() if "Dockerfile" in tree else []
    return any(_INSTALLS.search(line) and LOCK not in line for line in lines)


def _not_locked(asked: Iterable[Asked], locked: Mapping[str, str]) -> Iterator[Finding]:
    for each in asked:
        version = locked.get(each.name)
        if version is None:
            problem = f"asks for {each.requirement}, which {LOCK} does not have, so the image has not"
        elif not _fits(each, version):
            problem = f"asks for {each.requirement}, but {LOCK} has {version}"
        else:
            continue
        yield Finding(each.path, each.line, "package-not-locked", problem, _LOCK_ANEW)


def _fits(asked: Asked, version: str) -> bool:
    try:
        return asked.requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:  # an address
        return True


class _Missing(NamedTuple):
    """A place that needs a package, and how."""

    imported: Imported
    package: str
    what: str


def _missing(imported: Imported, locked: frozenset[str], promised: set[str]) -> Iterator[_Missing]:
    told: set[str] = set()
    for module, names in missing_modules(imported.module, imported.names, locked):
        is_own = module == imported.module
        package = likely_packages(module, names)[0]
        if canonicalize_name(package.split(" @ ")[0]) not in {*promised, *told}:
            told.add(canonicalize_name(package))
            what = f"imports {module}" if is_own else f"runs with {imported.module}, which imports {module}"
            yield _Missing(imported, package, what)


def _told_once(tree: Tree, package: str, places: Iterable[_Missing]) -> Finding:
    """Return a finding at the first place that needs `package`, with the others in it."""
    first, *others = sorted(places)
    where = [f"{each.imported.path}:{each.imported.line_in(tree)}" for each in others]
    also = f"; so do {few(where)}" if others else ""
    problem = f"{first.what}; no package of {LOCK} supplies it{also}"
    fix = f"add {package} to {PROJECT}/requirements.txt, {_LOCK_ANEW}"
    return Finding(first.imported.path, first.imported.line_in(tree), "package-missing", problem, fix)


# What a pipeline imports


def _imports_of_others(project: Project, name: str) -> list[Imported]:
    """Return the imports of the pipeline `name` that every run executes and that are not of the project."""
    tree, closure = project.tree, project.closure(name)
    blocks = zip(closure.pipeline.blocks, closure.block_paths, strict=True) if closure.pipeline else ()
    paths = [path for block, path in blocks if block.language == "python" and block.type != "scratchpad"]
    paths = [path for path in dict.fromkeys(paths) if path in closure.files]
    found = list(imports_of_mage(tree, closure))
    roots = importable(tree)
    for path in paths:  # the list grows in the loop
        for imported in tree.recall("certain imports", path, _certain) if tree.is_text(path) else ():
            modules = list(imported_modules(tree, roots, path, imported))
            files = (file for module in modules for file in files_of_module(tree, module))
            paths += [file for file in dict.fromkeys(files) if file not in paths and file in closure.files]
            if not modules and not _may_be_of_project(tree, imported.module):
                found.append(Imported(path, imported.line, imported.module, imported.names))
    return found


def _certain(content: bytes) -> list[Import]:
    try:
        return list(certain_imports(ast.parse(content.decode())))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # such a file has a finding of its own


def _may_be_of_project(tree: Tree, module: str) -> bool:
    """Tell whether a file of the project could be `module`: code can put any folder on Python's path."""
    first = module.partition(".")[0]
    return any(
        first in (folders := path.split("/")) or f"{first}.py" in folders for path in tree.paths_at(PROJECT)
    )

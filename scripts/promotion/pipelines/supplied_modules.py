"""Which modules the packages of an image supply, as far as this machine can tell; nothing is imported for it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions, requires
from pathlib import Path, PurePath
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from promotion.pipelines.certain_imports import certain_imports

_MAGE = "mage-ai"
_MAGE_CLIENTS = "mage_ai.io."
_OF_EVERY_IMAGE = {
    *sys.stdlib_module_names,
    "setuptools",
    "pkg_resources",
}  # `venv` of Python 3.11 has the last two
# Packages that are not called like what they supply. Others are found by their name, or by what is installed here.
_CALLED_OTHERWISE = {
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "git": "GitPython",
    "github": "PyGithub",
    "googleapiclient": "google-api-python-client",
    "jwt": "PyJWT",
    "kafka": "kafka-python",
    "magic": "python-magic",
    "mysql.connector": "mysql-connector-python",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "snowflake.connector": "snowflake-connector-python",
    "telegram": "python-telegram-bot",
    "websocket": "websocket-client",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}


class Modules(NamedTuple):
    """Dotted names of modules; in those that are not `solid`, a folder without code, others can add modules."""

    all: frozenset[str]
    solid: frozenset[str]


def missing_modules(
    module: str, names: tuple[str, ...], packages: frozenset[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what `from module import names` needs and `packages` (in canonical form) do not supply, as such pairs.

    Of one of Mage's own clients, that is what the client imports. What this machine cannot tell is not yielded.
    """
    if module.partition(".")[0] == "mage_ai":
        for imported, taken in _imports_of_client(module, names):
            yield from missing_modules(imported, taken, packages)
    elif module.partition(".")[0] not in _OF_EVERY_IMAGE and not _named_like(module, names, packages):
        supplied = _supplied(packages)
        if supplied and not _holds(supplied, module, names):
            yield module, names


def is_known_here(module: str) -> bool:
    """Tell whether Python or a package that this machine has supplies the first part of `module`."""
    top = module.partition(".")[0]
    return top in _OF_EVERY_IMAGE or top in _installed()


def likely_packages(module: str, names: Iterable[str] = ()) -> list[str]:
    """Return the packages that may supply `module`, the most likely first."""
    for dotted in (*(f"{module}.{name}" for name in names), *_around(module)):
        if known := _CALLED_OTHERWISE.get(dotted):
            return [known]
        if asked := of_mages_extras().get(canonicalize_name(dotted)):
            return [asked.name]
    top = module.partition(".")[0]
    return _installed().get(top) or [canonicalize_name(top)]


@cache
def _installed() -> Mapping[str, list[str]]:
    """Return the packages of this machine by the modules that they supply: reading them takes seconds."""
    return packages_distributions()


def _around(module: str) -> Iterator[str]:
    """Yield `module` and the packages around it."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def _named_like(module: str, names: tuple[str, ...], packages: frozenset[str]) -> bool:
    """Tell by name alone whether one of `packages` supplies the module: so it is for nearly all, and fast."""
    dotted = (*_around(module), *(f"{module}.{name}" for name in names))
    return any(
        canonicalize_name(name) in packages
        for each in dotted
        for name in (each, _CALLED_OTHERWISE.get(each, each))
    )


@cache
def of_mages_extras() -> Mapping[str, Requirement]:
    """Return what Mage and its extras ask for, by the canonical names of the packages; nothing without Mage."""
    try:
        wanted = [Requirement(text) for text in requires(_MAGE) or ()]
    except PackageNotFoundError:
        return {}
    return {canonicalize_name(each.name): each for each in wanted}


# What is installed


@cache
def _supplied(packages: frozenset[str]) -> Modules | None:
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
            is_package = parts[-1] == "__init__"
            dotted = ".".join(parts[:-1] if is_package else parts)
            modules.update(_around(dotted))
            solid.add(dotted)
    return Modules(frozenset(modules), frozenset(solid))


def _files(installed: Distribution) -> list[PurePath]:
    """Return the files of code; empty if the package does not say which, or is a link to a folder."""
    files = [file for file in installed.files or () if ".." not in file.parts]
    if any(file.name.startswith("__editable__") for file in files):
        return []
    code = [file for file in files if file.suffix in (".py", ".so", ".pyd")]
    return list(code or files)


def _holds(supplied: Modules, module: str, names: tuple[str, ...]) -> bool:
    dotted = list(_around(module))[::-1]
    for package in dotted:
        if package in supplied.solid:
            return True
        if package not in supplied.all:
            return False
    return all(name == "*" or f"{module}.{name}" in supplied.all for name in names)


# Mage's clients import what they talk to


@cache
def _imports_of_client(module: str, names: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Return what Mage's clients among `module` and `module.names` import, also through other clients."""
    clients = [
        each for each in (module, *(f"{module}.{name}" for name in names)) if each.startswith(_MAGE_CLIENTS)
    ]
    found: dict[tuple[str, tuple[str, ...]], None] = {}
    for client in clients:  # the list grows in the loop
        file = Path(str(distribution(_MAGE).locate_file(f"{client.replace('.', '/')}.py")))
        for imported in certain_imports(ast.parse(file.read_text())) if file.is_file() else ():
            if imported.module.startswith(_MAGE_CLIENTS) and imported.module not in clients:
                clients.append(imported.module)
            elif not imported.level and not imported.module.startswith("mage_ai"):
                found[imported.module, imported.names] = None
    return list(found)

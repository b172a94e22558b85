"""Which modules the packages of an image supply, as far as this machine can tell; nothing is imported for it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from promotion.pipelines.certain_imports import imports_always_run

if TYPE_CHECKING:
    from promotion.pipelines.installed_packages import Modules

_MAGE_CLIENTS = ("mage_ai.io.", "mage_ai.streaming.sources.", "mage_ai.streaming.sinks.")
_OF_EVERY_IMAGE = {
    *sys.stdlib_module_names,
    "setuptools",
    "pkg_resources",
}  # `venv` of Python 3.11 has the last two
# It is not in the registry of packages, only in Mage's own repository.
_INTEGRATIONS = "mage-integrations @ git+https://github.com/mage-ai/mage-ai.git#subdirectory=mage_integrations"
# Packages that are not called like what they supply. Others are found by their name, or by what is installed here.
_CALLED_OTHERWISE = {
    "Crypto": "pycryptodome",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "bson": "pymongo",
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
    "mage_integrations": _INTEGRATIONS,
    "magic": "python-magic",
    "mysql.connector": "mysql-connector-python",
    "nats": "nats-py",
    "opensearchpy": "opensearch-py",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "slugify": "python-slugify",
    "snowflake.connector": "snowflake-connector-python",
    "stomp": "stomp.py",
    "telegram": "python-telegram-bot",
    "websocket": "websocket-client",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}


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
        supplied = _installed().modules_of(packages)
        if supplied and not _holds(supplied, module, names):
            yield module, names


def is_known_here(module: str) -> bool:
    """Tell whether Python or a package that this machine has supplies the first part of `module`."""
    top = module.partition(".")[0]
    return top in _OF_EVERY_IMAGE or top in _installed().packages_by_module()


def likely_packages(module: str, names: Iterable[str] = ()) -> list[str]:
    """Return the packages that may supply `module`, the most likely first."""
    for dotted in (*(f"{module}.{name}" for name in names), *_around(module)):
        if known := _CALLED_OTHERWISE.get(dotted):
            return [known]
        if asked := _installed().of_mages_extras().get(canonicalize_name(dotted)):
            return [asked.name]
    top = module.partition(".")[0]
    return _installed().packages_by_module().get(top) or [canonicalize_name(top)]


def _installed() -> ModuleType:
    from promotion.pipelines import installed_packages  # imported here: 0.05 s, and hardly any plan needs it

    return installed_packages


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
        file = _installed().file_of_mage(client)
        body = ast.parse(file.read_text()).body if file.is_file() else []
        for imported in imports_always_run(body):
            if imported.module.startswith(_MAGE_CLIENTS) and imported.module not in clients:
                clients.append(imported.module)
            elif not imported.level and not imported.module.startswith("mage_ai"):
                found[imported.module, imported.names] = None
    return list(found)

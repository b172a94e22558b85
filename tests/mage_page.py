"""What charts/mage/MAGE.md lists, and what the code has of Mage: marks and imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "charts" / "mage" / "MAGE.md"
TESTS = ROOT / "tests" / "mage" / "test_mage_still_needs_it.py"
_CODE = ("scripts/**/*.py", "charts/mage/files/**/*.py", "charts/mage/templates/**/*")
_MARK = re.compile(r"^\s*# MAGE\.md: (.*)$", re.MULTILINE)
_ENTRY = re.compile(r"^- \*\*`(.+?)`\*\* (.*)$", re.MULTILINE)
_ROW = re.compile(r"^\| `(mage_ai.*?)` \| (.*) \|$", re.MULTILINE)
_MODULE = re.compile(r"mage_ai(\.\w+)+")
_QUOTED = re.compile(r"`(.+?)`")


@dataclass(frozen=True)
class Import:
    """A module of Mage that a file imports names of, or names as a text: then none."""

    file: str
    module: str
    names: frozenset[str] = frozenset()


def code() -> dict[str, str]:
    """Return the text of each file that may have to do with Mage, by its path."""
    found = (file for pattern in _CODE for file in ROOT.glob(pattern) if file.is_file())
    return {file.relative_to(ROOT).as_posix(): file.read_text() for file in found}


def marks() -> set[tuple[str, str]]:
    """Return the names of the marks in the code, each with its file."""
    return {(name, file) for file, text in code().items() for name in _MARK.findall(text)}


def imports() -> list[Import]:
    """Return what the code imports of Mage."""
    sources = ((file, text) for file, text in code().items() if file.endswith(".py"))
    return [found for file, text in sources for node in ast.walk(ast.parse(text)) for found in _of(file, node)]


def _of(file: str, node: ast.AST) -> Iterator[Import]:
    if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mage_ai"):
        yield Import(file, node.module or "", frozenset(alias.name for alias in node.names))
    elif isinstance(node, ast.Import):
        yield from (Import(file, each.name) for each in node.names if each.name.startswith("mage_ai"))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE.fullmatch(node.value):
        yield Import(file, node.value)


def entries(page: str) -> dict[str, list[str]]:
    """Return the names of the page, each with the files that it says the code is in."""
    return {name: _QUOTED.findall(places) for name, places in _ENTRY.findall(page)}


def sections(page: str) -> dict[str, list[str]]:
    """Return the names of the page by the heading that they are below."""
    parts = re.split(r"^## (.*)$", page, flags=re.MULTILINE)[1:]
    return {heading: list(entries(text)) for heading, text in zip(parts[::2], parts[1::2], strict=True)}


def imported(page: str) -> dict[str, list[str]]:
    """Return the modules of Mage in the page's table, each with the names that it is imported for."""
    return {module: _QUOTED.findall(names) for module, names in _ROW.findall(page)}


def questions() -> dict[str, str]:
    """Return the names that the tests ask about, each with its kind: `mend` or `relied_on`."""
    functions = (node for node in ast.parse(TESTS.read_text()).body if isinstance(node, ast.FunctionDef))
    return {
        node.name.removeprefix("test_").replace("_", "-"): decorator.id
        for node in functions
        if node.name.startswith("test_")
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Name)
    }

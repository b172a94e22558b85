"""The architecture page names what is there: the layers of the contract, the functions, the files."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROMOTION = ROOT / "scripts" / "promotion"
STEPS = re.findall(r"`(\w+/\w+\.py): ([\w.]+)`", PAGE)
FILES = sorted({path for path in re.findall(r"`([\w/]+\.(?:py|css|yaml))`", PAGE) if "/" in path})


def layers_of_the_contract() -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [name.replace(".", "/") for layer in layers for name in layer.split(" | ")]


def test_the_table_of_layers_is_the_contract() -> None:
    rows = re.findall(r"^\| (`.*?) \|", PAGE.split("## The life")[0], re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"`([\w/]+)`", row)]
    without_a_row = {"demonstration", "reference", "promotion/options", "promotion/layout", "promotion/version"}
    assert told == [name for name in layers_of_the_contract() if name not in without_a_row]


def test_every_package_is_in_a_layer() -> None:
    packages = {f"promotion/{path.parent.name}" for path in PROMOTION.glob("*/__init__.py")}
    assert packages <= set(layers_of_the_contract())


@pytest.mark.parametrize(("path", "name"), STEPS)
def test_every_step_has_its_function(path: str, name: str) -> None:
    scope: list[ast.stmt] = ast.parse((PROMOTION / path).read_text()).body
    for part in name.split("."):
        found = [node for node in scope if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part]
        assert found, f"{path} has no {name}"
        scope = found[0].body


@pytest.mark.parametrize("path", FILES)
def test_every_file_is_there(path: str) -> None:
    bases = (ROOT, ROOT / "scripts", PROMOTION, ROOT / "charts" / "mage")
    assert any((base / path).is_file() for base in bases), path
